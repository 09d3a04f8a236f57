"""A consistent copy of the file, made while a server goes on writing to it.

SQLite's own backup begins anew whenever another process commits, and so would never end in a busy
room: https://sqlite.org/backup.html. It does not where its source has a read transaction open all
the while, which in a write-ahead log keeps nobody from writing. Only the log cannot be emptied.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from chatroom.errors import HistoryRefused
from chatroom.history.sqlite import files
from chatroom.history.sqlite.check import demand_sound, has_header, schema_version
from chatroom.history.sqlite.database import DatabaseFile
from chatroom.history.sqlite.read_only import is_writable

STEP_PAGES = 1024
"""Pages that are copied, and synced, at once: 4 MB. Were all of them synced in the end, a commit of
the room could have to wait behind them for seconds."""

SPARE_BYTES = 64 * 1024 * 1024
"""That stay free on the disk of the copy: the room may need them."""


def back_up(
    file: DatabaseFile, target: Path, tell: Callable[[int, int], None] = lambda left, pages: None
) -> None:
    """Copy the history as it is at one moment, and make sure that the copy is whole, and on disk.

    Nobody waits for it: neither who reads nor who writes.

    Args:
        target: does not exist; what is there of it after an error is to be deleted.
        tell: told after each step how many pages are left, and how many there are.

    Raises:
        HistoryRefused: there is none, it is damaged, or the copy cannot be written.
    """
    if not file.path.exists():
        raise file.refused("does not exist", "name an existing file")
    try:
        if not has_header(file):  # before anything is connected: see check.examine
            raise file.refused("is still empty", "start the server once")
        # One that may only read leaves an empty log behind where nobody else is connected.
        query = "mode=rw" if is_writable(file.path) else "mode=ro"
        with closing(file.connect(query)) as source:
            source.execute("PRAGMA query_only = ON")
            source.execute("BEGIN")
            version = schema_version(file, source)  # reads: so this is the moment
            demand_space(file, source, target)
            copy(file, source, target, tell)
            source.execute("COMMIT")
    except (OSError, sqlite3.Error) as error:
        raise file.refused(
            f"can't be read: {error}", "check who may read it, and the disk"
        ) from error
    demand_whole(file, target, version)


def files_in(target: Path) -> list[str]:
    """The ids of the pictures and files that a copy knows of."""
    with closing(DatabaseFile(target.name, target).connect("mode=ro&immutable=1")) as connection:
        return files.whole(connection)


def demand_space(file: DatabaseFile, source: sqlite3.Connection, target: Path) -> None:
    """Rather than fill the disk, on which the room may be, too."""
    (pages,) = source.execute("PRAGMA page_count").fetchone()
    (page_size,) = source.execute("PRAGMA page_size").fetchone()
    wanted = pages * page_size + SPARE_BYTES
    free = shutil.disk_usage(target.parent).free
    if free < wanted:
        cause = f"the copy needs {wanted >> 20} MB, and {target.parent} has {free >> 20} MB free"
        raise HistoryRefused(file.name, cause, "free some space, or name another folder")


def copy(
    file: DatabaseFile, source: sqlite3.Connection, target: Path, tell: Callable[[int, int], None]
) -> None:
    copied = DatabaseFile(file.name, target)
    try:
        copied.create()
        with target.open("rb") as stream, closing(copied.connect("mode=rw")) as connection:
            # Whoever is interrupted deletes it.
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")

            def go_on(_status: int, left: int, pages: int) -> None:
                os.fsync(stream.fileno())
                tell(left, pages)

            source.backup(connection, pages=STEP_PAGES, progress=go_on)
            os.fsync(stream.fileno())
    except (OSError, sqlite3.Error) as error:
        cause = f"{target} can't be written: {error}"
        way_out = "free some space, check the disk, or name another folder"
        raise HistoryRefused(file.name, cause, way_out) from error


def demand_whole(file: DatabaseFile, target: Path, version: int) -> None:
    """Read all of it: what is damaged is no backup."""
    try:
        with closing(DatabaseFile(file.name, target).connect("mode=ro&immutable=1")) as connection:
            demand_sound(connection, version, thorough=True)
    except sqlite3.Error as error:
        way_out = "stop, keep a copy of the file, and restore an earlier backup"
        raise file.refused(f"is damaged: {error}", way_out) from error
