"""What may be spent at once, and how it grows back."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from chatroom.sockets import budget
from chatroom.sockets.budget import TIDY_AT, Budget, Budgets


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


def test_each_address_has_a_budget_of_its_own(clock: SimpleNamespace) -> None:
    ours = Budgets(rate=1, burst=1)

    assert ours.of("192.0.2.1").try_to_spend(1)
    assert not ours.of("::ffff:192.0.2.1").try_to_spend(1)
    assert ours.of("192.0.2.2").try_to_spend(1)
    assert ours.of("unix").try_to_spend(1)


def test_a_network_of_ipv6_is_one_address(clock: SimpleNamespace) -> None:
    ours = Budgets(rate=1, burst=1)

    assert ours.of("2001:db8::1").try_to_spend(1)
    assert not ours.of("2001:db8::ffff:1").try_to_spend(1)
    assert ours.of("2001:db8:0:1::1").try_to_spend(1)


def test_an_address_that_has_long_spent_nothing_takes_no_memory(clock: SimpleNamespace) -> None:
    ours = Budgets(rate=1, burst=10)
    for number in range(3 * TIDY_AT):
        clock.now += 1
        assert ours.of(f"10.0.{number // 250}.{number % 250}").try_to_spend(1)

    assert len(ours) <= TIDY_AT
