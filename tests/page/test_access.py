"""The page for everybody: keys, screen readers, one's own colours, any direction, axe-core."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from chatroom.client import ChatClient
from tests.support.axe import faults, faults_by_day_and_night
from tests.support.browser import PHONE, WIDE, Tab
from tests.support.deadline import wait_for

pytestmark = pytest.mark.takes(seconds=33)


def lively(tab: Tab, bob: ChatClient) -> None:
    """Have something of everything on the page."""
    tab.say("see https://example.org and `code`", "🎉", "word " * 400)
    for body in ("Ann, look", f"```\nprint('{'hello ' * 40}')\n```", "שלום עולם"):
        bob.say(body)
    tab.hear("שלום עולם")


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing(open_tab, bob, viewport) -> None:
    tab = open_tab("Ann", viewport=viewport)
    lively(tab, bob)

    assert faults_by_day_and_night(tab) == []


def test_axe_finds_nothing_in_what_opens(open_tab) -> None:
    tab = open_tab("Ann")
    tab.say("hello there")
    tab.hear("hello there")
    for opener in ("#rename", "#open-invite", "#open-more", "#open-help"):
        tab.page.click(opener)
        tab.page.wait_for_selector("dialog[open], :popover-open")
        assert faults_by_day_and_night(tab) == [], opener
        if opener == "#open-more":  # within which the next one is
            continue
        tab.page.keyboard.press("Escape")
        tab.page.wait_for_selector("dialog[open]", state="detached")
    tab.page.click("#open-settings")
    tab.page.click("#open-search")
    tab.page.fill("#search-for", "hello")
    tab.see("#results", "hello there")

    assert faults_by_day_and_night(tab) == []


def test_axe_finds_nothing_at_the_first_visit(open_tab) -> None:
    assert faults(open_tab(None)) == []


def test_the_page_is_usable_by_keyboard_alone(open_tab) -> None:
    tab = open_tab()
    tab.say("something")
    tab.hear("something")
    tab.page.focus(".skip")
    order = ["skip"]

    while order[-1] != "send" and len(order) < 200:  # each room of the server is a link
        tab.page.keyboard.press("Tab")
        reached, outline = tab.page.evaluate(
            """(({ id, classList }, { outlineStyle }) => [id || classList[0], outlineStyle])(
                document.activeElement, getComputedStyle(document.activeElement))"""
        )
        order.append(reached)
        assert outline != "none", reached

    wanted = ["open-search", "open-invite", "open-more", "room", "room-name", "people", "rename"]
    wanted += ["open-settings", "scroller", "message", "body", "send"]
    assert [one for one in dict.fromkeys(order) if one in wanted] == wanted


def test_the_skip_link_leads_to_the_box(open_tab) -> None:
    tab = open_tab()
    tab.page.focus(".skip")
    tab.page.keyboard.press("Enter")

    assert tab.page.evaluate("document.activeElement.id") == "body"
    assert tab.texts("#notice") == [""]


def test_the_help_sheet_opens_by_key(open_tab) -> None:
    tab = open_tab()
    tab.page.press("#body", "Control+/")

    tab.see("#keys", "search")


def test_what_opens_gives_the_focus_back(open_tab) -> None:
    tab = open_tab()
    for opener in ("#rename", "#open-more", "#open-invite", "#open-settings", "#menu"):
        tab.page.set_viewport_size(PHONE if opener == "#menu" else WIDE)
        tab.page.focus(opener)
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_selector("dialog[open], :popover-open")
        tab.page.keyboard.press("Tab")

        tab.page.keyboard.press("Escape")

        tab.page.wait_for_selector("dialog[open], :popover-open", state="detached")
        assert f"#{focused(tab)}" == opener


@pytest.mark.parametrize(("locale", "swipe"), [("en", "Swipe down"), ("de", "Nach unten wischen")])
def test_help_on_a_phone_speaks_of_fingers(open_tab, locale: str, swipe: str) -> None:
    tab = open_tab(viewport=PHONE, has_touch=True, is_mobile=True, locale=locale)
    tab.page.tap("#open-more")
    tab.page.tap("#open-help")
    tab.see("#keys", swipe)

    expect(tab.page.locator("#keys kbd")).to_have_count(0)
    pictures = tab.page.locator("#keys svg")
    labels = pictures.evaluate_all("found => found.map((node) => node.ariaLabel)")
    assert len(labels) == 4
    assert all(labels)
    assert tab.complaints == []


def test_help_gives_the_focus_back_to_what_it_was_under(open_tab) -> None:
    tab = open_tab()
    for _ in range(2):  # the second time, there is nothing to load
        tab.page.focus("#open-more")
        tab.page.keyboard.press("Enter")
        tab.page.focus("#open-help")
        tab.page.keyboard.press("Enter")
        tab.see("#keys", "search")

        tab.page.keyboard.press("Escape")

        tab.page.wait_for_selector("dialog[open]", state="detached")
        expect(tab.page.locator("#more")).to_be_hidden()
        wait_for(lambda: focused(tab) == "open-more", "the focus back")


def test_a_name_that_is_changed_in_the_drawer_gives_the_focus_back_to_the_menu(open_tab) -> None:
    tab = open_tab(viewport=PHONE)
    tab.page.click("#menu")
    tab.page.click("#rename")
    tab.page.wait_for_selector("#name-dialog[open]")
    expect(tab.page.locator("#side")).to_be_hidden()

    tab.page.keyboard.press("Escape")

    tab.page.wait_for_selector("#name-dialog[open]", state="detached")
    assert focused(tab) == "menu"


def test_the_help_sheet_begins_at_its_beginning_where_little_fits(open_tab) -> None:
    tab = open_tab()
    for width, height in ((640, 400), (844, 390), (320, 568)):
        tab.page.set_viewport_size({"width": width, "height": height})
        tab.page.press("#body", "Control+/")
        tab.see("#keys", "search")

        for part in ("#help-dialog h2", "#help-dialog .icon-button"):
            box = tab.page.locator(part).bounding_box()
            assert box and box["y"] >= 0 and box["y"] + box["height"] < height, part
        tab.page.keyboard.press("Escape")


def test_the_invitation_reads_well_and_is_copied_as_an_address(open_tab, room: str) -> None:
    tab = open_tab(path=f"/rooms/Küche-{room}")
    tab.page.evaluate("delete Navigator.prototype.clipboard")  # as on plain http
    tab.page.click("#open-invite")
    tab.see("#invite-dialog .address a", f"/rooms/Küche-{room}")
    assert tab.page.evaluate("document.activeElement.textContent") == "Copy"
    tab.page.keyboard.press("Enter")
    tab.see("#invite-dialog .copy", "Copied")
    tab.page.keyboard.press("Escape")

    tab.page.press("#body", "Control+V")

    assert tab.page.input_value("#body").endswith(f"/rooms/K%C3%BCche-{room}")


def test_the_log_is_filled_before_it_speaks_and_never_reads_twice(open_tab, bob) -> None:
    tab = open_tab()
    tab.say("from before")
    tab.hear("from before")
    tab.page.add_init_script(
        """addEventListener("DOMContentLoaded", () => {
            window.spoken = [];
            new MutationObserver((changes) => {
                const log = document.getElementById("messages");
                if (log.ariaLive === "off" || log.ariaBusy === "true") return;
                for (const { addedNodes } of changes) {
                    spoken.push(...[...addedNodes].map((node) => node.textContent));
                }
            }).observe(document.getElementById("list"), { childList: true });
        })"""
    )
    tab.page.reload()
    tab.hear("from before")
    wait_for(lambda: tab.page.get_attribute("#messages", "aria-live") == "polite", "a live log")
    bob.say("from now on")
    tab.hear("from now on")

    spoken = [text for text in tab.page.evaluate("spoken") if "came" not in text]
    assert len(spoken) == 1
    assert "from now on" in spoken[0]
    assert tab.page.get_by_role("log").get_by_role("listitem").count() >= 2


def test_of_what_is_new_the_sender_and_the_text_are_read_out(open_tab) -> None:
    """Screen readers leave out what is within the log and not live."""
    tab = open_tab()
    tab.say("the first of a day", "hello")
    tab.hear("hello")

    read = tab.page.locator(".message:last-child").evaluate(
        """item => {
            const copy = item.cloneNode(true);
            const left = copy.querySelectorAll("[aria-live=off], [aria-hidden]");
            for (const part of left) part.remove();
            return copy.textContent;
        }"""
    )
    assert read == "Annhello"


def test_the_messages_are_one_stop_of_the_tab_key_and_arrows_lead_through_them(open_tab) -> None:
    tab = open_tab()
    tab.say("one", "two", "three")
    tab.hear("three")
    tab.page.clock.install()  # at which a part is loaded that nobody has wanted yet
    tab.page.reload()
    tab.hear("three")
    tab.page.focus("#body")
    focused_text = "document.activeElement.querySelector('.text')?.textContent"

    tab.page.keyboard.press("Shift+Tab")
    assert tab.page.evaluate(focused_text) == "three"
    wait_for(
        lambda: "three" in (tab.page.evaluate("document.activeElement.ariaLabel") or ""), "keys"
    )
    steps = []
    for key in ("ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown", "End", "Home"):
        tab.page.keyboard.press(key)
        steps.append(tab.page.evaluate(focused_text))
    assert steps == ["two", "one", "one", "two", "three", "one"]
    assert re.fullmatch(r"Ann, one, .+", tab.page.evaluate("document.activeElement.ariaLabel"))
    tab.page.keyboard.press("Shift+Tab")
    assert focused(tab) == "scroller"
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate(focused_text) == "one"

    tab.page.keyboard.press("Enter")

    tab.page.locator(".message.shown", has_text="one").wait_for()
    assert "#" in tab.page.url


def test_names_and_text_from_right_to_left_are_kept_apart(open_tab) -> None:
    tab, other = open_tab("Ann"), open_tab("דנה")
    other.say("שלום (Ann)!", "english")
    tab.hear("english")

    aligned = tab.page.locator(".message .text").evaluate_all(
        "found => found.map(node => getComputedStyle(node).direction)"
    )
    assert aligned == ["rtl", "ltr"]
    assert tab.page.locator(".message .sender").first.evaluate("node => node.tagName") == "BDI"
    assert tab.page.locator("html").evaluate("node => node.scrollWidth <= node.clientWidth")


def test_own_colours_leave_everything_told_apart(open_tab, bob) -> None:
    tab = open_tab("Ann", forced_colors="active")
    lively(tab, bob)

    borders = tab.page.locator(".own .text, .mentioned .text, .room[aria-current]").evaluate_all(
        "found => found.map(node => getComputedStyle(node).borderTopStyle)"
    )
    assert borders
    assert "none" not in borders


def test_nothing_moves_for_those_who_asked_for_that(open_tab) -> None:
    tab = open_tab(reduced_motion="reduce")

    moving = tab.page.evaluate(
        """[...document.querySelectorAll("*")].filter((node) => {
            const { animationName, transitionDuration } = getComputedStyle(node);
            return animationName !== "none" || transitionDuration !== "0s";
        }).map((node) => node.id || node.className)"""
    )
    assert moving == []


def test_nothing_breathes_while_it_connects_either(open_tab) -> None:
    tab = open_tab()
    tab.page.route_web_socket("**/chat*", lambda route: None)  # opens, and never says a word
    tab.page.reload()
    tab.page.wait_for_selector("#status[data-state=connecting]")
    moves = """getComputedStyle(document.getElementById("status"), "::before").animationName"""
    assert tab.page.evaluate(moves) == "breathe"

    tab.page.emulate_media(reduced_motion="reduce")

    assert tab.page.evaluate(moves) == "none"


def test_a_german_page_has_no_english_left(open_tab) -> None:
    english, german = (
        words(open_tab(name, locale=locale)) for name, locale in (("Ann", "en"), ("Bob", "de"))
    )

    assert {"Search this room", "Keys", "Come in", "Invite others", "Rooms"} <= english
    assert {"In diesem Raum suchen", "Tasten", "Eintreten", "Andere einladen"} <= german
    assert english & german <= {"Enter", "Shift", "sends", "System", "lobby"}


def words(tab: Tab) -> set[str]:
    """What the page says: in sight, in its sheets, and to screen readers."""
    tab.page.click("#open-search")
    tab.page.fill("#search-for", "there is no such word")
    wait_for(lambda: tab.texts("#search-summary")[0].endswith("."), "an answer")
    for opener in (lambda: tab.page.click("#open-invite"), tab.open_help):
        opener()
        tab.page.wait_for_selector("dialog[open]")
        tab.page.keyboard.press("Escape")
    said: list[str] = tab.page.evaluate(
        """() => {
            const texts = [];
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) texts.push(walker.currentNode.data.trim());
            for (const name of ["aria-label", "title", "placeholder", "alt"]) {
                for (const node of document.querySelectorAll(`[${name}]`)) {
                    texts.push(node.getAttribute(name));
                }
            }
            return texts;
        }"""
    )
    mine = re.compile(r"http|<p|/rooms|page-\d+|Ann|Bob")
    return {text for text in said if re.search(r"[a-z]{3}", text) and not mine.match(text)}


def test_a_phones_keyboard_does_not_hide_the_box(open_tab) -> None:
    tab = open_tab(viewport=PHONE, has_touch=True, is_mobile=True)
    tab.say("something")
    tab.page.tap("#send")
    tab.hear("something")

    tab.page.set_viewport_size({"width": 390, "height": 400})  # as resizes-content makes it

    box = tab.page.locator("#body").bounding_box()
    assert box and box["y"] + box["height"] <= 400
    wait_for(lambda: tab.above_the_end() < 2, "the newest message in sight")


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_settings_go_away_by_escape_and_by_a_click_elsewhere(open_tab, viewport) -> None:
    tab = open_tab(viewport=viewport)
    settings = tab.page.locator("#settings")
    if viewport == PHONE:
        tab.page.click("#menu")
    tab.page.focus("#open-settings")
    tab.page.keyboard.press("Enter")
    tab.page.focus("#theme")
    tab.page.keyboard.press("Escape")
    expect(settings).to_be_hidden()
    assert focused(tab) == "open-settings"

    tab.page.click("#open-settings")
    tab.page.click("#rooms-title")

    expect(settings).to_be_hidden()


def focused(tab: Tab) -> str:
    """The id of what has the focus."""
    return str(tab.page.evaluate("document.activeElement.id"))


def test_with_shift_the_letters_are_the_browsers_own(open_tab) -> None:
    tab = open_tab()
    for keys in ("Control+Shift+J", "Control+Shift+K"):
        tab.page.press("#body", keys)
    assert focused(tab) == "body"
    expect(tab.page.locator("#search")).to_be_hidden()

    tab.page.keyboard.press("Control+Shift+/")  # where "/" is typed with Shift

    tab.see("#keys", "search")
