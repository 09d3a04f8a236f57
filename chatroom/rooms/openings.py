"""Rooms that have to be read before somebody can come in, where the Server thread must not wait.

Owned by the Server thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from chatroom.rooms.elsewhere import Elsewhere, NotOpened, Opened

AT_HAND_SECONDS = 5.0
"""How long what was read is good: whoever it was read for comes at once, or behind a batch."""

MOST = 1000


class Openings:
    """What was read of rooms that are not open yet.

    Args:
        elsewhere: has another thread read them; None if this one may.
        limit: as of ``Elsewhere.open``, like the next one.
    """

    def __init__(self, elsewhere: Elsewhere | None, limit: int, max_bytes: int) -> None:
        self._elsewhere = elsewhere
        self._limit = limit
        self._max_bytes = max_bytes
        self._read: dict[str, tuple[Opened | NotOpened, float]] = {}
        self._waiting: dict[str, list[Callable[[], None]]] = {}

    def wait_for(self, name: str, then: Callable[[], None]) -> bool:
        """Whether this room has to be read first; ``then`` is called once it is, or cannot be."""
        if self._elsewhere is None or self.get(name):
            return False
        waiting = self._waiting.setdefault(name, [])
        waiting.append(then)
        if len(waiting) == 1:
            self._elsewhere.open(name, self._limit, self._max_bytes)
        return True

    def add(self, name: str, opened: Opened | NotOpened) -> list[Callable[[], None]]:
        """It is read; who has waited for that."""
        while len(self._read) >= MOST:
            del self._read[next(iter(self._read))]
        self._read[name] = opened, time.monotonic()
        return self._waiting.pop(name, [])

    def get(self, name: str) -> Opened | NotOpened | None:
        """What was read, if that is at hand."""
        opened, read_at = self._read.get(name, (None, 0.0))
        if opened and time.monotonic() - read_at >= AT_HAND_SECONDS:
            del self._read[name]
            return None
        return opened

    def take(self, name: str) -> Opened | None:
        """Likewise, and it is not at hand any more.

        Raises:
            HistoryUnavailable: it could not be read.
        """
        opened = self.get(name)
        self._read.pop(name, None)
        if isinstance(opened, NotOpened):
            raise opened.error
        return opened
