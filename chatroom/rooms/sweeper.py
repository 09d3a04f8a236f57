"""Goes on with what acts of hosts have begun: see ``sweeping``. Owned by the Server thread."""

from __future__ import annotations

import logging
from collections.abc import Callable

from chatroom.errors import HistoryError
from chatroom.history import History
from chatroom.rooms.charter import Charter
from chatroom.rooms.timers import Timers

log = logging.getLogger(__name__)

PAUSE = 0.1
"""Seconds between two steps, left for broadcasts."""

PATIENCE = 10.0
"""Seconds until the next try, after the history has failed."""


class Sweeper:
    """One step at a time, whichever room it is in.

    Args:
        history: the Server's.
        timers: the Server's.
        sweep: does a room's next step, and says ``note`` if there is more to do.
    """

    def __init__(self, history: History, timers: Timers, sweep: Callable[[str], None]) -> None:
        self._history = history
        self._timers = timers
        self._sweep = sweep
        self._rooms: dict[str, None] = {}  # where something is left to do, in turn

    def start(self) -> None:
        """Begin: with what was left to do when the last process ended."""
        try:
            for room in self._history.decided():
                if Charter.parse(self._history.charter(room)).sweeps:
                    self.note(room)
        except (HistoryError, ValueError) as error:
            log.error("error: removals are not finished: %s", error)

    def note(self, room: str, wait: float = PAUSE) -> None:
        """Something is left to do there."""
        if not self._rooms:
            self._timers.after(wait, self._step)
        self._rooms[room] = None

    def _step(self) -> None:
        room = next(iter(self._rooms))
        del self._rooms[room]
        if self._rooms:
            self._timers.after(PAUSE, self._step)
        self._sweep(room)
