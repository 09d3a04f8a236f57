"""Where messages are stored: the interface, and the way from a setting to an implementation.

In reading order:

- ``interface.py``: ``History``: what every store can do
- ``decisions.py``: the part of it in which rooms decide about themselves
- ``sqlite/``: messages in one SQLite file
- ``memory/``: messages that last as long as the process
- ``paging.py``: how much is read at once
- ``retention.py``: which messages are to be deleted
- ``host_log.py``: what hosts have done
- ``effects.py``: what an act of theirs brings about
- ``words.py``: the words of texts and searches
- ``searching.py``: what one search has found, and how long it may take
"""

from __future__ import annotations

import os
from pathlib import Path

from chatroom.history.interface import History
from chatroom.history.memory.history import MemoryHistory
from chatroom.history.sqlite.history import SqliteHistory

__all__ = ["HISTORY_FORMS", "SYNCS", "History", "is_history_url", "make_history"]

HISTORY_FORMS = ("sqlite:PATH", "memory:")
"""The forms of the setting ``history``: for configuration's errors."""


def is_history_url(url: str) -> bool:
    """Whether ``make_history`` accepts it; does not look at the file."""
    kind, _, path = url.partition(":")
    if kind == "sqlite":
        try:
            return bool(path) and b"\0" not in os.fsencode(path)
        except UnicodeEncodeError:  # JSON allows a lone surrogate, file names don't
            return False
    return url == "memory:"


SYNCS = ("full", "normal")
"""How far a commit goes: to the disk itself, or to the operating system."""


def make_history(url: str, folder: Path, sync: str = "full") -> History:
    """The history that the setting asks for; opens nothing yet, so a fork may follow.

    Args:
        url: one of ``HISTORY_FORMS``, checked by ``is_history_url``.
        folder: where a relative PATH starts.
        sync: one of ``SYNCS``. With "normal", ``kill -9`` loses nothing, but a power cut may
            lose the last moments. Memory ignores it.
    """
    assert is_history_url(url), url
    if url == "memory:":
        return MemoryHistory(url)
    return SqliteHistory(url, folder / url.removeprefix("sqlite:"), sync)
