"""Messages to JSON and back: on the wire, in exports and in imports."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import date, datetime, timezone
from functools import lru_cache
from json.encoder import encode_basestring as _quoted
from typing import Any

from chatroom.files.stored import carried, text_of
from chatroom.message import Held, Message, MessageId
from chatroom.wire import fields, replies
from chatroom.wire.websocket import text_frame

_EPOCH = date(1970, 1, 1).toordinal()

# The format that iso_time writes. A pattern, because Python 3.10's fromisoformat accepts neither
# the Z nor every fraction.
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,3})\d*)?Z", re.ASCII)


def to_json(message: Message) -> str:
    """The message as clients get it: the original's three fields first, then the additions."""
    more = ""
    if message.user_id or message.cmid or message.edited_at or message.reply_to:
        more = _typed_fields(message)
    if message.file:
        more += f',"file":{message.file}'
    return (
        f'{{"userName":{_quoted(message.user_name)},"body":{_quoted(message.body)},'
        f'"timestamp":{_quoted(message.timestamp)},"id":"{message.id}",'
        f'"room":{_quoted(message.room)},"sentAt":"{iso_time(message.sent_at)}"{more}}}'
    )


def frame_of(message: Message) -> bytes:
    """The message as a WebSocket frame; empty for one that was removed."""
    return b"" if message.removed else text_frame(to_json(message))


def _typed_fields(message: Message) -> str:
    """Fields that only some messages have: none from a plain user that nobody has changed."""
    if not (message.by or message.edited_at or message.reply_to):  # nearly always
        who = f',"userId":{_quoted(message.user_id)}' if message.user_id else ""
        return f'{who},"cmid":{_quoted(message.cmid)}' if message.cmid else who
    edited_at = iso_time(message.edited_at) if message.edited_at else ""
    more = {
        "userId": message.user_id,
        "cmid": message.cmid,
        "by": message.by,
        "editedAt": edited_at,
        "replyTo": message.reply_to,
    }
    return "".join(f',"{key}":{_quoted(value)}' for key, value in more.items() if value)


def held_fields(held: Held) -> dict[str, Any]:
    """What waits for a host's approval, as its author and hosts get it."""
    fields: dict[str, Any] = {
        "id": held.id,
        "userName": held.user_name,
        "body": held.body,
        "timestamp": held.timestamp,
        "heldAt": iso_time(held.held_at),
        "userId": held.user_id,
        "cmid": held.cmid,
        "replyTo": held.reply_to,
        "file": carried(held.file) if held.file else None,
    }
    return {key: value for key, value in fields.items() if value}


def to_message(found: Mapping[str, Any]) -> Message:
    """The message from the fields that ``to_json`` writes; unknown fields are ignored.

    Raises:
        ValueError: a field is missing or invalid.
    """
    id = MessageId.parse(_text(found, "id"))
    return Message(
        room=_text(found, "room"),
        seq=id.seq,
        nonce=id.nonce,
        user_name=_text(found, "userName"),
        body=_text(found, "body"),
        timestamp=_text(found, "timestamp"),
        sent_at=milliseconds(_text(found, "sentAt")),
        user_id=_text(found, "userId", ""),
        cmid=_text(found, "cmid", ""),
        by=_text(found, "by", ""),
        reply_to=replies.reply_to(found, ValueError, MessageId.parse),
        edited_at=_edited_at(found),
        file=text_of(found["file"]) if "file" in found else "",
    )


def _edited_at(found: Mapping[str, Any]) -> int:
    edited_at = _text(found, "editedAt", "")
    return milliseconds(edited_at, "editedAt") if edited_at else 0


def _text(found: Mapping[str, Any], key: str, default: str | None = None) -> str:
    return fields.text(found, key, lambda flaw: ValueError(f"{key} {_WRONG[flaw]}"), default)


_WRONG = {
    fields.Flaw.MISSING: "is missing",
    fields.Flaw.NOT_TEXT: "is not text",
    fields.Flaw.SURROGATE: "contains a lone surrogate",
}


# -- times ----------------------------------------------------------------------------------------


def local_time() -> str:
    """The server's local time, as the original's page writes it: ``9:05 AM``."""
    return time.strftime("%I:%M %p").lstrip("0")


@lru_cache(maxsize=16)  # all messages of a batch are of one time
def iso_time(milliseconds: int) -> str:
    """Unix milliseconds as UTC in ISO 8601: ``2026-01-31T09:05:00.123Z``."""
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    second, rest = divmod(rest, 1000)
    return f"{_iso_day(day)}T{hour:02}:{minute:02}:{second:02}.{rest:03}Z"


@lru_cache(maxsize=16)  # a datetime for each message would be a third of reading a history
def _iso_day(day: int) -> str:
    return date.fromordinal(_EPOCH + day).isoformat()


def milliseconds(iso: str, key: str = "sentAt") -> int:
    """Unix milliseconds of a time such as ``2026-01-31T09:05:00.123Z``.

    Raises:
        ValueError: it is not such a time.
    """
    found = _TIME.fullmatch(iso)
    if not found:
        raise ValueError(f"{key} is {iso!r}; wanted: a time such as 2026-01-31T09:05:00.123Z")
    second = datetime.fromisoformat(found[1]).replace(tzinfo=timezone.utc)
    return int(second.timestamp()) * 1000 + int((found[2] or "").ljust(3, "0"))
