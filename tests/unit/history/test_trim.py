"""Letting go of the oldest messages: one suite over every History, then the file's size."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from chatroom.errors import HistoryUnavailable
from chatroom.history import History, make_history
from chatroom.history.memory.arrivals import SPARE, Arrivals
from chatroom.history.memory.history import MemoryHistory
from chatroom.history.retention import STEP_BYTES
from chatroom.history.sqlite.history import SqliteHistory
from chatroom.message import BEGINNING, MessageId, RoomSummary
from tests.support.histories import HistoryDisk, at, everything, left_behind, said, typed

MANY = 1000
FUTURE = 1 << 50
PAGE = 4096


@pytest.fixture(params=["memory:", "sqlite:chat.db"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    history = make_history(request.param, tmp_path)
    history.open()
    yield history
    history.close()


def seqs(history: History, room: str = "lobby") -> list[int]:
    return [message.seq for message in everything(history, room)]


def trim_all(history: History, keep_messages: int, keep_since: int = 0, step: int = MANY) -> int:
    """Trim the lobby until nothing is left to delete; how many went."""
    return sum(iter(lambda: history.trim("lobby", keep_messages, keep_since, step), 0))


# -- what goes, and what stays ---------------------------------------------------------------


def test_the_newest_messages_stay(history: History) -> None:
    history.append([*said("lobby", 1, 10), *said("other", 1, 10)])

    assert history.trim("lobby", 3, 0, MANY) == 7

    assert everything(history, "lobby") == said("lobby", 8, 3)
    assert everything(history, "other") == said("other", 1, 10)
    assert history.first("lobby") == 8
    assert not history.has("lobby", 7, said("lobby", 7)[0].nonce)
    assert history.has("lobby", 8, said("lobby", 8)[0].nonce)
    assert history.before("lobby", 9, 9, 1 << 20) == said("lobby", 8)


@pytest.mark.parametrize(("kept", "left"), [(0, 10), (1, 1), (9, 9), (10, 10), (11, 10)])
def test_so_many_stay(history: History, kept: int, left: int) -> None:
    history.append(said("lobby", 1, 10))

    assert history.trim("lobby", kept, 0, MANY) == 10 - left

    assert everything(history, "lobby") == said("lobby", 11 - left, left)


def test_what_was_sent_before_goes(history: History) -> None:
    history.append(said("lobby", 1, 10))

    assert history.trim("lobby", 0, said("lobby", 4)[0].sent_at, MANY) == 3

    assert seqs(history) == [4, 5, 6, 7, 8, 9, 10]


def test_what_is_either_too_much_or_too_old_goes(history: History) -> None:
    history.append(said("lobby", 1, 10))

    assert history.trim("lobby", 5, said("lobby", 3)[0].sent_at, MANY) == 5
    assert history.trim("lobby", 5, said("lobby", 8)[0].sent_at, MANY) == 2

    assert seqs(history) == [8, 9, 10]


def test_the_newest_goes_when_it_is_too_old_and_seq_goes_on(history: History) -> None:
    history.append([*said("lobby", 1, 10), *said("other", 1)])
    (last,) = said("lobby", 10)

    assert history.trim("lobby", 1, FUTURE, MANY) == 10
    assert history.trim("lobby", 1, FUTURE, MANY) == 0

    assert everything(history, "lobby") == []
    assert (history.first("lobby"), history.head("lobby")) == (0, (10, last.nonce))
    lobby, _other = history.rooms()
    assert lobby == RoomSummary("lobby", 0, 10, last.nonce, last.sent_at)
    assert history.search("lobby", "hi", FUTURE, 10) == []
    history.append(said("lobby", 11))
    assert seqs(history) == [11]
    assert history.head("lobby") == (11, said("lobby", 11)[0].nonce)


def test_a_cursor_at_the_last_message_is_good_though_that_is_deleted(history: History) -> None:
    """Nothing came after it; so nothing is missing."""
    history.append(said("lobby", 1, 10))
    history.trim("lobby", 0, FUTURE, MANY)

    assert history.reaches_back_to("lobby", MessageId(10, said("lobby", 10)[0].nonce))
    assert not history.reaches_back_to("lobby", MessageId(10, "f" * 16))
    assert not history.reaches_back_to("lobby", MessageId(9, said("lobby", 9)[0].nonce))
    assert not history.reaches_back_to("lobby", BEGINNING)


@pytest.mark.parametrize("early", [1, 3])
def test_a_message_dated_in_the_future_does_not_hold_the_others(
    history: History, early: int
) -> None:
    """Nothing counts as younger than what came after it."""
    messages = said("lobby", 1, 6)
    messages[early - 1] = messages[early - 1]._replace(sent_at=FUTURE)
    history.append(messages)

    assert trim_all(history, 0, messages[4].sent_at) == 4

    assert seqs(history) == [5, 6]


def test_a_message_dated_in_the_past_takes_only_those_before_it(history: History) -> None:
    messages = said("lobby", 1, 6)
    messages[3] = messages[3]._replace(sent_at=1)
    history.append(messages)

    assert trim_all(history, 0, 2) == 4

    assert seqs(history) == [5, 6]


def test_it_goes_in_steps(history: History) -> None:
    history.append(said("lobby", 1, 10))

    went = [history.trim("lobby", 3, 0, 3) for _ in range(4)]

    assert went == [3, 3, 1, 0]
    assert seqs(history) == [8, 9, 10]


def test_long_messages_go_fewer_at_a_time_but_they_go(history: History) -> None:
    history.append(said("lobby", 1, 6, body="x" * (STEP_BYTES // 2)))
    history.append(said("lobby", 7, 2, body="x" * (STEP_BYTES * 2)))
    history.append(said("lobby", 9))

    went = list(iter(lambda: history.trim("lobby", 1, 0, MANY), 0))

    assert sum(went) == 8
    assert len(went) > 4
    assert max(went) <= 2


def test_a_room_that_is_not_there_is_not_made(history: History) -> None:
    history.append(said("lobby", 1))

    assert history.trim("nowhere", 1, FUTURE, MANY) == 0

    assert [room.name for room in history.rooms()] == ["lobby"]


def test_a_trimmed_room_is_summed_up_from_what_is_left(history: History) -> None:
    history.append(said("lobby", 1, 10))

    history.trim("lobby", 3, 0, MANY)

    (room,) = history.rooms()
    assert (room.first, room.seq) == (8, 10)


def test_a_trimmed_cmid_is_free_again(history: History) -> None:
    history.append([typed("lobby", 1, "u1", "c1"), typed("lobby", 2, "u1", "c2")])

    history.trim("lobby", 1, 0, MANY)

    assert history.find("lobby", "u1", "c1") is None
    history.append([typed("lobby", 3, "u1", "c1")])
    assert history.find("lobby", "u1", "c1") == typed("lobby", 3, "u1", "c1")
    assert history.find("lobby", "u1", "c2") == typed("lobby", 2, "u1", "c2")


def test_pages_go_on_behind_what_was_trimmed_meanwhile(history: History) -> None:
    """The reader can tell, by the seqs, that something is missing."""
    history.append(said("lobby", 1, 20, body="x" * 50_000))
    pages = history.pages("lobby", 0, 20)
    seen = [message.seq for message in next(pages)]

    history.trim("lobby", 2, 0, MANY)

    assert seen[0] == 1
    assert [message.seq for page in pages for message in page] == [19, 20]


# -- memory ----------------------------------------------------------------------------------


def test_memory_still_forgets_the_oldest_first_after_a_trim() -> None:
    history = MemoryHistory(limit_bytes=60_000)
    history.open()
    history.append([*said("a", 1, 5), *said("b", 1, 5), *said("a", 6, 5)])
    assert history.trim("a", 7, 0, MANY) == 3

    seq = 1
    while history.first("a") == 4:
        history.append(said("c", seq))
        seq += 1

    assert history.first("a") == 5
    assert seqs(history, "b") == [1, 2, 3, 4, 5]
    while history.first("b"):
        history.append(said("c", seq))
        seq += 1
    assert seqs(history, "a") == [6, 7, 8, 9, 10]


def test_memory_gets_its_room_back() -> None:
    history = MemoryHistory(limit_bytes=100_000)
    history.open()
    history.append(said("lobby", 1, 90, body="x" * 500))
    assert history.first("lobby") == 1

    assert trim_all(history, 1) == 89

    history.append(said("lobby", 91, 88, body="x" * 500))
    assert history.first("lobby") == 90


def test_arrivals_come_in_order_without_the_trimmed() -> None:
    arrivals = Arrivals()
    for room in "abacab":
        arrivals.add(room)

    arrivals.trim("a", 2)

    assert [arrivals.pop() for _ in range(len(arrivals))] == ["b", "c", "a", "b"]
    with pytest.raises(IndexError):
        arrivals.pop()


def test_a_room_that_is_always_trimmed_does_not_fill_the_arrivals() -> None:
    arrivals = Arrivals()
    arrivals.add("quiet")
    for _ in range(20 * SPARE):
        arrivals.add("busy")
        arrivals.trim("busy", 1)

    assert len(arrivals) == 1
    assert len(arrivals._rooms) < 2 * SPARE + 2
    arrivals.add("busy")
    assert [arrivals.pop(), arrivals.pop()] == ["quiet", "busy"]


# -- the file --------------------------------------------------------------------------------


def pages_of(history: SqliteHistory) -> tuple[int, int]:
    """How many there are, and how many of them are free."""
    writer = history._demand_writer()
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    (free,) = writer.execute("PRAGMA freelist_count").fetchone()
    return pages, free


def filled(path: Path, count: int) -> SqliteHistory:
    """An open history whose messages have about a page each."""
    history = at(path)
    history.open()
    history.append(said("lobby", 1, count, body="x" * 3000))
    return history


def test_a_file_shrinks_in_small_steps_when_much_of_it_is_free(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    with closing(filled(path, 6000)) as history:
        (before, _) = pages_of(history)
        assert before > 6000
        sizes = [before]
        while history.trim("lobby", 100, 0, 200):
            sizes.append(pages_of(history)[0])
        assert max(a - b for a, b in pairwise(sizes)) <= 300
        for _ in range(30):
            history.trim("lobby", 100, 0, 200)

        after, free = pages_of(history)
        assert after < before / 4
        assert free <= 1024
        assert everything(history, "lobby") == said("lobby", 5901, 100, body="x" * 3000)
    assert path.stat().st_size == after * PAGE
    at(path).check()


def test_a_room_that_is_trimmed_as_it_grows_takes_no_more_space(tmp_path: Path) -> None:
    with closing(filled(tmp_path / "chat.db", 500)) as history:
        (before, _) = pages_of(history)
        for first in range(501, 3001, 100):
            history.append(said("lobby", first, 100, body="x" * 3000))
            assert trim_all(history, 500) == 100

        assert pages_of(history)[0] < before * 1.3
        assert seqs(history) == list(range(2501, 3001))


def test_a_file_of_an_older_program_uses_its_pages_again(tmp_path: Path) -> None:
    """It wasn't made for shrinking, and stays as large as it was."""
    path = left_behind(tmp_path / "chat.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as shell:
        shell.execute("PRAGMA auto_vacuum = NONE")
        shell.execute("PRAGMA journal_mode = DELETE")
        shell.execute("VACUUM")
    with closing(filled(path, 3000)) as history:
        (before, _) = pages_of(history)
        trim_all(history, 100)
        assert pages_of(history)[0] == before

        history.append(said("lobby", 3001, 2500, body="x" * 3000))
        assert pages_of(history)[0] <= before
        assert seqs(history) == list(range(2901, 5501))


def test_on_a_full_disk_nothing_is_trimmed_and_all_goes_on_after(tmp_path: Path) -> None:
    disk = HistoryDisk(tmp_path / "disk", "1m", real=False)
    with closing(at(disk.folder / "chat.db")) as history:
        history.open()
        history.append(said("lobby", 1, 10))
        disk.fill(history)

        with pytest.raises(HistoryUnavailable, match="free some space"):
            history.trim("lobby", 3, 0, MANY)
        assert seqs(history) == list(range(1, 11))

        disk.free()
        assert history.trim("lobby", 3, 0, MANY) == 7


def test_what_was_trimmed_is_still_gone_when_opened_again(tmp_path: Path) -> None:
    path = left_behind(tmp_path / "chat.db", 10)
    for kept in (5, 2):
        with closing(at(path)) as history:
            history.open()
            history.trim("lobby", kept, 0, MANY)
            assert seqs(history) == list(range(11 - kept, 11))
    with closing(at(path)) as history:
        history.open()
        history.trim("lobby", 0, FUTURE, MANY)
    at(path).check()
    with closing(at(path)) as history:
        history.open()
        assert (seqs(history), history.head("lobby").seq) == ([], 10)
