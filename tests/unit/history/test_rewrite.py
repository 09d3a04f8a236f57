"""Messages that change: one suite over every History, then what is left in the files."""

from __future__ import annotations

import random
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from chatroom.errors import HistoryUnavailable
from chatroom.history import History
from chatroom.history.host_log import LogEntry
from chatroom.history.memory.history import MemoryHistory, weight
from chatroom.history.sqlite import renewal
from chatroom.history.sqlite.history import SqliteHistory
from chatroom.history.sqlite.schema import SCHEMA_VERSION
from chatroom.message import Evidence, Message, MessageId, Remover, visible
from tests.support import CHECKOUT
from tests.support.deadline import DEADLINE
from tests.support.histories import KINDS, at, everything, open_history_of, said, typed
from tests.support.old_database import made_by_schema_1, made_by_schema_3, version_of

pytestmark = pytest.mark.takes(seconds=6)

PAGE_LENGTH = 100
"""Shorter than pages are, since each change is a commit."""

WITH_PAGES = ("memory.history", "sqlite.reads", "postgresql.reads")

ACTS = [(0, "remove"), (1, "restore")]


@pytest.fixture(params=KINDS)
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    with open_history_of(request.param, tmp_path) as history:
        yield history


def id_of(message: Message) -> MessageId:
    return MessageId(message.seq, message.nonce)


def edit(history: History, message: Message, body: str) -> Message:
    changed = message.edited(body, history.rev(message.room) + 1, 7)
    history.rewrite(changed)
    return changed


def remove(history: History, message: Message, removed_at: int | None = None) -> Message:
    """As its author does, or as a host does, at a time."""
    remover = Remover.AUTHOR if removed_at is None else Remover.HOST
    gone = message.taken_back(remover, history.rev(message.room) + 1)
    history.rewrite(gone, None if removed_at is None else Evidence(message, removed_at))
    return gone


# -- what changes ----------------------------------------------------------------------------------


def test_a_changed_message_is_in_its_place_with_its_id(history: History) -> None:
    first, second, third = said("lobby", 1, 3)
    history.append([first, second, third])

    edited = edit(history, second, "better")

    assert everything(history, "lobby") == [first, edited, third]
    assert history.tail("lobby", 2, 1 << 20) == [edited, third]
    assert history.one("lobby", id_of(second)) == edited
    assert history.head("lobby") == (3, third.nonce)
    assert (edited.body, edited.id, edited.edited_at, edited.rev) == ("better", second.id, 7, 1)


def test_what_was_removed_leaves_no_hole_and_no_text(history: History) -> None:
    first, second = said("lobby", 1), typed("lobby", 2, "u1", "c1", "secret")
    history.append([*first, second])

    gone = remove(history, second)

    assert everything(history, "lobby") == [*first, gone]
    assert visible(everything(history, "lobby")) == first
    assert (gone.user_name, gone.body, gone.timestamp) == ("", "", "")
    assert history.has("lobby", 2, second.nonce)
    assert history.evidence("lobby", 2) is None


def test_what_a_host_did_is_logged_with_the_change(history: History) -> None:
    (message,) = said("lobby", 1)
    history.append([message])
    entries = [LogEntry(7 + n, act, "u1", "Ann", "", "Bob", message.id) for n, act in ACTS]

    history.rewrite(message.taken_back(Remover.HOST, 1), Evidence(message, 7), entries[0])
    history.rewrite(message._replace(rev=2), None, entries[1])
    edit(history, message, "better")

    assert history.host_log("lobby") == entries[::-1]
    assert history.host_log("garden") == []


def test_what_was_not_changed_is_not_logged(history: History) -> None:
    (message,) = said("lobby", 1)

    with pytest.raises(HistoryUnavailable):
        history.rewrite(message._replace(rev=1), None, LogEntry(7, "restore", "u1", "Ann"))

    assert history.host_log("lobby") == []


def test_a_cmid_leads_to_the_message_as_it_now_is(history: History) -> None:
    message, other = typed("lobby", 1, "u1", "c1"), typed("lobby", 2, "u1", "c2")
    history.append([message, other])

    assert history.find("lobby", "u1", "c1") == message
    edited, gone = edit(history, message, "better"), remove(history, other)

    assert history.find("lobby", "u1", "c1") == edited
    assert history.find("lobby", "u1", "c2") == gone


def test_each_room_counts_its_own_changes(history: History) -> None:
    history.append([*said("lobby", 1, 2), *said("garden", 1)])
    assert history.rev("lobby") == history.rev("nowhere") == 0

    for message in said("lobby", 1, 2):
        edit(history, message, "better")

    assert (history.rev("lobby"), history.rev("garden")) == (2, 0)
    assert history.changes("garden", 0) == []


def test_changes_come_by_rev_each_message_once_as_it_now_is(history: History) -> None:
    first, second, third = said("lobby", 1, 3)
    history.append([first, second, third])
    once = edit(history, first, "once")
    gone = remove(history, third)
    twice = edit(history, once, "twice")

    assert history.changes("lobby", 0) == [gone, twice]
    assert history.changes("lobby", 2) == [twice]
    assert history.changes("lobby", 3) == history.changes("lobby", 1 << 40) == []


def test_many_changes_come_in_pages(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in WITH_PAGES:
        with suppress(ImportError):  # PostgreSQL's, without psycopg
            monkeypatch.setattr(f"chatroom.history.{module}.PAGE_LENGTH", PAGE_LENGTH)
    count = 2 * PAGE_LENGTH + 3
    messages = said("lobby", 1, count)
    history.append(messages)
    changed = [edit(history, message, "better") for message in reversed(messages)]

    found: list[Message] = []
    while page := history.changes("lobby", found[-1].rev if found else 0):
        assert len(page) <= PAGE_LENGTH
        found += page

    assert found == changed


def test_large_changes_come_in_pages(history: History) -> None:
    messages = said("lobby", 1, 10)
    history.append(messages)
    for message in messages:
        edit(history, message, "x" * 100_000)

    assert 1 <= len(history.changes("lobby", 0)) < 10


def test_one_message_is_found_by_its_whole_id(history: History) -> None:
    (message,) = said("lobby", 1)
    history.append([message])

    assert history.one("lobby", id_of(message)) == message
    assert history.one("lobby", MessageId(1, "f" * 16)) is None
    assert history.one("lobby", MessageId(2, message.nonce)) is None
    assert history.one("garden", id_of(message)) is None


@pytest.mark.parametrize("stranger", [(2, "f" * 16), (3, f"{3:016x}")])
def test_what_is_not_stored_is_not_changed(history: History, stranger: tuple[int, str]) -> None:
    history.append(said("lobby", 1, 2))
    seq, nonce = stranger
    (message,) = said("lobby", seq)

    with pytest.raises(HistoryUnavailable, match=r"not stored|not kept"):
        edit(history, message._replace(nonce=nonce), "better")
    with pytest.raises(HistoryUnavailable):
        edit(history, message._replace(room="nowhere"), "better")

    assert history.rev("lobby") == 0
    assert history.changes("lobby", 0) == []
    assert everything(history, "lobby") == said("lobby", 1, 2)


# -- evidence --------------------------------------------------------------------------------------


def kept(history: History, message: Message) -> tuple[Message, int] | None:
    """What there is of it; as which change it was there does not matter."""
    evidence = history.evidence(message.room, message.seq)
    return evidence and (evidence.message._replace(rev=0), evidence.removed_at)


def test_what_a_host_removes_is_kept_as_it_was(history: History) -> None:
    message = typed("lobby", 1, "u1", "c1")._replace(by="script")
    history.append([message])
    edited = edit(history, message, "better")

    gone = remove(history, edited, removed_at=100)

    assert kept(history, message) == (edited._replace(rev=0), 100)
    assert everything(history, "lobby") == [gone]


def test_what_is_restored_needs_no_evidence(history: History) -> None:
    (message,) = said("lobby", 1)
    history.append([message])
    remove(history, message, removed_at=100)

    back = message._replace(rev=2)
    history.rewrite(back)

    assert everything(history, "lobby") == history.changes("lobby", 0) == [back]
    assert history.evidence("lobby", 1) is None


def test_old_evidence_is_erased_some_at_a_time(history: History) -> None:
    messages = said("lobby", 1, 5)
    history.append(messages)
    for message in messages:
        remove(history, message, removed_at=message.seq * 10)

    assert [history.erase(45, 3) for _ in range(3)] == [3, 1, 0]

    left = [message.seq for message in messages if history.evidence("lobby", message.seq)]
    assert left == [5]
    assert all(message.removed for message in everything(history, "lobby"))


def test_evidence_goes_with_what_is_trimmed(history: History) -> None:
    messages = [*said("lobby", 1, 4), *said("garden", 1)]
    history.append(messages)
    for message in messages:
        remove(history, message, removed_at=1)

    history.trim("lobby", 2, 0, 100)

    there = [(m.room, m.seq) for m in messages if history.evidence(m.room, m.seq)]
    assert there == [("lobby", 3), ("lobby", 4), ("garden", 1)]
    assert [message.seq for message in history.changes("lobby", 0)] == [3, 4]
    assert history.rev("lobby") == 4


def test_evidence_goes_with_its_room_and_a_new_one_counts_from_0(history: History) -> None:
    messages = [*said("lobby", 1), *said("garden", 1)]
    history.append(messages)
    for message in messages:
        remove(history, message, removed_at=1)

    history.delete("garden")

    assert history.evidence("garden", 1) is None
    assert history.evidence("lobby", 1)
    assert history.rev("garden") == 0
    history.append(said("garden", 1))
    assert history.changes("garden", 0) == []
    assert history.evidence("garden", 1) is None


def test_what_was_trimmed_is_not_changed(history: History) -> None:
    messages = said("lobby", 1, 3)
    history.append(messages)
    edit(history, messages[0], "better")
    history.trim("lobby", 1, 0, 100)

    with pytest.raises(HistoryUnavailable):
        edit(history, messages[0], "best")

    assert history.rev("lobby") == 1
    assert history.changes("lobby", 0) == []
    edit(history, messages[2], "goes on")
    assert history.rev("lobby") == 2


def test_a_closed_history_changes_nothing(history: History) -> None:
    history.append(said("lobby", 1))
    history.close()

    for change in (
        lambda: history.rewrite(said("lobby", 1)[0]._replace(rev=1)),
        lambda: history.erase(1, 1),
        lambda: history.rev("lobby"),
        lambda: history.changes("lobby", 0),
        lambda: history.evidence("lobby", 1),
    ):
        with pytest.raises(HistoryUnavailable):
            change()


# -- in memory -------------------------------------------------------------------------------------


def test_nothing_is_counted_when_nothing_is_there() -> None:
    with closing(MemoryHistory()) as history:
        history.open()
        messages = [*said("lobby", 1, 4), typed("lobby", 5, "u1", "c1"), *said("garden", 1, 2)]
        history.append(messages)
        edit(history, messages[0], "longer than before")
        remove(history, messages[1])
        remove(history, messages[4], removed_at=1)
        remove(history, messages[5], removed_at=1)
        history.erase(2, 1)
        history.rewrite(messages[5]._replace(rev=2))

        history.delete("garden")
        history.trim("lobby", 0, 1 << 60, 100)

        assert everything(history, "lobby") == []
        assert (history._bytes, history._evidence, history._changes) == (0, {}, {})


def test_the_oldest_changed_ones_are_evicted_with_all_that_is_known_of_them() -> None:
    messages = [*said("lobby", 1, 5, body="x" * 1000)]
    with closing(MemoryHistory(limit_bytes=5 * weight(messages[0]))) as history:
        history.open()
        history.append(messages)
        edited = [edit(history, message, "y" * 1000) for message in messages]

        history.append(said("lobby", 6, 2, body="x" * 1000))

        assert history.changes("lobby", 0) == edited[2:]
        assert history.one("lobby", id_of(messages[0])) is None


def test_an_edit_that_makes_a_message_longer_makes_no_more_of_all() -> None:
    messages = said("lobby", 1, 10)
    limit = 12 * weight(messages[0])
    with closing(MemoryHistory(limit_bytes=limit)) as history:
        history.open()
        history.append(messages)

        edit(history, messages[-1], "x" * 8 * weight(messages[0]))

        assert history._bytes <= limit
        assert everything(history, "lobby")[-1].body.startswith("xxx")
        assert len(everything(history, "lobby")) < 10


# -- SQLite: nothing is left in any file -----------------------------------------------------------


def files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[SqliteHistory]:
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        yield history


@pytest.mark.parametrize("length", [1, 100, 5_000])
def test_no_file_has_a_text_that_is_gone(
    stored: SqliteHistory, tmp_path: Path, length: int
) -> None:
    words = {kind: f"{kind.upper()}WORD" for kind in ("edited", "removed", "erased", "kept")}
    messages = [
        message._replace(body=f"{word} " * length)
        for message, word in zip(said("lobby", 1, 4), words.values(), strict=True)
    ]
    stored.append([*messages, *said("lobby", 5, 20)])
    for word in words.values():
        assert len(stored.search("lobby", word, 100, 5)) == 1
    edit(stored, messages[0], "harmless")
    remove(stored, messages[1])
    remove(stored, messages[2], removed_at=1)
    remove(stored, messages[3], removed_at=3)
    assert b"EDITEDWORD" in files(tmp_path)

    stored.erase(2, 100)
    stored.clean()

    content = files(tmp_path)
    for kind in ("edited", "removed", "erased"):
        for text in (words[kind], words[kind].lower()):
            assert text.encode() not in content
    assert words["kept"].encode() in content
    assert kept(stored, messages[3]) == (messages[3], 3)


def talk_and_take_back(stored: SqliteHistory, seed: int) -> set[str]:
    """In rooms that lie side by side in one tree: its pages are split and merged all the time.

    Returns:
        What the texts that are gone began with: 16 hexadecimal digits.
    """
    chance = random.Random(seed)
    there: dict[str, list[Message]] = {"a": [], "b": [], "c": []}
    gone: set[str] = set()

    def text() -> str:
        return f"{chance.getrandbits(64):016x}" * chance.choice([1, 1, 5, 40, 300])

    seqs = dict.fromkeys(there, 0)
    for _ in range(1200):
        room = chance.choice("abc")
        if not there[room] or chance.random() < 0.6:
            (message,) = said(room, seqs[room] + 1, body=text())
            stored.append([message])
            seqs[room] += 1
            there[room].append(message)
            continue
        message = there[room].pop(chance.randrange(len(there[room])))
        gone.add(message.body[:16])
        if chance.random() < 0.5:
            there[room].append(edit(stored, message, text()))
        else:
            remove(stored, message)
    return gone


def left_of(gone: set[str], folder: Path) -> set[str]:
    """Those that are still in a file."""
    found = re.findall(rb"(?=([0-9a-f]{16}))", files(folder))
    return gone & {word.decode() for word in found}


@pytest.mark.parametrize("seed", range(6))
def test_no_copy_is_left_where_sqlite_has_moved_rows(
    stored: SqliteHistory, tmp_path: Path, seed: int
) -> None:
    gone = talk_and_take_back(stored, seed)

    stored.clean()

    assert not left_of(gone, tmp_path)


def test_all_that_stays_is_there_when_the_file_was_written_anew(stored: SqliteHistory) -> None:
    messages = [*said("lobby", 1, 100), *said("garden", 1, 100)]
    stored.append(messages)
    edited = edit(stored, messages[0], "better")

    stored.clean()

    assert everything(stored, "lobby") == [edited, *messages[1:100]]
    assert everything(stored, "garden") == messages[100:]
    stored.append(said("garden", 101))
    assert stored.head("garden").seq == 101


def test_cleaning_waits_for_no_reader_and_works_when_it_is_gone(
    stored: SqliteHistory, tmp_path: Path
) -> None:
    (message,) = said("lobby", 1, body="SECRET")
    stored.append([message])
    with closing(sqlite3.connect(tmp_path / "chat.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT body FROM messages").fetchall() == [("SECRET",)]
        remove(stored, message)

        with pytest.raises(HistoryUnavailable, match="its log is being read"):
            stored.clean()
        stored.append(said("lobby", 2))

    stored.clean()
    assert b"SECRET" not in files(tmp_path)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SilenceClock:
    """By which any file is a large one, a second's work."""
    clock = SilenceClock()
    monkeypatch.setattr(renewal, "time", clock)
    monkeypatch.setattr(renewal, "PAUSE", 0.0)
    monkeypatch.setattr(renewal, "seconds_for", lambda size: 1.0)
    return clock


class SilenceClock:
    """Stands still unless it is set."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


def test_a_large_file_is_written_anew_at_the_next_start(
    stored: SqliteHistory, tmp_path: Path, clock: SilenceClock
) -> None:
    """While people talk, the room would stand still; also where it is the first time."""
    stored.clean()
    gone = talk_and_take_back(stored, 0)
    stored.clean()
    assert left_of(gone, tmp_path)
    stored.close()

    with closing(at(tmp_path / "chat.db")) as next_one:
        next_one.open()
        next_one.clean()
        assert not left_of(gone, tmp_path)


def test_a_large_file_is_written_anew_once_nobody_has_written_for_long(
    stored: SqliteHistory, tmp_path: Path, clock: SilenceClock
) -> None:
    stored.clean()
    gone = talk_and_take_back(stored, 0)
    stored.clean()
    clock.now += 150
    stored.append(said("garden", 1))
    stored.clean()
    clock.now += 190
    stored.clean()
    assert left_of(gone, tmp_path)

    clock.now += 10
    stored.clean()

    assert not left_of(gone, tmp_path)
    assert everything(stored, "garden") == said("garden", 1)


def test_where_somebody_always_writes_less_silence_is_enough_each_day(
    stored: SqliteHistory, tmp_path: Path, clock: SilenceClock
) -> None:
    stored.clean()
    gone = talk_and_take_back(stored, 0)
    seqs = iter(range(1, 1000))

    def silence_of(seconds: float) -> bool:
        """Whether it was enough."""
        stored.append(said("garden", next(seqs)))
        stored.clean()
        clock.now += seconds
        stored.clean()
        return not left_of(gone, tmp_path)

    assert not silence_of(199)
    clock.now += renewal.DAY
    assert not silence_of(99)
    clock.now += 2 * renewal.DAY
    assert not silence_of(24)
    assert silence_of(26)


def test_a_file_is_not_written_anew_again_and_again_where_the_disk_is_full(
    stored: SqliteHistory, clock: SilenceClock
) -> None:
    """Each time, everybody would wait, and the disk be full for them, too."""
    writer = Full(clock)
    anew = renewal.Renewal()
    with pytest.raises(sqlite3.OperationalError):
        anew.renew(writer)  # type: ignore[arg-type]

    clock.now += 190
    assert not anew.renew(writer)  # type: ignore[arg-type]
    assert not anew.is_under_way

    clock.now += 10
    with pytest.raises(sqlite3.OperationalError):
        anew.renew(writer)  # type: ignore[arg-type]


class Full:
    """A connection to a disk without the space for a copy, which takes a second to find out."""

    total_changes = 0

    def __init__(self, clock: SilenceClock) -> None:
        self._clock = clock

    def execute(self, statement: str) -> Full:
        if statement == "VACUUM":
            self._clock.now += 1
            raise sqlite3.OperationalError("database or disk is full")
        return self

    def fetchone(self) -> tuple[int]:
        return (1,)


def test_a_history_tells_while_it_is_written_anew(
    stored: SqliteHistory,
) -> None:
    seen: list[bool] = []
    writer = stored._writer
    assert writer is not None
    (message,) = said("lobby", 1)
    stored.append([message])
    edit(stored, message, "better")
    writer.set_trace_callback(lambda _: seen.append(stored.is_cleaning_long))

    stored.clean()

    writer.set_trace_callback(None)
    assert True in seen
    assert seen[-1] is False
    assert not stored.is_cleaning_long


def test_where_nothing_has_changed_nothing_is_cleaned(stored: SqliteHistory) -> None:
    stored.append(said("lobby", 1))
    stored.clean()
    before = stored._writer.total_changes  # type: ignore[union-attr]

    stored.clean()
    stored.erase(1 << 60, 100)

    assert stored._writer.total_changes == before  # type: ignore[union-attr]


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.support.histories import at, said
from chatroom.message import Remover
history = at(Path(sys.argv[1]))
history.open()
(message,) = said("lobby", 1, body="XYLOPHON " * 2000)
history.append([message, *said("lobby", 2, 5)])
assert history.search("lobby", "xylophon", 10, 1)
history.rewrite(message.taken_back(Remover.AUTHOR, 1))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_to_do_is_done_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)], cwd=CHECKOUT, timeout=DEADLINE, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert b"XYLOPHON" in files(tmp_path)

    with closing(at(path)) as history:
        history.open()
        assert [m.removed for m in everything(history, "lobby")] == ["author", *[""] * 5]
        history.clean()

    assert b"xylophon" not in files(tmp_path).lower()


# -- SQLite: a file of before ----------------------------------------------------------------------


@pytest.mark.parametrize("made", [made_by_schema_1, made_by_schema_3])
def test_messages_of_an_older_file_can_change(made: object, tmp_path: Path) -> None:
    path = made(tmp_path / "chat.db")  # type: ignore[operator]
    with closing(at(path)) as history:
        history.open()
        old = everything(history, "lobby")
        assert old == said("lobby", 1, len(old))
        assert history.rev("lobby") == 0

        edited = edit(history, old[0], "better")
        remove(history, old[1], removed_at=1)

        assert history.changes("lobby", 0)[0] == edited
        assert history.evidence("lobby", 2)
    assert version_of(path) == SCHEMA_VERSION
