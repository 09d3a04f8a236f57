"""Where a request's body ends, so that the main thread can wait for it (RFC 9112, section 6).

What it means, and what is wrong with it, is the parser's business: this only counts bytes.
"""

from __future__ import annotations

import re

_FIELD = re.compile(
    rb"\r\n(content-length|transfer-encoding|expect|upgrade):[ \t]*([^\r\n]*)", re.I
)
_LENGTH = re.compile(rb"0*([0-9]{1,18})[0-9]*")
_CHUNK = re.compile(rb"0*([0-9A-Fa-f]{1,16})[0-9A-Fa-f]*[ \t]*(?:;.*)?", re.DOTALL)
"""A size with more digits than these is beyond all limits anyway."""

CHUNKS, CHUNK_BYTES = 256, 1024
"""A body may come in so many chunks, plus one for so many bytes: each costs the interpreter some
microseconds, however small it is."""

SMALL_BYTES = 256
"""Of a long body, which the application reads as it comes, one more chunk for so many: of 16 MB in
chunks of one byte, the parser would keep everybody else waiting for a minute."""

LINE_BYTES = 8190
"""Of the line before a chunk: the parser refuses a longer one (gunicorn/http/body.py)."""


class Body:
    """The body that follows a head.

    Args:
        head: the whole of it, including the empty line.
    """

    __slots__ = (
        "_chunks",
        "_is_chunked",
        "_next",
        "begin",
        "expects_continue",
        "has_ended",
        "is_crumbled",
        "size",
        "wants_socket",
    )

    def __init__(self, head: bytes) -> None:
        fields = {found[1].lower(): found[2].strip().lower() for found in _FIELD.finditer(head)}
        length = _LENGTH.fullmatch(fields.get(b"content-length", b""))
        self.begin = len(head)
        self.size = int(length[1]) if length else 0
        """Bytes: as announced, or of a chunked one, what has arrived."""
        self.expects_continue = fields.get(b"expect") == b"100-continue" and b" HTTP/1.1\r" in head
        self.wants_socket = fields.get(b"upgrade", b"").lower() == b"websocket"
        self.has_ended = False
        """All of it has arrived, or something malformed."""
        self.is_crumbled = False
        """It comes in too many chunks."""
        self._chunks = 0
        self._is_chunked = b"transfer-encoding" in fields
        self._next = self.begin  # where the next chunk begins

    def look(self, request: bytearray) -> None:
        """Look at all that has arrived of the request."""
        if not self._is_chunked:
            self.has_ended = len(request) - self.begin >= self.size
            return
        while (end := request.find(b"\r\n", self._next)) >= 0:
            found = _CHUNK.fullmatch(request[self._next : end])
            size = int(found[1], 16) if found else 0
            if not size:
                # behind the trailers, of which there are usually none
                self.has_ended = not found or request.find(b"\r\n\r\n", end) >= 0
                break
            self._next = end + len(b"\r\n") + size + len(b"\r\n")
            self._chunks += 1
            if self._chunks > CHUNKS + self._next // CHUNK_BYTES:
                self.is_crumbled = True
                break
        else:
            self.has_ended = len(request) - self._next > LINE_BYTES
        self.size = len(request) - self.begin
