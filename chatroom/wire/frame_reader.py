"""Parses whole text frames out of a client's bytes before the library sees them.

Nearly every frame of a chat is an unfragmented, masked text frame, and parsing it here costs a
tenth of what the library's layers cost. The rest goes to the library: control frames one by
one, and everything from the first unusual byte on. RFC 6455, section 5.2.

It does so a little at a time, so that the reader can pause in between: a read of 64 KiB may hold
eleven thousand frames.
"""

from __future__ import annotations

_TEXT = 0x81  # FIN, no reserved bits, opcode 1
PONG = 0x8A
_CONTROL = (0x88, 0x89, PONG)
_MASKED = 0x80
_LEAST = {126: 126, 127: 65536}  # the RFC demands the shortest encoding of a length

TEXTS_AT_ONCE = 64
"""Texts that one call returns at most: about a millisecond's work."""

LIBRARY_BYTES = 256
"""Bytes for the library that one call returns at most: up to 42 frames, about a millisecond."""

LEAST_FRAGMENT = 16
"""Payload bytes of a fragment that is not considered idle."""


class FrameReader:
    """Splits a client's bytes into frames. Owned by one thread, like the socket that it reads.

    Args:
        max_bytes: a longer frame goes to the library, which refuses it.
        early: the client's first bytes, if they came with its handshake.
    """

    __slots__ = ("_max_bytes", "_rest", "gave_up")

    def __init__(self, max_bytes: int, early: bytes = b"") -> None:
        self._max_bytes = max_bytes
        self._rest = early
        self.gave_up = False
        """From now on, all bytes go to the library."""

    @property
    def is_behind(self) -> bool:
        """Some bytes wait for the next call."""
        return bool(self._rest)

    def read(self, data: bytes) -> tuple[list[str], bytes]:
        """Take the next bytes.

        Returns:
            The texts that came first, and the bytes for the library that follow: a control
            frame, or the rest, piece by piece, once this reader has given up. What comes after
            them, and incomplete frames, wait for the next call; ``read(b"")`` asks for them.
        """
        data = self._rest + data if self._rest else data
        if self.gave_up:
            return [], self._next_piece(data)
        texts: list[str] = []
        start = 0
        while (end := self._end(data, start)) and end <= len(data) and len(texts) < TEXTS_AT_ONCE:
            if data[start] != _TEXT:
                self._rest = data[end:]
                return texts, data[start:end]
            try:
                texts.append(_unmask(data, start, end).decode())
            except UnicodeDecodeError:
                end = 0  # the library reports it to the client
                break
            start = end
        self._rest = data[start:]
        if end:
            return texts, b""
        self.gave_up = True
        return texts, self._next_piece(self._rest)

    def _next_piece(self, data: bytes) -> bytes:
        self._rest = data[LIBRARY_BYTES:]
        return data[:LIBRARY_BYTES]

    def _end(self, data: bytes, start: int) -> int:
        """Where the frame ends, or how far to read in order to know; 0 for the library's."""
        if len(data) - start < 2:
            return start + 2
        first, length = data[start], data[start + 1] ^ _MASKED  # above 127: it is not masked
        if length < 126 and (first == _TEXT or first in _CONTROL):
            return start + 6 + length if length <= self._max_bytes else 0
        if first != _TEXT or length > 127:
            return 0
        begin = start + (8 if length == 126 else 14)
        if len(data) < begin:
            return begin
        length, least = int.from_bytes(data[start + 2 : begin - 4], "big"), _LEAST[length]
        return begin + length if least <= length <= self._max_bytes else 0


def _unmask(data: bytes, start: int, end: int) -> bytes:
    """The payload: one XOR of two integers of its length."""
    short = data[start + 1] ^ _MASKED
    begin = start + (6 if short < 126 else 8 if short == 126 else 14)
    length = end - begin
    mask = (data[begin - 4 : begin] * (length // 4 + 1))[:length]
    number = int.from_bytes(data[begin:end], "little") ^ int.from_bytes(mask, "little")
    return number.to_bytes(length, "little")


class FrameCounter:
    """Counts the frames in the library's bytes, and those that say nothing: Pings, Pongs, empty and
    tiny fragments.

    Each costs the library as much as a message. Owned by one thread.
    """

    __slots__ = ("_head", "_skip")

    def __init__(self) -> None:
        self._head = b""  # of a header that has not arrived completely
        self._skip = 0  # bytes of the current payload that are still to come

    def count(self, data: bytes) -> tuple[int, int]:
        """How many begin in the next bytes, and how many of those say nothing."""
        if self._skip >= len(data):
            self._skip -= len(data)
            return 0, 0
        data = self._head + data[self._skip :]
        start = frames = idle = 0
        while len(data) - start >= 2:
            first, size = data[start], data[start + 1] & 0x7F
            begin = start + (6 if size < 126 else 8 if size == 126 else 14)
            if len(data) < begin:
                break
            if size > 125:
                size = int.from_bytes(data[start + 2 : begin - 4], "big")
            is_fragment = not (first & 0x80 and first & 0x0F)
            idle += first in _CONTROL or (is_fragment and size < LEAST_FRAGMENT)
            frames += 1
            start = begin + size
        self._head = data[start:]
        self._skip = max(0, start - len(data))
        return frames, idle
