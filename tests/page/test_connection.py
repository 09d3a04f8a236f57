"""The page when the network, the server or the browser goes away and comes back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import WebSocketRoute, expect

from chatroom.client import ChatClient
from tests.support.attention import attend, notified, want_notifications
from tests.support.browser import Tab
from tests.support.cable import Cable, cable_to
from tests.support.deadline import wait_for
from tests.support.server_process import Running, serving

pytestmark = pytest.mark.takes(seconds=38)


@pytest.fixture
def wire(page_server: Running) -> Iterator[Cable]:
    with cable_to(page_server) as wire:
        yield wire


@pytest.fixture
def open_wired(open_tab, page_server: Running, wire: Cable, room: str) -> Callable[..., Tab]:
    """Open pages whose network can be cut."""

    class Wired:
        port = wire.port

    def open_one(name: str = "Ann", **options: object) -> Tab:
        tab: Tab = open_tab(name, server=Wired(), **options)
        return tab

    return open_one


def test_the_page_comes_back_by_itself_and_sends_what_waited(browser, tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        tab = Tab(browser, server)
        tab.say("before the restart")
        tab.hear("before the restart")

        server.stop()
        tab.page.wait_for_selector("body:not([data-state=connected])")
        tab.say("written while the server was down", "and this, too")
        wait_for(lambda: tab.pending().count() == 2, "both in sight")
        server.start()
        tab.hear("and this, too")

        bodies = ["before the restart", "written while the server was down", "and this, too"]
        assert [message["body"] for message in server.history()] == bodies
        assert tab.bodies() == bodies
        expect(tab.pending()).to_have_count(0)
        tab.close()


def test_a_killed_server_has_each_message_once(browser, tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        tab = Tab(browser, server)
        tab.say(*(f"line {at}" for at in range(20)))
        server.kill()
        tab.say("after the kill")
        server.start()
        tab.hear("after the kill")

        bodies = [message["body"] for message in server.history()]
        assert bodies == [*(f"line {at}" for at in range(20)), "after the kill"]
        assert tab.bodies() == bodies
        tab.close()


def test_two_tabs_are_one_person_also_to_a_server_that_has_forgotten_them(
    browser, tmp_path: Path
) -> None:
    with serving(tmp_path, history="memory:") as server:
        one = Tab(browser, server)
        other = Tab(browser, server, within=one)
        wait_for(lambda: one.texts("#people .name") == ["Ann"], "one person")

        server.stop()
        server.start()

        for tab in one, other:
            tab.wait_for_state("connected")
            expect(tab.page.locator("#name-dialog")).to_be_hidden()
        other.say("from the other tab")
        one.hear("from the other tab")
        wait_for(lambda: one.texts("#people .name") == ["Ann"], "one person again")
        other.close()
        one.close()


def test_what_waits_outlives_the_page_and_is_sent_once(open_wired, wire: Cable) -> None:
    tab = open_wired()
    wire.cut()
    tab.page.wait_for_selector("body[data-state=waiting]")
    tab.say("one", "two")
    wait_for(lambda: tab.texts("#pending .text") == ["one", "two"], "both in sight")
    tab.page.close()
    wire.mend()

    again = Tab(None, tab.server, path=tab.url.partition(str(wire.port))[2], within=tab)
    again.hear("two")

    assert again.bodies() == ["one", "two"]
    expect(again.pending()).to_have_count(0)
    assert (
        again.page.evaluate("Object.keys(localStorage).filter(key => key.includes('outbox'))") == []
    )


def test_what_waits_can_be_discarded_or_edited(open_wired, wire: Cable) -> None:
    tab = open_wired()
    wire.cut()
    tab.page.wait_for_selector("body[data-state=waiting]")
    tab.say("regretted", "kept")

    tab.page.locator(".pending", has_text="regretted").locator(".discard").click()
    wire.mend()
    tab.hear("kept")

    assert tab.bodies() == ["kept"]


def test_a_message_that_the_server_refuses_fails_in_sight(open_tab) -> None:
    """The server knows a limit that the page does not: more than it takes in one message."""
    tab = open_tab()
    tab.page.route_web_socket("**/chat*", refuse_messages)
    tab.page.reload()
    tab.wait_for_state("connected")

    tab.say("unwelcome")
    tab.see("#pending .reason", "Not sent: Not today.")
    tab.page.reload()
    tab.see("#pending .reason", "Not sent: Not today.")

    tab.page.click("#pending .edit")
    assert tab.page.input_value("#body") == "unwelcome"
    wait_for(lambda: tab.pending().count() == 0, "nothing that waits")


def refuse_messages(route) -> None:
    """Answer for the server where something is said; pass on the rest."""
    server = route.connect_to_server()

    def say(text: str) -> None:
        frame = json.loads(text)
        if frame["type"] == "message":
            refusal = {"type": "error", "code": "cmid-reused", "detail": "Not today."}
            route.send(json.dumps({**refusal, "cmid": frame["cmid"]}))
        else:
            server.send(text)

    route.on_message(say)


def test_missed_messages_are_counted_and_marked_where_they_begin(
    open_wired, bob: ChatClient, wire: Cable
) -> None:
    ann = open_wired("Ann")
    bob.say("heard")
    ann.hear("heard")

    wire.cut()
    ann.page.wait_for_selector("body:not([data-state=connected])")
    for body in ("missed one", "missed two"):
        bob.say(body).wait()
    wire.mend()
    ann.hear("missed two")

    ann.see("#status", "You missed 2 messages.")
    marked = ann.page.locator(".message:has(.missed)")
    assert marked.locator(".text").inner_text() == "missed one"
    assert marked.locator(".missed").inner_text() == "You missed 2 messages"
    assert ann.bodies() == ["heard", "missed one", "missed two"]


def test_nothing_is_said_where_nothing_was_missed(open_wired, wire: Cable) -> None:
    tab = open_wired()
    tab.say("mine")
    tab.hear("mine")

    wire.cut()
    tab.page.wait_for_selector("body:not([data-state=connected])")
    wire.mend()
    tab.wait_for_state("connected")

    expect(tab.page.locator(".missed, .gap, .unread")).to_have_count(0)
    assert tab.texts("#status-words") == ["Connected"]


def test_the_page_says_plainly_that_it_cannot_know_what_it_missed(browser, tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        tab = Tab(browser, server)
        tab.say("soon forgotten")
        tab.hear("soon forgotten")
        server.stop()
        for path in tmp_path.glob("chat.db*"):
            path.unlink()
        server.start()
        with server.join("Bob") as bob:
            bob.say("a new age")
            tab.hear("a new age")

        tab.see("#status", "Some messages may be missing.")
        marked = tab.page.locator(".message:has(.gap)")
        assert marked.locator(".gap").inner_text() == "Some messages may be missing here."
        assert marked.locator(".text").inner_text() == "a new age"
        tab.close()


def test_a_connection_that_waits_is_made_at_once_when_the_page_is_looked_at(
    open_wired, wire: Cable
) -> None:
    tab = open_wired()
    # However long the dice say: this page waits for the longest time there is.
    tab.page.evaluate("Math.random = () => 0.999")
    wire.cut()
    tab.page.wait_for_selector("body[data-state=waiting]")
    tab.see("#status", "Trying again")
    tab.page.evaluate("window.setTimeout = () => 0")  # no timer will bring it back
    wire.mend()

    tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    tab.wait_for_state("connected")


def test_a_connection_that_waits_is_made_at_once_when_the_browser_says_online(
    open_wired, wire: Cable
) -> None:
    tab = open_wired()
    wire.cut()
    tab.page.wait_for_selector("body[data-state=waiting]")
    tab.page.evaluate("window.setTimeout = () => 0")  # no timer will bring it back
    wire.mend()

    tab.page.evaluate("dispatchEvent(new Event('online'))")

    tab.wait_for_state("connected")


def test_a_browser_that_goes_offline_says_so_and_comes_back(open_tab) -> None:
    tab = open_tab()
    tab.set_offline(True)
    tab.page.evaluate("dispatchEvent(new Event('offline'))")
    tab.see("#status", "Offline.")

    tab.set_offline(False)

    tab.wait_for_state("connected")
    tab.see("#status", "Connected")


@pytest.mark.parametrize("answer", ["#name-submit", "#name-cancel"])
def test_a_network_that_breaks_while_a_new_name_is_asked_for_comes_back(
    open_wired, wire: Cable, answer: str
) -> None:
    tab = open_wired()
    tab.page.click("#rename")
    wire.cut()
    tab.page.wait_for_selector("body:not([data-state=connected])")
    tab.page.fill("#name", "Anna")
    tab.page.click(answer)
    wire.mend()

    tab.wait_for_state("connected")
    tab.say("I am back")
    tab.hear("I am back")


def test_who_looks_at_the_page_is_told_of_a_server_that_went_without_a_word(
    open_wired, wire: Cable
) -> None:
    tab = open_wired()
    pongs: list[bool] = []

    def hear(frame: str | bytes) -> None:
        if frame == '{"type":"pong"}':
            pongs.append(True)

    tab.page.on("websocket", lambda socket: socket.on("framereceived", hear))
    tab.page.clock.install()
    tab.page.reload()
    tab.wait_for_state("connected")

    for answers in 1, 2:  # quiet minutes: the server is asked, and answers
        tab.page.clock.fast_forward(45_000)
        wait_for(lambda n=answers: tab.page.title() and len(pongs) == n, "an answer")
    assert tab.page.get_attribute("body", "data-state") == "connected"

    wire.freeze()
    tab.page.clock.fast_forward(45_000)
    tab.page.clock.fast_forward(15_000)
    tab.page.wait_for_selector("body:not([data-state=connected])")
    wire.mend()
    tab.page.clock.fast_forward(5_000)
    tab.wait_for_state("connected")


def test_a_message_is_marked_as_on_its_way_until_the_server_has_it(open_wired, wire: Cable) -> None:
    tab = open_wired()
    wire.freeze()
    tab.say("slowly")
    tab.see("#pending .fate", "sending")
    assert tab.texts("#pending .text") == ["slowly"]
    assert tab.bodies() == []

    wire.mend()

    tab.hear("slowly")
    wait_for(lambda: tab.pending().count() == 0, "the message to settle")
    assert tab.bodies() == ["slowly"]


def test_a_mention_that_was_missed_calls_the_reader_when_it_comes(
    open_wired, bob: ChatClient, wire: Cable
) -> None:
    ann = open_wired("Ann")
    attend(ann)
    want_notifications(ann, "mentions")
    ann.hide()
    wire.cut()
    ann.page.wait_for_selector("body:not([data-state=connected])")
    for body in ("nothing in particular", "Ann, it is urgent"):
        bob.say(body).wait()
    wire.mend()
    ann.hear("Ann, it is urgent")

    shown = wait_for(lambda: notified(ann), "a notification")
    assert [body for _title, body in shown] == ["Ann, it is urgent"]


def closing(code: int, reason: str, ends: list[object]) -> Callable[[WebSocketRoute], None]:
    """Answer for the server: let nobody in who says hello; take down how often somebody does."""

    def listen(route: WebSocketRoute) -> None:
        def close(_hello: str | bytes) -> None:
            ends.append(route)
            route.close(code=code, reason=reason)

        route.on_message(close)

    return listen


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        (1011, "history unavailable", "The server is having trouble: history unavailable."),
        (4008, "slow", "This connection was too slow to follow."),
        (1008, "no hello within 10 s", "Connection closed: no hello within 10 s."),
    ],
)
def test_the_page_says_in_words_why_there_is_no_connection(
    open_tab, code: int, reason: str, words: str
) -> None:
    tab = open_tab()
    ends: list[object] = []
    tab.page.route_web_socket("**/chat*", closing(code, reason, ends))
    tab.page.reload()

    tab.see("#status", words)
    tab.see("#status", "Trying again")
    tab.page.locator("#try-now").wait_for()
    wait_for(lambda: tab.page.title() and len(ends) > 1, "another try")


def test_a_server_that_will_never_have_us_is_left_alone(open_tab) -> None:
    tab = open_tab()
    ends: list[object] = []
    tab.page.route_web_socket("**/chat*", closing(4500, "banned", ends))
    tab.page.reload()

    tab.see("#status", "banned")
    assert tab.page.get_attribute("body", "data-state") == "refused"
    assert len(ends) == 1


def test_a_full_room_is_told_from_a_server_that_is_not_there(browser, tmp_path: Path) -> None:
    with serving(tmp_path, history="memory:", maxUsers=1) as server:
        with server.join("Bob"):
            tab = Tab(browser, server, name=None)
            tab.page.fill("#name", "Ann")
            tab.page.keyboard.press("Enter")
            tab.see("#status", "the room may be full, or its proxy set up wrong")
        server.stop()
        tab.see("#status", "The server cannot be reached.")
        tab.close()


def test_a_planned_restart_is_hardly_noticed(open_tab) -> None:
    """Nothing but a quiet word: no count of seconds, no button, no line in the conversation."""
    tab = open_tab()
    routes: list[WebSocketRoute] = []

    def answer(route: WebSocketRoute) -> None:
        """The second time, as a server that is not up yet."""
        routes.append(route)
        if len(routes) == 2:
            route.close(code=1006)
        else:
            route.connect_to_server()

    tab.page.route_web_socket("**/chat*", answer)
    tab.page.reload()
    tab.wait_for_state("connected")
    tab.say("before")
    tab.hear("before")
    tab.page.evaluate(
        """() => {
            window.words = new Set();
            const status = document.getElementById("status").parentElement;
            new MutationObserver(() => words.add(status.innerText.trim()))
                .observe(status, { subtree: true, childList: true, characterData: true });
        }"""
    )

    routes[0].close(code=1001, reason="server shutting down")
    tab.page.wait_for_selector("body:not([data-state=connected])")
    tab.wait_for_state("connected")
    tab.see("#status", "Connected")

    words = set(tab.page.evaluate("[...words]"))
    assert "The server is restarting." in words
    assert words <= {"The server is restarting.", "Connecting…", "Connected", ""}
    assert len(routes) == 3
    expect(tab.page.locator(".missed, .gap, .unread")).to_have_count(0)


def test_try_now_tries_now(open_wired, wire: Cable) -> None:
    """Also where the browser is wrong about the network, so that the page itself tries rarely."""
    tab = open_wired()
    tab.page.evaluate("Object.defineProperty(navigator, 'onLine', { value: false })")
    wire.cut()
    tab.page.wait_for_selector("body[data-state=waiting]")
    wire.mend()

    tab.page.click("#try-now")

    in_time = 10_000  # ms: half of what the page would wait
    tab.page.wait_for_selector("body[data-state=connected]", timeout=in_time)


def test_two_tabs_of_one_browser_are_one_person(open_tab, room: str, page_server: Running) -> None:
    one = open_tab()
    other = Tab(None, page_server, path=f"/rooms/{room}", within=one)

    other.say("from the other tab")
    one.hear("from the other tab")

    expect(one.page.locator("#people li")).to_have_count(1)
    expect(one.page.locator(".message.own")).to_have_count(1)
    wait_for(lambda: other.pending().count() == 0, "the message to settle")
