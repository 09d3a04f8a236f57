"""A history that this user cannot write, such as a copy on a read-only disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from chatroom.errors import HistoryUnavailable
from chatroom.history.interface import History
from chatroom.history.sqlite.check import examine, is_filled
from chatroom.history.sqlite.database import DatabaseFile
from chatroom.history.sqlite.history import SqliteHistory
from chatroom.history.sqlite.schema import SCHEMA_VERSION


def is_writable(path: Path) -> bool:
    """Whether this user can write the file, and create what SQLite needs next to it."""
    path = Path(os.path.realpath(path))
    return all(os.access(place, os.W_OK) for place in (path, path.parent))


@contextmanager
def opened_read_only(name: str, path: Path) -> Iterator[History]:
    """Open it for reading; nothing is created next to it.

    A program that uses it meanwhile is noticed by its lock, if that is in the same folder;
    otherwise once it has written to the file.

    Raises:
        HistoryRefused: it is not a history, or in use.
        HistoryUnavailable: it was changed while it was read.
    """
    history, file = SqliteHistory(name, path), DatabaseFile(name, path)
    with closing(history), TemporaryDirectory() as folder:
        history.share_lock()
        before = stamps(file)
        if is_filled(file.beside("-wal")) or examine(file, to_write=False) < SCHEMA_VERSION:
            # SQLite reads a log only with files of its own next to it; an old schema is upgraded.
            copy = SqliteHistory(name, copied(file, Path(folder)))
            with closing(copy):
                copy.open()
                yield copy
        else:
            history.open_in_place()
            yield history
        if stamps(file) != before:
            cause = f"{file.path} was changed by another program while it was read"
            raise HistoryUnavailable(name, cause, "end that program, and try again")


def copied(file: DatabaseFile, folder: Path) -> Path:
    """The file with its log, in the folder."""
    copy = folder / file.path.name
    for source in (file.path, file.beside("-wal")):
        if source.exists():
            shutil.copyfile(source, folder / source.name)
    return copy


def stamps(file: DatabaseFile) -> list[tuple[int, int]]:
    """Size and time of the files; they change when somebody writes."""
    found = [os.stat(path) for path in (file.path, file.beside("-wal")) if path.exists()]
    return [(status.st_size, status.st_mtime_ns) for status in found]
