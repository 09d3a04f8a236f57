"""Deletes a room so that nothing of it is left in the file, not even in unused parts."""

from __future__ import annotations

import sqlite3

from chatroom.history.sqlite.reads import MAX_SEQ
from chatroom.history.sqlite.schema import SEQ_BITS

OF_ROOM = "FROM messages WHERE key > ? AND key <= ?"

EVIDENCE_OF_ROOM = OF_ROOM.replace("messages", "evidence")


NOTE_DELETED = "INSERT OR REPLACE INTO secrets VALUES (?, ?)"


def delete(writer: sqlite3.Connection, base: int) -> int:
    """Delete a room and its messages, in the open transaction; returns how many.

    Args:
        base: the prefix of the room's keys.
    """
    bounds = (base, base | MAX_SEQ)
    count: int
    (count,) = writer.execute(f"SELECT count(*) {OF_ROOM}", bounds).fetchone()
    writer.execute(f"DELETE {OF_ROOM}", bounds)
    writer.execute(f"DELETE {EVIDENCE_OF_ROOM}", bounds)
    writer.execute("DELETE FROM rooms WHERE number = ?", (base >> SEQ_BITS,))
    return count


def clean(writer: sqlite3.Connection) -> None:
    """Write the whole file anew, and empty its log: SQLite leaves deleted texts in unused parts.

    Takes as long as copying the file, and as much space.
    """
    writer.execute("VACUUM")
    (is_busy, *_) = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if is_busy:  # the texts are still in the log
        raise sqlite3.OperationalError("the log is locked")
