"""How ``/api`` reads a room: a page at a time, or all of it as lines. Any thread."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from chatroom.errors import Problem
from chatroom.history import History
from chatroom.history.paging import PAGE_BYTES, take, weight
from chatroom.message import BEGINNING, Message, MessageId, visible
from chatroom.reactions import Reacted
from chatroom.wire.message_json import to_json
from chatroom.wire.reactions import with_reactions

PAGE_LENGTH = 100
"""Messages in a page, unless the client says how many."""

MAX_PAGE_LENGTH = 1000
"""Messages in a page at most; it also ends after about 256 KiB."""

MAX_MATCHES = 100
"""Messages that one search finds at most: a search does not count bytes."""

MAX_READS = 20
"""Reads for one page at most: where more was removed than that, a page is not full, or empty."""


class Page(NamedTuple):
    """Some messages of a room, oldest first; without those that were removed.

    The ids that lead on may be theirs: they are stored, and good cursors.
    """

    messages: list[Message]
    older: MessageId | None = None
    """There are more before this id; None if not."""
    newer: MessageId | None = None
    """There are more after this id; None if not."""


def newest(history: History, room: str, before: MessageId | None, limit: int) -> Page:
    """The last messages of the room, or the last before ``before``.

    Raises:
        Problem: ``before`` is not a message of this room.
        HistoryUnavailable: the history cannot be read now.
    """
    if before:
        demand(history, room, "before", before)
    upto, space = before.seq if before else sys.maxsize, PAGE_BYTES
    messages: list[Message] = []
    read: list[Message] = []  # the ends of all that was read
    for _ in range(MAX_READS):
        rows = history.before(room, upto, limit - len(messages), space)
        if not rows:
            break
        found = visible(rows)
        messages, read = found + messages, [rows[0], *read[-1:]] if read else [rows[0], rows[-1]]
        if len(found) == len(rows):  # nothing was removed there: the page is as full as it gets
            break
        upto, space = rows[0].seq, space - sum(map(weight, found))
    page = Page(messages, _older(history, room, read))
    if not before:
        return page
    return page._replace(newer=_id(read[-1]) if read else BEGINNING)


def following(history: History, room: str, since: MessageId, upto: int, limit: int) -> Page:
    """The first messages after ``since``, up to and including the seq ``upto``.

    Raises:
        Problem: the message after ``since`` is no longer kept.
        HistoryUnavailable: the history cannot be read now.
    """
    messages: list[Message] = []
    read: list[Message] = []
    for rows in islice(_read(history, room, since, upto), MAX_READS):
        messages = visible(rows)[:limit]
        read = [*read[:1], *rows]
        if messages:
            break
    last = messages[-1:] if len(messages) == limit else read[-1:]
    newer = _id(last[0]) if last and last[0].seq < upto else None
    return Page(messages, _older(history, room, read), newer)


def matching(
    history: History, room: str, text: str, since: MessageId, before: MessageId | None, limit: int
) -> Page:
    """The last messages between the two ids that contain all words of the text.

    Raises:
        SearchTooLong: it was ended.
        HistoryUnavailable: the history cannot be searched now.
    """
    limit = min(limit, MAX_MATCHES)
    found = history.search(room, text, before.seq if before else sys.maxsize, limit)
    kept = take(reversed(found), limit, PAGE_BYTES)[::-1]
    messages = [message for message in kept if message.seq > since.seq]
    may_be_more = len(found) == limit or len(kept) < len(found)
    if may_be_more and messages and len(messages) == len(kept):
        return Page(messages, older=_id(messages[0]))
    return Page(messages)


def lines(
    history: History,
    room: str,
    since: MessageId,
    upto: int,
    limit: int | None,
    *,
    with_removed: bool = False,
    has_reactions: bool = True,
) -> Iterator[bytes]:
    """The messages after ``since`` as NDJSON, a page at a time.

    Args:
        limit: lines at most.
        with_removed: of what was removed, there is a line with its id.
        has_reactions: somebody has reacted to something; otherwise nobody is asked about that.

    Raises:
        Problem: the message after ``since`` is no longer kept; may come mid-stream.
        HistoryUnavailable: the history cannot be read now; may come mid-stream.
    """
    for page in _read(history, room, since, upto):
        page = (page if with_removed else visible(page))[:limit]
        if page:
            found = history.reactions_to(page) if has_reactions else {}
            yield "".join(_line(message, found) for message in page).encode()
        if limit is not None:
            limit -= len(page)
            if not limit:
                return


def _line(message: Message, found: Mapping[MessageId, Reacted]) -> str:
    if message.removed:
        return f'{{"id":"{message.id}","removed":"{message.removed}"}}\n'
    return f"{_json(message, found)}\n"


def as_json(history: History, messages: Sequence[Message]) -> list[str]:
    """The messages, with the counts of people who have reacted to them, if any have.

    Args:
        messages: of one room, oldest first.

    Raises:
        HistoryUnavailable: they cannot be read now.
    """
    found = history.reactions_to(messages)
    return [_json(message, found) for message in messages]


def _json(message: Message, found: Mapping[MessageId, Reacted]) -> str:
    text = to_json(message)
    return with_reactions(text, found.get(_id(message))) if found else text


def one(history: History, room: str, id: MessageId) -> Message:
    """The message with this id.

    Raises:
        Problem: the room has no such message, or it was removed.
        HistoryUnavailable: the history cannot be read now.
    """
    message = stored(history, room, id)
    if message.removed:
        raise removed("id", str(id), id)
    return message


def stored(history: History, room: str, id: MessageId) -> Message:
    """The message with this id, also if it was removed.

    Raises:
        Problem: the room has no such message.
        HistoryUnavailable: the history cannot be read now.
    """
    message = history.one(room, id)
    if message is None:
        raise _missing(history, room, "id", id)
    return message


def removed(field: str, value: str, id: MessageId | str) -> Problem:
    """The problem that a message was taken back; the field led to it."""
    return Problem("gone", f"Message {id} was removed.", field=field, value=value)


def demand(history: History, room: str, field: str, id: MessageId) -> None:
    """Make sure that the room has a message with exactly this id, or had it as its last one;
    ``0-0`` always passes.

    Raises:
        Problem: it has not.
        HistoryUnavailable: the history cannot be read now.
    """
    if id != BEGINNING and not history.reaches_back_to(room, id):
        raise _missing(history, room, field, id)


def _read(history: History, room: str, since: MessageId, upto: int) -> Iterator[list[Message]]:
    """Pages without a gap after ``since``; after ``0-0``, from the oldest message on."""
    expected = since.seq + 1 if since != BEGINNING else None
    for page in history.pages(room, since.seq, upto):
        if expected not in (None, page[0].seq):  # trimmed in the meantime
            raise _gone("since", since, page[0])
        yield page
        expected = page[-1].seq + 1


def _older(history: History, room: str, read: list[Message]) -> MessageId | None:
    return _id(read[0]) if read and read[0].seq > history.first(room) else None


def _missing(history: History, room: str, field: str, id: MessageId) -> Problem:
    """``message-gone`` if the id is older than what is kept, else ``no-such-message``."""
    first = history.first(room)
    if 0 < id.seq < (first or history.head(room).seq + 1):
        for page in history.pages(room, first - 1, first):
            return _gone(field, id, page[0])
        return _gone(field, id, None)
    detail = f"{field} is {id}, but the room has no message with this id; "
    detail += "use the id of a message in this room, or leave it out"
    return Problem("no-such-message", detail, field=field, value=str(id))


def _gone(field: str, id: MessageId, oldest: Message | None) -> Problem:
    detail = f"{field} is {id}, but messages that old are no longer kept; "
    if oldest:
        detail += f"the oldest here is {oldest.id}; "
    detail += "start afresh with since=0-0"
    return Problem("message-gone", detail, field=field, value=str(id))


def _id(message: Message) -> MessageId:
    return MessageId(message.seq, message.nonce)
