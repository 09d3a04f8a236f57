"""The benchmark's own clients, against a real server: each scenario of one process, in small."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import places
from benchmarks.load.generator import Generator, LoadError
from benchmarks.scenarios import events, hall, joining, posts, returning
from benchmarks.scenarios.case import QUICK, Figures, Outcome
from benchmarks.server import Server
from benchmarks.subjects import BY_NAME, Subject

PYTHON = str(places.VENV_PYTHON)
SMALL = replace(QUICK, crowd=30, warm_up=0.05, paced=0.2)


@pytest.fixture
def subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Subject]:
    """A subject by its name, run by this venv."""
    monkeypatch.setattr(places, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(places, "BUILD", tmp_path / "build")

    def find(name: str) -> Subject:
        found = BY_NAME[name]
        words = (sys.executable if word == PYTHON else word for word in found.command)
        return replace(found, command=tuple(words))

    return find


def figures(outcomes: list[Outcome]) -> Figures:
    """Of the only outcome."""
    (outcome,) = outcomes
    assert not outcome.failure
    return outcome.figures


def test_everybody_comes_back_as_whom_they_were(
    subject: Callable[[str], Subject], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(returning, "filled", lambda messages, checkout: None)
    monkeypatch.setattr(returning, "PACE", 100)
    found = figures(returning.measure(SMALL, subject("us-typed")))
    assert found["back"] == 30
    assert found["said"] > 0
    assert 0 < found["p99_ms"] <= found["max_ms"]


def test_whoever_does_not_come_back_is_missed(subject: Callable[[str], Subject]):
    mine = subject("us-typed")
    full = replace(mine, config={**(mine.config or {}), "maxUsers": 5})
    with (
        Server(full) as server,
        Generator(server.port, adapter=full.adapter) as load,
        pytest.raises(LoadError, match="503"),
    ):
        load.come(10, seconds=10)


def test_each_post_is_heard_by_everybody(subject: Callable[[str], Subject]):
    found = figures(posts.measure(SMALL, 3, subject("us-full")))
    assert found["posts_per_s"] > 0
    assert found["messages"] == 0  # the listeners themselves say nothing
    assert found["deliveries_per_s"] > found["posts_per_s"]


def test_listeners_of_events_hear_what_is_said(
    subject: Callable[[str], Subject], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(events, "USERS", 20)
    monkeypatch.setitem(events.PACES, 20, 50)

    def is_heard(seconds: float) -> bool:
        small = replace(SMALL, paced=seconds)
        return figures(events.measure(small, subject("us-full")))["samples"] > 0

    assert any(map(is_heard, (1.0, 4.0, 16.0))), "a machine may be too busy to speak in a second"


def test_a_hall_hears_that_everybody_has_reacted(subject: Callable[[str], Subject]):
    found = figures(hall.measure(SMALL, subject("us-typed")))
    assert 2 <= found["frames"] <= found["most_frames"] <= 4 * found["seconds"] + 2


@pytest.mark.parametrize("name", ["bare-join", "us-typed"])
def test_a_join_is_measured_of(
    name: str, subject: Callable[[str], Subject], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(joining, "filled", lambda messages, checkout: None)
    found = figures(joining.measure("N=20, nothing past", 20, 0, subject(name)))
    assert found["cpu_ms_per_user"] > 0
    assert found["notes"] == []
