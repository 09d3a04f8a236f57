"""Scenario 3: many users arrive as fast as they can, each to get the past messages."""

from __future__ import annotations

from functools import partial

from benchmarks import proc
from benchmarks.filling import filled
from benchmarks.load.generator import Generator
from benchmarks.scenarios.case import Case, Outcome, Size
from benchmarks.server import Server
from benchmarks.subjects import Subject


def cases(size: Size, wanted: set[str]) -> list[Case]:
    """One case."""
    if "joining" not in wanted:
        return []
    return [Case(("joining",), f"N={size.joiners}", partial(measure, size), size.rounds)]


def measure(size: Size, subject: Subject) -> list[Outcome]:
    """Fill the history, open the door, and look at the clocks when the last one has all."""
    past = size.past if subject.is_ours else 0
    database = filled(past, subject.checkout) if subject.history else None
    with Server(subject, database) as server:
        if past and not database:
            with Generator(server.port, adapter=subject.adapter) as speaker:
                speaker.connect(1, senders=1)
                speaker.speak(past)
        with Generator(server.port, adapter=subject.adapter) as load:
            cpu = proc.cpu_ns(server.pids)
            seconds = load.connect(size.joiners, past=past)
            load.gather()  # a peer's handshake may be over before the user is in
            cpu = proc.cpu_ns(server.pids) - cpu
    figures = {
        "users_per_s": size.joiners / seconds,
        "cpu_ms_per_user": cpu / 1e6 / size.joiners,
        "seconds": seconds,
        "past": past,
        "notes": [] if past else ["has no past messages to send"],
    }
    return [Outcome("joining", f"N={size.joiners}", subject.name, figures)]
