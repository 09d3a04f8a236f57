"""Pages that are open in a real Chromium, and what people do with them."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    ViewportSize,
    sync_playwright,
)

from tests.support.deadline import DEADLINE, wait_for
from tests.support.server_process import Running

NAMES = (
    "chromium-headless-shell",
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
)
"""The first one that is there. The same engine without a window to draw takes half of the time."""

WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for the length of a block."""
    executable = next(path for path in map(shutil.which, NAMES) if path)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


class Tab:
    """A page that has been opened by somebody, and what its console said.

    Args:
        name: what it comes in as; None: it has no name yet, and is asked for one.
        path: what comes behind the server's address.
        within: a browser that has been here before, such as another tab's.
    """

    def __init__(
        self,
        browser: Browser,
        server: Running,
        name: str | None = "Ann",
        *,
        path: str = "/",
        within: BrowserContext | None = None,
        **options: Any,
    ) -> None:
        self.server = server
        self.context = within or browser.new_context(**{"viewport": WIDE, **options})
        self.context.set_default_timeout(DEADLINE * 1000)
        if name and not within:
            self.context.add_init_script(
                f"localStorage['chat:name'] ??= JSON.stringify({json.dumps(name)})"
            )
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.url = f"http://127.0.0.1:{server.port}{path}"
        self.page.goto(self.url)
        if name:
            self.wait_for_state("connected")

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def close(self) -> None:
        self.context.close()

    # -- what one does -----------------------------------------------------------------------

    def say(self, *bodies: str) -> None:
        for body in bodies:
            self.page.fill("#body", body)
            self.page.press("#body", "Enter")

    def open_help(self) -> None:
        self.page.click("#open-more")
        self.page.click("#open-help")

    def scroll_to(self, place: str) -> None:
        """Scroll to ``top`` or ``end``, as by hand."""
        top = {"top": "0", "end": "node.scrollHeight"}[place]
        self.page.locator("#scroller").evaluate(f"node => {{ node.scrollTop = {top} }}")

    def hide(self, hidden: bool = True) -> None:
        """Let the page think that it is in the background."""
        self.page.evaluate(
            """hidden => {
                const state = hidden ? "hidden" : "visible";
                for (const [name, value] of [["hidden", hidden], ["visibilityState", state]]) {
                    Object.defineProperty(document, name, { value, configurable: true });
                }
                document.dispatchEvent(new Event("visibilitychange"));
            }""",
            hidden,
        )

    # -- what one sees -----------------------------------------------------------------------

    def wait_for_state(self, state: str) -> None:
        self.page.wait_for_selector(f"body[data-state={state}]")

    def hear(self, body: str) -> None:
        """Wait until the message is on the page, as one that the server has."""
        wait_for(lambda: body in self.bodies(), f"{body!r} on the page")

    def see(self, selector: str, text: str) -> None:
        """Wait until what is there has the text in it."""
        try:
            wait_for(
                lambda: any(text in found for found in self.texts(selector)),
                f"{text!r} in {selector}",
            )
        except AssertionError as error:
            raise AssertionError(f"{error}; there is {self.texts(selector)}") from None

    def texts(self, selector: str) -> list[str]:
        return self.page.locator(selector).all_inner_texts()

    def bodies(self) -> list[str]:
        found: list[str] = self.page.locator("#list").evaluate(
            "list => [...list.querySelectorAll('.message .text')].map(node => node.innerText)"
        )
        return found

    def pending(self) -> Locator:
        return self.page.locator("#pending .pending")

    def above_the_end(self) -> float:
        """How many pixels are below what is seen."""
        found: float = self.page.locator("#scroller").evaluate(
            "node => node.scrollHeight - node.scrollTop - node.clientHeight"
        )
        return found
