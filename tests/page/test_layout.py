"""How the page looks where it matters: narrow, low, zoomed, on paper, in code, while it waits."""

from __future__ import annotations

import datetime
import re

import pytest
from playwright.sync_api import expect

from chatroom.client import ChatClient
from tests.support.browser import PHONE, WIDE, Tab
from tests.support.deadline import wait_for

pytestmark = pytest.mark.takes(seconds=26)

CODE = "```\n" + " ".join(f"word{n}" for n in range(60)) + "\nsecond\n```"


def outside(tab: Tab) -> list[str]:
    """What can be used and reaches over the left or right edge of the page."""
    found: list[str] = tab.page.evaluate(
        """() => {
            const { scrollWidth, clientWidth } = document.documentElement;
            const controls = [...document.querySelectorAll("a, button, input, select, textarea")];
            const over = controls.filter((node) => {
                const { left, right, width } = node.getBoundingClientRect();
                return node.checkVisibility() && width > 1 && (left < 0 || right > innerWidth);
            });
            return [...(scrollWidth > clientWidth ? ["the page"] : []), ...over.map((n) => n.id)];
        }"""
    )
    return found


def test_nothing_is_out_of_reach_at_320_pixels_and_at_200_percent(open_tab) -> None:
    tab = open_tab("A name as long as one can have it, which is rather long")
    tab.say(CODE, "https://example.org/" + "a" * 300, "W" * 300)
    tab.hear("W" * 300)
    for width, height in ((320, 568), (640, 400)):
        tab.page.set_viewport_size({"width": width, "height": height})
        assert outside(tab) == [], width
        for opener, opened in (
            ("#open-more", "#more"),
            ("#open-help", "#help-dialog"),
            ("#open-invite", "#invite-dialog"),
            ("#menu", "#side"),
            ("#rename", "#name-dialog"),
        ):
            tab.page.click(opener)
            tab.page.wait_for_selector(opened)
            assert outside(tab) == [], (width, opened)
            if opener not in ("#menu", "#open-more"):  # within which the next one is
                tab.page.keyboard.press("Escape")
        tab.page.keyboard.press("Escape")
        tab.page.click("#open-search")
        assert outside(tab) == [], (width, "search")
        tab.page.click("#search-close")


def test_the_box_keeps_its_distance_in_a_low_window(open_tab) -> None:
    tab = open_tab(viewport={"width": 640, "height": 400})

    line, box = (tab.page.locator(part).bounding_box() for part in ("#composer", "#body"))
    assert line and box and box["y"] - line["y"] > 4  # where the focus is drawn


def test_a_phone_says_in_a_word_that_it_is_connected(open_tab) -> None:
    tab = open_tab(viewport=PHONE)

    word, room = (tab.page.locator(part).bounding_box() for part in ("#status-words", "h1"))
    assert word and room
    assert word["width"] > 40
    assert word["y"] >= room["y"] + room["height"] - 1  # under the room's name


def test_lines_of_code_stay_lines(open_tab) -> None:
    tab = open_tab(viewport=PHONE)
    tab.say(CODE)
    wait_for(lambda: tab.page.locator("#list pre").count() == 1, "a block of code")

    block = tab.page.locator("#list pre")
    assert block.evaluate("node => node.scrollWidth > node.clientWidth")
    assert block.evaluate("node => node.clientHeight") < 90  # two lines
    block.focus()
    tab.page.keyboard.press("ArrowRight")
    wait_for(lambda: block.evaluate("node => node.scrollLeft") > 0, "more of the line")


def test_on_a_phone_every_name_stands_above_its_lines(open_tab, page_server, room: str) -> None:
    tab = open_tab("Ann", viewport=PHONE)
    for name in ("Bob", "דנה"):
        with ChatClient(f"http://127.0.0.1:{page_server.port}", name, room=room) as someone:
            someone.say(f"I am {name}")
            tab.hear(f"I am {name}")

    lefts = tab.page.locator("#list .sender").evaluate_all(
        """found => found.map((node) => {
            const range = document.createRange();
            range.selectNodeContents(node);
            return Math.round(range.getBoundingClientRect().left);
        })"""
    )
    assert len(lefts) == 2
    assert lefts[0] == lefts[1]


def test_no_word_sticks_out_of_its_button_under_a_finger(open_tab) -> None:
    tab = open_tab(viewport=PHONE, has_touch=True, is_mobile=True)
    sticking_out = """buttons => buttons
        .filter(one => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1)
        .map(one => one.id || one.textContent)"""

    for width in (320, 640, 844, 1024):
        tab.page.set_viewport_size({"width": width, "height": 390})
        assert tab.page.locator("button").evaluate_all(sticking_out) == [], width


@pytest.mark.parametrize("locale", ["de", "en-US"])
def test_the_time_of_a_tapped_message_covers_no_word(open_tab, bob, locale: str) -> None:
    small = {"width": 320, "height": 568}
    tab = open_tab(viewport=small, has_touch=True, is_mobile=True, locale=locale)
    last = "a second one that is long enough to reach the other edge of any phone"
    for body in ("first", last):
        bob.say(body)
    tab.hear(last)
    tab.page.locator(".follows .text").tap()

    parts = (tab.page.locator(f".follows {part}") for part in (".when", ".text"))
    time, text = (part.bounding_box() for part in parts)
    assert time and text
    assert time["width"] > 20
    assert time["x"] >= 0
    assert time["x"] + time["width"] <= text["x"] + 1


@pytest.mark.parametrize("height", [230, 300])
def test_the_way_back_does_not_cover_what_a_link_leads_to(
    open_tab, bob, room: str, height: int
) -> None:
    """As on a phone that lies, with its keyboard."""
    for number in range(60):
        bob.say(f"line {number} of many that are here")
    tab = open_tab()
    wanted = tab.page.locator(".message").nth(20).get_attribute("data-id")
    phone = open_tab(
        "Cleo", viewport={"width": 390, "height": height}, path=f"/rooms/{room}#{wanted}"
    )

    shown = phone.page.locator(".shown .text")
    shown.wait_for()
    text, button = shown.bounding_box(), phone.page.locator("#newer").bounding_box()
    assert text and button
    assert text["y"] + text["height"] <= button["y"] + 4


def test_who_copies_a_sender_lines_gets_the_name_once(open_tab, bob) -> None:
    tab = open_tab("Ann")
    for body in ("first", "Ann, second", "third"):
        bob.say(body)
    tab.hear("third")

    copied = tab.page.evaluate(
        """() => {
            getSelection().selectAllChildren(document.getElementById("list"));
            return String(getSelection());
        }"""
    )
    said = re.sub(r"\s+", " ", copied)
    assert re.search(r"Bob first \d+:\d+ (AM|PM) Ann, second third", said), said


def test_the_conversation_is_printed_whole_and_alone(open_tab, bob) -> None:
    tab = open_tab(color_scheme="dark")
    for number in range(60):
        bob.say(f"line {number}")
    tab.hear("line 59")

    tab.page.emulate_media(media="print")

    script = tab.page.locator("#script").evaluate("node => node.offsetHeight")
    assert tab.page.evaluate("document.documentElement.scrollHeight") >= script > WIDE["height"]
    for part in (".top", "#side", "#composer"):
        expect(tab.page.locator(part)).to_be_hidden()
    ink = tab.page.locator("body").evaluate("node => getComputedStyle(node).color")
    assert ink == "rgb(28, 36, 33)"  # dark, on paper


def test_a_folded_message_is_printed_whole_and_the_room_is_named(open_tab, room: str) -> None:
    tab = open_tab()
    loaded: list[str] = []
    tab.page.on("requestfinished", lambda request: loaded.append(request.url))
    text = "\n".join(f"line {at}" for at in range(200))
    tab.say(text, "short")
    tab.hear("short")
    wait_for(lambda: tab.page.title() and any("printing.js" in url for url in loaded), "the part")
    tab.page.evaluate("new Promise(done => setTimeout(done, 50))")

    tab.page.emulate_media(media="print")
    tab.page.evaluate("dispatchEvent(new Event('beforeprint'))")

    assert tab.bodies() == [text, "short"]
    expect(tab.page.locator("button:visible")).to_have_count(0)
    head = tab.page.locator(".print-head").inner_text()
    assert room in head
    assert str(datetime.date.today().year) in head
    assert f"/rooms/{room}/transcript" in head
    tab.page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(tab.page.locator(".print-head")).to_have_count(0)
    expect(tab.page.locator(".folded")).to_have_count(1)


def test_paper_takes_as_many_links_as_a_browser_can_bear(open_tab, page_server, room: str) -> None:
    tab = open_tab()
    with page_server.join("Bob", room, max_queue=None) as bob:
        bob.say("http://a.b " * 5_400 + "the end")
        tab.page.locator(".folded").wait_for()
    tab.page.evaluate("new Promise(done => setTimeout(done, 1500))")

    tab.page.evaluate("dispatchEvent(new Event('beforeprint'))")

    text = tab.page.locator(".text")
    assert text.evaluate("text => text.textContent.endsWith('the end')")
    assert text.locator("a").count() <= 250


# -- a message ---------------------------------------------------------------------------------


def test_a_long_name_takes_no_more_room_than_its_message(open_tab) -> None:
    tab = open_tab("Maximiliane von Hohenstein-Öttingen zu Wallerstein")
    tab.say("one", "two", "three")
    tab.hear("three")

    tops = tab.page.locator(".text").evaluate_all(
        "texts => texts.map(text => text.getBoundingClientRect().top)"
    )
    assert abs((tops[1] - tops[0]) - (tops[2] - tops[1])) < 1


def test_code_begins_level_with_its_sender(open_tab) -> None:
    tab = open_tab()
    tab.say("```\ncode\n```")
    wait_for(lambda: tab.page.locator("#list pre").count() == 1, "a block of code")

    code, avatar = (
        tab.page.locator(f"#list {part}").evaluate(
            """node => {
                const { top, bottom } = node.getBoundingClientRect();
                return (top + bottom) / 2;
            }"""
        )
        for part in ("pre code", ".avatar")
    )
    assert abs(code - avatar) < 3


def test_what_is_new_does_not_look_like_an_error(open_tab, page_server, room: str) -> None:
    tab = open_tab()
    tab.hide()
    with page_server.join("Bob", room) as bob:
        bob.say("something new")
        tab.page.locator(".unread").wait_for()

    colour = "node => getComputedStyle(node).color"
    bad = tab.page.locator("#notice").evaluate(colour)
    assert tab.page.locator(".unread").evaluate(colour) != bad


def test_a_name_that_nobody_checked_is_explained_without_hovering(
    open_tab, page_server, room: str
) -> None:
    tab = open_tab()
    with page_server.join("Bob", room) as bob:
        bob.say("hello")
        tab.hear("hello")
    said = "row => getComputedStyle(row, '::after').content"
    row = tab.page.locator(".row:has(.unchecked)")
    assert row.evaluate(said) == "none"

    tab.page.focus("#list > .message")

    assert "Nobody checked this name" in row.evaluate(said)


def test_names_and_code_are_not_translated(open_tab) -> None:
    tab = open_tab("Rose")
    tab.say("a rose is a `rose`\n```\nrose\n```")
    tab.page.locator("#list pre").wait_for()
    tab.page.click("#open-search")
    tab.page.fill("#search-for", "rose")
    tab.page.locator(".result").wait_for()

    kept = (
        "#list .sender, #list .avatar, #list code, .result .sender, #people .name, #my-name, #room"
    )
    found = tab.page.locator(kept).evaluate_all("nodes => nodes.map(node => node.translate)")
    assert len(found) == 8
    assert not any(found)
    assert tab.page.locator("#list .text").evaluate("node => node.translate")


# -- the box -----------------------------------------------------------------------------------


def test_nothing_stands_above_the_box_where_nobody_types(open_tab) -> None:
    tab, bob = open_tab(), open_tab("Bob")
    tab.say("last")
    tab.hear("last")
    composer, box = (tab.page.locator(part).bounding_box() for part in ("#composer", "#body"))
    assert composer and box
    assert box["y"] - composer["y"] < 12

    bob.page.press("#body", "x")

    tab.see("#typing", "is typing")
    assert tab.page.locator("#composer").bounding_box() == composer
    text, line = (
        tab.page.locator(part).evaluate("node => node.getBoundingClientRect().toJSON()")
        for part in (".text", "#typing")
    )
    assert text["bottom"] <= composer["y"] - 24  # where the line of those who type has its place
    assert line["height"] == 0 or text["bottom"] <= line["top"]


def test_the_hint_keeps_its_distance_from_the_box_where_it_is_narrow(open_tab) -> None:
    tab = open_tab(viewport={"width": 600, "height": 700})

    box, key = (tab.page.locator(part).bounding_box() for part in ("#body", "#hint kbd >> nth=0"))
    assert box and key
    assert key["y"] - (box["y"] + box["height"]) > 3


def test_send_stands_out_once_there_is_something_to_send(open_tab) -> None:
    tab = open_tab()
    ground = "node => getComputedStyle(node).backgroundColor"
    empty = tab.page.locator("#send").evaluate(ground)

    tab.page.fill("#body", "something")

    assert tab.page.locator("#send").evaluate(ground) != empty


def test_the_box_is_as_wide_as_the_conversation_beside_the_search(open_tab) -> None:
    tab = open_tab()
    tab.page.click("#open-search")

    search, send = (tab.page.locator(part).bounding_box() for part in ("#search", "#send"))
    assert search and send
    assert send["x"] + send["width"] < search["x"]


# -- other screens -----------------------------------------------------------------------------


def test_own_colours_and_more_contrast_tell_code_and_what_is_folded_apart(open_tab) -> None:
    tab = open_tab()
    tab.say("word " * 400, CODE)
    wait_for(lambda: tab.page.locator("#list pre").count(), "a block of code")
    for media in ({"forced_colors": "active"}, {"forced_colors": "none", "contrast": "more"}):
        tab.page.emulate_media(**media)

        for part in ("pre", ".own:not(.folded) .text", ".folded .text"):
            edge = tab.page.locator(f"#list {part}").evaluate(
                "node => getComputedStyle(node).borderBottomStyle"
            )
            assert edge != "none", (media, part)


@pytest.fixture
def cut_off(open_tab) -> Tab:
    """A page that cannot connect."""
    tab: Tab = open_tab()
    tab.page.route_web_socket("**/chat*", lambda route: route.close())
    tab.page.reload()
    tab.wait_for_state("waiting")
    return tab


def test_all_that_waits_is_told_of_once_and_discarded_at_once(cut_off: Tab) -> None:
    cut_off.say("one")
    cut_off.see("#pending .waits", "Waiting to be sent")
    expect(cut_off.page.get_by_text("Discard all")).to_be_hidden()
    cut_off.say("two", "three")
    cut_off.see("#pending .waits", "3 messages are waiting to be sent")
    cut_off.page.locator(".pending", has_text="two").get_by_label("Discard").click()
    cut_off.see("#pending .waits", "2 messages are waiting to be sent")

    cut_off.page.get_by_text("Discard all").click()

    wait_for(lambda: cut_off.pending().count() == 0, "nothing that waits")
    expect(cut_off.page.locator("#pending")).to_be_hidden()
    assert cut_off.page.evaluate("document.activeElement.id") == "body"
    kept = "Object.keys(localStorage).filter(key => key.includes('outbox'))"
    assert cut_off.page.evaluate(kept) == []


def test_trying_now_by_key_leads_to_the_box(cut_off: Tab) -> None:
    cut_off.page.focus("#try-now")
    cut_off.page.keyboard.press("Enter")

    assert cut_off.page.evaluate("document.activeElement.id") == "body"


def test_retrying_by_key_leads_to_the_box(open_tab, room: str) -> None:
    tab = open_tab()
    failed = {"cmid": "a" * 16, "body": "refused", "timestamp": "", "at": 1, "state": "failed"}
    tab.page.evaluate(
        "([key, item]) => localStorage[key] = JSON.stringify(item)",
        [f"chat:outbox:{room}:{failed['cmid']}", failed],
    )
    tab.page.reload()
    tab.page.focus("#pending .retry")
    tab.page.keyboard.press("Enter")

    assert tab.page.evaluate("document.activeElement.id") == "body"
    tab.hear("refused")
