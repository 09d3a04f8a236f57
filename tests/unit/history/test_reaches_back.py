"""What a cursor reaches back to, and what may come between two looks into the history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatroom.history import History, make_history
from chatroom.message import BEGINNING
from tests.support.histories import past_message


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with closing(make_history("memory:", tmp_path)) as history:
        history.open()
        yield history


@pytest.mark.parametrize("look", ["head", "first"])
def test_the_beginning_stays_good_when_the_first_message_comes_just_then(
    history: History, monkeypatch: pytest.MonkeyPatch, look: str
) -> None:
    """The reader thread looks while the Server thread stores."""
    see = getattr(history, look)

    def see_and_be_overtaken(room: str) -> object:
        seen = see(room)
        monkeypatch.undo()
        history.append([past_message(room, 1)])
        return seen

    monkeypatch.setattr(history, look, see_and_be_overtaken)

    assert history.reaches_back_to("lobby", BEGINNING)
