"""Lines of JSON, as ``chatroom export`` writes them and the HTTP API sends them."""

from __future__ import annotations

import unicodedata

from chatroom.commands.output import escaped
from chatroom.log import HIDDEN
from chatroom.message import Message
from chatroom.wire.message_json import to_json


def to_line(message: Message) -> str:
    """The message as JSON in which nothing can control a terminal: what is hidden is escaped."""
    text = to_json(message)
    if text.isprintable():
        return text
    return "".join(escaped(c) if unicodedata.category(c) in HIDDEN else c for c in text)
