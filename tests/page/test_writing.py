"""The page in a real Chromium: what was written and is not sent yet, in one tab and in several."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.browser import PHONE, Tab
from tests.support.deadline import wait_for
from tests.support.server_process import serving

pytestmark = pytest.mark.takes(seconds=20)

SUBMIT = """bodies => {
    const form = document.getElementById("composer");
    for (const body of bodies) {
        form.elements.body.value = body;
        form.requestSubmit();
    }
}"""


def kept(tab: Tab, what: str) -> list[object]:
    """What the browser keeps under keys with this in them."""
    found: list[object] = tab.page.evaluate(
        """what => Object.keys(localStorage)
            .filter((key) => key.includes(what)).map((key) => JSON.parse(localStorage[key]))""",
        what,
    )
    return found


def go_offline(tab: Tab) -> None:
    tab.set_offline(True)
    tab.wait_for_state("waiting")


def refuse(tab: Tab, code: str, detail: str) -> Callable[[], None]:
    """Answer for the server where something is said; returns what lets the rest pass again."""
    refusing = [True]

    def between(route) -> None:
        server = route.connect_to_server()

        def say(text: str) -> None:
            frame = json.loads(text)
            if frame["type"] == "message" and refusing:
                refusal = {"type": "error", "code": code, "detail": detail, "cmid": frame["cmid"]}
                route.send(json.dumps(refusal))
            else:
                server.send(text)

        route.on_message(say)

    tab.page.route_web_socket("**/chat*", between)
    tab.page.reload()
    tab.wait_for_state("connected")
    return refusing.clear


# -- what was refused, what waits ----------------------------------------------------------------


def test_retry_sends_what_was_refused_once_more(open_tab) -> None:
    tab = open_tab()
    relent = refuse(tab, "cmid-reused", "Not today.")
    tab.say("unwelcome at first")
    tab.page.locator("#pending .retry").wait_for()
    relent()

    tab.page.click("#pending .retry")

    tab.hear("unwelcome at first")
    assert tab.bodies() == ["unwelcome at first"]
    wait_for(lambda: tab.pending().count() == 0 and kept(tab, "outbox") == [], "it is settled")
    assert tab.texts("#notice") == [""]


def test_why_the_server_refuses_is_said_in_the_readers_language(browser, tmp_path: Path) -> None:
    """What it has no words for stays as the server says it."""
    with serving(tmp_path, history="memory:", maxRooms=1) as server:
        tab = Tab(browser, server, locale="de")
        refuse(tab, "empty-body", "The message is empty; write something.")
        tab.say("leer")
        tab.see("#pending .reason", "Nicht gesendet: sie ist leer")
        refuse(tab, "new-code", "For a reason of its own.")
        tab.say("ohne Grund")
        tab.see("#pending .reason", "Nicht gesendet: For a reason of its own.")

        tab.page.goto(tab.url + "rooms/the-one-beside-the-lobby")
        tab.wait_for_state("connected")
        tab.page.goto(tab.url + "rooms/one-too-many")

        tab.see("#status", "Verbindung geschlossen: mehr Räume erlaubt er nicht")
        tab.close()


def test_a_message_that_is_too_long_for_the_server_fails_with_the_reason(open_tab) -> None:
    """It has been started anew with another limit, say."""
    tab = open_tab(locale="de")
    tab.page.route_web_socket("**/chat*", close_over_messages)
    tab.page.reload()
    tab.wait_for_state("connected")

    tab.say("zu lang")

    tab.see("#pending .reason", "Nicht gesendet: sie ist länger, als dieser Server erlaubt")


def close_over_messages(route) -> None:
    server = route.connect_to_server()

    def say(text: str) -> None:
        if json.loads(text)["type"] == "message":
            route.close(code=1009, reason="frame of 80011 bytes; wanted: 65536 at most")
        else:
            server.send(text)

    route.on_message(say)


def test_edit_puts_what_was_refused_back_above_what_is_in_the_box(open_tab) -> None:
    tab = open_tab()
    refuse(tab, "cmid-reused", "Not today.")
    tab.say("unwelcome")
    tab.page.locator("#pending .edit").wait_for()
    tab.page.fill("#body", "half a thought")

    tab.page.click("#pending .edit")

    assert tab.page.input_value("#body") == "unwelcome\nhalf a thought"
    wait_for(lambda: tab.pending().count() == 0 and kept(tab, "outbox") == [], "nothing waits")


def test_where_too_many_wait_retry_throws_nothing_away(open_tab) -> None:
    tab = open_tab()
    refuse(tab, "cmid-reused", "Not today.")
    tab.say("refused")
    tab.page.locator("#pending .retry").wait_for()
    go_offline(tab)
    tab.page.evaluate(SUBMIT, [f"line {at}" for at in range(201)])
    assert tab.page.input_value("#body") == "line 200"  # 200 wait: it stays in the box
    tab.see("#notice", "200 messages are waiting already.")

    tab.page.click("#pending .retry")

    tab.see("#notice", "200 messages are waiting already.")
    assert len(kept(tab, "outbox")) == 201
    expect(tab.page.locator("#pending .retry")).to_have_count(1)


def test_a_browser_that_can_keep_no_more_says_so(open_tab) -> None:
    """A draft and what waits are lost with the page then; what is sent is not."""
    tab = open_tab()
    tab.page.evaluate(
        """() => {
            for (let size = 1 << 23; size > 0; size >>= 1) {
                try { localStorage[`full${size}`] = "x".repeat(size); } catch {}
            }
        }"""
    )
    go_offline(tab)
    tab.say("too late to be kept")
    tab.see("#pending .waits", "lost if you close this page")
    tab.page.evaluate("localStorage.clear()")
    tab.say("kept")
    wait_for(lambda: tab.pending().count() == 2, "both in sight")
    tab.see("#pending .waits", "not all are kept if you close this page")

    tab.set_offline(False)

    tab.hear("kept")
    assert tab.bodies() == ["too late to be kept", "kept"]


def test_a_browser_that_keeps_nothing_can_chat_all_the_same(open_tab) -> None:
    tab = open_tab(None)
    tab.page.add_init_script(
        """Object.defineProperty(window, "localStorage", {
            get() { throw new DOMException("no", "SecurityError") }
        })"""
    )
    tab.page.reload()
    tab.page.fill("#name", "Ann")
    tab.page.keyboard.press("Enter")
    tab.wait_for_state("connected")

    tab.say("hello")

    tab.hear("hello")
    expect(tab.page.locator("#my-name")).to_have_text("Ann")
    assert tab.complaints == []


# -- drafts --------------------------------------------------------------------------------------


def test_a_draft_that_was_sent_in_one_tab_is_gone_from_the_other(open_tab) -> None:
    here = open_tab()
    here.page.fill("#body", "said once")
    wait_for(lambda: kept(here, "draft") == ["said once"], "the draft is kept")
    there = open_tab(within=here)
    assert there.page.input_value("#body") == "said once"

    here.page.press("#body", "Enter")

    wait_for(lambda: there.page.input_value("#body") == "", "an empty box")
    here.page.close()
    there.page.reload()
    there.hear("said once")
    assert there.page.input_value("#body") == ""


def test_what_was_written_in_one_tab_does_not_change_by_what_is_sent_in_the_other(open_tab) -> None:
    here = open_tab()
    there = open_tab(within=here)
    # As if both were in the middle of a word: nothing is saved yet.
    for tab, text in ((here, "here"), (there, "there")):
        tab.page.evaluate(
            """() => {
                const wait = setTimeout;
                window.setTimeout = (work, ms) => (ms === 300 ? 0 : wait(work, ms));
            }"""
        )
        tab.page.fill("#body", text)

    here.page.press("#body", "Enter")

    there.hear("here")
    assert there.page.input_value("#body") == "there"
    here.page.close()
    there.page.reload()
    assert there.page.input_value("#body") == "there"


# -- the keyboard --------------------------------------------------------------------------------


def test_enter_ends_a_word_in_an_input_method_and_sends_nothing(open_tab) -> None:
    """A composition as Chromium makes it; Safari tells of its last key by the code 229 alone."""
    tab = open_tab()
    tab.page.focus("#body")
    keyboard = tab.debugger()
    keyboard.send(
        "Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3}
    )
    assert tab.page.input_value("#body") == "にほん"
    enter = {"key": "Process", "code": "Enter", "windowsVirtualKeyCode": 229}
    keyboard.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **enter})
    keyboard.send("Input.insertText", {"text": "日本"})
    keyboard.send("Input.dispatchKeyEvent", {"type": "keyUp", **enter})
    tab.page.locator("#body").evaluate(
        """box => box.dispatchEvent(
            new KeyboardEvent("keydown", { key: "Enter", keyCode: 229, cancelable: true }))"""
    )
    assert tab.page.input_value("#body") == "日本"
    expect(tab.pending()).to_have_count(0)

    tab.page.keyboard.press("Enter")

    tab.hear("日本")
    assert tab.bodies() == ["日本"]


@pytest.mark.parametrize("keys", ["Control+Enter", "Meta+Enter"])
def test_a_finger_sends_by_control_and_enter_where_there_is_a_keyboard(open_tab, keys) -> None:
    tab = open_tab(viewport=PHONE, has_touch=True, is_mobile=True)
    tab.page.fill("#body", "said")

    tab.page.press("#body", keys)

    tab.hear("said")


def test_on_a_mac_control_and_k_cut_off_a_line_as_everywhere_there(open_tab) -> None:
    tab = open_tab(user_agent="Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)")
    tab.page.press("#body", "Control+k")
    expect(tab.page.locator("#search")).to_be_hidden()

    tab.page.press("#body", "Meta+k")

    tab.page.locator("#search").wait_for()


def test_what_nobody_could_see_is_not_sent(open_tab) -> None:
    tab = open_tab()
    for body in ("\u200b", "\u2800 \u3164\n\u200d", "\ufe0f", "visible"):
        tab.say(body)
    tab.hear("visible")

    assert tab.bodies() == ["visible"]


def test_a_box_that_grows_just_as_the_page_hears_of_a_scroll_leaves_the_end_in_sight(
    open_tab, bob
) -> None:
    tab = open_tab()
    tab.hear_lines(bob)
    wait_for(lambda: tab.above_the_end() < 2, "the page at its end")

    low = tab.page.evaluate(
        """() => {
            const [box, scroller] = ["body", "scroller"].map((id) => document.getElementById(id));
            const before = scroller.clientHeight;
            box.value = "one\\ntwo\\nthree\\nfour\\nfive\\nsix";
            box.dispatchEvent(new Event("input", { bubbles: true }));
            const after = scroller.clientHeight;
            scroller.dispatchEvent(new Event("scroll"));
            return before - after;
        }"""
    )

    assert low > 64
    wait_for(lambda: tab.above_the_end() < 2, "the page at its end")
    bob.say("one more")
    tab.hear("one more")
    wait_for(lambda: tab.above_the_end() < 2, "the page at its end")


def test_the_conversation_stays_as_it_is_while_the_box_is_measured(open_tab, bob) -> None:
    """Where it becomes higher for a moment, Firefox and WebKit leave its reader above the end."""
    tab = open_tab()
    tab.hear_lines(bob)
    tab.page.evaluate(
        """() => {
            window.heights = new Set();
            const { get } = Object.getOwnPropertyDescriptor(Element.prototype, "scrollHeight");
            const box = document.getElementById("body");
            Object.defineProperty(box, "scrollHeight", {
                get() {
                    heights.add(document.getElementById("scroller").clientHeight);
                    return get.call(this);
                },
            });
        }"""
    )
    tab.page.fill("#body", "one\ntwo\nthree\nfour")
    wait_for(lambda: tab.above_the_end() < 2, "the page at its end")
    tab.page.evaluate("heights.clear()")

    tab.page.press("#body", "End")
    tab.page.keyboard.type("!")

    low = tab.page.locator("#scroller").evaluate("node => node.clientHeight")
    assert tab.page.evaluate("[...heights]") == [low]
    tab.page.fill("#body", "")
    wait_for(lambda: tab.above_the_end() < 2, "the page at its end")
    assert tab.page.locator("#scroller").evaluate("node => node.clientHeight") > low + 60
