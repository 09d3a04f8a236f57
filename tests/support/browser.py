"""Pages that are open in a real Chromium, and what people do with them."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from typing import Any, Literal, Protocol, cast

from playwright.sync_api import (
    Browser,
    BrowserContext,
    CDPSession,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.support.deadline import DEADLINE, wait_for
from tests.support.kept_pages import KeptPages, Watched
from tests.support.server_process import Running

NAMES = (
    "chromium-headless-shell",
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
)
"""The first one that is there. The same engine without a window to draw takes half of the time."""

ARGUMENTS = ("--no-sandbox", "--process-per-site")
"""The second: pages of one browser follow each other in one process, which has compiled it all."""

WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}

expect.set_options(timeout=DEADLINE * 1000)  # milliseconds; as long as everything else waits


class Talker(Protocol):
    """Any client that can say something in the room."""

    def say(self, body: str, /) -> object:
        """Say it."""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for the length of a block."""
    executable = next(path for path in map(shutil.which, NAMES) if path)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


class Tab:
    """A page that has been opened by somebody, and what its console said.

    Args:
        name: what it comes in as; None: it has no name yet, and is asked for one.
        path: what comes behind the server's address.
        within: a tab of a browser that has been here before, whose browser it is, too.
        kept: where the browser may be one that has been used; it is given back by ``leave``.
    """

    def __init__(
        self,
        browser: Browser,
        server: Running,
        name: str | None = "Ann",
        *,
        path: str = "/",
        within: Tab | None = None,
        kept: KeptPages | None = None,
        viewport: ViewportSize = WIDE,
        color_scheme: Literal["light", "dark"] | None = None,
        **options: Any,
    ) -> None:
        self.server = server
        origin = f"http://127.0.0.1:{server.port}"
        script = f"localStorage['chat:name'] ??= JSON.stringify({json.dumps(name)})" if name else ""
        self._kept = kept
        self._is_guest = bool(within)
        if within:
            self._context = within._context
            page = self._context.new_page()
        elif kept:
            self._place = kept.take(origin, **options)
            self._place.begin(viewport, script)
            self._context, page = self._place.context, self._place.page
        else:
            self._context = browser.new_context(viewport=viewport, **options)
            self._context.add_init_script(script)
            page = self._context.new_page()
        self._context.set_default_timeout(DEADLINE * 1000)
        self._page = page
        self._watched = Watched(page)
        self.page = cast(Page, self._watched)
        if color_scheme:
            self.page.emulate_media(color_scheme=color_scheme)
        self.complaints: list[str] = []
        self._events = {"console": self._listen, "pageerror": self._take_down}
        for event, listener in self._events.items():
            page.on(event, listener)
        self.url = f"{origin}{path}"
        self.page.goto(self.url)
        if name:
            self.wait_for_state("connected")

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _take_down(self, error: Error) -> None:
        self.complaints.append(str(error))

    def debugger(self) -> CDPSession:
        return self.context.new_cdp_session(self._page)

    @property
    def context(self) -> BrowserContext:
        """The browser, which no other test gets any more: it may be changed for good."""
        self._watched.is_spoilt = True
        return self._context

    def close(self) -> None:
        """Close the browser."""
        self._take_routes_along()
        self.context.close()

    def _take_routes_along(self) -> None:
        """Let no handler fail any more that is still about to answer what the page has asked for:
        its error would come up in whatever the test, or the next one, does."""
        if not self._page.is_closed():
            self._page.unroute_all(behavior="ignoreErrors")
            self._context.unroute_all(behavior="ignoreErrors")

    def leave(self) -> None:
        """Let another test have the browser, where it may; else close it."""
        self._take_routes_along()
        if self._is_guest:
            self._page.close()
        elif self._kept and not self._watched.is_spoilt:
            for event, listener in self._events.items():
                self._page.remove_listener(event, listener)
            self._kept.give_back(self._place, self._watched.to_undo)
        else:
            self._context.close()

    # -- what one does -----------------------------------------------------------------------

    def say(self, *bodies: str) -> None:
        """Write into the box, instead of what is in it, and send; then into the empty one."""
        # A fill() looks for several frames whether it can, which takes five times as long.
        self.page.evaluate(
            "(box => { box.focus(); box.select(); })(document.getElementById('body'))"
        )
        for body in bodies:
            self.page.keyboard.insert_text(body)
            self.page.keyboard.press("Enter")

    def set_offline(self, offline: bool) -> None:
        """Cut the browser's network, or mend it."""
        self._watched.to_undo.add("set_offline")
        self._context.set_offline(offline)

    def open_help(self) -> None:
        self.page.click("#open-more")
        self.page.click("#open-help")

    def hear_lines(self, speaker: Talker, lines: range = range(40)) -> None:
        """Let somebody say "line 0" and so on: by default, more than the window has room for."""
        for at in lines:
            speaker.say(f"line {at}")
        self.hear(f"line {lines[-1]}")

    def scroll_to(self, place: str) -> None:
        """Scroll to ``top`` or ``end``, as by hand."""
        top = {"top": "0", "end": "node.scrollHeight"}[place]
        self.page.evaluate(
            f"(node => {{ node.scrollTop = {top} }})(document.getElementById('scroller'))"
        )

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
        # In one go: a locator takes several, and most waits ask this again and again.
        ask = "selector => [...document.querySelectorAll(selector)].map(node => node.innerText)"
        found: list[str]
        try:
            found = self.page.evaluate(ask, selector)
        except Error as error:  # where the answer went with the page that is being left
            if "navigation" not in error.message:
                raise
            found = self.page.evaluate(ask, selector)
        return found

    def bodies(self) -> list[str]:
        return self.texts("#list .message .text")

    def pending(self) -> Locator:
        return self.page.locator("#pending .pending")

    def above_the_end(self) -> float:
        """How many pixels are below what is seen."""
        found: float = self.page.evaluate(
            """() => {
                const node = document.getElementById("scroller");
                return node.scrollHeight - node.scrollTop - node.clientHeight;
            }"""
        )
        return found
