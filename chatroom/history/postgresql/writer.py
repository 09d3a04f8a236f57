"""The connection that writes: one at a time over all processes, made anew when it breaks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import psycopg

from chatroom.errors import HistoryRefused, HistoryUnavailable
from chatroom.history.postgresql.check import linked
from chatroom.history.postgresql.failures import Failures
from chatroom.history.postgresql.links import (
    IMPATIENCE,
    KEY,
    PATIENCE,
    PAUSE,
    WRITING,
    DatabaseLink,
    LinkLost,
    connected,
)

ATTEMPTS = 2
"""How often a call is sent, if its answer is lost."""

POLL = 0.05
"""Seconds between two looks whether another process has released the database."""

TIDYING = "SELECT set_config('statement_timeout', %s, false)"

TIDYING_TIME = "250ms"
"""How long the room may stand still for a VACUUM: the next one goes on where this one ends."""

TAKE = f"SELECT pg_try_advisory_lock({KEY}, 1)"

RELEASE = f"SELECT pg_advisory_unlock({KEY}, 1)"

RELEASE_SECONDS = 0.5

HOLDER = f"""
    SELECT pid, coalesce(nullif(application_name, ''), 'process ' || pid)
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND classid = {KEY} AND objid = 1 AND objsubid = 2 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


class Doubtful(HistoryUnavailable):
    """It counts as not done; if it was, this is seen to as soon as the room is written to again."""


class Writer:
    """Owned by the history's thread.

    Whoever writes holds an advisory lock, which ends with the connection: at this stage the room
    lives in one process, and a second one is refused by it.

    Args:
        url: of the database.
        session: more settings of the session.
    """

    def __init__(self, url: str, failures: Failures, session: dict[str, str]) -> None:
        self._url = url
        self._failures = failures
        self._session = WRITING | session
        self._link: DatabaseLink | None = None
        self._is_well = True
        self._is_open = False
        self._lost: set[int] = set()
        """Backends of ours that the server may not have let go yet."""

    def open(self, patience: float, prepare: Callable[[DatabaseLink], None]) -> None:
        """Connect, and hold the lock.

        Args:
            patience: seconds to wait for another process to release it.
            prepare: what to do first with a connection that is open.

        Raises:
            HistoryRefused: it is not reached, or another process holds the lock.
        """
        link = self._connect()
        try:
            claim(link, self._failures, patience)
            prepare(link)
        except (psycopg.Error, LinkLost) as error:
            cause = error.cause if isinstance(error, LinkLost) else error
            raise self._failures.refused(cause) from error
        else:
            self._link, self._is_open, self._is_well = link, True, True
        finally:
            if self._link is not link:
                link.close()

    def _connect(self) -> DatabaseLink:
        deadline = time.monotonic() + PATIENCE
        try:
            return DatabaseLink(self._url, self._failures, self._session, deadline)
        except LinkLost as lost:
            with linked(self._url, self._failures):
                raise self._failures.refused(lost.cause) from lost

    def call(self, query: str, values: Sequence[Any] = ()) -> tuple[Any, ...]:
        """Call a function that writes, on another connection if this one breaks: so perhaps twice.

        Args:
            query: whose last parameter is until when it may begin; it is added to ``values``.

        Returns:
            Its row.

        Raises:
            Doubtful: it counts as not done, but may have been: the answer is lost.
            HistoryUnavailable: it is not done.
        """
        self.demand_open()
        deadline = time.monotonic() + (PATIENCE if self._is_well else IMPATIENCE)
        sent = 0
        while True:
            try:
                link = self._ready(deadline)
                sent += 1
                (row,) = link.call(query, [*values, link.server_time(deadline)], deadline)
            except LinkLost as lost:
                self._drop()
                if sent == ATTEMPTS or time.monotonic() + PAUSE >= deadline:
                    self._is_well = False
                    failed = self._failures.lost(lost.cause)
                    raise (Doubtful(*failed.args) if sent else failed) from lost
            except psycopg.Error as error:
                failed = self._failures.unavailable(error)
                raise (Doubtful(*failed.args) if sent > 1 else failed) from error
            else:
                self._is_well = True
                return row

    def tidy(self, statement: str) -> bool:
        """Run a VACUUM for a moment; whether it came to its end.

        Raises:
            HistoryUnavailable: it cannot be run now.
        """
        self.demand_open()
        deadline = time.monotonic() + (PATIENCE if self._is_well else IMPATIENCE)
        try:
            link = self._ready(deadline)
            link.call(TIDYING, [TIDYING_TIME], deadline)
            try:
                link.call(statement, (), deadline, prepare=False)
            finally:
                link.call(TIDYING, ["0"], deadline)
        except psycopg.errors.QueryCanceled:
            return False
        except psycopg.Error as error:
            raise self._failures.unavailable(error) from error
        except LinkLost as lost:
            self._drop()
            raise self._failures.lost(lost.cause) from lost
        return True

    def demand_open(self) -> None:
        """Raise HistoryUnavailable unless it is open."""
        if not self._is_open:
            raise self._failures.closed()

    def close(self) -> None:
        """Release the lock; idempotent."""
        if self._link:
            release(self._link)
        self._drop()
        self._lost.clear()
        self._is_open = False

    def _ready(self, deadline: float) -> DatabaseLink:
        """The connection; a new one if there is none."""
        if self._link is None:
            self._link = connected(self._url, self._failures, self._session, deadline)
        self._link.compare_clocks(deadline)
        if self._lost:
            self._take_again(self._link, deadline)
        return self._link

    def _take_again(self, link: DatabaseLink, deadline: float) -> None:
        """Hold the lock again. Where the server has not let go yet of a connection of ours, that
        one still keeps others out."""
        while not link.call(TAKE, (), deadline)[0][0]:
            pid, name = holder(link, deadline)
            if pid in self._lost:
                return
            if pid:  # else it has just been released
                cause = f"while the connection was gone, it came to be used by {name}"
                raise HistoryUnavailable(self._failures.name, cause, "stop one of the two")
        self._lost.clear()

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link:
            self._lost.add(link.pid)
            link.close()


def claim(link: DatabaseLink, failures: Failures, patience: float = 0.0) -> None:
    """Hold the lock of whoever writes, until ``release`` or until the connection has ended.

    Args:
        patience: seconds to wait for another process to release it.

    Raises:
        HistoryRefused: another process holds it.
    """
    deadline = time.monotonic() + patience
    while not link.call(TAKE)[0][0]:
        if time.monotonic() >= deadline:
            _, by = holder(link)
            way_out = "stop it first, or wait until the server has noticed that it is gone"
            raise HistoryRefused(failures.name, f"is in use by {by}", way_out)
        time.sleep(POLL)


def release(link: DatabaseLink) -> None:
    """At once: the server may take a moment to see that a connection has ended."""
    with suppress(psycopg.Error, LinkLost):
        link.call(RELEASE, (), time.monotonic() + RELEASE_SECONDS, prepare=False)


def holder(link: DatabaseLink, deadline: float = float("inf")) -> tuple[int, str]:
    """The backend that holds the lock, and what it is called; 0 if none does."""
    rows = link.call(HOLDER, (), deadline)
    return (rows[0][0], rows[0][1]) if rows else (0, "another process")
