"""Scenario 4: a reader scrolls up through a long room, by the wheel."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.page.browser import LAPTOP, Tab, Visitor
from benchmarks.page.devtools import Chromium
from benchmarks.scenarios.case import Figures, Outcome
from benchmarks.server import Server

MESSAGES = 3000
STEP = 1200
"""Pixels that the wheel turns at once."""
PAUSE = 0.02
"""Seconds between two turns, besides what a turn takes."""


def measure(chromium: Chromium, server: Server) -> Iterator[Outcome]:
    """On the laptop, which has a wheel."""
    with Visitor(chromium, LAPTOP, "Ann") as visitor, Tab(visitor, server.port) as tab:
        tab.wait_for_mark("newest")
        yield Outcome("long room", f"{MESSAGES:,} messages up", LAPTOP.name, _scroll(tab))


def _scroll(tab: Tab) -> Figures:
    first = tab.ask("watch.seqOf(0)")
    before = tab.heap()
    tab.ask("watch.start(true)")

    def turn() -> bool:
        for _ in range(10):
            tab.turn_wheel(LAPTOP.width / 2, LAPTOP.height / 2, -STEP)
            time.sleep(PAUSE)
        return bool(tab.ask("watch.seqOf(0)") <= first - MESSAGES)

    tab.wait_for(turn, f"{MESSAGES} older messages")
    felt = tab.ask("watch.stop()")
    time.sleep(1)  # for what the last turn has set going
    return {
        "items_most": felt["mostItems"],
        "heap_before_mb": before,
        "heap_mb": tab.heap(),
        "nodes": tab.metrics()["Nodes"],
        "longest_ms": max(felt["longTasks"], default=0.0),
        "long_tasks": len(felt["longTasks"]),
        "jumps": len(felt["jumps"]),
        "worst_jump_px": max(map(abs, felt["jumps"]), default=0.0),
        "missed_percent": 100 * felt["missed"] / (felt["missed"] + felt["shown"]),
    }
