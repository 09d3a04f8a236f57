"""What a client receives: frames of ``chatroom.v1``, parsed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from chatroom.message import Message, MessageId
from chatroom.wire.fields import parse_unbounded
from chatroom.wire.message_json import to_message


class Event(NamedTuple):
    """Anything but a message: a typed frame, or an event of the client's own.

    The client's own types are ``gap`` (it could not resume: what came before may be incomplete or
    outdated) and ``offline`` (with ``reason`` and ``retryIn``, in seconds).
    """

    type: str
    fields: Mapping[str, Any]


def hear(text: str) -> Message | Event:
    """Parse a frame; one without a type is a message.

    Raises:
        ValueError: the frame is malformed.
    """
    fields = parse_unbounded(text)
    kind = fields.get("type", "message")
    if type(kind) is not str:
        raise ValueError("type is not text")
    return to_message(fields) if kind == "message" else Event(kind, fields)


def id_in(text: str) -> str | None:
    """The id of a message that cannot be read as a whole; None if that cannot be read either."""
    try:
        fields = parse_unbounded(text)
        return str(MessageId.parse(fields["id"])) if "type" not in fields else None
    except (ValueError, TypeError, KeyError):
        return None
