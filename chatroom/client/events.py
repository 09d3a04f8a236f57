"""What a client hears: frames of ``chatroom.v1``, and lines of JSON, back as values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from chatroom.message import Message

_ID = re.compile(r"([0-9]{1,15})-([0-9a-f]{1,64})", re.ASCII)

# The same shape that protocol.iso_time writes. A pattern, because Python 3.10's fromisoformat
# knows neither the Z nor a fraction of three digits.
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,3})\d*)?Z", re.ASCII)


class Event(NamedTuple):
    """Whatever is no message: a frame with a type, or news of the client's own.

    The client's own types are ``gap`` (it was told to start afresh: what came before may be
    missing, or be no longer true) and ``offline`` (with ``reason`` and ``retryIn``, seconds).
    """

    type: str
    fields: Mapping[str, Any]


def hear(text: str) -> Message | Event:
    """The value that a frame means; a frame without a type is a message.

    Raises:
        ValueError: it means none.
    """
    fields = json.loads(text)
    if type(fields) is not dict:
        raise ValueError("not a JSON object")
    kind = fields.get("type", "message")
    if type(kind) is not str:
        raise ValueError("type is not text")
    return to_message(fields) if kind == "message" else Event(kind, fields)


def to_message(fields: Mapping[str, Any]) -> Message:
    """The message that ``protocol.to_json`` made the fields of; unknown fields are ignored.

    Raises:
        ValueError: a field is missing, or not what it should be.
    """
    found = _ID.fullmatch(_text(fields, "id"))
    if not found:
        raise ValueError(f"id is {fields['id']!r}; wanted: a number, -, hex digits")
    return Message(
        room=_text(fields, "room"),
        seq=int(found[1]),
        nonce=found[2],
        user_name=_text(fields, "userName"),
        body=_text(fields, "body"),
        timestamp=_text(fields, "timestamp"),
        sent_at=milliseconds(_text(fields, "sentAt")),
        user_id=_text(fields, "userId", ""),
        cmid=_text(fields, "cmid", ""),
    )


def milliseconds(iso: str) -> int:
    """Unix milliseconds of a time such as ``2026-01-31T09:05:00.123Z``.

    Raises:
        ValueError: it is no such time.
    """
    found = _TIME.fullmatch(iso)
    if not found:
        raise ValueError(f"sentAt is {iso!r}; wanted: such as 2026-01-31T09:05:00.123Z")
    second = datetime.fromisoformat(found[1]).replace(tzinfo=timezone.utc)
    return int(second.timestamp()) * 1000 + int((found[2] or "").ljust(3, "0"))


def _text(fields: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = fields.get(key, default)
    if type(value) is not str:
        raise ValueError(f"{key} is missing" if value is None else f"{key} is not text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{key} holds a lone surrogate") from None
    return value
