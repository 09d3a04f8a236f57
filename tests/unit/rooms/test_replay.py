"""What a user's writer thread reads from the history, while the room goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chatroom.channel import Channel, Ready
from chatroom.history import History
from chatroom.message import Evidence, Message, Remover
from chatroom.rooms.person import erase
from chatroom.rooms.replay import Replay
from chatroom.users.requests import CaughtUp, Joining
from chatroom.wire.websocket import text_of
from tests.support.histories import KINDS, everything, open_history_of, typed


@pytest.fixture(params=KINDS)
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    with open_history_of(request.param, tmp_path) as history:
        yield history


def edit(history: History, message: Message, rev: int) -> None:
    history.rewrite(message.edited(f"edit {rev}", rev, 1_700_000_000_000))


def test_what_is_said_and_changed_meanwhile_is_told_as_a_message_and_not_as_a_change(
    history: History,
) -> None:
    """Else a client would hear that something has changed which it was never told."""
    one, two, three = (typed("lobby", seq, "ann", f"a{seq}") for seq in (1, 2, 3))
    history.append([one, two])
    add: Channel[Joining] = Channel("add", Ready())
    user: Any = SimpleNamespace(rev=0)
    pages = Replay(history, add).catch_up(user, "lobby", 0, resumes=True)
    next(pages)
    history.append([three])
    edit(history, three, 1)
    edit(history, one, 2)

    (changes,) = pages

    told = json.loads(text_of(changes))
    assert (told["type"], told["message"]["id"], told["rev"]) == ("changed", one.id, 2)
    assert add.get_nowait() == CaughtUp(user, 2, 2)


def test_whoever_was_away_hears_once_of_each_message_that_somebody_has_erased(
    history: History,
) -> None:
    """Of what a host had removed before, it knows; that it is nobody's now is nobody's concern."""
    history.append([typed("lobby", seq, "ann", f"a{seq}") for seq in range(1, 6)])
    (second,) = (it for it in everything(history, "lobby") if it.seq == 2)
    history.rewrite(second.taken_back(Remover.HOST, 1), Evidence(second, 7))
    ids = [message.id for message in everything(history, "lobby")]
    erase(history, "ann")
    add: Channel[Joining] = Channel("add", Ready())
    user: Any = SimpleNamespace(rev=1)

    (changes,) = Replay(history, add).catch_up(user, "lobby", 5, resumes=True)

    frames = [json.loads(payload) for payload in payloads(changes)]
    assert [(it["type"], it["rev"]) for it in frames] == [("removed", rev) for rev in (2, 3, 4, 5)]
    assert sorted(it["id"] for it in frames) == sorted([ids[0], *ids[2:]])
    assert add.get_nowait() == CaughtUp(user, 5, 5)


def payloads(frames: bytes) -> list[bytes]:
    """Of short text frames, one behind the other."""
    found = []
    while frames:
        found.append(frames[2 : 2 + frames[1]])
        frames = frames[2 + frames[1] :]
    return found
