"""Which files there are, whose they are, and what has them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from chatroom.files.stored import Claim, StoredFile, id_in
from chatroom.history.sqlite.readers import Readers
from chatroom.history.sqlite.rewrite import LOG, PAGES, note_chores
from chatroom.message import Held, Message

COLUMNS = "id, room, name, type, size, width, height, user_id, uploaded_at, is_whole"

ADD = f"""
    INSERT INTO files ({COLUMNS}) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
    WHERE ? + (SELECT ifnull(sum(size), 0) FROM files) <= ?"""

COMPLETE = """
    UPDATE files SET (type, size, uploaded_at, is_whole) = (?, ?, ?, 1)
    WHERE id = ? AND NOT is_whole AND uploaded_at <> 0"""

FREE = "id = ? AND room = ? AND user_id = ? AND is_whole AND key = 0"

# What was held is a message now, or it never was.
CLAIM = f"UPDATE files SET (key, nonce, held) = (?, ?, '') WHERE {FREE}"

CARRY = "UPDATE messages SET file = ? WHERE key = ?"

CLAIM_FOR_HELD = f"UPDATE files SET held = ? WHERE {FREE} AND held = ''"

# Uploaded at 0: files.stored.DISOWNED.
DISOWN = """
    UPDATE files SET uploaded_at = 0
    WHERE room = ? AND user_id = ? AND key = 0 AND held = ''"""

SIZE = "SELECT size FROM files WHERE id = ?"

DROP = "DELETE FROM files WHERE id = ?"

IS_HELD = "SELECT 1 FROM held WHERE held.room = files.room AND held.id = files.held"

IS_SAID = """
    SELECT 1 FROM messages
    WHERE messages.key = files.key AND messages.nonce = files.nonce AND removed = ''"""

KNOWN = f"""
    SELECT {COLUMNS}, CASE
        WHEN key <> 0 THEN iif(EXISTS ({IS_SAID}), 'said', 'gone')
        WHEN held <> '' THEN iif(EXISTS ({IS_HELD}), 'held', 'gone')
        ELSE 'nobody' END
    FROM files"""

FILE = f"{KNOWN} WHERE id = ?"

OF_PERSON = f"{KNOWN} WHERE user_id = ? ORDER BY uploaded_at, id"

# By what there is, and not by what happened to it: so no way to remove a message can be forgotten.
# A room's number may be another room's by now, but a nonce is one message's.
LOST = f"""
    SELECT id FROM files
    WHERE (key = 0 AND held = '' AND uploaded_at < :before)
    OR (held <> '' AND NOT EXISTS ({IS_HELD}))
    OR (key <> 0 AND NOT EXISTS (
        SELECT 1 FROM messages WHERE messages.key = files.key AND messages.nonce = files.nonce
        AND (removed = '' OR EXISTS (SELECT 1 FROM evidence WHERE evidence.key = files.key))))
    LIMIT :limit"""


def add(writer: sqlite3.Connection, file: StoredFile, most: int) -> bool:
    """In the open transaction; False if all files together would have more than so many bytes."""
    row = file[:10]  # in the order of the columns
    return bool(writer.execute(ADD, (*row, file.size, most)).rowcount)


def complete(writer: sqlite3.Connection, file: StoredFile) -> bool:
    """In the open transaction; False if it is not there any more, or whole already."""
    state = file.type, file.size, file.uploaded_at, file.id
    return bool(writer.execute(COMPLETE, state).rowcount)


def claim(writer: sqlite3.Connection, base: int, message: Message) -> bool:
    """In the open transaction, once the message is there; False if it cannot have its file.

    Args:
        base: the prefix of the room's keys.
    """
    key, id = base | message.seq, id_in(message.file)
    writer.execute(CARRY, (message.file, key))
    free = id, message.room, message.user_id
    return bool(writer.execute(CLAIM, (key, message.nonce, *free)).rowcount)


def claim_for_held(writer: sqlite3.Connection, held: Held) -> bool:
    """In the open transaction; False if it cannot have its file."""
    free = id_in(held.file), held.room, held.user_id
    return bool(writer.execute(CLAIM_FOR_HELD, (held.id, *free)).rowcount)


def drop(writer: sqlite3.Connection, ids: Sequence[str]) -> int:
    """In the open transaction; their bytes."""
    sizes = [writer.execute(SIZE, (id,)).fetchall() for id in ids]
    writer.executemany(DROP, [(id,) for id in ids])
    note_chores(writer, (LOG, PAGES))  # what they were called; the index never had it
    return sum(size for found in sizes for (size,) in found)


def file(readers: Readers, id: str) -> StoredFile | None:
    """As in the interface."""
    with readers.reader() as reader:
        found = reader.execute(FILE, (id,)).fetchall()
    return _known(found[0]) if found else None


def of(readers: Readers, user_id: str) -> list[StoredFile]:
    """As in the interface."""
    with readers.reader() as reader:
        return [_known(row) for row in reader.execute(OF_PERSON, (user_id,)).fetchall()]


def _known(row: tuple[Any, ...]) -> StoredFile:
    *values, is_whole, claim = row
    return StoredFile._make((*values, bool(is_whole), Claim(claim)))


def disown(writer: sqlite3.Connection, room: str, user_id: str) -> None:
    """In the open transaction."""
    writer.execute(DISOWN, (room, user_id))


def whole(connection: sqlite3.Connection) -> list[str]:
    """The ids of all that are there, by any connection to a history; none if it is older than
    files."""
    made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'files'").fetchall()
    found = connection.execute("SELECT id FROM files WHERE is_whole").fetchall() if made else []
    return [id for (id,) in found]


def lost(readers: Readers, uploaded_before: int, limit: int) -> list[str]:
    """As in the interface."""
    with readers.reader() as reader:
        found = reader.execute(LOST, {"before": uploaded_before, "limit": limit}).fetchall()
    return [id for (id,) in found]


def total(readers: Readers) -> int:
    """As in the interface."""
    with readers.reader() as reader:
        found = reader.execute("SELECT ifnull(sum(size), 0) FROM files").fetchall()
    return int(found[0][0])
