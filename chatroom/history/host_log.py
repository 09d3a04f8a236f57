"""What hosts have done in a room: who, what, whom and when; never a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

KEEP_DAYS = 90

KEEP_MS = KEEP_DAYS * 24 * 60 * 60 * 1000

MOST_ENTRIES = 500
"""That are kept of a room: of what is ``FREQUENT``, and of everything else."""

FREQUENT = ("approve", "refuse", "remove", "restore")
"""What a host may do all day long: it is not to crowd out who was removed, or made a host."""


class LogEntry(NamedTuple):
    """One act."""

    at: int
    """Unix time in milliseconds."""
    act: str
    by_id: str
    """Empty for the operator's own commands."""
    by_name: str
    whom_id: str = ""
    """Empty if it was about nobody, like the name; or about a plain user, who has only a name."""
    whom_name: str = ""
    what: str = ""
    """In words: for how long, or which rules; of a message, its id."""

    def without(self, user_id: str, stranger: str) -> LogEntry:
        """The same, with an id that nobody has where it names this person."""
        by = (stranger, "") if self.by_id == user_id else (self.by_id, self.by_name)
        whom = (stranger, "") if self.whom_id == user_id else (self.whom_id, self.whom_name)
        return LogEntry(self.at, self.act, *by, *whom, self.what)


def surplus(log: Sequence[LogEntry], newest: LogEntry) -> LogEntry | None:
    """Which entry of a room is one too many.

    Args:
        log: newest first.
        newest: the one that has come last.
    """
    is_frequent = newest.act in FREQUENT
    alike = [entry for entry in log if (entry.act in FREQUENT) == is_frequent]
    return alike[-1] if len(alike) > MOST_ENTRIES else None
