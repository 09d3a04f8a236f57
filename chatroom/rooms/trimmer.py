"""Retention: deletes the oldest messages, a few at a time. Owned by the Server thread."""

from __future__ import annotations

import logging
import time

from chatroom.errors import HistoryError
from chatroom.history import History
from chatroom.rooms.active_rooms import ActiveRooms
from chatroom.rooms.rules import Rules
from chatroom.rooms.timers import Timers

log = logging.getLogger(__name__)

STEP = 500
"""Messages deleted in one transaction, at most: a few milliseconds in which the room waits."""

PAUSE = 0.1
"""Seconds between two steps, left for broadcasts."""

INTERVAL = 60.0
"""Seconds between two passes over all rooms."""

DAY_MS = 24 * 60 * 60 * 1000


class Trimmer:
    """Goes through all rooms once a minute, if the settings limit what is kept.

    Args:
        history: the Server's.
        rooms: the Server's.
        timers: the Server's.
        rules: how much is kept.
    """

    def __init__(self, history: History, rooms: ActiveRooms, timers: Timers, rules: Rules) -> None:
        self._history = history
        self._active = rooms
        self._timers = timers
        self._keep_messages = rules.keep_messages
        self._keep_days = rules.keep_days
        self._rooms: list[str] = []

    def start(self) -> None:
        """Begin, if there is any limit at all."""
        if self._keep_messages or self._keep_days:
            self._timers.after(PAUSE, self._step)

    def _step(self) -> None:
        wait = INTERVAL
        try:
            self._rooms = self._rooms or [room.name for room in self._history.rooms()]
            if self._rooms:
                if not self._trim(self._rooms[-1]):
                    self._rooms.pop()
                wait = PAUSE if self._rooms else INTERVAL
        except HistoryError as error:
            log.error("error: the history is not trimmed: %s", error)
        self._timers.after(wait, self._step)

    def _trim(self, room: str) -> int:
        since = time.time_ns() // 1_000_000 - self._keep_days * DAY_MS if self._keep_days else 0
        count = self._history.trim(room, self._keep_messages, since, STEP)
        if count:
            self._active.forget_trimmed(room)
        return count
