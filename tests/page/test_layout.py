"""How the page looks where it matters: narrow, low, zoomed, on paper, in code, while it waits."""

from __future__ import annotations

import re

import pytest

from tests.support.browser import PHONE, WIDE, Tab
from tests.support.deadline import wait_for

pytestmark = pytest.mark.takes(seconds=6)

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


def test_on_a_phone_every_name_stands_above_its_lines(open_tab) -> None:
    tab = open_tab("Ann", viewport=PHONE)
    for name in ("Bob", "דנה"):
        open_tab(name).say(f"I am {name}")
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


def test_who_copies_a_sender_lines_gets_the_name_once(open_tab) -> None:
    tab, bob = open_tab("Ann"), open_tab("Bob")
    bob.say("first", "Ann, second", "third")
    tab.hear("third")

    copied = tab.page.evaluate(
        """() => {
            getSelection().selectAllChildren(document.getElementById("list"));
            return String(getSelection());
        }"""
    )
    said = re.sub(r"\s+", " ", copied)
    assert re.search(r"Bob first \d+:\d+ (AM|PM) Ann, second third", said), said


def test_the_conversation_is_printed_whole_and_alone(open_tab) -> None:
    tab = open_tab(color_scheme="dark")
    tab.say(*(f"line {n}" for n in range(60)))
    tab.hear("line 59")

    tab.page.emulate_media(media="print")

    script = tab.page.locator("#script").evaluate("node => node.offsetHeight")
    assert tab.page.evaluate("document.documentElement.scrollHeight") >= script > WIDE["height"]
    for part in (".top", "#side", "#composer"):
        assert tab.page.locator(part).is_hidden(), part
    ink = tab.page.locator("body").evaluate("node => getComputedStyle(node).color")
    assert ink == "rgb(28, 36, 33)"  # dark, on paper


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
    assert cut_off.page.get_by_text("Discard all").is_hidden()
    cut_off.say("two", "three")
    cut_off.see("#pending .waits", "3 messages are waiting to be sent")
    cut_off.page.locator(".pending", has_text="two").get_by_label("Discard").click()
    cut_off.see("#pending .waits", "2 messages are waiting to be sent")

    cut_off.page.get_by_text("Discard all").click()

    wait_for(lambda: cut_off.pending().count() == 0, "nothing that waits")
    assert cut_off.page.locator("#pending").is_hidden()
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
