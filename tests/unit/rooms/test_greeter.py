"""Typed users at the door: whose name it is, and how often it may change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from chatroom.rooms import greeter
from chatroom.users.typed_user import RENAME_INTERVAL
from chatroom.wire.websocket import text_frame
from tests.support.in_memory_room import InMemoryServer, TypedGuest


@pytest.fixture
def server() -> Iterator[InMemoryServer]:
    with ExitStack() as stack:
        yield InMemoryServer(stack)


def enter(server: InMemoryServer, name: str, **hello: str) -> TypedGuest:
    return TypedGuest(server, name, "lobby", {}, **hello)


def answer(guest: TypedGuest) -> dict[str, str]:
    """The first frame that it got."""
    return guest.heard()[0]


def test_a_name_that_looks_like_somebody_elses_is_taken(server: InMemoryServer) -> None:
    enter(server, "Ann")

    refusal = answer(enter(server, "\u0410nn"))

    assert refusal["code"] == "name-taken"
    assert answer(enter(server, refusal["suggestion"]))["type"] == "welcome"


def test_nobody_can_rename_to_a_look_alike(server: InMemoryServer) -> None:
    enter(server, "Ann")
    eve = enter(server, "Eve")
    eve.heard()

    eve.send("rename", userName="\u0410nn")

    assert answer(eve)["code"] == "name-taken"


def test_one_may_change_ones_own_name_to_a_look_alike(server: InMemoryServer) -> None:
    ann = enter(server, "Ann")
    ann.heard()

    ann.send("rename", userName="ANN")

    assert (answer(ann)["userName"], answer(enter(server, "Ann"))["code"]) == ("ANN", "name-taken")


def test_a_former_name_is_free(server: InMemoryServer) -> None:
    ann = enter(server, "Ann")
    ann.send("rename", userName="Anna")

    assert answer(enter(server, "\u0410nn"))["type"] == "welcome"


def test_the_name_of_somebody_who_is_away_is_only_theirs(server: InMemoryServer) -> None:
    ann = enter(server, "Ann")
    token = answer(ann)["token"]
    ann.leave()

    assert answer(enter(server, "Ann"))["code"] == "name-taken"
    assert answer(enter(server, "Ann", token=token))["userName"] == "Ann"


def test_a_second_rename_waits(server: InMemoryServer, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    ann = enter(server, "Ann")
    ann.heard()

    ann.send("rename", userName="Anna")
    ann.send("rename", userName="Annie")

    assert slept == pytest.approx([0, RENAME_INTERVAL], abs=0.5)
    assert [frame["userName"] for frame in ann.heard()] == ["Anna", "Annie"]


def test_who_is_too_slow_for_its_own_rename_in_a_large_room_is_dropped() -> None:
    """Not left with an open socket and a gap, which nobody would notice: nobody else is told."""
    with ExitStack() as stack:
        server = InMemoryServer(stack, presence_limit=1)
        enter(server, "Ann")
        bob = TypedGuest(server, "Bob", "lobby", {"queue_bytes": 1000, "buffers": 4096})
        assert server.server._rooms["lobby"].presence.is_large
        line = bob.line.connection
        while line._backlog() <= 900:
            assert line.write(text_frame("x" * 80))

        bob.send("rename", userName="Bobby")

        assert not bob.user.inside
        assert server.server.errors == 1
        bob.line.start_writer()
        assert bob.line.peer.closed_with() == (4008, "slow")


def test_a_very_large_room_is_counted_less_often(
    make: Callable[..., InMemoryServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A count goes to everybody, so each costs as much as the room has people."""
    monkeypatch.setattr(greeter, "TOLD_A_SECOND", 0.1)
    club = make(presence_limit=1)
    ann, *_ = [TypedGuest(club, name, "class", {}) for name in ("Ann", "Bob", "Carl", "Dora")]
    club.settle()
    ann.heard()

    TypedGuest(club, "Eve", "class", {})

    seconds = club.server._timers.run()
    assert seconds is not None
    assert 10 < seconds < 40
    assert ann.heard() == []
