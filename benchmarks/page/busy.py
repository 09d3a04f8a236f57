"""Scenarios 2 and 3: a room in which others talk all the time, for a reader and for a writer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice

from benchmarks.figures import quantiles
from benchmarks.page.browser import LAPTOP, PHONE, Tab, Visitor
from benchmarks.page.devtools import Chromium
from benchmarks.page.talkers import Talkers
from benchmarks.scenarios.case import Figures, Outcome
from benchmarks.server import Server

TALK = 10.0
"""Seconds that the others talk, each time."""

SILENCE = 1.0
"""Seconds before the talk: the frames that are missed even then are the machine's."""

KEYS = "see you at eight then, i bring the cake "
PRESSES = 10
"""Keys a second."""

BOX = "document.getElementById('body')"

UNSEEN = 16.0
"""ms: quicker answers to a key are not told by the browser, and count as this."""


def measure(chromium: Chromium, server: Server) -> Iterator[Outcome]:
    """On both devices: at the end of the room, while writing there, and further up."""
    with Talkers(server.port) as talkers:
        for device in (LAPTOP, PHONE):
            with Visitor(chromium, device, "Ann") as visitor, Tab(visitor, server.port) as tab:
                tab.wait_for_mark("newest")
                time.sleep(SILENCE)
                yield Outcome("stutter", "at the end", device.name, _read(tab, talkers))
                yield Outcome("keys", "at the end", device.name, _write(tab, talkers))
                tab.ask("scroller.scrollTop -= 3 * scroller.clientHeight")
                time.sleep(SILENCE)
                figures = _read(tab, talkers)
                yield Outcome("stutter", "scrolled up", device.name, figures)


def _read(tab: Tab, talkers: Talkers) -> Figures:
    tab.ask("watch.start()")
    time.sleep(SILENCE)
    still = tab.ask("watch.stop()")
    tab.ask("watch.start()")
    notes = _hear(tab, talkers, lambda: time.sleep(TALK))
    felt = tab.ask("watch.stop()")
    tasks = felt["longTasks"]
    return {
        "missed_percent": _missed(felt),
        "missed_percent_before": _missed(still),
        "gap_ms": felt["gap"],
        "long_tasks": len(tasks),
        "longest_ms": max(tasks, default=0.0),
        "notes": notes,
    }


def _write(tab: Tab, talkers: Talkers) -> Figures:
    tab.ask(f"{BOX}.focus()")
    tab.ask("watch.start()")
    presses = round(TALK * PRESSES)
    notes = _hear(tab, talkers, lambda: _press(tab, presses))
    felt = tab.ask("watch.stop()")
    longest: dict[int, float] = {}
    for interaction, duration in felt["events"]:
        longest[interaction] = max(duration, longest.get(interaction, 0.0))
    longest.pop(0, None)  # events that belong to no key, such as of the pointer
    waits = [*longest.values(), *[UNSEEN] * (presses - len(longest))]
    p50, p98 = quantiles(waits, 0.5, 0.98)
    tab.ask(f"{BOX}.value = ''; {BOX}.dispatchEvent(new Event('input'))")
    figures = {"p50_ms": p50, "p98_ms": p98, "max_ms": max(waits), "presses": presses}
    return figures | {"notes": notes}


def _hear(tab: Tab, talkers: Talkers, meanwhile: Callable[[], None]) -> list[str]:
    last = tab.ask("watch.seqOf(-1)") + talkers.start(TALK)
    meanwhile()
    notes = talkers.finish()
    tab.wait_for(lambda: tab.ask("watch.seqOf(-1)") == last, "the last message")
    return notes


def _press(tab: Tab, presses: int) -> None:
    began = time.monotonic()
    for number, key in enumerate(islice(cycle(KEYS), presses)):
        time.sleep(max(0.0, began + number / PRESSES - time.monotonic()))
        tab.press(key)


def _missed(felt: Figures) -> float:
    frames = felt["missed"] + felt["shown"]
    return 100 * felt["missed"] / frames if frames else 0.0
