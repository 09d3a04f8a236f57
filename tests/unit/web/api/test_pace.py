"""Long messages over HTTP: a few at once, then as fast as over a socket, then a refusal."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from chatroom.errors import Problem
from chatroom.sockets import budget
from chatroom.sockets.pace import FREE_BYTES
from chatroom.web.api.pace import PostPace

LARGE = 65_536


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that requests sleep: none of them does, and no time goes by."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    return slept


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
