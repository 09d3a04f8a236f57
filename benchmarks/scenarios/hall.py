"""Scenario 12: a full hall reacts to one message; nobody is flooded, and the counts are right."""

from __future__ import annotations

import json
from functools import partial
from statistics import median

from benchmarks import proc
from benchmarks.load.generator import Generator
from benchmarks.scenarios.case import Case, Outcome, Size
from benchmarks.scenarios.crowd import demand_threads
from benchmarks.server import Server
from benchmarks.subjects import Subject

KINDS = ("like", "love")


def cases(size: Size, wanted: set[str]) -> list[Case]:
    """One case; as a crowd, it takes long."""
    if "hall" not in wanted:
        return []
    return [Case(("hall",), f"N={size.crowd}", partial(measure, size), 1, ("us-typed",))]


def measure(size: Size, subject: Subject) -> list[Outcome]:
    """Fill the hall, say something, and let everybody react to it in one way, then in another."""
    demand_threads(subject, size.crowd)
    with Server(subject) as server, Generator(server.port, adapter=subject.adapter) as load:
        load.connect(size.crowd, senders=1, seconds=120)
        load.gather(60)
        load.speak(1)
        with server.get("/api/rooms/lobby/messages?limit=1", 20) as reply:
            (message,) = json.load(reply)["messages"]
        cpu = proc.cpu_ns(server.pids)
        told = [load.react(message["id"], kind) for kind in KINDS]
        cpu = proc.cpu_ns(server.pids) - cpu
    seconds = sum(one["seconds"] for one in told)
    frames = [sum(of_one) for of_one in zip(*(one["frames"] for one in told), strict=True)]
    figures = {
        "seconds": seconds,
        "frames": median(frames),
        "most_frames": max(frames),
        "frames_per_s": median(frames) / seconds,
        "cpu_us_per_click": cpu / 1e3 / size.crowd / len(KINDS),
    }
    return [Outcome("hall", f"N={size.crowd}", subject.name, figures)]
