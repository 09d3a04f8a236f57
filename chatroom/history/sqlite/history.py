"""A history in one SQLite file: once ``append`` returns, the messages are on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from chatroom.errors import HistoryUnavailable
from chatroom.files.stored import StoredFile, id_in
from chatroom.history.decisions import not_held
from chatroom.history.deleted import by_mark, kept_as
from chatroom.history.effects import NO_EFFECTS, Effects
from chatroom.history.file_records import MAX_SIZE, not_free
from chatroom.history.host_log import LogEntry
from chatroom.history.interface import History
from chatroom.history.paging import PAGE_BYTES, PAGE_LENGTH
from chatroom.history.sqlite import charters as charters_table
from chatroom.history.sqlite import files as files_table
from chatroom.history.sqlite import held as held_table
from chatroom.history.sqlite import reactions as reactions_table
from chatroom.history.sqlite import reads
from chatroom.history.sqlite.check import examine
from chatroom.history.sqlite.database import FILES, DatabaseFile, unavailable
from chatroom.history.sqlite.delete import NOTE_DELETED, clean, delete
from chatroom.history.sqlite.lock import FileLock, LockHeld
from chatroom.history.sqlite.readers import Readers
from chatroom.history.sqlite.reads import MAX_SEQ
from chatroom.history.sqlite.renewal import Renewal
from chatroom.history.sqlite.rewrite import (
    INDEX,
    LOG,
    PAGES,
    chores,
    empty_log,
    erase,
    forget_chore,
    note_chores,
    rewrite,
    sweep,
)
from chatroom.history.sqlite.schema import COLUMNS, SCHEMA_VERSION
from chatroom.history.sqlite.search import Search
from chatroom.history.sqlite.trim import shrink, trim
from chatroom.history.sqlite.watch import Watch
from chatroom.history.sqlite.write import INSERT, Transaction, find_base, refusal, roll_back, row
from chatroom.message import Evidence, Held, Message, MessageId, RoomSummary
from chatroom.reactions import EVERYTHING, Click, Person, Place, Reacted, Span

FITS = f"SELECT {COLUMNS} FROM messages LIMIT 0"

MAX_BASES = 4096
"""Rooms whose numbers are cached; bounded, since clients create the rooms."""


class SqliteHistory(History):
    """Messages in ``path``: one connection writes, a few read.

    The Server thread owns the writing connection and ``_bases``; it also checkpoints, as
    part of every thousandth page it commits (``wal_autocheckpoint``, SQLite's default).
    """

    keeps_files = True
    keeps_reactions = True

    def __init__(
        self, name: str, path: Path, sync: str = "full", folder: Path | None = None
    ) -> None:
        self.name = name
        self._files_folder = folder
        self._sync = sync
        self._file = DatabaseFile(name, path)
        self._lock = FileLock(self._file.beside(".lock"))
        self._watch = Watch(self._file, self._lock)
        self._readers = Readers(self._file)
        self._search = Search(self._file, self._readers)
        self._writer: sqlite3.Connection | None = None
        self._secret = b""
        self._bases: dict[str, int] = {}  # room -> the prefix of its keys
        self._data_version = 0
        self._may_have_chores = True
        self._renewal = Renewal()

    def check(self) -> None:
        """As the interface says; reads the whole file."""
        self._take_lock(self._lock.test)
        examine(self._file, thorough=True)

    def open(self, *, patience: float = 0.0) -> None:
        """As the interface says; does not read every page of the file, as ``check`` does."""
        self._take_lock(lambda: self._lock.acquire(patience))
        try:
            version = examine(self._file, thorough=False)
            self._writer, self._secret = self._file.connect_writer(self._sync, version)
            self.is_new = not version
        except BaseException:
            self._lock.release()
            raise
        self._file.begin()
        self._watch.begin()
        self._readers.open()

    def share_lock(self) -> None:
        """Keep writers out while a file that this user cannot write is read.

        Raises:
            HistoryRefused: a process uses it.
        """
        self._take_lock(self._lock.share)

    def open_in_place(self) -> None:
        """Open for reading only a file that has no log, and that nobody writes meanwhile."""
        self._file.begin()
        self._readers.open("mode=ro&immutable=1")

    def append(
        self, messages: Sequence[Message], charters: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """One transaction. The Server sets ``seq``: a duplicate is refused, a gap isn't noticed."""
        if not messages:
            return
        writer = self._demand_files()
        rows: list[tuple[int | str, ...]] = []
        new: dict[str, int] = {}  # as _bases
        carrying: list[tuple[int, Message]] = []
        with Transaction(self.name, writer):
            self._trust_bases(writer)
            for message in messages:
                room = message.room
                base = self._bases.get(room) or new.get(room)
                if not base:
                    base = new[room] = self._base(writer, room)
                rows.append(row(base, message))
                if message.file:
                    carrying.append((base, message))
            writer.executemany(INSERT, rows)
            for base, message in carrying:
                self._claim(writer, base, message)
            for room, charter in charters.items():
                charters_table.keep(writer, room, charter)
        if new:
            self._remember_bases(new)

    def trim(self, room: str, keep_messages: int, keep_since: int, step: int) -> int:
        """One transaction; gives a little of the free space back if there's much of it."""
        writer = self._demand_files()
        with Transaction(self.name, writer):
            self._trust_bases(writer)
            base = self._bases.get(room) or find_base(writer, room)
            count = trim(writer, base, keep_messages, keep_since, step)
            shrink(writer)
        return count

    def delete(self, room: str) -> int:
        """One transaction; then the file is written anew, and the search index is deleted."""
        writer = self._demand_writer()
        with Transaction(self.name, writer):
            base = find_base(writer, room)
            count = delete(writer, base) if base else 0
            charters_table.forget(writer, room)
            held_table.forget(writer, room)
            writer.execute(NOTE_DELETED, kept_as(self._secret, room))
        self._bases.pop(room, None)
        try:
            clean(writer)
            self._search.wipe()
        except sqlite3.Error as error:
            raise unavailable(self.name, error) from error
        return count

    def rewrite(
        self, message: Message, before: Evidence | None = None, entry: LogEntry | None = None
    ) -> None:
        """One transaction."""
        writer = self._demand_files()
        with Transaction(self.name, writer):
            self._trust_bases(writer)
            base = self._bases.get(message.room) or find_base(writer, message.room)
            if not rewrite(writer, base, message, before):
                cause = f"message {message.id} of room {message.room!r} is not stored"
                raise HistoryUnavailable(self.name, cause, "look it up again")
            if entry:
                charters_table.note(writer, message.room, entry)
        self._may_have_chores = True

    def hold(self, held: Held) -> None:
        """One transaction."""
        writer = self._demand_files()
        with Transaction(self.name, writer):
            held_table.hold(writer, held)
            if held.file and not files_table.claim_for_held(writer, held):
                raise not_free(self.name, id_in(held.file))

    def settle(self, held: Held, message: Message | None, entry: LogEntry | None) -> None:
        """One transaction."""
        writer = self._demand_files()
        base = 0
        with Transaction(self.name, writer):
            if not held_table.drop(writer, held, is_said=message is not None):
                raise not_held(self.name, held)
            if message:
                self._trust_bases(writer)
                base = self._base(writer, message.room)
                writer.execute(INSERT, row(base, message))
                if message.file:
                    self._claim(writer, base, message)
            if entry:
                charters_table.note(writer, held.room, entry)
        self._may_have_chores |= message is None
        if base:
            self._remember_bases({held.room: base})

    def held(self, room: str) -> list[Held]:
        """As the interface says."""
        return held_table.held(self._readers, room)

    def held_before(self, moment: int, limit: int) -> list[Held]:
        """As the interface says."""
        return held_table.held_before(self._readers, moment, limit)

    def enact(
        self, room: str, charter: str, entry: LogEntry | None, effects: Effects = NO_EFFECTS
    ) -> None:
        """One transaction."""
        writer = self._demand_files()
        with Transaction(self.name, writer):
            charters_table.keep(writer, room, charter)
            if effects.house is not None:
                charters_table.keep(writer, "", effects.house)
            if effects.changes or effects.erased:
                self._trust_bases(writer)
                base = self._bases.get(room) or find_base(writer, room)
                if not sweep(writer, base, effects):
                    cause = f"messages of room {room!r} are not stored any more"
                    raise HistoryUnavailable(self.name, cause, "look them up again")
                self._may_have_chores = True
            for held in effects.refused:
                self._may_have_chores = True
                if not held_table.drop(writer, held, is_said=False):
                    raise not_held(self.name, held)
            if entry:
                charters_table.note(writer, room, entry)

    def files_folder(self) -> Path:
        """Next to the file, under its name; or where the settings say."""
        return self._files_folder or self._file.beside(FILES)

    def add_file(self, file: StoredFile, most: int = MAX_SIZE) -> bool:
        """One transaction."""
        writer = self._demand_files()
        with Transaction(self.name, writer):
            return files_table.add(writer, file, most)

    def complete_file(self, file: StoredFile) -> None:
        """One transaction."""
        writer = self._demand_files()
        with Transaction(self.name, writer):
            if not files_table.complete(writer, file):
                raise not_free(self.name, file.id)

    def drop_files(self, ids: Sequence[str]) -> int:
        """One transaction."""
        writer = self._demand_files()
        with Transaction(self.name, writer):
            dropped = files_table.drop(writer, ids)
        self._may_have_chores = True
        return dropped

    def file(self, id: str) -> StoredFile | None:
        """As the interface says."""
        return files_table.file(self._readers, id)

    def lost_files(self, uploaded_before: int, limit: int) -> list[str]:
        """As the interface says: whatever removes a message need not know that it has a file."""
        return files_table.lost(self._readers, uploaded_before, limit)

    def files_of(self, user_id: str) -> list[StoredFile]:
        """Looks at all files."""
        return files_table.of(self._readers, user_id)

    def disown_files(self, room: str, user_id: str) -> None:
        """One transaction."""
        writer = self._demand_files()
        with Transaction(self.name, writer):
            files_table.disown(writer, room, user_id)

    def files_bytes(self) -> int:
        """As the interface says."""
        return files_table.total(self._readers)

    def _claim(self, writer: sqlite3.Connection, base: int, message: Message) -> None:
        if not files_table.claim(writer, base, message):
            raise not_free(self.name, id_in(message.file))

    def react(self, clicks: Sequence[Click]) -> list[bool]:
        """One transaction."""
        writer = self._demand_files()
        with Transaction(self.name, writer):
            self._trust_bases(writer)
            bases = {click.room: self._bases.get(click.room) for click in clicks}
            bases = {room: base or find_base(writer, room) for room, base in bases.items()}
            return [reactions_table.react(writer, bases[it.room] or 0, it) for it in clicks]

    def reacted(
        self, room: str, span: Span = EVERYTHING, *, people: int = 0, user_id: str = ""
    ) -> list[Reacted]:
        """As the interface says."""
        return reactions_table.reacted(self._readers, room, span, people, user_id)

    def reacted_in_order(
        self, room: str, place: Place, last: int, *, people: int = 0
    ) -> list[Reacted]:
        """As the interface says."""
        return reactions_table.in_order(self._readers, room, place, last, people)

    def last_mark(self, room: str) -> int:
        """As the interface says."""
        return reactions_table.last_mark(self._readers, room)

    def who_reacted(self, room: str) -> list[Person]:
        """As the interface says."""
        return reactions_table.who(self._readers, room)

    def reactions_of(self, room: str, user_id: str) -> list[tuple[MessageId, str]]:
        """As the interface says."""
        return reactions_table.of_person(self._readers, room, user_id)

    def forget_reactions(self, room: str, user_id: str) -> int:
        """One transaction."""
        writer = self._demand_files()
        with Transaction(self.name, writer):
            count = reactions_table.forget(writer, room, user_id)
        self._may_have_chores |= count > 0
        return count

    def charter(self, room: str) -> str:
        """As the interface says."""
        return charters_table.charter(self._readers, room)

    def charters(self) -> dict[str, str]:
        """As the interface says."""
        return charters_table.charters(self._readers)

    def decided(self) -> list[str]:
        """As the interface says."""
        return charters_table.decided(self._readers)

    def host_log(self, room: str) -> list[LogEntry]:
        """As the interface says."""
        return charters_table.host_log(self._readers, room)

    def written_by(self, room: str, user_id: str, after: int) -> list[Message]:
        """As the interface says."""
        return reads.written_by(self._readers, room, user_id, after)

    def forget_in_log(self, room: str, user_id: str, stranger: str) -> None:
        """One transaction."""
        writer = self._demand_files()
        with Transaction(self.name, writer):
            charters_table.forget_in_log(writer, room, user_id, stranger)
            note_chores(writer, (LOG, PAGES))  # also for the charter, which loses them next
        self._may_have_chores = True

    def erase(self, removed_before: int, step: int, noted_before: int = 0) -> int:
        """One transaction, if there is anything to erase."""
        has_evidence = reads.has_evidence(self._readers, removed_before)
        if not has_evidence and not charters_table.has_old(self._readers, noted_before):
            return 0
        writer = self._demand_files()
        with Transaction(self.name, writer):
            erased = erase(writer, removed_before, step)
            dropped = charters_table.drop_old(writer, noted_before, step - erased)
        self._may_have_chores |= erased > 0
        return erased + dropped

    def clean(self, *, takes_its_time: bool = False) -> None:
        """As the interface says. A large file is done after a while: see ``Renewal`` and
        ``Search.forget``."""
        if not self._may_have_chores:
            return
        writer = self._demand_files()
        try:
            left = chores(writer)
            if INDEX in left and self._search.forget():
                forget_chore(writer, INDEX)
            if PAGES in left and self._renewal.renew(writer, at_any_length=takes_its_time):
                note_chores(writer, (LOG,))  # until it is emptied, the file has the old pages
                left.add(LOG)
                forget_chore(writer, PAGES)
            self._renewal.begin()
            if LOG in left:
                if not empty_log(writer):
                    cause = "its log is being read"
                    raise HistoryUnavailable(self.name, cause, "it is emptied a little later")
                forget_chore(writer, LOG)
            self._may_have_chores = bool(chores(writer))
        except sqlite3.Error as error:
            raise unavailable(self.name, error) from error

    @property
    def is_cleaning_long(self) -> bool:
        """As the interface says."""
        return self._renewal.is_under_way

    def probe(self) -> None:
        """Commit the file's first page unchanged; this takes the same path as a message."""
        writer = self._demand_files()
        try:
            writer.execute(FITS)  # another program may have dropped the table
            writer.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        except sqlite3.Error as error:
            roll_back(writer)
            raise refusal(self.name, error) from error

    def head(self, room: str) -> MessageId:
        """As the interface says."""
        return reads.head(self._readers, room)

    def tail(self, room: str, limit: int, max_bytes: int) -> list[Message]:
        """As the interface says."""
        return self.before(room, MAX_SEQ + 1, limit, max_bytes)

    def before(self, room: str, seq: int, limit: int, max_bytes: int) -> list[Message]:
        """As the interface says."""
        newest_first = reads.between(self._readers, room, 0, seq - 1, limit, max_bytes, newest=True)
        return newest_first[::-1]

    def pages(self, room: str, after: int, upto: int) -> Iterator[list[Message]]:
        """As the interface says: each page is a query of its own."""
        while after < upto:
            page = reads.between(self._readers, room, after, upto, PAGE_LENGTH, PAGE_BYTES)
            if not page:
                return
            yield page
            after = page[-1].seq

    def first(self, room: str) -> int:
        """As the interface says."""
        return reads.first(self._readers, room)

    def has(self, room: str, seq: int, nonce: str) -> bool:
        """As the interface says."""
        return reads.has(self._readers, room, seq, nonce)

    def rev(self, room: str) -> int:
        """As the interface says."""
        return reads.rev(self._readers, room)

    def changes(self, room: str, after: int) -> list[Message]:
        """As the interface says."""
        return reads.changes(self._readers, room, after)

    def evidence(self, room: str, seq: int) -> Evidence | None:
        """As the interface says."""
        return reads.evidence(self._readers, room, seq)

    def kept_evidence(self, room: str, upto: int, limit: int) -> list[int]:
        """As the interface says."""
        return reads.kept_evidence(self._readers, room, upto, limit)

    def taken_at(
        self, room: str, removed_at: int, upto: int, limit: int, max_bytes: int
    ) -> list[Message]:
        """As the interface says."""
        return reads.taken_at(self._readers, room, removed_at, upto, limit, max_bytes)

    def find(self, room: str, user_id: str, cmid: str) -> Message | None:
        """As the interface says."""
        return reads.find(self._readers, room, user_id, cmid)

    def search(self, room: str, text: str, before: int, limit: int) -> list[Message]:
        """As the interface says; never blocks the writer."""
        return self._search.search(room, text, before, limit)

    def rooms(self) -> list[RoomSummary]:
        """As the interface says."""
        return reads.rooms(self._readers)

    def deleted(self) -> dict[str, bytes]:
        """As the interface says."""
        return by_mark(reads.deleted(self._readers))

    def secret(self) -> bytes:
        """As the interface says; it's in the file, and so in every backup."""
        self._demand_writer()
        return self._secret

    def close(self) -> None:
        """As the interface says; leaves no ``-wal`` where the disk allows it."""
        self._readers.close()
        self._search.close()
        writer, self._writer = self._writer, None
        if writer:
            # What isn't checkpointed stays in -wal, just as safe: nobody waits for a backup's end.
            with suppress(sqlite3.Error):
                empty_log(writer)
            writer.close()
        self._lock.release()

    def _take_lock(self, take_it: Callable[[], None]) -> None:
        try:
            take_it()
        except LockHeld as held:
            cause = f"is in use by {held}, which holds {self._lock.path}"
            way_out = 'stop that process, or set "history" to another file'
            raise self._file.refused(cause, way_out) from held
        except FileExistsError as error:
            cause = f"can't be locked: {self._lock.path} is another program's file"
            raise self._file.refused(cause, "move that file away") from error
        except OSError as error:
            way_out = "make sure that the folder exists and this user can write to it"
            raise self._file.refused(f"can't be locked: {error}", way_out) from error

    def _trust_bases(self, writer: sqlite3.Connection) -> None:
        """In the open transaction: forget the numbers if another program has written.

        It may have deleted a room: messages under its number would be nobody's, and later those of
        the room that gets the number next.
        """
        # Changes with other connections' commits only: https://sqlite.org/pragma.html
        (version,) = writer.execute("PRAGMA data_version").fetchone()
        if version != self._data_version:
            self._bases.clear()
            self._data_version = version

    def _remember_bases(self, bases: Mapping[str, int]) -> None:
        """After the commit: a number that was rolled back goes to another room."""
        if len(self._bases) >= MAX_BASES:
            self._bases.clear()
        self._bases.update(bases)

    def _base(self, writer: sqlite3.Connection, room: str) -> int:
        """The prefix of the room's keys; inserts the room, in the open transaction."""
        if base := self._bases.get(room):
            return base
        writer.execute("INSERT OR IGNORE INTO rooms (name) VALUES (?)", (room,))
        return find_base(writer, room)

    def _demand_files(self) -> sqlite3.Connection:
        """The writing connection, if what it commits will be there after a restart."""
        writer = self._demand_writer()
        try:
            self._watch.demand_same()
        except HistoryUnavailable:
            if self._watch.is_log_lost():  # a kill would lose what only the deleted file has
                with suppress(sqlite3.Error):
                    writer.execute("PRAGMA wal_checkpoint(PASSIVE)")
            raise
        return writer

    def _demand_writer(self) -> sqlite3.Connection:
        if not self._writer:
            raise HistoryUnavailable(self.name, "it isn't open", "start the program again")
        return self._writer
