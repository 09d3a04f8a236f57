"""What the writing connection does: transactions, and rows."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from types import TracebackType

from chatroom.errors import CmidTaken, HistoryError
from chatroom.history.sqlite.database import unavailable
from chatroom.history.sqlite.schema import APPENDED, SEQ_BITS
from chatroom.message import Message

INSERT = f"INSERT INTO messages ({APPENDED}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Transaction:
    """Commits what the block writes, or rolls it back if anything raises.

    A class, since every message goes through one: a generator takes a microsecond more.
    """

    __slots__ = ("_name", "_writer")

    def __init__(self, name: str, writer: sqlite3.Connection) -> None:
        self._name = name
        self._writer = writer

    def __enter__(self) -> None:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
        except BaseException as error:
            self._undo(error)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self._undo(error)
            return
        try:
            self._writer.execute("COMMIT")
        except BaseException as failure:
            self._undo(failure)
            raise

    def _undo(self, error: BaseException) -> None:
        roll_back(self._writer)
        if isinstance(error, Exception):
            raise refusal(self._name, error) from error


def roll_back(writer: sqlite3.Connection) -> None:
    """Undo the transaction; SQLite may have done so already, as on a full disk."""
    # Raises if SQLite has. If it can't, the transaction stays open, and the next append
    # fails at its BEGIN and comes here again.
    with suppress(sqlite3.Error):
        writer.execute("ROLLBACK")


def refusal(name: str, error: Exception) -> HistoryError:
    """SQLite's error in a transaction, as the error that a history raises."""
    # "messages.cmid" or "held.cmid"
    if isinstance(error, sqlite3.IntegrityError) and ".cmid" in str(error):
        return CmidTaken(name)
    return unavailable(name, error)


def find_base(writer: sqlite3.Connection, room: str) -> int:
    """The prefix of the room's keys; 0 if there's no such room."""
    found = writer.execute("SELECT number FROM rooms WHERE name = ?", (room,)).fetchone()
    return found[0] << SEQ_BITS if found else 0


def row(base: int, m: Message) -> tuple[int | str, ...]:
    """The message as ``INSERT`` wants it."""
    return (base | m.seq, *m[2:12])  # nonce to edited_at, in the order of the columns
