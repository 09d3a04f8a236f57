"""How soon a thread that waits for the interpreter asks for it, by how many there are."""

from __future__ import annotations

import sys

import pytest

from chatroom.serving.interpreter import (
    SHORTEST,
    SHORTEST_BESIDE_REQUESTS,
    WAKING,
    Interpreter,
    switch_interval,
)

PYTHONS_OWN = 0.005


@pytest.mark.parametrize("connections", [0, 1, 90])
def test_where_few_are_whoever_waits_asks_sooner_than_python_would(connections: int) -> None:
    assert switch_interval(connections) == SHORTEST < PYTHONS_OWN


@pytest.mark.parametrize("requests", [0, 1])
@pytest.mark.parametrize("connections", [90, 400, 1000, 3000, 10_000])
def test_however_many_wait_they_do_not_keep_the_process_busy_by_asking(
    connections: int, requests: int
) -> None:
    wakes_per_second = connections / switch_interval(connections, requests)

    assert wakes_per_second <= WAKING


def test_ten_thousand_ask_twice_a_second() -> None:
    assert switch_interval(10_000) == pytest.approx(0.5)


def test_all_threads_of_the_process_wait_so_long() -> None:
    Interpreter().share(2000)

    assert sys.getswitchinterval() == pytest.approx(switch_interval(2000), rel=0.01)


def test_they_ask_sooner_as_long_as_any_request_is_answered() -> None:
    interpreter = Interpreter()
    interpreter.share(10)

    with interpreter.beside_request():
        with interpreter.beside_request():
            pass
        interpreter.share(20)
        assert sys.getswitchinterval() == pytest.approx(SHORTEST_BESIDE_REQUESTS)
    assert sys.getswitchinterval() == pytest.approx(SHORTEST)
