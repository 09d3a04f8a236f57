"""``chatroom tail``: what is said, as it is said."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import click

from chatroom.client import ChatClient
from chatroom.client.events import Event
from chatroom.client.inbox import Recent
from chatroom.commands.formats import text_line
from chatroom.commands.joining import joined
from chatroom.commands.options import talking
from chatroom.commands.output import note, write
from chatroom.message import Message
from chatroom.wire.message_json import to_json


@click.command()
@talking
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="How many past messages to start with; the server sends at most replayLimit.",
)
@click.option("--since", metavar="ID", help="Start after this message instead.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print each message as a JSON object, one per line."
)
@click.option("--follow/--no-follow", default=True, help="Continue with new messages.")
def tail(
    room: str,
    url: str,
    name: str | None,
    patience: float,
    lines: int,
    since: str | None,
    as_json: bool,
    follow: bool,
) -> None:
    """Print what is said in ROOM, until Ctrl-C.

    If the connection breaks, it reconnects and prints what was said in between. If those
    messages are no longer available, it says so on standard error.
    """
    show = (lambda message: write(to_json(message))) if as_json else _show_text
    with joined(url, room, name, patience, since=since) as chat:
        _follow(chat, show, None if since is not None else deque(maxlen=lines), follow)


def _show_text(message: Message) -> None:
    write(text_line(message, local=True))


def _follow(
    chat: ChatClient,
    show: Callable[[Message], None],
    past: deque[Message] | None,
    follow: bool,
) -> None:
    """Show each message once; of the past, only as many as ``past`` holds, unless it is None."""
    recent = Recent()
    for item in chat.events():
        if isinstance(item, Event):
            tell(item)
            if item.type == "live":
                for message in past or ():
                    show(message)
                past = None
                if not follow:
                    return
        elif item.id not in recent:
            recent.add(item.id)
            if past is None:
                show(item)
            else:
                past.append(item)


def tell(event: Event) -> None:
    """Report gaps and lost connections on standard error."""
    if event.type == "gap":
        note("there is a gap here: some messages are no longer available")
    elif event.type == "offline":
        note(f"connection lost ({event.fields['reason']}); reconnecting")
