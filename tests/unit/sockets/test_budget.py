"""What may be spent at once, and how it grows back."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from chatroom.sockets import budget
from chatroom.sockets.budget import Budget


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The monotonic clock, which the test sets."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_a_burst_is_free_and_what_comes_after_waits_for_its_share(clock: SimpleNamespace) -> None:
    ours = Budget(rate=10, burst=20)

    assert [ours.spend(10) for _ in range(4)] == [0, 0, 1, 2]


def test_what_is_spent_grows_back_but_never_beyond_the_burst(clock: SimpleNamespace) -> None:
    ours = Budget(rate=10, burst=20)
    ours.spend(20)

    clock.now += 1
    assert (ours.spend(10), ours.spend(10)) == (0, 1)
    clock.now += 1000
    assert (ours.is_whole, ours.spend(30)) == (True, 1)
    assert not ours.is_whole


def test_what_is_refused_costs_nothing(clock: SimpleNamespace) -> None:
    ours = Budget(rate=10, burst=20)

    assert ours.try_to_spend(15)
    assert not ours.try_to_spend(10)
    assert ours.try_to_spend(5)
    assert not ours.try_to_spend(1)
    clock.now += 0.5
    assert ours.try_to_spend(5)
