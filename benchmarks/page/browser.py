"""Visitors, their devices, and the page in them, which notes what a reader would feel."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.load.generator import LoadError
from benchmarks.page.devtools import Chromium, DevToolsError

WATCH = (Path(__file__).parent / "watch.js").read_text()
PATIENCE = 60.0
"""Seconds in which something must be on the page."""


@dataclass(frozen=True)
class Device:
    """What the page runs on."""

    name: str
    width: int
    height: int
    scale: float
    """Dots to a pixel."""
    touch: bool
    slowdown: int
    """How many times slower than this machine its processor is."""


LAPTOP = Device("laptop", 1280, 800, 1.0, False, 1)
PHONE = Device("slow phone", 412, 823, 1.75, True, 4)
"""Lighthouse's phone."""


class Visitor:
    """A context: somebody whose browser has nothing in its cache.

    Args:
        name: what the browser has kept of an earlier visit; None: it was never here.
    """

    def __init__(self, chromium: Chromium, device: Device, name: str | None) -> None:
        self.chromium = chromium
        self.device = device
        self.scripts = [WATCH]
        if name:
            kept = json.dumps(json.dumps(name))
            self.scripts.append(f"globalThis.localStorage['chat:name'] ??= {kept}")

    def __enter__(self) -> Visitor:
        self.context = self.chromium.devtools.ask("Target.createBrowserContext")["browserContextId"]
        return self

    def __exit__(self, *_: object) -> None:
        self.chromium.devtools.ask("Target.disposeBrowserContext", browserContextId=self.context)


class Tab:
    """A context: the page, just opened."""

    def __init__(self, visitor: Visitor, port: int) -> None:
        device, self._browser = visitor.device, visitor.chromium
        self._target = self._browser.devtools.ask(
            "Target.createTarget", url="about:blank", browserContextId=visitor.context
        )["targetId"]
        self._line = self._browser.line_to(self._target)
        self._line.ask("Page.enable")
        self._line.ask("Performance.enable")
        for script in visitor.scripts:
            self._line.ask("Page.addScriptToEvaluateOnNewDocument", source=script)
        self._line.ask(
            "Emulation.setDeviceMetricsOverride",
            width=device.width,
            height=device.height,
            deviceScaleFactor=device.scale,
            mobile=device.touch,
        )
        if device.touch:
            self._line.ask("Emulation.setTouchEmulationEnabled", enabled=True)
        self._line.ask("Emulation.setCPUThrottlingRate", rate=device.slowdown)
        self._line.ask("Page.navigate", url=f"http://127.0.0.1:{port}/")

    def __enter__(self) -> Tab:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()
        self._browser.devtools.ask("Target.closeTarget", targetId=self._target)

    # -- what one does -----------------------------------------------------------------------

    def press(self, key: str) -> None:
        """A key that writes a character."""
        self._line.ask("Input.dispatchKeyEvent", type="keyDown", key=key, text=key)
        self._line.ask("Input.dispatchKeyEvent", type="keyUp", key=key)

    def turn_wheel(self, x: float, y: float, down: float) -> None:
        """By so many pixels, with the pointer there."""
        self._line.ask(
            "Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=down
        )

    # -- what one sees -----------------------------------------------------------------------

    def ask(self, script: str) -> Any:
        """What a line of JavaScript says."""
        told = self._line.ask("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in told:
            raise DevToolsError(f"{script}: {told['exceptionDetails']['text']}")
        return told["result"].get("value")

    def wait_for(self, fact: Callable[[], bool], what: str) -> None:
        """Raises LoadError where it does not come."""
        deadline = time.monotonic() + PATIENCE
        while not fact():
            if time.monotonic() > deadline:
                raise LoadError(f"not within {PATIENCE:.0f} s: {what}")
            time.sleep(0.1)

    def wait_for_mark(self, name: str) -> None:
        """``name``, ``box`` or ``newest``; see watch.js."""
        self.wait_for(lambda: bool(self.ask(f"globalThis.watch?.marks.{name}")), f"mark {name!r}")

    def metrics(self) -> dict[str, float]:
        """What Chromium counts: seconds and bytes since the page was opened."""
        told = self._line.ask("Performance.getMetrics")["metrics"]
        return {metric["name"]: metric["value"] for metric in told}

    def heap(self) -> float:
        """Megabytes of JavaScript that are in use when all garbage is gone."""
        self._line.ask("HeapProfiler.collectGarbage")
        return self.metrics()["JSHeapUsedSize"] / 1e6
