"""``chatroom backup``: a copy of the history, while the room goes on."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from chatroom.commands.exit_codes import Failed
from chatroom.commands.files import history_type
from chatroom.commands.output import note, write
from chatroom.commands.own_server import own_files, own_history
from chatroom.errors import HistoryRefused, Refusal
from chatroom.files.folder import sync
from chatroom.files.links import link_all
from chatroom.history import is_address, masked
from chatroom.history.sqlite.backup import SPARE_BYTES, STEP_PAGES, back_up, files_in
from chatroom.history.sqlite.database import FILES, DatabaseFile

UNFINISHED = ".unfinished"
"""What a backup is called until it is whole. One that was killed leaves it; the next deletes it."""

MADE = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(-\d+)?")
"""What backups are called: the moment, in UTC; several of one second are numbered."""

LONG = 20 * STEP_PAGES
"""From this many pages on, a progress bar is worth its line."""


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--history",
    type=history_type,
    metavar="FILE",
    help="The history, such as chat.db; by default that of the settings here.",
)
def backup(folder: Path, history: str | Path | None) -> None:
    """Make a copy of the history and all files in DIR, in a new folder called by date and time.

    Works while the room is running: nobody waits, and the copy has everything up to one moment.
    Only you may read it: it has all messages, and the key that signs tokens. In DIR there may be
    nothing but backups. Prints where the new one is.

    To restore it, stop the room, and put what is in the folder where the history was.

    \b
        chatroom backup /var/backups/chatroom
        chatroom backup /var/backups/chatroom --history chat.db
    """
    chosen = own_history() if history is None else history
    file = _file(chosen)
    files = own_files(chosen) or file.beside(FILES)
    try:
        with _turn(folder):
            made = _made(file, files, folder)
    except OSError as error:
        where = error.filename or folder
        raise Failed(f"{where} cannot be used: {error.strerror or error}") from error
    write(str(made))


def _file(history: str | Path) -> DatabaseFile:
    """The file with the history.

    Raises:
        HistoryRefused: it is in none.
    """
    text = str(history)
    if text == "memory:":
        cause = "the history is in memory, and nothing of it outlives the server"
        raise HistoryRefused(text, cause, 'set "history" to a file, such as sqlite:chat.db')
    if is_address(text):
        dump = f"pg_dump --format=custom --schema=chatroom --file=chat.dump '{masked(text)}'"
        cause = "a database is backed up by its own means"
        raise HistoryRefused(masked(text), cause, f"run: (umask 077; {dump})")
    path = Path(text.removeprefix("sqlite:"))
    return DatabaseFile(f"sqlite:{path.name}", path)


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """In the folder, which is made if there is none, one backup is made at a time.

    Raises:
        Failed: there is something else in it, or a backup is under way.
        OSError: it cannot be used.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    others = [name for name in os.listdir(folder) if not MADE.fullmatch(name)]
    others = sorted(name for name in others if name != UNFINISHED)
    if others:
        cause = f"{folder} has something else in it than backups, such as {others[0]}"
        raise Failed(f"{cause}; name a folder of their own")
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
        os.fsync(descriptor)
    except BlockingIOError:
        raise Failed(f"another backup to {folder} is under way; wait until it is done") from None
    finally:
        os.close(descriptor)


def _made(file: DatabaseFile, files: Path, folder: Path) -> Path:
    """A new backup: it is there only once it is whole, and on disk."""
    draft = folder / UNFINISHED
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(mode=0o700)
    try:
        began = time.strftime("%Y-%m-%dT%H-%M-%SZ", time.gmtime())
        copy = draft / file.path.name
        back_up(file, copy, _Progress())
        _link_files(file, files, copy)
        sync(draft)
        made, number = folder / began, 1
        while made.exists():
            number += 1
            made = folder / f"{began}-{number}"
        return draft.rename(made)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _link_files(file: DatabaseFile, files: Path, copy: Path) -> None:
    """Whatever the copy knows of is there already: a file comes before its message."""
    ids = files_in(copy)
    if not ids:
        return
    target = DatabaseFile(file.name, copy).beside(FILES)
    try:
        missing = link_all(files, target, ids, SPARE_BYTES)
    except Refusal as refusal:
        raise Failed(f"{target.parent}: {refusal.detail}") from refusal
    if missing:
        note(f"{missing} of {len(ids)} files are not in it: they were removed, or are missing here")


class _Progress:
    """Says how far a long backup is, to whoever sits there."""

    def __init__(self) -> None:
        self._told = -1

    def __call__(self, left: int, pages: int) -> None:
        done = 100 * (pages - left) // max(pages, 1)
        if pages >= LONG and sys.stderr.isatty() and done // 10 > self._told // 10:
            self._told = done
            note(f"{done} % copied")
