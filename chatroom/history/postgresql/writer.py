"""The connection that writes, made anew when it breaks."""

from __future__ import annotations

import math
import random
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
    after_connecting,
    connected,
)
from chatroom.history.postgresql.statements import Late

RETRIED = ("55P03", "40")
"""SQLSTATEs of what others were in the way of: it did nothing, and soon may. 55P03: whoever commits
before hangs."""

JITTER = 0.2
"""Seconds, at most, added to a pause: several processes lose their connections at once."""

POLL = 0.05
"""Seconds between two looks whether another process has released the database."""

TIDYING = "SELECT set_config('statement_timeout', %s, false)"

TIDYING_TIME = "250ms"
"""How long the room may stand still for a VACUUM: the next one goes on where this one ends."""

HANGS = """
    SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event = 'SyncRep'
    AND application_name = current_setting('application_name')"""
"""Whether the server still does what was given up: only a standby can end that."""

SHARE = f"SELECT pg_try_advisory_lock_shared({KEY}, 1)"

TAKE = f"SELECT pg_try_advisory_lock({KEY}, 1)"

RELEASE = "SELECT pg_advisory_unlock_all()"

RELEASE_SECONDS = 0.5

HOLDER = f"""
    SELECT coalesce(nullif(application_name, ''), 'process ' || pid)
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND classid = {KEY} AND objid = 1 AND objsubid = 2 AND granted
    AND pid <> pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


class Writer:
    """Owned by one thread.

    Whoever writes shares an advisory lock, which ends with the connection; or has it alone, as a
    history that moves in.

    Args:
        url: of the database.
        session: more settings of the session.
    """

    def __init__(self, url: str, failures: Failures, session: dict[str, str]) -> None:
        self._url = url
        self._failures = failures
        self._session = WRITING | session
        self._link: DatabaseLink | None = None
        self.patience = PATIENCE
        """Seconds that a call may take, with all its attempts, unless the one before has failed."""
        self.last_moment = math.inf
        """By ``time.monotonic``: nothing is tried any longer than until then. Any thread's to set.
        """
        self._lock = SHARE
        self._given_up = 0
        """The server's process that is at a call, or still is, though we have waited no longer."""
        self._is_well = True
        self._is_open = False

    def open(
        self, patience: float, prepare: Callable[[DatabaseLink], None], *, is_alone: bool = False
    ) -> None:
        """Connect, and hold the lock.

        Args:
            patience: seconds to wait for whoever is in the way.
            prepare: what to do first with a connection that is open.
            is_alone: nobody else may write until ``close``.

        Raises:
            HistoryRefused: it is not reached, or the lock cannot be had.
        """
        self._lock = TAKE if is_alone else SHARE
        link = self._connect()
        try:
            claim(link, self._failures, patience, is_alone=is_alone)
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
        """As ``rows``, for a function that answers with one row."""
        (row,) = self.rows(query, values)
        return row

    def rows(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Call a function that writes, on another connection if this one breaks, as often as there
        is time: it has to know itself whether it was done before.

        Args:
            query: whose last parameter is until when it may begin; it is added to the values.

        Returns:
            Its rows.

        Raises:
            HistoryUnavailable: it is not known to be done; it may be, if the answer was lost.
        """
        self.demand_open()
        patience = self.patience if self._is_well else min(IMPATIENCE, self.patience)
        deadline = min(time.monotonic() + patience, self.last_moment)
        failed: HistoryUnavailable | None = None
        while True:
            until = min(deadline, time.monotonic() + PATIENCE)
            try:
                link, until = self._ready(until)
                if hung := self._hung(link, until):
                    failed = hung
                else:
                    rows = self._called(link, query, [*values, link.server_time(until)], until)
                    self._is_well = True
                    return rows
            except LinkLost as lost:
                self._drop()
                # What the server said of an attempt before tells more than its silence now.
                if not failed or not isinstance(lost.cause, Late):
                    failed = self._failures.lost(lost.cause)
            except psycopg.Error as error:
                failed = self._failures.unavailable(error)
                if not (error.sqlstate or "").startswith(RETRIED):
                    raise failed from error
            pause = PAUSE + random.uniform(0, JITTER)
            if time.monotonic() + pause >= deadline:
                self._is_well = False
                raise failed
            time.sleep(pause)

    def tidy(self, statement: str) -> bool:
        """Run a VACUUM for a moment; whether it came to its end.

        Raises:
            HistoryUnavailable: it cannot be run now.
        """
        self.demand_open()
        deadline = time.monotonic() + (PATIENCE if self._is_well else IMPATIENCE)
        try:
            link, deadline = self._ready(deadline)
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
        self._is_open = False

    def _ready(self, deadline: float) -> tuple[DatabaseLink, float]:
        """The connection, a new one if there is none; and until when it may be used."""
        if self._link is None:
            link = connected(self._url, self._failures, self._session, deadline)
            deadline = min(after_connecting(deadline), self.last_moment)
            if not link.call(self._lock, (), deadline)[0][0]:
                by = holder(link, deadline)
                link.close()
                cause = f"while the connection was gone, it came to be used by {by}"
                raise HistoryUnavailable(self._failures.name, cause, "wait until that has ended")
            self._link = link
        self._link.compare_clocks(deadline)
        return self._link, deadline

    def _hung(self, link: DatabaseLink, deadline: float) -> HistoryUnavailable | None:
        """Why nothing can be committed now. What waits for a standby keeps its connection when we
        give it up, also one of another room: so one of ours waits, and not one more each time."""
        if self._given_up and link.call(HANGS, [self._given_up], deadline)[0][0]:
            return self._failures.hung()
        self._given_up = 0
        return None

    def _called(
        self, link: DatabaseLink, query: str, values: Sequence[Any], deadline: float
    ) -> list[tuple[Any, ...]]:
        self._given_up = link.pid  # until it has answered
        try:
            rows = link.call(query, values, deadline)
        except psycopg.Error:
            self._given_up = 0
            raise
        self._given_up = 0
        return rows

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link:
            link.close()


def claim(
    link: DatabaseLink, failures: Failures, patience: float = 0.0, *, is_alone: bool = False
) -> None:
    """Hold the lock of whoever writes, until ``release`` or until the connection has ended.

    Args:
        patience: seconds to wait for another process to release it.
        is_alone: nobody else may write meanwhile.

    Raises:
        HistoryRefused: another process holds it, alone or so that this one cannot be.
    """
    deadline = time.monotonic() + patience
    while not link.call(TAKE if is_alone else SHARE)[0][0]:
        if time.monotonic() >= deadline:
            by = holder(link)
            way_out = "stop it first, or wait until the server has noticed that it is gone"
            raise HistoryRefused(failures.name, f"is in use by {by}", way_out)
        time.sleep(POLL)


def release(link: DatabaseLink) -> None:
    """At once: the server may take a moment to see that a connection has ended."""
    with suppress(psycopg.Error, LinkLost):
        link.call(RELEASE, (), time.monotonic() + RELEASE_SECONDS, prepare=False)


def holder(link: DatabaseLink, deadline: float = math.inf) -> str:
    """What a process is called that holds the lock."""
    rows = link.call(HOLDER, (), deadline)
    return str(rows[0][0]) if rows else "another process"
