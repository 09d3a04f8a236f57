"""Where messages are stored: the interface, and the way from a setting to an implementation.

In reading order:

- ``interface.py``: ``History``: what every store can do
- ``decisions.py``: the part of it in which rooms decide about themselves
- ``belongings.py``: the part of it that is about one person
- ``file_records.py``: the part of it that knows which files there are
- ``reaction_records.py``: the part of it that knows who has reacted to what
- ``shared.py``: what one can do, besides, that several processes write to
- ``sqlite/``: messages in one SQLite file
- ``postgresql/``: messages in a PostgreSQL database; loaded when a setting asks for it
- ``memory/``: messages that last as long as the process
- ``paging.py``: how much is read at once
- ``retention.py``: which messages are to be deleted
- ``host_log.py``: what hosts have done
- ``deleted.py``: what is kept of a room that was deleted
- ``remarks.py``: what a look at a database has found
- ``effects.py``: what an act of theirs brings about
- ``words.py``: the words of texts and searches
- ``searching.py``: what one search has found, and how long it may take
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from chatroom.errors import HistoryRefused
from chatroom.files.stored import StoredFile
from chatroom.history.interface import History
from chatroom.history.memory.history import MemoryHistory
from chatroom.history.postgresql.address import has_password, is_address, masked
from chatroom.history.postgresql.library import demand_psycopg
from chatroom.history.remarks import Remark
from chatroom.history.sqlite.database import DatabaseFile, peek_secret
from chatroom.history.sqlite.history import SqliteHistory

__all__ = [
    "FROM_ENVIRONMENT",
    "HISTORY_FORMS",
    "SHARED_FORM",
    "SYNCS",
    "History",
    "can_be_shared",
    "demand_notifications",
    "has_password",
    "is_address",
    "is_history_url",
    "make_history",
    "masked",
    "move_in",
    "read_secret",
    "survey",
]

SHARED_FORM = "postgresql://USER@HOST/DATABASE"

HISTORY_FORMS = ("sqlite:PATH", "memory:", SHARED_FORM)
"""The forms of the setting ``history``: for configuration's errors."""

FROM_ENVIRONMENT = "postgresql:"
"""The setting, if the environment has the database's address."""


def can_be_shared(url: str) -> bool:
    """Whether several processes can write to what ``url`` leads to."""
    return is_address(url)


def is_history_url(url: str) -> bool:
    """Whether ``make_history`` accepts it; does not look at the file, nor for the database."""
    if is_address(url):
        return True
    kind, _, path = url.partition(":")
    if kind == "sqlite":
        try:
            return bool(path) and b"\0" not in os.fsencode(path)
        except UnicodeEncodeError:  # JSON allows a lone surrogate, file names don't
            return False
    return url == "memory:"


SYNCS = ("full", "normal")
"""How far a commit goes: to the disk itself, or to the operating system."""


def make_history(url: str, folder: Path, sync: str = "full", files: Path | None = None) -> History:
    """The history that the setting asks for; opens nothing yet, so a fork may follow.

    Args:
        url: one of ``HISTORY_FORMS``, checked by ``is_history_url``.
        folder: where a relative PATH starts.
        sync: one of ``SYNCS``. With "normal", ``kill -9`` loses nothing, but a power cut may
            lose the last moments. Memory ignores it, like the next one.
        files: the folder of pictures and files; None for where the history itself says, if it does.

    Raises:
        HistoryRefused: what it takes to talk to PostgreSQL is not installed.
    """
    assert is_history_url(url), masked(url)
    if url == "memory:":
        return MemoryHistory(url)
    if is_address(url):
        demand_psycopg(url)
        from chatroom.history.postgresql.history import PostgresHistory

        return PostgresHistory(url, sync, files)
    return SqliteHistory(url, folder / url.removeprefix("sqlite:"), sync, files)


def read_secret(url: str, folder: Path) -> bytes:
    """The secret of a history, also while a server uses it; arguments as of ``make_history``.

    Raises:
        HistoryRefused: it cannot be read here.
    """
    if url == "memory:":
        cause = "the history is in memory, and so is the secret, which only the server knows"
        raise HistoryRefused(url, cause, 'set "history" to a file, such as sqlite:chat.db')
    if is_address(url):
        demand_psycopg(url)
        from chatroom.history.postgresql.history import read_secret_of

        return read_secret_of(url)
    return peek_secret(DatabaseFile(url, folder / url.removeprefix("sqlite:")))


def demand_notifications(url: str) -> None:
    """Make sure that processes which share a history can hear each other.

    Args:
        url: one that ``can_be_shared`` accepts; psycopg is there.

    Raises:
        HistoryRefused: they cannot.
    """
    from chatroom.history.postgresql.survey import demand_notifications

    demand_notifications(url)


def survey(url: str, workers: int) -> list[Remark]:
    """What there is to say about a history that can be used; see ``postgresql/survey.py``.

    Args:
        url: one that ``is_address`` accepts; psycopg is there.
        workers: processes that are to use it, on this machine.
    """
    from chatroom.history.postgresql.survey import survey

    return survey(url, workers)


def move_in(
    url: str,
    source: History,
    note: Callable[[int], None] = lambda count: None,
    copy: Callable[[StoredFile], None] = lambda file: None,
) -> tuple[int, int]:
    """Copy a whole history into a database; see ``postgresql/moving.py``.

    Args:
        url: one that ``is_address`` accepts.
        source: opened, and used by nobody else.
        note: told how many messages have been copied since it was told the last time.
        copy: copies the bytes of a file that a message has, or what waits for approval; before
            the database says that there is one.

    Returns:
        How many rooms and messages there are.

    Raises:
        HistoryRefused: the database cannot be used, or has rooms.
    """
    demand_psycopg(url)
    from chatroom.history.postgresql.moving import move_in

    return move_in(url, source, note, copy)
