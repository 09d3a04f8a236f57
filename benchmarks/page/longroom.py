"""Scenario 4: a reader scrolls up through a long room, by the wheel."""

from __future__ import annotations

from collections.abc import Iterator

from playwright.sync_api import Browser

from benchmarks.page.browser import LAPTOP, Tab, visitor
from benchmarks.scenarios.case import Figures, Outcome
from benchmarks.server import Server

MESSAGES = 3000
STEP = 1200
"""Pixels that the wheel turns at once."""
PAUSE = 0.02
"""Seconds between two turns, besides what a turn takes."""


def measure(browser: Browser, server: Server) -> Iterator[Outcome]:
    """On the laptop, which has a wheel."""
    with visitor(browser, LAPTOP, "Ann") as context, Tab(context, LAPTOP, server.port) as tab:
        tab.wait_for_mark("newest")
        yield Outcome("long room", f"{MESSAGES:,} messages up", LAPTOP.name, _scroll(tab))


def _scroll(tab: Tab) -> Figures:
    box = tab.page.locator("#scroller").bounding_box()
    assert box
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    first = tab.ask("watch.seqOf(0)")
    before = tab.heap()
    tab.ask("watch.start(true)")

    def turn() -> bool:
        for _ in range(10):
            tab.page.mouse.wheel(0, -STEP)
            tab.wait(PAUSE)
        return tab.ask("watch.seqOf(0)") <= first - MESSAGES

    tab.wait_for(turn, f"{MESSAGES} older messages")
    felt = tab.ask("watch.stop()")
    tab.wait(1)  # for what the last turn has set going
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
