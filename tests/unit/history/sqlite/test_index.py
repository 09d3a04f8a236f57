"""The search index's file: derived, so whatever becomes of it, the next search is right."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from chatroom.errors import HistoryUnavailable
from chatroom.history import History
from chatroom.history.paging import PAGE_LENGTH
from chatroom.history.sqlite import index as index_file
from chatroom.history.sqlite import search
from chatroom.history.sqlite.history import SqliteHistory
from tests.support.deadline import DEADLINE
from tests.support.histories import at, everything, said, snapshot


@pytest.fixture
def history(tmp_path: Path) -> Iterator[SqliteHistory]:
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        yield history


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "chat.db.search"


def found(
    history: History, text: str = "fish", room: str = "lobby", limit: int = 1000
) -> list[int]:
    """The seqs of the matches."""
    return [message.seq for message in history.search(room, text, sys.maxsize, limit)]


def search_until_found(history: History, text: str = "fish") -> tuple[list[int], int]:
    """What is found in the end, and how often one was asked to come again."""
    for refusals in range(1000):
        try:
            return found(history, text), refusals
        except HistoryUnavailable as error:
            assert "still being indexed" in str(error)
    raise AssertionError("it is indexed for ever")


# -- its file --------------------------------------------------------------------------------


def test_there_is_no_index_until_somebody_searches(history: SqliteHistory, index: Path) -> None:
    history.append(said("lobby", 1, body="a fish"))
    assert not index.exists()

    assert found(history) == [1]

    assert index.exists()


def test_a_commit_leaves_the_index_alone(history: SqliteHistory, tmp_path: Path) -> None:
    history.append(said("lobby", 1, body="a fish"))
    found(history)
    before = {name: data for name, data in snapshot(tmp_path).items() if "search" in name}

    history.append(said("lobby", 2, 500, body="a fish"))

    assert {name: data for name, data in snapshot(tmp_path).items() if "search" in name} == before


def test_the_index_is_kept_and_left_as_one_file(tmp_path: Path) -> None:
    for seq in (1, 2):
        with closing(at(tmp_path / "chat.db")) as history:
            history.open()
            history.append(said("lobby", seq, body="a fish"))
            assert found(history) == list(range(1, seq + 1))
            inode = (tmp_path / "chat.db.search").stat().st_ino
    assert sorted(snapshot(tmp_path)) == ["chat.db", "chat.db.lock", "chat.db.search"]
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        assert found(history) == [1, 2]
        assert (tmp_path / "chat.db.search").stat().st_ino == inode


def test_check_does_not_mind_the_index(history: SqliteHistory, index: Path) -> None:
    history.append(said("lobby", 1, body="a fish"))
    found(history)
    history.close()
    index.write_text("rubbish")

    at(index.with_name("chat.db")).check()


def delete(index: Path) -> None:
    index.unlink()


def delete_all(index: Path) -> None:
    for path in index.parent.glob("chat.db.search*"):
        path.unlink()


def replace_with_rubbish(index: Path) -> None:
    index.unlink()
    index.write_bytes(b"Dear diary, " * 1000)


def replace_with_nothing(index: Path) -> None:
    index.unlink()
    index.touch()


def replace_with_a_foreign_one(index: Path) -> None:
    index.unlink()
    with closing(sqlite3.connect(index)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")


def replace_with_one_that_looks_right(index: Path) -> None:
    index.unlink()
    with closing(sqlite3.connect(index, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE entries (terms)")
        connection.execute(
            "CREATE TABLE rooms (number INTEGER PRIMARY KEY, first, last, nonce, rev)"
        )
        connection.execute("INSERT INTO rooms VALUES (1, 'a', 'b', 'c', 'd')")
        connection.execute(f"PRAGMA user_version = {index_file.INDEX_VERSION}")


def replace_with_another_version(index: Path) -> None:
    index.unlink()
    with closing(sqlite3.connect(index)) as connection:
        connection.execute(f"PRAGMA user_version = {index_file.INDEX_VERSION + 1}")


def break_its_pages(index: Path) -> None:
    size = index.stat().st_size
    with index.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))


def cut_it_short(index: Path) -> None:
    os.truncate(index, 4096)


HARMS: list[Callable[[Path], None]] = [
    delete,
    delete_all,
    replace_with_rubbish,
    replace_with_nothing,
    replace_with_a_foreign_one,
    replace_with_one_that_looks_right,
    replace_with_another_version,
]


@pytest.mark.parametrize("harm", [*HARMS, break_its_pages, cut_it_short])
def test_an_index_that_was_harmed_meanwhile_is_made_anew(
    tmp_path: Path, index: Path, harm: Callable[[Path], None]
) -> None:
    for is_second in (False, True):
        with closing(at(tmp_path / "chat.db")) as history:
            history.open()
            if is_second:
                harm(index)
            else:
                history.append(said("lobby", 1, 300, body="a fish"))
            assert found(history) == list(range(1, 301))
            assert found(history, "whale") == []


@pytest.mark.parametrize("harm", HARMS)
def test_an_index_that_is_harmed_while_it_is_open_is_made_anew(
    history: SqliteHistory, index: Path, harm: Callable[[Path], None]
) -> None:
    history.append(said("lobby", 1, 300, body="a fish"))
    found(history)

    harm(index)

    assert found(history) == list(range(1, 301))
    history.append(said("lobby", 301, body="a fish"))
    assert found(history) == list(range(1, 302))
    assert index.stat().st_size > 0


def test_an_index_of_an_older_version_is_made_anew(tmp_path: Path, index: Path) -> None:
    """As version 1 wrote it: complete, but it knows a run of characters as one word."""
    with closing(sqlite3.connect(index)) as old:
        old.executescript(
            """CREATE VIRTUAL TABLE entries USING fts5(body, content='', columnsize=0,
                prefix='1 2', tokenize='unicode61 remove_diacritics 2');
            CREATE TABLE rooms (number INTEGER PRIMARY KEY, first INTEGER, last INTEGER,
                nonce TEXT);
            INSERT INTO entries (rowid, body) VALUES (1 << 40 | 1, '明天的会议');
            INSERT INTO rooms VALUES (1, 1, 1, '0000000000000001');
            PRAGMA user_version = 1;"""
        )
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        history.append(said("lobby", 1, body="明天的会议"))

        assert found(history, "会议") == [1]


def test_an_index_that_cannot_be_made_costs_the_search_only(
    history: SqliteHistory, index: Path
) -> None:
    history.append(said("lobby", 1, body="a fish"))
    index.mkdir()

    with pytest.raises(HistoryUnavailable, match="unable to open"):
        found(history)
    history.append(said("lobby", 2, body="a fish"))
    assert len(everything(history, "lobby")) == 2

    index.rmdir()
    assert found(history) == [1, 2]


def test_on_a_full_disk_the_index_goes_and_comes_again(
    history: SqliteHistory, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room needs the space more."""
    history.append(said("lobby", 1, 300, body="a fish"))
    connect = index_file.IndexFile._connect

    def connect_to_a_full_disk(self: index_file.IndexFile) -> sqlite3.Connection:
        connection = connect(self)
        connection.execute("PRAGMA max_page_count = 1")  # no more than there are
        return connection

    monkeypatch.setattr(index_file.IndexFile, "_connect", connect_to_a_full_disk)
    history.append(said("lobby", 301, 3000, body="many different words, and a fish too"))
    with pytest.raises(HistoryUnavailable, match="free some space"):
        found(history)
    assert not index.exists()

    monkeypatch.undo()
    assert found(history, limit=5000) == list(range(1, 3301))


# -- in step with the database ---------------------------------------------------------------


def test_an_index_that_is_ahead_of_a_restored_backup_is_made_anew(tmp_path: Path) -> None:
    path, backup = tmp_path / "chat.db", tmp_path / "backup.db"
    with closing(at(path)) as history:
        history.open()
        history.append(said("lobby", 1, 3, body="a fish"))
    shutil.copy(path, backup)
    with closing(at(path)) as history:
        history.open()
        history.append(said("lobby", 4, 3, body="a fish"))
        assert found(history) == [1, 2, 3, 4, 5, 6]
    shutil.copy(backup, path)

    with closing(at(path)) as history:
        history.open()
        assert found(history) == [1, 2, 3]


def test_an_index_of_other_messages_with_the_same_seqs_is_made_anew(tmp_path: Path) -> None:
    path, other = tmp_path / "chat.db", tmp_path / "other.db"
    for database, body in ((path, "a fish"), (other, "a whale")):
        with closing(at(database)) as history:
            history.open()
            messages = said("lobby", 1, 3, body=body)
            if database == other:
                messages = [message._replace(nonce="f" * 16) for message in messages]
            history.append(messages)
            assert len(found(history, body)) == 3
    shutil.copy(other, path)

    with closing(at(path)) as history:
        history.open()
        assert found(history, "fish") == []
        assert found(history, "whale") == [1, 2, 3]


def test_rooms_are_indexed_by_themselves(history: SqliteHistory) -> None:
    history.append([*said("lobby", 1, 3, body="a fish"), *said("other", 1, 5, body="a fish")])

    assert found(history, room="other") == [1, 2, 3, 4, 5]
    assert found(history) == [1, 2, 3]


def test_what_was_trimmed_is_not_found(history: SqliteHistory) -> None:
    history.append(said("lobby", 1, 10, body="a fish"))
    assert len(found(history)) == 10

    history.trim("lobby", 3, 0, 100)
    assert found(history) == [8, 9, 10]

    history.append(said("lobby", 11, body="a fish"))
    assert found(history) == [8, 9, 10, 11]


def test_a_room_that_was_trimmed_past_its_index_is_found_from_there(
    history: SqliteHistory,
) -> None:
    history.append(said("lobby", 1, 5, body="a fish"))
    found(history)

    history.append(said("lobby", 6, 10, body="a fish"))
    history.trim("lobby", 3, 0, 100)

    assert found(history) == [13, 14, 15]


def test_an_index_of_mostly_trimmed_messages_is_made_anew(
    history: SqliteHistory, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SPARE_ENTRIES", 4)
    history.append(said("lobby", 1, 20, body="a fish"))
    found(history)

    history.trim("lobby", 10, 0, 100)
    assert found(history) == list(range(11, 21))
    assert entries(index) == 20

    history.trim("lobby", 9, 0, 100)
    assert found(history) == list(range(12, 21))
    assert entries(index) == 9


def entries(index: Path) -> int:
    with closing(sqlite3.connect(index)) as connection:
        count: int
        query = "SELECT count(*) FROM entries WHERE entries MATCH 'fish'"
        (count,) = connection.execute(query).fetchone()
        return count


# -- in steps, and with others ---------------------------------------------------------------


def test_a_long_room_is_indexed_in_steps_and_says_so(
    history: SqliteHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "INDEXING_SECONDS", 0)
    last = 3 * PAGE_LENGTH
    history.append(said("lobby", 1, last - 1, body="no"))
    history.append(said("lobby", last, body="a fish"))

    with pytest.raises(
        HistoryUnavailable,
        match=r"indexed: \d+ messages are left; try again in 1 s; about [1-4] more",
    ):
        found(history)

    seqs, refusals = search_until_found(history)
    assert seqs == [last]
    assert 1 <= refusals <= 3


def test_many_search_while_the_server_appends(history: SqliteHistory) -> None:
    done = threading.Event()
    history.append(said("lobby", 1, body="a fish"))

    def search() -> int:
        looks = 0
        while not done.is_set() or not looks:
            seq, _ = history.head("lobby")
            assert found(history)[:seq] == list(range(1, seq + 1))
            looks += 1
        return looks

    with ThreadPoolExecutor(20) as pool:
        searchers = [pool.submit(search) for _ in range(20)]
        try:
            for seq in range(2, 150):
                history.append(said("lobby", seq, body="a fish"))
        finally:
            done.set()
        assert all(searcher.result(DEADLINE) for searcher in searchers)


def test_who_waits_too_long_for_the_others_is_told(
    history: SqliteHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.append(said("lobby", 1, body="a fish"))
    monkeypatch.setattr(search, "WAITING_SECONDS", 0.01)
    with history._search._locked(), pytest.raises(HistoryUnavailable, match="too many"):
        found(history)

    assert found(history) == [1]


def test_an_index_that_cannot_be_made_is_named(tmp_path: Path, index: Path) -> None:
    index.mkdir()
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        history.append(said("lobby", 1))
        with pytest.raises(HistoryUnavailable, match=r"chat\.db\.search: unable to open"):
            history.search("lobby", "a", 99, 1)
