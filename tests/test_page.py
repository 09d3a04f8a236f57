"""The page in a real Chromium, against a real server."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, sync_playwright
from running import CHECKOUT, DEADLINE, Running, wait_for

SCREENSHOTS = CHECKOUT / "tests" / "screenshots"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = next(path for path in map(shutil.which, NAMES) if path)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("server")).start()
    yield running
    running.kill()


class Tab:
    """A page that has been opened, and what its console said."""

    def __init__(self, browser: Browser, server: Running, room: str, **options: object) -> None:
        self.context = browser.new_context(**{"viewport": WIDE, **options})  # type: ignore[arg-type]
        self.context.set_default_timeout(DEADLINE * 1000)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(f"http://127.0.0.1:{server.port}/?room={room}")
        self.wait_for_state("connected")

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def wait_for_state(self, state: str) -> None:
        self.page.wait_for_selector(f"body[data-state={state}]")

    def say(self, name: str, body: str) -> None:
        self.page.fill("#name", name)
        self.page.fill("#body", body)
        self.page.press("#body", "Enter")

    def hear(self, body: str) -> None:
        """Wait until the message is on the page, as one that the server has."""
        wait_for(lambda: body in self.bodies(), f"{body!r} on the page")

    def bodies(self) -> list[str]:
        return self.page.locator("#messages .message .text").all_inner_texts()

    def close(self) -> None:
        self.context.close()


rooms = map("page-{}".format, itertools.count())


@pytest.fixture
def open_tab(browser: Browser, server: Running) -> Iterator[Callable[..., Tab]]:
    """Open pages in a room that is this test's own."""
    room = next(rooms)
    opened: list[Tab] = []

    def open_one(**options: object) -> Tab:
        opened.append(Tab(browser, server, room, **options))
        return opened[-1]

    yield open_one
    for tab in opened:
        tab.close()


def test_two_pages_chat_with_each_other(open_tab) -> None:
    ann, bob = open_tab(), open_tab()

    ann.say("Ann", "hello from Ann")
    bob.hear("hello from Ann")
    bob.say("Bob", "hello from Bob")
    ann.hear("hello from Bob")

    assert ann.bodies() == bob.bodies() == ["hello from Ann", "hello from Bob"]
    assert bob.page.locator(".message .sender").all_inner_texts() == ["Ann", "Bob"]
    assert bob.page.locator(".message time").count() == 2
    assert ann.complaints == bob.complaints == []


def test_a_reload_keeps_the_name_and_shows_the_history(open_tab) -> None:
    tab = open_tab()
    tab.say("Ann", "before the reload")
    tab.hear("before the reload")

    tab.page.reload()
    tab.hear("before the reload")

    assert tab.page.input_value("#name") == "Ann"
    assert tab.complaints == []


def test_markup_stays_text(open_tab) -> None:
    tab = open_tab()
    for body in ("<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", "<b>3</b>"):
        tab.say("<i>Ann</i>", body)
        tab.hear(body)

    assert tab.page.locator(".message img, .message script, .message b, .message i").count() == 0
    assert tab.page.locator(".message .sender").first.inner_text() == "<i>Ann</i>"
    assert tab.complaints == []


def test_shift_enter_breaks_the_line_and_enter_sends(open_tab) -> None:
    tab = open_tab()
    tab.page.fill("#body", "one")
    tab.page.press("#body", "Shift+Enter")
    tab.page.keyboard.type("two")
    assert tab.bodies() == []

    tab.page.keyboard.press("Enter")

    tab.hear("one\ntwo")


def test_a_message_that_is_too_long_stays_in_the_box_with_a_reason(open_tab) -> None:
    tab = open_tab()

    tab.say("Ann", "x" * 70_000)

    assert "long" in tab.page.locator("#notice").inner_text().lower()
    assert len(tab.page.input_value("#body")) == 70_000
    assert tab.bodies() == []


def test_the_page_comes_back_by_itself_and_sends_what_waited(
    browser: Browser, tmp_path: Path
) -> None:
    server = Running(tmp_path / "server").start()
    tab = Tab(browser, server, "lobby")
    tab.say("Ann", "before the restart")
    tab.hear("before the restart")

    server.stop()
    tab.wait_for_state("waiting")
    tab.say("Ann", "typed while the server was down")
    again = Running(tmp_path / "server", port=server.port).start()
    tab.hear("typed while the server was down")

    wait_for(lambda: len(again.history()) == 2, "both messages in the history")
    assert tab.bodies() == ["before the restart", "typed while the server was down"]
    assert tab.page.locator("#pending .pending").count() == 0
    tab.close()
    again.kill()


def test_the_page_is_usable_by_keyboard_alone(open_tab) -> None:
    tab = open_tab()
    tab.page.evaluate("document.activeElement.blur()")

    order = []
    for _ in range(12):
        tab.page.keyboard.press("Tab")
        order.append(tab.page.evaluate("document.activeElement.id"))

    assert {"name", "body", "send"} <= set(order)
    assert tab.page.locator("#name").evaluate("node => node.labels.length") == 1
    assert tab.page.locator("#body").evaluate(
        "node => node.labels.length || node.getAttribute('aria-label')"
    )
    assert tab.page.get_by_role("log").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "viewport"), [("wide", WIDE), ("phone", PHONE)])
def test_nothing_is_cut_off_on_any_screen(open_tab, name, viewport, scheme) -> None:
    tab = open_tab(viewport=viewport, color_scheme=scheme)
    tab.say("Ann", "word " * 60 + "w" * 300)
    tab.say("A rather long name, as some people have them", "short")
    tab.hear("short")

    SCREENSHOTS.mkdir(exist_ok=True)
    tab.page.screenshot(path=SCREENSHOTS / f"{name}-{scheme}.png")

    page = tab.page.locator("html").evaluate("node => [node.scrollWidth, node.clientWidth]")
    assert page[0] <= page[1], "the page scrolls sideways"
    assert tab.page.locator("#send").is_visible()
    assert tab.complaints == []
