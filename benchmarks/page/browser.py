"""A Chromium, and pages in it that note what a reader would feel."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from benchmarks.load.generator import LoadError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WATCH = (Path(__file__).parent / "watch.js").read_text()
PATIENCE = 30.0
"""Seconds in which something must be on the page."""


@dataclass(frozen=True)
class Device:
    """What the page runs on."""

    name: str
    screen: dict[str, Any]
    slowdown: int
    """How many times slower than this machine its processor is."""


LAPTOP = Device("laptop", {"viewport": {"width": 1280, "height": 800}}, 1)
PHONE = Device(
    "slow phone",
    {
        "viewport": {"width": 412, "height": 823},
        "device_scale_factor": 1.75,
        "is_mobile": True,
        "has_touch": True,
    },
    4,
)
"""Screen and slowdown are those of Lighthouse's phone."""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The same that the tests of the page run in; see tests/install_browser.sh."""
    executable = next((path for path in map(shutil.which, NAMES) if path), None)
    if not executable:
        raise LoadError("no Chromium: sh tests/install_browser.sh")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextlib.contextmanager
def visitor(browser: Browser, device: Device, name: str | None) -> Iterator[BrowserContext]:
    """A browser that has nothing in its cache. None: it was never here, and has no name."""
    context = browser.new_context(**device.screen)
    context.set_default_timeout(PATIENCE * 1000)
    context.add_init_script(WATCH)
    if name:
        context.add_init_script(f"localStorage['chat:name'] ??= {json.dumps(json.dumps(name))}")
    try:
        yield context
    finally:
        context.close()


class Tab:
    """The page, just opened; a context."""

    def __init__(self, context: BrowserContext, device: Device, port: int) -> None:
        self.page = context.new_page()
        self._devtools = context.new_cdp_session(self.page)
        self._devtools.send("Performance.enable")
        self._devtools.send("Emulation.setCPUThrottlingRate", {"rate": device.slowdown})
        self.page.goto(f"http://127.0.0.1:{port}/", wait_until="commit")

    def __enter__(self) -> Tab:
        return self

    def __exit__(self, *_: object) -> None:
        self.page.close()

    def ask(self, script: str) -> Any:
        """What a line of JavaScript says."""
        return self.page.evaluate(script)

    def wait(self, seconds: float) -> None:
        """Let the page alone."""
        self.page.wait_for_timeout(seconds * 1000)

    def wait_for(self, fact: Callable[[], bool], what: str) -> None:
        """Raises LoadError where it does not come."""
        deadline = time.monotonic() + PATIENCE
        while not fact():
            if time.monotonic() > deadline:
                raise LoadError(f"not within {PATIENCE:.0f} s: {what}")
            self.wait(0.05)

    def wait_for_mark(self, name: str) -> None:
        """``name`` or ``newest``; see watch.js."""
        self.wait_for(lambda: bool(self.ask(f"watch.marks.{name}")), f"the mark {name!r}")

    def metrics(self) -> dict[str, float]:
        """What Chromium counts: seconds and bytes since the page was opened."""
        told = self._devtools.send("Performance.getMetrics")["metrics"]
        return {metric["name"]: metric["value"] for metric in told}

    def heap(self) -> float:
        """Megabytes of JavaScript that are in use when all garbage is gone."""
        self._devtools.send("HeapProfiler.collectGarbage")
        return self.metrics()["JSHeapUsedSize"] / 1e6
