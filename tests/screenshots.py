"""Pictures of the page: ``make screenshots`` puts them into ``tests/screenshots``.

The two that the README shows go to ``docs/images`` with ``make screenshots ARGS=docs/images``.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from running import CHECKOUT, Running, serving
from tabs import NAMES, PHONE, WIDE, Tab

SHOTS: dict[str, dict[str, Any]] = {
    "chat": {"viewport": WIDE},
    "chat-dark": {"viewport": WIDE, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "has_touch": True, "is_mobile": True},
    "phone-dark": {
        "viewport": PHONE,
        "has_touch": True,
        "is_mobile": True,
        "color_scheme": "dark",
    },
    "contrast": {"viewport": WIDE, "forced_colors": "active"},
    "german": {"viewport": WIDE, "locale": "de"},
}

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


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    executable = next(path for path in map(shutil.which, NAMES) if path)
    with (
        tempfile.TemporaryDirectory() as data,
        serving(Path(data), history="memory:", leaveGrace=60) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for room, lines in (("lobby", SAID), ("שיחה", HEBREW)):
            talk(browser, server, room, lines)
        for name, options in SHOTS.items():
            shoot(browser, server, folder / f"{name}.png", "/", **options)
        shoot(browser, server, folder / "rtl.png", "/rooms/שיחה", viewport=WIDE)
        panels(browser, server, folder)
        browser.close()


def talk(browser: Browser, server: Running, room: str, lines: tuple[tuple[str, str], ...]) -> None:
    """Have them say it, one after the other; they stay for a while."""
    tabs: dict[str, Tab] = {}
    for count, (name, body) in enumerate(lines, 1):
        if name not in tabs:
            tabs[name] = Tab(browser, server, name, path=f"/rooms/{room}")
        tabs[name].say(body)
        said = tabs[name].page.locator(f"#list > .message >> nth={count - 1}")
        said.wait_for()
    for tab in tabs.values():
        tab.close()


def shoot(browser: Browser, server: Running, file: Path, path: str, **options: Any) -> None:
    tab = Tab(browser, server, "Dora", path=path, **options)
    tab.page.evaluate("document.fonts.ready")
    tab.page.screenshot(path=file)
    tab.close()


def panels(browser: Browser, server: Running, folder: Path) -> None:
    """What opens on the page."""
    tab = Tab(browser, server, "Dora")
    tab.page.click("#open-search")
    tab.page.fill("#search-for", "pr")
    tab.page.wait_for_selector(".result")
    tab.page.click("#open-settings")
    tab.page.screenshot(path=folder / "search.png")
    tab.page.keyboard.press("Escape")
    tab.page.click("#open-invite")
    tab.page.wait_for_selector("#invite-dialog[open]")
    tab.page.screenshot(path=folder / "invite.png")
    tab.page.keyboard.press("Escape")
    tab.page.press("#body", "Control+/")
    tab.page.wait_for_selector("#help-dialog[open]")
    tab.page.screenshot(path=folder / "help.png")
    tab.close()
    first = Tab(browser, server, None, viewport=PHONE, is_mobile=True, has_touch=True)
    first.page.screenshot(path=folder / "first-visit.png")
    first.page.fill("#name", "Dora")
    first.page.keyboard.press("Enter")
    first.wait_for_state("connected")
    first.page.tap("#menu")
    first.page.wait_for_selector("#side:popover-open")
    first.page.screenshot(path=folder / "drawer.png")
    first.close()


if __name__ == "__main__":
    main(CHECKOUT / (sys.argv[1] if len(sys.argv) > 1 else "tests/screenshots"))
