"""simple-websocket, made to run on our threads and to hold no more than it needs.

Both ends use it: the server's sockets and the client's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import simple_websocket

from chatroom.wire.websocket import CloseCode


class ReadLoop:
    """The library's ``thread_class``: keeps its read loop for ``listen`` to run."""

    name = "simple-websocket"

    def __init__(self, target: Callable[[], None]) -> None:
        self.run = target

    def start(self) -> None:
        """Do nothing: our own thread runs the loop."""


class HandOver:
    """The library's ``event_class``: ``listen`` puts its own ``set`` here, which the library
    calls after each message."""

    def set(self) -> None:
        """Do nothing until ``listen`` has taken over."""


class _NoHandshake:
    """Replaces wsproto's handshake, whose HTTP parser would live as long as the socket."""

    @staticmethod
    def events() -> tuple[()]:
        """Called by the library whenever it receives bytes."""
        return ()


HANDSHAKE_IS_OVER = _NoHandshake()


def server_options(max_message_bytes: int, subprotocols: Sequence[str] = ()) -> dict[str, Any]:
    """Flask-Sock's ``SOCK_SERVER_OPTIONS``.

    Args:
        max_message_bytes: the library counts characters, so this only bounds its memory; the
            message handler counts bytes.
        subprotocols: that the server speaks.
    """
    return {
        "thread_class": ReadLoop,
        "event_class": HandOver,
        "max_message_size": max_message_bytes,
        "receive_bytes": 65536,
        "subprotocols": subprotocols,
        "ping_interval": None,  # recv pings: a kernel timer instead of a selector per socket
    }


def cut_cycles(ws: simple_websocket.Server) -> None:
    """Free what a leaving user held at once, not at the next full garbage collection: with ten
    thousand users, one pauses the room for half a second (``serving.gunicorn.GC_THRESHOLDS``)."""
    del ws.event.set, ws.thread.run
    with suppress(AttributeError):  # a wsproto without this generator has no such cycle
        ws.ws.connection._proto._parse_more.close()
    ws.sock = ws.ws = ws.environ = (
        None  # Flask-Sock creates a class that holds ws; classes are cycles too
    )


def cause_of(ws: simple_websocket.Server, peer_gone: bool) -> str:
    if peer_gone:
        return "gone without a Close"
    if ws.incoming_message_len > (ws.max_message_size or 0):
        return f"close {int(CloseCode.TOO_BIG)}: Message is too big"
    return f"close {int(ws.close_reason)}: {ws.close_message or ''}".rstrip(": ")
