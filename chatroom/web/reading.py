"""Whoever reads a room over HTTP is judged before the view is called, so that none can forget it.

A view that reads a room has it in its route, as ``<room>``, or stands in ``ROOMS``. Whoever wants
to change a message reads it, too, and whoever uploads has to be let in. Who has sent a request is
found out here, from its ``Authorization``: by a token, a pass, a key, a code or an operator's link.
"""

from __future__ import annotations

from flask import Flask, g, request

from chatroom.engine import Engine
from chatroom.errors import BadRoomName, ChatError, HandshakeRefused
from chatroom.names import DEFAULT_ROOM, room_name
from chatroom.rooms.policy import Place, Visitor
from chatroom.web.forwarded import Networks, client_address

ROOMS = {"getAllMessages": DEFAULT_ROOM}
"""The rooms of views that always read the same one."""

CHANGED = ("id", "file")
"""What a route has in its path that changes a message, or brings a file."""

VIEW, VIEWED = "view", ("api.file", "api.thumbnail")
"""A parameter, and the only views that it is for: see ``Tokens.write_view``."""


def init_app(app: Flask, engine: Engine, proxies: Networks) -> None:
    """Ask the policy before each request."""

    @app.before_request
    def judge() -> None:
        room = _room_to_read()
        if room is None:
            return
        if request.blueprint:  # the API says itself if that fails
            visitor, place = visit(engine, proxies, room)
        else:
            visitor, place = _visit(engine, proxies, room)
        if refusal := engine.policy.may_read(visitor, place):
            raise refusal


def visit(engine: Engine, proxies: Networks, room: str) -> tuple[Visitor, Place]:
    """Who has sent the request, and where to; found out once.

    Raises:
        HistoryUnavailable: it cannot be found out now.
    """
    known: dict[str, tuple[Visitor, Place]] = g.setdefault("visits", {})
    if room not in known:
        address = client_address(request.environ, proxies)
        view = request.args.get(VIEW, "") if request.endpoint in VIEWED else ""
        if view and not bearer():
            known[room] = engine.doors.view(room, address, view)
        else:
            known[room] = engine.doors.visit(room, address, bearer())
    return known[room]


def _visit(engine: Engine, proxies: Networks, room: str) -> tuple[Visitor, Place]:
    try:
        return visit(engine, proxies, room)
    except ChatError as error:
        raise HandshakeRefused(503, error.outside, {"Retry-After": "5"}) from error


def code_to_give(engine: Engine, proxies: Networks, room: str) -> str:
    """The room's code, if whoever has sent the request may give it to others; else empty.

    Raises:
        HandshakeRefused: 503: it cannot be found out now.
    """
    if not bearer():
        return ""
    visitor, place = _visit(engine, proxies, room)
    if not engine.policy.may_give_the_code(visitor, place):
        return ""
    # Of one that is hashed, only whoever has just shown it knows what it is.
    return place.charter.code or (bearer() if visitor.proof.code else "")


def bearer() -> str:
    """What the request has in ``Authorization``; empty for nothing of ours (RFC 6750)."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return ""
    try:  # a code may have any letters, which come as UTF-8
        return text.strip().encode("latin-1").decode()
    except UnicodeError:
        return text.strip()


def _room_to_read() -> str | None:
    names = request.view_args or {}
    changes = request.method != "OPTIONS" and not names.keys().isdisjoint(CHANGED)
    if request.method not in ("GET", "HEAD") and not changes:
        return None
    name = names.get("room", ROOMS.get(request.endpoint or ""))
    try:
        return None if name is None else room_name(name)
    except BadRoomName:
        return None  # there is none; the view says so
