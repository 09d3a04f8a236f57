"""``chatroom key``: what lets a script into a room that has a door."""

from __future__ import annotations

import shlex
from typing import Any

import click

from chatroom.commands.console import Console, Person, console_at
from chatroom.commands.exit_codes import Failed
from chatroom.commands.options import Words, key_option, room_argument, url_option
from chatroom.commands.output import note, write
from chatroom.log import printable


@click.command()
@room_argument
@url_option
@key_option
@click.option(
    "--name", type=Words(), help="Make a key, and print it; the script's messages have this name."
)
@click.option("--read-only", is_flag=True, help="With --name: for reading, not for speaking.")
@click.option("--host", is_flag=True, help="With --name: the script may do what hosts do.")
@click.option("--revoke", type=Words(), metavar="NAME", help="End a key.")
def key(
    room: str | None,
    url: str | None,
    key: str | None,
    name: str | None,
    read_only: bool,
    host: bool,
    revoke: str | None,
) -> None:
    """Make a key to ROOM for a script, end one, or list them all.

    Scripts send it as Authorization: Bearer KEY; commands take it as --key. It opens the room's
    door, and is shown only once.

    \b
        chatroom key builds --name CI
        chatroom key builds --name mirror --read-only
        chatroom key builds --revoke CI
    """
    if name is None and (read_only or host):
        raise click.UsageError("--read-only and --host are for a new key: give it a --name")
    if read_only and host:
        raise click.UsageError("a host speaks: leave out --read-only or --host")
    if name is not None and revoke is not None:
        raise click.UsageError("--name makes a key, --revoke ends one: leave one out")
    console = console_at(room, url, key)
    if name is not None:
        _make(console, name, may_say=not read_only, is_host=host)
    elif revoke is not None:
        _revoke(console, revoke)
    else:
        _list(console)


def _make(console: Console, name: str, *, may_say: bool, is_host: bool) -> None:
    told = console.act("makeKey", name=name, say=may_say)
    write(str(told["key"]))
    if is_host:
        console.act("makeHost", Person(str(told["userId"]), name))
    end = shlex.join(["chatroom", "key", console.room, "--revoke", name])
    note(f"It is not shown again; `{end}` ends it.")


def _revoke(console: Console, name: str) -> None:
    keys = _keys(console)
    found = [one for one in keys if one["name"] == name]
    if not found:
        known = ", ".join(printable(one["name"]) for one in keys) or "none"
        raise Failed(f"the room {console.room} has no key called {name!r}; it has: {known}")
    console.act("revokeKey", Person(str(found[0]["userId"]), ""))
    note("revoked")


def _list(console: Console) -> None:
    for one in _keys(console):
        write(f"{printable(one['name'])}  {'speaks' if one['say'] else 'reads'}  {one['userId']}")


def _keys(console: Console) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = console.look().get("keys", [])
    return keys
