"""``chatroom host``: the way to be in charge that nobody can take away, and a host's console."""

from __future__ import annotations

import click

from chatroom.commands.acts import ACTS
from chatroom.commands.options import RoomName
from chatroom.commands.output import note
from chatroom.commands.own_server import own_secret, own_url
from chatroom.configuration import load_configuration
from chatroom.names import DEFAULT_ROOM
from chatroom.users.tokens import LINK_SECONDS, Tokens, host_link


@click.group(
    commands=ACTS, invoke_without_command=True, subcommand_metavar="[ACT [OPTIONS] [ARGS]...]"
)
@click.argument("room", type=RoomName(), required=False)
@click.pass_context
def host(ctx: click.Context, room: str | None) -> None:
    """Print a link that makes you an operator; or act as a host in ROOM.

    Without ACT: whoever opens the link first, within ten minutes, is a host of every room, for as
    long as their browser keeps its data. Works while the server is running, where its settings
    and its history can be read.

    With ACT: the running server does it. Where its history can be read, you are the operator;
    elsewhere, name the server with --url, and prove with --key that you are a host.

    \b
        chatroom host
        chatroom host lobby look
        chatroom host lobby quiet Bob --for 10m
    """
    ctx.obj = room
    if ctx.invoked_subcommand:
        return
    if room in {act.name for act in ACTS}:
        note(f"a link to a room called {room}; to act, name the room first: host ROOM {room}")
    configuration = load_configuration()
    link = Tokens(own_secret(configuration)).write_operator_link()
    click.echo(host_link(own_url(configuration), room or DEFAULT_ROOM, link))
    note(f"Whoever opens it first, within {LINK_SECONDS // 60} minutes, is an operator.")
