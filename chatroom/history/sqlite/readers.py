"""The few connections through which any number of threads read."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from chatroom.errors import HistoryUnavailable
from chatroom.history.sqlite.database import DatabaseFile, unavailable

READERS = 4
"""A read is short and the GIL runs one at a time: more would only hold descriptors."""


class Readers:
    """A pool of read-only connections.

    Each is opened on first use, and used by one thread at a time; a thread that finds none
    free waits for one.
    """

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file
        # None: a connection that isn't open yet. Last in, first out, so that few get opened.
        self._idle: queue.LifoQueue[sqlite3.Connection | None] = queue.LifoQueue()
        for _ in range(READERS):
            self._idle.put(None)
        # Held where _is_open is checked and acted on: otherwise a connection that comes back
        # while close() runs would leak.
        self._lock = threading.Lock()
        self._is_open = False
        self._query = ""

    def open(self, query: str = "mode=rw") -> None:
        """Let threads in; ``query`` as in ``DatabaseFile.connect``."""
        self._query = query
        self._is_open = True

    @contextmanager
    def reader(self) -> Iterator[sqlite3.Connection]:
        """A connection to read through; an open cursor must not outlast the block.

        Raises:
            HistoryUnavailable: the pool is closed, or SQLite raised.
        """
        connection = self._idle.get()
        try:
            if not self._is_open:
                raise HistoryUnavailable(
                    self._file.name, "it isn't open", "start the program again"
                )
            if connection is None:
                connection = self._connect()
            yield connection
        except sqlite3.Error as error:
            if connection:
                connection.close()  # the next thread gets a new one, which may fare better
                connection = None
            raise unavailable(self._file.name, error) from error
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close what is idle now, and what is in use as it comes back; idempotent."""
        with self._lock:
            self._is_open = False
            idle = [self._idle.get_nowait() for _ in range(self._idle.qsize())]
        for connection in idle:
            self._give_back(connection)

    def _connect(self) -> sqlite3.Connection:
        self._file.demand_same()  # what was put in its place has other messages
        connection = self._file.connect(self._query)
        try:
            connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
        return connection

    def _give_back(self, connection: sqlite3.Connection | None) -> None:
        with self._lock:
            if connection and not self._is_open:
                connection.close()
                connection = None
            self._idle.put(connection)  # after close() too: it wakes a thread that waits
