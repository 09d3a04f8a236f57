"""Scenario 11: a thousand listeners without a WebSocket, by Server-Sent Events."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from benchmarks import proc
from benchmarks.load.adapters import EVENTS
from benchmarks.load.generator import Generator
from benchmarks.scenarios.case import Case, Outcome, Size
from benchmarks.scenarios.rooms import PACES, plan_phase
from benchmarks.server import Server
from benchmarks.subjects import Subject

USERS = 1000


def cases(size: Size, wanted: set[str]) -> list[Case]:
    """One case."""
    if "events" not in wanted:
        return []
    return [Case(("events",), f"N={USERS}", partial(measure, size), size.rounds, ("us-full",))]


def measure(size: Size, subject: Subject) -> list[Outcome]:
    """Let them listen while somebody speaks, as often as in a room of as many sockets."""
    with (
        Server(subject) as server,
        Generator(server.port, adapter=EVENTS) as load,
        Generator(server.port, adapter=subject.adapter) as talk,
    ):
        talk.connect(2, senders=2)
        talk.gather()
        empty, cpu = proc.memory(server.pids), proc.cpu_ns(server.pids)
        load.connect(USERS)
        cpu = proc.cpu_ns(server.pids) - cpu
        full = proc.memory(server.pids)
        plan = plan_phase(server, size.warm_up, size.paced, rate=PACES[USERS])
        load.start(replace(plan, rate=0))
        talk.start(plan)
        said = talk.finish(seconds=size.drain)["messages"]
        figures = load.finish(seconds=size.drain, expected=said)
    figures |= {
        "cpu_ms_per_user": cpu / 1e6 / USERS,
        "memory_kb_per_user": (full - empty) / USERS / 1000,
    }
    return [Outcome("events", f"N={USERS}", subject.name, figures)]
