"""A start that is tried until it works, and says meanwhile why it does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from chatroom.errors import HistoryRefused
from chatroom.serving import starter
from chatroom.serving.starter import Starter
from tests.support.deadline import DEADLINE, wait_for


class LateEngine:
    """One whose database is away for so many attempts."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        self.is_over = threading.Event()
        self.waits_for: Exception | None = None
        self.attempts = 0
        self._failures = failures
        self._error = error or HistoryRefused("postgresql://db/chat", "it is away", "start it")

    def start(self) -> None:
        self.attempts += 1
        if self.attempts <= self._failures:
            raise self._error
        self.waits_for = None


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starter, "PAUSE", 0.001)
    monkeypatch.setattr(starter, "JITTER", 0.001)


@pytest.fixture
def over() -> Iterator[list[LateEngine]]:
    """Engines whose starters end with the test."""
    engines: list[LateEngine] = []
    yield engines
    for engine in engines:
        engine.is_over.set()


def start(engine: Any, started: threading.Event) -> None:
    Starter(engine, started.set).start()


def test_what_starts_at_once_has_started_before_anybody_comes_in():
    engine, started = LateEngine(0), threading.Event()
    start(engine, started)

    wait_for(started.is_set, "whatever is done then")
    assert (engine.attempts, engine.waits_for) == (1, None)


def test_it_is_tried_until_it_works(caplog: pytest.LogCaptureFixture):
    engine, started = LateEngine(5), threading.Event()
    start(engine, started)

    wait_for(started.is_set, "the start")
    assert (engine.attempts, engine.waits_for) == (6, None)
    assert caplog.text.count("waiting: postgresql://db/chat: it is away; start it") == 1


def test_meanwhile_it_is_known_what_it_waits_for(over: list[LateEngine]):
    engine = LateEngine(10**9)
    over.append(engine)
    start(engine, threading.Event())

    assert "it is away" in str(engine.waits_for)


def test_what_fails_alike_for_long_is_said_again_once_in_a_while(
    over: list[LateEngine], caplog: pytest.LogCaptureFixture
):
    engine = LateEngine(10**9)
    over.append(engine)
    start(engine, threading.Event())

    wait_for(lambda: engine.attempts > starter.QUIET_ATTEMPTS + 1, "attempts")
    wait_for(lambda: caplog.text.count("waiting: ") == 2, "the second line")


def test_a_fault_of_ours_does_not_end_the_attempts(caplog: pytest.LogCaptureFixture):
    engine, started = LateEngine(1, ValueError("a bug")), threading.Event()
    start(engine, started)

    wait_for(started.is_set, "the start")
    assert "a bug" in caplog.text


def test_a_worker_lets_people_in_though_the_first_attempt_takes_long(
    monkeypatch: pytest.MonkeyPatch,
):
    """They get 503, and not a connection that nobody answers."""
    monkeypatch.setattr(starter, "FIRST_SECONDS", 0.01)
    away, is_over, started = threading.Event(), threading.Event(), threading.Event()
    engine = SimpleNamespace(start=away.wait, is_over=is_over, waits_for=None)
    start(engine, started)

    assert not started.is_set()
    assert "being opened" in str(engine.waits_for)
    away.set()
    assert started.wait(DEADLINE)


def test_a_room_that_is_to_stop_is_tried_no_more(over: list[LateEngine]):
    engine = LateEngine(10**9)
    start(engine, threading.Event())
    engine.is_over.set()

    wait_for(lambda: "starter" not in {t.name for t in threading.enumerate()}, "its end")
