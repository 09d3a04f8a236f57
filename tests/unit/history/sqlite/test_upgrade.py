"""A database of schema 1, from before the typed protocol, becomes one of today."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatroom.errors import CmidTaken, HistoryRefused
from chatroom.history.sqlite.database import DatabaseFile
from chatroom.history.sqlite.schema import SCHEMA_VERSION
from chatroom.message import Message
from tests.support.histories import at, everything, left_behind, said, snapshot, typed
from tests.support.old_database import ROOMS, made_by_schema_1, version_of


def stored(path: Path) -> dict[str, list[Message]]:
    with closing(at(path)) as history:
        history.open()
        return {room: everything(history, room) for room in ROOMS}


WHAT_WAS_STORED = {room: said(room, 1, count) for room, count in ROOMS.items()}


def test_check_takes_an_old_file_and_leaves_it_as_it_is(tmp_path: Path) -> None:
    path = made_by_schema_1(tmp_path / "chat.db")
    before = snapshot(tmp_path)

    at(path).check()

    assert snapshot(tmp_path) == before


def test_nothing_is_lost_when_an_old_file_is_opened(tmp_path: Path) -> None:
    path = made_by_schema_1(tmp_path / "chat.db")

    assert stored(path) == WHAT_WAS_STORED

    assert version_of(path) == SCHEMA_VERSION
    at(path).check()
    assert stored(path) == WHAT_WAS_STORED


def test_an_old_file_can_do_all_that_a_new_one_can(tmp_path: Path) -> None:
    with closing(at(made_by_schema_1(tmp_path / "chat.db"))) as history:
        history.open()

        history.append([typed("lobby", 301, "u1", "c1"), *said("lobby", 302)])

        assert history.find("lobby", "u1", "c1") == typed("lobby", 301, "u1", "c1")
        with pytest.raises(CmidTaken):
            history.append([typed("lobby", 303, "u1", "c1")])
        assert [(room.name, room.first, room.seq) for room in history.rooms()] == [
            ("garden", 1, 2),
            ("lobby", 1, 302),
        ]
        assert history.has("lobby", 300, said("lobby", 300)[0].nonce)
        assert len(history.secret()) == 32


def test_an_old_file_becomes_what_a_new_one_is(tmp_path: Path) -> None:
    """Column by column, and index by index."""
    old, new = made_by_schema_1(tmp_path / "old.db"), left_behind(tmp_path / "new.db")
    stored(old)

    assert shape(old) == shape(new)


def shape(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT type, name FROM sqlite_master ORDER BY name").fetchall()
        columns = [
            connection.execute("SELECT * FROM pragma_table_xinfo(?)", (name,)).fetchall()
            for _, name in names
        ]
        indexes = connection.execute("SELECT * FROM pragma_index_list('messages')").fetchall()
        return [names, columns, indexes]


def test_the_log_of_a_killed_old_program_is_taken_over(tmp_path: Path) -> None:
    """Its last messages are in -wal alone."""
    path = made_by_schema_1(tmp_path / "chat.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.execute("INSERT INTO messages VALUES (?, 'f', 'Ann', 'late', '', 7)", (1 << 40 | 301,))
        copies = snapshot(tmp_path)
    for name, content in copies.items():
        (tmp_path / name).write_bytes(content)

    assert [message.body for message in stored(path)["lobby"]][-2:] == ["hi", "late"]


def test_a_disk_without_space_for_it_is_refused_and_the_file_stays_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made_by_schema_1(tmp_path / "chat.db")
    connect = DatabaseFile.connect

    def connect_to_a_full_disk(self: DatabaseFile, query: str) -> sqlite3.Connection:
        connection = connect(self, query)
        connection.execute("PRAGMA max_page_count = 1")  # no more than there are already
        return connection

    monkeypatch.setattr(DatabaseFile, "connect", connect_to_a_full_disk)
    with pytest.raises(HistoryRefused, match="free some space"):
        at(path).open()
    monkeypatch.undo()

    assert version_of(path) == 1
    assert stored(path) == WHAT_WAS_STORED


def test_the_secret_stays_the_same_when_opened_again(tmp_path: Path) -> None:
    path = left_behind(tmp_path / "chat.db")
    secrets = []
    for _ in range(2):
        with closing(at(path)) as history:
            history.open()
            secrets.append(history.secret())

    assert secrets[0] == secrets[1]
    with closing(at(tmp_path / "other.db")) as other:
        other.open()
        assert other.secret() != secrets[0]
