"""``chatroom host``: the way to be in charge that nobody can take away, and a host's console."""

from __future__ import annotations

from typing import Any

import click

from chatroom.addresses import http_url, room_in
from chatroom.commands.acts import ACTS
from chatroom.commands.options import RoomName, ServerUrl, chosen_room
from chatroom.commands.output import note
from chatroom.commands.own_server import own_secret, own_url
from chatroom.configuration import load_configuration
from chatroom.names import DEFAULT_ROOM
from chatroom.users.tokens import LINK_SECONDS, Tokens, host_link


class _Acts(click.Group):
    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        word = args[0]
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            first = ctx.params.get("room")
            if first in self.commands:
                wanted = f"name the room first: host {word} {first}"
                raise click.UsageError(f"{word} is no ACT: {wanted}", ctx) from None
            if not word.startswith("-"):
                raise
            wanted = "options stand before ROOM, or behind an ACT"
            raise click.UsageError(f"{word} is no ACT: {wanted}", ctx) from None


@click.group(
    cls=_Acts,
    commands=ACTS,
    invoke_without_command=True,
    subcommand_metavar="[ACT [OPTIONS] [ARGS]...]",
)
@click.argument("room", type=RoomName(), required=False)
@click.option(
    "--url",
    type=ServerUrl(),
    help="Without ACT: what the link begins with, such as https://chat.example.com, if this "
    "machine's own address is of no use to you.",
)
@click.pass_context
def host(ctx: click.Context, room: str | None, url: str | None) -> None:
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
        if url:
            raise click.UsageError(f"--url goes behind the act: host ROOM {ctx.invoked_subcommand}")
        return
    if room in {act.name for act in ACTS}:
        note(f"a link to a room called {room}; to act, name the room first: host ROOM {room}")
    configuration = load_configuration()
    link = Tokens(own_secret(configuration)).write_operator_link()
    begin = http_url(url) if url else own_url(configuration)
    is_named = room or (url and room_in(url))
    click.echo(host_link(begin, chosen_room(room, url) if is_named else DEFAULT_ROOM, link))
    note(f"Whoever opens it first, within {LINK_SECONDS // 60} minutes, is an operator.")
