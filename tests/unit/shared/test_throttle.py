"""Throttle: one line at once, then not too many."""

from __future__ import annotations

import logging

import pytest

from chatroom.shared.throttle import Throttle

log = logging.getLogger(__name__)


def test_a_line_that_comes_too_often_is_kept_back(caplog: pytest.LogCaptureFixture) -> None:
    throttle = Throttle(log, interval=1000)
    for number in range(5):
        throttle.warning("error: %d", number)

    assert caplog.messages == ["error: 0"]


def test_the_next_line_says_how_many_were_kept_back(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    throttle = Throttle(log, interval=60)
    for number in range(3):
        throttle.warning("error: %d", number)
    now = 1060.0
    throttle.warning("error: %d", 3)
    now = 1120.0
    throttle.warning("error: %d", 4)

    assert caplog.messages == ["error: 0", "error: 3 (2 more since the last line)", "error: 4"]
