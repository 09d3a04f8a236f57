"""A client's connection outside the pool: what has arrived of its request, and for how long it
has been waiting. Source of what is overridden: gunicorn/workers/gthread.py, version 27.
"""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import TConn

from chatroom.serving.body import Body
from chatroom.serving.body_input import BODY_PIECE, BODY_SECONDS, Unreader, encourage, set_timer

HEAD_BYTES = 65536
"""Of a request's head, at most. As many connections as there are places may each hold that."""

BODY_BYTES = 128 * 1024
"""Of a body that the main thread waits for, at least; see ``Worker.expect_messages``."""


class Incoming(TConn):  # type: ignore[misc]
    """A client's connection: the main thread's, except while the pool handles a request of it."""

    body: Body | None = None
    """Known once the head of the next request is complete."""
    is_partial = False
    """The request is handed over although its body has not ended."""
    counted = noted = 0
    """Bytes that the waiting room counts for it; and those there when it began to wait."""
    line: Line | None = None
    """Where it waits; None while the pool has it."""
    since = 0.0
    """When it began to wait there, by the monotonic clock."""
    shakes_hands = False
    """It is about to get a socket. Any thread may end that."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.arrived = bytearray()
        """What has been read of the next request, by the main thread."""

    def add(self, data: bytes, body_bytes: int = BODY_BYTES) -> bool:
        """Add to the request; True if it is complete, or malformed: the parser has words for that.

        Also if its body is longer than ``body_bytes``: the application has words for that.
        """
        seen = max(0, len(self.arrived) - 3)
        self.arrived += data
        if not self.body:
            end = self.arrived.find(b"\r\n\r\n", seen) + 4
            if end < 4:
                return self.arrived.count(b"\n") != self.arrived.count(b"\r\n")
            head = quoted(bytes(self.arrived[:end]))
            self.arrived[:end] = head
            self.body = Body(head)
        self.body.look(self.arrived)
        too_long = self.body.size > body_bytes and not self.body.is_crumbled
        self.is_partial = too_long and not self.body.has_ended
        return self.body.has_ended or self.is_partial

    @property
    def wants_socket(self) -> bool:
        """Whether the request, which is complete, asks for a WebSocket."""
        return self.body is not None and self.body.wants_socket

    def has_gone(self) -> bool:
        """Whether the client has hung up while it was not listened to."""
        try:
            return not self.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def has_progressed(self) -> bool:
        """Whether so much of a body has come that the rest may take its time again."""
        return self.body is not None and len(self.arrived) - self.noted >= BODY_PIECE

    def encourage(self) -> None:
        """Send the interim response that some clients wait for, before they send a body."""
        if self._owes_encouragement():
            encourage(self.sock)

    def _owes_encouragement(self) -> bool:
        if self.body is None or not self.body.expects_continue:
            return False
        return len(self.arrived) == self.body.begin

    def init(self) -> None:
        """On a thread of the pool, before each request: let the parser have what has arrived."""
        if not self.initialized:
            set_timer(self.sock, BODY_SECONDS)
        super().init()
        if self.arrived:
            if not isinstance(self.parser.unreader, Unreader):
                self.parser.unreader = Unreader(self.sock)
            self.parser.unreader.begin(self.arrived, self._owes_encouragement())
            self.forget()

    def forget(self) -> None:
        """Be ready for the next request."""
        self.arrived, self.body = bytearray(), None

    def answer(self, status: str) -> None:
        """Respond without the application, and without waiting; with TLS, not at all."""
        body = f"{status}\n"
        head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: text/plain\r\n"
        response = f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
        with suppress(OSError, ValueError):
            self.sock.send(response, socket.MSG_DONTWAIT)

    def say_goodbye(self) -> None:
        """Send nothing more; what the client still sends may be read.

        Raises:
            OSError: the client has gone.
        """
        self.forget()
        self.sock.setblocking(False)
        self.sock.shutdown(socket.SHUT_WR)


def quoted(head: bytes) -> bytes:
    """The head with a request line in ASCII: ``curl`` sends a URL as it is typed, in UTF-8."""
    if head.isascii():
        return head
    line, end, rest = head.partition(b"\r\n")
    return re.sub(rb"[\x80-\xff]", lambda byte: b"%%%02X" % byte[0][0], line) + end + rest


class Line(dict[Incoming, None]):
    """Connections that wait for the same thing, in the order in which they began to.

    Args:
        patience: seconds.
    """

    __slots__ = ("patience",)

    def __init__(self, patience: float) -> None:
        super().__init__()
        self.patience = patience
