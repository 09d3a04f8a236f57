"""Whoever reads a room over HTTP is judged before the view is called, so that none can forget it.

A view that reads a room has it in its route, as ``<room>``, or stands in ``ROOMS``. Whoever wants
to change a message reads it, too.
"""

from __future__ import annotations

from flask import Flask, request

from chatroom.errors import BadRoomName
from chatroom.names import DEFAULT_ROOM, room_name
from chatroom.rooms.policy import Policy, Visitor
from chatroom.web.forwarded import Networks, client_address

ROOMS = {"getAllMessages": DEFAULT_ROOM}
"""The rooms of views that always read the same one."""


def init_app(app: Flask, policy: Policy, proxies: Networks) -> None:
    """Ask the policy before each request."""

    @app.before_request
    def judge() -> None:
        room = _room_to_read()
        if room is not None:
            refusal = policy.may_read(visitor(proxies), room)
            if refusal:
                raise refusal


def visitor(proxies: Networks) -> Visitor:
    """Who has sent the request."""
    return Visitor(client_address(request.environ, proxies))


def _room_to_read() -> str | None:
    names = request.view_args or {}
    if request.method not in ("GET", "HEAD") and ("id" not in names or request.method == "OPTIONS"):
        return None
    name = names.get("room", ROOMS.get(request.endpoint or ""))
    try:
        return None if name is None else room_name(name)
    except BadRoomName:
        return None  # there is none; the view says so
