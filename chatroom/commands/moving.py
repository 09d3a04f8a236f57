"""``chatroom move``: a history moves from its file into a database."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from chatroom.commands.carried import Moved
from chatroom.commands.exit_codes import Failed
from chatroom.commands.files import history_type, opened
from chatroom.commands.output import note
from chatroom.configuration import load_configuration
from chatroom.files.stored import StoredFile
from chatroom.history import History, is_address, masked, move_in

LONG = 2000
"""From this many messages on, a progress bar is worth its line."""


@click.command()
@click.argument("source", type=history_type)
@click.argument("target", type=history_type)
@click.option(
    "--files",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The folder for pictures and files; by default the setting filesFolder here.",
)
def move(source: str | Path, target: str | Path, files: Path | None) -> None:
    """Copy the history SOURCE into the PostgreSQL database TARGET, which has no rooms yet.

    Everything goes with it: rooms, messages with their ids, reactions, what rooms have decided,
    what was removed or waits for approval, the host log, the key that signs tokens, and pictures
    and files.
    So clients go on where they were, once the server uses the new history. SOURCE stays as it is.

    Works while no server uses either. If it is interrupted, run it again: it begins anew.

    \b
        chatroom move chat.db postgresql://chat@db.example/chat
    """
    if not isinstance(target, str) or not is_address(target):
        raise click.UsageError("TARGET is to be a database: postgresql://USER@HOST/DATABASE")
    with opened(source, make=False) as history:
        moved = _moved(source, history, files)
        copy = moved.take if moved else _nothing
        total = sum(one.seq - one.first + 1 for one in history.rooms() if one.first)
        shown = sys.stderr if total >= LONG and sys.stderr.isatty() else None
        if shown:
            with click.progressbar(length=total, label="Moving", file=shown) as bar:
                rooms, messages = move_in(target, history, bar.update, copy)
        else:
            rooms, messages = move_in(target, history, copy=copy)
    there = f"{_counted(rooms, 'room')} with {_counted(messages, 'message')}"
    note(f"moved: {there}, to {masked(target)}")
    if moved and moved.missing:
        note(f"{_counted(moved.missing, 'file')} could not be found, and stayed behind")
    note(f'Set "history" to that address; {masked(str(source))} is not used any more, and stays.')
    if moved:
        note(f'Set "filesFolder" to {moved.folder}, on every machine of the room.')


def _moved(source: str | Path, history: History, target: Path | None) -> Moved | None:
    """What copies the files; None if there are none.

    Raises:
        ConfigurationError: the settings are invalid.
        Failed: it is not known where to.
    """
    size = history.files_bytes()
    if not size:
        return None
    target = target or load_configuration().files_path
    if target is None:
        raise Failed(
            f"{masked(str(source))} has pictures and files, {size} bytes, and it is not known "
            'where they are to be: set "filesFolder" in config.json, or name a folder with '
            "--files. Several machines need one that all of them share"
        )
    places = [history.files_folder()]
    if isinstance(source, Path):
        places.append(source.with_name(f"{source.name}.files"))  # the setting is for the target
    return Moved([place for place in places if place], target)


def _nothing(file: StoredFile) -> None:
    """There are no files."""


def _counted(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"
