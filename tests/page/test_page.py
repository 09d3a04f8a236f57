"""The page in a real Chromium, against a real server: writing and what becomes of it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Route, ViewportSize, WebSocket, expect

from tests.support.browser import PHONE, WIDE, Tab
from tests.support.deadline import wait_for
from tests.support.plain_client import PlainClient

pytestmark = pytest.mark.takes(seconds=27)


def test_two_pages_chat_with_each_other(open_tab) -> None:
    ann, bob = open_tab("Ann", fresh=True), open_tab("Bob")

    ann.say("hello from Ann")
    bob.hear("hello from Ann")
    bob.say("hello from Bob")
    ann.hear("hello from Bob")
    bob.hear("hello from Bob")

    assert ann.bodies() == bob.bodies() == ["hello from Ann", "hello from Bob"]
    assert bob.texts(".message .sender") == ["Ann", "Bob"]
    expect(bob.page.locator(".message time:not(.day)")).to_have_count(2)
    assert ann.complaints == bob.complaints == []


def test_the_first_visit_asks_for_a_name_and_no_more(open_tab, room: str) -> None:
    tab = open_tab(None, fresh=True)
    tab.page.keyboard.press("Escape")
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator("#name-dialog")).to_be_visible()
    assert tab.texts("#name-title") == [f"Welcome to \u2068{room}\u2069"]
    expect(tab.page.get_by_text("This is a chat room")).to_be_visible()
    # What is not known yet is not made up behind it.
    assert tab.texts("#count") == tab.texts("#my-name") == [""]
    expect(tab.page.locator("#portrait")).to_be_hidden()

    tab.page.fill("#name", "Ann")
    tab.page.keyboard.press("Enter")

    tab.wait_for_state("connected")
    expect(tab.page.locator("#people .name")).to_have_text(["Ann"])
    assert tab.complaints == []


@contextmanager
def scripts_on_the_way(tab: Tab) -> Iterator[None]:
    """A slow line: the page is loaded anew, and its modules come at the end of the block."""
    held: list[Route] = []
    tab.page.route("**/chat.js", lambda route: held.append(route))
    tab.page.reload(wait_until="commit")
    tab.page.locator("#composer").wait_for()
    yield
    wait_for(lambda: tab.page.title() and held, "the request for the modules")
    held[0].continue_()


def test_a_name_can_be_given_before_the_scripts_are_there(open_tab) -> None:
    tab = open_tab(None)
    with scripts_on_the_way(tab):
        tab.page.locator("#name:focus").wait_for()
        tab.page.keyboard.type("Ann")
        tab.page.keyboard.press("Enter")

    tab.wait_for_state("connected")
    expect(tab.page.locator("#my-name")).to_have_text("Ann")
    assert tab.complaints == []
    tab.page.click("#rename")  # and that answer is not given twice
    assert tab.page.input_value("#name") == "Ann"
    expect(tab.page.locator("#name-dialog")).to_be_visible()


def test_half_a_name_is_kept_when_the_scripts_come(open_tab) -> None:
    tab = open_tab(None)
    with scripts_on_the_way(tab):
        tab.page.locator("#name:focus").wait_for()
        tab.page.keyboard.type("Jo")
    tab.page.locator("#portrait[hidden]").wait_for(state="attached")

    tab.page.keyboard.type("hn")
    tab.page.keyboard.press("Enter")

    tab.wait_for_state("connected")
    expect(tab.page.locator("#my-name")).to_have_text("John")


def test_a_name_that_is_given_in_one_tab_is_given_in_all(open_tab) -> None:
    here = open_tab(None)
    there, half = open_tab(None, within=here), open_tab(None, within=here)
    for tab in (here, there, half):
        expect(tab.page.locator("#name-dialog")).to_be_visible()
    half.page.fill("#name", "Jo")  # who is somebody else

    here.page.bring_to_front()
    here.page.fill("#name", "Ann")
    here.page.press("#name", "Enter")

    for tab in (here, there):
        tab.wait_for_state("connected")
        expect(tab.page.locator("#name-dialog")).to_be_hidden()
        expect(tab.page.locator("#my-name")).to_have_text("Ann")
    assert half.page.input_value("#name") == "Jo"
    expect(half.page.locator("#name-dialog")).to_be_visible()
    wait_for(lambda: here.texts("#people .name") == ["Ann"], "one person")


@pytest.mark.parametrize("patience", ["the server waits", "the server has given up"])
def test_the_socket_of_somebody_with_a_name_is_begun_before_the_scripts_are_there(
    open_tab, patience: str
) -> None:
    """And it is taken, unless it has ended meanwhile: then there is another one."""
    tab = open_tab()
    sockets: list[WebSocket] = []
    tab.page.on("websocket", lambda socket: sockets.append(socket))
    with scripts_on_the_way(tab):
        wait_for(lambda: tab.page.title() and sockets, "a socket")
        is_open = "early.begun.readyState === WebSocket.OPEN"
        wait_for(lambda: tab.page.evaluate(is_open), "an open socket")
        if patience == "the server has given up":
            tab.page.evaluate("early.begun.close()")

    tab.wait_for_state("connected")
    tab.say("here I am")
    tab.hear("here I am")
    assert len(sockets) == (1 if patience == "the server waits" else 2)
    assert tab.complaints == []


def test_before_somebody_has_a_name_there_is_no_socket(open_tab) -> None:
    tab = open_tab(None)
    sockets: list[WebSocket] = []
    tab.page.on("websocket", lambda socket: sockets.append(socket))
    with scripts_on_the_way(tab):
        tab.page.locator("#name:focus").wait_for()

    tab.page.fill("#name", "Ann")
    assert sockets == []
    tab.page.keyboard.press("Enter")
    tab.wait_for_state("connected")
    assert len(sockets) == 1


def test_what_is_written_before_the_scripts_are_there_joins_the_draft(open_tab) -> None:
    tab = open_tab()
    tab.page.fill("#body", "a draft")
    with scripts_on_the_way(tab):
        tab.page.locator("#body").press_sequentially("an idea")

    tab.wait_for_state("connected")
    assert tab.page.input_value("#body") == "a draft\nan idea"


def test_a_reload_keeps_name_draft_and_history(open_tab) -> None:
    tab = open_tab(None)
    tab.page.fill("#name", "Ann")
    tab.page.keyboard.press("Enter")
    tab.wait_for_state("connected")
    tab.say("before the reload")
    tab.hear("before the reload")
    tab.page.fill("#body", "half a thought")

    tab.page.reload()
    tab.hear("before the reload")

    tab.see("#my-name", "Ann")
    assert tab.page.input_value("#body") == "half a thought"
    expect(tab.page.locator(".message.own")).to_have_count(1)
    assert tab.complaints == []


def test_a_draft_belongs_to_its_room(open_tab, room) -> None:
    tab = open_tab()
    tab.page.fill("#body", "for this room")

    tab.page.goto(tab.url + "-beside")
    tab.wait_for_state("connected")
    assert tab.page.input_value("#body") == ""

    tab.page.goto(tab.url)
    assert tab.page.input_value("#body") == "for this room"


def test_markup_stays_text(open_tab) -> None:
    tab = open_tab("<i>Ann</i>")
    for body in ("<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", "<b>3</b>"):
        tab.say(body)
        tab.hear(body)

    expect(tab.page.locator(".message img, .message script, .message b, .message i")).to_have_count(
        0
    )
    assert tab.page.locator(".message .sender").first.inner_text() == "<i>Ann</i>"
    assert tab.complaints == []


def test_links_code_and_emoji_look_like_what_they_are(open_tab) -> None:
    tab = open_tab()
    tab.say("see https://example.org/a_(b), javascript:alert(1) and `let x`", "🎉", "no 🎉 alone")
    tab.hear("no 🎉 alone")

    link = tab.page.locator(".message .text a")
    assert link.evaluate_all("found => found.map(a => [a.href, a.target, a.rel])") == [
        ["https://example.org/a_(b)", "_blank", "noopener noreferrer nofollow ugc"]
    ]
    assert tab.texts(".message code") == ["let x"]
    assert tab.texts(".jumbo") == ["🎉"]


def test_shift_enter_breaks_the_line_and_enter_sends(open_tab) -> None:
    tab = open_tab()
    tab.page.fill("#body", "one")
    tab.page.press("#body", "Shift+Enter")
    tab.page.keyboard.type("two")
    assert tab.bodies() == []

    tab.page.keyboard.press("Enter")

    tab.hear("one\ntwo")


def test_enter_does_not_send_while_an_input_method_composes(open_tab) -> None:
    tab = open_tab()
    tab.page.fill("#body", "にほん")
    tab.page.locator("#body").evaluate(
        """box => box.dispatchEvent(
            new KeyboardEvent("keydown", { key: "Enter", isComposing: true, cancelable: true }))"""
    )
    assert tab.page.input_value("#body") == "にほん"
    expect(tab.pending()).to_have_count(0)

    tab.page.keyboard.press("Enter")
    tab.hear("にほん")


def test_enter_breaks_the_line_on_a_touch_keyboard(open_tab) -> None:
    tab = open_tab(viewport=PHONE, has_touch=True, is_mobile=True)
    tab.page.fill("#body", "one")
    tab.page.press("#body", "Enter")
    tab.page.keyboard.type("two")
    assert tab.page.input_value("#body") == "one\ntwo"

    tab.page.tap("#send")

    tab.hear("one\ntwo")


def test_alt_and_up_in_an_empty_box_recall_what_was_said(open_tab) -> None:
    tab = open_tab()
    tab.say("first", "second")
    tab.hear("second")
    box = tab.page.locator("#body")

    box.press("Alt+ArrowUp")
    assert box.input_value() == "second"
    box.press("Alt+ArrowUp")
    assert box.input_value() == "first"
    box.press("Alt+ArrowDown")
    box.press("Alt+ArrowDown")
    assert box.input_value() == ""


def test_a_message_that_is_too_long_stays_in_the_box_with_a_reason(open_tab) -> None:
    tab = open_tab()

    tab.say("x" * 70_000)

    assert "too long" in tab.page.locator("#notice").inner_text()
    assert len(tab.page.input_value("#body")) == 70_000
    assert tab.bodies() == []


def test_german_browsers_get_a_german_page(open_tab) -> None:
    tab = open_tab(locale="de-CH")

    assert tab.page.locator("html").get_attribute("lang") == "de"
    assert tab.page.locator("#body").get_attribute("placeholder") == "Nachricht schreiben"
    assert tab.texts("#send span") == ["Senden"]
    tab.see("#status", "Verbunden")


def test_nothing_is_cut_off_on_any_screen(open_tab) -> None:
    """640 by 400 is what a laptop has at 200 percent."""
    tab = open_tab("A rather long name, as some people have them")
    tab.say("word " * 60 + "w" * 300, "short")
    tab.hear("short")

    small: ViewportSize = {"width": 640, "height": 400}
    for viewport, scheme in itertools.product((WIDE, PHONE, small), ("light", "dark")):
        tab.page.set_viewport_size(viewport)
        tab.page.emulate_media(color_scheme=scheme)
        page = tab.page.locator("html").evaluate("node => [node.scrollWidth, node.clientWidth]")
        assert page[0] <= page[1], "the page scrolls sideways"
        for control in ("#send", "#body", "#open-search"):
            expect(tab.page.locator(control)).to_be_visible()
            box = tab.page.locator(control).bounding_box()
            assert box and box["x"] + box["width"] <= viewport["width"]
            assert box["y"] + box["height"] <= viewport["height"]
    assert tab.complaints == []


def test_the_switch_for_the_appearance_wins_over_the_system_and_stays(open_tab) -> None:
    tab = open_tab(color_scheme="light")
    light = background(tab)

    tab.page.click("#open-settings")
    tab.page.select_option("#theme", "dark")
    assert background(tab) != light
    tab.page.reload()

    assert background(tab) != light


def test_the_browsers_own_bar_has_the_appearance_that_was_chosen(open_tab) -> None:
    tab = open_tab(color_scheme="light")
    light, dark = bar(tab), "#1a211e"
    assert light not in ([], [dark])

    tab.page.click("#open-settings")
    tab.page.select_option("#theme", "dark")
    assert bar(tab) == [dark]
    tab.page.reload()
    tab.wait_for_state("connected")
    assert bar(tab) == [dark]

    tab.page.click("#open-settings")
    tab.page.select_option("#theme", "system")
    assert bar(tab) == light


def bar(tab) -> list[str]:
    """The colours that a phone's browser may take for its bar."""
    colours: list[str] = tab.page.locator("meta[name=theme-color]").evaluate_all(
        "all => all.filter(({ media }) => matchMedia(media).matches).map(({ content }) => content)"
    )
    return colours


def test_what_is_loaded_later_is_there_when_the_server_is_not(open_tab) -> None:
    tab = open_tab(fresh=True)
    loaded = "performance.getEntriesByType('resource').map(({ name }) => name).join()"
    for part in ("dialogs.js", "settings_panel.js"):
        wait_for(lambda part=part: part in tab.page.evaluate(loaded), part)
    tab.set_offline(True)

    tab.page.press("#body", "Control+/")
    tab.see("#keys", "search")
    tab.page.keyboard.press("Escape")
    tab.page.click("#open-invite")
    tab.see("#invite-dialog .address a", "/rooms/")
    tab.page.keyboard.press("Escape")
    tab.page.click("#open-settings")

    tab.page.select_option("#theme", "dark")


def test_a_click_is_kept_while_what_it_opens_is_on_its_way(open_tab) -> None:
    tab = open_tab()
    held: list[Route] = []
    tab.page.route("**/settings_panel.js", lambda route: held.append(route))
    tab.page.reload()
    tab.page.click("#open-settings")
    wait_for(lambda: tab.page.title() and held, "the request for the settings")
    expect(tab.page.locator("#settings")).to_be_hidden()  # and not an empty box

    held[0].continue_()

    tab.page.select_option("#theme", "dark")


def test_what_is_chosen_in_one_tab_is_chosen_in_the_other(open_tab) -> None:
    here = open_tab(color_scheme="light")
    there = open_tab(within=here)
    light = background(there)
    here.page.click("#open-settings")
    here.page.select_option("#theme", "dark")
    wait_for(lambda: background(there) != light, "the other one dark, too")

    there.page.click("#open-settings")
    assert there.page.input_value("#theme") == "dark"
    there.page.check("#sound")

    wait_for(lambda: here.page.is_checked("#sound"), "the sound, as chosen there")
    settings = json.loads(here.page.evaluate("localStorage['chat:settings']"))
    assert (settings["theme"], settings["sound"]) == ("dark", True)


def background(tab) -> str:
    colour: str = tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert re.match(r"rgb|color", colour)
    return colour


def longest_task_of_a_burst(tab: Tab, speaker: PlainClient, burst: int) -> float:
    """In milliseconds."""
    tab.page.evaluate("window.longest = 0")
    for at in range(150):
        speaker.say(f"line {burst}.{at}")
    tab.page.locator("#list > li:last-child", has_text=f"line {burst}.149").wait_for()
    found: float = tab.page.evaluate("longest")
    return found


def test_the_page_keeps_up_with_a_burst(open_tab, page_server, room) -> None:
    """No task is so long that somebody who types would notice. Of three bursts one will do: a
    task is longer while the machine does other things."""
    tab = open_tab(fresh=True)
    tab.page.evaluate(
        """() => {
            new PerformanceObserver((list) => {
                for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
            }).observe({ entryTypes: ["longtask"] });
        }"""
    )
    with page_server.join("Bob", room, max_queue=None) as bob:
        longest = [longest_task_of_a_burst(tab, bob, burst) for burst in range(3)]

    expect(tab.page.locator("#list > .message")).to_have_count(450)
    assert min(longest) < 400, longest  # 50 is the aim
    wait_for(lambda: tab.above_the_end() < 2, "the page at its end")


@pytest.mark.parametrize(
    ("locale", "words"), [("en-GB", "english"), ("de-CH", "german"), ("fr", "english")]
)
def test_a_page_loads_its_words_in_one_language_and_without_a_round_trip(
    open_tab, locale: str, words: str
) -> None:
    tab = open_tab(locale=locale)
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    with scripts_on_the_way(tab):
        wait_for(lambda: tab.page.title() and f"{words}.js" in asked, "the request for the words")
    tab.wait_for_state("connected")

    assert [name for name in asked if name in ("english.js", "german.js")] == [f"{words}.js"]
    assert tab.complaints == []
