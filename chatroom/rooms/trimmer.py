"""Retention: deletes the oldest messages, a few at a time. Owned by the thread that writes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from chatroom.errors import HistoryError
from chatroom.history import History
from chatroom.message import Held
from chatroom.rooms.rules import Rules
from chatroom.rooms.timers import Timers

log = logging.getLogger(__name__)

STEP = 500
"""Messages deleted in one transaction, at most: a few milliseconds in which the room waits."""

REFUSED_AT_ONCE = 20
"""What waits for approval, each in a transaction of its own."""

PAUSE = 0.1
"""Seconds between two steps, left for broadcasts."""

INTERVAL = 60.0
"""Seconds between two passes over all rooms."""

DAY_MS = 24 * 60 * 60 * 1000


class Trimmer:
    """Goes through all rooms once a minute, if the settings limit what is kept.

    Args:
        history: the Server's.
        forget_trimmed: tells whoever remembers messages of a room that some are gone.
        timers: the Server's.
        rules: how much is kept.
        refuse: tells those concerned that something waits for approval no longer.
    """

    def __init__(
        self,
        history: History,
        forget_trimmed: Callable[[str], None],
        timers: Timers,
        rules: Rules,
        refuse: Callable[[Held], None],
    ) -> None:
        self._history = history
        self._forget_trimmed = forget_trimmed
        self._timers = timers
        self._keep_messages = rules.keep_messages
        self._keep_days = rules.keep_days
        self._refuse = refuse
        self._rooms: list[str] = []

    def start(self) -> None:
        """Begin, if there is any limit at all."""
        if self._keep_messages or self._keep_days:
            self._timers.after(PAUSE, self._step)

    def _step(self) -> None:
        wait = INTERVAL
        try:
            if not self._rooms:
                self._refuse_old()
            self._rooms = self._rooms or [room.name for room in self._history.rooms()]
            if self._rooms:
                if not self._trim(self._rooms[-1]):
                    self._rooms.pop()
                wait = PAUSE if self._rooms else INTERVAL
        except HistoryError as error:
            log.error("error: the history is not trimmed: %s", error)
        self._timers.after(wait, self._step)

    def _trim(self, room: str) -> int:
        count = self._history.trim(room, self._keep_messages, self._keep_since(), STEP)
        if count:
            self._forget_trimmed(room)
        return count

    def _refuse_old(self) -> None:
        """What nobody has approved for as long as a message is kept."""
        for held in self._history.held_before(self._keep_since(), REFUSED_AT_ONCE):
            self._history.settle(held, None, None)
            self._refuse(held)

    def _keep_since(self) -> int:
        now = time.time_ns() // 1_000_000
        return now - self._keep_days * DAY_MS if self._keep_days else 0
