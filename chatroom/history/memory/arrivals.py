"""In which room each message arrived, so that the oldest of all can be evicted first."""

from __future__ import annotations

from collections import Counter, deque

SPARE = 1024
"""Stale entries that are always tolerated: clearing them walks over all entries."""


class Arrivals:
    """The rooms of the messages that are kept, in the order of their arrival.

    Not thread-safe: its owner locks. Trimmed messages leave stale entries until clearing is
    cheap, but never more of these than there are messages.
    """

    def __init__(self) -> None:
        self._rooms: deque[str] = deque()
        # How many of a room's first entries are stale.
        self._trimmed: Counter[str] = Counter()

    def add(self, room: str) -> None:
        """A message has arrived there."""
        self._rooms.append(room)

    def pop(self) -> str:
        """The room whose oldest message is the oldest of all; IndexError if there's none."""
        room = self._rooms.popleft()
        while self._trimmed[room]:
            self._trimmed[room] -= 1
            room = self._rooms.popleft()
        del self._trimmed[room]  # reading a Counter adds no key, but -= does
        return room

    def trim(self, room: str, count: int) -> None:
        """The room's ``count`` oldest messages are gone."""
        if count:
            self._trimmed[room] += count
        gone = self._trimmed.total()
        if gone > SPARE and gone > len(self._rooms) - gone:
            self._clear()

    def clear(self) -> None:
        """Nothing is kept any more."""
        self._rooms.clear()
        self._trimmed.clear()

    def __len__(self) -> int:
        return len(self._rooms) - self._trimmed.total()

    def _clear(self) -> None:
        kept: deque[str] = deque()
        for room in self._rooms:
            if self._trimmed[room]:
                self._trimmed[room] -= 1
            else:
                kept.append(room)
        self._rooms = kept
        self._trimmed.clear()
