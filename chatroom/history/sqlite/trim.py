"""Deletes a room's oldest messages, a few at a time, and frees the pages they took."""

from __future__ import annotations

import sqlite3

from chatroom.history.retention import Aged, Retention
from chatroom.history.sqlite.reads import MAX_SEQ
from chatroom.history.sqlite.schema import SEQ_BITS

SHRINK_PAGES = 256
"""Pages by which a file shrinks at once: for each, another may have to be moved."""

SPARE_PAGES = 1024
"""Free pages that are left for the next messages; fewer aren't worth the moves."""

SPARE_PART = 8
"""In a large file an eighth may be free: a busy room fills it again."""

WITHIN = "FROM messages WHERE key > ? AND key <= ?"

EVIDENCE_WITHIN = WITHIN.replace("messages", "evidence")

NEWEST = f"SELECT key & {MAX_SEQ} {WITHIN} ORDER BY key DESC LIMIT 1"

# Before the newest is deleted: see schema.THIRD_SCHEMA.
REMEMBER = f"""
    UPDATE rooms SET (last_seq, last_nonce, last_sent_at) =
    (SELECT key & {MAX_SEQ}, nonce, sent_at FROM messages WHERE key = :key)
    WHERE number = :key >> {SEQ_BITS}"""

OLDEST = f"""
    SELECT
        key & {MAX_SEQ},
        sent_at,
        length(user_name) + length(body) + length(timestamp) + length(file)
    {WITHIN} ORDER BY key LIMIT ?"""


def trim(
    writer: sqlite3.Connection, base: int, keep_messages: int, keep_since: int, step: int
) -> int:
    """Delete, in the open transaction, what the interface says.

    Args:
        base: the prefix of the room's keys.
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
    if count and last == retention.newest:
        writer.execute(REMEMBER, {"key": base | last})
    if count:
        writer.execute("DELETE " + WITHIN, (base, base | last))
        writer.execute("DELETE " + EVIDENCE_WITHIN, (base, base | last))
    return count


def shrink(writer: sqlite3.Connection) -> None:
    """Give some pages back to the disk, in the open transaction, if many are free.

    No effect on a file created with schema 1 (auto_vacuum has to be set before the first
    table); there, free pages are only reused.
    """
    (free,) = writer.execute("PRAGMA freelist_count").fetchone()
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    if free > max(SPARE_PAGES, pages // SPARE_PART):
        for _ in range(SHRINK_PAGES):
            # One by one: the statement takes a step per page, and execute only the first.
            writer.execute("PRAGMA incremental_vacuum(1)")
