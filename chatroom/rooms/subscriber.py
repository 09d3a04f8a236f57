"""Whoever hears a room without a WebSocket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from chatroom.message import Message, MessageId
from chatroom.wire.message_json import to_json


class Heard(NamedTuple):
    """A message as a ``Subscriber`` gets it."""

    id: MessageId
    json: str


class HeardChange(NamedTuple):
    """A message that has changed, as a ``Subscriber`` gets it."""

    id: MessageId
    rev: int
    json: str
    """The message as it now is; empty if it was removed."""
    by: str = ""
    """Who removed it: see ``Message.removed``."""

    @classmethod
    def of(cls, message: Message) -> HeardChange:
        """The message as it now is."""
        text = "" if message.removed else to_json(message)
        return cls(MessageId(message.seq, message.nonce), message.rev, text, message.removed)


class Subscriber(Protocol):
    """Anything that gets a room's messages without a WebSocket."""

    def take(self, batch: Sequence[Heard | HeardChange]) -> None:
        """Take what was committed just now; never waits."""

    def end(self, code: int, reason: str) -> None:
        """Take nothing more, for this reason; never waits."""
