"""When the database file is written anew, so that nothing of what was erased is left in it."""

from __future__ import annotations

import logging
import sqlite3
import time

log = logging.getLogger(__name__)

SECONDS_EACH_BYTE = 15e-9
"""What writing the file anew takes, about."""

FIRST_PAUSE = 15.0
"""How long that may take when a process begins: then nobody waits for the room yet."""

PAUSE = 0.25
"""And how long at any time later: of a file of 16 MB. A larger one waits for silence."""

PATIENCE = 200
"""So many times as long as it takes, nobody must have written before: then hardly anybody wants to
just while the room stands still. For so long, too, it isn't done again."""

DAY = 24 * 60 * 60.0
"""Seconds; after each that it has waited, half the silence is enough: no talk goes on for ever."""

MOST_DAYS = 30
"""Then it is done at once."""


def seconds_for(size: int) -> float:
    """To write a file of so many bytes anew."""
    return size * SECONDS_EACH_BYTE


class Renewal:
    """Writes the whole file anew, so that no page has a copy of what is gone: when it is short, or
    when nobody writes, since the room stands still meanwhile. The owner's thread."""

    is_under_way = False
    """Any thread may look."""

    def __init__(self) -> None:
        self._longest = FIRST_PAUSE
        self._at = 0.0  # not before
        self._waits_since: float | None = None
        self._changes = -1  # rows that the connection had changed
        self._still_since = 0.0  # as many, as far as was looked

    def begin(self) -> None:
        """The process has begun: from now on, people wait for the room."""
        self._longest = PAUSE

    def renew(self, writer: sqlite3.Connection, *, at_any_length: bool = False) -> bool:
        """Do it; False if it has to wait."""
        began = time.monotonic()
        (pages,) = writer.execute("PRAGMA page_count").fetchone()
        (size,) = writer.execute("PRAGMA page_size").fetchone()
        length = seconds_for(pages * size)
        is_good_time = began >= self._at and length <= self._bearable(writer, began)
        if not (is_good_time or at_any_length):
            return False
        if length > PAUSE:
            log.info("cleaning: the history is written anew, for about %.1f s", length)
        self.is_under_way = True
        try:
            writer.execute("VACUUM")
            self._waits_since = None
        finally:
            self.is_under_way = False
            now = time.monotonic()
            self._at = now + (now - began) * PATIENCE  # also after a full disk
        return True

    def _bearable(self, writer: sqlite3.Connection, now: float) -> float:
        """How long it may take now."""
        if self._changes != writer.total_changes:
            self._changes = writer.total_changes
            self._still_since = now
        if self._waits_since is None:
            self._waits_since = now
        days = min(MOST_DAYS, (now - self._waits_since) // DAY)
        return max(self._longest, (now - self._still_since) / PATIENCE * 2**days)
