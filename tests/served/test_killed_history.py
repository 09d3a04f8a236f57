"""kill -9 while a history's file is written: by an upgrade, and by the index of its search."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from chatroom.history.paging import PAGE_LENGTH
from chatroom.history.sqlite.database import DatabaseFile
from chatroom.history.sqlite.index import IndexFile
from chatroom.history.sqlite.schema import SCHEMA_VERSION, SECOND_SCHEMA, THIRD_SCHEMA
from tests.support import CHECKOUT
from tests.support.deadline import DEADLINE
from tests.support.histories import at, everything, said
from tests.support.old_database import ROOMS, made_by_schema_1, version_of

UPGRADE, INDEXING = "upgrade", "indexing"


@pytest.mark.parametrize(
    "statement", [*SECOND_SCHEMA, *THIRD_SCHEMA, "COMMIT", "INSERT INTO secrets"]
)
def test_an_upgrade_leaves_the_old_file_or_the_new(tmp_path: Path, statement: str) -> None:
    path = made_by_schema_1(tmp_path / "chat.db")

    killed(UPGRADE, path, statement)

    at(path).check()
    assert version_of(path) == (SCHEMA_VERSION if statement == "INSERT INTO secrets" else 1)
    with closing(at(path)) as history:
        history.open()
        for room, count in ROOMS.items():
            assert everything(history, room) == said(room, 1, count)
    assert version_of(path) == SCHEMA_VERSION


def test_indexing_leaves_an_index_that_is_right(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    count = 6 * PAGE_LENGTH
    with closing(at(path)) as history:
        history.open()
        history.append(said("lobby", 1, count, body="a fish"))

    for pages in (1, 3):
        killed(INDEXING, path, "COMMIT", after=pages)
        assert path.with_suffix(".db.search").exists()

    with closing(at(path)) as history:
        history.open()
        found = history.search("lobby", "fish", sys.maxsize, count)
        assert [message.seq for message in found] == list(range(1, count + 1))


def killed(work: str, path: Path, statement: str, after: int = 0) -> None:
    """Have a process do the work, and killed with -9 as it comes to a statement.

    Args:
        after: how often it may come to the statement before.
    """
    child = subprocess.run(
        [sys.executable, __file__, work, str(path), statement, str(after)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        timeout=DEADLINE,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL


def killing(connection: sqlite3.Connection, fatal: str, after: int) -> sqlite3.Connection:
    left = after

    def count_and_kill(statement: str) -> None:
        nonlocal left
        if statement.startswith(fatal):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    connection.set_trace_callback(count_and_kill)
    return connection


def die(work: str, path: str, fatal: str, after: str) -> None:
    """What the child does."""
    if work == UPGRADE:
        connect = DatabaseFile.connect
        DatabaseFile.connect = lambda self, query: killing(  # type: ignore[method-assign]
            connect(self, query), fatal, int(after)
        )
    else:
        connect_index = IndexFile._connect
        IndexFile._connect = lambda self: killing(  # type: ignore[method-assign]
            connect_index(self), fatal, int(after)
        )
    history = at(Path(path))
    history.open()
    history.search("lobby", "fish", sys.maxsize, 1)


if __name__ == "__main__":
    die(*sys.argv[1:])
