"""Reads of the database, by any thread: each is one short statement, and so of one moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from chatroom.history.deleted import KEPT_AS
from chatroom.history.host_log import LogEntry
from chatroom.history.paging import FRAME_BYTES, PAGE_BYTES, PAGE_LENGTH, take
from chatroom.history.postgresql.exact import from_stored, to_stored
from chatroom.history.postgresql.rows import COLUMNS, exact, message_of
from chatroom.history.retention import Aged
from chatroom.message import BEGINNING, Evidence, Held, Message, MessageId, RoomSummary

MAX_SEQ = (1 << 63) - 1

ROOM = "(SELECT number FROM rooms WHERE name = %(room)s)"

SIZE = "octet_length(user_name) + octet_length(body) + octet_length(stamp) + octet_length(file)"
"""Of a long text, PostgreSQL knows it without reading it."""

WEIGHT = f"({FRAME_BYTES} + {SIZE})"


def paged(source: str, order: str) -> str:
    """Of messages, in an order, those of a page: no more is sent than ``take`` takes.

    Args:
        source: selects the ``message``; the values have its ``limit`` and ``max_bytes``, too.
    """
    return f"""
        SELECT {COLUMNS} FROM (
            SELECT *, sum({WEIGHT}) OVER (ORDER BY {order} ROWS UNBOUNDED PRECEDING) - {WEIGHT}
                AS before
            FROM (SELECT message.* FROM {source} ORDER BY message.{order} LIMIT %(limit)s) AS page
        ) AS measured WHERE before < %(max_bytes)s ORDER BY {order}"""


BETWEEN = f"""messages AS message
    WHERE room = {ROOM} AND seq > %(after)s AND seq <= %(upto)s"""

OLDEST_FIRST = paged(BETWEEN, "seq")

NEWEST_FIRST = paged(BETWEEN, "seq DESC")

CHANGES = paged(f"messages AS message WHERE room = {ROOM} AND rev > %(after)s AND rev > 0", "rev")

WRITTEN_BY = paged(
    f"messages AS message WHERE room = {ROOM} AND seq > %(after)s AND user_id = %(user_id)s", "seq"
)

HEAD = "SELECT seq, nonce FROM rooms WHERE name = %(room)s AND seq > 0"

FIRST = "SELECT first FROM rooms WHERE name = %(room)s"

REV = "SELECT rev FROM rooms WHERE name = %(room)s"

HAS = f"SELECT 1 FROM messages WHERE room = {ROOM} AND seq = %(seq)s AND nonce = %(nonce)s"

FIND = f"""
    SELECT {COLUMNS} FROM messages
    WHERE room = {ROOM} AND user_id = %(user_id)s AND cmid = %(cmid)s AND cmid <> ''"""

ROOMS = "SELECT name, first, seq, nonce, sent_at FROM rooms WHERE seq > 0 ORDER BY name"

CHARTER = f"SELECT charter FROM charters WHERE room = {ROOM}"

CHARTERS = "SELECT name, charter FROM charters JOIN rooms ON number = room"

DECIDED = "SELECT name FROM charters JOIN rooms ON number = room"

LOG = f"""
    SELECT at, act, by_id, by_name, whom_id, whom_name, what FROM host_log
    WHERE room = {ROOM} ORDER BY at DESC, number DESC"""

HELD = f"""
    SELECT id, user_name, body, stamp, held_at, user_id, cmid, reply_to, file FROM held
    WHERE room = {ROOM} ORDER BY number"""

HELD_BEFORE = """
    SELECT name, id, user_name, body, stamp, held_at, user_id, cmid, reply_to, file
    FROM held JOIN rooms ON rooms.number = room
    WHERE held_at < %(moment)s ORDER BY held.number LIMIT %(limit)s"""

# The message with its texts as they were.
EVIDENCE = f"""
    SELECT seq, nonce, was.user_name, was.body, was.stamp, sent_at, user_id, cmid, made_by,
    reply_to, was.edited_at, 0, '', was.file, removed_at
    FROM evidence AS was JOIN messages USING (room, seq)
    WHERE room = {ROOM} AND seq = %(seq)s"""

TAKEN_AT = f"""
    SELECT seq, nonce, was.user_name, was.body, was.stamp, sent_at, user_id, cmid, made_by,
    reply_to, was.edited_at, 0, '', was.file
    FROM evidence AS was JOIN messages USING (room, seq)
    WHERE room = {ROOM} AND removed_at = %(removed_at)s AND seq <= %(upto)s
    ORDER BY seq DESC LIMIT %(limit)s"""

KEPT_EVIDENCE = f"""
    SELECT seq FROM evidence WHERE room = {ROOM} AND seq <= %(upto)s
    ORDER BY seq DESC LIMIT %(limit)s"""

DELETED = "SELECT name, value FROM secrets WHERE name LIKE %(names)s"

AGED = f"""
    SELECT rooms.seq, message.seq, message.nonce, message.sent_at, {SIZE}
    FROM rooms JOIN messages AS message ON room = number WHERE name = %(room)s
    ORDER BY message.seq LIMIT %(step)s"""


class Source(Protocol):
    """Answers statements, each by itself or all of one moment."""

    def rows(self, query: str, values: Mapping[str, Any] = ..., /) -> list[tuple[Any, ...]]:
        """The rows of one statement."""


class Oldest(NamedTuple):
    """What decides which of a room's messages are to go."""

    newest: int
    """The seq of the room's newest message."""
    aged: list[Aged]
    nonces: dict[int, str]


def between(
    source: Source,
    room: str,
    after: int,
    upto: int,
    limit: int,
    max_bytes: int,
    *,
    newest: bool = False,
) -> list[Message]:
    """The messages with ``after < seq <= upto``; from the last one back if ``newest``."""
    values = {
        "room": to_stored(room),
        "after": storable(after),
        "upto": storable(upto),
        "limit": storable(limit),
        "max_bytes": storable(max_bytes),
    }
    rows = source.rows(NEWEST_FIRST if newest else OLDEST_FIRST, values)
    return take((message_of(room, row) for row in rows), limit, max_bytes)


def changes(source: Source, room: str, after: int) -> list[Message]:
    """As in the interface."""
    values = {"after": storable(after), "limit": PAGE_LENGTH, "max_bytes": PAGE_BYTES}
    rows = source.rows(CHANGES, values | {"room": to_stored(room)})
    return [message_of(room, row) for row in rows]


def written_by(source: Source, room: str, user_id: str, after: int) -> list[Message]:
    """As in the interface."""
    values = {"after": storable(after), "limit": PAGE_LENGTH, "max_bytes": PAGE_BYTES}
    whose = {"room": to_stored(room), "user_id": to_stored(user_id)}
    return [message_of(room, row) for row in source.rows(WRITTEN_BY, values | whose)]


def head(source: Source, room: str) -> MessageId:
    """As in the interface."""
    rows = source.rows(HEAD, {"room": to_stored(room)})
    return MessageId(*exact(rows[0])) if rows else BEGINNING


def first(source: Source, room: str) -> int:
    """As in the interface."""
    return _number(source, FIRST, room)


def rev(source: Source, room: str) -> int:
    """As in the interface."""
    return _number(source, REV, room)


def has(source: Source, room: str, seq: int, nonce: str) -> bool:
    """As in the interface; accepts any number."""
    values = {"room": to_stored(room), "seq": storable(seq), "nonce": to_stored(nonce)}
    return bool(source.rows(HAS, values))


def find(source: Source, room: str, user_id: str, cmid: str) -> Message | None:
    """As in the interface."""
    values = {"room": to_stored(room), "user_id": to_stored(user_id), "cmid": to_stored(cmid)}
    rows = source.rows(FIND, values)
    return message_of(room, rows[0]) if rows else None


def rooms(source: Source) -> list[RoomSummary]:
    """As in the interface."""
    return [RoomSummary(*exact(row)) for row in source.rows(ROOMS)]


def charter(source: Source, room: str) -> str:
    """As in the interface."""
    rows = source.rows(CHARTER, {"room": to_stored(room)})
    return from_stored(rows[0][0]) if rows else ""


def charters(source: Source) -> dict[str, str]:
    """As in the interface."""
    rows = source.rows(CHARTERS)
    return {from_stored(name): from_stored(its_charter) for name, its_charter in rows}


def decided(source: Source) -> list[str]:
    """As in the interface."""
    return [from_stored(name) for (name,) in source.rows(DECIDED)]


def host_log(source: Source, room: str) -> list[LogEntry]:
    """As in the interface."""
    return [LogEntry(*exact(row)) for row in source.rows(LOG, {"room": to_stored(room)})]


def held(source: Source, room: str) -> list[Held]:
    """As in the interface."""
    return [Held(room, *exact(row)) for row in source.rows(HELD, {"room": to_stored(room)})]


def held_before(source: Source, moment: int, limit: int) -> list[Held]:
    """As in the interface."""
    rows = source.rows(HELD_BEFORE, {"moment": moment, "limit": storable(limit)})
    return [Held(*exact(row)) for row in rows]


def evidence(source: Source, room: str, seq: int) -> Evidence | None:
    """As in the interface."""
    rows = source.rows(EVIDENCE, {"room": to_stored(room), "seq": storable(seq)})
    if not rows:
        return None
    *kept, removed_at = rows[0]
    return Evidence(message_of(room, tuple(kept)), removed_at)


def kept_evidence(source: Source, room: str, upto: int, limit: int) -> list[int]:
    """As in the interface."""
    values = {"room": to_stored(room), "upto": storable(upto), "limit": storable(limit)}
    return [seq for (seq,) in source.rows(KEPT_EVIDENCE, values)]


def taken_at(
    source: Source, room: str, removed_at: int, upto: int, limit: int, max_bytes: int
) -> list[Message]:
    """As in the interface."""
    values = {
        "room": to_stored(room),
        "removed_at": removed_at,
        "upto": storable(upto),
        "limit": storable(limit),
    }
    rows = source.rows(TAKEN_AT, values)
    return take((message_of(room, row) for row in rows), limit, max_bytes)


def deleted(source: Source) -> dict[str, bytes]:
    """What is kept of deleted rooms, as it is called among the secrets."""
    return dict(source.rows(DELETED, {"names": f"{KEPT_AS}%"}))


def oldest(source: Source, room: str, step: int) -> Oldest:
    """The room's oldest messages, and its newest's seq."""
    rows = source.rows(AGED, {"room": to_stored(room), "step": storable(step)})
    return Oldest(
        rows[0][0] if rows else 0,
        [Aged(seq, sent_at, size) for _, seq, _, sent_at, size in rows],
        {seq: nonce for _, seq, nonce, _, _ in rows},
    )


def storable(seq: int) -> int:
    """The nearest number that is one for PostgreSQL, or 0; a client may ask for any."""
    return min(max(seq, 0), MAX_SEQ)


def _number(source: Source, query: str, room: str) -> int:
    rows = source.rows(query, {"room": to_stored(room)})
    return int(rows[0][0]) if rows else 0
