"""``chatroom tail``: what is said, as it is said."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice

import click

from chatroom.addresses import authorization
from chatroom.client import ChatClient
from chatroom.client.events import Changed, Event, ReactionCounts, Removed
from chatroom.client.inbox import Recent
from chatroom.commands.archived import Archived
from chatroom.commands.http import Api
from chatroom.commands.joining import joined
from chatroom.commands.json_lines import to_line
from chatroom.commands.keeping_up import KeepingUp
from chatroom.commands.options import Id, talking
from chatroom.commands.output import note, watch_reader, write
from chatroom.commands.showing import Screen
from chatroom.errors import ClientError, ServerRefused
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
    "--json",
    "as_json",
    is_flag=True,
    help="Print each message, and what becomes of it, as a JSON object, one per line.",
)
@click.option("--follow/--no-follow", default=True, help="Continue with new messages.")
def tail(
    room: str,
    url: str,
    name: str | None,
    key: str | None,
    patience: float,
    lines: int,
    since: str | None,
    as_json: bool,
    follow: bool,
) -> None:
    """Print what is said in ROOM, until Ctrl-C.

    If the connection breaks, it reconnects and prints what was said in between. If those
    messages are no longer available, it says so on standard error, and there it says which of
    those that it has printed are edited or removed. Reactions are for --json alone.
    """
    screen = Lines() if as_json else Screen()
    with joined(url, room, name, patience, key=key, since=since) as chat:
        gone = watch_reader(lambda: chat.close(flush=0))
        api = Api(url, key=key or _pass_of(chat, url))
        past = None if since is not None else Past(api, room, lines)
        _follow(chat, screen, past, follow, KeepingUp(chat) if as_json else None)
        if gone.is_set():
            raise BrokenPipeError(errno.EPIPE, "nobody reads standard output any more")


def _pass_of(chat: ChatClient, url: str) -> str:
    """Who is in may read, too; but the header may be a proxy's."""
    return "" if authorization(url) else str(chat.welcome.get("pass", ""))


class Lines(Screen):
    """For programs: each message and each change as a line of JSON."""

    def show(self, message: Message) -> None:
        write(to_line(message))
        self.add(message)

    def show_past(self, item: Archived) -> None:
        write(to_line(item))
        self.add(item.message)

    def tell(self, event: Event) -> None:
        if isinstance(event, Changed | Removed | ReactionCounts):
            write(to_line(event))
        else:
            super().tell(event)


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
        self.latest: deque[Message] = deque(maxlen=count)

    def add(self, message: Message) -> None:
        self.latest.append(message)

    def change(self, event: Changed | Removed) -> bool:
        """Whether it is about one of these; then it is one of them as it now is, or no more."""
        id = event.id if isinstance(event, Removed) else event.message.id
        now = [event.message] if isinstance(event, Changed) else []
        for index, message in enumerate(self.latest):
            if message.id == id:
                before, after = islice(self.latest, index), islice(self.latest, index + 1, None)
                self.latest = deque([*before, *now, *after], self._count)
                return True
        return False

    def all(self) -> Iterable[Archived]:
        """Oldest first; what is missing of them is fetched, or said to be missing."""
        latest = map(Archived, self.latest)
        missing = self._count - len(self.latest)
        if not missing or not self.latest or self.latest[0].seq == 1:
            return latest
        try:
            return [*self._api.before(self._room, self.latest[0].id, missing), *latest]
        except ClientError as error:
            note(f"only the last {len(self.latest)} messages are shown: {error}")
            return latest

    def all_with_reactions(self) -> Iterable[Archived]:
        """Likewise, with what people think of them; on joining, the server does not send that."""
        if not self.latest:
            return []
        last = self.latest[-1].id
        try:
            found = self._api.before(self._room, last, self._count - 1)
            with suppress(ServerRefused):  # it was removed just now
                found.append(self._api.one(self._room, last))
            return found
        except (ClientError, ValueError) as error:
            note(f"what people think of past messages is not shown: {error}")
            return self.all()


def _follow(
    chat: ChatClient, screen: Screen, past: Past | None, follow: bool, keeping: KeepingUp | None
) -> None:
    """Show each message once, from ``past`` on, unless it is None: then all that are heard.

    Args:
        keeping: for whoever wants reactions.
    """
    recent = Recent()
    for item in chat.events():
        was_waiting = keeping is not None and keeping.is_waiting
        if keeping:
            keeping.take(item)
        if not isinstance(item, Event):
            if item.id in recent:
                continue
            recent.add(item.id)
            if past:
                past.add(item)
            else:
                screen.show(item)
        elif item.type == "live":
            _show_past(screen, past, keeping)
            past = None
            if not follow and not (keeping and keeping.is_waiting):
                return
        elif isinstance(item, ReactionCounts):
            if not past:  # else what is fetched is newer
                screen.tell(item)
            if not follow and was_waiting and keeping and not keeping.is_waiting:
                return
        elif not (past and isinstance(item, Changed | Removed) and past.change(item)):
            screen.tell(item)


def _show_past(screen: Screen, past: Past | None, keeping: KeepingUp | None) -> None:
    """Or, if it is on the screen, ask for what people think of it."""
    if past and keeping and keeping.has_any:
        found = past.all_with_reactions()
    else:
        found = past.all() if past else ()
    for item in found:
        screen.show_past(item)
    if keeping and past:
        keeping.know()
    elif keeping:
        keeping.catch_up()
