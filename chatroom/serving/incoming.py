"""A client's connection outside the pool: what has arrived of its request, and for how long it
has been waiting. Source of what is overridden: gunicorn/workers/gthread.py, version 27.
"""

from __future__ import annotations

import re
import socket
import struct
import time
from contextlib import suppress
from typing import Any

from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import InvalidChunkSize
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn

from chatroom.serving.body import CHUNKS, SMALL_BYTES, Body

HEAD_BYTES = 65536
"""Of a request's head, at most. As many connections as there are places may each hold that."""

BODY_SECONDS, BODY_PIECE = 10.0, 5000
"""A body has so many seconds for so many bytes, or for the rest of it. Apache's mod_reqtimeout asks
for the same rate by default: ``body=20,MinRate=500``."""

BODY_BYTES = 128 * 1024
"""Of a body that the main thread waits for, at least; see ``Worker.expect_messages``."""

WHOLE = 64 * 1024
"""Bytes of a long body that the kernel gathers before whoever reads it goes on."""


class BodyTimeout(BaseException):
    """A client stopped in the middle of its request.

    No ``Exception``: the request ends, whatever the application does about exceptions.
    """


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
            if not isinstance(self.parser.unreader, _Unreader):
                self.parser.unreader = _Unreader(self.sock)
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


class _Unreader(SocketUnreader):  # type: ignore[misc]
    """For requests of which nearly always all has arrived: reads that, and then the socket."""

    max_body_chunk = 256 * 1024  # it copies all that it has several times
    _arrived = memoryview(b"")
    _deadline = _lull = 0.0
    _owes_encouragement = False
    _since_noted = 0  # bytes

    def begin(self, arrived: bytearray, owes_encouragement: bool = False) -> None:
        """Read this first. Nothing is left of the previous request.

        Args:
            owes_encouragement: the client waits for an interim response; it gets that once the
                application wants the body. What it refuses is not sent at all.
        """
        self._arrived = memoryview(arrived)
        self._deadline = time.monotonic() + BODY_SECONDS
        self._owes_encouragement = owes_encouragement
        self._lull = self.sock.lull = 0.0

    def chunk(self, size_hint: int | None = None) -> Any:
        if self._arrived:
            # Piece by piece, since the parser copies all that it has for each small chunk.
            size = max(self.mxchunk, size_hint or 0)
            piece = bytes(self._arrived[:size])
            self._arrived = self._arrived[size:] or memoryview(b"")  # an empty slice keeps it all
            return piece
        if self._owes_encouragement:
            self._owes_encouragement = False
            encourage(self.sock)
        if self.sock.lull and not self._lull:
            self._be_patient(self.sock.lull)
        size = size_hint or 0
        is_long = size > self.mxchunk  # behind a small chunk, the next ones may have come, too
        try:
            data = self._whole(size) if self._lull and is_long else super().chunk(size_hint)
        except BlockingIOError:  # the kernel's timer
            raise BodyTimeout from None
        now = time.monotonic()
        self._since_noted += len(data)
        if self._lull and self._since_noted >= BODY_PIECE:
            self._deadline, self._since_noted = now + self._lull, 0
        elif now > self._deadline:
            raise BodyTimeout
        return data

    def _whole(self, size: int) -> bytes:
        """So much at once; or what has come when the kernel's timer is over, or the client is gone.
        In pieces as they come from a network, each of a packet or two, it would take the
        interpreter from those who talk thousands of times a second."""
        data: bytes = self.sock.recv(min(size, WHOLE), socket.MSG_WAITALL)
        return data

    def _be_patient(self, lull: float) -> None:
        """Whoever reads has time: the body may take as long as it likes, as long as it comes."""
        set_timer(self.sock, lull)
        self._deadline, self._lull, self._since_noted = time.monotonic() + lull, lull, 0

    def take_buffered(self) -> Any:
        rest, self._arrived = bytes(self._arrived), memoryview(b"")
        return super().take_buffered() + rest


def set_timer(sock: socket.socket, seconds: float) -> None:
    """The kernel's, for each read: with a timeout of Python's, slow downloads would end as well."""
    timer = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timer)


def encourage(sock: socket.socket) -> None:
    """Ask for the body that a client has announced."""
    with suppress(OSError):
        sock.send(b"HTTP/1.1 100 Continue\r\n\r\n", socket.MSG_DONTWAIT)


class Crumbled(InvalidChunkSize):  # type: ignore[misc]
    """A body comes in too many chunks."""

    def __str__(self) -> str:
        return "it comes in too many small chunks; send larger ones, or a Content-Length"


def refuse_crumbs(reader: object) -> None:
    """Have the parser count the chunks of a body, before it reads the first one.

    Args:
        reader: gunicorn's, of any body.
    """
    if not isinstance(reader, ChunkedReader):
        return
    parse, chunks, size = reader.parse_chunk_size, 0, 0

    def parse_and_count(unreader: Any, data: bytes | None = None) -> Any:
        nonlocal chunks, size
        found = parse(unreader, data)
        chunks, size = chunks + 1, size + found[0]
        if chunks > CHUNKS + size // SMALL_BYTES:
            raise Crumbled(b"")
        return found

    reader.parse_chunk_size = parse_and_count


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
