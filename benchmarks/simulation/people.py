"""What so many people would need, from what a few were measured to cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.simulation.costs import Costs

PER_PROCESS = 10_000
"""People: so many were measured in one process (scenario ``crowd``)."""

MOST = 1_000
"""Processes of a database: more are no answer, and a group of rooms has to be split."""

BUSY = 0.7
"""Of a core: more than that, and a process answers late."""

CONNECTIONS = 6
"""Of a process to the database: four that last, two that read."""

KB_PER_PERSON = 44.2
"""Scenario ``crowd``, of the typed protocol."""

MB_PER_PROCESS = 60.0
"""Scenario ``two-idle``, rounded up."""

JOIN_MS = 1.3
"""CPU of a process for somebody who comes, with 500 past messages; scenario ``two-joining``."""

JOIN_ENGINE_MS = 0.01
"""And of the engine; past messages of an open room come from the process."""

NOTIFICATIONS = 8_700.0
"""A second, to nobody; and what each listener costs, in seconds. Source: pgsql-hackers, 2025, by
whom it is about to be mended: 8,700 a second without idle listeners, 6,100 with 10, 2,000 with
100."""
LISTENER = (1 / 2_000 - 1 / NOTIFICATIONS) / 100

FULL = 0.5
"""Of the notifications that are possible: so much is planned with."""


def notifications_at_most(listeners: int) -> float:
    """A second, in one PostgreSQL, when so many processes listen."""
    return 1 / (1 / NOTIFICATIONS + LISTENER * listeners)


@dataclass(frozen=True)
class Habits:
    """What people do. Assumed, not measured: put your own here."""

    room: int = 100
    """People in a room at the same time."""
    says_every: float = 300.0
    """Seconds between two messages of one person."""
    stays: float = 1800.0
    """Seconds until a connection is made anew."""
    peak: float = 3.0
    """The worst minute, to the mean."""


@dataclass(frozen=True)
class Needs:
    """At the peak."""

    people: int
    databases: int
    processes: int
    """All of them; those of one database listen to each other only."""
    cores: float
    engine_cores: float
    memory_gb: float
    messages_per_s: float
    commits_per_s: float
    """Of one database, like the next ones; at most: some hold several messages."""
    notifications_per_s: float
    notifications_at_most: float
    connections: int
    busy: float
    """Of a core, each process."""


def needs(
    people: int,
    costs: Costs,
    habits: Habits | None = None,
    *,
    databases: int = 0,
    affinity: bool = False,
) -> Needs:
    """Of so many people.

    Args:
        people: connected at the same time.
        costs: of the machine that was measured.
        habits: of the people.
        databases: each for a group of rooms; 0: as few as carry the notifications.
        affinity: a balancer brings the people of a room to one process.
    """
    habits = habits or Habits()
    if not databases:
        databases = 1
        while not _fits(needs(people, costs, habits, databases=databases, affinity=affinity)):
            databases += 1
    group = math.ceil(people / databases)
    messages = group / habits.says_every * habits.peak
    joins = group / habits.stays * habits.peak
    processes = max(1, math.ceil(group / PER_PROCESS))
    while True:
        cores = _process_us(processes, messages, costs, habits, affinity) / 1e6
        busy = (cores + joins * JOIN_MS / 1e3) / processes
        if busy <= BUSY or processes >= MOST:
            break
        processes += 1
    listeners = processes if processes > 1 else 0
    told = messages if listeners else 0.0
    engine_us = messages * (costs.engine + costs.store) + told * costs.notify * (listeners - 1)
    return Needs(
        people,
        databases,
        processes * databases,
        busy * processes * databases,
        databases * (engine_us / 1e6 + joins * JOIN_ENGINE_MS / 1e3),
        (people * KB_PER_PERSON / 1e6) + processes * databases * MB_PER_PROCESS / 1e3,
        messages * databases,
        messages,
        told,
        notifications_at_most(listeners),
        processes * CONNECTIONS,
        busy,
    )


def _fits(found: Needs) -> bool:
    return found.notifications_per_s <= FULL * found.notifications_at_most and found.busy <= BUSY


def _process_us(
    processes: int, messages: float, costs: Costs, habits: Habits, affinity: bool
) -> float:
    """Of all processes of a database, a second."""
    # That have somebody of a room: each person comes to any of them.
    spread = 1.0 if affinity else processes * (1 - (1 - 1 / processes) ** habits.room)
    each = costs.take + costs.batch + costs.place + costs.ask
    each += habits.room * (costs.send + costs.deliver)
    if processes > 1:
        each += costs.tell / 2 * processes  # everybody hears of everything
        each += (spread - 1) * costs.hear
    return messages * each
