"""The original's own shape stands still for good: when, and why."""

from __future__ import annotations

import re
import signal
import time
from functools import partial
from pathlib import Path

from benchmarks.filling import filled
from benchmarks.load.generator import Generator, LoadError
from benchmarks.scenarios.case import Case, Figures, Outcome, Size
from benchmarks.server import Server
from benchmarks.subjects import Subject

PASTS = (50, 100, 101, 110, 150, 500)
"""Messages that were said before one more user joins; a user's channel has 100 slots."""

SILENCE = 2.0
"""Seconds without a delivery that are a standstill: all is on one machine."""


def cases(size: Size, wanted: set[str]) -> list[Case]:
    """One case: it is a fact, so once suffices."""
    if "standstill" not in wanted:
        return []
    measured = partial(measure, size)
    return [Case(("standstill",), "one joins", measured, 1, ("go-original", "us-full"))]


def measure(size: Size, subject: Subject) -> list[Outcome]:
    """Let one user speak and another join, with more said each time."""
    figures: Figures = {"goes_on_after": 0, "stands_still_after": None, "why": []}
    for past in PASTS:
        with (
            Server(subject, filled(0, subject.checkout) if subject.history else None) as server,
            Generator(server.port, adapter=subject.adapter) as load,
        ):
            load.connect(1, senders=1)
            load.speak(past)
            try:
                load.connect(1)
                load.gather(SILENCE)
                figures["goes_on_after"] = past
            except LoadError:
                figures["stands_still_after"] = past
                figures["why"] = _blocked(server)
                break
    return [Outcome("standstill", "one joins", subject.name, figures)]


def _blocked(server: Server) -> list[str]:
    """Where the server's loop waits: Go tells on SIGQUIT."""
    server.signal(signal.SIGQUIT)
    deadline = time.monotonic() + 5
    while "goroutine" not in server.said() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.1)
    for goroutine in server.said().split("\n\n"):
        if "(*server).listen" in goroutine and goroutine.startswith("goroutine"):
            lines = goroutine.splitlines()
            calls = [re.sub(r"\((0x|\.\.\.).*", "", x) for x in lines if x.startswith("main.(")]
            return [lines[0].rstrip(":"), *calls, _source(goroutine)]
    return []


def _source(goroutine: str) -> str:
    """The line of source that the goroutine is at."""
    found = re.search(r"(\S+/main\.go):(\d+)", goroutine)
    if not found:
        return ""
    line = Path(found[1]).read_text().splitlines()[int(found[2]) - 1]
    return f"main.go:{found[2]}: {line.strip()}"
