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


class Changed(Event):
    """A message that is another one now: edited, or brought back after it was removed.

    It may come twice, and for a message that the client has never had.
    """

    __slots__ = ()

    @property
    def message(self) -> Message:
        """The message as it now is."""
        return to_message(self.fields["message"])

    @property
    def rev(self) -> int:
        """Which change of its room it is."""
        return int(self.fields["rev"])


class Removed(Event):
    """A message was taken back. May come twice, like ``Changed``."""

    __slots__ = ()

    @property
    def id(self) -> str:
        """The message's."""
        return str(self.fields["id"])

    @property
    def by(self) -> str:
        """``author`` or ``host``."""
        return str(self.fields.get("by", ""))

    @property
    def rev(self) -> int:
        """Which change of its room it is."""
        return int(self.fields["rev"])


def hear_all(text: str) -> list[Message | Event]:
    """Parse a frame; one that names several removed messages is an event for each.

    Raises:
        ValueError: the frame is malformed.
    """
    fields = parse_unbounded(text)
    ids = fields.pop("ids", None) if fields.get("type") == "removed" else None
    if ids is None:
        return [_heard(fields)]
    if type(ids) is not list or type(fields.get("rev")) is not int:
        raise ValueError("ids is not a list, or rev is not a whole number")
    first = fields["rev"] - len(ids) + 1  # their revs are consecutive, and the frame has the last
    return [_heard({**fields, "id": id, "rev": rev}) for rev, id in enumerate(ids, first)]


def hear(text: str) -> Message | Event:
    """Parse a frame that is about one thing; one without a type is a message.

    Raises:
        ValueError: the frame is malformed.
    """
    return _heard(parse_unbounded(text))


def _heard(fields: dict[str, Any]) -> Message | Event:
    kind = fields.get("type", "message")
    if type(kind) is not str:
        raise ValueError("type is not text")
    if kind == "message":
        return to_message(fields)
    if kind in ("changed", "removed"):
        return _change(kind, fields)
    return Event(kind, fields)


def _change(kind: str, fields: Mapping[str, Any]) -> Changed | Removed:
    if type(fields.get("rev")) is not int:
        raise ValueError("rev is not a whole number")
    if kind == "removed":
        MessageId.parse(str(fields.get("id")))
        return Removed(kind, fields)
    message = fields.get("message")
    if not isinstance(message, dict):
        raise ValueError("message is not an object")
    to_message(message)
    return Changed(kind, fields)


def id_in(text: str) -> str | None:
    """The id of a message that cannot be read as a whole; None if that cannot be read either."""
    try:
        fields = parse_unbounded(text)
        return str(MessageId.parse(fields["id"])) if "type" not in fields else None
    except (ValueError, TypeError, KeyError):
        return None
