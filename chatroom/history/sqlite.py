"""A history in one SQLite file: what it returned from is on the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from chatroom.errors import HistoryUnavailable
from chatroom.history import History
from chatroom.history.lock import FileLock, LockHeld
from chatroom.history.page import PAGE_BYTES, PAGE_LENGTH, take
from chatroom.history.readers import Readers
from chatroom.history.sqlite_check import examine
from chatroom.history.sqlite_file import (
    COLUMNS,
    SCHEMA_VERSION,
    SEQ_BITS,
    DatabaseFile,
    unavailable,
)
from chatroom.message import Message

MAX_SEQ = (1 << SEQ_BITS) - 1

MAX_BASES = 4096
"""Rooms whose numbers are kept at hand; clients make rooms, so there's no end to them."""

INSERT = f"INSERT INTO messages ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"

# One statement, so that a room and its messages are read from the same moment. A room
# that isn't there makes both bounds NULL, which nothing lies between.
BETWEEN = f"""
    SELECT key & {MAX_SEQ}, nonce, user_name, body, timestamp, sent_at FROM messages
    WHERE key > (SELECT number << {SEQ_BITS} | :after FROM rooms WHERE name = :room)
    AND key <= (SELECT number << {SEQ_BITS} | :upto FROM rooms WHERE name = :room)
    ORDER BY key"""


class SqliteHistory(History):
    """Messages in ``path``: one connection writes, a few read.

    The writing connection and ``_bases`` are the Server thread's; it also checkpoints, as
    part of every thousandth page it commits (``wal_autocheckpoint``, SQLite's default).
    """

    def __init__(self, name: str, path: Path, sync: str = "full") -> None:
        self.name = name
        self._sync = sync
        self._file = DatabaseFile(name, path)
        self._lock = FileLock(self._file.beside(".lock"))
        self._readers = Readers(self._file)
        self._writer: sqlite3.Connection | None = None
        self._bases: dict[str, int] = {}  # room -> what its keys begin with

    def check(self) -> None:
        """As the interface says; reads the whole file."""
        self._take_lock(self._lock.test)
        examine(self._file, thorough=True)

    def open(self, *, patience: float = 0.0) -> None:
        """As the interface says, but for ``check``'s look at every page of the file."""
        self._take_lock(lambda: self._lock.acquire(patience))
        try:
            has_rooms = examine(self._file, thorough=False)
            self._writer = self._file.connect_writer(self._sync, make=not has_rooms)
        except BaseException:
            self._lock.release()
            raise
        self._readers.open()

    def append(self, messages: Sequence[Message]) -> None:
        """One transaction. ``seq`` is the Server's: a double is refused, a hole isn't seen."""
        if not messages:
            return
        writer = self._demand_writer()
        try:
            writer.execute("BEGIN IMMEDIATE")
            bases = {room: self._base(writer, room) for room in {m.room for m in messages}}
            writer.executemany(
                INSERT,
                [
                    (bases[m.room] | m.seq, m.nonce, m.user_name, m.body, m.timestamp, m.sent_at)
                    for m in messages
                ],
            )
            writer.execute("COMMIT")
        except BaseException as error:
            roll_back(writer)
            if isinstance(error, Exception):
                raise unavailable(self.name, error) from error
            raise
        if len(self._bases) >= MAX_BASES:
            self._bases.clear()
        self._bases.update(bases)  # only now: a number that was rolled back goes to another room

    def probe(self) -> None:
        """Commit the file's first page as it is; this takes the same ways as a message."""
        writer = self._demand_writer()
        try:
            writer.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        except sqlite3.Error as error:
            roll_back(writer)
            raise unavailable(self.name, error) from error

    def head(self, room: str) -> tuple[int, str]:
        """As the interface says."""
        last = self._between(room, 0, MAX_SEQ, 1, 1, newest=True)
        return (last[0].seq, last[0].nonce) if last else (0, "")

    def tail(self, room: str, limit: int, max_bytes: int) -> list[Message]:
        """As the interface says."""
        return self._between(room, 0, MAX_SEQ, limit, max_bytes, newest=True)[::-1]

    def pages(self, room: str, after: int, upto: int) -> Iterator[list[Message]]:
        """As the interface says: each page is a query of its own."""
        upto = min(upto, MAX_SEQ)
        after = max(after, 0)
        while after < upto:
            page = self._between(room, after, upto, PAGE_LENGTH, PAGE_BYTES)
            if not page:
                return
            yield page
            after = page[-1].seq

    def close(self) -> None:
        """As the interface says; leaves no ``-wal`` where the disk allows it."""
        self._readers.close()
        writer, self._writer = self._writer, None
        if writer:
            with suppress(sqlite3.Error):  # what isn't checkpointed stays in -wal, safe as ever
                writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            writer.close()
        self._lock.release()

    def _between(
        self,
        room: str,
        after: int,
        upto: int,
        limit: int,
        max_bytes: int,
        *,
        newest: bool = False,
    ) -> list[Message]:
        """The messages with ``after < seq <= upto``; from the last one back if ``newest``."""
        query = BETWEEN + " DESC" if newest else BETWEEN
        with self._readers.reader() as reader:
            rows = reader.execute(query, {"room": room, "after": after, "upto": upto})
            try:
                return take((Message(room, *row) for row in rows), limit, max_bytes)
            finally:
                rows.close()  # else it would hold its snapshot, and the log could only grow

    def _take_lock(self, take_it: Callable[[], None]) -> None:
        try:
            take_it()
        except LockHeld as held:
            cause = f"is in use by {held}, which holds {self._lock.path}"
            way_out = 'stop that process, or set "history" to another file'
            raise self._file.refused(cause, way_out) from held
        except OSError as error:
            way_out = "see that the folder is there and this user may write in it"
            raise self._file.refused(f"can't be locked: {error}", way_out) from error

    def _base(self, writer: sqlite3.Connection, room: str) -> int:
        """What the room's keys begin with; enters the room, in the open transaction."""
        if base := self._bases.get(room):
            return base
        writer.execute("INSERT OR IGNORE INTO rooms (name) VALUES (?)", (room,))
        number: int
        (number,) = writer.execute("SELECT number FROM rooms WHERE name = ?", (room,)).fetchone()
        return number << SEQ_BITS

    def _demand_writer(self) -> sqlite3.Connection:
        if not self._writer:
            raise HistoryUnavailable(self.name, "it isn't open", "start the program again")
        return self._writer


def roll_back(writer: sqlite3.Connection) -> None:
    """Undo the transaction; SQLite may have done so already, as on a full disk."""
    # Raises where it has. Where it can't, the transaction stays open, and the next append
    # fails at its BEGIN and comes here again.
    with suppress(sqlite3.Error):
        writer.execute("ROLLBACK")
