"""``python -m benchmarks.page``: measures the page in a real browser. See ../README.md."""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import machine
from benchmarks.filling import filled
from benchmarks.load.adapters import CHAT
from benchmarks.load.generator import LoadError
from benchmarks.page import busy, longroom, picture, start
from benchmarks.page.browser import LAPTOP, Tab, Visitor
from benchmarks.page.devtools import Chromium
from benchmarks.page.report import report
from benchmarks.results import Result
from benchmarks.scenarios.case import Outcome
from benchmarks.server import Server, StartError
from benchmarks.subjects import Subject

ROUNDS = 3
BUSY_ROUNDS = 2
"""Of a busy room, which takes a minute each time."""
STORED = 100_000
PACKAGES = ("flask", "flask-sock", "simple-websocket", "wsproto", "gunicorn")

US = Subject(
    "page",
    "chat room, in the Python that runs this",
    (sys.executable, "-m", "gunicorn", "app:app"),
    CHAT,
    # leaveGrace: each reader is called Ann, whose name would stay hers for a while
    config={"history": "sqlite:chat.db", "leaveGrace": 0},
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, save and report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="default: %(default)s")
    parser.add_argument("--show", type=Path, metavar="JSON", help="print an earlier run")
    options = parser.parse_args(arguments)
    if options.show:
        print(report(Result.load(options.show)))
        return 0
    try:
        result = _measure(options.rounds)
    except (LoadError, StartError) as error:
        print(f"Not measured: {error}", file=sys.stderr)
        return 1
    print(f"\n{report(result)}\n")
    print(result.save("page"))
    return 0


def _measure(rounds: int) -> Result:
    began = time.monotonic()
    with Chromium() as chromium:
        result = Result(machine.describe(_versions(chromium)), "full")
        for number in range(1, rounds + 1):
            for outcome in _round(chromium, busy_as_well=number <= BUSY_ROUNDS):
                result.add((number, outcome))
                where = f"{outcome.scenario}: {outcome.case}, {outcome.subject}"
                print(f"{time.monotonic() - began:5.0f} s  {number}  {where}", flush=True)
    return result


def _round(chromium: Chromium, *, busy_as_well: bool) -> Iterator[Outcome]:
    """Each case once, with a fresh server."""
    with Server(US, filled(STORED, python=Path(sys.executable))) as server:
        with Visitor(chromium, LAPTOP, None) as visitor, Tab(visitor, server.port) as tab:
            tab.wait_for_mark("name")  # the first visit of all pays for what is made only once
        yield from start.measure(chromium, server)
        yield from longroom.measure(chromium, server)
        yield from picture.measure(chromium, server)
        if busy_as_well:
            yield from busy.measure(chromium, server)


def _versions(chromium: Chromium) -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: importlib.metadata.version(name) for name in PACKAGES},
        "chromium": chromium.version,
    }


if __name__ == "__main__":
    sys.exit(main())
