"""Timers: calls in their order, none too early."""

from __future__ import annotations

from chatroom.rooms.timers import Timers
from tests.support.deadline import wait_for


def test_what_is_due_is_called_in_order_and_once() -> None:
    timers, called = Timers(), []
    for name in "a", "b":
        timers.after(0, lambda name=name: called.append(name))
    timers.run()
    timers.run()
    assert called == ["a", "b"]


def test_what_is_not_due_waits() -> None:
    timers, called = Timers(), []
    timers.after(3600, lambda: called.append("late"))
    timers.after(0.01, lambda: called.append("early"))

    def is_called() -> list[str]:
        timers.run()
        return called

    assert wait_for(is_called, "the early one") == ["early"]
    assert 3590 < (timers.run() or 0) <= 3600


def test_nothing_is_waited_for_where_there_is_nothing() -> None:
    assert Timers().run() is None


def test_a_call_may_make_another_one_later() -> None:
    timers, called = Timers(), []
    timers.after(0, lambda: timers.after(3600, lambda: called.append("later")))
    timers.run()
    timers.run()
    assert (called, timers.run() is None) == ([], False)
