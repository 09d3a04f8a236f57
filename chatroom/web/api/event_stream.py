"""A room as Server-Sent Events: past messages, then new ones, for as long as the client listens.

The format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator
from typing import NamedTuple

from chatroom.errors import HistoryError
from chatroom.history import History
from chatroom.log import printable
from chatroom.message import MessageId
from chatroom.rooms.subscriber import Heard, HeardChange
from chatroom.web.api.listener import Listener
from chatroom.wire.message_json import to_json

log = logging.getLogger(__name__)

PING_INTERVAL = 15.0
"""Seconds of silence after which a comment is sent, as only sending shows that a client is gone."""

RETRY = (1000, 5000)
"""Milliseconds until a client reconnects, at random so that they do not all come at once."""


GAP = (
    "Messages between your last one and the next one here are no longer kept, or your last "
    "message is unknown here. Start afresh from here."
)


class Start(NamedTuple):
    """Where a stream begins."""

    seq: int
    """Of the last message before the stream: the client has it, or is not to get it."""
    head: MessageId
    """The room's last message: the listener hears what comes after it."""
    recovered: bool | None
    """Whether the client gets everything it missed; None if it did not ask to resume."""
    since: str
    """The id that the client asked to resume after."""


def start(
    history: History, room: str, head: MessageId, since: str | None, past: int | None
) -> Start:
    """Decide where the stream begins.

    Args:
        head: what ``Server.subscribe`` returned: the listener hears what comes after it.
        since: the last id that the client has seen; None for a new one.
        past: how many messages a client gets if it is new or its id is unusable; None for all.

    Raises:
        HistoryUnavailable: the history cannot be read now.
    """
    seen = None if since is None else _good(history, room, since)
    if since is not None and seen is not None:
        return Start(seen.seq, max(head, seen), True, since)  # it may be ahead of head
    oldest = history.first(room) or head.seq + 1
    # Not beyond head, though all up to there be trimmed by now: the listener has what follows it.
    seq = min(head.seq, max(oldest - 1, 0 if past is None else head.seq - past))
    return Start(seq, head, None if since is None else False, since or "")


def _good(history: History, room: str, since: str) -> MessageId | None:
    """The parsed id if everything after it is still kept, else None."""
    try:
        id = MessageId.parse(since)
    except ValueError:
        return None
    return id if history.reaches_back_to(room, id) else None


class Feed:
    """One client's stream of a room. Used only on the thread that sends it.

    Args:
        history: for what the client missed, or was too slow for.
        room: its name.
        listener: already subscribed; supplies new messages.
        start: where to begin.
    """

    def __init__(self, history: History, room: str, listener: Listener, start: Start) -> None:
        self._history = history
        self._room = room
        self._listener = listener
        self._start = start
        self._seq = start.seq  # of the last message that went out
        self._has_gap = False

    def events(self) -> Iterator[bytes]:
        """The whole stream, as fast as the client reads it; at most one page of it is in memory."""
        yield f"retry: {random.randint(*RETRY)}\n\n".encode()
        try:
            yield from self._past()
            yield from self._present()
            reason = self._listener.reason
        except HistoryError as error:
            log.warning("error: events of room %s: %s", printable(self._room), error)
            reason = f"history unavailable: {error}"
        yield _event("end", {"reason": reason})

    def _past(self) -> Iterator[bytes]:
        _seq, head, recovered, since = self._start
        if recovered is False:
            yield _event("gap", {"since": since, "detail": GAP})
        yield from self._catch_up(head.seq)
        if self._listener.reason:  # incomplete, but the id of this event would claim otherwise
            return
        told = {} if recovered is None else {"recovered": recovered and not self._has_gap}
        yield _event("live", {"last": str(head), **told}, head)

    def _present(self) -> Iterator[bytes]:
        while not self._listener.reason:
            heard = self._listener.heard(PING_INTERVAL)
            if heard:
                yield from self._hand_on(heard)
            elif not self._listener.reason:
                yield b": nothing new\n\n"

    def _hand_on(self, batch: list[Heard | HeardChange]) -> Iterator[bytes]:
        """Send what was heard, preceded by what the client was too slow for."""
        heard = [one for one in batch if isinstance(one, Heard) and one.id.seq > self._seq]
        if not heard:
            return
        yield from self._catch_up(heard[0].id.seq - 1)
        if self._seq == heard[0].id.seq - 1:  # otherwise the stream is ending
            yield _messages(heard)
            self._seq = heard[-1].id.seq

    def _catch_up(self, upto: int) -> Iterator[bytes]:
        """Send what the history has, up to this seq."""
        while self._seq < upto and not self._listener.reason:
            page = next(self._history.pages(self._room, self._seq, upto), [])
            stored = [Heard(MessageId(m.seq, m.nonce), to_json(m)) for m in page]
            if not stored or stored[0].id.seq > self._seq + 1:  # trimmed meanwhile
                self._has_gap = True
                yield _event("gap", {"detail": GAP})
            if stored:
                yield _messages(stored)
            self._seq = stored[-1].id.seq if stored else upto


def _messages(heard: list[Heard]) -> bytes:
    return "".join(f"id: {id}\ndata: {json}\n\n" for id, json in heard).encode()


def _event(name: str, data: dict[str, object], id: MessageId | None = None) -> bytes:
    head = f"id: {id}\n" if id else ""
    return f"{head}event: {name}\ndata: {json.dumps(data)}\n\n".encode()
