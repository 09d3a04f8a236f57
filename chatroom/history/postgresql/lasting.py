"""A connection that lasts: made anew whenever it has broken."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import psycopg

from chatroom.history.postgresql.failures import Failures
from chatroom.history.postgresql.links import PAUSE, DatabaseLink, LinkLost, after_connecting
from chatroom.history.postgresql.statements import Late

ATTEMPTS = 3
"""How often something is tried whose connection breaks each time."""

LONGEST_PAUSE = 2.0
"""Seconds between two attempts to connect, once many have failed; half of it at least, and not for
everybody the same: a server that comes back is not met by all at once."""

T = TypeVar("T")

Job = Callable[[DatabaseLink, float], T]
"""What to do with a connection until a deadline, by ``time.monotonic``. Where an answer is lost it
is done again, so it has to bear that."""


class LastingLink:
    """Used by one thread, but for ``cut``, ``is_up`` and ``is_failing``.

    Args:
        url: of the database.
        session: settings, such as ``WRITING``.
        begin: done first with each new connection.
    """

    def __init__(
        self, url: str, session: Mapping[str, str], begin: Job[None] = lambda link, deadline: None
    ) -> None:
        self.failures = Failures(url)
        self._url = url
        self._session = session
        self._begin = begin
        self._link: DatabaseLink | None = None
        self._is_cut = threading.Event()
        self._failed = 0
        """Attempts to connect, one after another."""
        self._next_at = 0.0
        """When to try again."""
        self._cause: Exception | None = None
        """Of the last one that failed."""

    @property
    def is_up(self) -> bool:
        """Whether there is a connection, as far as anybody knows."""
        return self._link is not None

    @property
    def is_failing(self) -> bool:
        """Whether the last attempt to connect has failed."""
        return self._failed > 0

    def run(self, job: Job[T], deadline: float) -> T:
        """Do it, on another connection if this one breaks: so perhaps more than once.

        Args:
            deadline: by ``time.monotonic``, with all attempts.

        Raises:
            HistoryUnavailable: it counts as not done, but may have been, if an answer was lost.
        """
        if time.monotonic() >= deadline:  # a link that is well would be dropped as late
            raise self.failures.lost(self._cause or Late(deadline))
        for attempt in range(ATTEMPTS):
            try:
                link, deadline = self._ready(deadline)
            except LinkLost as lost:
                self.drop()
                raise self.failures.lost(lost.cause) from lost
            except psycopg.Error as error:
                raise self.failures.unavailable(error) from error
            try:
                link.compare_clocks(deadline)
                return job(link, deadline)
            except LinkLost as lost:
                self.drop()
                if attempt + 1 == ATTEMPTS or time.monotonic() >= deadline:
                    raise self.failures.lost(lost.cause) from lost
            except psycopg.Error as error:
                raise self.failures.unavailable(error) from error
        raise AssertionError("the last attempt returns or raises")

    def drop(self) -> None:
        """Close the connection; the next job gets a new one."""
        link, self._link = self._link, None
        if link:
            link.close()

    def cut(self) -> None:
        """From any thread: whoever waits is freed, and nothing can be done any more."""
        self._is_cut.set()
        if link := self._link:
            link.cut()

    def _ready(self, deadline: float) -> tuple[DatabaseLink, float]:
        """The connection, a new one if there is none; and until when it may be used.

        Raises:
            LinkLost: it cannot be had until then.
        """
        while not self._link:
            if self._cause and self._next_at >= deadline:
                raise LinkLost(self._cause)
            if self._is_cut.wait(max(0, self._next_at - time.monotonic())):
                break
            try:
                self._link = self._connect(deadline)
                deadline = after_connecting(deadline)
            except LinkLost as lost:
                self._failed += 1
                self._cause = lost.cause
                longest = min(PAUSE * 2**self._failed, LONGEST_PAUSE)
                self._next_at = time.monotonic() + longest * random.uniform(0.5, 1)
        if self._is_cut.is_set() or not self._link:
            raise LinkLost(psycopg.InterfaceError("it is closed"))
        return self._link, deadline

    def _connect(self, deadline: float) -> DatabaseLink:
        link = DatabaseLink(self._url, self.failures, self._session, deadline)
        try:
            self._begin(link, after_connecting(deadline))
        except BaseException:
            link.close()
            raise
        self._failed, self._next_at, self._cause = 0, 0.0, None
        return link
