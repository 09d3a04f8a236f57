"""A history file that no server is using, and a file that is written whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from chatroom.commands.exit_codes import Failed
from chatroom.commands.own_server import own_files
from chatroom.errors import HistoryRefused
from chatroom.history import History, is_address, make_history
from chatroom.history.shared import SharedHistory
from chatroom.history.sqlite.check import MAGIC
from chatroom.history.sqlite.read_only import is_writable, opened_read_only
from chatroom.private_files import opener

if TYPE_CHECKING:
    _Source = click.ParamType[str | Path]
else:  # click 8.1 has no generic types
    _Source = click.ParamType


class HistoryType(_Source):
    """A history's file, or the address of a database."""

    name = "history"
    _file = click.Path(dir_okay=False, path_type=Path)

    def convert(
        self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None
    ) -> str | Path:
        """The address as it is: a Path would take a slash away."""
        if isinstance(value, str) and value.startswith(("postgresql:", "postgres:")):
            if not is_address(value):
                self.fail("wanted: postgresql://USER@HOST/DATABASE", param, ctx)
            return value
        file: Path = self._file.convert(value, param, ctx)
        return file


history_type = HistoryType()


@contextmanager
def opened(
    source: str | Path, *, make: bool, reads_only: bool = False, takes_away: bool = False
) -> Iterator[History]:
    """Open the history in the file or the database; its lock keeps servers out meanwhile.

    Without ``make`` and ``takes_away``, a file that this user cannot write is opened for reading
    only, or a copy of it is.

    Args:
        source: as the setting ``history`` names it, with or without ``sqlite:``.
        make: whether to create it if it is missing.
        reads_only: so that servers may go on using a database.
        takes_away: something is to be gone from it.

    Raises:
        HistoryRefused: it is missing, not a history, in use by a server, or cannot be written.
    """
    if isinstance(source, str):
        database = make_history(source, Path(), files=own_files(source))
        if isinstance(database, SharedHistory):
            database.is_alone = not reads_only
        with _opened(database) as history:
            if history.is_new and not make:
                cause = "there is no history in this database"
                raise HistoryRefused(history.name, cause, "name the database of an existing one")
            yield history
        return
    path = Path(str(source).removeprefix("sqlite:"))
    history = make_history(f"sqlite:{path.name}", path.parent, files=own_files(path))
    if not make and not path.exists():
        raise HistoryRefused(history.name, f"{path} does not exist", "name an existing file")
    if not make and not is_writable(path):
        if takes_away:  # gone from a copy is not gone
            way_out = "run this as the user whose server writes it"
            raise HistoryRefused(history.name, f"{path} or its folder cannot be written", way_out)
        with opened_read_only(history.name, path) as read_only:
            yield read_only
        return
    with _opened(history):
        yield history


@contextmanager
def _opened(history: History) -> Iterator[History]:
    try:
        history.open()
        yield history
    finally:
        history.close()


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """A text file that takes the path's place when the block ends without an error.

    What is not an ordinary file, such as ``/dev/stdout``, is written in place.

    Raises:
        Failed: it cannot be written, or is a database: perhaps the history itself.
    """
    path = Path(os.path.realpath(path))
    is_ordinary = path.is_file() or not path.exists()
    if path.is_file() and is_database(path):
        raise Failed(f"{path} is a database, and stays as it is; name another file")
    draft = path.with_name(f".{path.name}.{os.getpid()}") if is_ordinary else path
    try:
        with open(draft, "w", encoding="utf-8", newline="", opener=opener) as file:
            yield file
        if is_ordinary:
            with suppress(FileNotFoundError):
                shutil.copymode(path, draft)
            draft.replace(path)
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        if is_ordinary:
            with suppress(OSError):
                draft.unlink()


def is_database(path: Path) -> bool:
    """Whether it begins as SQLite's files do."""
    with suppress(OSError), path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC
    return False
