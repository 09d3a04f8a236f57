"""Whoever hears a room without a WebSocket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from chatroom.message import Message, MessageId
from chatroom.reactions import Reacted
from chatroom.wire.message_json import to_json
from chatroom.wire.reactions import reactions_json


class Subscribed(NamedTuple):
    """From where on a ``Subscriber`` gets what happens."""

    last: MessageId
    """The room's last message before."""
    mark: int
    """The last change of reactions that was told before, or is in the history."""


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


class HeardReactions(NamedTuple):
    """The reactions to some messages, as a ``Subscriber`` gets them: those that have changed after
    a mark, up to another one. The next begin where these end."""

    after: int
    mark: int
    """Or a lower one, while others of those that have changed at once are still to come."""
    json: str
    """As they now are, without names."""

    @classmethod
    def of(cls, after: int, mark: int, states: Sequence[Reacted]) -> HeardReactions:
        """These states."""
        return cls(after, mark, reactions_json(state._replace(people={}) for state in states))


Hearing = Heard | HeardChange | HeardReactions
"""All that a ``Subscriber`` gets."""


class Subscriber(Protocol):
    """Anything that gets a room's messages without a WebSocket."""

    def take(self, batch: Sequence[Hearing]) -> None:
        """Take what was committed just now; never waits."""

    def end(self, code: int, reason: str) -> None:
        """Take nothing more, for this reason; never waits."""
