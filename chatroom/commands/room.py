"""``chatroom room``: what an operator does with whole rooms, while no server is running."""

from __future__ import annotations

from pathlib import Path

import click

from chatroom.commands.carried import forget_lost
from chatroom.commands.exit_codes import Failed
from chatroom.commands.files import history_type, opened
from chatroom.commands.options import RoomName
from chatroom.commands.output import note
from chatroom.history import masked
from chatroom.message import RoomSummary


@click.group()
def room() -> None:
    """Manage the rooms of a history."""


@room.command("delete")
@click.argument("names", metavar="ROOM...", type=RoomName(), nargs=-1, required=True)
@click.option(
    "--history",
    type=history_type,
    metavar="FILE",
    required=True,
    help="The history, such as chat.db or postgresql://…",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(names: tuple[str, ...], history: str | Path, yes: bool) -> None:
    """Delete rooms with all their messages.

    Works while no server uses the history. Nothing that a room had stays in the file; backups
    still have it.
    """
    with opened(history, make=False, takes_away=True) as source:
        known = {name: RoomSummary(name, 0, 0, "", 0) for name in source.decided() if name}
        known |= {one.name: one for one in source.rooms()}
        if missing := [name for name in names if name not in known]:
            raise Failed(f"{masked(str(history))} has no room {missing[0]!r}; nothing is deleted")
        wanted = [known[name] for name in dict.fromkeys(names)]
        if not yes:
            for one in wanted:
                note(f"room {one.name}: {_messages(one)}")
            click.confirm("Delete for good?", abort=True, err=True)
        for one in wanted:
            source.delete(one.name)
            note(f"room {one.name} is deleted, with {_messages(one)}")
        forget_lost(source)


def _messages(found: RoomSummary) -> str:
    count = found.seq - found.first + 1 if found.first else 0
    return "1 message" if count == 1 else f"{count} messages"
