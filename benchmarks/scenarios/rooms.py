"""Scenarios 1 and 2: a room of N users, at a steady pace, then as fast as it goes."""

from __future__ import annotations

import time
from functools import partial

from benchmarks.load.generator import Generator, LoadError
from benchmarks.load.messages import MARKER, payload
from benchmarks.load.phase import Plan
from benchmarks.load.wire import server_frame
from benchmarks.scenarios.case import Case, Figures, Outcome, Size
from benchmarks.server import Server
from benchmarks.subjects import SUBJECTS, Subject

PACES = {10: 500, 90: 200, 1000: 20}
"""Users: messages a second, of all together."""

SENDERS = 8
WINDOW = 16
"""Messages under way of each sender: 128 together, half of the Go hub's 256 slots."""

ADDITIONS = b',"id":"12345-0123456789abcdef","room":"lobby","sentAt":"2026-01-31T09:05:00.123Z"}'
"""What the chat room puts behind the three fields: the floor sends as many bytes."""


def cases(size: Size, wanted: set[str]) -> list[Case]:
    """One case for each size of room; both phases share its users."""
    phases = tuple(name for name in ("paced", "saturated") if name in wanted)
    only = tuple(s.name for s in SUBJECTS if s.name not in size.rooms_without)
    return [
        Case(phases, f"N={users}", partial(measure, size, phases, users), size.rounds, only)
        for users in PACES
        if phases
    ]


def measure(size: Size, phases: tuple[str, ...], users: int, subject: Subject) -> list[Outcome]:
    """Fill a room, and run the phases in it."""
    outcomes = []
    case = f"N={users}"
    with Server(subject) as server, Generator(server.port, adapter=subject.adapter) as load:
        load.connect(users, senders=min(SENDERS, users))
        if not subject.driven:
            load.gather()
            failure = settle(size, server, load)
        else:
            failure = ""
        for phase in phases:
            figures: Figures = {}
            if not failure:
                try:
                    figures = run_phase(size, phase, users, server, load)
                except LoadError as error:
                    failure = str(error)
            outcomes.append(Outcome(phase, case, subject.name, figures, failure))
    return outcomes


def settle(size: Size, server: Server, load: Generator) -> str:
    """Let everybody chat for a while before anything is measured.

    One message of each sender at a time, so that SQLite's log has its full size: the commits
    that make it grow cost half as much again as all later ones.
    """
    try:
        load.start(plan_phase(server, 0.1, size.settle, rate=0, window=1))
        load.finish(seconds=size.drain)
    except LoadError as error:
        return str(error)
    return ""


def run_phase(size: Size, phase: str, users: int, server: Server, load: Generator) -> Figures:
    """Warm up, measure, and wait for what is under way."""
    paced = phase == "paced"
    length = size.paced if paced else size.saturated
    rate = PACES[users] if paced else 0
    plan = plan_phase(server, size.warm_up, length, rate=rate, window=0 if paced else WINDOW)
    if server.subject.driven:
        return _drive(server, load, plan, size.warm_up + length, users)
    load.start(plan)
    return load.finish(seconds=size.drain)


def plan_phase(
    server: Server, warm_up: float, length: float, *, rate: float, window: int = 0, samples: int = 0
) -> Plan:
    """A phase that begins at once; its length in seconds comes behind its warm-up."""
    start = time.monotonic_ns() + 20_000_000  # the processes need a moment to hear of it
    measure_from = start + int(warm_up * 1e9)
    measure_to = measure_from + int(length * 1e9)
    # A saturated generator has no time for more samples, a paced one has.
    samples = samples or (60 if rate else 4)
    return Plan(start, measure_from, measure_to, rate, window, samples, tuple(server.pids))


def _drive(server: Server, load: Generator, plan: Plan, seconds: float, users: int) -> Figures:
    """Let the floor send for so long."""
    frame = server_frame(payload(0, 0, 0)[:-1] + ADDITIONS)
    offset = frame.index(MARKER) + len(MARKER) + len("s000 0000000 ")
    pace = f"paced {plan.rate}" if plan.rate else "closed"
    load.start(Plan(plan.start, plan.measure_from, plan.measure_to, 0, 0, plan.samples, plan.pids))
    time.sleep(max(0, plan.start - time.monotonic_ns()) / 1e9)  # else it begins before the count
    server.tell(f"{pace} {seconds} {offset} {len(frame)}\n".encode() + frame)
    done = server.hear(seconds + 10)
    figures = load.finish(expected=int(done["rounds"]))
    return figures | {"cpu_us_per_send": done["cpu_us_per_send"]}
