"""Letting go of a room's oldest messages, a little at a time, and of the pages they took."""

from __future__ import annotations

import sqlite3

from chatroom.history.retention import Aged, Retention
from chatroom.history.sqlite.reads import MAX_SEQ

SHRINK_PAGES = 256
"""Pages by which a file shrinks at once: for each, one is moved to a free place."""

SPARE_PAGES = 1024
"""Free pages that are left for the next messages; for fewer it isn't worth the moves."""

SPARE_PART = 8
"""In a large file an eighth may be free: a busy room fills it again."""

WITHIN = "FROM messages WHERE key > ? AND key <= ?"

NEWEST = f"SELECT key & {MAX_SEQ} {WITHIN} ORDER BY key DESC LIMIT 1"

OLDEST = f"""
    SELECT key & {MAX_SEQ}, sent_at, length(user_name) + length(body) + length(timestamp)
    {WITHIN} ORDER BY key LIMIT ?"""


def trim(
    writer: sqlite3.Connection, base: int, keep_messages: int, keep_since: int, step: int
) -> int:
    """Delete, in the open transaction, what the interface says.

    Args:
        base: what the keys of the room's messages begin with.
    """
    found = writer.execute(NEWEST, (base, base | MAX_SEQ)).fetchone()
    if not found:
        return 0
    retention = Retention(found[0], keep_messages, keep_since)
    rows = writer.execute(OLDEST, (base, base | MAX_SEQ, step))
    try:
        last, count = retention.to_go(Aged(*row) for row in rows)
    finally:
        rows.close()
    if count:
        writer.execute("DELETE " + WITHIN, (base, base | last))
    return count


def shrink(writer: sqlite3.Connection) -> None:
    """Give some pages back to the disk, in the open transaction, where many are free.

    It does nothing to a file of schema 1's time, which wasn't made for it (auto_vacuum has
    to be set before the first table); there, free pages are only used again.
    """
    (free,) = writer.execute("PRAGMA freelist_count").fetchone()
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    if free > max(SPARE_PAGES, pages // SPARE_PART):
        for _ in range(SHRINK_PAGES):
            # One by one: the statement makes a step for each page, and execute only the first.
            writer.execute("PRAGMA incremental_vacuum(1)")
