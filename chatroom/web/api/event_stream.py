"""A room as Server-Sent Events: past messages, then new ones and what becomes of them, for as long
as the client listens.

The format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import json
import logging
import random
import sys
from collections.abc import Iterator

from chatroom.errors import HistoryError
from chatroom.history import History
from chatroom.log import printable
from chatroom.message import Message, MessageId, visible
from chatroom.rooms.subscriber import Heard, HeardChange, HeardReactions, Hearing
from chatroom.web.api import paging
from chatroom.web.api.event_cursor import Start
from chatroom.web.api.listener import Listener, Missed
from chatroom.wire.reactions import reactions_json

log = logging.getLogger(__name__)

PING_INTERVAL = 15.0
"""Seconds of silence after which a comment is sent, as only sending shows that a client is gone."""

RETRY = (1000, 5000)
"""Milliseconds until a client reconnects, at random so that they do not all come at once."""


GAP = (
    "Messages between your last one and the next one here are no longer kept, or your last "
    "message is unknown here. Start afresh from here."
)


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
        self._mark = start.mark  # of the last change of reactions to what it has
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
        yield from self._past_reactions()
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

    def _past_reactions(self) -> Iterator[bytes]:
        """Likewise of the reactions to them; those to later messages came with these."""
        seq, mark, head_mark = self._start.seq, self._start.mark, self._start.head_mark
        if mark < head_mark:
            yield from self._catch_up_reactions(mark, head_mark, seq)

    def _present(self) -> Iterator[bytes]:
        while not self._listener.reason:
            heard = self._listener.heard(PING_INTERVAL)
            if heard:
                yield from self._hand_on(heard)
            elif not self._listener.reason:
                yield b": nothing new\n\n"

    def _hand_on(self, heard: list[Hearing]) -> Iterator[bytes]:
        """Send what was heard or, if some of it is missing, what the history has of it by now."""
        messages = [one for one in heard if isinstance(one, Heard) and one.id.seq > self._seq]
        changes = [one for one in heard if isinstance(one, HeardChange) and one.rev > self._rev]
        missed = self._listener.missed.and_of(heard)
        upto, rev = max(missed.seq, self._seq), max(missed.rev, self._rev)
        is_behind = len(messages) < upto - self._seq or len(changes) < rev - self._rev
        if is_behind:
            yield from self._catch_up(upto)
            yield from self._catch_up_changes(rev)
        elif messages or changes:
            yield self._newest(messages, changes)
        if missed.after is not None:
            is_behind |= self._listener.missed.after is not None
            # Some may be to a message that was removed just now.
            is_behind |= any(not change.json for change in changes)
            yield from self._hand_on_reactions(heard, missed, is_behind=is_behind)

    def _hand_on_reactions(
        self, heard: list[Hearing], missed: Missed, *, is_behind: bool
    ) -> Iterator[bytes]:
        """Likewise; after what they are about.

        Args:
            is_behind: some of them may be missing, or outdated.
        """
        if is_behind:
            yield from self._catch_up_reactions(missed.after or 0, missed.mark, self._seq)
            return
        for one in heard:
            if isinstance(one, HeardReactions):
                self._mark = max(self._mark, one.mark)
                yield _reactions(self._cursor(), one.json)

    def _newest(self, messages: list[Heard], changes: list[HeardChange]) -> bytes:
        """Each message once, as it is after the changes; never a text that was removed."""
        newest = {change.id: change for change in changes}
        gone = {change.id: change for change in changes if not change.json}
        texts = []
        for id, text in messages:
            change = newest.pop(id, None)
            self._seq = id.seq
            if text := change.json if change else text:
                self._id = id
                texts.append(_message(self._cursor(), text))
        for change in sorted(newest.values(), key=lambda change: change.rev):
            if change.json and change.id in gone:  # with its reactions
                texts.append(_change(self._cursor(), gone[change.id]))
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
            shown = visible(page)
            for message, text in zip(shown, paging.as_json(self._history, shown), strict=True):
                self._id = _id(message)
                texts.append(_message(self._cursor(), text))
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
                    texts.append(_change(self._cursor(), HeardChange.of(message)))
            rev = rev if page else upto
            if texts:
                yield "".join(texts).encode()
        if not self._listener.reason:
            self._rev = max(self._rev, upto)

    def _catch_up_reactions(self, after: int, upto: int, last_seq: int) -> Iterator[bytes]:
        """Send what the history has of reactions that have changed after a mark, up to another one;
        the listener has what came later. A part of them is in memory.

        Args:
            last_seq: only to messages up to this one.
        """
        for mark, states in self._history.reacted_after(self._room, after, last_seq):
            if self._listener.reason:
                return
            self._mark = max(self._mark, min(mark, upto))
            if told := [state for state in states if state.mark <= upto]:
                yield _reactions(self._cursor(), reactions_json(told))
            if mark >= upto:
                break
        self._mark = max(self._mark, upto)

    def _cursor(self) -> str:
        """The id of an event: a client that has it has everything before."""
        if self._mark:
            return f"{self._id};{self._rev};{self._mark}"
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


def _reactions(cursor: str, text: str) -> bytes:
    return f"id: {cursor}\nevent: reactions\ndata: {text}\n\n".encode()


def _event(name: str, data: dict[str, object], cursor: str = "") -> bytes:
    head = f"id: {cursor}\n" if cursor else ""
    return f"{head}event: {name}\ndata: {json.dumps(data)}\n\n".encode()
