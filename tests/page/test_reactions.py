"""The page in a real Chromium: reactions to messages, by mouse, keys and touch, and by others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.support.axe import faults_by_day_and_night
from tests.support.browser import PHONE, Tab
from tests.support.deadline import wait_for
from tests.support.fellow import Fellow
from tests.support.server_process import Running

pytestmark = pytest.mark.takes(seconds=25)

ROOM_MAKERS = "everyone"
"""See conftest.py."""


@pytest.fixture
def bob(page_server: Running, room: str) -> Iterator[Fellow]:
    bob = Fellow(page_server.port, "Bob", room)
    bob.connect_and_catch_up()
    yield bob
    bob.close()


def has_the_rest(tab: Tab) -> None:
    """What is loaded after the conversation."""
    rest = "document.styleSheets.length > 1"
    wait_for(lambda: tab.page.evaluate(rest), "the rest of the page")


def told(tab: Tab, bob: Fellow, body: str) -> str:
    """Bob says it, and the page has it; its id."""
    id = bob.tell(body)
    tab.hear(body)
    has_the_rest(tab)
    return id


def reactions(tab: Tab) -> list[tuple[str, bool]]:
    """What stands under messages, and whether it is the reader's, too."""
    found: list[list[object]] = tab.page.evaluate(
        """[...document.querySelectorAll("#list .reactions button")]
            .map((one) => [one.textContent, one.ariaPressed === "true"])"""
    )
    return [(str(text), bool(pressed)) for text, pressed in found]


def shows(tab: Tab, *wanted: tuple[str, bool]) -> None:
    wait_for(lambda: reactions(tab) == list(wanted), f"{wanted}, instead of {reactions(tab)}")


def stored(server: Running, room: str, id: str) -> dict[str, int]:
    status, _, body = server.get(f"/api/rooms/{room}/messages/{id}")
    assert status == 200
    counts: dict[str, int] = json.loads(body).get("reactions", {}).get("counts", {})
    return counts


def point_at(tab: Tab, body: str) -> None:
    tab.page.mouse.move(1, 1)
    row = tab.page.locator("#list > .message", has=tab.page.locator(".text", has_text=body))
    row.locator(".text").hover()
    row.locator(".tools-to-react").wait_for()


def test_a_message_is_reacted_to_with_the_mouse(open_tab, bob, page_server, room) -> None:
    tab = open_tab()
    id = told(tab, bob, "Tea is ready")

    point_at(tab, "Tea is ready")
    tab.page.click(".tools-to-react button")
    expect(tab.page.locator(".react-picker button")).to_have_count(6)
    tab.page.click(".react-picker button[title='Love']")
    shows(tab, ("❤️ 1", True))
    expect(tab.page.locator(".react-picker")).to_have_count(0)
    assert stored(page_server, room, id) == {"love": 1}

    bob.react(id, "love")
    bob.react(id, "done")
    shows(tab, ("❤️ 2", True), ("✅ 1", False))
    label = tab.page.get_attribute(".reaction[data-kind=done]", "aria-label")
    assert label == "Done: Bob, 1"
    tab.page.click(".reaction[data-kind=done]")
    tab.page.click(".reaction[data-kind=love]")
    shows(tab, ("❤️ 1", False), ("✅ 2", True))
    assert tab.complaints == []


def test_a_message_is_reacted_to_by_keys(open_tab, bob, page_server, room) -> None:
    tab = open_tab()
    id = told(tab, bob, "Tea is ready")
    tab.page.focus("#body")
    tab.page.keyboard.press("Shift+Tab")
    tab.page.locator(".tools-to-react").wait_for()

    tab.page.keyboard.press("l")
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator(".react-picker")).to_have_count(0)
    assert tab.page.evaluate("document.activeElement.dataset.id") == id
    tab.page.keyboard.press("l")
    tab.page.keyboard.press("ArrowRight")
    tab.page.keyboard.press("ArrowRight")
    tab.page.keyboard.press("Enter")
    shows(tab, ("😂 1", True))
    assert tab.page.evaluate("document.activeElement.dataset.id") == id

    for _ in range(9):  # what is in the message comes behind it
        tab.page.keyboard.press("Tab")
        if tab.page.evaluate("document.activeElement.dataset.kind") == "laugh":
            break
    tab.page.keyboard.press("Space")
    shows(tab)
    assert tab.page.evaluate("document.activeElement.dataset.id") == id
    assert stored(page_server, room, id) == {}
    assert tab.page.input_value("#body") == ""


def test_a_finger_reacts(open_tab, bob) -> None:
    tab = open_tab(viewport=PHONE, has_touch=True, is_mobile=True)
    told(tab, bob, "Tea is ready")

    tab.page.tap("#list .text")
    tab.page.tap(".tools-to-react button")
    tab.page.tap(".react-picker button >> nth=0")
    shows(tab, ("👍 1", True))
    tab.page.tap(".reaction[data-kind=like]")
    shows(tab)


def test_reactions_of_before_are_there_and_go_with_their_message(open_tab, bob) -> None:
    id, other = bob.tell("one"), bob.tell("two")
    bob.react(id, "wow")
    bob.react(other, "question")
    tab = open_tab()

    shows(tab, ("😮 1", False), ("❓ 1", False))
    tab.page.click(".reaction[data-kind=question]")
    shows(tab, ("😮 1", False), ("❓ 2", True))
    bob.change("remove", id)
    shows(tab, ("❓ 2", True))
    bob.change("edit", other, body="three")
    tab.hear("three")
    shows(tab, ("❓ 2", True))
    tab.page.reload()
    shows(tab, ("❓ 2", True))


class BreakableLine:
    """The page's connection, which breaks when the test says so."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self._meanwhile: Callable[[], None] = lambda: None
        self._loses_asks = False
        tab.page.route_web_socket("**/chat*", self._answer)
        tab.page.reload()
        tab.wait_for_state("connected")

    def _answer(self, route: WebSocketRoute) -> None:
        self._route = route
        self._meanwhile()
        server = route.connect_to_server()
        if self._loses_asks:
            asks = '"type":"reactions"'
            route.on_message(lambda text: None if asks in str(text) else server.send(text))

    def break_off(
        self, meanwhile: Callable[[], None] = lambda: None, *, loses_asks: bool = False
    ) -> None:
        """Until the page is back; then what it asks of reactions may be lost on the way."""
        self._meanwhile, self._loses_asks = meanwhile, loses_asks
        self._route.close(code=1001, reason="server shutting down")
        self._tab.page.wait_for_selector("body:not([data-state=connected])")
        self._tab.wait_for_state("connected")


def test_what_was_missed_is_asked_for_until_it_is_there(open_tab, bob) -> None:
    """Also if the connection breaks before the answer, and newer ones were told by then."""
    tab = open_tab()
    line = BreakableLine(tab)
    one, two = told(tab, bob, "one"), told(tab, bob, "two")
    bob.react(one, "like")
    shows(tab, ("👍 1", False))

    line.break_off(lambda: bob.react(one, "wow"), loses_asks=True)
    bob.react(two, "love")
    shows(tab, ("👍 1", False), ("❤️ 1", False))
    line.break_off()

    shows(tab, ("👍 1", False), ("😮 1", False), ("❤️ 1", False))


def test_a_message_that_was_removed_and_restored_meanwhile_has_none(open_tab, bob, come) -> None:
    """Bob, who came first, is the host."""
    tab = open_tab()
    line = BreakableLine(tab)
    eve = come("Eve")
    one, two = eve.tell("one"), eve.tell("two")
    tab.hear("two")
    has_the_rest(tab)
    eve.react(one, "like")
    eve.react(two, "love")
    shows(tab, ("👍 1", False), ("❤️ 1", False))

    def remove_and_restore() -> None:
        bob.change("remove", one)
        bob.change("restore", one)

    line.break_off(remove_and_restore)

    shows(tab, ("❤️ 1", False))
    assert tab.bodies() == ["one", "two"]


def test_another_tab_of_the_same_person_knows(open_tab, bob) -> None:
    tab = open_tab()
    told(tab, bob, "one")
    second = open_tab(within=tab)
    second.hear("one")
    has_the_rest(second)

    point_at(tab, "one")
    tab.page.click(".tools-to-react button")
    tab.page.click(".react-picker button >> nth=5")

    shows(second, ("✅ 1", True))
    second.page.click(".reaction")
    shows(tab)


def test_a_host_turns_reactions_off_and_on(open_tab, bob) -> None:
    tab = open_tab()
    id = told(tab, bob, "one")  # he came first
    bob.react(id, "like")
    shows(tab, ("👍 1", False))

    bob.wants("rules", reactions=False)
    wait_for(lambda: tab.page.locator(".reaction:disabled").count() == 1, "nobody can react")
    tab.page.focus(f"[data-id='{id}']")
    tab.page.keyboard.press("l")
    expect(tab.page.locator(".react-picker")).to_have_count(0)
    bob.wants("rules", reactions=True)
    wait_for(lambda: tab.page.locator(".reaction:enabled").count() == 1, "all can react again")


def test_nothing_of_it_is_read_out(open_tab, bob) -> None:
    tab = open_tab()
    id = told(tab, bob, "one")

    bob.react(id, "like")

    shows(tab, ("👍 1", False))
    assert tab.page.get_attribute(".reactions", "aria-live") == "off"
    assert tab.page.get_attribute(f"[data-id='{id}']", "aria-live") == "off"  # what it is put into


def test_reactions_are_within_everybodys_reach(open_tab, bob) -> None:
    tab = open_tab()
    id = told(tab, bob, "one")
    bob.react(id, "like")
    shows(tab, ("👍 1", False))
    tab.page.focus(f"[data-id='{id}']")
    tab.page.keyboard.press("l")

    assert faults_by_day_and_night(tab) == []


def test_on_paper_they_are_words_too(open_tab, bob) -> None:
    tab = open_tab()
    id = told(tab, bob, "Tea is ready")
    bob.react(id, "love")
    shows(tab, ("❤️ 1", False))
    words = (
        """() => getComputedStyle(document.querySelector("#list .reaction"), "::after").content"""
    )

    assert tab.page.evaluate(words) == "none"
    tab.page.emulate_media(media="print")
    assert tab.page.evaluate(words).replace('" "', "").strip('" ') == "Love: Bob"
    tab.page.emulate_media(media="screen")


def test_it_speaks_german(open_tab, bob) -> None:
    tab = open_tab(locale="de")
    id = told(tab, bob, "eins")
    bob.react(id, "done")
    shows(tab, ("✅ 1", False))

    assert tab.page.get_attribute(".reaction", "aria-label") == "Erledigt: Bob, 1"


def test_on_a_phone_they_stand_under_the_words(open_tab, bob: Fellow) -> None:
    tab = open_tab(viewport=PHONE, has_touch=True, is_mobile=True)
    told(tab, bob, "Tea?")
    tab.page.tap("#list .text")
    tab.page.tap(".tools-to-react button")

    words, picker = (
        tab.page.locator(part).bounding_box() for part in ("#list .text", ".react-picker")
    )
    assert words
    assert picker
    assert abs(picker["x"] - words["x"]) < 16
