"""Scenario 1: a slow phone opens the page."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.page.browser import PHONE, Tab, Visitor
from benchmarks.page.devtools import Chromium
from benchmarks.page.link import Link
from benchmarks.scenarios.case import Figures, Outcome
from benchmarks.server import Server

VISITS = (("first visit", None, "name"), ("back again", "Ann", "newest"))
"""Who comes, under which name, and the mark behind which there is nothing more to wait for."""

REST = 0.5
"""Seconds for what comes behind the last mark, such as the list of rooms."""


def measure(chromium: Chromium, server: Server) -> Iterator[Outcome]:
    """Both visits, each with an empty cache and then with a full one."""
    with Link(server.port) as link:
        for visit, name, last in VISITS:
            with Visitor(chromium, PHONE, name) as visitor:
                for cache in ("cold", "warm"):
                    figures = _open(visitor, link, last)
                    yield Outcome("start", f"{visit}, {cache} cache", PHONE.name, figures)


def _open(visitor: Visitor, link: Link, last: str) -> Figures:
    received = link.received
    with Tab(visitor, link.port) as tab:
        tab.wait_for_mark(last)
        time.sleep(REST)
        loaded, metrics = tab.ask("watch.loaded()"), tab.metrics()
        marks = loaded["marks"]
        return {
            "paint_ms": loaded["paint"],
            "typing_ms": marks["name" if last == "name" else "box"],
            "scripts_ms": marks.get("scripts"),
            "newest_ms": marks.get("newest"),
            "kilobytes": (link.received - received) / 1e3,
            "requests": loaded["requests"] + ("newest" in marks),  # the socket is one more
            "busy_ms": metrics["TaskDuration"] * 1e3,
            "script_ms": metrics["ScriptDuration"] * 1e3,
            "layout_ms": (metrics["LayoutDuration"] + metrics["RecalcStyleDuration"]) * 1e3,
        }
