"""Messages that change or are removed, and what is left to do for a text to be gone."""

from __future__ import annotations

import sqlite3

from chatroom.history.sqlite.schema import SEQ_BITS
from chatroom.message import Evidence, Message

LOG = "log"
"""The chore: the log may still have a text that is gone."""

INDEX = "index"
"""The chore: so may the search index."""

# Of the message with this very id.
UPDATE = """
    UPDATE messages
    SET (user_name, body, timestamp, edited_at, rev, removed) = (?, ?, ?, ?, ?, ?)
    WHERE key = ? AND nonce = ?"""

COUNT = "UPDATE rooms SET rev = ? WHERE number = ?"

KEEP = "INSERT OR REPLACE INTO evidence VALUES (?, ?, ?, ?, ?, ?)"

DROP = "DELETE FROM evidence WHERE key = ?"

DROP_OLDEST = """
    DELETE FROM evidence WHERE key IN
    (SELECT key FROM evidence WHERE removed_at < ? LIMIT ?)"""


def rewrite(
    writer: sqlite3.Connection, base: int, message: Message, before: Evidence | None
) -> bool:
    """Do, in the open transaction, what the interface says; False if the message isn't stored.

    Args:
        base: the prefix of the room's keys.
    """
    m, key = message, base | message.seq
    texts = m.user_name, m.body, m.timestamp
    state = (*texts, m.edited_at, m.rev, m.removed, key, m.nonce)
    if not writer.execute(UPDATE, state).rowcount:
        return False
    writer.execute(COUNT, (m.rev, base >> SEQ_BITS))
    writer.execute(DROP, (key,))
    if before:
        was = before.message
        kept = was.user_name, was.body, was.timestamp, was.edited_at
        writer.execute(KEEP, (key, *kept, before.removed_at))
    note_chores(writer)
    return True


def erase(writer: sqlite3.Connection, removed_before: int, step: int) -> int:
    """Do, in the open transaction, what the interface says."""
    count = writer.execute(DROP_OLDEST, (removed_before, step)).rowcount
    if count:
        note_chores(writer)
    return count


def note_chores(writer: sqlite3.Connection) -> None:
    """In the open transaction: a text is gone from its table."""
    writer.executemany("INSERT OR IGNORE INTO chores VALUES (?)", [(LOG,), (INDEX,)])


def chores(writer: sqlite3.Connection) -> set[str]:
    """What is left to do."""
    return {name for (name,) in writer.execute("SELECT name FROM chores")}


def empty_log(writer: sqlite3.Connection) -> bool:
    """Move all of the log into the file, and truncate it; False if a reader is in the way."""
    (patience,) = writer.execute("PRAGMA busy_timeout").fetchone()
    writer.execute("PRAGMA busy_timeout = 0")  # the thread has better things to do than to wait
    try:
        (is_busy, *_) = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        writer.execute(f"PRAGMA busy_timeout = {patience}")
    return not is_busy
