"""Pictures of the page: ``make screenshots`` puts them into ``tests/screenshots``.

Those that the README shows go to ``docs/images`` with ``make screenshots ARGS=docs/images``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from tests.support import CHECKOUT
from tests.support.browser import PHONE, WIDE, Tab, chromium
from tests.support.deadline import wait_for
from tests.support.server_process import Running, serving

ON_A_PHONE: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
SHOTS: dict[str, dict[str, Any]] = {
    "chat": {"viewport": WIDE},
    "chat-dark": {"viewport": WIDE, "color_scheme": "dark"},
    "phone": ON_A_PHONE,
    "phone-dark": {**ON_A_PHONE, "color_scheme": "dark"},
    "phone-lying": {**ON_A_PHONE, "viewport": {"width": 844, "height": 390}},
    "phone-320": {**ON_A_PHONE, "viewport": {"width": 320, "height": 568}},
    "tablet": {**ON_A_PHONE, "viewport": {"width": 820, "height": 1180}},
    "zoomed-200": {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
    "forced-colours": {"viewport": WIDE, "forced_colors": "active"},
    "more-contrast": {"viewport": WIDE, "contrast": "more"},
    "german": {"viewport": WIDE, "locale": "de"},
}

SHOWN = ("chat", "chat-dark", "phone")
"""In the README."""

SAID = (
    ("Cleo", "Good morning! Did anyone get the second exercise to run?"),
    ("Bob", "Yes: you need `python3 -m venv .venv` first, see https://docs.python.org/3/"),
    ("Cleo", "Ah. And how do I see who else is on the network?"),
    ("Bob", "Ann wrote something for that"),
    ("Ann", "```\nfor name in sorted(people):\n    print(name, people[name])\n```"),
    ("Ann", "It prints everyone, one a line."),
    ("Cleo", "It works!"),
)
HEBREW = (
    ("דנה", "בוקר טוב! מישהו הריץ את התרגיל השני?"),
    ("Bob", "Yes, דנה, it runs with python3 here"),
    ("دانا", "كيف أرى من على الشبكة؟ https://example.org/شبكة"),
    ("דנה", "תודה (Bob)!"),
)


def main(folder: Path, names: tuple[str, ...] = tuple(SHOTS), *, more: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        serving(Path(data), history="memory:", leaveGrace=0) as server,
        chromium() as browser,
    ):
        for room, lines in (("lobby", SAID), ("שיחה", HEBREW)):
            talk(browser, server, room, lines)
        for name in names:
            shoot(browser, server, folder / f"{name}.png", "/", **SHOTS[name])
        hosts(browser, server, folder)
        if more:
            others(browser, server, folder)


def others(browser: Browser, server: Running, folder: Path) -> None:
    """From right to left, what opens, and what waits."""
    shoot(browser, server, folder / "rtl.png", "/rooms/שיחה", viewport=WIDE)
    shoot(browser, server, folder / "phone-rtl.png", "/rooms/שיחה", **ON_A_PHONE)
    panels(browser, server, folder)
    for name, options in (("", {}), ("phone-", ON_A_PHONE)):
        search(browser, server, folder / f"{name}search.png", **options)
        offline(browser, server, folder / f"{name}offline.png", **options)


def talk(browser: Browser, server: Running, room: str, lines: tuple[tuple[str, str], ...]) -> None:
    """Have them say it, one after the other; they stay until the browser ends."""
    tabs: dict[str, Tab] = {}
    for count, (name, body) in enumerate(lines, 1):
        if name not in tabs:
            tabs[name] = Tab(browser, server, name, path=f"/rooms/{room}")
        tabs[name].say(body)
        said = tabs[name].page.locator(f"#list > .message >> nth={count - 1}")
        said.wait_for()


def shoot(browser: Browser, server: Running, file: Path, path: str, **options: Any) -> None:
    tab = Tab(browser, server, "Dora", path=path, **options)
    tab.page.evaluate("document.fonts.ready")
    tab.page.screenshot(path=file)
    tab.close()


def panels(browser: Browser, server: Running, folder: Path) -> None:
    """What opens on the page."""
    tab = Tab(browser, server, "Dora")
    tab.page.click("#open-settings")
    tab.page.wait_for_selector("#sound")
    tab.page.screenshot(path=folder / "settings.png")
    tab.page.keyboard.press("Escape")
    tab.page.click("#open-invite")
    tab.page.wait_for_selector("#invite-dialog[open]")
    tab.page.screenshot(path=folder / "invite.png")
    tab.page.keyboard.press("Escape")
    tab.page.press("#body", "Control+/")
    tab.page.wait_for_selector("#help-dialog[open]")
    tab.page.screenshot(path=folder / "help.png")
    tab.close()
    first = Tab(browser, server, None, **ON_A_PHONE)
    first.page.screenshot(path=folder / "first-visit.png")
    first.page.fill("#name", "Dora")
    first.page.keyboard.press("Enter")
    first.wait_for_state("connected")
    first.page.tap("#menu")
    first.page.wait_for_selector("#side:popover-open")
    first.page.screenshot(path=folder / "drawer.png")
    first.close()


def hosts(browser: Browser, server: Running, folder: Path) -> None:
    """What a host sees, and whoever stands at the door: in docs/host.md."""
    host = Tab(browser, server, "Ann", path="/rooms/class", viewport=WIDE)
    host.say("Welcome! Ask whatever you like.")
    host.page.click("#manage-room")
    host.page.check("#door-code")
    wait_for(lambda: "".join(host.texts(".the-code")), "a code")
    host.page.check("#speak-approval")
    host.see("#rule", "A host approves")
    host.page.locator("#room-dialog").screenshot(path=folder / "host-sheet.png")
    code = "".join(host.texts(".the-code"))
    host.page.keyboard.press("Escape")
    stranger = Tab(browser, server, None, path="/rooms/class", **ON_A_PHONE)
    stranger.page.fill("#name", "Dora")
    stranger.page.keyboard.press("Enter")
    stranger.page.wait_for_selector("#at-the-door")
    stranger.page.screenshot(path=folder / "host-door.png")
    questions = {"Bob": "Will the second exercise count?", "Cleo": "May we use 3.13?"}
    for name, question in questions.items():
        guest = Tab(browser, server, name, path=f"/rooms/class#key={code}")
        guest.page.fill("#body", question)
        guest.page.keyboard.press("Enter")
        guest.page.wait_for_selector(".pending[data-state=held]")
    host.page.click("#waiting button")
    host.see("#waiting-dialog", "3.13")
    host.page.locator("#waiting-dialog").screenshot(path=folder / "host-waiting.png")
    host.page.keyboard.press("Escape")
    host.page.click("#people li:has-text('Bob') button")
    host.page.wait_for_selector("#person-dialog[open]")
    host.page.locator("#person-dialog").screenshot(path=folder / "host-person.png")


def search(browser: Browser, server: Running, file: Path, **options: Any) -> None:
    tab = Tab(browser, server, "Dora", **options)
    tab.page.click("#open-search")
    tab.page.fill("#search-for", "pr")
    tab.page.wait_for_selector(".result")
    tab.page.screenshot(path=file)
    tab.close()


def offline(browser: Browser, server: Running, file: Path, **options: Any) -> None:
    """One message that was refused, and three that wait."""
    tab = Tab(browser, server, "Dora", **options)
    refused = {"body": "Does it run on Windows?", "state": "failed", "reason": "Not today."}
    tab.page.evaluate(
        "item => { localStorage['chat:outbox:lobby:refused'] = JSON.stringify(item) }",
        {**refused, "cmid": "refused", "timestamp": "", "at": 1},
    )
    tab.page.reload()
    tab.wait_for_state("connected")
    tab.set_offline(True)
    tab.wait_for_state("waiting")
    for body in ("My train is in a tunnel.", "What I write waits here,", "and goes out by itself."):
        tab.page.fill("#body", body)
        tab.page.click("#send")
    tab.page.wait_for_selector(".waits")
    tab.page.screenshot(path=file)
    tab.close()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(CHECKOUT / sys.argv[1], SHOWN, more=False)
    else:
        main(CHECKOUT / "tests/screenshots")
