"""One line of the measurements: what is done, with whom, and how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.subjects import Subject

Figures = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What one measurement of one subject gave, or why it gave nothing."""

    scenario: str
    case: str
    subject: str
    figures: Figures = field(default_factory=dict)
    failure: str = ""


@dataclass(frozen=True)
class Case:
    """Something to measure.

    ``measure`` starts a fresh server; it may give several outcomes, and it raises StartError
    or LoadError when there is nothing to give.
    """

    scenarios: tuple[str, ...]
    name: str
    measure: Callable[[Subject], list[Outcome]]
    rounds: int
    only: tuple[str, ...] = ()
    """The names of the subjects that take part; all where it is empty."""
    parts: tuple[tuple[str, str], ...] = ()
    """Scenario and name of each outcome, where they do not all have the name of the case."""

    def failed(self, subject: str, why: str) -> list[Outcome]:
        """The outcomes of one that gave nothing."""
        parts = self.parts or tuple((scenario, self.name) for scenario in self.scenarios)
        return [Outcome(scenario, name, subject, failure=why) for scenario, name in parts]


@dataclass(frozen=True)
class Size:
    """How long and how large: ``--quick``, or in full. Times in seconds."""

    rounds: int
    budget: float
    """After which nothing more is begun."""
    settle: float
    """Before the phases of a room."""
    warm_up: float
    paced: float
    saturated: float
    joiners: int
    past: int
    crowd: int
    crowd_messages: int
    listed: int
    """Messages that ``/getAllMessages`` serves."""
    stored: tuple[int, ...]
    """Messages in the history before growth is measured."""
    drain: float
    """After a phase, for what is still under way."""
    slow: float
    idle: float
    """While nobody is there."""
    slow_only: tuple[str, ...] = ()
    """Who meets the slow readers; all where it is empty."""
    rooms_without: tuple[str, ...] = ()
    """Who is left out of the rooms."""
    crowd_only: tuple[str, ...] = ()
    """Who gets a crowd; all where it is empty."""
    two_only: tuple[str, ...] = ()
    """Whose rooms are served by two processes; all that can where it is empty."""


FULL = Size(
    rounds=3,
    budget=24 * 60,
    settle=1.5,
    warm_up=0.7,
    paced=2.5,
    saturated=3.0,
    joiners=1000,
    past=500,
    crowd=10_000,
    crowd_messages=10,
    listed=100_000,
    stored=(0, 100_000, 1_000_000),
    drain=10.0,
    slow=4.0,
    idle=8.0,
)

QUICK = Size(
    rounds=1,
    budget=110,
    settle=0.3,
    warm_up=0.1,
    paced=0.4,
    saturated=0.4,
    joiners=200,
    past=500,
    crowd=500,
    crowd_messages=2,
    listed=20_000,
    stored=(0, 100_000),
    drain=2.5,
    slow=2.0,
    idle=2.0,
    slow_only=("us-full", "go-hub"),
    rooms_without=("go-hub-pooled", "us-pace", "us-typed"),
    crowd_only=("us-full", "go-hub", "websockets", "node-ws"),
    two_only=("us-two", "us-full", "socketio-redis"),
)
