"""Searches the database: through the index or, if this SQLite has no FTS5, by scanning."""

from __future__ import annotations

import math
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from chatroom.errors import HistoryUnavailable
from chatroom.history.paging import PAGE_BYTES, PAGE_LENGTH
from chatroom.history.searching import Hunt, seq_of
from chatroom.history.sqlite.database import DatabaseFile, unavailable
from chatroom.history.sqlite.index import IndexFile
from chatroom.history.sqlite.readers import Readers
from chatroom.history.sqlite.reads import (
    Extent,
    between,
    edited,
    extent,
    has,
    messages_at,
    rev,
)
from chatroom.history.words import fts_query, terms
from chatroom.message import Message

INDEXING_SECONDS = 2.0
"""How long one search may spend on updating the index."""

INDEXING_SECONDS_EACH = 50e-6
"""What indexing one message takes, about."""

WAITING_SECONDS = 5.0
"""How long a search waits for another to update the index."""

COMPARED_AT_ONCE = 64
"""Candidates that are read from the database at a time."""

STEPS = 1000
"""Steps of SQLite's machine between two looks at the clock: some microseconds."""

SPARE_ENTRIES = 10_000
"""Stale entries, of trimmed messages, that are tolerated; or as many as there are others."""

NEWEST = """
    SELECT rowid FROM entries WHERE entries MATCH ? AND rowid >= ? AND rowid < ?
    ORDER BY rowid DESC"""

INDEXED_REV = "SELECT rev FROM rooms WHERE number = ?"

PROGRESS = "SELECT first, last, nonce FROM rooms WHERE number = ?"

ENTER = "INSERT INTO entries (rowid, terms) VALUES (?, ?)"

NOTE = """
    INSERT INTO rooms VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (number) DO UPDATE SET last = excluded.last, nonce = excluded.nonce"""


class Search:
    """Called by any thread; a search first brings the index up to date.

    So a commit never waits for the index, and what is never searched is never indexed.
    """

    def __init__(self, file: DatabaseFile, readers: Readers) -> None:
        self._name = file.name
        self._readers = readers
        # Guards the index's one writing connection. Each search has a reading one of its own:
        # a long search delays no other.
        self._lock = threading.Lock()
        self._index = IndexFile(file)
        self._forget_at = 0.0

    def search(self, room: str, text: str, before: int, limit: int) -> list[Message]:
        """As in the interface."""
        found = extent(self._readers, room)
        hunt = Hunt(self._name, text, limit)
        if not found or hunt.is_over():
            return []
        before = max(min(before, found.last + 1), 1)
        if not has_fts5(self._readers):
            hunt.through(self._pages_back(room, before))
        else:
            self._ask_twice(hunt, room, found, before)
        return hunt.found()

    def wipe(self) -> None:
        """Delete the index; the next search rebuilds it."""
        with self._lock:
            self._index.wipe()

    def forget(self) -> bool:
        """Delete the index, since it has words of texts that are gone; False if not yet.

        A large one waits until a hundred times its rebuilding has passed since the last time, so
        that searches seldom find it gone: in a room of a million, an hour and a half. The Server
        thread, which never waits.
        """
        if time.monotonic() < self._forget_at or not self._lock.acquire(blocking=False):
            return False
        try:
            entries = self._index.count()
            self._index.wipe()
        finally:
            self._lock.release()
        self._forget_at = time.monotonic() + entries * INDEXING_SECONDS_EACH * 100
        return True

    def close(self) -> None:
        """Close the index. Close the readers first: that ends running searches."""
        with self._lock:
            self._index.close()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=WAITING_SECONDS):
            cause = "too many searches at once"
            raise HistoryUnavailable(self._name, cause, "try again in a few seconds")
        try:
            yield
        finally:
            self._lock.release()

    def _ask_twice(self, hunt: Hunt, room: str, found: Extent, before: int) -> None:
        """Find the newest matches through the index; a corrupt one is rebuilt."""
        try:
            return self._ask(hunt, room, found, before)
        except sqlite3.Error:
            with self._locked():
                self._index.wipe()
        try:
            return self._ask(hunt, room, found, before)
        except sqlite3.Error as error:
            with self._locked():
                self._index.wipe()  # if the disk is full, the room itself needs the space more
            raise unavailable(self._name, error, f"{self._index.path}: ") from error

    def _ask(self, hunt: Hunt, room: str, found: Extent, before: int) -> None:
        with self._locked():
            index = self._index.connection()
            if not self._is_fit(index, room, found):
                self._index.wipe()
                index = self._index.connection()
            self._catch_up(index, room, found)
            since = indexed_rev(index, found)
            # Before the lock is released: what another search wipes, this one still reads.
            reader = self._index.reader()
        with closing(reader):
            reader.set_progress_handler(hunt.is_late, STEPS)
            bounds = found.key(found.first), found.key(before)
            try:
                keys = reader.execute(NEWEST, (fts_query(hunt.words), *bounds))
                changed = hunt.newest(m for m in self._changed(room, since) if m.seq < before)
                hunt.through(merged(changed, self._candidates(room, keys), since))
            except sqlite3.Error:
                hunt.demand_time()  # if it is over, that was the progress handler
                raise

    def _changed(self, room: str, since: int) -> Iterator[Message]:
        """The messages that were edited since that rev: the index has their old words."""
        while page := edited(self._readers, room, since):
            yield from page
            since = page[-1].rev

    def _candidates(self, room: str, keys: sqlite3.Cursor) -> Iterator[list[Message]]:
        while some := keys.fetchmany(COMPARED_AT_ONCE):
            # What was trimmed meanwhile is missing here.
            yield messages_at(self._readers, room, (key for (key,) in some))

    def _pages_back(self, room: str, before: int) -> Iterator[list[Message]]:
        """The room's messages below ``before``, newest first."""
        while page := between(
            self._readers, room, 0, before - 1, PAGE_LENGTH, PAGE_BYTES, newest=True
        ):
            yield page
            before = page[-1].seq

    def _is_fit(self, index: sqlite3.Connection, room: str, found: Extent) -> bool:
        """Whether the index is this database's (which may be a restored backup), and lean."""
        first, last, nonce = progress(index, found)
        stale = min(found.first - 1, last) - first + 1
        if stale > max(SPARE_ENTRIES, last - first + 1 - stale):
            return False
        return last < found.first or has(self._readers, room, last, nonce)

    def _catch_up(self, index: sqlite3.Connection, room: str, found: Extent) -> None:
        """Index the messages since the last search, within ``INDEXING_SECONDS``.

        Raises:
            HistoryUnavailable: that wasn't enough.
        """
        _, last, _ = progress(index, found)
        changed = 0 if last else rev(self._readers, room)
        began, count = time.monotonic(), 0
        while last < found.last:
            page = between(self._readers, room, last, found.last, PAGE_LENGTH, PAGE_BYTES)
            if not page:  # trimmed meanwhile
                return
            enter(index, found, page, changed)
            last = page[-1].seq
            count += len(page)
            spent = time.monotonic() - began
            if spent >= INDEXING_SECONDS and last < found.last:
                raise self._indexing(room, found.last - last, count)

    def _indexing(self, room: str, left: int, at_once: int) -> HistoryUnavailable:
        # Only searches continue the indexing: so ask for more of them, not for patience.
        searches = math.ceil(left / at_once)
        return HistoryUnavailable(
            self._name,
            f"room {room!r} is still being indexed: {left} messages are left",
            f"try again in 1 s; about {searches} more searches finish it",
        )


def merged(
    changed: list[Message], candidates: Iterator[list[Message]], since: int
) -> Iterator[list[Message]]:
    """All of them, newest first; a candidate that was changed since that rev counts as that."""
    unchanged = ([one for one in page if one.rev <= since] for page in candidates)
    for page in unchanged:
        oldest = page[-1].seq if page else sys.maxsize
        newer = [one for one in changed if one.seq > oldest]
        changed = changed[len(newer) :]
        yield sorted(newer + page, key=seq_of, reverse=True)
    yield changed


def progress(index: sqlite3.Connection, found: Extent) -> tuple[int, int, str]:
    """The first and the last indexed seq of the room, and the last one's nonce."""
    first, last, nonce = index.execute(PROGRESS, (found.number,)).fetchone() or (1, 0, "")
    if not isinstance(first, int) or not isinstance(last, int):
        raise sqlite3.DatabaseError("the index is another program's")
    return first, last, nonce


def indexed_rev(index: sqlite3.Connection, found: Extent) -> int:
    """What changed up to this rev is indexed as it now reads."""
    (rev,) = index.execute(INDEXED_REV, (found.number,)).fetchone() or (0,)
    if not isinstance(rev, int):
        raise sqlite3.DatabaseError("the index is another program's")
    return rev


def enter(index: sqlite3.Connection, found: Extent, page: list[Message], changed: int) -> None:
    """Index a page and record the progress, in one transaction.

    Args:
        changed: the rev that the room had when its first page was read; of no concern later.
    """
    first, last = page[0], page[-1]
    index.execute("BEGIN IMMEDIATE")
    try:
        index.executemany(ENTER, [(found.key(m.seq), terms(m.body)) for m in page])
        index.execute(NOTE, (found.number, first.seq, last.seq, last.nonce, changed))
        index.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            index.execute("ROLLBACK")
        raise


def has_fts5(readers: Readers) -> bool:
    """Whether this SQLite is built with FTS5; nearly all are."""
    with readers.reader() as reader:
        query = "SELECT count(*) FROM pragma_module_list WHERE name = 'fts5'"
        return bool(reader.execute(query).fetchone()[0])
