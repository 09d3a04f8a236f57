"""A client's connection outside the pool: what has arrived of its request, and for how long it
has been waiting. Source of what is overridden: gunicorn/workers/gthread.py, version 27.
"""

from __future__ import annotations

import re
import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn

HEAD_BYTES = 65536
"""Of a request's head, at most. As many connections as there are places may each hold that."""

HEAD_SECONDS = 10.0
"""In which a head has to be complete: from the connection's beginning, or from the first byte of
a further request."""

BODY_SECONDS = 10.0
"""Without a byte of a request's body, after which the request ends."""

LINGER_SECONDS = 2.0
"""In which a client should close a connection that has ended here. Closing it with bytes unread
would send a reset, which overtakes the response (RFC 9112, section 9.6)."""


class BodyTimeout(BaseException):
    """A client stopped in the middle of its request.

    No ``Exception``: the request ends, whatever the application does about exceptions.
    """


class Incoming(TConn):  # type: ignore[misc]
    """A client's connection: the main thread's, except while the pool handles a request of it."""

    head = b""
    """What has been read of the next request, by the main thread."""
    line: Line | None = None
    """Where it waits; None while the pool has it."""
    since = 0.0
    """When it began to wait there, by the monotonic clock."""

    def add(self, data: bytes) -> bool:
        """Add to the head; True if it is complete, or malformed: the parser has words for that."""
        seen = max(0, len(self.head) - 3)
        self.head += data
        is_whole = b"\r\n\r\n" in self.head[seen:]
        if is_whole or self.head.count(b"\n") != self.head.count(b"\r\n"):
            self.head = quoted(self.head)
            return True
        return False

    def init(self) -> None:
        """On a thread of the pool, before each request: let the parser have the head."""
        if not self.initialized:
            # The kernel's timer: with a timeout of Python's, slow downloads would end as well.
            timer = struct.pack("ll", int(BODY_SECONDS), int(BODY_SECONDS % 1 * 1_000_000))
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timer)
        super().init()
        if self.head:
            if not isinstance(self.parser.unreader, _Unreader):
                self.parser.unreader = _Unreader(self.sock)
            self.parser.unreader.unread(self.head)
            self.head = b""

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
        self.sock.setblocking(False)
        self.sock.shutdown(socket.SHUT_WR)


class _Unreader(SocketUnreader):  # type: ignore[misc]
    def chunk(self, size_hint: int | None = None) -> Any:
        try:
            return super().chunk(size_hint)
        except BlockingIOError:  # the kernel's timer
            raise BodyTimeout from None


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


class WaitingRoom:
    """The connections that the main thread waits for. Each costs a descriptor and its head.

    Args:
        places: for all of them together.
        keepalive: seconds that a connection is kept between two requests.
    """

    def __init__(self, places: int, keepalive: float) -> None:
        self.places = places
        self.heads = Line(HEAD_SECONDS)
        self.idle = Line(keepalive)
        """Between two requests."""
        self.ending = Line(LINGER_SECONDS)
        self._lines = (self.heads, self.idle, self.ending)

    def __len__(self) -> int:
        return sum(map(len, self._lines))

    def put(
        self,
        conn: Incoming,
        line: Line,
        poller: selectors.BaseSelector,
        when_readable: Callable[[object], None],
    ) -> None:
        """Let the connection wait in ``line``, from now on.

        Raises:
            OSError: the poller takes no more.
        """
        if conn.line is None:
            poller.register(conn.sock, selectors.EVENT_READ, when_readable)
        else:
            del conn.line[conn]
        conn.line, conn.since = line, time.monotonic()
        line[conn] = None

    def take(self, conn: Incoming, poller: selectors.BaseSelector) -> None:
        """Let it wait no longer."""
        if conn.line is not None:
            del conn.line[conn]
            conn.line = None
            poller.unregister(conn.sock)

    def longest(self) -> Incoming | None:
        """The one that has waited longest, in the longest line; None if nobody waits."""
        line: Line = max(self._lines, key=len)
        return next(iter(line), None)

    def expired(self, patience: float) -> Iterator[Incoming]:
        """Those that have waited for too long, or for longer than ``patience`` seconds."""
        now = time.monotonic()
        for line in self._lines:
            while (conn := next(iter(line), None)) and (
                now - conn.since > min(line.patience, patience)
            ):
                yield conn  # the caller closes it
