"""Scenario 6: a tenth of the users never read. The others must not feel it."""

from __future__ import annotations

from functools import partial

from benchmarks import proc
from benchmarks.load.generator import Generator
from benchmarks.scenarios.case import Case, Figures, Outcome, Size
from benchmarks.scenarios.rooms import SENDERS, plan_phase
from benchmarks.server import Server
from benchmarks.subjects import Subject

USERS = 90
SLEEPERS = 9
PACE = 100
LENGTH = 16383
BEFORE = 220
"""Long messages, and some beforehand: the kernel alone holds megabytes for a socket that nobody
reads, and only when it is full does the server feel it."""


def cases(size: Size, wanted: set[str]) -> list[Case]:
    """One case."""
    name = f"{SLEEPERS} of {USERS} never read"
    if "slow" not in wanted:
        return []
    rounds = min(size.rounds, 2)  # each takes two servers
    return [Case(("slow",), name, partial(measure, size, name), rounds, size.slow_only)]


def measure(size: Size, name: str, subject: Subject) -> list[Outcome]:
    """The same room twice, on fresh servers."""
    alone = _run(size, subject, 0)
    figures = _run(size, subject, SLEEPERS)
    figures["p99_ms_alone"] = alone["p99_ms"]
    figures["p50_ms_alone"] = alone["p50_ms"]
    figures["p99_ratio"] = figures["p99_ms"] / alone["p99_ms"]
    return [Outcome("slow", name, subject.name, figures)]


def _run(size: Size, subject: Subject, sleepers: int) -> Figures:
    readers = USERS - sleepers
    with (
        Server(subject) as server,
        Generator(server.port, adapter=subject.adapter, length=LENGTH) as load,
    ):
        load.connect(readers // 2, senders=SENDERS)
        load.connect_sleepers(sleepers)
        load.connect(readers - readers // 2)
        before = proc.memory(server.pids)
        load.speak(BEFORE, window=4)
        load.gather()
        load.start(plan_phase(server, size.warm_up, size.slow, rate=PACE))
        figures = load.finish()
        figures["memory_mb_grown"] = (proc.memory(server.pids) - before) / 1e6
        figures["dropped"] = load.wake_sleepers() if sleepers else 0
    return figures
