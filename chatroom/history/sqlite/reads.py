"""Reads of the database file, by any thread: each is one short query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from chatroom.history.deleted import KEPT_AS
from chatroom.history.paging import PAGE_BYTES, PAGE_LENGTH, take
from chatroom.history.sqlite.readers import Readers
from chatroom.history.sqlite.schema import COLUMNS, SEQ_BITS
from chatroom.message import BEGINNING, Evidence, Message, MessageId, RoomSummary

MAX_SEQ = (1 << SEQ_BITS) - 1

SELECT = f"SELECT {COLUMNS.replace('key', f'key & {MAX_SEQ}', 1)} FROM messages"

# One statement, so that a room and its messages are read from one snapshot. An unknown
# room makes both bounds NULL, and nothing lies between them.
WITHIN = f"""
    key > (SELECT number << {SEQ_BITS} | :after FROM rooms WHERE name = :room)
    AND key <= (SELECT number << {SEQ_BITS} | :upto FROM rooms WHERE name = :room)"""

BETWEEN = f"{SELECT} WHERE {WITHIN} ORDER BY key"

FIRST = f"SELECT key & {MAX_SEQ} FROM messages WHERE {WITHIN} ORDER BY key LIMIT 1"

HAS = f"""
    SELECT key & {MAX_SEQ}, nonce FROM messages
    WHERE key = (SELECT number << {SEQ_BITS} | ? FROM rooms WHERE name = ?)"""

# cmid <> '' lets SQLite use the partial index: it's the index's own condition.
FIND = f"""{SELECT} INDEXED BY cmids
    WHERE room = (SELECT number FROM rooms WHERE name = ?)
    AND user_id = ? AND cmid = ? AND cmid <> ''"""

REV = "SELECT rev FROM rooms WHERE name = ?"

# rev > 0 lets SQLite use the partial index.
CHANGES = f"""{SELECT} INDEXED BY revs
    WHERE room = (SELECT number FROM rooms WHERE name = ?) AND rev > ? AND rev > 0 ORDER BY rev"""

WRITTEN_BY = f"{SELECT} WHERE {WITHIN} AND user_id = :user_id ORDER BY key"

EDITED = CHANGES.replace("ORDER BY", "AND removed = '' ORDER BY")

# The message with its texts as they were.
WAS = f"""
    key & {MAX_SEQ}, nonce, was.user_name, was.body, was.timestamp, sent_at, user_id, cmid,
    made_by, reply_to, was.edited_at, 0, '', was.file"""

EVIDENCE = f"""
    SELECT {WAS}, removed_at FROM evidence AS was JOIN messages USING (key)
    WHERE key = (SELECT number << {SEQ_BITS} | ? FROM rooms WHERE name = ?)"""

TAKEN_AT = f"""
    SELECT {WAS} FROM evidence AS was JOIN messages USING (key)
    WHERE removed_at = :removed_at AND {WITHIN} ORDER BY key DESC"""

IN_ROOM = f"key > number << {SEQ_BITS} AND key <= (number << {SEQ_BITS} | {MAX_SEQ})"

# Two B-tree lookups per room, however long it is.
ENDS = f"""
    SELECT number, name, last_seq, last_nonce, last_sent_at,
    (SELECT key FROM messages WHERE {IN_ROOM} ORDER BY key LIMIT 1) AS oldest,
    (SELECT key FROM messages WHERE {IN_ROOM} ORDER BY key DESC LIMIT 1) AS newest
    FROM rooms"""

# Of a room whose messages are all deleted, the room itself knows what the last one was.
ROOMS = f"""
    SELECT name, ifnull(oldest & {MAX_SEQ}, 0), ifnull(key & {MAX_SEQ}, last_seq),
    ifnull(nonce, last_nonce), ifnull(sent_at, last_sent_at)
    FROM ({ENDS}) LEFT JOIN messages ON key = newest WHERE (newest OR last_seq)"""

ALL_ROOMS = f"{ROOMS} ORDER BY name"

ONE_ROOM = f"{ROOMS} AND name = ?"

EXTENT = f"""
    SELECT number, oldest & {MAX_SEQ}, newest & {MAX_SEQ}
    FROM ({ENDS} WHERE name = ?) WHERE newest"""


DELETED = f"SELECT name, value FROM secrets WHERE name LIKE '{KEPT_AS}%'"


class Extent(NamedTuple):
    """What is stored of a room."""

    number: int
    first: int
    last: int

    def key(self, seq: int) -> int:
        """The key of the room's message."""
        return self.number << SEQ_BITS | seq


def between(
    readers: Readers,
    room: str,
    after: int,
    upto: int,
    limit: int,
    max_bytes: int,
    *,
    newest: bool = False,
) -> list[Message]:
    """The messages with ``after < seq <= upto``; from the last one back if ``newest``."""
    query = BETWEEN + " DESC" if newest else BETWEEN
    bounds = {"room": room, "after": storable(after), "upto": storable(upto)}
    return _page(readers, room, query, bounds, limit, max_bytes)


def _page(
    readers: Readers,
    room: str,
    query: str,
    values: Mapping[str, object] | tuple[str, int],
    limit: int,
    max_bytes: int,
) -> list[Message]:
    with readers.reader() as reader:
        rows = reader.execute(query, values)
        try:
            return take((Message(room, *row) for row in rows), limit, max_bytes)
        finally:
            rows.close()  # otherwise it would hold its snapshot, and the log could only grow


def first(readers: Readers, room: str) -> int:
    """As in the interface."""
    with readers.reader() as reader:
        rows = reader.execute(FIRST, {"room": room, "after": 0, "upto": MAX_SEQ}).fetchall()
    return rows[0][0] if rows else 0


def head(readers: Readers, room: str) -> MessageId:
    """As in the interface."""
    with readers.reader() as reader:
        found = reader.execute(ONE_ROOM, (room,)).fetchall()
    return RoomSummary(*found[0]).last if found else BEGINNING


def has(readers: Readers, room: str, seq: int, nonce: str) -> bool:
    """As in the interface; accepts any number."""
    with readers.reader() as reader:
        rows = reader.execute(HAS, (storable(seq), room)).fetchall()
    return rows == [(seq, nonce)]


def find(readers: Readers, room: str, user_id: str, cmid: str) -> Message | None:
    """As in the interface."""
    with readers.reader() as reader:
        rows = reader.execute(FIND, (room, user_id, cmid)).fetchall()
    return Message(room, *rows[0]) if rows else None


def rev(readers: Readers, room: str) -> int:
    """As in the interface."""
    with readers.reader() as reader:
        found = reader.execute(REV, (room,)).fetchall()
    return int(found[0][0]) if found else 0


def changes(readers: Readers, room: str, after: int) -> list[Message]:
    """As in the interface."""
    return _changes(readers, CHANGES, room, after)


def edited(readers: Readers, room: str, after: int) -> list[Message]:
    """Likewise, without what was removed: of a room that was cleared, that is nearly all."""
    return _changes(readers, EDITED, room, after)


def _changes(readers: Readers, query: str, room: str, after: int) -> list[Message]:
    return _page(readers, room, query, (room, after), PAGE_LENGTH, PAGE_BYTES)


def written_by(readers: Readers, room: str, user_id: str, after: int) -> list[Message]:
    """As in the interface."""
    values = {"room": room, "user_id": user_id, "after": storable(after), "upto": MAX_SEQ}
    return _page(readers, room, WRITTEN_BY, values, PAGE_LENGTH, PAGE_BYTES)


def evidence(readers: Readers, room: str, seq: int) -> Evidence | None:
    """As in the interface."""
    with readers.reader() as reader:
        found = reader.execute(EVIDENCE, (storable(seq), room)).fetchall()
    if not found:
        return None
    *kept, removed_at = found[0]
    return Evidence(Message(room, *kept), removed_at)


def kept_evidence(readers: Readers, room: str, upto: int, limit: int) -> list[int]:
    """As in the interface."""
    query = f"SELECT key & {MAX_SEQ} FROM evidence WHERE {WITHIN} ORDER BY key DESC LIMIT :limit"
    bounds = {"room": room, "after": 0, "upto": storable(upto), "limit": limit}
    with readers.reader() as reader:
        return [seq for (seq,) in reader.execute(query, bounds).fetchall()]


def taken_at(
    readers: Readers, room: str, removed_at: int, upto: int, limit: int, max_bytes: int
) -> list[Message]:
    """As in the interface."""
    values = {"room": room, "removed_at": removed_at, "after": 0, "upto": storable(upto)}
    return _page(readers, room, TAKEN_AT, values, limit, max_bytes)


def has_evidence(readers: Readers, removed_before: int) -> bool:
    """Whether there is any of before that time."""
    query = "SELECT 1 FROM evidence WHERE removed_at < ? LIMIT 1"
    with readers.reader() as reader:
        return bool(reader.execute(query, (removed_before,)).fetchall())


def rooms(readers: Readers) -> list[RoomSummary]:
    """As in the interface."""
    with readers.reader() as reader:
        return [RoomSummary(*row) for row in reader.execute(ALL_ROOMS).fetchall()]


def deleted(readers: Readers) -> dict[str, bytes]:
    """What is kept of deleted rooms, as it is called among the secrets."""
    with readers.reader() as reader:
        return dict(reader.execute(DELETED).fetchall())


def extent(readers: Readers, room: str) -> Extent | None:
    """What is stored of the room, if anything is."""
    with readers.reader() as reader:
        found = reader.execute(EXTENT, (room,)).fetchall()
    return Extent(*found[0]) if found else None


def messages_at(readers: Readers, room: str, keys: Iterable[int]) -> list[Message]:
    """The room's messages with these keys, as far as they are still stored."""
    query = f"{SELECT} WHERE key = ?"
    with readers.reader() as reader:
        rows = [reader.execute(query, (key,)).fetchall() for key in keys]
    return [Message(room, *row) for found in rows for row in found]


def storable(seq: int) -> int:
    """The nearest valid seq, or 0; a client may ask for any number."""
    return min(max(seq, 0), MAX_SEQ)
