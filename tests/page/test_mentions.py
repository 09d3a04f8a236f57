"""The page in a real Chromium: names to choose from behind an @, and who is called by a message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.attention import attend, notified, want_notifications
from tests.support.axe import faults, faults_by_day_and_night
from tests.support.browser import PHONE, Tab
from tests.support.deadline import wait_for
from tests.support.fellow import Fellow
from tests.support.server_process import serving

pytestmark = pytest.mark.takes(seconds=50)

ROOM_MAKERS = "everyone"
"""Of the ``page_server``: see conftest.py."""

OPTIONS = "#mentioning:not([hidden]) li"
LONG = "W" * 64
"""As wide as a name can be."""


def ready(tab: Tab) -> Tab:
    """With what is loaded after the conversation."""
    tab.page.wait_for_selector("#mentioning", state="attached")
    return tab


def write(tab: Tab, text: str) -> None:
    tab.page.focus("#body")
    tab.page.keyboard.type(text)


def offers(tab: Tab, *names: str) -> None:
    """Wait until just these names are in the list."""
    wait_for(
        lambda: tab.texts(f"{OPTIONS} .name") == list(names),
        f"{names}, instead of {tab.texts(OPTIONS)}",
    )


def chosen(tab: Tab) -> str:
    """The name that Enter would take, as a screen reader is told of it."""
    found: str = tab.page.evaluate(
        """() => {
            const box = document.getElementById("body");
            const { activeElement } = document;
            const id = box.getAttribute("aria-activedescendant");
            const item = id && document.getElementById(id);
            if (activeElement !== box || !item) return "";
            return item.ariaSelected === "true" ? item.querySelector(".name").textContent : "?";
        }"""
    )
    return found


def box(tab: Tab) -> str:
    return tab.page.input_value("#body")


def is_called(tab: Tab, body: str) -> bool:
    """Whether the message stands out on the page."""
    tab.hear(body)
    row = tab.page.locator("#list > .message", has=tab.page.locator(".text", has_text=body)).last
    return bool(row.evaluate("item => item.classList.contains('mentioned')"))


# -- names to choose from ------------------------------------------------------------------------


def test_a_name_is_chosen_by_keys_and_sent(open_tab, come) -> None:
    bob = come("Bob Bauer")
    come("Bea")
    come("Zoë")
    tab = ready(open_tab())

    write(tab, "hi @b")
    offers(tab, "Bea", "Bob Bauer")
    assert chosen(tab) == "Bea"
    tab.page.keyboard.press("ArrowDown")
    assert chosen(tab) == "Bob Bauer"
    tab.page.keyboard.press("ArrowDown")
    assert chosen(tab) == "Bea"
    tab.page.keyboard.press("ArrowUp")
    tab.page.keyboard.press("Enter")
    assert box(tab) == "hi @Bob Bauer "
    offers(tab)
    assert chosen(tab) == ""

    tab.page.keyboard.type("and @zoe")
    offers(tab, "Zoë")
    tab.page.keyboard.press("Tab")
    assert box(tab) == "hi @Bob Bauer and @Zoë "
    tab.page.keyboard.press("Enter")
    tab.hear("hi @Bob Bauer and @Zoë")
    assert box(tab) == ""
    wait_for(lambda: bob.hear().get("body") == "hi @Bob Bauer and @Zoë", "the message")
    assert tab.complaints == []


def test_a_name_is_found_by_any_of_its_words_and_by_what_was_typed_between_them(
    open_tab, come
) -> None:
    come("Ada Lovelace")
    come("Adam")
    tab = ready(open_tab())

    write(tab, "@love")
    offers(tab, "Ada Lovelace")
    for _ in "love":
        tab.page.keyboard.press("Backspace")
    tab.page.keyboard.type("ada l")
    offers(tab, "Ada Lovelace")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.press("Home")
    tab.page.keyboard.type("see @adam")
    offers(tab)  # that is all of it
    tab.page.keyboard.press("End")
    assert box(tab) == "see @adam@Ada Lovelace "


def test_what_is_chosen_can_be_undone_and_is_a_draft(open_tab, come) -> None:
    come("Bob")
    tab = ready(open_tab())

    write(tab, "hi @b!")
    tab.page.keyboard.press("ArrowLeft")
    tab.page.keyboard.press("Backspace")
    tab.page.keyboard.type("b")
    offers(tab, "Bob")
    tab.page.keyboard.press("Enter")
    assert box(tab) == "hi @Bob!"
    draft = "Object.keys(localStorage).some((key) => localStorage[key] === '\"hi @Bob!\"')"
    wait_for(lambda: tab.page.evaluate(draft), "the draft")
    tab.page.keyboard.press("Control+z")
    assert box(tab) == "hi @b!"


@pytest.mark.parametrize("text", ["@", "hi @nobody", "@bo ", "a@bo", "`@bo", "@Bob"])
def test_enter_sends_where_no_name_is_chosen(open_tab, come, text: str) -> None:
    come("Bob")
    come("Bo Diddley")
    tab = ready(open_tab())

    write(tab, text)
    assert chosen(tab) == ""
    tab.page.keyboard.press("Enter")

    tab.hear(text.strip())
    assert box(tab) == ""
    offers(tab)


def test_keys_with_another_one_mean_what_they_always_do(open_tab, come) -> None:
    come("Bob")
    tab = ready(open_tab())

    write(tab, "@b")
    offers(tab, "Bob")
    tab.page.keyboard.press("Shift+Enter")
    assert box(tab) == "@b\n"
    offers(tab)
    tab.page.keyboard.type("@b")
    offers(tab, "Bob")
    tab.page.keyboard.press("Control+Enter")
    tab.hear("@b\n@b")
    offers(tab)


def test_escape_closes_the_list_and_does_nothing_else(open_tab, come) -> None:
    bob = come("Bob")
    bob.tell("Tea or coffee?")
    tab = ready(open_tab())
    tab.hear("Tea or coffee?")
    tab.page.locator("#list > .message .text").hover()
    tab.page.click(".tools-of-any button")
    tab.see("#answering", "Tea or coffee?")
    write(tab, "tea, @b")
    offers(tab, "Bob")

    tab.page.keyboard.press("Escape")
    offers(tab)
    assert tab.texts("#answering") != []
    assert box(tab) == "tea, @b"
    tab.page.keyboard.type("o")
    offers(tab)  # not for this one
    tab.page.keyboard.press("Escape")
    wait_for(lambda: tab.texts("#answering") == [], "no answer any more")
    tab.page.keyboard.type(" and @b")
    offers(tab, "Bob")


def test_a_name_is_chosen_while_a_message_is_edited(open_tab, come) -> None:
    come("Bob")
    tab = ready(open_tab())
    tab.say("hello")
    tab.hear("hello")

    tab.page.keyboard.press("ArrowUp")
    tab.see("#editing", "hello")
    tab.page.keyboard.type(" @b")
    offers(tab, "Bob")
    tab.page.keyboard.press("Escape")
    tab.see("#editing", "hello")
    tab.page.keyboard.press("Backspace")
    tab.page.keyboard.type("b")
    tab.page.keyboard.press("Enter")
    assert box(tab) == "hello @Bob "
    tab.page.keyboard.press("Enter")

    tab.hear("hello @Bob")


def test_a_name_is_chosen_with_the_mouse(open_tab, come) -> None:
    come("Bob")
    come("Bea")
    tab = ready(open_tab())

    write(tab, "@")
    offers(tab, "Bea", "Bob")
    tab.page.click(f"{OPTIONS} >> nth=1")
    assert box(tab) == "@Bob "
    assert tab.page.evaluate("document.activeElement.id") == "body"
    write(tab, "@")
    offers(tab, "Bea", "Bob")
    tab.page.click("#scroller")
    offers(tab)
    assert box(tab) == "@Bob @"


def test_a_finger_chooses_and_no_name_is_wider_than_a_phone(open_tab, come) -> None:
    come("Bob")
    come(LONG)
    tab = ready(open_tab(viewport=PHONE, has_touch=True, is_mobile=True))

    tab.page.tap("#body")
    tab.page.keyboard.type("@")
    offers(tab, "Bob", LONG)
    place = tab.page.locator("#mentioning").bounding_box()
    assert place and place["x"] >= 0 and place["x"] + place["width"] <= PHONE["width"]
    heights = tab.page.locator(OPTIONS).evaluate_all("all => all.map((one) => one.offsetHeight)")
    assert all(height >= 44 for height in heights)
    assert tab.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    tab.page.tap(f"{OPTIONS} >> nth=0")
    assert box(tab) == "@Bob "
    assert tab.page.evaluate("document.activeElement.id") == "body"


def test_in_a_low_window_the_list_has_room(open_tab, come) -> None:
    for at in range(7):
        come(f"Bob {at}")
    tab = ready(open_tab(viewport={"width": 640, "height": 240}))

    write(tab, "@b")
    wait_for(lambda: tab.texts(OPTIONS), "names")

    place = tab.page.locator("#mentioning").bounding_box()
    assert place and place["y"] >= 0
    tab.page.set_viewport_size({"width": 640, "height": 700})
    tab.page.keyboard.type("o")
    offers(tab, *(f"Bob {at}" for at in range(6)))


def test_an_input_method_is_not_disturbed(open_tab, come) -> None:
    come("Bob")
    tab = ready(open_tab())
    debugger = tab.debugger()
    write(tab, "hi @")

    for text in ("b", "bo"):  # as a phone's keyboard writes each word
        debugger.send(
            "Input.imeSetComposition",
            {"text": text, "selectionStart": len(text), "selectionEnd": len(text)},
        )
    offers(tab, "Bob")
    assert box(tab) == "hi @bo"
    for key in ("Enter", "Tab", "ArrowDown", "Escape"):
        tab.page.evaluate(
            """key => document.getElementById("body").dispatchEvent(
                new KeyboardEvent("keydown", { key, isComposing: true, bubbles: true }))""",
            key,
        )
    assert box(tab) == "hi @bo"
    offers(tab, "Bob")
    debugger.send("Input.insertText", {"text": "bo"})  # it is done
    offers(tab, "Bob")
    tab.page.keyboard.press("Enter")
    assert box(tab) == "hi @Bob "


def test_what_is_pasted_opens_no_list(open_tab, come) -> None:
    come("Bob")
    tab = ready(open_tab())

    write(tab, "@b")
    offers(tab, "Bob")
    tab.page.evaluate(
        """() => {
            const box = document.getElementById("body");
            box.setRangeText("o", 2, 2, "end");
            box.dispatchEvent(new InputEvent("input", { inputType: "insertFromPaste" }));
        }"""
    )

    offers(tab)
    tab.page.keyboard.press("Enter")
    tab.hear("@bo")


def test_where_only_some_are_known_those_who_spoke_are_offered(browser, tmp_path: Path) -> None:
    with serving(tmp_path, history="memory:", presenceLimit=2, leaveGrace=0) as server:
        tab = ready(Tab(browser, server))
        others = [Fellow(server.port, name) for name in ("Bob", "Bea", "Bodo")]
        for other in others:
            other.connect_and_catch_up()
        wait_for(lambda: tab.texts("#people li") == ["Too many to list by name"], "a count")
        for other in (others[2], others[0], others[2]):
            other.tell(f"by {other.name}")
        tab.hear("by Bob")

        write(tab, "@b")
        offers(tab, "Bodo", "Bob")
        tab.page.keyboard.press("Enter")
        assert box(tab) == "@Bodo "
        for other in others:
            other.close()
        tab.close()


def test_whoever_spoke_and_went_comes_after_those_who_are_here(open_tab, come) -> None:
    gone = come("Bea")
    gone.tell("bye")
    come("Bob")
    tab = open_tab()
    gone.drop_cleanly()
    wait_for(lambda: "Bea" not in tab.texts("#people .name"), "Bea gone")

    write(ready(tab), "@b")

    offers(tab, "Bob", "Bea")


@pytest.mark.parametrize(
    ("locale", "title", "said", "everybody"),
    [
        ("en", "People to mention", "2 names to choose from", "everybody in this room"),
        ("de-DE", "Wen du erwähnen kannst", "2 Namen zur Wahl", "alle in diesem Raum"),
    ],
)
def test_the_list_is_within_everybodys_reach(
    open_tab, come, locale: str, title: str, said: str, everybody: str
) -> None:
    tab = ready(open_tab(locale=locale))  # the maker
    come("Albert")

    write(tab, "@al")
    offers(tab, "Albert", "@all")
    assert tab.page.get_attribute("#mentioning", "aria-label") == title
    assert tab.texts("#mentioning .aside") == [everybody]
    assert tab.texts("#composer > [role=status]") == [said]
    assert tab.page.get_attribute("#body", "aria-controls") == "mentioning"
    assert faults_by_day_and_night(tab) == []
    tab.page.set_viewport_size(PHONE)
    assert faults(tab) == []
    tab.page.keyboard.press("Escape")
    assert tab.texts("#composer > [role=status]") == [""]
    assert faults(tab) == []


# -- everybody -----------------------------------------------------------------------------------


def test_a_host_calls_everybody_and_nobody_else_can(open_tab, eve, come) -> None:
    bob = come("Bob")
    tab = open_tab()
    attend(tab)
    want_notifications(tab, "mentions")
    tab.hide()

    bob.tell("@all of Bob")
    eve.tell("all of you")
    eve.tell("`@all` in code")
    eve.tell("@all of Eve")

    assert is_called(tab, "@all of Eve")
    assert not is_called(tab, "@all of Bob")
    assert not is_called(tab, "all of you")
    assert tab.texts(".mentioned mark") == ["@all"]
    shown = wait_for(lambda: notified(tab), "a notification")
    assert [body for _title, body in shown] == ["@all of Eve"]


def test_a_host_is_offered_everybody_and_others_are_not(open_tab, eve, come) -> None:
    tab = ready(open_tab())
    write(tab, "@al")
    offers(tab)
    user_id = tab.page.evaluate("document.querySelector('#people li').dataset.id")

    eve.wants("makeHost", userId=user_id)
    tab.page.wait_for_selector("body.host")
    tab.page.keyboard.press("Backspace")
    offers(tab, "@all")
    tab.page.keyboard.press("Enter")
    assert box(tab) == "@all "
    tab.page.keyboard.type("tea!")
    tab.page.keyboard.press("Enter")

    assert not is_called(tab, "@all tea!")  # who says it is not called
    wait_for(lambda: eve.hear().get("by") == "host", "the message of a host")


def test_what_counts_is_who_was_a_host_when_it_was_said(open_tab, eve, come) -> None:
    bob = come("Bob")
    tab = open_tab()
    bob.tell("@all one")
    eve.wants("makeHost", userId=bob.user_id)
    tab.set_offline(True)
    tab.wait_for_state("waiting")
    bob.tell("@all two")
    eve.wants("unmakeHost", userId=bob.user_id)
    bob.tell("@all three")
    tab.set_offline(False)

    def holds() -> None:
        found = [is_called(tab, f"@all {number}") for number in ("one", "two", "three")]
        assert found == [False, True, False]

    holds()  # after it has resumed
    tab.page.reload()
    holds()


def test_whoever_is_called_all_is_not_everybody(open_tab, eve, come) -> None:
    bob = come("Bob")
    tab, namesake = open_tab(), open_tab("All Ears")

    bob.tell("@all ears, please")
    assert is_called(namesake, "@all ears, please")
    assert not is_called(tab, "@all ears, please")
    eve.tell("All Ears, please")
    assert is_called(namesake, "All Ears, please")
    assert not is_called(tab, "All Ears, please")


def test_a_host_who_chooses_somebody_called_all_calls_nobody_else(open_tab, come) -> None:
    tab = ready(open_tab())  # the maker
    come("All Ears")

    write(tab, "hi @al")
    offers(tab, "All Ears", "@all")
    tab.page.keyboard.press("Enter")

    assert box(tab) == "hi All Ears "


def test_a_host_calls_whoever_is_in_another_room(open_tab, page_server, room) -> None:
    eve = Fellow(page_server.port, "Eve", f"{room}-b")
    eve.connect_and_catch_up()
    eve.tell("read")
    tab = open_tab(path=f"/rooms/{room}-b")
    tab.hear("read")
    tab.page.goto(f"http://127.0.0.1:{page_server.port}/rooms/{room}")
    tab.wait_for_state("connected")
    attend(tab)
    want_notifications(tab, "mentions")

    eve.tell("nobody in particular")
    eve.tell("@all, come over")

    shown = wait_for(lambda: notified(tab), "a notification")
    assert shown == [[f"Eve · {room}-b", "@all, come over"]]
    eve.close()


# -- edits ---------------------------------------------------------------------------------------


@pytest.fixture(params=["Ann, look", "@Ann look", "@all look"])
def edited(request: pytest.FixtureRequest) -> str:
    """How a message reads after its edit: as what would call Ann if it were new."""
    found: str = request.param
    return found


@pytest.fixture
def away(open_tab) -> Callable[[], Tab]:
    """Open a page that wants to be told of mentions, and is not looked at."""

    def look_away() -> Tab:
        tab = open_tab()
        attend(tab)
        want_notifications(tab, "mentions")
        tab.hide()
        return tab

    return look_away


def test_an_edit_calls_nobody_anew(away, eve, edited: str) -> None:
    quiet, loud = eve.tell("look"), eve.tell("Ann!")
    tab = away()
    tab.hear("Ann!")

    eve.change("edit", quiet, body=edited)
    eve.change("edit", loud, body=f"{edited}, Ann!")
    assert is_called(tab, f"{edited}, Ann!")  # it stands out, as it now reads
    assert tab.page.title().startswith("page-")
    expect(tab.page.locator(".unread")).to_have_count(0)
    eve.tell("Ann, really")

    shown = wait_for(lambda: notified(tab), "a notification")  # later than any of an edit
    assert [body for _title, body in shown] == ["Ann, really"]
    assert tab.page.title().startswith("(1)")
    assert tab.texts(".message:has(.unread) .text") == ["Ann, really"]


def test_an_edit_that_comes_with_a_resume_calls_nobody_anew(away, eve, edited: str) -> None:
    said = eve.tell("look")
    tab = away()
    tab.hear("look")
    tab.set_offline(True)
    tab.wait_for_state("waiting")
    eve.change("edit", said, body=edited)

    tab.set_offline(False)

    assert is_called(tab, edited)
    eve.tell("Ann, really")
    shown = wait_for(lambda: notified(tab), "a notification")
    assert [body for _title, body in shown] == ["Ann, really"]
    assert tab.page.title().startswith("(1)")
    expect(tab.page.locator(".missed")).to_have_count(0)


def test_an_edit_in_another_room_calls_nobody(open_tab, page_server, room, edited: str) -> None:
    eve = Fellow(page_server.port, "Eve", f"{room}-b")
    eve.connect_and_catch_up()
    said = eve.tell("read")
    tab = open_tab(path=f"/rooms/{room}-b")
    tab.hear("read")
    tab.page.goto(f"http://127.0.0.1:{page_server.port}/rooms/{room}")
    tab.wait_for_state("connected")
    attend(tab)
    want_notifications(tab, "mentions")

    eve.change("edit", said, body=edited)
    eve.tell("Ann, really")

    shown = wait_for(lambda: notified(tab), "a notification")
    assert shown == [[f"Eve · {room}-b", "Ann, really"]]
    link = tab.page.locator(".room", has_text=f"{room}-b")
    link.locator(".badge", has_text="1").wait_for()
    eve.close()
