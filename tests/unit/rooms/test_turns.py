"""FairTurns: who is next, wherever they come from."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from chatroom.rooms.turns import FairTurns
from tests.support.deadline import DEADLINE, wait_for


class Queue:
    """People who wait for a turn, each in a thread; a turn lasts until ``next``."""

    def __init__(self, places: int = 1) -> None:
        self.turns = FairTurns(places)
        self.served: list[str] = []
        self._over = threading.Semaphore(0)
        self._threads: list[threading.Thread] = []

    def come(self, *addresses: str, patience: float = DEADLINE) -> None:
        """One after the other."""
        for address in addresses:
            before = self.known()
            thread = threading.Thread(target=self._wait, args=(address, patience))
            thread.start()
            self._threads.append(thread)
            wait_for(lambda before=before: self.known() > before, "somebody who waits")  # type: ignore[misc]

    def known(self) -> int:
        """How many have come, of whom nobody has gone."""
        waiting = self.turns._waiting.values()
        return len(self.served) + sum(len(calls) for here in waiting for calls in here.values())

    def _wait(self, address: str, patience: float) -> None:
        with self.turns.turn(address, patience) as has_it:
            if has_it:
                self.served.append(address)
                self._over.acquire()

    def next(self, count: int = 1) -> None:
        """So many turns are over; as many begin, if so many wait."""
        for _ in range(count):
            wanted = min(len(self.served) + 1, len(self._threads))
            self._over.release()
            wait_for(lambda wanted=wanted: len(self.served) >= wanted, "the next turn")  # type: ignore[misc]

    def end(self) -> None:
        for _ in self._threads:
            self._over.release()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def queue() -> Iterator[Queue]:
    with ExitStack() as stack:
        queue = Queue()
        stack.callback(queue.end)
        yield queue


def test_whoever_comes_first_is_served_first_where_all_come_from_one_address(queue: Queue) -> None:
    same = [f"2001:db8::{n}" for n in range(1, 5)]
    queue.come(*same)

    queue.next(3)

    assert queue.served == same


@pytest.mark.parametrize(
    "crowd",
    [
        [f"198.51.{n}.7" for n in range(30)],
        [f"2001:db8:{n:x}::1" for n in range(30)],
        ["198.51.100.7"] * 30,
    ],
    ids=["of one provider", "of one provider, IPv6", "behind one address"],
)
def test_a_crowd_from_one_region_delays_whoever_comes_from_another_by_one_turn(
    queue: Queue, crowd: list[str]
) -> None:
    queue.come(*crowd)
    queue.come("203.0.113.5")

    queue.next(2)

    assert queue.served == [crowd[0], crowd[1], "203.0.113.5"]


def test_within_a_region_the_addresses_take_turns(queue: Queue) -> None:
    queue.come(*["198.51.100.7"] * 5, "198.51.100.8")

    queue.next(2)

    assert queue.served[-1] == "198.51.100.8"


def test_whoever_has_waited_too_long_goes_without_and_leaves_no_trace(queue: Queue) -> None:
    queue.come("192.0.2.1")

    with queue.turns.turn("192.0.2.2", 0.0) as has_it:
        assert not has_it

    assert queue.turns._waiting == {}


def test_what_is_given_back_is_there_for_the_next_one() -> None:
    turns = FairTurns(2)
    for _ in range(3):
        with turns.turn("192.0.2.1", 0.0) as one, turns.turn("192.0.2.1", 0.0) as other:
            assert one
            assert other
            with turns.turn("192.0.2.1", 0.0) as third:
                assert not third
