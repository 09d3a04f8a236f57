"""The few connections through which any number of threads read."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg

from chatroom.errors import HistoryUnavailable
from chatroom.history.postgresql.failures import Failures
from chatroom.history.postgresql.links import (
    IMPATIENCE,
    PATIENCE,
    READING,
    DatabaseLink,
    LinkLost,
    after_connecting,
    connected,
)
from chatroom.history.postgresql.statements import Late, Values

T = TypeVar("T")

BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

READERS = 2
"""A read is short, and the interpreter runs one thread at a time; a server has a hundred places."""

WAITING_SECONDS = 30.0
"""How long a thread waits for one while others do get theirs."""

IDLE_SECONDS = 60.0
"""After which a connection that nobody needs is closed."""


class Snapshot:
    """One moment, as several statements see it."""

    def __init__(self, link: DatabaseLink, deadline: float) -> None:
        self._link = link
        self._deadline = deadline

    def rows(
        self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """The rows of one statement; raises as ``DatabaseLink.call``."""
        return self._link.call(query, values, self._deadline)


class Readers:
    """A pool of connections, each opened when it is wanted, and used by one thread at a time.

    Args:
        url: of the database.
        places: how many connections.
    """

    def __init__(self, url: str, failures: Failures, places: int = READERS) -> None:
        self._url = url
        self._failures = failures
        # None: a connection that isn't open yet. Last in, first out, so that the other one rests.
        self._idle: queue.LifoQueue[DatabaseLink | None] = queue.LifoQueue()
        for _ in range(places):
            self._idle.put(None)
        # Held where _is_open is checked and acted on, so that no link outlasts close(); and for
        # _links.
        self._lock = threading.Lock()
        self._is_open = False
        self._links: set[DatabaseLink] = set()
        self._is_failing = False
        self._failed_at = 0.0

    def open(self) -> None:
        """Let threads in."""
        self._is_open = True

    def rows(
        self,
        query: str,
        values: Values = (),
        *,
        prepare: bool = True,
    ) -> list[tuple[Any, ...]]:
        """The rows of one statement, which may run twice.

        Args:
            prepare: as in ``DatabaseLink.call``.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        with self.errors():
            return self.raw_rows(query, values, prepare=prepare)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """PostgreSQL's in the block, as ours."""
        try:
            yield
        except psycopg.Error as error:
            raise self._failures.unavailable(error) from error

    def raw_rows(
        self,
        query: str,
        values: Values = (),
        *,
        prepare: bool = True,
    ) -> list[tuple[Any, ...]]:
        """As ``rows``, but for errors of the statement itself, which are psycopg's.

        Raises:
            psycopg.Error: such an error.
            HistoryUnavailable: it is not open, or there is no connection.
        """
        return self._with_link(
            lambda link, deadline: link.call(query, values, deadline, prepare=prepare)
        )

    def together(self, read: Callable[[Snapshot], T]) -> T:
        """Several statements that all see one moment; it may run twice.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

        def read_all(link: DatabaseLink, deadline: float) -> T:
            link.call(BEGIN, (), deadline)
            try:
                return read(Snapshot(link, deadline))
            finally:
                link.call("COMMIT", (), deadline)

        with self.errors():
            return self._with_link(read_all)

    def _with_link(self, work: Callable[[DatabaseLink, float], T]) -> T:
        link = self._take()
        may_be_dead = link is not None
        deadline = time.monotonic() + (IMPATIENCE if self._is_failing else PATIENCE)
        try:
            while True:
                if link is None:
                    link = self._connect(deadline)
                    deadline = after_connecting(deadline)
                try:
                    done = work(link, deadline)
                except LinkLost as lost:
                    self._forget(link)
                    link = None
                    if not self._is_open:  # cut() has freed us
                        raise self._failures.closed() from lost
                    if not may_be_dead or isinstance(lost.cause, Late):
                        raise
                    may_be_dead = False
                else:
                    self._is_failing = False
                    return done
        except LinkLost as lost:
            self._is_failing, self._failed_at = True, time.monotonic()
            raise self._failures.lost(lost.cause) from lost
        finally:
            self._give_back(link)

    def close_idle(self) -> None:
        """Close what nobody has needed for a while."""
        before = time.monotonic() - IDLE_SECONDS
        for link in reversed(self._take_idle()):
            if link and link.used_at < before:
                self._forget(link)
                link.close()
                link = None
            self._give_back(link)

    def close(self) -> None:
        """Close what is idle now, and free who waits for an answer; idempotent."""
        with self._lock:
            self._is_open = False
            idle = self._take_idle()
            for link in self._links - set(idle):
                link.cut()
        for one in idle:
            self._give_back(one)

    def _take_idle(self) -> list[DatabaseLink | None]:
        """All that nobody uses, the last one first."""
        taken: list[DatabaseLink | None] = []
        with suppress(queue.Empty):
            while True:
                taken.append(self._idle.get_nowait())
        return taken

    def _take(self) -> DatabaseLink | None:
        began = time.monotonic()
        try:
            link = self._idle.get(timeout=WAITING_SECONDS)
        except queue.Empty:
            cause = "too many want to read at once"
            raise HistoryUnavailable(self._failures.name, cause, "try again") from None
        if not self._is_open:
            self._idle.put(link)
            raise self._failures.closed()
        if began < self._failed_at:  # it was tried while this thread waited: once is enough
            self._idle.put(link)
            raise self._failures.late()
        return link

    def _connect(self, deadline: float) -> DatabaseLink:
        link = connected(self._url, self._failures, READING, deadline)
        with self._lock:
            self._links.add(link)
        return link

    def _forget(self, link: DatabaseLink) -> None:
        with self._lock:
            self._links.discard(link)

    def _give_back(self, link: DatabaseLink | None) -> None:
        with self._lock:
            if link and not self._is_open:
                self._links.discard(link)
                link.close()
                link = None
            self._idle.put(link)  # after close() too: it wakes a thread that waits
