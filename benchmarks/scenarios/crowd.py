"""Scenario 4: thousands of users in one process, and one message to all of them."""

from __future__ import annotations

from functools import partial

from benchmarks import proc
from benchmarks.load.generator import Generator, LoadError
from benchmarks.scenarios.case import Case, Outcome, Size
from benchmarks.scenarios.rooms import plan_phase
from benchmarks.server import Server
from benchmarks.subjects import Subject

PACE = 2.0
"""Messages a second."""

THREADS_SPARED = 2000
"""Of the kernel's numbers for threads: for the others on the machine."""


def cases(size: Size, wanted: set[str]) -> list[Case]:
    """One case; it takes long, and once tells as much as thrice."""
    if "crowd" not in wanted:
        return []
    return [Case(("crowd",), f"N={size.crowd}", partial(measure, size), 1, size.crowd_only)]


def measure(size: Size, subject: Subject) -> list[Outcome]:
    """Fill the house; weigh it; speak."""
    demand_threads(subject, size.crowd)
    with Server(subject) as server, Generator(server.port, adapter=subject.adapter) as load:
        empty = proc.memory(server.pids)
        seconds = load.connect(size.crowd, senders=2, seconds=120)
        load.gather(60)
        full = proc.memory(server.pids)
        threads = proc.threads(server.pids)
        length = size.crowd_messages / PACE
        plan = plan_phase(server, 0.5 / PACE, length, rate=PACE, samples=size.crowd)
        load.start(plan)
        figures = load.finish()
    figures |= {
        "memory_kb_per_user": (full - empty) / size.crowd / 1000,
        "threads": threads,
        "connect_s": seconds,
    }
    return [Outcome("crowd", f"N={size.crowd}", subject.name, figures)]


def demand_threads(subject: Subject, users: int) -> None:
    """Make sure that the machine has as many as they need.

    Raises:
        LoadError: it has not.
    """
    wanted = subject.threads_per_user * users
    left = proc.pid_max() - proc.threads_on_machine() - THREADS_SPARED
    if wanted > left:
        raise LoadError(
            f"{subject.threads_per_user:.0f} threads for each user make {wanted:,.0f}; "
            f"this machine has {left:,} left (kernel.pid_max)"
        )
