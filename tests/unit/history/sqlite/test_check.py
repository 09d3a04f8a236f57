"""What the SQLite history says to a file before it's opened: other people's, broken, locked."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from chatroom.errors import HistoryRefused, HistoryUnavailable
from chatroom.history.sqlite.schema import SCHEMA_VERSION
from tests.support.histories import (
    appending,
    at,
    everything,
    killed_while_appending,
    left_behind,
    said,
    snapshot,
)

pytestmark = pytest.mark.takes(seconds=2)


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def write(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


@pytest.mark.parametrize("index", ["kept", "emptied", "removed"])
def test_check_leaves_a_killed_process_log_as_it_is(tmp_path: Path, index: str) -> None:
    """The log holds most of the messages then; the index is only a help to find them."""
    path = tmp_path / "chat.db"
    committed = killed_while_appending(path)
    if index == "removed":
        (tmp_path / "chat.db-shm").unlink()
    if index == "emptied":
        (tmp_path / "chat.db-shm").write_bytes(b"")
    before = snapshot(tmp_path)

    at(path).check()

    after = snapshot(tmp_path)
    if index == "removed":
        after.pop("chat.db-shm")  # SQLite can't read the log without; it's of no consequence
    assert after == before
    assert len(after["chat.db-wal"]) > len(after["chat.db"])
    with closing(at(path)) as history:
        history.open()
        assert history.head("lobby")[0] >= committed


def make_text(path: Path) -> None:
    path.write_text("Dear diary, today somebody pointed a chat room at me.")


def make_stub(path: Path) -> None:
    path.write_bytes(b"SQLite")


def make_torn(path: Path) -> None:
    left_behind(path, 500)
    os.truncate(path, path.stat().st_size // 4096 // 2 * 4096)


def make_foreign(path: Path) -> None:
    run(path, "CREATE TABLE bookmarks (url TEXT)")


def make_foreign_by_id(path: Path) -> None:
    run(path, "PRAGMA application_id = 252006674")


def make_foreign_with_log(path: Path) -> None:
    """A browser's bookmarks, say, with a log that was never written back."""
    killed_while_appending(path)
    run(path, "PRAGMA application_id = 1", "CREATE TABLE bookmarks (url TEXT)")
    with closing(sqlite3.connect(path, isolation_level=None)) as owner:
        owner.execute("INSERT INTO bookmarks VALUES ('x')")
        copies = {name: data for name, data in snapshot(path.parent).items() if "lock" not in name}
    for name, data in copies.items():
        (path.parent / name).write_bytes(data)


def make_newer(path: Path) -> None:
    run(left_behind(path), f"PRAGMA user_version = {SCHEMA_VERSION + 1}")


def make_without_a_promise(path: Path) -> None:
    """Without its index, nothing keeps a cmid from being stored twice."""
    run(left_behind(path), "DROP INDEX cmids")


def make_incomplete(path: Path) -> None:
    run(left_behind(path), "DROP TABLE rooms")


def make_orphaned_log(path: Path) -> None:
    killed_while_appending(path)
    path.unlink()


def make_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (make_text, "is not an SQLite database"),
        (make_stub, "is not an SQLite database"),
        (make_torn, "malformed"),
        (make_foreign, "another program's"),
        (make_foreign_by_id, "another program's"),
        (make_foreign_with_log, "another program's"),
        (make_newer, f"schema {SCHEMA_VERSION + 1}"),
        (make_without_a_promise, "no such index: cmids"),
        (make_incomplete, "no such table: rooms"),
        (make_orphaned_log, "missing or empty"),
        (make_folder, "not a regular file"),
    ],
)
def test_a_file_that_is_not_ours_or_not_sound_is_refused_and_untouched(
    tmp_path: Path, make: Callable[[Path], None], cause: str
) -> None:
    path = tmp_path / "chat.db"
    make(path)
    before = snapshot(tmp_path)

    with pytest.raises(HistoryRefused, match=cause) as refusal:
        at(path).check()
    assert str(path) in str(refusal.value)
    assert snapshot(tmp_path) == before

    with closing(at(path)) as history, pytest.raises(HistoryRefused, match=cause):
        history.open()
    assert {**snapshot(tmp_path), "chat.db.lock": b""} == {**before, "chat.db.lock": b""}


def test_a_corrupt_page_is_found_by_check_and_named_when_read(tmp_path: Path) -> None:
    path = left_behind(tmp_path / "chat.db", 2000)
    write(path, path.stat().st_size // 4096 // 2 * 4096, b"\xff" * 4096)
    before = path.read_bytes()

    with pytest.raises(HistoryRefused, match="restore a backup"):
        at(path).check()

    assert path.read_bytes() == before
    with closing(at(path)) as history:
        history.open()
        with pytest.raises(HistoryUnavailable, match="malformed"):
            everything(history, "lobby")
        assert history.head("lobby")[0] == 2000


@pytest.mark.parametrize("begun", ["missing", "empty", "without tables"])
def test_a_file_that_holds_nothing_yet_is_made_use_of(tmp_path: Path, begun: str) -> None:
    """A process that was killed on its first start leaves such a file."""
    path = tmp_path / "chat.db"
    if begun == "empty":
        path.touch()
    if begun == "without tables":
        run(path, "PRAGMA journal_mode = WAL")
    before = snapshot(tmp_path)

    at(path).check()

    assert snapshot(tmp_path) == before
    left_behind(path, 1)
    with closing(at(path)) as history:
        history.open()
        assert everything(history, "lobby") == said("lobby", 1)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "chat.db"

    with pytest.raises(HistoryRefused, match=f"create {path.parent}"):
        at(path).check()
    with pytest.raises(HistoryRefused, match="folder"):
        at(path).open()


def test_a_second_process_is_refused_and_told_which_is_the_first(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    with appending(path) as other:
        assert other.stdout and other.stdout.readline()

        for refused in (at(path).check, at(path).open, lambda: at(path).open(patience=0.1)):
            with pytest.raises(HistoryRefused, match=f"process {other.pid}") as refusal:
                refused()
            assert str(path) in str(refusal.value)


def test_patience_waits_for_the_other_process_to_end(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    with appending(path) as other, closing(at(path)) as history:
        assert other.stdout and other.stdout.readline()
        killer = threading.Timer(0.2, other.kill)
        killer.start()

        history.open(patience=10)

        assert history.head("lobby")[0] >= 1
        killer.join()


def test_a_link_to_the_file_shares_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    link = tmp_path / "link.db"
    link.symlink_to(path)

    with closing(at(path)) as history:
        history.open()
        with pytest.raises(HistoryRefused, match=f"process {os.getpid()}"):
            at(link).check()
