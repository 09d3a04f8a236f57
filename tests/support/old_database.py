"""A database as the program wrote it before users had ids."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support.histories import said

# As that program wrote it; not taken from today's code, which may go on changing.
SCHEMA_1 = """
    PRAGMA journal_mode = WAL;
    BEGIN IMMEDIATE;
    CREATE TABLE rooms (number INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL);
    CREATE TABLE messages (
        key INTEGER PRIMARY KEY, nonce TEXT NOT NULL, user_name TEXT NOT NULL,
        body TEXT NOT NULL, timestamp TEXT NOT NULL, sent_at INTEGER NOT NULL,
        room INTEGER GENERATED ALWAYS AS (key >> 40) VIRTUAL,
        seq INTEGER GENERATED ALWAYS AS (key & 1099511627775) VIRTUAL);
    PRAGMA application_id = 1128808788;
    PRAGMA user_version = 1;
    COMMIT;
"""

# What made it one of schema 3, by way of 2.
SCHEMA_3 = """
    BEGIN IMMEDIATE;
    ALTER TABLE messages ADD COLUMN user_id TEXT NOT NULL DEFAULT '';
    ALTER TABLE messages ADD COLUMN cmid TEXT NOT NULL DEFAULT '';
    CREATE UNIQUE INDEX cmids ON messages (room, user_id, cmid) WHERE cmid <> '';
    CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL);
    INSERT INTO secrets VALUES ('tokens', zeroblob(32));
    ALTER TABLE rooms ADD COLUMN last_seq INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE rooms ADD COLUMN last_nonce TEXT NOT NULL DEFAULT '';
    ALTER TABLE rooms ADD COLUMN last_sent_at INTEGER NOT NULL DEFAULT 0;
    PRAGMA user_version = 3;
    COMMIT;
"""

ROOMS = {"lobby": 300, "garden": 2}


def made_by_schema_1(path: Path) -> Path:
    """A database with two rooms, closed in peace."""
    with closing(sqlite3.connect(path)) as old:
        old.executescript(SCHEMA_1)
        for number, (room, count) in enumerate(ROOMS.items(), start=1):
            old.execute("INSERT INTO rooms VALUES (?, ?)", (number, room))
            old.executemany(
                "INSERT INTO messages (key, nonce, user_name, body, timestamp, sent_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (number << 40 | m.seq, m.nonce, m.user_name, m.body, m.timestamp, m.sent_at)
                    for m in said(room, 1, count)
                ],
            )
        old.commit()
    return path


def made_by_schema_3(path: Path) -> Path:
    """The same, as the last program wrote it whose messages never changed."""
    with closing(sqlite3.connect(made_by_schema_1(path))) as old:
        old.executescript(SCHEMA_3)
    return path


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        version: int
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return version
