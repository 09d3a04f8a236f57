"""How a request's body is read, on its thread: what has arrived, and then the socket; neither too
slowly nor in crumbs. Source of what is overridden: unreader.py and body.py in gunicorn/http,
version 27.
"""

from __future__ import annotations

import socket
import struct
import time
from contextlib import suppress
from typing import Any

from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.errors import InvalidChunkSize
from gunicorn.http.unreader import SocketUnreader

from chatroom.serving.body import CHUNKS, SMALL_BYTES

BODY_SECONDS, BODY_PIECE = 10.0, 5000
"""A body has so many seconds for so many bytes, or for the rest of it. Apache's mod_reqtimeout asks
for the same rate by default: ``body=20,MinRate=500``."""

WHOLE = 64 * 1024
"""Bytes of a large chunk that the kernel gathers before whoever reads it goes on."""


class BodyTimeout(BaseException):
    """A client stopped in the middle of its request.

    No ``Exception``: the request ends, whatever the application does about exceptions.
    """


class Unreader(SocketUnreader):  # type: ignore[misc]
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
        self._get_ready()
        size = size_hint or 0
        is_long = size > self.mxchunk  # behind a small chunk, the next ones may have come, too
        try:
            data = self._whole(size) if self._lull and is_long else super().chunk(size_hint)
        except BlockingIOError:  # the kernel's timer
            raise BodyTimeout from None
        self._count(len(data))
        return data

    def readinto(self, box: memoryview) -> int:
        """Read the body's next bytes, of which there are as many as the box holds, without a copy.

        Returns:
            How many: all, if whoever reads has time; else what is there. 0: the client is gone.

        Raises:
            BodyTimeout: they come too slowly.
            OSError: the connection is broken.
        """
        if held := self.take_buffered():
            piece, rest = held[: len(box)], held[len(box) :]
            box[: len(piece)] = piece
            self.unread(rest)
            return len(piece)
        self._get_ready()
        try:
            size: int = self.sock.recv_into(box, 0, socket.MSG_WAITALL if self._lull else 0)
        except BlockingIOError:  # the kernel's timer
            raise BodyTimeout from None
        self._count(size)
        return size

    def _get_ready(self) -> None:
        """Before the socket is read."""
        if self._owes_encouragement:
            self._owes_encouragement = False
            encourage(self.sock)
        if self.sock.lull and not self._lull:
            self._be_patient(self.sock.lull)

    def _count(self, size: int) -> None:
        """So many bytes have come."""
        now = time.monotonic()
        self._since_noted += size
        if self._lull and self._since_noted >= BODY_PIECE:
            self._deadline, self._since_noted = now + self._lull, 0
        elif now > self._deadline:
            raise BodyTimeout

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


class Input(Body):  # type: ignore[misc]
    """A request's ``wsgi.input``; werkzeug's stream uses ``readinto`` where there is one.

    Args:
        reader: gunicorn's, of any body.
    """

    def __init__(self, reader: Any) -> None:
        super().__init__(reader)
        refuse_crumbs(reader)

    def readinto(self, box: bytearray | memoryview) -> int:
        """Fill the box, or a part of it; 0 at the end.

        A body whose length is known comes from the socket at once: by way of the parser, each byte
        would be copied four times, in which nobody in the room could say anything.
        """
        reader, whole = self.reader, memoryview(box)
        is_plain = isinstance(reader, LengthReader) and isinstance(reader.unreader, Unreader)
        if self.buf.tell() or not is_plain:
            data = self.read(len(whole))
            whole[: len(data)] = data
            return len(data)
        wanted = min(len(whole), reader.length)
        try:
            size: int = reader.unreader.readinto(whole[:wanted]) if wanted else 0
        except Exception:
            self.failed = True
            raise
        reader.length -= size
        return size


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
