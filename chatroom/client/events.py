"""What a client hears: frames of ``chatroom.v1``, back as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from chatroom.message import Message
from chatroom.wire.message_json import to_message


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
