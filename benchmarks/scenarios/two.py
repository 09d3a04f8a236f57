"""Scenario 7: one room, two processes, and half of the users at each.

Whatever they share (PostgreSQL, Redis) is started for each measurement, and its CPU counts.
"""

from __future__ import annotations

import time
from functools import partial

from benchmarks import proc
from benchmarks.filling import filled
from benchmarks.group import Group
from benchmarks.load.generator import Generator, LoadError
from benchmarks.load.phase import LAG, Plan
from benchmarks.scenarios.case import Case, Figures, Outcome, Size
from benchmarks.subjects import TWO, Subject

SINGLE = "us-full"
"""One process without an engine: what two have to be better than, or at least not much worse."""

OURS = ("us-two", "us-one", SINGLE)
ALL = (*(subject.name for subject in TWO), SINGLE)

PACE = 200
IDLE = "us-two"
IDLE_PROCESSES = 4

Phase = tuple[str, str, int, int]
"""Scenario, case, users at each process, messages under way in all; 0: at the pace."""

FEW = 8
MANY = 50
PHASES: dict[int, tuple[Phase, ...]] = {
    MANY: (("two-saturated", "25 clients each, 128 under way", 25, 128),),
    FEW: (
        ("two-saturated", "4 clients each, 32 under way", 4, 32),
        ("two-paced", f"4 clients each, {PACE}/s", 4, 0),
        ("two-saturated", "4 clients each, 256 under way", 4, 256),
    ),
}
"""By the number of users, who stay for all phases."""

SENDERS = 8


def cases(size: Size, wanted: set[str]) -> list[Case]:
    """Two rooms, the joining, and the silence."""
    found = []
    only = size.two_only or ALL
    for users, phases in PHASES.items():
        part = [phase for phase in phases if phase[0] in wanted]
        if part:
            scenarios = tuple(dict.fromkeys(phase[0] for phase in part))
            measured = partial(measure, size, part, users)
            names = tuple(phase[:2] for phase in part)
            title = f"{users // 2} clients each"
            found.append(Case(scenarios, title, measured, size.rounds, only, names))
    if "two-joining" in wanted:
        measured = partial(measure_joining, size)
        found.append(Case(("two-joining",), f"N={size.joiners}", measured, size.rounds, OURS))
    if "two-idle" in wanted:
        name = f"{IDLE_PROCESSES} processes"
        measured = partial(measure_idle, size, name)
        found.append(Case(("two-idle",), name, measured, 1, (IDLE,)))
    return found


def measure(size: Size, phases: list[Phase], users: int, subject: Subject) -> list[Outcome]:
    """Fill a room over all processes, and run the phases in it."""
    outcomes = []
    failure = ""
    with Group(subject) as group, Generator(*group.ports, adapter=subject.adapter) as load:
        load.connect(users, senders=SENDERS)
        load.gather()
        try:
            run(size, group, load, size.settle, SENDERS)  # as in rooms.settle
        except LoadError as error:
            failure = str(error)
        for scenario, case, _, under_way in phases:
            figures: Figures = {}
            if not failure:
                try:
                    length = size.saturated if under_way else size.paced
                    figures = run(size, group, load, length, under_way)
                except LoadError as error:
                    failure = str(error)
            outcomes.append(Outcome(scenario, case, subject.name, figures, failure))
    return outcomes


def run(size: Size, group: Group, load: Generator, length: float, under_way: int) -> Figures:
    """One phase, with what several processes add to its figures."""
    start = time.monotonic_ns() + 20_000_000
    measure_from = start + int(size.warm_up * 1e9)
    plan = Plan(
        start,
        measure_from,
        measure_from + int(length * 1e9),
        rate=0 if under_way else PACE,
        window=under_way // SENDERS,
        samples=8 if under_way else 60,
        pids=tuple(group.pids),
        engine_pids=tuple(group.engine_pids),
        lag=max(
            LAG, under_way
        ),  # or those of the other process fall behind for as long as it lasts
    )
    load.start(plan)
    figures = load.finish(seconds=size.drain)
    messages_per_s = figures["deliveries_per_s"] / load.users
    figures["messages_per_s"] = messages_per_s
    if messages_per_s:
        figures["engine_us_per_message"] = figures["engine_cores"] * 1e6 / messages_per_s
        figures["cpu_us_per_message"] = figures["server_cores"] * 1e6 / messages_per_s
    if len(group.servers) == 1:
        figures |= {"own_p50_ms": figures["p50_ms"], "own_p99_ms": figures["p99_ms"]}
        figures |= {"other_p50_ms": None, "other_p99_ms": None}
    return figures


def measure_joining(size: Size, subject: Subject) -> list[Outcome]:
    """As ``joining.measure``: everybody comes at once, and gets the past messages."""
    past = size.past
    database = filled(past, subject.checkout) if subject.history else None
    with Group(subject, database) as group:
        if not database:
            with Generator(group.ports[0], adapter=subject.adapter) as speaker:
                speaker.connect(1, senders=1)
                speaker.speak(past)
        with Generator(*group.ports, adapter=subject.adapter) as load:
            before = proc.clocks(group.pids)
            seconds = load.connect(size.joiners, past=past)
            load.gather()
            after, engine = proc.clocks(group.pids), set(group.engine_pids)
    spent = {pid: now - before.get(pid, 0) for pid, now in after.items()}
    figures = {
        "users_per_s": size.joiners / seconds,
        "cpu_ms_per_user": sum(spent.values()) / 1e6 / size.joiners,
        "engine_ms_per_user": sum(spent[pid] for pid in engine & spent.keys()) / 1e6 / size.joiners,
        "seconds": seconds,
    }
    return [Outcome("two-joining", f"N={size.joiners}", subject.name, figures)]


def measure_idle(size: Size, name: str, subject: Subject) -> list[Outcome]:
    """Nobody is there: what the processes and the engine use all the same, in % of a core."""
    with Group(subject, processes=IDLE_PROCESSES) as group:
        time.sleep(size.settle)  # what a start leaves to be done
        engine = set(group.engine_pids)
        before, begin = proc.clocks(group.pids), time.monotonic()
        time.sleep(size.idle)
        after, seconds = proc.clocks(before), time.monotonic() - begin
        memory = proc.memory([pid for server in group.servers for pid in server.pids])
        connections = len(engine)
    spent = {pid: (now - before[pid]) / 1e7 / seconds for pid, now in after.items()}
    figures = {
        "process_percent": sum(s for pid, s in spent.items() if pid not in engine) / IDLE_PROCESSES,
        "engine_percent": sum(s for pid, s in spent.items() if pid in engine),
        "engine_processes": connections,
        "memory_mb": memory / 1e6 / IDLE_PROCESSES,
    }
    return [Outcome("two-idle", name, subject.name, figures)]
