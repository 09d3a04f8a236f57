"""Scenario 3: many users arrive as fast as they can, each to get the past messages, if any."""

from __future__ import annotations

from functools import partial

from benchmarks import proc
from benchmarks.filling import filled
from benchmarks.load.generator import Generator
from benchmarks.scenarios.case import Case, Outcome, Size
from benchmarks.server import Server
from benchmarks.subjects import SUBJECTS, Subject


def cases(size: Size, wanted: set[str]) -> list[Case]:
    """With past messages, and without: what a join itself costs."""
    if "joining" not in wanted:
        return []
    full, empty = f"N={size.joiners}", f"N={2 * size.joiners}, nothing past"
    without = ("us-full", "us-typed", "bare-join", "go-hub", "websockets")
    return [
        Case(
            ("joining",),
            full,
            partial(measure, full, size.joiners, size.past),
            size.rounds,
            tuple(subject.name for subject in SUBJECTS if subject.name != "bare-join"),
        ),
        Case(
            ("joining",),
            empty,
            partial(measure, empty, 2 * size.joiners, 0),
            size.rounds,
            without,
        ),
    ]


def measure(case: str, users: int, past: int, subject: Subject) -> list[Outcome]:
    """Fill the history, open the door, and look at the clocks when the last one has all."""
    wanted, past = past, past if subject.is_ours else 0
    database = filled(past, subject.checkout) if subject.history else None
    with Server(subject, database) as server:
        if past and not database:
            with Generator(server.port, adapter=subject.adapter) as speaker:
                speaker.connect(1, senders=1)
                speaker.speak(past)
        with Generator(server.port, adapter=subject.adapter) as load:
            cpu = proc.cpu_ns(server.pids)
            seconds = load.connect(users, past=past)
            load.gather()  # a peer's handshake may be over before the user is in
            cpu = proc.cpu_ns(server.pids) - cpu
    figures = {
        "users_per_s": users / seconds,
        "cpu_ms_per_user": cpu / 1e6 / users,
        "seconds": seconds,
        "past": past,
        "notes": [] if past == wanted else ["has no past messages to send"],
    }
    return [Outcome("joining", case, subject.name, figures)]
