"""The database file: its connections, and what its errors mean."""

from __future__ import annotations

import os
import secrets
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

from chatroom import private_files
from chatroom.errors import HistoryRefused, HistoryUnavailable
from chatroom.history.sqlite.schema import SCHEMA_VERSION, UPGRADES

BUSY_SECONDS = 5.0
SECRET_BYTES = 32

SECRET = "SELECT value FROM secrets WHERE name = 'tokens'"

CACHE_KIB = 1000
"""Of the pages that the writer keeps, half of SQLite's default: it mostly appends, and others are
in the kernel's cache. docs/lessons.md, "The program's own memory"."""

LOG_BYTES = 16 * 1024 * 1024
"""What ``-wal`` is truncated to after a slow reader made it grow. Four times its usual size:
a log that is overwritten syncs faster than one that grows."""

FILES = ".files"
"""What the folder of pictures and files is called, after the name of the database file."""

ELSEWHERE = 'move it away, or set "history" to another file'

# Matched by SQLite's messages, which have been stable for decades: the error code is an
# attribute only since Python 3.11.
WAYS_OUT = (
    ("disk is full", "free some space: the room recovers by itself"),
    ("disk I/O error", "check the disk: the room recovers once it works"),
    ("readonly database", "make the file and its folder writable: the room recovers by itself"),
    ("locked", "end the program that locks the file, such as a sqlite3 shell or a backup"),
    ("malformed", "stop, keep a copy of the file, and restore a backup"),
    ("not a database", "stop, keep a copy of the file, and restore a backup"),
    ("unable to open", "make sure that the file and its folder exist and are writable"),
    ("no such", "another program has changed the file: stop, keep a copy, and restore a backup"),
    ("UNIQUE constraint", "number the messages by head() and append again"),
)


def unavailable(name: str, error: Exception, where: str = "") -> HistoryUnavailable:
    """SQLite's error as the error that a history raises, with a way out.

    Args:
        where: goes before the cause; "" for the history's own file.
    """
    cause = str(error)
    ways = (way_out for words, way_out in WAYS_OUT if words in cause)
    return HistoryUnavailable(name, where + cause, next(ways, "try again; the log has the details"))


Identity = tuple[int, int]
"""Device and inode; ``NOBODY`` if there is no such file."""

NOBODY: Identity = (0, 0)


def identity(path: str | Path) -> Identity:
    """Which file the path leads to."""
    try:
        found = os.stat(path)
    except OSError:
        return NOBODY
    return found.st_dev, found.st_ino


class DatabaseFile:
    """One SQLite file, and the connections to it."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        # As text: a Path takes os.stat twice as long. And not the target: a symlink may come to
        # lead elsewhere.
        self._asked_for = str(path)
        self._identity = NOBODY
        # SQLite names -wal after the target of a symlink; so must we name the lock.
        self.path = Path(os.path.realpath(path))

    def beside(self, suffix: str) -> Path:
        """A file that goes with it, such as ``-wal``."""
        return self.path.with_name(self.path.name + suffix)

    def demand_regular(self) -> None:
        """Before it is opened: a FIFO would keep whoever opens it until somebody writes to it.

        Raises:
            HistoryRefused: there is something else in its place.
        """
        try:
            mode = os.stat(self.path).st_mode
        except OSError:  # whoever opens it has words for that
            return
        if not stat.S_ISREG(mode):
            raise self.refused("is not a regular file", ELSEWHERE)

    def begin(self) -> None:
        """From now on, it should stay the file that it is."""
        self._identity = identity(self._asked_for)

    def demand_same(self) -> None:
        """Make sure that it is still the file that was opened. Any thread.

        Raises:
            HistoryUnavailable: it was deleted, moved or replaced.
        """
        if identity(self._asked_for) != self._identity:
            cause = f"{self._asked_for} was deleted, moved or replaced while the room was open"
            way_out = "put that file back, or restart the room to go on with what is there now"
            raise HistoryUnavailable(self.name, cause, way_out)

    def connect(self, query: str) -> sqlite3.Connection:
        """A connection in autocommit mode that any thread may use, one at a time.

        Args:
            query: the URI's parameters, https://sqlite.org/uri.html, such as ``mode=rw``.
        """
        return sqlite3.connect(
            f"{self.path.as_uri()}?{query}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )

    def create(self) -> None:
        """Create it, empty and private, if it is missing; what goes with it is as private as it."""
        private_files.create(self.path)

    def connect_writer(self, sync: str, version: int) -> tuple[sqlite3.Connection, bytes]:
        """The connection that writes, and the secret; brings the tables up to date.

        Args:
            sync: "full" or "normal": https://sqlite.org/pragma.html#pragma_synchronous.
            version: of the existing schema; 0 if there is none.

        Raises:
            HistoryRefused: SQLite or the disk doesn't allow it.
        """
        writer = None
        try:
            self.create()
            writer = self.connect("mode=rw")
            self._set_up(writer, sync, version)
            return writer, find_secret(writer)
        except BaseException as error:
            if writer:
                writer.close()
            if isinstance(error, sqlite3.Error):
                cause = f"can't be written: {error}"
                raise self.refused(cause, "free some space, or check the disk") from error
            raise

    def refused(self, cause: str, way_out: str) -> HistoryRefused:
        """The error that names the file."""
        return HistoryRefused(self.name, f"{self.path} {cause}", way_out)

    def _set_up(self, writer: sqlite3.Connection, sync: str, version: int) -> None:
        # sqlite3.threadsafety is a constant before Python 3.11; SQLite itself knows.
        if ("THREADSAFE=0",) in writer.execute("PRAGMA compile_options"):
            raise self.refused("can't be used: this SQLite is built without threads", "use another")
        if not version:
            # So that trimming can free pages; possible only before anything is written.
            writer.execute("PRAGMA auto_vacuum = INCREMENTAL")
        writer.execute(f"PRAGMA synchronous = {sync}")
        (journal,) = writer.execute("PRAGMA journal_mode = WAL").fetchone()
        if journal != "wal":
            raise self.refused("can't be used: its disk can't do write-ahead logging", ELSEWHERE)
        writer.execute("PRAGMA secure_delete = ON")  # what is removed is overwritten
        writer.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        writer.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
        if version < SCHEMA_VERSION:
            upgrade(writer, version)


def upgrade(writer: sqlite3.Connection, version: int) -> None:
    """Upgrade the tables from ``version``, in one transaction: a kill leaves the old ones."""
    writer.execute("BEGIN IMMEDIATE")
    for statements in UPGRADES[version:]:
        for statement in statements:
            writer.execute(statement)
    writer.execute("COMMIT")


def peek_secret(file: DatabaseFile) -> bytes:
    """The secret of a history that a server may be using meanwhile.

    Raises:
        HistoryRefused: it cannot be read, or has none yet.
    """
    way_out = "start the server once, and run this as a user who can read the file"
    file.demand_regular()
    try:
        with closing(file.connect("mode=ro")) as reader:
            found = reader.execute(SECRET).fetchone()
    except sqlite3.Error as error:
        raise file.refused(f"can't be read: {error}", way_out) from error
    if not found:
        raise file.refused("has no secret yet", way_out)
    return bytes(found[0])


def find_secret(writer: sqlite3.Connection) -> bytes:
    """The secret that is kept with the messages; created if there is none yet."""
    if not writer.execute(SECRET).fetchone():
        made = secrets.token_bytes(SECRET_BYTES)
        writer.execute("INSERT INTO secrets VALUES ('tokens', ?)", (made,))
    secret: bytes
    (secret,) = writer.execute(SECRET).fetchone()
    return secret
