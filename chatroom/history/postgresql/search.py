"""Searches the database, through words that searches themselves note there."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from psycopg import errors

from chatroom.errors import HistoryUnavailable
from chatroom.history.paging import PAGE_BYTES, PAGE_LENGTH, weight
from chatroom.history.postgresql import reads
from chatroom.history.postgresql.exact import to_stored
from chatroom.history.postgresql.readers import Readers
from chatroom.history.postgresql.rows import message_of, words_json
from chatroom.history.searching import Hunt
from chatroom.history.words import asked_terms, terms
from chatroom.message import Message

INDEXING_SECONDS = 2.0
"""How long one search may spend on noting words."""

WAITING_SECONDS = 5.0
"""How long a search waits for another one that does."""

COMPARED_AT_ONCE = 64
"""Candidates that are read at a time; then four times as many: each time, all are looked for."""

MOST_AT_ONCE = 4096

MOST_BYTES = 4 * PAGE_BYTES

MAX_TERM = 200
"""Characters of a term that are noted: PostgreSQL takes 2,046 bytes with the room's number."""

MAX_WORDS_BYTES = 500_000
"""Of the terms of one message; PostgreSQL takes 1 MB."""

ANY = "*"
"""Noted instead, if there are more: such a message is compared by every search. It is no term."""

EXTENT = """
    SELECT number, rooms.seq, rooms.rev, coalesce(searched.seq, 0), coalesce(searched.rev, 0)
    FROM rooms LEFT JOIN searched ON room = number WHERE name = %(room)s AND first > 0"""

NOTE = "SELECT note_words(%s::int, %s, %s, %s, %s, %s)"

# Two ways to what is the same. Frequent words are in many of the newest messages, which are looked
# through, one after the other. All others are looked up, but only then: or the planner, which does
# not know how frequent a beginning is, would look through the whole room for the rarest.
NEAR = reads.paged(
    """(
        SELECT seq, words FROM found
        WHERE room = %(number)s AND seq >= %(from)s AND seq < %(before)s
        ORDER BY seq DESC OFFSET 0
    ) AS newest JOIN messages AS message USING (seq)
    WHERE words @@ %(query)s::tsquery AND message.room = %(number)s""",
    "seq DESC",
)

FAR = reads.paged(
    """(
        WITH hit AS MATERIALIZED (
            SELECT seq FROM found WHERE words @@ %(query)s::tsquery AND room = %(number)s
        )
        SELECT seq FROM hit WHERE seq >= %(from)s AND seq < %(before)s
    ) AS hits JOIN messages AS message USING (seq) WHERE message.room = %(number)s""",
    "seq DESC",
)

NEWEST = 2000
"""Messages that are looked through."""


class Extent(NamedTuple):
    """A room, and how far its words are noted."""

    number: int
    seq: int
    rev: int
    noted_seq: int
    noted_rev: int

    def is_noted(self) -> bool:
        """Whether all are."""
        return self.noted_seq >= self.seq and self.noted_rev >= self.rev


class Search:
    """Called by any thread; a search first notes the words that are not yet.

    So a commit never waits for it, and what is never searched is never noted.
    """

    def __init__(self, name: str, readers: Readers) -> None:
        self._name = name
        self._readers = readers
        # Held while words are noted: two threads would note the same.
        self._lock = threading.Lock()

    def search(self, room: str, text: str, before: int, limit: int) -> list[Message]:
        """As in the interface."""
        extent = self._extent(room)
        hunt = Hunt(self._name, text, limit)
        if not extent or hunt.is_over():
            return []
        before = max(min(before, extent.seq + 1), 1)
        if not extent.is_noted():
            with self._locked():
                self._catch_up(room)
        try:
            with self._readers.errors():
                hunt.through(self._candidates(room, extent.number, hunt.words, before))
        except HistoryUnavailable as error:
            if isinstance(error.__cause__, errors.QueryCanceled):  # by statement_timeout
                hunt.demand_time()
            raise
        return hunt.found()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=WAITING_SECONDS):
            cause = "too many searches at once"
            raise HistoryUnavailable(self._name, cause, "try again in a few seconds")
        try:
            yield
        finally:
            self._lock.release()

    def _extent(self, room: str) -> Extent | None:
        rows = self._readers.rows(EXTENT, {"room": to_stored(room)})
        return Extent(*rows[0]) if rows else None

    def _candidates(
        self, room: str, number: int, words: list[str], before: int
    ) -> Iterator[list[Message]]:
        """Messages that may have the words, newest first."""
        values = {"query": query_of(number, words), "number": number, "max_bytes": MOST_BYTES}
        middle = max(before - NEWEST, 1)
        yield from self._chunks(room, NEAR, values | {"from": middle}, before)
        yield from self._chunks(room, FAR, values | {"from": 1}, middle)

    def _chunks(
        self, room: str, query: str, values: Mapping[str, Any], before: int
    ) -> Iterator[list[Message]]:
        limit = COMPARED_AT_ONCE
        while before > values["from"]:
            some = {**values, "before": before, "limit": limit}
            # Planned anew each time, for words that differ as much as these.
            rows = self._readers.raw_rows(query, some, prepare=False)
            if not rows:
                return
            messages = [message_of(room, row) for row in rows]
            yield messages
            # As they are stored, texts may be seven times as long: see exact.py.
            if len(rows) < limit and 7 * sum(map(weight, messages)) < MOST_BYTES:
                return
            before = messages[-1].seq
            limit = min(4 * limit, MOST_AT_ONCE)

    def _catch_up(self, room: str) -> None:
        """Note the words of what was said and changed since the last search, for a while.

        Raises:
            HistoryUnavailable: that wasn't enough.
        """
        began, count = time.monotonic(), 0
        while (extent := self._extent(room)) and not extent.is_noted():
            spent = time.monotonic() - began
            if spent >= INDEXING_SECONDS:
                raise self._indexing(room, extent.seq - extent.noted_seq, count)
            if extent.noted_rev < extent.rev:
                page = reads.changes(self._readers, room, extent.noted_rev)
                upto = extent.noted_seq, page[-1].rev if page else extent.rev
            else:
                page = reads.between(
                    self._readers, room, extent.noted_seq, extent.seq, PAGE_LENGTH, PAGE_BYTES
                )
                upto = page[-1].seq if page else extent.seq, extent.noted_rev
            words = [(one.seq, one.rev, words_of_message(extent.number, one.body)) for one in page]
            at = extent.noted_seq, extent.noted_rev
            self._readers.rows(NOTE, [extent.number, *at, *upto, words_json(words)])
            count += len(page)

    def _indexing(self, room: str, left: int, at_once: int) -> HistoryUnavailable:
        # Only searches continue: so ask for more of them, not for patience.
        searches = math.ceil(max(left, 1) / max(at_once, 1))
        return HistoryUnavailable(
            self._name,
            f"room {room!r} is still being indexed: {left} messages are left",
            f"try again in 1 s; about {searches} more searches finish it",
        )


def words_of_message(number: int, body: str) -> str:
    """What is noted of a message: its terms, each as the room's own, separated by spaces."""
    own = f"{number}/"
    noted = " ".join({own + term[:MAX_TERM] for term in terms(body).split()})
    return noted if len(noted.encode()) <= MAX_WORDS_BYTES else own + ANY


def query_of(number: int, words: list[str]) -> str:
    """The tsquery for messages of the room that may contain the words: whatever is found has to be
    compared."""
    quoted = [
        f"'{number}/{term[:MAX_TERM]}'" + ":*" * (is_start and len(term) <= MAX_TERM)
        for term, is_start in asked_terms(words)
    ]
    return f"({' & '.join(quoted)}) | '{number}/{ANY}'"
