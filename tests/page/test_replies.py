"""The page in a real Chromium: messages that answer others, here and by others."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import WebSocketRoute, expect

from chatroom.history import make_history
from tests.support.axe import faults_by_day_and_night
from tests.support.browser import PHONE, Tab
from tests.support.deadline import wait_for
from tests.support.fellow import Fellow
from tests.support.histories import past_message
from tests.support.server_process import Running, serving

pytestmark = pytest.mark.takes(seconds=25)

LONG = 700
"""Messages: more than a page holds of a room's end."""


@pytest.fixture
def bob(page_server: Running, room: str) -> Iterator[Fellow]:
    bob = Fellow(page_server.port, "Bob", room)
    bob.connect_and_catch_up()
    yield bob
    bob.close()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with a long past, whose newest message answers the first and the second-newest
    one that is not there any more."""
    folder = tmp_path_factory.mktemp("answers")
    history = make_history("sqlite:chat.db", folder)
    history.open()
    said = [past_message("long", seq) for seq in range(1, LONG + 1)]
    said[-1] = said[-1]._replace(reply_to=said[0].id)
    said[-2] = said[-2]._replace(reply_to=f"3-{'f' * 16}")
    history.append(said)
    history.close()
    with serving(folder, leaveGrace=0) as running:
        yield running


def point_at(tab: Tab, body: str) -> None:
    """Come with the mouse, and wait for the button."""
    tab.page.mouse.move(1, 1)
    row = tab.page.locator("#list > .message", has=tab.page.locator(".text", has_text=body))
    row.locator(".text").hover()
    row.locator(".tools-of-any").wait_for()


def reply_to(tab: Tab, body: str) -> None:
    point_at(tab, body)
    tab.page.click(".tools-of-any button")
    tab.see("#answering", body)


def answered(tab: Tab) -> list[str]:
    """The lines above replies, without what only screen readers say."""
    return [line.removeprefix("In reply to").strip() for line in tab.texts("#list .answered")]


def shows(tab: Tab, *lines: str) -> None:
    wait_for(lambda: answered(tab) == list(lines), f"{lines} above replies")


def in_sight(tab: Tab, body: str) -> bool:
    found: bool = tab.page.evaluate(
        """body => {
            const { top, bottom } = document.getElementById("scroller").getBoundingClientRect();
            const texts = [...document.querySelectorAll("#list .text")];
            const box = texts.find((one) => one.innerText === body)?.getBoundingClientRect();
            return Boolean(box) && box.top >= top && box.bottom <= bottom;
        }""",
        body,
    )
    return found


# -- writing one -----------------------------------------------------------------------------------


def test_a_message_is_answered_with_the_mouse(open_tab, bob) -> None:
    tab = open_tab()
    id = bob.tell("Tea or coffee?")
    tab.hear("Tea or coffee?")

    reply_to(tab, "Tea or coffee?")

    assert tab.page.evaluate("document.activeElement.id") == "body"
    assert "answering" in (tab.page.get_attribute("#body", "aria-describedby") or "")
    tab.see("#answering", "Bob Tea or coffee?")
    tab.page.keyboard.type("Tea, please.")
    tab.page.keyboard.press("Enter")
    tab.hear("Tea, please.")
    expect(tab.page.locator("#answering")).to_have_count(0)
    assert tab.page.get_attribute("#body", "aria-describedby") == "hint notice"
    shows(tab, "Bob Tea or coffee?")
    assert bob.hear_notice("message")["replyTo"] == id
    tab.say("And milk.")  # which answers nothing any more
    tab.hear("And milk.")
    shows(tab, "Bob Tea or coffee?")
    assert tab.complaints == []


def test_a_reply_is_begun_and_given_up_by_keys(open_tab, bob) -> None:
    tab = open_tab()
    bob.tell("first")
    tab.hear("first")
    tab.page.fill("#body", "half a thought")
    wait_for(lambda: tab.page.evaluate("document.styleSheets.length") > 1, "the rest")
    tab.page.focus("#body")
    tab.page.keyboard.press("Shift+Tab")
    tab.page.locator(".tools-of-any").wait_for()

    tab.page.keyboard.press("r")

    tab.see("#answering", "first")
    assert tab.page.input_value("#body") == "half a thought"
    assert tab.page.evaluate("document.activeElement.id") == "body"
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator("#answering")).to_have_count(0)
    assert tab.page.input_value("#body") == "half a thought"
    tab.page.keyboard.press("Enter")
    tab.hear("half a thought")
    assert answered(tab) == []

    reply_to(tab, "first")
    tab.page.click("#answering button")
    expect(tab.page.locator("#answering")).to_have_count(0)


def test_a_finger_answers(open_tab, bob) -> None:
    tab = open_tab(viewport=PHONE, has_touch=True, is_mobile=True)
    bob.tell("Tea?")
    tab.hear("Tea?")
    tools = tab.page.locator(".tools-of-any button")

    def tap() -> None:
        tab.page.locator("#scroller").tap(position={"x": 5, "y": 5})
        tab.page.locator(".text", has_text="Tea?").tap()

    wait_for(lambda: tap() or tools.count() == 1, "the button")
    box = tools.bounding_box()
    assert box
    assert box["width"] >= 44
    assert box["height"] >= 44
    tools.tap()
    tab.see("#answering", "Tea?")
    tab.page.fill("#body", "Yes")
    tab.page.tap("#send")
    tab.hear("Yes")
    shows(tab, "Bob Tea?")
    tab.page.tap("#list .answered")
    first = tab.page.locator("#list > .message").first.get_attribute("data-id")
    wait_for(lambda: tab.page.url.endswith(f"#{first}"), "the way there")


def test_own_messages_have_the_button_behind_the_others(open_tab) -> None:
    tab = open_tab()
    tab.say("mine")
    tab.hear("mine")
    point_at(tab, "mine")
    tab.page.locator(".tools-of-own").wait_for()
    tab.page.locator(".tools-to-react").wait_for()

    labels = tab.page.locator(".message-tools button").evaluate_all(
        "buttons => buttons.map(({ ariaLabel }) => ariaLabel)"
    )
    assert labels == ["Edit", "Delete", "Reply", "React"]
    boxes = [box.bounding_box() for box in tab.page.locator(".message-tools button").all()]
    xs = [box["x"] for box in boxes if box]
    assert xs == sorted(set(xs))


def test_an_edit_hides_what_is_answered_until_it_is_over(open_tab, bob) -> None:
    tab = open_tab()
    tab.say("mine")
    bob.tell("first")
    tab.hear("first")
    reply_to(tab, "first")
    tab.page.press("#body", "ArrowUp")
    tab.see("#editing", "mine")
    expect(tab.page.locator("#answering")).to_be_hidden()

    tab.page.press("#body", "Escape")
    expect(tab.page.locator("#answering")).to_be_visible()
    assert "answering" in (tab.page.get_attribute("#body", "aria-describedby") or "")
    tab.page.press("#body", "ArrowUp")
    tab.see("#editing", "mine")
    reply_to(tab, "first")  # instead of the edit
    expect(tab.page.locator("#editing")).to_have_count(0)
    tab.say("answer")
    tab.hear("answer")
    shows(tab, "Bob first")


# -- what may happen to it -------------------------------------------------------------------------


def test_what_is_answered_outlives_a_lost_line_and_a_reload(open_tab, bob) -> None:
    tab = open_tab()
    id = bob.tell("Tea?")
    tab.hear("Tea?")
    reply_to(tab, "Tea?")
    tab.page.fill("#body", "Yes")
    tab.page.reload()
    tab.see("#answering", "Bob Tea?")
    assert tab.page.input_value("#body") == "Yes"

    is_cut = [True]

    def between(socket: WebSocketRoute) -> None:
        if is_cut[0]:
            socket.close()
        else:
            socket.connect_to_server()

    tab.page.route_web_socket("**/chat*", between)
    tab.page.reload()
    tab.page.wait_for_selector("body:not([data-state=connected])")
    tab.page.locator("#answering").wait_for()
    tab.page.press("#body", "Enter")
    expect(tab.page.locator("#answering")).to_have_count(0)
    expect(tab.pending()).to_have_count(1)
    kept = tab.page.evaluate("JSON.stringify(localStorage)")
    assert id in kept
    is_cut[0] = False
    tab.page.reload()

    tab.hear("Yes")
    shows(tab, "Bob Tea?")
    assert bob.hear_notice("message")["replyTo"] == id
    wait_for(
        lambda: (
            not tab.page.evaluate(
                "Object.keys(localStorage).some(key => /outbox|answer|draft/.test(key))"
            )
        ),
        "nothing left",
    )


def test_the_line_above_a_reply_changes_with_what_it_answers(open_tab, bob) -> None:
    tab = open_tab()
    id = bob.tell("Tae?")
    bob.tell_in_reply(id, "Or coffee?")
    tab.hear("Or coffee?")
    shows(tab, "Bob Tae?")
    reply_to(tab, "Tae?")

    bob.change("edit", id, body="Tea\n\n or   " + "x" * 400)
    wait_for(lambda: answered(tab)[0].startswith("Bob Tea or xxx"), "the line anew")
    assert len(answered(tab)[0]) < 200
    tab.see("#answering", "Tea or xxx")

    bob.change("remove", id)
    shows(tab, "This message was removed.")
    tab.see("#answering", "This message was removed.")
    expect(tab.page.locator("#list .answered[href]")).to_have_count(0)
    tab.say("Water, then.")  # all the same
    tab.hear("Water, then.")
    shows(tab, "This message was removed.", "This message was removed.")
    assert tab.complaints == []


def test_a_removed_reply_takes_nothing_else_with_it(open_tab, bob) -> None:
    tab = open_tab()
    id = bob.tell("Tea?")
    answer = bob.tell_in_reply(id, "Nobody?")
    bob.tell_in_reply(answer, "Well.")
    tab.hear("Well.")

    bob.change("remove", answer)

    shows(tab, "This message was removed.")
    assert tab.bodies() == ["Tea?", "Well."]


def test_the_line_leads_there_and_a_button_back(open_tab, archive) -> None:
    """Also to what is older than all that the page has."""
    tab = open_tab(server=archive, path="/rooms/long")
    tab.hear(f"long {LONG}")
    shows(tab, "This message was removed.", "Past long 1")
    assert "long 1" not in tab.bodies()

    tab.page.click("#list .answered[href]")
    wait_for(lambda: in_sight(tab, "long 1"), "the first message")
    assert tab.page.evaluate("document.activeElement.querySelector('.text').innerText") == "long 1"
    tab.page.click("text=Back to the reply")
    wait_for(lambda: in_sight(tab, f"long {LONG}"), "the reply again")
    expect(tab.page.locator(".back-to-answer")).to_have_count(0)

    tab.page.focus("#list > .message:last-child")
    tab.page.keyboard.press("Tab")
    assert "answered" in tab.page.evaluate("document.activeElement.className")
    tab.page.keyboard.press("Enter")
    wait_for(lambda: in_sight(tab, "long 1"), "the first message, by keys")
    tab.page.go_back()
    wait_for(lambda: in_sight(tab, f"long {LONG}"), "the reply, by the browser's own way")
    assert tab.complaints == [] or all("404" in one for one in tab.complaints)


def test_a_screen_reader_hears_what_a_reply_answers(open_tab, bob) -> None:
    tab = open_tab()
    bob.tell_in_reply(bob.tell("Tea?"), "Nobody?")
    tab.hear("Nobody?")
    shows(tab, "Bob Tea?")
    tab.page.focus("#list > .message:last-child")

    wait_for(
        lambda: (tab.page.evaluate("document.activeElement.ariaLabel") or "").startswith(
            "In reply to Bob Tea?, Bob, Nobody?"
        ),
        "what a screen reader says",
    )


def test_it_is_said_in_german(open_tab, bob) -> None:
    tab = open_tab(locale="de-DE")
    id = bob.tell("Tee?")
    tab.hear("Tee?")
    point_at(tab, "Tee?")
    tab.page.click("[aria-label=Antworten]")
    tab.see("#answering", "Antwort auf")
    bob.tell_in_reply(id, "Niemand?")
    bob.change("remove", id)
    tab.see("#list .answered", "Diese Nachricht wurde entfernt.")


@pytest.mark.parametrize("viewport", [None, PHONE])
def test_axe_finds_nothing_where_something_is_answered(open_tab, bob, viewport) -> None:
    tab = open_tab(**({"viewport": viewport} if viewport else {}))
    id = bob.tell("Tea?")
    gone = bob.tell("Milk?")
    bob.tell_in_reply(id, "Nobody?")
    bob.tell_in_reply(gone, "Sugar?")
    bob.change("remove", gone)
    tab.hear("Sugar?")
    shows(tab, "Bob Tea?", "This message was removed.")
    reply_to(tab, "Nobody?")
    assert faults_by_day_and_night(tab) == []
    tab.page.click("#list .answered[href]")
    tab.page.locator(".back-to-answer").wait_for()
    wait_for(lambda: tab.page.evaluate("document.getAnimations().length === 0"), "all still")
    assert faults_by_day_and_night(tab) == []


def test_what_is_kept_of_a_reply_is_its_id_alone(open_tab, bob) -> None:
    tab = open_tab()
    id = bob.tell("a secret")
    tab.hear("a secret")
    reply_to(tab, "a secret")
    tab.page.fill("#body", "hush")

    def kept() -> dict[str, str]:
        found: dict[str, str] = json.loads(tab.page.evaluate("JSON.stringify(localStorage)"))
        return found

    wait_for(lambda: "hush" in str(kept()), "the draft")
    assert id in str(kept())
    assert "a secret" not in str(kept())
