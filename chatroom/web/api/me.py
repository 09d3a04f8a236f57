"""What belongs to a person: everything that the server has of them, for them alone."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from itertools import chain

from flask import Blueprint, Response, request

from chatroom.configuration import Configuration
from chatroom.engine import Engine
from chatroom.errors import Problem
from chatroom.files.magic import kind_of
from chatroom.names import DEFAULT_ROOM
from chatroom.rooms.person import is_known_in, rooms_of, told
from chatroom.users.proof import Proof
from chatroom.web import reading
from chatroom.web.api import responses, thumbnails
from chatroom.web.api.archive import Entry, archive
from chatroom.web.api.pace import demand_turn
from chatroom.web.forwarded import client_address
from chatroom.wire.acts import Forget

log = logging.getLogger(__name__)

PIECE = 256 * 1024
"""Bytes of a file that are in memory at once."""

AT_ONCE = 2
"""People who are looked for in all rooms: each takes one of the threads for plain HTTP, and one of
the history's readers, for as long as all messages take to be read. As many read theirs as erase
it: whoever reads slowly keeps nobody from erasing."""

WHO = "Send Authorization: Bearer TOKEN, with the token that the typed protocol's welcome gave you."


def init(api: Blueprint, engine: Engine, configuration: Configuration, timeout: float) -> None:
    """Put the routes on the blueprint.

    Args:
        timeout: seconds that the Server thread has to answer, for each room.
    """
    reading_places, erasing_places = (threading.BoundedSemaphore(AT_ONCE) for _ in range(2))

    def asked_by() -> str:
        """Whose token the request has: no pass or key, which are of one room."""
        identity = engine.tokens.read(reading.bearer())
        if identity is None:
            raise Problem("bad-token", WHO, {"WWW-Authenticate": "Bearer"})
        demand_turn(engine.act_pace, identity.user_id)
        return identity.user_id

    def take_place(places: threading.BoundedSemaphore, stack: ExitStack) -> None:
        if not places.acquire(blocking=False):
            raise Problem("busy", "Too many people ask for theirs at once. Try again.")
        stack.callback(places.release)

    def download(name: str, begin: Callable[[], Iterator[bytes]]) -> Response:
        response = responses.fresh("")
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        if request.method == "HEAD":
            return response
        with ExitStack() as leaving:
            take_place(reading_places, leaving)
            pieces = begin()
            # The first rooms are looked into before the status is sent: see messages.as_lines.
            response.response = chain([next(pieces)], pieces)
            response.call_on_close(leaving.pop_all().close)
        return response

    def all_told(user_id: str) -> Iterator[bytes]:
        pieces = (piece.encode() for piece in told(engine.history, user_id))
        yield next(pieces) + next(pieces)
        yield from pieces
        yield b"\n"

    @api.get("/me")
    def me() -> Response:
        user_id = asked_by()
        return download("chatroom.json", lambda: all_told(user_id))

    @api.get("/me.zip")
    def me_with_files() -> Response:
        user_id = asked_by()

        def begin() -> Iterator[bytes]:
            return archive(_entries(engine, user_id, all_told(user_id)))

        response = download("chatroom.zip", begin)
        response.mimetype = "application/zip"
        return response

    @api.delete("/me")
    def forget_me() -> Response:
        responses.demand_origin(configuration)
        user_id = asked_by()
        address = client_address(request.environ, configuration.trusted_proxies)
        with ExitStack() as leaving:
            take_place(erasing_places, leaving)
            history = engine.history
            # What the whole server knows goes with any room's.
            rooms = [
                room or DEFAULT_ROOM
                for room in rooms_of(history, user_id)
                if is_known_in(history, room, user_id)
            ]
            for room in dict.fromkeys(rooms):
                engine.server.rule(
                    room, Forget(), by=Proof(user_id=user_id), address=address, timeout=timeout
                )
        # Not from where: nothing is to say who this was.
        log.info("erased: %s, in %d rooms, on their own request", user_id, len(set(rooms)))
        return responses.fresh(json.dumps({"userId": user_id, "rooms": len(set(rooms))}))


def _entries(engine: Engine, user_id: str, told: Iterator[bytes]) -> Iterator[Entry]:
    yield Entry("chatroom.json", told, is_text=True)
    if engine.files is None:
        return
    for file in engine.history.files_of(user_id):
        if not file.is_whole:
            continue
        try:
            stream = engine.files.open(file.id)
        except FileNotFoundError:  # deleted just now
            continue
        with closing(stream):
            pieces = iter(partial(stream.read, PIECE), b"")
            yield Entry(f"files/{file.id}-{file.name}", pieces)
        if small := thumbnails.stored(engine.files, file):
            ending = kind_of(small).removeprefix("image/")
            yield Entry(f"files/{file.id}-thumbnail.{ending}", [small])
