"""Scenario 5: a long history, served while people chat; and whether it makes messages dearer."""

from __future__ import annotations

import threading
import time
from functools import partial
from statistics import median

from benchmarks import proc
from benchmarks.filling import filled
from benchmarks.load.generator import Generator
from benchmarks.scenarios.case import Case, Figures, Outcome, Size
from benchmarks.scenarios.rooms import plan_phase
from benchmarks.server import Server
from benchmarks.subjects import Subject

CHATTERS = 20
CHAT_PACE = 100
GROWTH_USERS = 10
GROWTH_PACE = 500


def cases(size: Size, wanted: set[str]) -> list[Case]:
    """The reading of the history, and one case of growth for each length of it."""
    found = []
    if "history" in wanted:
        name = f"{size.listed:,} messages"
        measured = partial(measure_reading, size, name)
        found.append(Case(("history",), name, measured, size.rounds, ("us-full",)))
    if "growth" in wanted:
        for stored in size.stored:
            name = f"{stored:,} stored"
            measured = partial(measure_growth, size, name, stored)
            found.append(Case(("growth",), name, measured, size.rounds, ("us-full", "us-normal")))
    return found


def measure_reading(size: Size, name: str, subject: Subject) -> list[Outcome]:
    """People chat, first alone, then while ``/getAllMessages`` is read again and again."""
    length = max(size.paced, 1.0)
    with (
        Server(subject, filled(size.listed, subject.checkout)) as server,
        Generator(server.port, adapter=subject.adapter) as load,
    ):
        load.connect(CHATTERS, senders=CHATTERS, past=min(500, size.listed))
        load.gather()
        load.start(plan_phase(server, size.warm_up, length, rate=CHAT_PACE))
        quiet = load.finish()
        _reset_peak(server)
        before = proc.peak_memory(server.pids)
        reader = _Reader(server, length + size.warm_up)
        load.start(plan_phase(server, size.warm_up, length, rate=CHAT_PACE))
        reader.start()
        meanwhile = load.finish()
        reader.join()
        figures = reader.figures() | {
            "peak_mb": (proc.peak_memory(server.pids) - before) / 1e6,
            "p99_ms": meanwhile["p99_ms"],
            "p50_ms": meanwhile["p50_ms"],
            "p99_ms_alone": quiet["p99_ms"],
            "notes": meanwhile["notes"],
        }
    return [Outcome("history", name, subject.name, figures)]


def _reset_peak(server: Server) -> None:
    with server.get("/getAllMessages", 60) as reply:  # once, so that caches are filled
        while reply.read(1 << 20):
            pass
    proc.forget_peak(server.pids)


class _Reader(threading.Thread):
    """Reads ``/getAllMessages`` until the time is up, but once at least."""

    def __init__(self, server: Server, seconds: float) -> None:
        super().__init__(name="history-reader", daemon=True)
        self._server = server
        self._until = time.monotonic() + seconds
        self._seconds: list[float] = []
        self._bytes = 0

    def run(self) -> None:
        """The thread's whole life."""
        while not self._seconds or time.monotonic() < self._until:
            begin = time.monotonic()
            self._bytes = 0
            with self._server.get("/getAllMessages", 60) as reply:
                while data := reply.read(1 << 18):
                    self._bytes += len(data)
            self._seconds.append(time.monotonic() - begin)

    def figures(self) -> Figures:
        """Of all that were read."""
        seconds = median(self._seconds) if self._seconds else None
        return {"seconds": seconds, "megabytes": self._bytes / 1e6, "reads": len(self._seconds)}


def measure_growth(size: Size, name: str, stored: int, subject: Subject) -> list[Outcome]:
    """What a message costs on top of so many."""
    with (
        Server(subject, filled(stored, subject.checkout)) as server,
        Generator(server.port, adapter=subject.adapter) as load,
    ):
        load.connect(GROWTH_USERS, senders=8, past=min(500, stored))
        load.gather()
        load.start(plan_phase(server, size.warm_up, size.paced, rate=GROWTH_PACE))
        figures = load.finish()
        memory = proc.memory(server.pids)
    figures["cpu_us_per_message"] = figures["cpu_us_per_delivery"] * GROWTH_USERS
    figures["memory_mb"] = memory / 1e6
    return [Outcome("growth", name, subject.name, figures)]
