"""One connection to the database: how it is made, how long it is waited for, how it ends."""

from __future__ import annotations

import math
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import conninfo, waiting
from psycopg.abc import RV, PQGen
from psycopg.types.numeric import Int8Dumper

from chatroom.errors import HistoryRefused
from chatroom.history.postgresql.address import passwords
from chatroom.history.postgresql.failures import Failures
from chatroom.history.postgresql.statements import Late, Statements, Values

PATIENCE = 5.0
"""Seconds that one attempt may take, or a read with all of its attempts."""

IMPATIENCE = 1.0
"""And while calls fail: whoever waits has other things to do. Connecting may take longer."""

PAUSE = 0.1
"""Seconds between two attempts to connect."""

KEY = 1128808788
"""Of our advisory locks: with 1, whoever writes; 2, makes the schema; 3, makes a room; 4, keeps
the history in order; 5, sees people off. The next number is of those that note words."""

CONNECTING_SECONDS = 3
"""How long one of the address's hosts has to let us in; 2, if there are several."""

LOOK_SECONDS = 0.1
"""How often somebody who waits looks at the clock."""

DEFAULTS = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
    "gssencmode": "disable",
}
"""What the address may override: https://www.postgresql.org/docs/current/libpq-connect.html"""

SESSION = {
    "search_path": "chatroom",
    # Who waits behind a commit that hangs gives up, before it has done anything.
    "lock_timeout": "3s",
    # The server lets go of a client that takes nothing, or has vanished.
    "tcp_user_timeout": "10s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "3",
    "tcp_keepalives_count": "3",
    "idle_in_transaction_session_timeout": "10s",
    "default_transaction_isolation": "read committed",
    "jit": "off",
    # What we ask has its index; with few rows, or old statistics, it would not be used.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
"""Of each session: https://www.postgresql.org/docs/current/runtime-config-client.html"""

WRITING = SESSION | {
    # Planning a call takes twice as long as the call.
    "plan_cache_mode": "force_generic_plan",
    # Ending a statement that waits for a standby would report success: docs, synchronous_commit.
    "statement_timeout": "0",
}

READING = SESSION | {"statement_timeout": "5s", "synchronous_commit": "off"}
"""Searches note words through them, which are noted again if they are lost."""

GONE = ("08", "57P01", "57P02", "57P03", "57P05", "25006", "CH001")
"""SQLSTATEs after which another connection may do better: on 25006 it finds the new primary; on
CH001, our own, it measures the clock again."""

CLOCK_SECONDS = 60.0
"""How long two clocks are trusted to run alike."""

CLOCK = "SELECT extract(epoch FROM clock_timestamp())::double precision, pg_backend_pid()"

SET = "SELECT set_config(name, value, false) FROM json_each_text(%s::json) AS one (name, value)"


class LinkLost(Exception):
    """The connection is gone; whether its last statement was carried out is not known. ``cause`` is
    psycopg's error, or ``Late``."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(cause)
        self.cause = cause


class BoundedConnection(psycopg.Connection[tuple[Any, ...]]):
    """Waits until its deadline, and sends no cancel when it is interrupted: a commit that waits for
    a standby would then count as done."""

    deadline = math.inf

    def wait(
        self, gen: PQGen[RV], interval: float = LOOK_SECONDS, timeout: float | None = None
    ) -> RV:
        """As in psycopg, which hands all that may block to it."""
        return waiting.wait(self._bounded(gen), self.pgconn.socket, interval=interval)

    def _bounded(self, gen: PQGen[RV]) -> PQGen[RV]:
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                wanted = gen.send(ready)
                if time.monotonic() >= self.deadline:
                    raise Late(self.deadline)
        except StopIteration as done:
            result: RV = done.value
            return result


class DatabaseLink:
    """One connection, used by one thread at a time.

    Args:
        url: of the database.
        session: settings, such as ``WRITING``.
        deadline: when to give up connecting, by ``time.monotonic``.

    Raises:
        LinkLost: nobody can be reached there, or lets us in.
        HistoryRefused: the address is not one.
    """

    def __init__(
        self,
        url: str,
        failures: Failures,
        session: Mapping[str, str],
        deadline: float,
        *,
        attrs: str = "read-write",
    ) -> None:
        self.used_at = time.monotonic()
        self.pid = 0
        """The process that serves it."""
        self._ahead = 0.0
        self._compared_at = -math.inf
        try:
            self._connection = BoundedConnection.connect(
                url,
                autocommit=True,
                **_parameters(url, failures, attrs),
            )
        except psycopg.Error as error:
            raise LinkLost(error) from error
        # A descriptor of its own, so that cut() never meets one that is somebody else's by now.
        self._twin = socket.socket(fileno=os.dup(self._connection.pgconn.socket))
        # Of whatever size a number is: else each size would be another statement.
        self._connection.adapters.register_dumper(int, Int8Dumper)
        self._statements = Statements(self._connection)
        self._notified: list[str] = []
        self._connection.add_notify_handler(lambda it: self._notified.append(it.payload))
        deadline = after_connecting(deadline)
        try:
            self.version = self._connection.info.server_version
            self.call(SET, [_json_of(session)], deadline, prepare=False)
            self.compare_clocks(deadline)
        except BaseException as error:
            self.close()
            if isinstance(error, psycopg.Error):
                raise LinkLost(error) from error
            raise

    def call(
        self,
        query: str,
        values: Values = (),
        deadline: float = math.inf,
        *,
        prepare: bool = True,
    ) -> list[tuple[Any, ...]]:
        """Run one statement; its rows.

        Args:
            prepare: False for one that is planned anew each time, with its values, or for several.

        Raises:
            LinkLost: nothing can be said about what it did; the link is closed.
            psycopg.Error: it did nothing.
        """
        try:
            if prepare:
                rows = self._statements.run(query, values, deadline)
            else:
                self._connection.deadline = deadline
                cursor = self._connection.execute(query, values or None, prepare=False)
                rows = cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            if self._connection.closed or (error.sqlstate or "").startswith(GONE):
                self.close()
                raise LinkLost(error) from error
            raise
        except BaseException as error:
            self.close()  # it may still be busy
            if isinstance(error, Late):
                raise LinkLost(error) from error
            raise
        self.used_at = time.monotonic()
        return rows

    def notified(self, timeout: float) -> list[str]:
        """The payloads of what has been notified since LISTEN, or since the last call.

        Args:
            timeout: seconds to wait for the first one.

        Raises:
            LinkLost: the link is closed.
        """
        heard, self._notified = self._notified, []  # what psycopg has met with
        try:
            return heard or self._statements.notified(time.monotonic() + timeout)
        except Late:
            return []
        except BaseException as error:
            self.close()
            if isinstance(error, psycopg.Error):
                raise LinkLost(error) from error
            raise

    def compare_clocks(self, deadline: float) -> None:
        """Find out what the server's clock says, unless that was done a moment ago."""
        if self._compared_at + CLOCK_SECONDS > time.monotonic():
            return
        ((now, self.pid),) = self.call(CLOCK, (), deadline, prepare=False)
        # After the answer: so what is late by the server's clock is late by ours.
        self._compared_at = time.monotonic()
        self._ahead = now - self._compared_at

    def server_time(self, moment: float) -> float:
        """When a moment of ``time.monotonic`` is by the server's clock, at the latest."""
        return moment + self._ahead

    def cut(self) -> None:
        """Free a thread that waits, from another one."""
        with suppress(OSError):
            self._twin.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Idempotent."""
        self._twin.close()
        self._connection.close()


def after_connecting(deadline: float) -> float:
    """Until when a new connection may be used: where the address names machines that do not answer,
    making it may have taken all the time that there was, each time."""
    return max(deadline, time.monotonic() + IMPATIENCE)


def connected(
    url: str, failures: Failures, session: Mapping[str, str], deadline: float
) -> DatabaseLink:
    """A link; tries again until the deadline, since a server that restarts is soon back.

    Raises:
        LinkLost: it is not.
    """
    while True:
        try:
            return DatabaseLink(url, failures, session, deadline)
        except LinkLost:
            if time.monotonic() + PAUSE >= deadline:
                raise
        time.sleep(PAUSE)


def _parameters(url: str, failures: Failures, attrs: str) -> dict[str, Any]:
    """What is added to the address."""
    try:
        given = conninfo.conninfo_to_dict(url)
    except (psycopg.Error, UnicodeError):
        raise _no_address(failures) from None  # without libpq's text: it may show a password
    # A part of a password that is not encoded may be a host or a port to libpq, which shows them.
    if (ours := passwords(url)) and given.get("password") not in ours:
        raise _no_address(failures)
    several = "," in f"{given.get('host', '')}{given.get('hostaddr', '')}"
    parameters: dict[str, Any] = {
        "connect_timeout": 2 if several else CONNECTING_SECONDS,
        "client_encoding": "UTF8",
        "target_session_attrs": attrs,
    }
    for name, value in DEFAULTS.items():
        if name not in given and f"PG{name}".upper() not in os.environ:
            parameters[name] = value
    if "application_name" not in given:
        parameters["application_name"] = f"chatroom on {socket.gethostname()}"[:40] + (
            f", process {os.getpid()}"
        )
    return parameters


def _no_address(failures: Failures) -> HistoryRefused:
    cause = "this is not an address that PostgreSQL's libpq understands"
    way_out = "write postgresql://USER@HOST:PORT/DATABASE; encode special characters (%40 for @)"
    return HistoryRefused(failures.name, cause, way_out)


def _json_of(session: Mapping[str, str]) -> str:
    pairs = (f'"{name}":"{value}"' for name, value in session.items())
    return f"{{{','.join(pairs)}}}"
