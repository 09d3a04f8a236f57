"""A history in a PostgreSQL database: once ``append`` returns, the messages are committed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from chatroom.errors import CmidTaken, HistoryUnavailable, Outdated
from chatroom.files.stored import StoredFile, id_in
from chatroom.history.decisions import not_held
from chatroom.history.deleted import by_mark, kept_as
from chatroom.history.effects import NO_EFFECTS, Effects
from chatroom.history.file_records import MAX_SIZE, not_free
from chatroom.history.host_log import LogEntry
from chatroom.history.paging import PAGE_BYTES, PAGE_LENGTH
from chatroom.history.postgresql import files, reactions, reads, rows
from chatroom.history.postgresql.check import examine, linked
from chatroom.history.postgresql.exact import from_stored, to_stored
from chatroom.history.postgresql.failures import Failures
from chatroom.history.postgresql.files import ADD, COMPLETE, DISOWN, DROP, MARK, file_json
from chatroom.history.postgresql.links import DatabaseLink
from chatroom.history.postgresql.reactions import FORGET, REACT, clicks_json
from chatroom.history.postgresql.readers import Readers
from chatroom.history.postgresql.reads import MAX_SEQ
from chatroom.history.postgresql.schema import bring_up_to_date, peek_secret, secret_of
from chatroom.history.postgresql.search import Search
from chatroom.history.postgresql.versions import changed, missed, opening
from chatroom.history.postgresql.writer import Writer, claim, release
from chatroom.history.retention import Retention
from chatroom.history.shared import (
    Addresses,
    Attended,
    Missed,
    Opening,
    SaidThere,
    Saying,
    SharedHistory,
    Version,
)
from chatroom.message import Evidence, Held, Message, MessageId, RoomSummary
from chatroom.reactions import EVERYTHING, Click, Person, Place, Reacted, Span

APPEND = "SELECT * FROM append(%s, %s, %s)"

BRING = "SELECT * FROM bring(%s, %s, %s, %s)"

SAY = "SELECT * FROM relate(%s, %s, %s)"

ENACT = "SELECT verdict, known FROM enact(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"

HOLD = "SELECT verdict, known FROM hold(%s, %s, %s, %s)"

SETTLE = "SELECT verdict, known, room_seq FROM settle(%s, %s, %s, %s, %s, %s, %s)"

TRIM = "SELECT trim_room(%s, %s, %s, %s)"

DELETE = "SELECT delete_room(%s, %s, %s, %s)"

ERASE = "SELECT erase(%s, %s::int, %s, %s)"

FORGET_IN_LOG = "SELECT forget_in_log(%s, %s, %s, %s)"

PAUSE = 60.0
"""Seconds after dead rows were found until they are counted again."""

KEEP = "SELECT keep_in_order(%s)"

ADDRESSES = "SELECT * FROM whereabouts(%s, %s)"

ATTENDED = "SELECT * FROM attended()"

PROBE = "SELECT probe(%s)"

CLEANED = "messages, evidence, held, found, host_log, charters, files, reactions"

VACUUM = f"VACUUM (SKIP_LOCKED) {CLEANED}"

# As the server counts, a little late: whoever keeps the history in order hears of nothing else that
# the others have removed.
HAS_DEAD_ROWS = """
    SELECT EXISTS (
        SELECT FROM pg_stat_user_tables
        WHERE schemaname = 'chatroom' AND n_dead_tup > 0 AND relname = ANY (%s)
        AND extract(epoch FROM clock_timestamp()) < %s::float8
    )"""

MISCOUNTED = "number it by head() and append again"

ELSEWHERE = "another process has written to it"


class PostgresHistory(SharedHistory):
    """Messages in the database that ``url`` leads to: one connection writes, a few read.

    Args:
        url: checked by ``address.is_address``.
        sync: "normal" turns ``synchronous_commit`` off; "full" leaves what the server says.
        folder: of pictures and files, the same for all processes; None if there is none.
    """

    keeps_files = True
    keeps_reactions = True

    def __init__(self, url: str, sync: str = "full", folder: Path | None = None) -> None:
        self._failures = Failures(url)
        self.name = self._failures.name
        self._url = url
        self._sync = sync
        self._files_folder = folder
        session = {"synchronous_commit": "off"} if sync == "normal" else {}
        self._writer = Writer(url, self._failures, session)
        self._readers = Readers(url, self._failures)
        self._search = Search(self.name, self._readers)
        self._secret = b""
        self._may_have_chores = True
        self._counts_at = 0.0  # when it may count dead rows again, by time.monotonic

    def check(self) -> None:
        """As the interface says."""
        with linked(self._url, self._failures) as link:
            examine(link, self._failures, self._sync)
            claim(link, self._failures)
            release(link)

    def open(self, *, patience: float = 0.0) -> None:
        """As the interface says; makes or upgrades the schema."""
        self._writer.open(patience, self._prepare, is_alone=self.is_alone)
        self._readers.open()

    def _prepare(self, link: DatabaseLink) -> None:
        examine(link, self._failures, self._sync)
        self.is_new = bring_up_to_date(link, self._failures)
        self._secret = secret_of(link)
        link.call(APPEND, ["[]", "[]", 0.0])  # so that the first message need not wait for this

    def append(
        self, messages: Sequence[Message], charters: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """One call. The Server sets ``seq``: each room's next ones, or nothing is stored. Where
        exactly these are stored already, that is it."""
        if not messages:
            return
        try:
            heads = rows.heads_of(messages)
        except ValueError as error:
            raise HistoryUnavailable(self.name, str(error), MISCOUNTED) from None
        if rows.has_twins(messages):
            raise CmidTaken(self.name)
        values = [rows.heads_json(heads, charters), rows.batch_json(heads.values())]
        if any(message.file for message in messages):
            known = self._known(messages[0].room)
            verdict, room, seq = self._writer.call(BRING, [*values, known])
        else:
            verdict, room, seq = self._writer.call(APPEND, values)
        if verdict == "file":
            raise not_free(self.name, ", ".join(id_in(one.file) for one in messages if one.file))
        if verdict == "outdated":
            raise self._outdated(messages[0].room)
        if verdict == "cmid":
            raise CmidTaken(self.name)
        if verdict == "head":
            raise self._miscounted(from_stored(room), seq)

    def say(self, sayings: Sequence[Saying], house: int) -> list[SaidThere]:
        """One call."""
        answer = self._writer.rows(SAY, [house, rows.sayings_json(sayings)])
        return rows.said_there(sayings, answer)

    @property
    def patience(self) -> float:
        """As the interface says."""
        return self._writer.patience

    @patience.setter
    def patience(self, seconds: float) -> None:
        self._writer.patience = seconds

    def hurry(self, until: float) -> None:
        """As the interface says."""
        self._writer.last_moment = until

    def keeps(self) -> bool:
        """As the interface says."""
        keeps: bool
        (keeps,) = self._writer.call(KEEP)
        return keeps

    def missed(self, room: str, known: Version) -> Missed:
        """As the interface says."""
        return self._readers.together(lambda source: missed(source, room, known))

    def opening(self, room: str, limit: int, max_bytes: int) -> Opening:
        """As the interface says."""
        return self._readers.together(lambda source: opening(source, room, limit, max_bytes))

    def addresses(self, room: str, user_id: str) -> Addresses:
        """As the interface says."""
        ((keys, sharing),) = self._readers.rows(ADDRESSES, [to_stored(room), to_stored(user_id)])
        return Addresses(frozenset(keys), sharing)

    def attended(self) -> Attended:
        """As the interface says."""
        (row,) = self._readers.rows(ATTENDED)
        return Attended(*row)

    def changed(self, versions: Mapping[str, Version]) -> list[str]:
        """As the interface says."""
        return changed(self._readers, versions)

    def trim(self, room: str, keep_messages: int, keep_since: int, step: int) -> int:
        """A look, and one call. In between, nothing can happen that would keep them."""
        oldest = reads.oldest(self._readers, room, step)
        retention = Retention(oldest.newest, keep_messages, keep_since)
        last, count = retention.to_go(oldest.aged)
        if not count:
            return 0
        deleted: int
        values = [to_stored(room), last, to_stored(oldest.nonces[last])]
        (deleted,) = self._writer.call(TRIM, values)
        return deleted

    def delete(self, room: str) -> int:
        """One call; then unused parts of the tables may be used again."""
        deleted: int
        kept = kept_as(self._secret, room)
        (deleted,) = self._writer.call(DELETE, [to_stored(room), *kept])
        self._may_have_chores = True
        self.clean()
        return deleted

    def rewrite(
        self, message: Message, before: Evidence | None = None, entry: LogEntry | None = None
    ) -> None:
        """One call."""
        verdict = self._enact(message.room, None, entry, [(message, before)])
        if verdict == "gone":
            cause = f"message {message.id} of room {message.room!r} is not stored"
            raise HistoryUnavailable(self.name, cause, "look it up again")

    def hold(self, held: Held) -> None:
        """One call."""
        values = [to_stored(held.room), rows.held_json(held), self._known(held.room)]
        verdict, known = self._writer.call(HOLD, values)
        self._note_known(held.room, verdict, known)
        if verdict == "cmid":
            raise CmidTaken(self.name)
        if verdict == "file":
            raise not_free(self.name, id_in(held.file))

    def settle(self, held: Held, message: Message | None, entry: LogEntry | None) -> None:
        """One call."""
        heads = rows.heads_of([message] if message else [])
        values = [
            os.urandom(8).hex(),
            to_stored(held.room),
            to_stored(held.id),
            rows.batch_json(heads.values()),
            rows.entry_json(entry),
            self._known(held.room),
        ]
        verdict, known, seq = self._writer.call(SETTLE, values)
        self._note_known(held.room, verdict, known)
        if verdict == "held":
            raise not_held(self.name, held)
        if verdict == "cmid":
            raise CmidTaken(self.name)
        if verdict == "head":
            raise self._miscounted(held.room, seq)
        self._may_have_chores |= message is None

    def held(self, room: str) -> list[Held]:
        """As the interface says."""
        return reads.held(self._readers, room)

    def held_before(self, moment: int, limit: int) -> list[Held]:
        """As the interface says."""
        return reads.held_before(self._readers, moment, limit)

    def enact(
        self, room: str, charter: str, entry: LogEntry | None, effects: Effects = NO_EFFECTS
    ) -> None:
        """One call."""
        verdict = self._enact(room, charter, entry, effects.changes, effects)
        if verdict == "held":
            raise not_held(self.name, effects.refused[0])
        if verdict == "gone":
            cause = f"messages of room {room!r} are not stored any more"
            raise HistoryUnavailable(self.name, cause, "look them up again")

    def _enact(
        self,
        room: str,
        charter: str | None,
        entry: LogEntry | None,
        changes: Sequence[tuple[Message, Evidence | None]],
        effects: Effects = NO_EFFECTS,
    ) -> str:
        """What came of it, if that is what the caller has to say; ``done`` if it is done."""
        values = [
            os.urandom(8).hex(),
            to_stored(room),
            None if charter is None else to_stored(charter),
            None if effects.house is None else to_stored(effects.house),
            rows.changes_json(changes),
            rows.seqs_json(effects.erased),
            rows.seqs_json(effects.disowned),
            [to_stored(held.id) for held in effects.refused],
            rows.entry_json(entry),
            self._known(room),
        ]
        verdict: str
        verdict, known = self._writer.call(ENACT, values)
        self._note_known(room, verdict, known)
        if verdict == "rev":
            cause = f"room {room!r} is at another rev than the one before: {ELSEWHERE}"
            raise Outdated(self.name, cause, "look at what has changed there")
        self._may_have_chores |= bool(changes or effects.erased or effects.refused)
        return verdict

    def files_folder(self) -> Path | None:
        """What the settings say: the database may be on another machine."""
        return self._files_folder

    def files_mark(self, mark: str) -> str:
        """One call."""
        known: str
        (known,) = self._writer.call(MARK, [to_stored(mark)])
        return from_stored(known)

    def add_file(self, file: StoredFile, most: int = MAX_SIZE) -> bool:
        """One call."""
        is_there: bool
        (is_there,) = self._writer.call(ADD, [file_json(file), most])
        return is_there

    def complete_file(self, file: StoredFile) -> None:
        """One call."""
        (is_done,) = self._writer.call(COMPLETE, [os.urandom(8).hex(), file_json(file)])
        if not is_done:
            raise not_free(self.name, file.id)

    def drop_files(self, ids: Sequence[str]) -> int:
        """One call."""
        dropped: int
        (dropped,) = self._writer.call(DROP, [list(ids)])
        self._may_have_chores = True
        return dropped

    def file(self, id: str) -> StoredFile | None:
        """As the interface says."""
        return files.file(self._readers, id)

    def lost_files(self, uploaded_before: int, limit: int) -> list[str]:
        """As the interface says: whatever removes a message need not know that it has a file."""
        return files.lost(self._readers, uploaded_before, limit)

    def files_of(self, user_id: str) -> list[StoredFile]:
        """Looks at all files."""
        return files.of(self._readers, user_id)

    def disown_files(self, room: str, user_id: str) -> None:
        """One call, which may come again."""
        self._writer.call(DISOWN, [to_stored(room), to_stored(user_id)])

    def files_bytes(self) -> int:
        """As the interface says."""
        return files.total(self._readers)

    def react(self, clicks: Sequence[Click]) -> list[bool]:
        """One call, which may come again."""
        if not clicks:
            return []
        are_there: list[bool]
        (are_there,) = self._writer.call(REACT, [clicks_json(clicks)])
        return are_there

    def reacted(
        self, room: str, span: Span = EVERYTHING, *, people: int = 0, user_id: str = ""
    ) -> list[Reacted]:
        """As the interface says."""
        return reactions.reacted(self._readers, room, span, people, user_id)

    def reacted_in_order(
        self, room: str, place: Place, last: int, *, people: int = 0
    ) -> list[Reacted]:
        """As the interface says."""
        return reactions.in_order(self._readers, room, place, last, people)

    def last_mark(self, room: str) -> int:
        """As the interface says."""
        return reactions.last_mark(self._readers, room)

    def who_reacted(self, room: str) -> list[Person]:
        """As the interface says."""
        return reactions.who(self._readers, room)

    def reactions_of(self, room: str, user_id: str) -> list[tuple[MessageId, str]]:
        """As the interface says."""
        return reactions.of_person(self._readers, room, user_id)

    def forget_reactions(self, room: str, user_id: str) -> int:
        """One call."""
        forgotten: int
        (forgotten,) = self._writer.call(FORGET, [to_stored(room), to_stored(user_id)])
        self._may_have_chores |= forgotten > 0
        return forgotten

    def charter(self, room: str) -> str:
        """As the interface says."""
        return reads.charter(self._readers, room)

    def charters(self) -> dict[str, str]:
        """As the interface says."""
        return reads.charters(self._readers)

    def decided(self) -> list[str]:
        """As the interface says."""
        return reads.decided(self._readers)

    def host_log(self, room: str) -> list[LogEntry]:
        """As the interface says."""
        return reads.host_log(self._readers, room)

    def written_by(self, room: str, user_id: str, after: int) -> list[Message]:
        """As the interface says."""
        return reads.written_by(self._readers, room, user_id, after)

    def forget_in_log(self, room: str, user_id: str, stranger: str) -> None:
        """One call, which may come again."""
        values = [to_stored(room), to_stored(user_id), to_stored(stranger)]
        self._writer.call(FORGET_IN_LOG, values)
        self._may_have_chores = True

    def erase(self, removed_before: int, step: int, noted_before: int = 0) -> int:
        """One call; it writes nothing if there is nothing to erase. Comes every few seconds."""
        self._readers.close_idle()
        erased: int
        (erased,) = self._writer.call(ERASE, [removed_before, step, noted_before])
        self._may_have_chores |= erased > 0
        return erased

    def clean(self, *, takes_its_time: bool = False) -> None:
        """Let PostgreSQL clear what is deleted from the pages of the tables, whoever has deleted
        it: for a moment only, so that a large table is cleared over several calls. The tables, and
        every read, are rid of it already."""
        if self._may_have_chores or self._has_dead_rows():
            self._may_have_chores = not self._writer.tidy(VACUUM)

    def _has_dead_rows(self) -> bool:
        has_some: bool
        if (now := time.monotonic()) < self._counts_at:
            return False
        (has_some,) = self._writer.call(HAS_DEAD_ROWS, [CLEANED.split(", ")])
        if has_some:  # which an old transaction of somebody else may keep
            self._counts_at = now + PAUSE
        return has_some

    def probe(self) -> None:
        """Commits a row that is there for this."""
        self._writer.call(PROBE)

    def head(self, room: str) -> MessageId:
        """As the interface says."""
        return reads.head(self._readers, room)

    def tail(self, room: str, limit: int, max_bytes: int) -> list[Message]:
        """As the interface says."""
        return self.before(room, MAX_SEQ, limit, max_bytes)

    def before(self, room: str, seq: int, limit: int, max_bytes: int) -> list[Message]:
        """As the interface says."""
        newest_first = reads.between(self._readers, room, 0, seq - 1, limit, max_bytes, newest=True)
        return newest_first[::-1]

    def pages(self, room: str, after: int, upto: int) -> Iterator[list[Message]]:
        """As the interface says: each page is a statement of its own."""
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
        """As the interface says."""
        return self._search.search(room, text, before, limit)

    def rooms(self) -> list[RoomSummary]:
        """As the interface says."""
        return reads.rooms(self._readers)

    def deleted(self) -> dict[str, bytes]:
        """As the interface says."""
        return by_mark(reads.deleted(self._readers))

    def secret(self) -> bytes:
        """As the interface says; it's in the database, and so in every backup."""
        self._writer.demand_open()
        return self._secret

    def close(self) -> None:
        """As the interface says."""
        self._readers.close()
        self._writer.close()

    def _known(self, room: str) -> list[int] | None:
        """As the functions want it."""
        known = self.known
        return None if known is None else [known[""].decided, known[room].decided]

    def _note_known(self, room: str, verdict: str, known: list[int] | None) -> None:
        if verdict == "outdated":
            raise self._outdated(room)
        if self.known is not None and known is not None:
            for name, (decided, logged) in {"": known[:2], room: known[2:]}.items():
                self.known[name] = self.known[name]._replace(decided=decided, logged=logged)

    def _outdated(self, room: str) -> Outdated:
        cause = f"room {room!r} has decided something else by now: {ELSEWHERE}"
        return Outdated(self.name, cause, "look at that")

    def _miscounted(self, room: str, seq: int) -> HistoryUnavailable:
        cause = f"room {room!r} is at message {seq} by now: {ELSEWHERE}"
        return Outdated(self.name, cause, MISCOUNTED)


def read_secret_of(url: str) -> bytes:
    """The secret of a history that a server may be using meanwhile.

    Raises:
        HistoryRefused: it cannot be read, or has none yet.
    """
    failures = Failures(url)
    with linked(url, failures, attrs="any") as link:
        return peek_secret(link, failures)
