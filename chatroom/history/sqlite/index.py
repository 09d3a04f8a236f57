"""The search index's file: next to the database, derived from it, and never authoritative.

If it is missing, outdated, corrupt or another database's, it's rebuilt. So it needs no
backup, and it may be deleted at any time.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from chatroom.history.sqlite.database import NOBODY, DatabaseFile, identity

INDEX_VERSION = 3
"""Incremented when the schema changes; a file of another version is rebuilt."""

INDEX_SCHEMA = (
    "BEGIN",
    # Contentless and without positions: the texts are in the database, and what is found is
    # compared with them. The terms are folded before they come here (words.py): for 'ascii',
    # every other character belongs to a term. Prefixes of one or two letters are indexed like
    # words; otherwise each would be merged from all the words that begin with it.
    """CREATE VIRTUAL TABLE entries USING fts5(terms, content='', columnsize=0, detail=none,
        prefix='1 2', tokenize='ascii')""",
    # Of a room, the messages from first to last are indexed; nonce is the last one's. What changed
    # up to rev is indexed as it now reads.
    """CREATE TABLE rooms (
        number INTEGER PRIMARY KEY, first INTEGER, last INTEGER, nonce TEXT, rev INTEGER)""",
    f"PRAGMA user_version = {INDEX_VERSION}",
    "COMMIT",
)


class IndexFile:
    """The file and the one connection that writes it. Not thread-safe: its owner locks."""

    def __init__(self, database: DatabaseFile) -> None:
        self._file = DatabaseFile(database.name, database.beside(".search"))
        self._connection: sqlite3.Connection | None = None
        self._identity = NOBODY

    @property
    def path(self) -> Path:
        return self._file.path

    def connection(self) -> sqlite3.Connection:
        """The connection in autocommit mode; creates the file if it's missing.

        Raises:
            sqlite3.Error: it can't be used; ``wipe`` may help.
        """
        if self._connection and self._identity != identity(self._file.path):
            self.wipe()  # somebody deleted it, or put another in its place
        if not self._connection:
            self._connection = self._connect()
            self._identity = identity(self._file.path)
        return self._connection

    def reader(self) -> sqlite3.Connection:
        """A connection for one search, to be closed by it; sees the index as it is now.

        Raises:
            sqlite3.Error: it can't be read.
        """
        # Read-only: the last one to close a file that was wiped would take away the -wal of the
        # new one, which has the same name.
        reader = self._file.connect("mode=ro")
        try:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM rooms").fetchone()
        except BaseException:
            reader.close()
            raise
        return reader

    def count(self) -> int:
        """How many messages it has, about; 0 if it can't be read."""
        try:
            query = "SELECT ifnull(sum(last - first + 1), 0) FROM rooms"
            return int(self.connection().execute(query).fetchone()[0])
        except (sqlite3.Error, TypeError, ValueError):
            return 0

    def wipe(self) -> None:
        """Delete it, so that the next search rebuilds it."""
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
        self._file.create()
        connection = self._file.connect("mode=rw")
        try:
            # With these two, neither a kill nor a power cut corrupts it, and a commit syncs
            # nothing: the disk's time is left to the room.
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
