"""A room as Server-Sent Events: past messages, then new ones, for as long as the client listens.

The format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import json
import logging
import random
import re
import sys
from collections.abc import Iterator
from typing import NamedTuple

from chatroom.errors import HistoryError
from chatroom.history import History
from chatroom.log import printable
from chatroom.message import Message, MessageId, visible
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

_REV = re.compile("[0-9]{1,12}")


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
    rev: int
    """The last change of a message that the client knows of."""
    head_rev: int
    """The room's last change: the listener hears what comes after it."""


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
    head_rev = history.rev(room)  # before anything else is read: what follows may be newer
    seen = None if since is None else _good(history, room, since)
    if since is not None and seen is not None:
        id, rev = seen
        rev = min(rev, head_rev)
        return Start(id.seq, max(head, id), True, since, rev, head_rev)  # it may be ahead of head
    oldest = history.first(room) or head.seq + 1
    # Not beyond head, though all up to there be trimmed by now: the listener has what follows it.
    seq = min(head.seq, max(oldest - 1, 0 if past is None else head.seq - past))
    recovered = None if since is None else False
    return Start(seq, head, recovered, since or "", head_rev, head_rev)


def _good(history: History, room: str, since: str) -> tuple[MessageId, int] | None:
    """The parsed id and rev if everything after the id is still kept, else None."""
    text, semicolon, number = since.partition(";")
    try:
        id = MessageId.parse(text)
    except ValueError:
        return None
    if semicolon and not _REV.fullmatch(number):
        return None
    rev = int(number) if number else 0  # without: from before anything changed
    return (id, rev) if history.reaches_back_to(room, id) else None


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
        self._seq = start.seq  # of the last message that went out, or is left out
        self._id = start.head  # of the last message that went out, once the past has
        self._rev = start.rev  # of the last change that the client knows of
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
            reason = f"history unavailable: {error.outside}"
        yield _event("end", {"reason": reason})

    def _past(self) -> Iterator[bytes]:
        head, recovered, since = self._start.head, self._start.recovered, self._start.since
        if recovered is False:
            yield _event("gap", {"since": since, "detail": GAP})
        yield from self._catch_up(head.seq)
        yield from self._past_changes()
        if self._listener.reason:  # incomplete, but the id of this event would claim otherwise
            return
        told = {} if recovered is None else {"recovered": recovered and not self._has_gap}
        self._id = head
        yield _event("live", {"last": str(head), **told}, self._cursor())

    def _past_changes(self) -> Iterator[bytes]:
        """Send what has changed of the messages that the client has from before."""
        seq, head = self._start.seq, self._start.head
        if not self._listener.reason:
            self._id = head
            yield from self._catch_up_changes(self._start.head_rev, last_seq=seq)

    def _present(self) -> Iterator[bytes]:
        while not self._listener.reason:
            heard = self._listener.heard(PING_INTERVAL)
            if heard:
                yield from self._hand_on(heard)
            elif not self._listener.reason:
                yield b": nothing new\n\n"

    def _hand_on(self, heard: list[Heard | HeardChange]) -> Iterator[bytes]:
        """Send what was heard or, if some of it is missing, what the history has of it by now."""
        messages = [one for one in heard if isinstance(one, Heard) and one.id.seq > self._seq]
        changes = [one for one in heard if isinstance(one, HeardChange) and one.rev > self._rev]
        upto, rev = self._listener.missed.and_of(heard)
        upto, rev = max(upto, self._seq), max(rev, self._rev)
        if len(messages) < upto - self._seq or len(changes) < rev - self._rev:
            yield from self._catch_up(upto)
            yield from self._catch_up_changes(rev)
        elif messages or changes:
            yield self._newest(messages, changes)

    def _newest(self, messages: list[Heard], changes: list[HeardChange]) -> bytes:
        """Each message once, as it is after the changes; never a text that was removed."""
        newest = {change.id: change for change in changes}
        texts = []
        for id, text in messages:
            change = newest.pop(id, None)
            self._seq = id.seq
            if text := change.json if change else text:
                self._id = id
                texts.append(_message(self._cursor(), text))
        for change in sorted(newest.values(), key=lambda change: change.rev):
            self._rev = change.rev
            texts.append(_change(self._cursor(), change))
        if changes:
            self._rev = changes[-1].rev
        return "".join(texts).encode()

    def _catch_up(self, upto: int) -> Iterator[bytes]:
        """Send what the history has, up to this seq."""
        while self._seq < upto and not self._listener.reason:
            page = next(self._history.pages(self._room, self._seq, upto), [])
            if not page or page[0].seq > self._seq + 1:  # trimmed meanwhile
                self._has_gap = True
                yield _event("gap", {"detail": GAP})
            texts = []
            for message in visible(page):
                self._id = _id(message)
                texts.append(_message(self._cursor(), to_json(message)))
            self._seq = page[-1].seq if page else upto
            if texts:
                yield "".join(texts).encode()

    def _catch_up_changes(self, upto: int, last_seq: int = sys.maxsize) -> Iterator[bytes]:
        """Send what has changed up to this rev; the listener has what came later.

        Args:
            last_seq: only of messages up to this one.
        """
        rev = self._rev
        while rev < upto and not self._listener.reason:
            page = self._history.changes(self._room, rev)
            texts = []
            for message in page:
                rev = message.rev
                if rev <= upto and message.seq <= last_seq:
                    self._rev = rev
                    text = "" if message.removed else to_json(message)
                    change = HeardChange(_id(message), rev, text, message.removed)
                    texts.append(_change(self._cursor(), change))
            rev = rev if page else upto
            if texts:
                yield "".join(texts).encode()
        if not self._listener.reason:
            self._rev = max(self._rev, upto)

    def _cursor(self) -> str:
        """The id of an event: a client that has it has everything before."""
        return f"{self._id};{self._rev}" if self._rev else str(self._id)


def _id(message: Message) -> MessageId:
    return MessageId(message.seq, message.nonce)


def _message(cursor: str, text: str) -> str:
    return f"id: {cursor}\ndata: {text}\n\n"


def _change(cursor: str, change: HeardChange) -> str:
    if change.json:
        return f"id: {cursor}\nevent: changed\ndata: {change.json}\n\n"
    data = f'{{"id":"{change.id}","by":"{change.by}"}}'
    return f"id: {cursor}\nevent: removed\ndata: {data}\n\n"


def _event(name: str, data: dict[str, object], cursor: str = "") -> bytes:
    head = f"id: {cursor}\n" if cursor else ""
    return f"{head}event: {name}\ndata: {json.dumps(data)}\n\n".encode()
