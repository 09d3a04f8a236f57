"""What rooms have decided about themselves, and what hosts have done."""

from __future__ import annotations

import sqlite3

from chatroom.history.host_log import FREQUENT, KEEP_MS, MOST_ENTRIES, LogEntry
from chatroom.history.sqlite.readers import Readers

COLUMNS = "at, act, by_id, by_name, whom_id, whom_name, what"

KEEP = "INSERT OR REPLACE INTO charters VALUES (?, ?)"

DROP = "DELETE FROM charters WHERE room = ?"

NOTE = f"INSERT INTO host_log (room, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

OLDEST = "SELECT rowid FROM host_log ORDER BY rowid LIMIT ?"  # of all rooms

DROP_OLD = f"DELETE FROM host_log WHERE at < ? AND rowid IN ({OLDEST})"

DROPPED_AT_ONCE = 100

HAS_OLD = f"SELECT 1 FROM host_log WHERE at < ? AND rowid IN ({OLDEST}) LIMIT 1"

NEWEST_FIRST = "ORDER BY at DESC, rowid DESC"

ALIKE = f"""
    SELECT rowid FROM host_log WHERE room = ? AND (act IN {FREQUENT}) = ?
    {NEWEST_FIRST} LIMIT -1 OFFSET {MOST_ENTRIES}"""

DROP_MANY = f"DELETE FROM host_log WHERE rowid IN ({ALIKE})"

LOG = f"SELECT {COLUMNS} FROM host_log WHERE room = ? {NEWEST_FIRST}"

FORGET_IN_LOG = """
    UPDATE host_log SET
    by_id = CASE WHEN by_id = :user_id THEN :stranger ELSE by_id END,
    by_name = CASE WHEN by_id = :user_id THEN '' ELSE by_name END,
    whom_id = CASE WHEN whom_id = :user_id THEN :stranger ELSE whom_id END,
    whom_name = CASE WHEN whom_id = :user_id THEN '' ELSE whom_name END
    WHERE room = :room AND :user_id IN (by_id, whom_id)"""


def keep(writer: sqlite3.Connection, room: str, charter: str) -> None:
    """In the open transaction."""
    if charter:
        writer.execute(KEEP, (room, charter))
    else:
        writer.execute(DROP, (room,))


def note(writer: sqlite3.Connection, room: str, entry: LogEntry) -> None:
    """In the open transaction."""
    drop_old(writer, entry.at - KEEP_MS, DROPPED_AT_ONCE)
    writer.execute(NOTE, (room, *entry))
    writer.execute(DROP_MANY, (room, entry.act in FREQUENT))


def drop_old(writer: sqlite3.Connection, before: int, step: int) -> int:
    """In the open transaction: what was noted before that, in any room; how many were dropped."""
    return writer.execute(DROP_OLD, (before, step)).rowcount


def forget_in_log(writer: sqlite3.Connection, room: str, user_id: str, stranger: str) -> None:
    """In the open transaction, as in the interface."""
    writer.execute(FORGET_IN_LOG, {"room": room, "user_id": user_id, "stranger": stranger})


def has_old(readers: Readers, before: int) -> bool:
    """Whether there is something for ``drop_old``."""
    with readers.reader() as reader:
        return bool(reader.execute(HAS_OLD, (before, DROPPED_AT_ONCE)).fetchall())


def forget(writer: sqlite3.Connection, room: str) -> None:
    """In the open transaction: the room is deleted."""
    for table in ("charters", "host_log"):
        writer.execute(f"DELETE FROM {table} WHERE room = ?", (room,))


def charter(readers: Readers, room: str) -> str:
    """As in the interface."""
    with readers.reader() as reader:
        found = reader.execute("SELECT charter FROM charters WHERE room = ?", (room,)).fetchall()
    return str(found[0][0]) if found else ""


def charters(readers: Readers) -> dict[str, str]:
    """As in the interface."""
    with readers.reader() as reader:
        return dict(reader.execute("SELECT room, charter FROM charters").fetchall())


def decided(readers: Readers) -> list[str]:
    """As in the interface."""
    with readers.reader() as reader:
        return [room for (room,) in reader.execute("SELECT room FROM charters").fetchall()]


def host_log(readers: Readers, room: str) -> list[LogEntry]:
    """As in the interface."""
    with readers.reader() as reader:
        rows = reader.execute(LOG, (room,)).fetchall()
    return [LogEntry(*row) for row in rows]
