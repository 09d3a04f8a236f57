"""How a user who joins or comes back gets the past messages.

The Server thread only sends the last stretch, from the room's tail. Older messages are read
from the history by the user's own writer thread, a page at a time, while the room goes on:
so a long past costs neither the room's time nor memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from chatroom.channel import Channel
from chatroom.errors import ChannelClosed
from chatroom.history import History
from chatroom.message import Message, visible
from chatroom.users.requests import CaughtUp, Joining
from chatroom.users.speaker import TypedParticipant
from chatroom.wire import message_json, typed, websocket
from chatroom.wire.websocket import CloseCode


class Replay:
    """Makes the pages that a writer thread sends.

    Args:
        history: read by writer threads.
        add: where a user who has caught up is announced.
    """

    def __init__(self, history: History, add: Channel[Joining]) -> None:
        self._history = history
        self._add = add

    def pages(self, room: str, after: int, upto: int) -> Iterator[bytes]:
        """Frames of the messages with ``after < seq <= upto``."""
        for page in self._history.pages(room, after, upto):
            yield frames_of(page)

    def catch_up(
        self, user: TypedParticipant, room: str, after: int, *, resumes: bool
    ) -> Iterator[bytes]:
        """Frames of all messages after ``after``, until there are no more, and of what has changed
        since the rev that the user knows; then the user is announced, and the Server sends what
        came meanwhile.

        Args:
            resumes: the user has seen the message ``after``: what follows must not be trimmed.
                A newcomer gets what is still stored.
        """
        if not resumes:
            after = max(after, self._history.first(room) - 1)
        upto = self._history.head(room).seq
        for page in self._history.pages(room, after, upto):
            if page[0].seq != after + 1:  # trimmed while we read: never a silent gap
                user.end(CloseCode.GAP, "gap: the past was trimmed meanwhile", drop=True)
                return
            after = page[-1].seq
            yield frames_of(page)
        if after < upto:  # the rest was trimmed
            if resumes:
                user.end(CloseCode.GAP, "gap: the past was trimmed meanwhile", drop=True)
                return
            after = upto
        rev = user.rev
        while changed := self._history.changes(room, rev):
            rev = changed[-1].rev
            # What was said since the head was looked up is told next, as it is by then.
            yield b"".join(typed.changed(it) for it in changed if it.seq <= after)
        try:
            self._add.put(CaughtUp(user, after, rev))
        except ChannelClosed:
            return  # the server is stopping, and has notified the user


def frames_of(messages: list[Message]) -> bytes:
    """The messages' frames as one."""
    return b"".join(
        websocket.text_frame(message_json.to_json(message)) for message in visible(messages)
    )
