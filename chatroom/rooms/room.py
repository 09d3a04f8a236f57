"""A room: who is in it, and the tail of its conversation."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple, Protocol

from chatroom.message import MessageId
from chatroom.rooms.presence import Presence
from chatroom.sockets.connection import Connection
from chatroom.sockets.sending import broadcast
from chatroom.users.user import User


class Heard(NamedTuple):
    """A message as a ``Subscriber`` gets it."""

    id: MessageId
    json: str


class Subscriber(Protocol):
    """Anything that gets a room's messages without a WebSocket."""

    def take(self, batch: Sequence[Heard]) -> None:
        """Take the messages that were committed just now; never waits."""


class Room:
    """Owned by the Server thread; nobody else touches it.

    Args:
        name: what clients call it.
        last: the id of its last committed message.
        tail: the frames of its last messages, oldest first.
        tail_length: the number of frames to remember.
        tail_bytes: about how many bytes of frames to remember.
    """

    def __init__(
        self,
        name: str,
        last: MessageId,
        tail: Iterable[bytes],
        *,
        tail_length: int,
        tail_bytes: int,
    ) -> None:
        self.name = name
        self.last = last
        self.users: dict[User, Connection] = {}
        """Who gets the messages. In the order of joining; a broadcast touches the connections
        only."""
        self.typed: dict[User, Connection] = {}
        """The typed ones among these: they get news of people, too."""
        self.subscribers: list[Subscriber] = []
        self.presence = Presence()
        self.is_large = False
        """Too many people to name: its typed users get their count."""
        self.counted_at = 0.0
        """When its typed users last got a count of people: monotonic seconds."""
        self.counts_later = False
        """The next count is scheduled."""
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._tail_length = tail_length
        self._tail_bytes = tail_bytes
        self._replay: bytes | None = None
        self.remember(list(tail))

    @property
    def is_empty(self) -> bool:
        """Nobody is here, or away within the grace period."""
        return not (self.users or self.subscribers or self.presence)

    @property
    def seq(self) -> int:
        """The seq of its last committed message, 0 for none."""
        return self.last.seq

    @property
    def first_remembered(self) -> int:
        """The seq of the oldest message in the tail; ``seq + 1`` if the tail is empty."""
        return self.seq - len(self._tail) + 1

    def remember(self, frames: Sequence[bytes]) -> None:
        """Append the newest frames to the tail, and drop the oldest beyond its limits."""
        self._replay = None
        self._tail.extend(frames)
        self._tail_size += sum(map(len, frames))
        while len(self._tail) > self._tail_length or self._tail_size > self._tail_bytes:
            self._tail_size -= len(self._tail.popleft())

    def forget(self, first: int) -> None:
        """Drop from the tail what is older than this seq."""
        while self._tail and self.first_remembered < first:
            self._tail_size -= len(self._tail.popleft())
            self._replay = None

    def replay(self) -> bytes:
        """All frames of the tail, joined; cached until the next message."""
        if self._replay is None:
            self._replay = b"".join(self._tail)
        return self._replay

    def frames_after(self, seq: int) -> list[bytes] | None:
        """The frames after this message; None if the tail does not reach back that far."""
        if seq + 1 < self.first_remembered:
            return None
        return list(islice(self._tail, seq + 1 - self.first_remembered, sys.maxsize))

    def send(self, frames: Sequence[bytes]) -> list[User]:
        """Send messages to all users; returns those who are too slow."""
        return self._slow(self.users, b"".join(frames))

    def hand_on(self, batch: Sequence[Heard]) -> None:
        """Hand messages to all subscribers."""
        for subscriber in self.subscribers:
            subscriber.take(batch)

    def tell(self, frames: bytes) -> list[User]:
        """Send frames to the typed users; returns those who are too slow."""
        return self._slow(self.typed, frames)

    @staticmethod
    def _slow(users: dict[User, Connection], frames: bytes) -> list[User]:
        behind = broadcast(users.values(), frames)
        if not behind:  # nearly always, and then nothing else is touched
            return []
        return [user for user, connection in users.items() if connection in behind]
