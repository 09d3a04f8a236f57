"""What somebody has missed of a room, and all that one is opened with: each read of one moment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain

from chatroom.history.host_log import LogEntry
from chatroom.history.paging import PAGE_BYTES, PAGE_LENGTH
from chatroom.history.postgresql import reactions, reads
from chatroom.history.postgresql.exact import from_stored, to_stored
from chatroom.history.postgresql.reads import MAX_SEQ, ROOM, Source
from chatroom.history.postgresql.rows import exact
from chatroom.history.reaction_records import one_after_the_other
from chatroom.history.shared import Decided, Missed, Opening, Version
from chatroom.message import BEGINNING, MessageId
from chatroom.reactions import MOST_PEOPLE, Reacted

STATE = """
    SELECT first, seq, nonce, rev, decided,
    logged_in(name), mark
    FROM rooms WHERE name = %(room)s"""

LOGGED = f"""
    SELECT at, act, by_id, by_name, whom_id, whom_name, what FROM host_log
    WHERE room = {ROOM} AND number > %(logged)s ORDER BY number"""

CHANGED = """
    SELECT known.name FROM json_to_recordset(%(versions)s::json) AS known (
        name text, seq bigint, nonce text, rev bigint, decided bigint, mark bigint
    ) LEFT JOIN rooms USING (name)
    WHERE (known.seq, known.nonce, known.rev, known.decided, known.mark) IS DISTINCT FROM (
        coalesce(rooms.seq, 0), coalesce(rooms.nonce, '0'),
        coalesce(rooms.rev, 0), coalesce(rooms.decided, 0), coalesce(rooms.mark, 0)
    )"""


def version(source: Source, room: str) -> tuple[int, Version]:
    """The room's first seq, and how it is now."""
    rows = source.rows(STATE, {"room": to_stored(room)})
    if not rows:
        return 0, Version()
    first, seq, nonce, *more = exact(rows[0])
    return first, Version(MessageId(seq, nonce), *more)


def missed(source: Source, room: str, known: Version) -> Missed:
    """As ``SharedHistory.missed``."""
    first, now = version(source, room)
    if not _reaches_back(source, room, known, now, first):
        return Missed(room, known, now, is_all=True, is_fork=True)
    seq = known.last.seq
    messages = reads.between(source, room, seq, now.last.seq, PAGE_LENGTH, PAGE_BYTES)
    if messages and messages[-1].seq < now.last.seq:
        last = MessageId(messages[-1].seq, messages[-1].nonce)
        until = known._replace(last=last)
        return Missed(room, known, until, is_all=False, first=first, messages=messages)
    changes = reads.changes(source, room, known.rev) if now.rev > known.rev else []
    if changes and changes[-1].rev < now.rev:
        until = known._replace(last=now.last, rev=changes[-1].rev)
        return Missed(room, known, until, False, False, first, messages, changes)
    decided = None
    if now.decided != known.decided:
        values = {"room": to_stored(room), "logged": known.logged}
        entries = [LogEntry(*exact(row)) for row in source.rows(LOGGED, values)]
        decided = Decided(reads.charter(source, room), reads.held(source, room), entries)
    told: Sequence[Reacted] = ()
    if now.mark > known.mark:
        read = partial(reactions.in_order, source, room, last=MAX_SEQ, people=MOST_PEOPLE)
        told = list(chain.from_iterable(one_after_the_other(read, known.mark)))
    return Missed(room, known, now, True, False, first, messages, changes, decided, told)


def _reaches_back(source: Source, room: str, known: Version, now: Version, first: int) -> bool:
    """Whether what is known is there, and all that came after it."""
    if now.rev < known.rev or now.last.seq < known.last.seq or now.mark < known.mark:
        return False
    if known.last in (now.last, BEGINNING):
        return known.last == now.last or first <= 1
    return reads.has(source, room, *known.last)


def opening(source: Source, room: str, limit: int, max_bytes: int) -> Opening:
    """As ``SharedHistory.opening``."""
    _, now = version(source, room)
    newest_first = reads.between(source, room, 0, now.last.seq, limit, max_bytes, newest=True)
    tail = newest_first[::-1]
    return Opening(room, now, tail, reads.charter(source, room), reads.held(source, room))


def changed(source: Source, versions: Mapping[str, Version]) -> list[str]:
    """As ``SharedHistory.changed``."""
    known = [
        {
            "name": to_stored(room),
            "seq": one.last.seq,
            "nonce": to_stored(one.last.nonce),
            "rev": one.rev,
            "decided": one.decided,
            "mark": one.mark,
        }
        for room, one in versions.items()
    ]
    return [from_stored(name) for (name,) in source.rows(CHANGED, {"versions": json.dumps(known)})]
