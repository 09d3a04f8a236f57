"""Census: who is where, and that counting does not keep the Server thread from its work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from chatroom.errors import ChatError
from chatroom.rooms import census as module
from chatroom.rooms.census import Census, Headcount
from tests.support.deadline import DEADLINE
from tests.support.in_memory_room import InMemoryServer, TypedGuest


class Turns:
    """In place of the Server thread: answers at once, and counts its turns."""

    def __init__(self) -> None:
        self.taken = 0

    def ask(self, question: Callable[[], Any], timeout: float) -> Any:
        self.taken += 1
        return question()


def count(club: InMemoryServer) -> Headcount:
    return Census(club.server._rooms, Turns().ask).take(DEADLINE)


def test_without_anybody_there_is_nobody(club: InMemoryServer):
    headcount = count(club)

    assert (headcount.rooms, headcount.plain, headcount.typed, headcount.people) == (0, 0, 0, 0)


def test_users_count_by_their_protocol_and_people_by_themselves(club: InMemoryServer):
    club.join("Ann")
    club.join("Bob", "garden")
    eve = TypedGuest(club, "Eve", "garden", {})
    token = next(frame["token"] for frame in eve.heard() if frame["type"] == "welcome")
    TypedGuest(club, "Eve", "garden", {}, token=token)

    headcount = count(club)

    assert (headcount.rooms, headcount.plain, headcount.typed) == (2, 2, 2)
    assert headcount.people == 1


def test_whoever_has_just_lost_the_connection_is_still_a_person(
    make: Callable[..., InMemoryServer],
):
    club = make(leave_grace=60)
    eve = TypedGuest(club, "Eve", "garden", {})
    eve.leave()

    headcount = count(club)

    assert (headcount.rooms, headcount.typed, headcount.people) == (1, 0, 1)


def test_only_so_many_rooms_are_counted_in_one_turn(
    club: InMemoryServer, monkeypatch: pytest.MonkeyPatch
):
    """What is said meanwhile gets its turn in between."""
    monkeypatch.setattr(module, "ROOMS_AT_ONCE", 2)
    for number in range(5):
        club.join("Ann", f"room-{number}")
    turns = Turns()

    headcount = Census(club.server._rooms, turns.ask).take(DEADLINE)

    assert (headcount.rooms, headcount.plain) == (5, 5)
    assert turns.taken == 1 + 3


def test_a_room_that_is_forgotten_meanwhile_has_nobody(
    club: InMemoryServer, monkeypatch: pytest.MonkeyPatch
):
    ann = club.join("Ann")

    def ask(question: Callable[[], Any], timeout: float) -> Any:
        answer = question()
        ann.leave()
        club.settle()
        return answer

    headcount = Census(club.server._rooms, ask).take(DEADLINE)

    assert (headcount.rooms, headcount.plain) == (1, 0)


def test_the_server_thread_counts_and_says_how_busy_it_was(club: InMemoryServer):
    club.join("Ann")
    club.server.start()
    try:
        headcount = club.server.census.take(DEADLINE)
    finally:
        club.server.stop()

    assert (headcount.rooms, headcount.plain) == (1, 1)
    assert 0 < headcount.busy_seconds < DEADLINE
    assert 0 < headcount.answer_seconds < DEADLINE


def test_all_turns_together_have_to_be_in_time(
    club: InMemoryServer, monkeypatch: pytest.MonkeyPatch
):
    """A thread that is slow each time would otherwise keep a scrape for as many seconds."""
    monkeypatch.setattr(module, "ROOMS_AT_ONCE", 1)
    for number in range(3):
        club.join("Ann", f"room-{number}")
    left: list[float] = []

    def ask(question: Callable[[], Any], timeout: float) -> Any:
        left.append(timeout)
        return question()

    Census(club.server._rooms, ask).take(1.0)

    assert left[0] == 1.0
    assert left == sorted(left, reverse=True)
    assert left[-1] < 1.0


def test_a_server_thread_that_hangs_is_not_waited_for(club: InMemoryServer):
    goes_on = threading.Event()
    club.server.start()
    try:
        threading.Thread(
            target=club.server.ask, args=(lambda: goes_on.wait(DEADLINE), DEADLINE)
        ).start()
        with pytest.raises(ChatError, match="did not answer"):
            club.server.census.take(0.05)
    finally:
        goes_on.set()
        club.server.stop()
