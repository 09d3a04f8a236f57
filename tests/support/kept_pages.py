"""Pages of Chromium that one test after another opens, each as if nobody had been there before.

A page in a new browser takes a renderer of its own, and loads, compiles and draws everything for
the first time: twice what it takes where another one was. Only what a test leaves behind has to go
with it. What is known to leave nothing but stored data is listed here, and the data is cleared;
after anything else, the browser is closed and the next test gets a new one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, Error, Page, ViewportSize

HARMLESS = frozenset(
    {
        *("check", "click", "fill", "focus", "keyboard", "press", "select_option", "tap"),
        *("content", "evaluate", "get_attribute", "get_by_role", "get_by_text", "input_value"),
        *("is_checked", "is_visible", "locator", "title", "url", "wait_for_selector"),
        *("wait_for_url", "goto", "reload", "route", "set_viewport_size", "viewport_size"),
    }
)
"""What a test may do with a page that the next one gets: nothing of it outlasts the document, but
for stored data and the size, which are put right, and routes, which their tab takes along. A clock,
scripts, listeners, the way back and whatever is neither here nor below do."""

UNDONE: dict[str, Callable[[Page], object]] = {
    "emulate_media": lambda page: page.emulate_media(**DEFAULT_MEDIA),
    "mouse": lambda page: page.mouse.up(),
    "set_offline": lambda page: page.context.set_offline(False),
}
"""How what does outlast it is undone; the last is the browser's."""

DEFAULT_MEDIA: dict[str, Any] = {
    **{"media": "null", "color_scheme": "light", "contrast": "no-preference"},
    **{"forced_colors": "none", "reduced_motion": "no-preference"},
}
"""As in a new browser."""

MOST = 4
"""Pages that are kept at once: each is a process, and has its memory."""

CLEAR = """async () => {
    localStorage.clear();
    sessionStorage.clear();
    const others = await Promise.all([indexedDB.databases(), caches.keys()]);
    const workers = await navigator.serviceWorker.getRegistrations();
    return [...others, workers].every(({ length }) => length === 0);
}"""
"""Returns whether that was all there was: the page stores nothing elsewhere."""


class Watched:
    """A page of Playwright's that takes down whether the next test may have it."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.is_spoilt = False
        self.to_undo: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name in UNDONE:
            self.to_undo.add(name)
        elif name not in HARMLESS:
            self.is_spoilt = True
        return getattr(self._page, name)


class KeptPage:
    """A page in a browser of its own, for one server.

    Args:
        origin: the server's address.
        options: what the browser is, beyond the size of its window, which can be changed.
    """

    def __init__(self, browser: Browser, origin: str, **options: Any) -> None:
        self.origin = origin
        self.options = options
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self._debugger = self.context.new_cdp_session(self.page)
        self._debugger.send("Page.enable")
        self._script: dict[str, Any] = {}

    def begin(self, viewport: ViewportSize, script: str) -> None:
        """Let somebody come; the script runs whenever a page is loaded, until they leave."""
        if self.page.viewport_size != viewport:
            self.page.set_viewport_size(viewport)
        self._script = self._debugger.send(
            "Page.addScriptToEvaluateOnNewDocument", {"source": script}
        )

    def is_as_new(self, to_undo: set[str]) -> bool:
        """Whether nothing is left of who was here, once they are gone and what they have done
        and stored is undone and cleared, at an address where nothing runs."""
        try:
            for name in to_undo:
                UNDONE[name](self.page)
            self._debugger.send("Page.removeScriptToEvaluateOnNewDocument", self._script)
            self.page.goto(f"{self.origin}/healthz")
            self.page.mouse.move(0, 0)
            self._debugger.send("Page.resetNavigationHistory")
            is_clear = bool(self.page.evaluate(CLEAR))
            return is_clear and not self.context.cookies() and self.context.pages == [self.page]
        except Error:  # such as where the page has crashed
            return False


class KeptPages:
    """The pages of a browser where nobody is."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.idle: list[KeptPage] = []

    def take(self, origin: str, **options: Any) -> KeptPage:
        for page in self.idle:
            if (page.origin, page.options) == (origin, options):
                self.idle.remove(page)
                return page
        return KeptPage(self._browser, origin, **options)

    def give_back(self, page: KeptPage, to_undo: set[str]) -> None:
        """Keep it for the next test, where it is as new."""
        if page.is_as_new(to_undo):
            self.idle.append(page)
        else:
            page.context.close()
        while len(self.idle) > MOST:
            self.idle.pop(0).context.close()
