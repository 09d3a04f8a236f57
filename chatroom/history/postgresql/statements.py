"""Prepared statements of one connection, run with little more than libpq.

What is done for each message shall not cost more than the message. With a cursor of psycopg a
statement takes 85 us of CPU, of which PostgreSQL's library needs 25 to send it and to read the
answer; and where the processor's caches have lost the code, as between two messages of a quiet
room, 430. So the statements go to ``psycopg.pq``, the library itself; psycopg still adapts values
and rows.
"""

from __future__ import annotations

import math
import re
import select
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import pq
from psycopg.abc import Buffer
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result

Values = Sequence[Any] | Mapping[str, Any]

_PLACEHOLDER = re.compile(r"%s|%\((\w+)\)s")


class Late(Exception):
    """The deadline is over, and nothing was heard."""


class _Query(NamedTuple):
    text: bytes
    """With ``$1``, ``$2``: what PostgreSQL itself calls them."""
    names: list[str]
    """Of the values, in this order; none where they come in order themselves."""

    @classmethod
    def read(cls, query: str) -> _Query:
        names: list[str] = []
        count = 0

        def numbered(match: re.Match[str]) -> str:
            nonlocal count
            if name := match[1]:
                if name not in names:
                    names.append(name)
                return f"${names.index(name) + 1}"
            count += 1
            return f"${count}"

        return cls(_PLACEHOLDER.sub(numbered, query).encode(), names)


class Statements:
    """Used by one thread, like the connection.

    Args:
        connection: one statement at a time runs there, and none of psycopg's meanwhile.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._library = connection.pgconn
        self._adapting = Transformer(connection)
        self._queries: dict[str, _Query] = {}
        self._prepared: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._readable, self._both = select.poll(), select.poll()
        self._readable.register(self._library.socket, select.POLLIN)
        self._both.register(self._library.socket, select.POLLIN | select.POLLOUT)

    def run(self, query: str, values: Values, deadline: float) -> list[tuple[Any, ...]]:
        """Run a statement, which is prepared the first time.

        Args:
            query: with psycopg's placeholders.
            deadline: by ``time.monotonic``.

        Returns:
            Its rows.

        Raises:
            psycopg.Error: PostgreSQL refuses it, or is gone.
            Late: there is no answer yet; the connection is still busy.
        """
        known = self._queries.get(query)
        if known is None:
            known = self._queries[query] = _Query.read(query)
        if isinstance(values, Mapping):
            values = [values[name] for name in known.names]
        adapting, library = self._adapting, self._library
        # No tuples: psycopg 3.2 takes lists alone.
        given: Sequence[Buffer | None] = []
        types: tuple[int, ...] = ()
        formats: Sequence[pq.Format] = []
        if values:
            given = adapting.dump_sequence(values, [PyFormat.AUTO] * len(values))
            types, formats = adapting.types or (), adapting.formats or []
        name = self._prepared.get((query, types))
        if name is None:
            name = f"s{len(self._prepared)}".encode()
            library.send_prepare(name, known.text, types)
            self._finish(deadline)
            self._prepared[query, types] = name
        library.send_query_prepared(name, given, formats)
        result = self._finish(deadline)
        if not result.ntuples:
            return []
        adapting.set_pgresult(result)
        return adapting.load_rows(0, result.ntuples, tuple)

    def _finish(self, deadline: float) -> pq.abc.PGresult:
        """The result of what was sent."""
        library = self._library
        while library.flush():
            _wait(self._both, deadline)
            library.consume_input()  # otherwise both ends may wait until the other has read
        last: pq.abc.PGresult | None = None
        while True:
            while library.is_busy():
                _wait(self._readable, deadline)
                library.consume_input()
            result = library.get_result()
            if result is None:
                break
            last = result
        if last is None:
            raise psycopg.OperationalError("the connection is lost")
        if last.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
            raise error_from_result(last)
        return last

    def notified(self, deadline: float) -> list[str]:
        """The payloads of what has been notified and not been taken by psycopg meanwhile; waits for
        the first one.

        Raises:
            psycopg.Error: PostgreSQL is gone.
            Late: there was none.
        """
        payloads: list[str] = []
        while True:
            while (one := self._library.notifies()) is not None:
                payloads.append(one.extra.decode())
            if payloads:
                return payloads
            _wait(self._readable, deadline)
            self._library.consume_input()


def _wait(poll: select.poll, deadline: float) -> None:
    left = None
    if deadline < math.inf:
        # What is there was heard, also if this process stood still until the deadline was over.
        left = max(0.0, deadline - time.monotonic()) * 1000
    if not poll.poll(left):
        raise Late(deadline)
