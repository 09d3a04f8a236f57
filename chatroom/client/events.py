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


class ReactionCounts(Event):
    """What people think of some messages, as it now is. They need not be among those that the
    client has.

    Some of it may be older than what the client knows: of two states of a message, the one with the
    higher mark counts. Whoever is named, and one's own, is in ``fields``: see docs/protocol.md.
    """

    __slots__ = ()

    @property
    def mark(self) -> int:
        """What has changed up to this one, the client knows by now."""
        return int(self.fields["mark"])

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """People, by the message's id and the kind of their reaction."""
        return {str(one["id"]): dict(one["counts"]) for one in self.fields["messages"]}

    @property
    def marks(self) -> dict[str, int]:
        """The mark of each state, by the message's id."""
        return {str(one["id"]): int(one["mark"]) for one in self.fields["messages"]}

    @property
    def is_answer(self) -> bool:
        """Whether the client has asked for it: then it has one's own reactions, or nothing."""
        return all("mine" in one for one in self.fields["messages"])


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
    if kind == "reactions":
        return _reactions(fields)
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


def _reactions(fields: Mapping[str, Any]) -> ReactionCounts:
    messages = fields.get("messages")
    if type(fields.get("mark")) is not int or not isinstance(messages, list):
        raise ValueError("mark is not a whole number, or messages is not a list")
    for one in messages:
        if not isinstance(one, dict) or type(one.get("mark")) is not int:
            raise ValueError("one of messages is not an object with a mark")
        MessageId.parse(str(one.get("id")))
        counts = one.get("counts")
        if not isinstance(counts, dict) or any(type(its) is not int for its in counts.values()):
            raise ValueError("counts is not an object of whole numbers")
    return ReactionCounts("reactions", fields)


def id_in(text: str) -> str | None:
    """The id of a message that cannot be read as a whole; None if that cannot be read either."""
    try:
        fields = parse_unbounded(text)
        return str(MessageId.parse(fields["id"])) if "type" not in fields else None
    except (ValueError, TypeError, KeyError):
        return None
