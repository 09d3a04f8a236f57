"""Lines of JSON, as ``chatroom export`` writes them and the HTTP API sends them."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

from chatroom.commands.output import escaped
from chatroom.log import HIDDEN
from chatroom.message import Message
from chatroom.wire.message_json import to_json


def parse(line: bytes | str) -> dict[str, Any]:
    """The JSON object in the line.

    Raises:
        ValueError: the line is not a JSON object.
    """
    try:
        fields = json.loads(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if type(fields) is not dict:
        raise ValueError("not a JSON object")
    return fields


def to_line(message: Message) -> str:
    """The message as JSON in which nothing can control a terminal: what is hidden is escaped."""
    text = to_json(message)
    if text.isprintable():
        return text
    return "".join(escaped(c) if unicodedata.category(c) in HIDDEN else c for c in text)
