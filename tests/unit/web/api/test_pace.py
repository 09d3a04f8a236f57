"""Long messages over HTTP: a few at once, then as fast as over a socket, then a refusal."""

from __future__ import annotations

import time
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from chatroom.errors import Problem
from chatroom.sockets import budget
from chatroom.sockets.pace import FREE_BYTES
from chatroom.web.api.pace import Places, PostPace

LARGE = 65_536


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that requests sleep: none of them does, and no time goes by."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    return slept


def test_one_address_never_has_all_places() -> None:
    """Whoever takes a byte now and then would keep everybody else's pictures back."""
    places = Places(4, 3)

    def take(address: str) -> ExitStack | None:
        with ExitStack() as stack:
            try:
                stack.enter_context(places.one_for(address, "Too many."))
            except Problem as problem:
                assert (problem.code, problem.args) == ("busy", Problem("busy", "Too many.").args)
                return None
            return stack.pop_all()

    theirs = [take(address) for address in ("2001:db8::1", "2001:db8::2", "2001:db8::3")]
    assert all(theirs)
    assert take("2001:db8::4") is None
    other = take("192.0.2.1")
    assert other
    assert take("192.0.2.2") is None
    for stack in (*theirs, other):
        stack.close()  # type: ignore[union-attr]
    assert places._taken == {}
    for proxy in ("127.0.0.1", "unix"):  # everybody may be behind it
        all_of_them = [take(proxy) for _ in range(4)]
        assert all(all_of_them)
        assert take(proxy) is None
        for stack in all_of_them:
            stack.close()  # type: ignore[union-attr]


def test_long_messages_wait_and_too_many_at_a_time_are_refused(slept: list[float]) -> None:
    ours = PostPace(LARGE)
    for _ in range(16):
        ours.await_bytes("192.0.2.1", LARGE)

    assert slept[:8] == [0] * 8
    assert slept[8:] == pytest.approx([0.25 * n for n in range(1, 9)], abs=0.05)
    with pytest.raises(Problem, match="too many long messages") as caught:
        ours.await_bytes("192.0.2.1", LARGE)
    assert (caught.value.code, caught.value.headers) == ("unavailable", {"Retry-After": "2"})
    ours.await_bytes("192.0.2.2", LARGE)
    assert slept[-1] == 0


def test_short_messages_never_wait(slept: list[float]) -> None:
    ours = PostPace(LARGE)
    for _ in range(10_000):
        ours.await_bytes("192.0.2.1", FREE_BYTES)

    assert slept == []
