"""What the tests of the page rely on: a browser that another one has used is as good as new."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Route, expect

from tests.support.browser import PHONE, Tab
from tests.support.deadline import wait_for
from tests.support.kept_pages import KeptPages

LEFT_BEHIND: dict[str, Callable[[Tab], object]] = {
    "a clock": lambda tab: tab.page.clock.install(),
    "a route of the browser's": lambda tab: tab.context.route("**/nowhere", lambda _: None),
    "another page": lambda tab: tab.page.evaluate("open('about:blank') && 0"),
    "a cookie": lambda tab: tab.page.evaluate("document.cookie = 'a=b'"),
    "a database": lambda tab: tab.page.evaluate(
        "new Promise((done) => { indexedDB.open('mine').onsuccess = () => done(); })"
    ),
    "a cache": lambda tab: tab.page.evaluate("caches.open('mine').then(() => 0)"),
    "no browser": lambda tab: tab.close(),
}


@pytest.fixture
def come(browser, page_server, room: str) -> Callable[..., Tab]:
    """Open pages, one after another, in one browser if it can be kept."""
    kept = KeptPages(browser)

    def come(name: str | None = None) -> Tab:
        return Tab(browser, page_server, name, path=f"/rooms/{room}", kept=kept)

    return come


def test_the_next_visitor_finds_nothing_of_the_last_one(come) -> None:
    ann = come("Ann")
    ann.page.set_viewport_size(PHONE)
    ann.page.click("#menu")
    ann.page.click("#open-settings")
    ann.page.select_option("#theme", "dark")
    ann.page.keyboard.press("Escape")
    ann.page.fill("#body", "half a thought")
    ann.page.evaluate("sessionStorage.mine = localStorage.mine = window.name = 'mine'")
    ann.page.evaluate("Math.random = () => 0")
    ann.page.goto(f"{ann.url}-beside")
    ann.leave()

    bob = come()

    bob.page.locator("#name-dialog[open]").wait_for()
    stored = "[...Object.keys(localStorage), ...Object.keys(sessionStorage), window.name]"
    assert bob.page.evaluate(stored) == [""]
    assert bob.page.evaluate("[innerWidth, history.length, Math.random() > 0]") == [1280, 2, True]
    bob.page.fill("#name", "Bob")
    bob.page.keyboard.press("Enter")
    bob.wait_for_state("connected")
    assert bob.page.input_value("#body") == ""
    expect(bob.page.locator("#people .name")).to_have_text(["Bob"])
    is_the_same = bob.context == ann.context
    bob.close()
    assert is_the_same


def test_what_is_known_to_outlast_a_visit_is_undone(come) -> None:
    ann = come("Ann")
    ann.page.emulate_media(color_scheme="dark", reduced_motion="reduce", media="print")
    ann.page.mouse.move(9, 9)
    ann.page.mouse.down()
    ann.page.route("**/healthz*", lambda route: route.abort())
    ann.set_offline(True)
    ann.leave()

    bob = come("Bob")

    media = ("prefers-color-scheme: dark", "prefers-reduced-motion: reduce")
    asked = [f"matchMedia('{one}').matches" for one in ("print", *(f"({it})" for it in media))]
    assert bob.page.evaluate(f"[{', '.join(asked)}, navigator.onLine]") == [False] * 3 + [True]
    assert bob.page.evaluate("fetch('/healthz').then(({ status }) => status)") == 200
    pressed = "new Promise((done) => addEventListener('mousemove', (e) => done(e.buttons)))"
    bob.page.evaluate(f"window.pressed = {pressed}, 0")
    bob.page.mouse.move(5, 5)
    assert bob.page.evaluate("pressed") == 0
    is_the_same = bob.context == ann.context
    bob.close()
    assert is_the_same


def test_a_browser_that_had_a_second_tab_is_used_again(browser, page_server, come) -> None:
    ann = come("Ann")
    again = Tab(browser, page_server, within=ann, path=ann.url.partition(str(page_server.port))[2])
    again.leave()
    ann.leave()

    bob = come("Bob")

    assert bob.context == ann.context
    bob.close()


@pytest.mark.parametrize("what", LEFT_BEHIND)
def test_a_browser_in_which_more_is_left_is_used_no_more(browser, page_server, what: str) -> None:
    kept = KeptPages(browser)
    tab = Tab(browser, page_server, None, path="/healthz", kept=kept)
    LEFT_BEHIND[what](tab)

    tab.leave()

    assert kept.idle == []


def test_a_request_that_a_test_no_longer_waits_for_troubles_no_other(open_tab, come) -> None:
    """Its answer never comes: it is a stream."""
    ann = come("Ann")
    ann.page.add_init_script("window.mine = true")
    asked: list[Route] = []

    def answer(route: Route) -> None:
        asked.append(route)
        route.fulfill(response=route.fetch())

    ann.page.route("**/events", answer)
    ann.page.evaluate("room => void fetch(`/api${room}/events`)", urlsplit(ann.url).path)
    wait_for(lambda: ann.page.title() and asked, "the request")
    ann.leave()

    assert open_tab("Bob").complaints == []
