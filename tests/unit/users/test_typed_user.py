"""TypedUser: how long it may take to say hello."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chatroom.users import typed_user
from chatroom.users.typed_user import HELLO_TIMEOUT
from tests.support.in_memory_room import InMemoryServer, TypedGuest

TOO_LATE = f"no hello within {HELLO_TIMEOUT} s"


class HelloClock:
    """That the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> HelloClock:
    clock = HelloClock()
    monkeypatch.setattr(typed_user, "time", clock)
    return clock


def come(club: InMemoryServer, clock: HelloClock, name: str = "Bob") -> TypedGuest:
    """Somebody whose hello the room has not seen yet; their reader begins now."""
    guest = TypedGuest(club, name, "class", {}, settles=False)
    guest.user._first_by = clock.now + HELLO_TIMEOUT
    return guest


def test_who_waits_for_the_room_is_not_late(club: InMemoryServer, clock: HelloClock) -> None:
    """Ten thousand others may have come before."""
    bob = come(club, clock)
    clock.now += 10 * HELLO_TIMEOUT
    assert bob.user._door() == ""

    club.settle()

    assert bob.user._door() is None


def test_who_waits_for_the_register_is_not_late(
    make: Callable[..., InMemoryServer], clock: HelloClock
) -> None:
    club = make(late={"register"})
    bob = come(club, clock)
    club.settle()
    clock.now += 10 * HELLO_TIMEOUT
    assert bob.user._door() == ""

    club.register.decide()
    club.register.tell()
    club.settle()

    assert bob.user._door() is None


def test_after_a_refusal_there_is_time_for_another_hello_and_no_more(
    club: InMemoryServer, clock: HelloClock
) -> None:
    come(club, clock, "Ann")
    bob = come(club, clock, "Ann")
    clock.now += 10 * HELLO_TIMEOUT
    assert bob.user._door() == ""
    club.settle()
    assert bob.user.names_refused == 1

    clock.now += HELLO_TIMEOUT - 1
    assert bob.user._door() == ""
    clock.now += 1
    assert bob.user._door() == TOO_LATE


def test_two_hellos_at_once_wait_for_both_answers(club: InMemoryServer, clock: HelloClock) -> None:
    come(club, clock, "Ann")
    club.settle()
    bob = come(club, clock, "Ann")
    bob.send("hello", userName="Bob")
    club.server.step()
    assert bob.user.names_refused == 1
    clock.now += 10 * HELLO_TIMEOUT

    assert bob.user._door() == ""
    club.settle()
    assert bob.user._door() is None


def test_who_does_not_say_hello_is_late(club: InMemoryServer, clock: HelloClock) -> None:
    bob = TypedGuest(club, "", "class", {}, settles=False)
    bob.user._first_by = clock.now + HELLO_TIMEOUT
    assert bob.user._door() == ""

    clock.now += HELLO_TIMEOUT

    assert bob.user._door() == TOO_LATE
