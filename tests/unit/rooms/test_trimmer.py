"""Retention: the oldest messages go, a few at a time, while the room goes on."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from chatroom.history.memory.history import MemoryHistory
from chatroom.message import Held, Message
from chatroom.rooms import trimmer as module
from chatroom.rooms.active_rooms import ActiveRooms
from chatroom.rooms.fallen import Fallen
from chatroom.rooms.policy import Policy
from chatroom.rooms.timers import Timers
from chatroom.rooms.trimmer import DAY_MS, Trimmer
from tests.support.in_memory_room import DEFAULTS


def message(seq: int, sent_at: int) -> Message:
    return Message("lobby", seq, f"{seq:016x}", "Ann", str(seq), "10:42 AM", sent_at)


class Kept:
    """A history of one room, and a Trimmer whose timers the test runs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, count: int, **keep: int) -> None:
        monkeypatch.setattr(module, "PAUSE", 0.0)
        monkeypatch.setattr(module, "INTERVAL", 3600.0)
        self.history = MemoryHistory()
        self.history.open()
        now = time.time_ns() // 1_000_000
        for seq in range(1, count + 1):
            days_ago = count - seq
            self.history.append([message(seq=seq, sent_at=now - days_ago * DAY_MS - DAY_MS // 2)])
        self.timers = Timers()
        rules = replace(DEFAULTS, replay_limit=50, **keep)
        self.rooms = ActiveRooms(self.history, Policy(9, 15), Fallen(), rules)
        self.refused: list[Held] = []
        forget = self.rooms.forget_trimmed
        Trimmer(self.history, forget, self.timers, rules, self.refused.append).start()

    def settle(self) -> list[int]:
        """Run what is due until the next look is an hour away; returns the seqs that are left."""
        while (seconds := self.timers.run()) is not None and seconds < 1800:
            pass
        return [m.seq for page in self.history.pages("lobby", 0, 1 << 40) for m in page]


def test_a_room_keeps_its_newest_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Kept(monkeypatch, 10, keep_messages=3).settle() == [8, 9, 10]


def test_a_room_keeps_what_is_not_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Kept(monkeypatch, 10, keep_days=4).settle() == [7, 8, 9, 10]


def test_the_last_message_goes_when_it_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(monkeypatch, 0, keep_days=1)
    kept.history.append([message(seq=1, sent_at=1)])
    assert kept.settle() == []
    assert kept.history.head("lobby").seq == 1


@pytest.mark.parametrize("days", [0, 2])
def test_what_nobody_approves_goes_when_a_message_would(
    monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    kept = Kept(monkeypatch, 1, keep_days=days, keep_messages=9)
    now = time.time_ns() // 1_000_000
    old, young = (
        Held("class", id, "Bob", "May I?", "", now - days_ago * DAY_MS)
        for id, days_ago in (("a", 3), ("b", 1))
    )
    for held in (old, young):
        kept.history.hold(held)

    assert kept.settle() == [1]

    assert kept.refused == ([old] if days else [])
    assert kept.history.held("class") == ([young] if days else [old, young])


@pytest.mark.parametrize(("keep", "left"), [({"keep_messages": 3}, 3), ({"keep_days": 1}, 1)])
def test_who_joins_gets_nothing_that_was_trimmed(
    monkeypatch: pytest.MonkeyPatch, keep: dict[str, int], left: int
) -> None:
    """Also where somebody was in the room all the time, and its tail at hand."""
    kept = Kept(monkeypatch, 10, **keep)
    room = kept.rooms.enter("lobby", "127.0.0.1")
    assert room.replay().count(b'"body"') == 10

    assert len(kept.settle()) == left

    assert room.replay().count(b'"body"') == left
    assert room.first_remembered == 11 - left


def test_a_room_of_which_nothing_is_left_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(monkeypatch, 0, keep_days=1)
    kept.history.append([message(seq=1, sent_at=1)])
    room = kept.rooms.enter("lobby", "127.0.0.1")

    kept.settle()

    assert (room.replay(), room.seq, room.frames_after(0)) == (b"", 1, None)
    assert room.frames_after(1) == []


def test_all_is_kept_where_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(monkeypatch, 10)
    assert kept.timers.run() is None
    assert len(kept.settle()) == 10


def test_no_step_is_larger_than_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEP", 2)
    steps = []
    trim = MemoryHistory.trim

    def counted(history: MemoryHistory, *args: object) -> int:
        steps.append(trim(history, *args))  # type: ignore[arg-type]
        return steps[-1]

    monkeypatch.setattr(MemoryHistory, "trim", counted)
    assert Kept(monkeypatch, 9, keep_messages=2).settle() == [8, 9]
    assert (max(steps), sum(steps)) == (2, 7)
