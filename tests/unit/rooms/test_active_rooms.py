"""How many rooms there may be, and how many one address may create."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from chatroom.errors import Refusal
from chatroom.history.memory.history import MemoryHistory
from chatroom.rooms.active_rooms import ActiveRooms
from chatroom.rooms.charter import Speak
from chatroom.rooms.fallen import Fallen
from chatroom.rooms.new_rooms import AT_ONCE, SECONDS_EACH
from chatroom.rooms.policy import Policy
from chatroom.sockets import budget
from tests.support.histories import said
from tests.support.in_memory_room import DEFAULTS


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The monotonic clock, which the test sets."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def rooms(max_rooms: int, *stored: str) -> ActiveRooms:
    history = MemoryHistory()
    history.open()
    history.append([message for name in stored for message in said(name, 1)])
    return ActiveRooms(history, Policy(max_rooms, 15), Fallen(), DEFAULTS)


def test_the_lobby_is_always_there() -> None:
    ours = rooms(2, "garden", "kitchen")

    with pytest.raises(Refusal, match="there are already 2"):
        ours.enter("cellar", "192.0.2.1")
    assert ours.enter("lobby", "192.0.2.1").is_empty
    assert ours.enter("garden", "192.0.2.1").seq == 1


@pytest.mark.parametrize("stored", [("lobby",), ()])
def test_the_lobby_takes_no_other_rooms_place(stored: tuple[str, ...]) -> None:
    ours = rooms(1, *stored)
    ours.enter("lobby", "192.0.2.1")

    ours.enter("garden", "192.0.2.1")

    with pytest.raises(Refusal):
        ours.enter("kitchen", "192.0.2.1")


def test_a_room_that_has_only_decided_something_takes_a_place_for_good() -> None:
    """Otherwise a script could fill the history with rooms in which nobody ever speaks."""
    ours = rooms(1)
    ours._history.enact("class", '{"speak":"hosts"}', None)
    ours._history.enact("", '{"speak":"hosts"}', None)

    with pytest.raises(Refusal, match="there are already 1"):
        ours.enter("kitchen", "192.0.2.1")
    assert ours.enter("class", "192.0.2.1").charter.speak is Speak.HOSTS


def test_one_address_creates_many_rooms_only_slowly(clock: SimpleNamespace) -> None:
    ours = rooms(1000)
    for number in range(AT_ONCE):
        ours.enter(f"room-{number}", "192.0.2.1")

    with pytest.raises(Refusal, match="your address"):
        ours.enter("one-more", "192.0.2.1")
    ours.enter("room-0", "192.0.2.1")
    ours.enter("lobby", "192.0.2.1")
    ours.enter("one-more", "192.0.2.2")
    clock.now += SECONDS_EACH
    ours.enter("later", "192.0.2.1")
