"""Messages that change or are removed, and what is left to do for a text to be gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from chatroom.history.effects import Effects
from chatroom.history.sqlite.schema import SEQ_BITS
from chatroom.message import Evidence, Message

LOG = "log"
"""The chore: the log may still have a text that is gone."""

INDEX = "index"
"""The chore: so may the search index."""

PAGES = "pages"
"""The chore: so may unused parts of the file. secure_delete overwrites what is deleted, but not the
copies that SQLite leaves in a page when it moves rows to the next one."""

# Of the message with this very id.
UPDATE = """
    UPDATE messages
    SET (user_name, body, timestamp, edited_at, rev, removed, file) = (?, ?, ?, ?, ?, ?, ?)
    WHERE key = ? AND nonce = ?"""

COUNT = "UPDATE rooms SET rev = ? WHERE number = ?"

KEEP = """
    INSERT OR REPLACE INTO evidence
    (key, user_name, body, timestamp, edited_at, removed_at, file) VALUES (?, ?, ?, ?, ?, ?, ?)"""

# With a removed message, a trigger deletes its reactions. That it had any is kept, with a new mark:
# if it is restored, whoever has known of them hears that they are gone.
HAD_REACTIONS = "SELECT key, nonce FROM reacted WHERE key = ?"
MARK = "INSERT OR REPLACE INTO reacted (key, nonce) VALUES (?, ?)"

DISOWN = "UPDATE messages SET (user_id, cmid) = ('', '') WHERE key = ?"

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
    marked = _reacted_to(writer, [key] if m.removed else [])
    if not writer.execute(UPDATE, _state(base, m)).rowcount:
        return False
    writer.execute(COUNT, (m.rev, base >> SEQ_BITS))
    writer.execute(DROP, (key,))
    if before:
        writer.execute(KEEP, _kept(base, before))
    writer.executemany(MARK, marked)
    note_chores(writer)
    return True


def sweep(writer: sqlite3.Connection, base: int, effects: Effects) -> bool:
    """Do, in the open transaction, what an act brings about; False if a message isn't stored."""
    left = [*(message for message, _ in effects.removed), *effects.wiped]
    back = effects.restored
    states = [_state(base, message) for message in (*left, *back)]
    kept = [_kept(base, evidence) for _, evidence in effects.removed]
    marked = _reacted_to(writer, [base | message.seq for message in left])
    if states and writer.executemany(UPDATE, states).rowcount != len(states):
        return False
    writer.executemany(MARK, marked)
    writer.executemany(KEEP, kept)
    if states:
        rev = max(message.rev for message in (*left, *back))
        writer.execute(COUNT, (rev, base >> SEQ_BITS))
    dropped = [*effects.erased, *(message.seq for message in (*back, *effects.wiped))]
    writer.executemany(DROP, [(base | seq,) for seq in dropped])
    writer.executemany(DISOWN, [(base | seq,) for seq in effects.disowned])
    # What is back may be read again; but until the index is made anew, each search reads it.
    note_chores(writer, (LOG, INDEX, PAGES) if left or effects.erased else (INDEX,))
    return True


def _reacted_to(writer: sqlite3.Connection, keys: Iterable[int]) -> list[tuple[int, str]]:
    """Those of these messages that somebody has reacted to, as ``MARK`` wants them."""
    return [row for key in keys for row in writer.execute(HAD_REACTIONS, (key,))]


def _state(base: int, m: Message) -> tuple[int | str, ...]:
    """As ``UPDATE`` wants it."""
    texts = m.user_name, m.body, m.timestamp
    return (*texts, m.edited_at, m.rev, m.removed, m.file, base | m.seq, m.nonce)


def _kept(base: int, evidence: Evidence) -> tuple[int | str, ...]:
    """As ``KEEP`` wants it."""
    was, removed_at = evidence
    texts = was.user_name, was.body, was.timestamp
    return (base | was.seq, *texts, was.edited_at, removed_at, was.file)


def erase(writer: sqlite3.Connection, removed_before: int, step: int) -> int:
    """Do, in the open transaction, what the interface says."""
    count = writer.execute(DROP_OLDEST, (removed_before, step)).rowcount
    if count:
        note_chores(writer)
    return count


def note_chores(writer: sqlite3.Connection, names: Sequence[str] = (LOG, INDEX, PAGES)) -> None:
    """In the open transaction: a text is gone from its table."""
    writer.executemany("INSERT OR IGNORE INTO chores VALUES (?)", [(name,) for name in names])


def chores(writer: sqlite3.Connection) -> set[str]:
    """What is left to do."""
    return {name for (name,) in writer.execute("SELECT name FROM chores")}


def forget_chore(writer: sqlite3.Connection, name: str) -> None:
    """It is done."""
    writer.execute("DELETE FROM chores WHERE name = ?", (name,))


def empty_log(writer: sqlite3.Connection) -> bool:
    """Move all of the log into the file, and truncate it; False if a reader is in the way."""
    (patience,) = writer.execute("PRAGMA busy_timeout").fetchone()
    writer.execute("PRAGMA busy_timeout = 0")  # the thread has better things to do than to wait
    try:
        (is_busy, *_) = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        writer.execute(f"PRAGMA busy_timeout = {patience}")
    return not is_busy
