"""The page in a real Chromium: messages that are edited or deleted, here and by others."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Route, expect

from tests.support.attention import attend, want_notifications
from tests.support.axe import faults_by_day_and_night
from tests.support.browser import PHONE, Tab
from tests.support.deadline import wait_for
from tests.support.fellow import Fellow
from tests.support.server_process import Running

pytestmark = pytest.mark.takes(seconds=40)


@pytest.fixture
def bob(page_server: Running, room: str) -> Iterator[Fellow]:
    bob = Fellow(page_server.port, "Bob", room)
    bob.connect_and_catch_up()
    yield bob
    bob.close()


def point_at(tab: Tab, body: str) -> None:
    """Come with the mouse, and wait for the buttons."""
    row = tab.page.locator("#list > .message", has_text=body)
    tab.page.mouse.move(1, 1)
    row.locator(".text").hover()
    row.locator(".tools-of-own").wait_for()


def press(tab: Tab, what: str) -> None:
    tab.page.locator(f".tools-of-own [aria-label={what}]").click()


def sure(tab: Tab) -> None:
    """Answer the question whether to delete."""
    tab.page.click("#remove-dialog .strong")


def gone(tab: Tab, body: str) -> None:
    wait_for(lambda: body not in tab.bodies(), f"{body!r} gone")


def kept(tab: Tab, what: str) -> bool:
    """Whether it stands in what the browser keeps."""
    return what in tab.page.evaluate("JSON.stringify(localStorage)")


def on_top(tab: Tab) -> str:
    """The id of the first message in sight."""
    found: str = tab.page.evaluate(
        """() => {
            const { top } = document.getElementById("scroller").getBoundingClientRect();
            const rows = [...document.querySelectorAll("#list > .message")];
            return rows.find((row) => row.getBoundingClientRect().bottom > top).dataset.id;
        }"""
    )
    return found


def title_of(tab: Tab) -> str:
    return tab.page.title().partition(" ")[0]


# -- editing -------------------------------------------------------------------------------------


def test_a_mouse_that_rests_on_a_message_finds_the_buttons_the_first_time(open_tab) -> None:
    """Also the one that lets them be loaded."""
    tab = open_tab(fresh=True)
    tab.say("a message")
    tab.hear("a message")

    tab.page.locator("#list > .message .text").hover()

    tab.page.wait_for_selector("#list > .message .tools-of-own")


def test_a_message_is_edited_in_the_box_and_the_draft_comes_back(open_tab, bob) -> None:
    tab = open_tab()
    tab.say("helo", "another line")
    tab.hear("another line")
    tab.page.locator("#list > .message").first.evaluate("node => { node.mine = true }")
    tab.page.fill("#body", "half a thought")
    wait_for(lambda: kept(tab, "half a thought"), "the draft kept")
    point_at(tab, "helo")

    press(tab, "Edit")

    assert tab.page.input_value("#body") == "helo"
    tab.see("#editing", "helo")
    assert tab.texts("#send span") == ["Save"]
    tab.page.fill("#body", "hello")
    tab.page.press("#body", "Enter")
    tab.hear("hello")
    assert tab.bodies() == ["hello", "another line"]
    changed = tab.page.locator("#list > .message").first
    assert changed.evaluate("node => node.mine")  # what has the focus, or is scrolled to, stays
    mark = changed.locator(".edited")
    title = mark.get_attribute("title")
    assert title and title in (mark.text_content() or "")
    assert mark.inner_text().startswith("edited")
    assert tab.page.input_value("#body") == "half a thought"
    expect(tab.page.locator("#editing")).to_have_count(0)
    assert not kept(tab, "hello")
    assert bob.hear_of_change()["message"]["body"] == "hello"
    assert tab.complaints == []


def test_up_edits_what_was_said_last_and_escape_leaves_it_as_it_is(open_tab, bob) -> None:
    tab = open_tab()
    tab.say("first", "second")
    tab.hear("second")
    bob.tell("of another")
    tab.hear("of another")

    tab.page.press("#body", "ArrowUp")
    tab.see("#editing", "second")
    tab.page.keyboard.type(" thought")
    assert tab.page.input_value("#body") == "second thought"
    tab.page.keyboard.press("Escape")
    assert tab.page.input_value("#body") == ""
    expect(tab.page.locator("#editing")).to_have_count(0)

    tab.page.press("#body", "ArrowUp")
    tab.see("#editing", "second")
    tab.page.keyboard.press("Enter")  # as it is: nobody is told
    tab.page.press("#body", "ArrowUp")
    tab.see("#editing", "second")
    tab.page.keyboard.type("!")
    tab.page.keyboard.press("Enter")
    tab.hear("second!")
    assert bob.hear_of_change()["rev"] == 1


def test_the_list_of_messages_has_keys_for_ones_own(open_tab, bob) -> None:
    tab = open_tab()
    tab.say("first", "second")
    tab.hear("second")
    bob.tell("of another")
    tab.hear("of another")
    tab.page.locator("#list > .message .text", has_text="of another").hover()  # and lies there
    tab.page.focus("#body")
    tab.page.keyboard.press("Shift+Tab")
    wait_for(
        lambda: "of another" in (tab.page.evaluate("document.activeElement.ariaLabel") or ""),
        "the keys, which come with the focus",
    )
    tab.page.keyboard.press("Delete")  # of another: nothing happens
    expect(tab.page.locator("dialog[open]")).to_have_count(0)

    tab.page.keyboard.press("ArrowUp")
    wait_for(lambda: tab.page.locator(".tools-of-own").count() == 1, "the buttons")
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("document.activeElement.ariaLabel") == "Edit"
    tab.page.keyboard.press("Shift+Tab")
    tab.page.keyboard.press("e")
    tab.see("#editing", "second")
    assert tab.page.input_value("#body") == "second"
    tab.page.keyboard.press("Escape")
    tab.page.wait_for_selector(".tools-of-own", state="detached")

    tab.page.keyboard.press("Shift+Tab")
    tab.page.keyboard.press("Delete")
    tab.page.wait_for_selector("#remove-dialog[open]")
    assert tab.page.evaluate("document.activeElement.textContent") == "Cancel"
    tab.page.keyboard.press("Shift+Tab")
    tab.page.keyboard.press("Enter")
    gone(tab, "second")
    wait_for(
        lambda: (
            tab.page.evaluate("document.activeElement.querySelector('.text')?.textContent")
            == "of another"
        ),
        "the focus on the next message",
    )


def test_a_finger_edits_and_deletes(open_tab) -> None:
    tab = open_tab(viewport=PHONE, has_touch=True, is_mobile=True)
    for body in ("helo", "nonsense"):
        tab.page.fill("#body", body)
        tab.page.tap("#send")
        tab.hear(body)
    tools = tab.page.locator(".tools-of-own button")

    def tap(body: str) -> None:
        tab.page.locator("#scroller").tap(position={"x": 5, "y": 5})
        tab.page.locator(".text", has_text=body).tap()

    wait_for(lambda: tap("helo") or tools.count() == 2, "the buttons")
    for box in (tool.bounding_box() for tool in tools.all()):
        assert box and box["width"] >= 44 and box["height"] >= 44
    tools.first.tap()
    tab.page.fill("#body", "hello")
    tab.page.tap("#send")
    tab.hear("hello")
    tap("nonsense")
    tools.last.tap()
    tab.page.tap("#remove-dialog .strong")
    gone(tab, "nonsense")


# -- deleting ------------------------------------------------------------------------------------


def test_emptying_a_text_asks_whether_to_delete_it(open_tab, bob) -> None:
    """Without it, what comes behind begins the day and has a heading."""
    tab = open_tab()
    tab.say("first", "second")
    tab.hear("second")
    assert "follows" in (tab.page.get_attribute("#list > .message:last-child", "class") or "")
    point_at(tab, "first")
    press(tab, "Edit")
    tab.page.fill("#body", "")
    tab.page.press("#body", "Enter")
    tab.see("#remove-dialog", "first")
    tab.page.keyboard.press("Escape")
    wait_for(lambda: tab.page.input_value("#body") == "first", "the text as it was")

    tab.page.fill("#body", "  ")
    tab.page.press("#body", "Enter")
    sure(tab)

    gone(tab, "first")
    assert tab.bodies() == ["second"]
    expect(tab.page.locator("#editing")).to_have_count(0)
    expect(tab.page.locator(".between.date")).to_have_count(1)
    assert "follows" not in (tab.page.get_attribute("#list > .message", "class") or "")
    assert bob.hear_of_change()["type"] == "removed"
    assert not kept(tab, "first")

    point_at(tab, "second")
    press(tab, "Delete")
    sure(tab)
    gone(tab, "second")
    tab.page.locator("#empty").wait_for()  # as if nothing had been said


def test_what_is_removed_leaves_everything_that_shows_it(open_tab, bob) -> None:
    tab = open_tab()
    tab.say("said by Ann")
    tab.hear("said by Ann")
    attend(tab)
    tab.page.evaluate(
        """() => {
            window.ended = [];
            Notification.prototype.close = function () { ended.push("it"); };
        }"""
    )
    want_notifications(tab, "all")
    bob.tell("an old secret")
    tab.hear("an old secret")
    tab.page.click("#open-search")
    tab.page.fill("#search-for", "secret")
    tab.see("#results", "an old secret")
    tab.hide()
    secret, last = bob.tell("a secret for Ann"), bob.tell("no more of it")
    wait_for(lambda: title_of(tab) == "(2)", "two unread")
    wait_for(lambda: len(tab.page.evaluate("shown")) == 2, "notifications")

    bob.change("remove", last)
    wait_for(lambda: title_of(tab) == "(1)", "one unread")
    wait_for(lambda: tab.page.evaluate("ended") == ["it"], "the notification closed")
    bob.change("remove", secret)
    wait_for(lambda: not title_of(tab).startswith("("), "nothing unread")
    bob.change("remove", bob.view[1]["id"])
    wait_for(lambda: tab.texts("#results li") == [], "no result")

    assert tab.texts("#search-summary") == ["Nothing found."]
    assert tab.bodies() == ["said by Ann"]
    expect(tab.page.locator(".between.unread")).to_have_count(0)
    tab.page.evaluate("id => { location.hash = id }", secret)
    tab.see("#notice", "This message no longer exists.")
    tab.hide(False)
    tab.page.reload()  # and the mark of what was read is behind what is gone
    tab.hear("said by Ann")
    assert tab.page.title().startswith("page-")


def test_what_is_gone_when_the_archive_answers_does_not_come_back(open_tab, bob) -> None:
    ids = [bob.tell(f"line {at}") for at in range(80)]
    tab = open_tab()
    held: list[Route] = []
    tab.page.route("**/messages?before=*", lambda route: held.append(route))
    tab.page.reload()
    tab.hear("line 79")
    tab.scroll_to("top")
    wait_for(lambda: tab.page.title() and held, "the request for older messages")
    answer = held[0].fetch()

    bob.change("remove", ids[5])
    bob.change("edit", ids[6], body="other words")
    bob.change("remove", ids[-1])
    gone(tab, "line 79")
    held[0].fulfill(response=answer)

    tab.hear("line 4")
    assert "line 5" not in tab.bodies()
    assert tab.bodies()[5] == "other words"


# -- others --------------------------------------------------------------------------------------


def test_whoever_reads_on_is_neither_moved_nor_told(open_tab, bob) -> None:
    ids = [bob.tell(f"line {at}, http://example.org/") for at in range(40)]
    tab = open_tab()
    tab.hear("line 39, http://example.org/")
    attend(tab)
    want_notifications(tab, "mentions")
    wait_for(lambda: tab.page.get_attribute("#messages", "aria-live") == "polite", "a live log")
    row = tab.page.locator(f"#list > [data-id='{ids[20]}']")
    row.evaluate("node => { node.scrollIntoView({ block: 'center' }); node.focus(); }")
    wait_for(lambda: tab.above_the_end() > 100, "further up")
    row.locator(".tools-to-react").wait_for()  # all is loaded
    tab.page.evaluate(
        """() => {
            window.spoken = [];
            new MutationObserver((changes) => {
                for (const { target, addedNodes } of changes) {
                    const region = target.closest("[aria-live]");
                    if (!addedNodes.length || region.ariaLive === "off") continue;
                    spoken.push(...[...addedNodes].map((node) => node.textContent));
                }
            }).observe(document.getElementById("list"), { childList: true, subtree: true });
        }"""
    )
    place = "node => node.getBoundingClientRect().top"
    before = row.evaluate(place)

    bob.change("edit", ids[2], body="Ann, look: " + "many words " * 200)
    bob.change("remove", ids[0])
    for change in (
        lambda id: bob.change("edit", id, body="more words " * 90),
        lambda id: bob.change("remove", id),
    ):
        change(on_top(tab))  # half of it is out of sight
    bob.change("edit", ids[20], body="still here")
    tab.hear("still here")

    assert row.evaluate("node => node === document.activeElement")
    assert "still here" in (row.get_attribute("aria-label") or "")
    assert "edited" in (row.get_attribute("aria-label") or "")
    expect(tab.page.locator(".mentioned")).to_have_count(1)
    assert abs(row.evaluate(place) - before) < 2
    assert tab.page.evaluate("spoken") == []
    assert tab.page.evaluate("[shown, tones]") == [[], 0]
    assert tab.page.title().startswith("page-")


def test_what_changed_while_the_reader_was_away_comes_with_the_resume(open_tab, bob) -> None:
    changed, removed = bob.tell("helo"), bob.tell("a secret")
    tab = open_tab()
    tab.say("of Ann")
    tab.hear("of Ann")
    tab.page.press("#body", "ArrowUp")
    tab.see("#editing", "of Ann")
    tab.set_offline(True)
    tab.wait_for_state("waiting")
    tab.page.fill("#body", "by Ann")
    tab.page.press("#body", "Enter")
    tab.see("#notice", "Not connected")
    assert tab.page.input_value("#body") == "by Ann"
    bob.change("edit", changed, body="hello")
    bob.change("remove", removed)

    tab.set_offline(False)
    tab.wait_for_state("connected")

    tab.hear("hello")
    gone(tab, "a secret")
    expect(tab.page.locator(".between.missed")).to_have_count(0)
    tab.page.press("#body", "Enter")
    tab.hear("by Ann")


def test_two_tabs_of_one_person_edit_and_delete_the_same_message(open_tab) -> None:
    here = open_tab()
    there = open_tab(within=here)
    here.say("said once")
    there.hear("said once")
    here.page.fill("#body", "said twice")
    wait_for(lambda: there.page.input_value("#body") == "said twice", "the same draft")
    point_at(there, "said once")
    press(there, "Edit")
    here.page.press("#body", "Enter")
    there.hear("said twice")
    there.page.press("#body", "Escape")
    assert there.page.input_value("#body") == ""  # what was sent here is no draft there
    there.page.press("#body", "ArrowUp")
    there.see("#editing", "said twice")
    there.page.fill("#body", "half a correction")

    here.page.press("#body", "ArrowUp")
    here.see("#editing", "said twice")
    here.page.fill("#body", "said differently")
    here.page.press("#body", "Enter")
    there.hear("said differently")
    assert there.page.input_value("#body") == "half a correction"
    point_at(here, "said differently")
    press(here, "Delete")
    sure(here)

    gone(there, "said differently")
    there.see("#notice", "This message was deleted meanwhile. What you wrote is in the box.")
    expect(there.page.locator("#editing")).to_have_count(0)
    assert there.page.input_value("#body") == "half a correction"
    wait_for(lambda: there.bodies() == here.bodies() == ["said once"], "the same in both")


# -- what the server does not want -----------------------------------------------------------------


def test_why_nothing_is_changed_is_said_in_the_readers_language(open_tab) -> None:
    tab = open_tab(locale="de")
    codes: list[str] = []
    minutes = [15]

    def between(route) -> None:
        server = route.connect_to_server()

        def ask(text: str) -> None:
            frame = json.loads(text)
            if frame["type"] in ("edit", "remove"):
                refusal = {
                    "type": "error",
                    "code": codes[0],
                    "detail": "No.",
                    "cmid": frame["cmid"],
                }
                route.send(json.dumps(refusal))
            else:
                server.send(text)

        route.on_message(ask)
        server.on_message(
            lambda text: route.send(text.replace('"editMinutes":15', f'"editMinutes":{minutes[0]}'))
        )

    tab.page.route_web_socket("**/chat*", between)
    tab.page.reload()
    tab.wait_for_state("connected")
    tab.say("so")
    tab.hear("so")
    refusals = {
        "too-late": "Die Zeit, in der sich diese Nachricht bearbeiten ließ, ist um.",
        "not-yours": "Nur wer eine Nachricht geschrieben hat, kann sie ändern.",
        "muted": "Die Leitung hat dich gebeten, still zu sein: Die Nachricht ist unverändert.",
        "odd": "Die Nachricht ist unverändert: No.",
    }
    for codes[:], words in zip(([code] for code in refusals), refusals.values(), strict=True):
        tab.page.press("#body", "ArrowUp")
        tab.see("#editing", "so")
        tab.page.fill("#body", "anders")
        tab.page.press("#body", "Enter")
        tab.see("#notice", words)
        assert tab.page.input_value("#body") == "anders"  # as a draft: nothing typed is lost
        tab.page.fill("#body", "")
    codes[:] = ["not-stored"]
    tab.page.press("#body", "ArrowUp")
    tab.page.fill("#body", "anders")
    tab.page.press("#body", "Enter")
    tab.see("#notice", "Der Server kann gerade nichts speichern")
    tab.see("#editing", "so")  # it can be tried again
    tab.page.press("#body", "Escape")

    minutes[0] = 0
    tab.page.reload()
    tab.hear("so")
    point_at(tab, "so")
    expect(tab.page.locator(".tools-of-own button:visible")).to_have_count(1)
    tab.page.press("#body", "ArrowUp")
    tab.see("#notice", "Hier ist keine Nachricht von dir, die sich noch bearbeiten lässt.")
    codes[:] = ["gone"]
    point_at(tab, "so")
    press(tab, "Löschen")
    tab.see("#remove-dialog", "Diese Nachricht löschen?")
    sure(tab)
    tab.see("#notice", "Diese Nachricht ist schon gelöscht.")
    gone(tab, "so")


def test_axe_finds_nothing_where_something_is_changed(open_tab) -> None:
    tab = open_tab()
    tab.say("helo", "another")
    tab.hear("another")
    point_at(tab, "helo")
    press(tab, "Edit")
    tab.page.fill("#body", "hello")
    tab.page.press("#body", "Enter")
    tab.hear("hello")
    tab.page.press("#body", "ArrowUp")
    tab.see("#editing", "another")
    point_at(tab, "hello")
    assert faults_by_day_and_night(tab) == []
    press(tab, "Delete")
    tab.page.wait_for_selector("#remove-dialog[open]")
    assert faults_by_day_and_night(tab) == []
