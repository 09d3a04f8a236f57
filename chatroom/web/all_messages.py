"""``/getAllMessages``: the lobby's whole history as one JSON object, as the Go original has it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import chain

from flask import Flask, Response, request

from chatroom.errors import ChatError
from chatroom.history import History
from chatroom.message import visible
from chatroom.names import DEFAULT_ROOM
from chatroom.wire.message_json import to_json

READERS = 8
"""Concurrent responses: each holds a thread while the client reads it."""


def init_app(app: Flask, history: History) -> None:
    """Put the route on the app."""
    readers = threading.BoundedSemaphore(READERS)

    @app.get("/getAllMessages", endpoint="getAllMessages")
    def get_all_messages() -> Response:
        try:
            last = history.head(DEFAULT_ROOM)
            first, rev = history.first(DEFAULT_ROOM), history.rev(DEFAULT_ROOM)
            tag = f"{last}-{first}" + (f"-{rev}" if rev else "")  # the first, when old ones go
        except ChatError as error:
            return _unavailable(error.outside)
        response = Response(mimetype="application/json")
        response.set_etag(tag)
        response.cache_control.no_cache = True
        if request.if_none_match.contains_weak(tag):
            response.status_code = 304
            return response
        if not readers.acquire(blocking=False):
            return _unavailable("The history is being read by too many clients. Try again.")
        response.call_on_close(readers.release)
        stream = _all_messages(history, last.seq)
        try:
            # Before the status is sent: a disk that fails now is a 503; later, a broken response.
            response.response = chain([next(stream)], stream)
        except ChatError as error:
            response.close()
            return _unavailable(error.outside)
        return response


def _all_messages(history: History, upto: int) -> Iterator[bytes]:
    """The lobby as one JSON object, a page of messages at a time."""
    before = '{"Messages":['
    for page in history.pages(DEFAULT_ROOM, 0, upto):
        if texts := ",".join(map(to_json, visible(page))):
            yield (before + texts).encode()
            before = ","
    yield b"]}\n" if before == "," else (before + "]}\n").encode()


def _unavailable(reason: str) -> Response:
    return Response(f"{reason}\n", 503, {"Retry-After": "5"}, mimetype="text/plain")
