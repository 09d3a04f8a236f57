"""``chatroom move``: a history moves from its file into a database."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from chatroom.commands.files import history_type, opened
from chatroom.commands.output import note
from chatroom.history import is_address, masked, move_in

LONG = 2000
"""From this many messages on, a progress bar is worth its line."""


@click.command()
@click.argument("source", type=history_type)
@click.argument("target", type=history_type)
def move(source: str | Path, target: str | Path) -> None:
    """Copy the history SOURCE into the PostgreSQL database TARGET, which has no rooms yet.

    Everything goes with it: rooms, messages with their ids, what rooms have decided, what was
    removed or waits for approval, the host log, and the key that signs tokens. So clients go on
    where they were, once the server uses the new history. SOURCE stays as it is.

    Works while no server uses either. If it is interrupted, run it again: it begins anew.

    \b
        chatroom move chat.db postgresql://chat@db.example/chat
    """
    if not isinstance(target, str) or not is_address(target):
        raise click.UsageError("TARGET is to be a database: postgresql://USER@HOST/DATABASE")
    with opened(source, make=False) as history:
        total = sum(one.seq - one.first + 1 for one in history.rooms() if one.first)
        shown = sys.stderr if total >= LONG and sys.stderr.isatty() else None
        if shown:
            with click.progressbar(length=total, label="Moving", file=shown) as bar:
                rooms, messages = move_in(target, history, bar.update)
        else:
            rooms, messages = move_in(target, history)
    there = f"{_counted(rooms, 'room')} with {_counted(messages, 'message')}"
    note(f"moved: {there}, to {masked(target)}")
    note(f'Set "history" to that address; {masked(str(source))} is not used any more, and stays.')


def _counted(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"
