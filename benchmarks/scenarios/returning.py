"""Scenario 9: the server starts anew, and everybody comes back at once."""

from __future__ import annotations

import time
from functools import partial

from benchmarks import proc
from benchmarks.filling import filled
from benchmarks.load.generator import Generator, LoadError
from benchmarks.scenarios.case import Case, Outcome, Size
from benchmarks.scenarios.crowd import demand_threads
from benchmarks.server import Server
from benchmarks.subjects import Subject

PACE = 2.0
"""Messages a second, said meanwhile by the first one who is back."""

PAST = 500
"""Messages that the room has from before. Whoever comes back has them."""


def cases(size: Size, wanted: set[str]) -> list[Case]:
    """One case; as a crowd, it takes long."""
    if "returning" not in wanted:
        return []
    only = ("us-typed", "go-hub")
    return [Case(("returning",), f"N={size.crowd}", partial(measure, size), 1, only)]


def measure(size: Size, subject: Subject) -> list[Outcome]:
    """Fill the house, start the server anew, and wait until the last one is live."""
    demand_threads(subject, size.crowd)
    database = filled(PAST, subject.checkout) if subject.history else None
    with (
        Server(subject, database) as server,
        Generator(server.port, adapter=subject.adapter) as load,
    ):
        first = load.come(size.crowd)
        begin = time.monotonic()
        server.stop()
        stopped = time.monotonic() - begin
        load.go()
        server.start_again()
        empty, cpu = proc.memory(server.pids), proc.cpu_ns(server.pids)
        figures = load.come(size.crowd, pace=PACE)
        cpu = proc.cpu_ns(server.pids) - cpu
        full = proc.memory(server.pids)
    if subject.is_ours and figures["back"] < size.crowd:
        raise LoadError(
            f"only {figures['back']} of {size.crowd} were told that they missed nothing"
        )
    figures |= {
        "first_seconds": first["seconds"],
        "stop_seconds": stopped,
        "cpu_ms_per_user": cpu / 1e6 / size.crowd,
        "memory_kb_per_user": (full - empty) / size.crowd / 1000,
        "notes": [] if subject.is_ours else ["knows nobody from before: they join"],
    }
    return [Outcome("returning", f"N={size.crowd}", subject.name, figures)]
