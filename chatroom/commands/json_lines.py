"""Lines of JSON, as ``chatroom export`` writes them and the HTTP API sends them."""

from __future__ import annotations

import json
import unicodedata

from chatroom.client.events import Event
from chatroom.commands.archived import Archived
from chatroom.commands.output import escaped
from chatroom.log import HIDDEN
from chatroom.message import Message
from chatroom.wire.message_json import to_json
from chatroom.wire.reactions import with_counts


def to_line(item: Archived | Message | Event) -> str:
    """The message, or the frame, as one line of JSON."""
    if isinstance(item, Archived):
        return harmless(with_counts(to_json(item.message), item.counts, item.mark))
    if isinstance(item, Message):
        return harmless(to_json(item))
    return harmless(json.dumps(item.fields, ensure_ascii=False, separators=(",", ":")))


def harmless(text: str) -> str:
    """The same JSON, in which nothing can control a terminal: what is hidden is escaped."""
    if text.isprintable():
        return text
    return "".join(escaped(c) if unicodedata.category(c) in HIDDEN else c for c in text)
