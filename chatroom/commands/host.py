"""``chatroom host``: the way to be in charge that nobody can take away."""

from __future__ import annotations

from urllib.parse import quote

import click

from chatroom.commands.exit_codes import Failed
from chatroom.commands.options import RoomName
from chatroom.commands.output import note
from chatroom.commands.own_server import own_url
from chatroom.configuration import load_configuration
from chatroom.history.sqlite.database import DatabaseFile, peek_secret
from chatroom.names import DEFAULT_ROOM
from chatroom.users.tokens import LINK_SECONDS, Tokens

MEMORY = (
    "the history is in memory, so only a room's maker can be in charge; "
    'set "history" to a file, such as sqlite:chat.db'
)


@click.command()
@click.argument("room", type=RoomName(), default=DEFAULT_ROOM)
def host(room: str) -> None:
    """Print a link that makes you an operator.

    Whoever opens it first, within ten minutes, is a host of every room, for as long as their
    browser keeps its data. Works while the server is running, where its settings and its history
    can be read.
    """
    configuration = load_configuration()
    if configuration.history == "memory:":
        raise Failed(MEMORY)
    path = configuration.folder / configuration.history.removeprefix("sqlite:")
    secret = peek_secret(DatabaseFile(configuration.history, path))
    link = Tokens(secret).write_operator_link()
    where = "/" if room == DEFAULT_ROOM else f"/rooms/{quote(room)}"
    click.echo(f"{own_url(configuration)}{where}#host={link}")
    note(f"Whoever opens it first, within {LINK_SECONDS // 60} minutes, is an operator.")
