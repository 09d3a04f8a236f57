"""The search index's file: beside the database, made from it, and never asked for the truth.

It may be missing, old, broken or of another database: then it's made anew. So it needs no
backup, and it may be deleted at any time.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress

from chatroom.history.sqlite.file import DatabaseFile

INDEX_VERSION = 1
"""Counted up when what follows changes; a file of another version is made anew."""

INDEX_SCHEMA = (
    "BEGIN",
    # Contentless: the texts are in the database. What begins with one or two letters is
    # looked up like a word; else it would be merged from all the words that begin so.
    """CREATE VIRTUAL TABLE entries USING fts5(body, content='', columnsize=0,
        prefix='1 2', tokenize='unicode61 remove_diacritics 2')""",
    # Of a room, the messages from first to last are indexed; nonce is the last one's.
    "CREATE TABLE rooms (number INTEGER PRIMARY KEY, first INTEGER, last INTEGER, nonce TEXT)",
    f"PRAGMA user_version = {INDEX_VERSION}",
    "COMMIT",
)


class IndexFile:
    """The file and the one connection to it. Not locked: that's its owner's."""

    def __init__(self, database: DatabaseFile) -> None:
        self._file = DatabaseFile(database.name, database.beside(".search"))
        self._connection: sqlite3.Connection | None = None
        self._identity = (0, 0)

    def connection(self) -> sqlite3.Connection:
        """The connection in autocommit mode; makes the file where it's missing.

        Raises:
            sqlite3.Error: it can't be used; ``wipe`` may help.
        """
        if self._connection and self._identity != self._identity_now():
            self.wipe()  # somebody deleted it, or put another in its place
        if not self._connection:
            self._connection = self._connect()
            self._identity = self._identity_now()
        return self._connection

    def wipe(self) -> None:
        """Delete it, so that the next search makes it anew."""
        self.close()
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                self._file.beside(suffix).unlink()

    def close(self) -> None:
        """Close the connection; idempotent."""
        connection, self._connection = self._connection, None
        if connection:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = self._file.connect("mode=rwc")
        try:
            # With the two, neither a kill nor a power cut harms it, and a commit syncs nothing:
            # the disk's time is the room's.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version not in (0, INDEX_VERSION):
                raise sqlite3.DatabaseError(f"the index has version {version}")
            if not version:
                for statement in INDEX_SCHEMA:
                    connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        return connection

    def _identity_now(self) -> tuple[int, int]:
        try:
            found = os.stat(self._file.path)
        except OSError:
            return 0, 0
        return found.st_dev, found.st_ino
