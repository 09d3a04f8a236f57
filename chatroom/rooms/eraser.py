"""Erases what was removed, once nobody can bring it back. Owned by the thread that writes."""

from __future__ import annotations

import logging
import time

from chatroom.errors import HistoryError
from chatroom.history import History
from chatroom.history.host_log import KEEP_MS
from chatroom.rooms.rules import Rules
from chatroom.rooms.timers import Timers

log = logging.getLogger(__name__)

INTERVAL = 10.0
"""Seconds between two looks: for so long, a text that is gone may still be in a file."""

PAUSE = 0.1
"""Seconds between two steps, left for broadcasts."""

STEP = 100
"""Pieces of evidence, and lines of host logs, erased in one transaction, at most: a few
milliseconds."""

DAY_MS = 24 * 60 * 60 * 1000


class Eraser:
    """Drops old evidence and old lines of host logs, and has the history cleaned of what it no
    longer has.

    Args:
        history: the Server's.
        timers: the Server's.
        rules: how long a removal can be undone.
    """

    def __init__(self, history: History, timers: Timers, rules: Rules) -> None:
        self._history = history
        self._timers = timers
        self._keep_days = rules.removed_keep_days
        self._is_failing = False

    def start(self) -> None:
        """Begin: also with what was left to do when the last process ended."""
        self._timers.after(0.0, self._step)

    def _step(self) -> None:
        now = time.time_ns() // 1_000_000
        wait = INTERVAL
        try:
            erased = self._history.erase(now - self._keep_days * DAY_MS, STEP, now - KEEP_MS)
            if erased == STEP:
                wait = PAUSE  # there may be more
            else:
                self._history.clean()
            self._is_failing = False
        except HistoryError as error:
            if self._is_failing:  # twice in a row: a reader in the way is gone by then
                log.error("error: removed texts may still be in a file: %s", error)
            self._is_failing = True
        self._timers.after(wait, self._step)
