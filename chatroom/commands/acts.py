"""What a host can do, a command for each act: what follows ``chatroom host ROOM``."""

from __future__ import annotations

import json
from typing import Any

import click

from chatroom.commands.console import Console, acting
from chatroom.commands.host_tables import log_table, look_table
from chatroom.commands.json_lines import harmless
from chatroom.commands.options import Id, Span, Words
from chatroom.commands.output import note, write
from chatroom.users.tokens import link_to
from chatroom.wire.acts import DOORS, FASTEST, FILES, MOST_USES, SLOWEST, SPEAK, UNCHECKED, What

person_argument = click.argument("person", type=Words())

for_option = click.option(
    "--for",
    "seconds",
    type=Span(),
    metavar="TIME",
    help="For how long, such as 30s, 10m, 2h or 1d; by default until it is undone.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")


def _as_json(found: dict[str, Any]) -> str:
    return harmless(json.dumps(found, ensure_ascii=False))


@click.command()
@json_option
@acting
def look(console: Console, as_json: bool) -> None:
    """Show who is in charge, who is quiet or removed, which links there are, and what waits."""
    found = console.look()
    for line in [_as_json(found)] if as_json else look_table(found):
        write(line)


@click.command()
@json_option
@acting
def log(console: Console, as_json: bool) -> None:
    """Show what hosts have done within 90 days, the latest at the end.

    As JSON, each act is one line.
    """
    entries = console.look()["log"][::-1]
    for line in map(_as_json, entries) if as_json else log_table(entries):
        write(line)


@click.command()
@click.option("--speak", type=click.Choice(SPEAK), help="Who may speak.")
@click.option(
    "--every",
    type=Span(FASTEST, SLOWEST),
    metavar="TIME",
    help="Slow: between two of one person.",
)
@click.option(
    "--only-with-host/--no-only-with-host",
    default=None,
    help="Others may speak only while a host is here, or was within the last minute.",
)
@click.option("--door", type=click.Choice(DOORS), help="Who may come in.")
@click.option(
    "--code",
    type=Words(),
    help='The code that opens the door; "": the server makes another one up.',
)
@click.option("--listed/--unlisted", default=None, help="Whether the room is in lists.")
@click.option(
    "--unchecked",
    type=click.Choice(UNCHECKED),
    help="What plain clients and scripts without a key may do, whose names nobody checks.",
)
@click.option("--files", type=click.Choice(FILES), help="Who may send pictures and files.")
@click.option(
    "--reactions/--no-reactions", default=None, help="Whether people can react to messages."
)
@acting
def rules(
    console: Console,
    speak: str | None,
    every: int | None,
    only_with_host: bool | None,
    door: str | None,
    code: str | None,
    listed: bool | None,
    unchecked: str | None,
    files: str | None,
    reactions: bool | None,
) -> None:
    """Set who may speak and come in; what you leave out stays as it is.

    --every alone means --speak slow. Prints the code of the door, if the server has made it up.
    """
    speak = "slow" if every and speak is None else speak
    speech = {"speak": speak, "slowSeconds": every, "needsHost": only_with_host}
    speech |= {"unchecked": unchecked, "files": files, "reactions": reactions}
    given: dict[str, Any] = speech | {"door": door, "code": code, "listed": listed}
    if all(one is None for one in given.values()):
        raise click.UsageError(f"nothing to change: give {RULES}")
    told = console.act("rules", **given)
    if "code" in told:
        write(str(told["code"]))
    note("done")


RULES = (
    "--speak, --every, --[no-]only-with-host, --door, --code, --listed, --unchecked, --files or "
    "--[no-]reactions"
)


@click.command("everybody-out")
@acting
def everybody_out(console: Console) -> None:
    """Show out everybody but hosts; nobody comes back by having been here."""
    console.act("everybodyOut")
    note("done")


@click.command()
@person_argument
@for_option
@acting
def quiet(console: Console, person: str, seconds: int | None) -> None:
    """Let PERSON, a name or a user id, read but not speak."""
    whom = console.person(person)
    console.act("quiet", whom, seconds=seconds)
    note(f"{whom} is quiet")


@click.command()
@person_argument
@acting
def unquiet(console: Console, person: str) -> None:
    """Let PERSON speak again."""
    whom = console.person(person, "quiet")
    console.act("quiet", whom, seconds=0)
    note(f"{whom} may speak")


@click.command()
@person_argument
@for_option
@click.option(
    "--what",
    type=click.Choice([one.value for one in What]),
    help="What goes with them of what they wrote here: by default, nothing.",
)
@acting
def bar(console: Console, person: str, seconds: int | None, what: str | None) -> None:
    """Remove PERSON, a name or a user id, from the room, and let them not come back."""
    whom = console.person(person)
    told = console.act("bar", whom, seconds=seconds, what=what)
    note(f"{whom} is removed")
    if "at" in told:
        note(f"for some days, `restore --at {told['at']}` brings their messages back")


@click.command()
@person_argument
@acting
def unbar(console: Console, person: str) -> None:
    """Let PERSON come back."""
    whom = console.person(person, "barred")
    console.act("bar", whom, seconds=0)
    note(f"{whom} may come back")


@click.command()
@click.argument("id", metavar="HELD-ID")
@acting
def approve(console: Console, id: str) -> None:
    """Let what waits for approval be said; HELD-ID is what `look` shows."""
    console.act("approve", id=id)
    note("said")


@click.command()
@click.argument("id", metavar="HELD-ID")
@acting
def refuse(console: Console, id: str) -> None:
    """Let what waits for approval never be said."""
    console.act("refuse", id=id)
    note("refused")


@click.command()
@click.argument("person", type=Words(), required=False)
@acting
def admit(console: Console, person: str | None) -> None:
    """Let PERSON in, who knocks; without PERSON all, and nobody has to knock any more."""
    whom = console.person(person, "knocks") if person else None
    console.act("admit", whom)
    note(f"{whom or 'everybody'} may come in")


@click.command("turn-back")
@person_argument
@acting
def turn_back(console: Console, person: str) -> None:
    """Do not let PERSON in, who knocks."""
    whom = console.person(person, "knocks")
    console.act("refuse", whom)
    note(f"{whom} may not come in")


@click.command()
@click.option("--upto", metavar="MESSAGE-ID", type=Id(), help="Only this one and those before.")
@acting
def clear(console: Console, upto: str | None) -> None:
    """Remove all messages of the room."""
    told = console.act("clear", upto=upto)
    if "at" not in told:
        note("there was nothing to remove")
    else:
        note(f"removed; for some days, `restore --at {told['at']}` brings all of it back")


@click.command()
@click.argument("id", metavar="[MESSAGE-ID]", type=Id(), required=False)
@acting
def erase(console: Console, id: str | None) -> None:
    """Erase what was removed, this message or all: nobody can restore it."""
    console.act("erase", id=id)
    note("erased")


@click.command("make-host")
@person_argument
@acting
def make_host(console: Console, person: str) -> None:
    """Make PERSON, a name or a user id, a host."""
    whom = console.person(person)
    console.act("makeHost", whom)
    note(f"{whom} is a host")


@click.command("unmake-host")
@person_argument
@acting
def unmake_host(console: Console, person: str) -> None:
    """Let PERSON not be a host any more."""
    whom = console.person(person, "hosts")
    console.act("unmakeHost", whom)
    note(f"{whom} is no host")


@click.command()
@click.option(
    "--for",
    "seconds",
    type=Span(),
    metavar="TIME",
    default="1d",
    show_default=True,
    help="For how long it works, such as 30s, 10m, 2h or 1d.",
)
@click.option(
    "--uses",
    type=click.IntRange(1, MOST_USES),
    default=1,
    show_default=True,
    help="How many people can use it.",
)
@click.option("--guest", is_flag=True, help="It makes nobody a host, and opens the door.")
@acting
def link(console: Console, seconds: int, uses: int, guest: bool) -> None:
    """Print a link that makes whoever opens it a host, or lets them in."""
    makes = "guest" if guest else "host"
    told = console.act("makeLink", seconds=seconds, uses=uses, makes=makes)
    write(link_to(console.url, console.room, makes, told["link"]))
    what = "is let in" if guest else "is a host"
    note(f"Whoever opens it {what}; `look` shows it, and `revoke-link` ends it.")


@click.command("revoke-link")
@click.argument("link")
@acting
def revoke_link(console: Console, link: str) -> None:
    """End a link; LINK is what `look` calls it."""
    console.act("revokeLink", link=link)
    note("done")


@click.command()
@click.argument("id", metavar="MESSAGE-ID", type=Id())
@acting
def remove(console: Console, id: str) -> None:
    """Remove a message; `tail --json` shows ids."""
    console.remove(id)
    note("removed; `restore` brings it back for some days")


@click.command()
@click.argument("id", metavar="[MESSAGE-ID]", type=Id(), required=False)
@click.option("--at", metavar="TIME", help="All that a bar or clear took; TIME as `log` has it.")
@acting
def restore(console: Console, id: str | None, at: str | None) -> None:
    """Bring back a message that a host removed, or all that one act has removed."""
    if (id is None) == (at is None):
        raise click.UsageError("Name a MESSAGE-ID, or the TIME of a bar or clear with --at.")
    if id is not None:
        console.restore(id)
    else:
        console.act("restore", at=at)
    note("restored")


ACTS: list[click.Command] = [
    *(look, log, rules, quiet, unquiet, bar, unbar, approve, refuse, make_host, unmake_host),
    *(link, revoke_link, remove, restore, everybody_out, admit, turn_back, clear, erase),
]
"""All of them."""
