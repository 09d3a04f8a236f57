"""What goes over the wire: JSON to values, values to JSON, and WebSocket frames as bytes.

Incoming frames are taken apart by wsproto (through simple-websocket); outgoing ones are made
here, because one frame then serves every user. Frames: RFC 6455, section 5.2.
"""

from __future__ import annotations

import json
import re
import struct
import time
from datetime import datetime, timezone
from enum import IntEnum
from functools import lru_cache
from json.encoder import encode_basestring as _quoted
from typing import NamedTuple

from chatroom.errors import FrameRefused
from chatroom.message import Draft, Message

MAX_DEPTH = 32
"""Levels of nested JSON. The parser recurses in C, on a thread with a small stack."""

MAX_REASON_BYTES = 123
"""A control frame carries 125 bytes, and the close code takes two (RFC 6455, section 5.5)."""

ANONYMOUS = "Anonymous"

PING = b"\x89\x00"


class CloseCode(IntEnum):
    """Why a socket is closed. 4000 to 4499: come back; 4500 to 4999: do not."""

    GOING_AWAY = 1001
    BINARY = 1003
    BAD_DATA = 1007
    POLICY = 1008
    TOO_BIG = 1009
    SERVER_ERROR = 1011
    REPLACED = 4001
    SLOW = 4008
    GAP = 4009


class Frame(NamedTuple):
    """What one frame from a client says."""

    draft: Draft
    silent: bool
    """It has no ``body`` key: as the first frame of a socket, it joins and says nothing."""


def _refuse_constant(name: str) -> None:
    raise FrameRefused(CloseCode.BAD_DATA, f"{name} is not JSON")


def _bounded_int(digits: str) -> int:
    """The number; one of more than 15 digits as 10**15 or its negative.

    An int of 60,000 digits costs more than the rest of its frame, and no field needs one.
    """
    if len(digits) <= 15:
        return int(digits)
    return -(10**15) if digits[0] == "-" else 10**15


_decoder = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_bounded_int)

# A string, closed or not, or a bracket. Matching an open string to the end keeps it linear.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[][{}]', re.DOTALL)


def decode(text: str, *, max_name_length: int) -> Frame:
    """Read a frame of the plain protocol. Called by reader threads.

    Args:
        text: the frame's payload, already within ``maxMessageBytes``.
        max_name_length: characters.

    Raises:
        FrameRefused: the text is not JSON, not an object, or a field is not what it should be.
    """
    fields = parse(text, "a JSON object with userName, body, timestamp")
    # JSON can write half a surrogate pair, as an escape; no UTF-8 frame could carry it on.
    escaped = "\\u" in text
    user_name = _text(fields, "userName", escaped) or ANONYMOUS
    if len(user_name) > max_name_length:
        wanted = f"wanted: {max_name_length} at most"
        raise FrameRefused(
            CloseCode.BAD_DATA, f"userName has {len(user_name)} characters; {wanted}"
        )
    body = _text(fields, "body", escaped)
    timestamp = _text(fields, "timestamp", escaped) or local_time()
    return Frame(Draft(user_name, body, timestamp), silent="body" not in fields)


def parse(text: str, wanted: str = "a JSON object") -> dict[str, object]:
    """The one JSON object that a frame holds.

    Args:
        text: as in ``decode``.
        wanted: what the client is told that was.

    Raises:
        FrameRefused: it holds none.
    """
    if _is_too_deep(text):
        raise FrameRefused(CloseCode.BAD_DATA, f"JSON nested deeper than {MAX_DEPTH} levels")
    try:
        fields = _decoder.decode(text)
    except ValueError as error:
        raise FrameRefused(CloseCode.BAD_DATA, f"not JSON: {error}") from None
    if type(fields) is not dict:
        raise FrameRefused(CloseCode.BAD_DATA, f"not {wanted}")
    return fields


def _text(fields: dict[str, object], key: str, escaped: bool) -> str:
    value = fields.get(key, "")
    if type(value) is not str:
        raise FrameRefused(CloseCode.BAD_DATA, f"{key} is not text")
    if escaped:
        try:
            value.encode()
        except UnicodeEncodeError:
            raise FrameRefused(CloseCode.BAD_DATA, f"{key} holds a lone surrogate") from None
    return value


def _is_too_deep(text: str) -> bool:
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return False
    depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif token[0] in "]}":
            depth -= 1
    return False


def local_time() -> str:
    """The server's local time, as the original's page writes it: ``9:05 AM``."""
    return time.strftime("%I:%M %p").lstrip("0")


def to_json(message: Message) -> str:
    """The message as clients get it: the original's three fields first, then the additions."""
    more = _typed_fields(message) if message.user_id or message.cmid else ""
    return (
        f'{{"userName":{_quoted(message.user_name)},"body":{_quoted(message.body)},'
        f'"timestamp":{_quoted(message.timestamp)},"id":"{message.seq}-{message.nonce}",'
        f'"room":{_quoted(message.room)},"sentAt":"{iso_time(message.sent_at)}"{more}}}'
    )


def _typed_fields(message: Message) -> str:
    """What only the message of a typed user has, or one that came over HTTP with a cmid."""
    fields = {"userId": message.user_id, "cmid": message.cmid}
    return "".join(f',"{key}":{_quoted(value)}' for key, value in fields.items() if value)


def iso_time(milliseconds: int) -> str:
    """Unix milliseconds as UTC in ISO 8601: ``2026-01-31T09:05:00.123Z``."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{_iso_second(seconds)}.{rest:03}Z"


@lru_cache(maxsize=16)  # a room says many things in one second
def _iso_second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}"


def text_frame(text: str) -> bytes:
    """One whole, uncompressed, unmasked text frame: legal whatever was negotiated."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


def close_frame(code: int, reason: str) -> bytes:
    """A Close frame; a reason that is too long is cut between two characters."""
    text = reason.encode(errors="replace")[:MAX_REASON_BYTES].decode(errors="ignore")
    payload = struct.pack("!H", code) + text.encode()
    return bytes((0x88, len(payload))) + payload
