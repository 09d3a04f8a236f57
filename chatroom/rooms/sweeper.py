"""Goes on with what acts of hosts have begun, see ``sweeping``, and forgets what is over.

Owned by the Server thread.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import NamedTuple

from chatroom.errors import HistoryError
from chatroom.history import History
from chatroom.rooms.charter import Charter
from chatroom.rooms.timers import Timers

log = logging.getLogger(__name__)

PAUSE = 0.05
"""Seconds between two steps, left for broadcasts."""

PATIENCE = 10.0
"""Seconds until the next try, after the history has failed."""


MINUTE = 60.0
"""Seconds."""


class Sweeping(NamedTuple):
    """Something is left to do in a room, among what is said there."""

    room: str


class Sweeper:
    """One step at a time, whichever room it is in.

    Args:
        history: the Server's.
        timers: the Server's.
        sweep: does a room's next step, and says ``note`` if there is more to do.
        forget: addresses of people who went long ago.
    """

    def __init__(
        self,
        history: History,
        timers: Timers,
        sweep: Callable[[str], None],
        forget: Callable[[], None],
    ) -> None:
        self._history = history
        self._timers = timers
        self._sweep = sweep
        self._forget = forget
        self._rooms: dict[str, None] = {}  # where something is left to do, in turn
        self._ends: dict[str, int] = {}  # when something is over there next

    def start(self) -> None:
        """Begin: with what was left to do when the last process ended."""
        self._timers.after(MINUTE, self._forget_now_and_then)
        try:
            for room in self._history.decided():
                charter = Charter.parse(self._history.charter(room))
                if charter.sweeps:
                    self.note(room)
                for watched in charter.watched.values():
                    self.note_end(room, watched.until)
        except (HistoryError, ValueError) as error:
            log.error("error: removals are not finished: %s", error)

    def note(self, room: str, wait: float = PAUSE) -> None:
        """Something is left to do there."""
        if not self._rooms:
            self._timers.after(wait, self._step)
        self._rooms[room] = None

    def note_end(self, room: str, until: int) -> None:
        """Something is over there then, in Unix milliseconds; what is over later is to be noted
        again."""
        if room in self._ends and self._ends[room] <= until:
            return
        self._ends[room] = until
        wait = max(0.0, until / 1000 - time.time()) + PAUSE
        self._timers.after(wait, lambda: self._end(room, until))

    def _end(self, room: str, until: int) -> None:
        if self._ends.get(room) == until:
            del self._ends[room]
            self._sweep(room)

    def _forget_now_and_then(self) -> None:
        self._forget()
        self._timers.after(MINUTE, self._forget_now_and_then)

    def _step(self) -> None:
        room = next(iter(self._rooms))
        del self._rooms[room]
        if self._rooms:
            self._timers.after(PAUSE, self._step)
        self._sweep(room)
