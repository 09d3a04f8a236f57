"""Whoever hears a room without a WebSocket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from chatroom.message import MessageId


class Heard(NamedTuple):
    """A message as a ``Subscriber`` gets it."""

    id: MessageId
    json: str


class Subscriber(Protocol):
    """Anything that gets a room's messages without a WebSocket."""

    def take(self, batch: Sequence[Heard]) -> None:
        """Take the messages that were committed just now; never waits."""
