"""``chatroom tail``: what is said, as it is said."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable, Iterable

import click

from chatroom.client import ChatClient
from chatroom.client.events import Event
from chatroom.client.inbox import Recent
from chatroom.commands.formats import text_line
from chatroom.commands.http import Api
from chatroom.commands.joining import joined
from chatroom.commands.json_lines import to_line
from chatroom.commands.options import Id, talking
from chatroom.commands.output import note, watch_reader, write
from chatroom.errors import ClientError
from chatroom.message import Message

MAX_LINES = 10**12
"""No room has more."""


@click.command()
@talking
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(0, MAX_LINES),
    default=10,
    show_default="10",
    metavar="COUNT",
    help="How many past messages to start with.",
)
@click.option("--since", type=Id(), metavar="ID", help="Start after this message instead.")
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
    show = (lambda message: write(to_line(message))) if as_json else _show_text
    with joined(url, room, name, patience, since=since) as chat:
        gone = watch_reader(lambda: chat.close(flush=0))
        past = None if since is not None else Past(Api(url), room, lines)
        _follow(chat, show, past, follow)
        if gone.is_set():
            raise BrokenPipeError(errno.EPIPE, "nobody reads standard output any more")


def _show_text(message: Message) -> None:
    write(text_line(message, local=True))


class Past:
    """The last messages before those that are live.

    Args:
        api: knows what the server does not send on joining, which is at most ``replayLimit``.
        count: how many to show.
    """

    def __init__(self, api: Api, room: str, count: int) -> None:
        self._api = api
        self._room = room
        self._count = count
        self._latest: deque[Message] = deque(maxlen=count)

    def add(self, message: Message) -> None:
        self._latest.append(message)

    def all(self) -> Iterable[Message]:
        """Oldest first; what is missing of them is fetched, or said to be missing."""
        missing = self._count - len(self._latest)
        if not missing or not self._latest or self._latest[0].seq == 1:
            return self._latest
        try:
            return [*self._api.before(self._room, self._latest[0].id, missing), *self._latest]
        except ClientError as error:
            note(f"only the last {len(self._latest)} messages are shown: {error}")
            return self._latest


def _follow(
    chat: ChatClient, show: Callable[[Message], None], past: Past | None, follow: bool
) -> None:
    """Show each message once, from ``past`` on, unless it is None: then all that are heard."""
    recent = Recent()
    for item in chat.events():
        if isinstance(item, Event):
            tell(item)
            if item.type == "live":
                for message in past.all() if past else ():
                    show(message)
                past = None
                if not follow:
                    return
        elif item.id not in recent:
            recent.add(item.id)
            if past is None:
                show(item)
            else:
                past.add(item)


def tell(event: Event) -> None:
    """Report gaps and lost connections on standard error."""
    if event.type == "gap":
        note("there is a gap here: some messages are no longer available")
    elif event.type == "offline":
        note(f"connection lost ({event.fields.get('reason')}); reconnecting")
