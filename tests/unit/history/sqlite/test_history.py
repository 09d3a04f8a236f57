"""The SQLite history and its disk: kills, full disks, broken and read-only ones."""

from __future__ import annotations

import os
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatroom.errors import HistoryRefused, HistoryUnavailable
from chatroom.history.sqlite.history import SqliteHistory
from chatroom.message import BEGINNING, Message
from tests.support.histories import (
    HistoryDisk,
    at,
    everything,
    killed_while_appending,
    left_behind,
    said,
    snapshot,
    typed,
)

MakeDisk = Callable[..., HistoryDisk]


@pytest.fixture
def history(tmp_path: Path) -> Iterator[SqliteHistory]:
    """An open history, in a folder whose name means something in a URI."""
    folder = tmp_path / "50% of #1, why? ü"
    folder.mkdir()
    history = at(folder / "chat.db")
    history.open()
    yield history
    history.close()


@pytest.fixture
def make_disk(tmp_path: Path) -> Iterator[MakeDisk]:
    disks: list[HistoryDisk] = []

    def make(size: str, *, real: bool = True) -> HistoryDisk:
        disks.append(HistoryDisk(tmp_path / f"disk{len(disks)}", size, real=real))
        return disks[-1]

    yield make
    for disk in disks:
        disk.close()


def test_it_is_all_there_when_opened_again(tmp_path: Path) -> None:
    path = left_behind(tmp_path / "chat.db", 3)
    assert sorted(snapshot(tmp_path)) == ["chat.db", "chat.db.lock"]

    again = at(path)
    again.check()
    with closing(again):
        again.open()
        assert everything(again, "lobby") == said("lobby", 1, 3)
        again.append([*said("lobby", 4), *said("other", 1)])
        assert everything(again, "other") == said("other", 1)


def test_the_shell_shows_room_and_seq_of_each_message(tmp_path: Path) -> None:
    path = left_behind(tmp_path / "chat.db", 2)

    with closing(sqlite3.connect(path)) as shell:
        rows = shell.execute("SELECT name, seq, body FROM messages JOIN rooms ON room = number")
        assert rows.fetchall() == [("lobby", 1, "hi"), ("lobby", 2, "hi")]


def test_kill_9_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    for _ in range(2):
        committed = killed_while_appending(path)

        with closing(at(path)) as history:
            history.open()
            head, _ = history.head("lobby")
            assert head in (committed, committed + 1)
            assert everything(history, "lobby") == said("lobby", 1, head)


@pytest.mark.parametrize("real", [True, False])
def test_on_a_full_disk_nothing_is_half_stored_and_all_goes_on_after(
    make_disk: MakeDisk, real: bool
) -> None:
    disk = make_disk("1m", real=real)
    with closing(at(disk.folder / "chat.db")) as history:
        history.open()
        history.append(said("lobby", 1, 5))
        disk.fill(history)

        for messages in ([*said("lobby", 6), *said("first", 1)], said("lobby", 6, 500)):
            with pytest.raises(HistoryUnavailable, match="free some space"):
                history.append(messages)
        with pytest.raises(HistoryUnavailable, match="free some space"):
            history.probe()
        assert everything(history, "lobby") == said("lobby", 1, 5)
        assert everything(history, "first") == []

        disk.free()
        history.probe()
        history.append([*said("second", 1, body="2nd"), *said("lobby", 6)])
        history.append(said("first", 1, body="1st"))
        rooms = {name: everything(history, name) for name in ("lobby", "first", "second")}
        assert rooms == {
            "lobby": said("lobby", 1, 6),
            "first": said("first", 1, body="1st"),
            "second": said("second", 1, body="2nd"),
        }
    at(disk.folder / "chat.db").check()


def test_a_log_that_found_no_space_to_be_written_back_is_when_there_is(
    make_disk: MakeDisk,
) -> None:
    """The log outgrows the thousand pages after which it's written back, and fills the disk."""
    disk = make_disk("16m")
    (disk.folder / "ballast").write_bytes(bytes(9 << 20))
    path = disk.folder / "chat.db"
    with closing(at(path)) as history:
        history.open()
        for head in range(100):
            try:
                history.append(said("lobby", head + 1, body="x" * 65_536))
            except HistoryUnavailable:
                break
        assert path.with_name("chat.db-wal").stat().st_size >= 1000 * 4096
        assert history.head("lobby")[0] in (head, 100)

        disk.free()
        head, _ = history.head("lobby")
        history.append(said("lobby", head + 1))

    at(path).check()
    assert not path.with_name("chat.db-wal").exists()
    with closing(at(path)) as again:
        again.open()
        assert [m.seq for m in everything(again, "lobby")] == list(range(1, head + 2))


def test_a_disk_error_is_survived(history: SqliteHistory, tmp_path: Path) -> None:
    """The kernel refuses to let any file grow, as a broken disk would."""
    history.append(said("lobby", 1))
    (log,) = tmp_path.glob("*/chat.db-wal")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
    try:
        with pytest.raises(HistoryUnavailable, match="check the disk"):
            history.append([*said("lobby", 2), *said("new", 1)])
        with pytest.raises(HistoryUnavailable, match="check the disk"):
            history.probe()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    history.append([*said("lobby", 2), *said("new", 1)])
    assert everything(history, "lobby") == said("lobby", 1, 2)


def test_a_text_that_is_no_text_stores_nothing_and_the_next_append_works(
    history: SqliteHistory,
) -> None:
    """The protocol refuses lone surrogates; if one gets through all the same, it's no harm."""
    with pytest.raises(HistoryUnavailable, match="surrogates"):
        history.append([*said("new", 1), *said("lobby", 1), *said("lobby", 2, body="\ud800")])

    assert everything(history, "lobby") == []
    history.append([*said("lobby", 1), *said("new", 1)])
    assert everything(history, "new") == said("new", 1)


def test_a_read_only_disk_is_refused(make_disk: MakeDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = make_disk("1m")
    path = left_behind(disk.folder / "chat.db", 1)
    path.with_name("chat.db.lock").unlink()
    if disk.is_real:
        disk.make_read_only()
    else:
        monkeypatch.setattr(os, "access", lambda path, mode: False)

    with pytest.raises(HistoryRefused, match=r"read-only|Read-only"):
        at(path).check()
    with pytest.raises(HistoryRefused, match=r"read-only|Read-only"):
        at(path).open()


def test_a_locked_database_is_unavailable_only_as_long(
    history: SqliteHistory, tmp_path: Path
) -> None:
    history._demand_writer().execute("PRAGMA busy_timeout = 10")
    with closing(sqlite3.connect(next(tmp_path.glob("*/chat.db")), isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        with pytest.raises(HistoryUnavailable, match="end the program that locks"):
            history.append(said("lobby", 1))
        assert history.head("lobby") == BEGINNING
        shell.execute("ROLLBACK")

    history.append(said("lobby", 1))


def test_a_reader_between_two_pages_does_not_hold_the_log(
    history: SqliteHistory, tmp_path: Path
) -> None:
    history.append(said("lobby", 1, 20, body="x" * 50_000))
    pages = history.pages("lobby", 0, 20)
    next(pages)

    history.append(said("lobby", 21))
    with closing(sqlite3.connect(next(tmp_path.glob("*/chat.db")), timeout=0)) as shell:
        (busy, _, _) = shell.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    assert busy == 0
    assert next(tmp_path.glob("*/chat.db-wal")).stat().st_size == 0
    assert next(pages)


def test_a_probe_is_a_real_write(history: SqliteHistory, tmp_path: Path) -> None:
    (log,) = tmp_path.glob("*/chat.db-wal")
    size = log.stat().st_size

    history.probe()

    assert log.stat().st_size > size


def test_a_plain_message_costs_one_page_and_one_with_a_cmid_two(
    history: SqliteHistory, tmp_path: Path
) -> None:
    """But for the rare message with which a page is full."""
    (log,) = tmp_path.glob("*/chat.db-wal")
    frame = 24 + 4096  # https://sqlite.org/fileformat2.html, section 4
    history.append([*said("lobby", 1), typed("lobby", 2, "u1", "c2")])

    def frames(message: Message) -> int:
        before = log.stat().st_size
        history.append([message])
        return (log.stat().st_size - before) // frame

    assert [frames(*said("lobby", seq)) for seq in range(3, 8)] == [1] * 5
    assert [frames(typed("lobby", seq, "u1", f"c{seq}")) for seq in range(8, 13)] == [2] * 5


def test_a_reader_cannot_write(history: SqliteHistory) -> None:
    with (
        pytest.raises(HistoryUnavailable, match="readonly"),
        history._readers.reader() as reader,
    ):
        reader.execute("DELETE FROM messages")


def test_a_connection_in_use_is_closed_when_it_comes_back(
    history: SqliteHistory, tmp_path: Path
) -> None:
    """It doesn't keep close() from writing the log back, either."""
    history.append(said("lobby", 1))
    with history._readers.reader() as reader:
        assert reader.execute("SELECT count(*) FROM messages").fetchone() == (1,)
        history.close()
        assert next(tmp_path.glob("*/chat.db-wal")).stat().st_size == 0
        assert reader.execute("SELECT count(*) FROM messages").fetchone() == (1,)

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        reader.execute("SELECT 1")
    with pytest.raises(HistoryUnavailable):
        history.head("lobby")


@pytest.mark.parametrize(("sync", "level"), [("full", 2), ("normal", 1)])
def test_a_commit_goes_as_far_as_the_setting_says(tmp_path: Path, sync: str, level: int) -> None:
    """SQLite's own numbers: https://sqlite.org/pragma.html#pragma_synchronous."""
    history = SqliteHistory("sqlite:chat.db", tmp_path / "chat.db", sync)
    history.open()

    assert history._writer is not None
    assert history._writer.execute("PRAGMA synchronous").fetchone() == (level,)
    history.close()
