"""How soon a thread that waits for the interpreter asks for it, by how many there are."""

from __future__ import annotations

import sys

import pytest

from chatroom.serving import interpreter
from chatroom.serving.interpreter import SHORTEST, WAKING, switch_interval

PYTHONS_OWN = 0.005


@pytest.mark.parametrize("connections", [0, 1, 90])
def test_where_few_are_whoever_waits_asks_sooner_than_python_would(connections: int) -> None:
    assert switch_interval(connections) == SHORTEST < PYTHONS_OWN


@pytest.mark.parametrize("connections", [1000, 3000, 10_000])
def test_however_many_wait_they_do_not_keep_the_process_busy_by_asking(connections: int) -> None:
    wakes_per_second = connections / switch_interval(connections)

    assert wakes_per_second <= WAKING


def test_ten_thousand_ask_twice_a_second() -> None:
    assert switch_interval(10_000) == pytest.approx(0.5)


def test_all_threads_of_the_process_wait_so_long() -> None:
    interpreter.share(2000)

    assert sys.getswitchinterval() == pytest.approx(switch_interval(2000), rel=0.01)
