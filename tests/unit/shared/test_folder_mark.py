"""The folder of files: the same for all processes of a database, or it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chatroom.errors import HistoryRefused
from chatroom.history.shared import SharedHistory
from tests.support import postgresql
from tests.support.deadline import DEADLINE

pytestmark = pytest.mark.database


@pytest.fixture
def history() -> Iterator[SharedHistory]:
    with postgresql.shared().opened() as history:
        assert isinstance(history, SharedHistory)
        yield history


def demand(history: SharedHistory, folder: Path) -> str:
    """What the folder's mark is by then."""
    from chatroom.shared.folder_mark import NAME, demand_mark

    demand_mark(history, folder)
    (path,) = folder.iterdir()
    assert (path.name, path.stat().st_mode & 0o777) == (NAME, 0o600)
    return path.read_text()


def refused(history: SharedHistory, folder: Path) -> str:
    with pytest.raises(HistoryRefused) as caught:
        demand(history, folder)
    return str(caught.value)


def test_the_first_makes_the_mark_and_all_others_find_it(
    history: SharedHistory, tmp_path: Path
) -> None:
    assert demand(history, tmp_path) == demand(history, tmp_path)


def test_a_folder_of_its_own_is_refused_and_stays_as_it_is(
    history: SharedHistory, tmp_path: Path
) -> None:
    """As of a machine where the shared one is not mounted."""
    shared, own = tmp_path / "shared", tmp_path / "own"
    shared.mkdir()
    own.mkdir()
    mark = demand(history, shared)

    assert mark.strip() in refused(history, own)
    assert list(own.iterdir()) == []

    (own / ".chatroom").write_text("of another room")
    assert "has of another room in .chatroom" in refused(history, own)
    (own / ".chatroom").write_text(mark)  # as the refusal says
    (own / ".chatroom").chmod(0o600)
    assert demand(history, own) == mark


def test_a_folder_that_is_not_there_is_refused(history: SharedHistory, tmp_path: Path) -> None:
    assert "mkdir -m 700" in refused(history, tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_moves_in_brings_its_mark(history: SharedHistory, tmp_path: Path) -> None:
    """As a copy of it does, for a database that was restored without."""
    (tmp_path / ".chatroom").write_text("copied\n")
    (tmp_path / ".chatroom").chmod(0o600)

    assert demand(history, tmp_path) == "copied\n"
    assert history.files_mark("another") == "copied"


def test_of_many_who_come_first_one_makes_it(history: SharedHistory, tmp_path: Path) -> None:
    from chatroom.shared.folder_mark import _made

    with ThreadPoolExecutor(8) as pool:
        made = [one.result(DEADLINE) for one in [pool.submit(_made, tmp_path) for _ in range(8)]]

    (mark,) = {*made} - {""}
    assert demand(history, tmp_path).strip() == mark


def test_a_mark_that_is_not_written_yet_is_waited_for(
    history: SharedHistory, tmp_path: Path
) -> None:
    """Whoever starts tries again."""
    (tmp_path / ".chatroom").touch()

    assert ".chatroom is empty" in refused(history, tmp_path)
