"""How many messages a second one person may say."""

from __future__ import annotations

import threading
import time

import pytest

from chatroom.sockets import budget
from chatroom.users.speaking_pace import SECONDS_AT_ONCE, SpeakingPace, whose
from tests.support.deadline import DEADLINE

PER_SECOND = 5
BURST = PER_SECOND * SECONDS_AT_ONCE


class PacedClock:
    """Stands still until the test moves it on."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> PacedClock:
    clock = PacedClock()
    monkeypatch.setattr(budget, "time", clock)
    return clock


def seconds(pace: SpeakingPace, who: str = "Ann", count: int = 1) -> list[float]:
    return [pace.seconds_to_wait(who) for _ in range(count)]


def test_a_burst_may_be_said_at_once_and_then_so_many_a_second(clock: PacedClock) -> None:
    pace = SpeakingPace(PER_SECOND)

    assert seconds(pace, count=BURST) == [0] * BURST
    assert seconds(pace) == [pytest.approx(1 / PER_SECOND, abs=0.001)]
    clock.now += 1
    assert seconds(pace, count=PER_SECOND) == [0] * PER_SECOND
    assert seconds(pace) == [pytest.approx(1 / PER_SECOND, abs=0.001)]


def test_what_was_refused_costs_nothing(clock: PacedClock) -> None:
    pace = SpeakingPace(PER_SECOND)
    seconds(pace, count=BURST + 100)

    clock.now += 1 / PER_SECOND

    assert seconds(pace) == [0]


def test_nobody_waits_for_another(clock: PacedClock) -> None:
    pace = SpeakingPace(PER_SECOND)
    seconds(pace, "Ann", BURST + 1)

    assert seconds(pace, "Bob") == [0]


def test_who_waits_goes_on_when_it_is_time() -> None:
    pace = SpeakingPace(100)
    began = time.monotonic()

    for _ in range(100 * SECONDS_AT_ONCE + 10):
        pace.wait("Ann", lambda: False)

    assert time.monotonic() - began >= 0.09


def test_who_is_gone_waits_no_longer() -> None:
    pace = SpeakingPace(1)
    seconds(pace, count=SECONDS_AT_ONCE)
    for _ in range(int(DEADLINE)):
        pace.wait("Ann", lambda: True)  # a debt that would take longer than a test may
    gone = threading.Event()
    waiting = threading.Thread(target=pace.wait, args=("Ann", gone.is_set))
    waiting.start()

    gone.set()

    waiting.join(DEADLINE)
    assert not waiting.is_alive()


def test_people_are_counted_wherever_they_are_and_strangers_by_address_and_room() -> None:
    assert whose("u1", "192.0.2.1", "a") == whose("u1", "192.0.2.2", "b")
    assert whose("", "192.0.2.1", "a") != whose("", "192.0.2.1", "b")
    assert whose("", "192.0.2.1", "a") != whose("", "192.0.2.2", "a")
    assert whose("", "::ffff:192.0.2.1", "a") == whose("", "192.0.2.1", "a")
    assert whose("", "2001:db8::1", "a") == whose("", "2001:db8::2", "a")
