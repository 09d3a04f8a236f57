"""What waits for a host's approval."""

from __future__ import annotations

import sqlite3

from chatroom.history.sqlite.readers import Readers
from chatroom.history.sqlite.rewrite import LOG, PAGES, note_chores
from chatroom.message import Held

COLUMNS = "room, id, user_name, body, timestamp, held_at, user_id, cmid, reply_to, file"

HOLD = f"INSERT INTO held ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

DROP = "DELETE FROM held WHERE room = ? AND id = ?"

BEFORE = f"SELECT {COLUMNS} FROM held WHERE held_at < ? LIMIT ?"

OLDEST_FIRST = f"SELECT {COLUMNS} FROM held WHERE room = ? ORDER BY rowid"


def hold(writer: sqlite3.Connection, held: Held) -> None:
    """In the open transaction."""
    writer.execute(HOLD, held)


def drop(writer: sqlite3.Connection, held: Held, *, is_said: bool) -> bool:
    """In the open transaction; False if it is not there.

    Args:
        is_said: it is a message now: its text is still there, and nothing has to be cleaned.
    """
    if not is_said:
        note_chores(writer, (LOG, PAGES))  # the index never had it
    return bool(writer.execute(DROP, (held.room, held.id)).rowcount)


def forget(writer: sqlite3.Connection, room: str) -> None:
    """In the open transaction: the room is deleted."""
    writer.execute("DELETE FROM held WHERE room = ?", (room,))


def held(readers: Readers, room: str) -> list[Held]:
    """As in the interface."""
    with readers.reader() as reader:
        return [Held(*row) for row in reader.execute(OLDEST_FIRST, (room,)).fetchall()]


def held_before(readers: Readers, moment: int, limit: int) -> list[Held]:
    """As in the interface."""
    with readers.reader() as reader:
        return [Held(*row) for row in reader.execute(BEFORE, (moment, limit)).fetchall()]
