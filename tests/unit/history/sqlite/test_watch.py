"""The history's files vanish or change while it is open: nothing is stored that will be gone."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatroom.errors import HistoryRefused, HistoryUnavailable
from chatroom.history.sqlite import watch
from chatroom.history.sqlite.history import SqliteHistory
from chatroom.history.sqlite.lock import FileLock, LockHeld
from tests.support.histories import at, everything, left_behind, said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that a test may move away."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def history(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteHistory]:
    """With three messages, of which some are only in its log."""
    monkeypatch.setattr(watch, "INTERVAL", 0)
    with closing(at(folder / "chat.db")) as history:
        history.open()
        history.append(said("lobby", 1, 3))
        yield history


def delete(folder: Path) -> None:
    (folder / "chat.db").unlink()


def delete_all(folder: Path) -> None:
    for path in folder.glob("chat.db*"):
        path.unlink()


def move_away(folder: Path) -> None:
    (folder / "chat.db").rename(folder / "elsewhere.db")


def replace(folder: Path) -> None:
    other = left_behind(folder / "other.db", 7)
    other.rename(folder / "chat.db")


def replace_with_a_copy(folder: Path) -> None:
    shutil.copy(folder / "chat.db", folder / "copy.db")
    (folder / "copy.db").rename(folder / "chat.db")


def move_the_folder(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def replace_the_folder(folder: Path) -> None:
    move_the_folder(folder)
    folder.mkdir()
    left_behind(folder / "chat.db", 7)


HARMS = [
    delete,
    delete_all,
    move_away,
    replace,
    replace_with_a_copy,
    move_the_folder,
    replace_the_folder,
]


@pytest.mark.parametrize("harm", HARMS)
def test_nothing_is_stored_once_the_file_is_another(
    history: SqliteHistory, folder: Path, harm: Callable[[Path], None]
) -> None:
    harm(folder)

    for store in (
        lambda: history.append(said("lobby", 4)),
        history.probe,
        lambda: history.trim("lobby", 1, 0, 10),
    ):
        with pytest.raises(HistoryUnavailable) as refused:
            store()
        _name, cause, way_out = refused.value.args
        assert str(folder / "chat.db") in cause
        assert "put that file back, or restart the room" in way_out


@pytest.mark.parametrize("harm", [replace, replace_the_folder])
def test_no_other_messages_are_read_than_before(
    history: SqliteHistory, folder: Path, harm: Callable[[Path], None]
) -> None:
    """A file in the same place has a past of its own: no reader is to open it."""
    harm(folder)

    with pytest.raises(HistoryUnavailable, match="deleted, moved or replaced"):
        history.head("lobby")


def test_what_is_read_already_can_still_be_read(history: SqliteHistory, folder: Path) -> None:
    """So that an export can save it, before the room is restarted."""
    assert len(everything(history, "lobby")) == 3

    delete(folder)

    assert len(everything(history, "lobby")) == 3


def test_a_link_that_leads_elsewhere_now_is_another_file(folder: Path) -> None:
    left_behind(folder / "one.db")
    left_behind(folder / "two.db")
    (folder / "chat.db").symlink_to("one.db")
    with closing(at(folder / "chat.db")) as history:
        history.open()
        history.append(said("lobby", 1))
        (folder / "chat.db").unlink()
        (folder / "chat.db").symlink_to("two.db")

        with pytest.raises(HistoryUnavailable, match="replaced"):
            history.append(said("lobby", 2))


@pytest.mark.parametrize("name", ["chat.db", "."])
def test_the_room_goes_on_when_it_is_back(history: SqliteHistory, folder: Path, name: str) -> None:
    away = folder.parent / "away"
    (folder / name).rename(away)
    with pytest.raises(HistoryUnavailable):
        history.append(said("lobby", 4))

    away.rename(folder / name)

    history.append(said("lobby", 4))
    assert len(everything(history, "lobby")) == 4


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_nothing_is_stored_without_the_files_that_go_with_it(
    history: SqliteHistory, folder: Path, suffix: str
) -> None:
    (folder / f"chat.db{suffix}").unlink()

    with pytest.raises(HistoryUnavailable, match=f"chat.db{suffix} was deleted.*restart the room"):
        history.append(said("lobby", 4))


def test_a_lost_log_loses_no_message_even_if_the_process_is_killed(
    history: SqliteHistory, folder: Path
) -> None:
    """What was only in the log is written back at once."""
    (folder / "chat.db-wal").unlink()
    with pytest.raises(HistoryUnavailable):
        history.probe()

    left = folder.parent / "left"  # what a killed process would leave
    left.mkdir()
    shutil.copy(folder / "chat.db", left / "chat.db")
    with closing(at(left / "chat.db")) as again:
        again.open()
        assert everything(again, "lobby") == said("lobby", 1, 3)


def test_a_restart_after_a_lost_log_finds_every_message(
    history: SqliteHistory, folder: Path
) -> None:
    (folder / "chat.db-wal").unlink()
    history.close()

    with closing(at(folder / "chat.db")) as again:
        again.open()
        assert everything(again, "lobby") == said("lobby", 1, 3)
        again.append(said("lobby", 4))


def test_a_lost_lock_is_made_anew_and_keeps_others_out(
    history: SqliteHistory, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lock = folder / "chat.db.lock"
    lock.unlink()

    with caplog.at_level(logging.WARNING):
        history.append(said("lobby", 4))

    assert f"{lock} was deleted" in caplog.text
    assert lock.read_text() == f"{os.getpid()}\n"
    with pytest.raises(LockHeld):
        FileLock(lock).test()


def test_a_lock_that_another_process_took_meanwhile_stops_the_room(
    history: SqliteHistory, folder: Path
) -> None:
    (folder / "chat.db.lock").unlink()
    other = FileLock(folder / "chat.db.lock")
    other.acquire(0)
    try:
        for _ in range(2):
            with pytest.raises(HistoryUnavailable, match="no other process uses the history"):
                history.append(said("lobby", 4))
    finally:
        other.release()

    history.append(said("lobby", 4))


# -- other programs ----------------------------------------------------------------------------


def run(folder: Path, *statements: str) -> None:
    """What a person does in the sqlite3 shell, while the room is open."""
    with closing(sqlite3.connect(folder / "chat.db")) as shell, shell:
        for statement in statements:
            shell.execute(statement)


def test_a_room_that_a_person_deleted_meanwhile_is_entered_anew(
    history: SqliteHistory, folder: Path
) -> None:
    """Under its old number, its messages would be nobody's, and the next new room's after that."""
    run(folder, "DELETE FROM messages", "DELETE FROM rooms")

    history.append(said("lobby", 4))
    history.append(said("garden", 1))

    assert [message.body for message in history.tail("garden", 9, 9999)] == [
        said("garden", 1)[0].body
    ]
    assert history.head("lobby").seq == 4


def test_a_room_whose_table_is_gone_does_not_count_as_well(
    history: SqliteHistory, folder: Path
) -> None:
    run(folder, "DROP TABLE messages")

    with pytest.raises(HistoryUnavailable, match="another program has changed the file"):
        history.probe()


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_lock_that_leads_to_another_file_leaves_it_as_it_is(
    tmp_path: Path, link: Callable[[Path, Path], None]
) -> None:
    victim = tmp_path / "diary.txt"
    victim.write_text("Dear diary")
    link(victim, tmp_path / "chat.db.lock")
    for use in (at(tmp_path / "chat.db").open, at(tmp_path / "chat.db").check):
        with pytest.raises(HistoryRefused, match=r"chat\.db\.lock is another program's file"):
            use()

    assert victim.read_text() == "Dear diary"
