"""Outgoing WebSocket frames, as bytes (RFC 6455, section 5.2), and the close codes.

Incoming frames are parsed by ``frame_reader`` and wsproto; outgoing ones are built here, so
that one frame serves every user.
"""

from __future__ import annotations

import struct
from enum import IntEnum

MAX_REASON_BYTES = 123
"""A control frame carries 125 bytes, and the close code takes two (RFC 6455, section 5.5)."""

PING = b"\x89\x00"
CLOSE = 0x88
"""The first byte of a Close."""


class CloseCode(IntEnum):
    """Why a socket is closed. 4000 to 4499: reconnect; 4500 to 4999: do not."""

    GOING_AWAY = 1001
    BINARY = 1003
    BAD_DATA = 1007
    POLICY = 1008
    TOO_BIG = 1009
    SERVER_ERROR = 1011
    REPLACED = 4001
    SLOW = 4008
    GAP = 4009
    NAME_TAKEN = 4010
    REMOVED = 4503
    NO_ENTRY = 4504


def text_frame(text: str) -> bytes:
    """One whole, uncompressed, unmasked text frame: valid whatever was negotiated."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


def text_of(frame: bytes) -> str:
    """What ``text_frame`` has made a frame of."""
    start = 2 if frame[1] < 126 else 4 if frame[1] == 126 else 10
    return frame[start:].decode()


def close_frame(code: int, reason: str) -> bytes:
    """A Close frame; a reason that is too long is cut between two characters."""
    text = reason.encode(errors="replace")[:MAX_REASON_BYTES].decode(errors="ignore")
    payload = struct.pack("!H", code) + text.encode()
    return bytes((CLOSE, len(payload))) + payload
