"""Scenario 5: a phone sends a photo, over a LAN, and a laptop shows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.page.browser import LAPTOP, PHONE, Tab, Visitor
from benchmarks.page.devtools import Chromium
from benchmarks.page.link import LAN, Link
from benchmarks.scenarios.case import Outcome
from benchmarks.server import Server

SCRIPT = (Path(__file__).parent / "picture.js").read_text()
PIXELS = (4000, 3000)
"""What a phone's camera makes: 12 million."""


def measure(chromium: Chromium, server: Server) -> Iterator[Outcome]:
    """Once: from the photo that is chosen to the picture that somebody else sees."""
    with (
        Link(server.port, LAN) as link,
        Visitor(chromium, LAPTOP, "Bob") as bob,
        Visitor(chromium, PHONE, "Ann") as ann,
        Tab(bob, server.port) as laptop,
        Tab(ann, link.port) as phone,
    ):
        for tab in (laptop, phone):
            tab.wait_for_mark("newest")
            tab.ask(SCRIPT)
        phone.wait_for(lambda: bool(phone.ask("!!document.getElementById('clip')")), "the clip")
        phone.ask(f"picture.take{PIXELS}")
        phone.wait_for(lambda: bool(phone.ask("picture.megabytes")), "a photo")
        laptop.ask("picture.watch()")
        sent = link.sent
        phone.ask("picture.send()")
        laptop.wait_for(lambda: bool(laptop.ask("picture.seen")), "the picture at Bob's")
        chosen, prepared = phone.ask("picture.chosen"), phone.ask("picture.prepared")
        seen = laptop.ask("picture.seen")
        figures = {
            "photo_mb": phone.ask("picture.megabytes"),
            "sent_kb": (link.sent - sent) / 1e3,
            "prepared_ms": prepared - chosen,
            "arrived_ms": seen - prepared,
            "whole_ms": seen - chosen,
        }
    yield Outcome("picture", "12 megapixels over a LAN", f"{PHONE.name} to {LAPTOP.name}", figures)
