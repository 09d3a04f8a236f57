"""``chatroom person``: what a history has of somebody."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from chatroom.commands.carried import Export, files_of, forget_lost, thumbnails_of
from chatroom.commands.exit_codes import Failed
from chatroom.commands.files import history_type, opened
from chatroom.commands.output import note, write
from chatroom.history import History, masked
from chatroom.log import printable
from chatroom.rooms.person import Person, erase, everybody, is_known_in, rooms_of, told

history_option = click.option(
    "--history",
    type=history_type,
    metavar="FILE",
    required=True,
    help="The history, such as chat.db or postgresql://…",
)

user_id_argument = click.argument("user_id", metavar="USERID")


@click.group()
def person() -> None:
    """List, export and erase what a history has of people.

    They are known by their userId, which their messages have.
    """


@person.command("list")
@history_option
def list_(history: str | Path) -> None:
    """Print everybody: userId, last name, number of messages, and rooms."""
    with opened(history, make=False, reads_only=True) as source:
        for one in everybody(source):
            write("  ".join((printable(one.user_id), printable(one.name), *_extent(one))))


@person.command("export")
@user_id_argument
@history_option
@click.option(
    "--files",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="A folder for pictures and files, each under its id; created if it is missing.",
)
def export(user_id: str, history: str | Path, files: Path | None) -> None:
    """Print everything that there is of a person, as JSON."""
    with opened(history, make=False, reads_only=True) as source:
        _demand(source, history, user_id)
        if files:
            saved = Export(files, files_of(source))
            for file in source.files_of(user_id):
                saved.save(file.id)
                saved.save_thumbnail(file.id, thumbnails_of(source))
        for piece in told(source, user_id):
            sys.stdout.write(piece)
        write("")


@person.command("erase")
@user_id_argument
@history_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase_(user_id: str, history: str | Path, yes: bool) -> None:
    """Erase all texts and names of a person, for good.

    Works while no server uses the history. Nothing of them stays in the file; backups still have
    it.
    """
    with opened(history, make=False, takes_away=True) as source:
        try:
            one = _demand(source, history, user_id)
        except Failed:  # perhaps erased before, but the file was not yet written anew
            source.clean(takes_its_time=True)
            raise
        if not yes:
            note("  ".join((one.name or user_id, *_extent(one))))
            click.confirm("Erase for good?", abort=True, err=True)
        erase(source, user_id)
        forget_lost(source)
        note(f"{user_id} is erased, with {_messages(one.messages)}")


def _demand(source: History, history: str | Path, user_id: str) -> Person:
    """The person, of whom there is something.

    Raises:
        Failed: there is nothing.
    """
    for one in everybody(source):
        if one.user_id == user_id:
            return one
    # Their id, on what they have removed themselves, or an erasing that was interrupted has left;
    # or files that they have said nothing with.
    known = [room for room in rooms_of(source, user_id) if is_known_in(source, room, user_id)]
    if not known:
        raise Failed(f"{masked(str(history))} has nothing of {user_id}; see `chatroom person list`")
    one = Person(user_id)
    for room in known:
        one.note(room)
    return one


def _extent(one: Person) -> tuple[str, str]:
    return _messages(one.messages), ", ".join(map(printable, one.rooms))


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"
