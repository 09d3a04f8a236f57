"""The page for somebody who reads: following, what is unread, the past, search, links."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from chatroom.history import make_history
from tests.support.browser import PHONE, Tab
from tests.support.deadline import wait_for
from tests.support.histories import past_message, remember
from tests.support.server_process import Running, serving

pytestmark = pytest.mark.takes(seconds=69)

LONG = 20_000
REPLAYED = 600  # messages, which are more than the page begins with or follows with


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with a long past: nobody but one test at a time is in its rooms."""
    folder = tmp_path_factory.mktemp("archive")
    remember(folder, long=LONG, trip=2_000, found=2_000, linked=2_000)
    talk_to_oneself(folder)
    with serving(folder, leaveGrace=0, replayLimit=REPLAYED) as running:
        yield running


def talk_to_oneself(folder: Path) -> None:
    """In the room "alone": twenty messages of one person, one each four minutes.

    They are as many as any page begins with, so that they come at once.
    """
    history = make_history("sqlite:chat.db", folder)
    history.open()
    try:
        said = [past_message("alone", seq) for seq in range(1, 21)]
        history.append(
            [one._replace(sent_at=1_700_000_000_000 + one.seq * 240_000) for one in said]
        )
    finally:
        history.close()


def seen_first(tab: Tab) -> str:
    """The message at the top of what is seen."""
    found: str = tab.page.locator("#scroller").evaluate(
        """scroller => [...scroller.querySelectorAll(".message .text")].find(
            text => text.getBoundingClientRect().top >= scroller.getBoundingClientRect().top
        ).innerText"""
    )
    return found


def place_of(tab: Tab, body: str) -> float:
    """How far from the top of the window a message stands."""
    found: float = tab.page.locator("#list").evaluate(
        """(list, body) => [...list.querySelectorAll(".message .text")].find(
            text => text.innerText === body).getBoundingClientRect().top""",
        body,
    )
    return found


# -- following --------------------------------------------------------------------------------


def test_the_page_follows_a_reader_at_the_end(open_tab, page_server, room) -> None:
    tab = open_tab(viewport={"width": 900, "height": 500})
    with page_server.join("Bob", room, max_queue=None) as bob:
        tab.hear_lines(bob)

    wait_for(lambda: tab.above_the_end() < 2, "the page at its end")
    expect(tab.page.locator("#newer")).to_be_hidden()


def test_who_has_come_down_to_the_end_can_go_up_from_there_a_little(
    open_tab, page_server, room
) -> None:
    """The end is where they have come to, not where it was when the page took them there."""
    tab = open_tab(viewport={"width": 900, "height": 500})
    with page_server.join("Bob", room, max_queue=None) as bob:
        tab.hear_lines(bob)
        tab.scroll_to("top")
        tab.hear_lines(bob, range(40, 80))
        tab.scroll_to("end")
        expect(tab.page.locator("#newer")).to_be_hidden()

        tab.page.evaluate("document.getElementById('scroller').scrollBy(0, -300)")
        wait_for(lambda: tab.above_the_end() > 250, "the reader above the end")
        top = seen_first(tab)
        bob.say("one more")

        tab.see("#newer", "1 new message")
        # The line above what was unread before is gone; the reader is kept in place in that frame.
        wait_for(lambda: seen_first(tab) == top, "the reader where they were")


def test_the_page_leaves_a_reader_above_the_end_in_peace(open_tab, page_server, room) -> None:
    tab = open_tab(viewport={"width": 900, "height": 500})
    with page_server.join("Bob", room, max_queue=None) as bob:
        tab.hear_lines(bob)
        tab.scroll_to("top")
        wait_for(lambda: seen_first(tab) == "line 0", "the first line")

        bob.say("something new")
        bob.say("something newer")
        tab.see("#newer", "2 new messages")
        assert seen_first(tab) == "line 0"
        assert tab.page.locator(".message:has(.unread) .text").inner_text() == "something new"

    tab.page.click("#newer")

    wait_for(lambda: tab.above_the_end() < 2, "the page at its end")
    expect(tab.page.locator("#newer")).to_be_hidden()


def test_a_visitor_who_returns_begins_at_the_first_unread_message(
    open_tab, page_server, room
) -> None:
    tab = open_tab(viewport={"width": 900, "height": 500})
    with page_server.join("Bob", room, max_queue=None) as bob:
        bob.say("read")
        tab.hear("read")
        tab.page.goto("about:blank")
        for at in range(40):
            bob.say(f"unread {at}")
        bob.hear(41)  # all of it is said

        tab.page.goto(tab.url)
        tab.hear("unread 39")

    tab.see("#newer", "40 new messages")
    assert tab.page.locator(".message:has(.unread) .text").inner_text() == "unread 0"
    assert seen_first(tab) == "unread 0"
    assert tab.page.title().startswith("(40) ")


def test_days_are_told_apart_and_called_by_their_names(open_tab, page_server, room) -> None:
    tab = open_tab()
    tab.say("said today")
    tab.hear("said today")
    assert tab.texts(".day") == ["Today"]

    tomorrow = datetime.datetime.now() + datetime.timedelta(days=1)
    tab.page.clock.install(time=tomorrow)
    tab.page.reload()
    tab.hear("said today")

    assert tab.texts(".day") == ["Yesterday"]


def test_at_midnight_today_becomes_yesterday(open_tab) -> None:
    tab = open_tab()
    tab.page.clock.install()
    tab.page.reload()
    tab.say("before midnight")
    tab.hear("before midnight")
    assert tab.texts(".day") == ["Today"]

    tab.page.clock.fast_forward("24:00:00")

    tab.see(".day", "Yesterday")


def test_lines_of_one_sender_share_a_heading(open_tab, bob) -> None:
    ann = open_tab("Ann")
    ann.say("one", "two")
    ann.hear("two")
    bob.say("three")
    ann.hear("three")

    groups = ann.page.locator(".message").evaluate_all(
        "found => found.map(item => item.classList.contains('follows'))"
    )
    assert groups == [False, True, False]


def test_times_are_local_and_exact_ones_are_there_on_hover(open_tab) -> None:
    tab = open_tab(timezone_id="Asia/Tokyo", locale="en-GB")
    tab.say("what time is it?")
    tab.hear("what time is it?")

    link = tab.page.locator(".message .when")
    hour = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=9)).hour
    assert link.inner_text().startswith(f"{hour:02}:")
    assert str(datetime.datetime.now().year) in (link.get_attribute("title") or "")


def test_a_mention_of_my_name_stands_out(open_tab) -> None:
    ann, bob = open_tab("Ann"), open_tab("Bob")
    bob.say("ann: look", "Anna is somebody else")
    ann.hear("Anna is somebody else")

    assert ann.texts(".mentioned mark") == ["ann"]
    expect(bob.page.locator(".mentioned")).to_have_count(0)


def test_a_name_with_a_hyphen_is_a_name_like_any_other(open_tab, bob) -> None:
    ann = open_tab("Jean-Luc")
    for body in ("one", "Jean-Luc: two", "three"):
        bob.say(body)
    ann.hear("three")

    assert ann.bodies() == ["one", "Jean-Luc: two", "three"]
    assert ann.texts(".mentioned mark") == ["Jean-Luc"]
    assert ann.complaints == []


def test_a_message_that_cannot_be_drawn_takes_no_other_with_it(open_tab, page_server, room) -> None:
    tab = open_tab()
    tab.page.evaluate(
        """() => {
            const { segment } = Intl.Segmenter.prototype;
            Intl.Segmenter.prototype.segment = function (text) {
                if (text === "✌") throw new Error("as if the page had a bug");
                return segment.call(this, text);
            };
        }"""
    )
    with page_server.join("Bob", room) as bob:
        for body in ("one", "✌", "three"):
            bob.say(body)
        tab.hear("three")

    assert tab.bodies() == ["one", "three"]
    assert "✌" in tab.texts("#list > .message")
    assert tab.complaints == ["as if the page had a bug"]


# -- what is unread ----------------------------------------------------------------------------


def test_who_left_the_page_open_overnight_comes_back_to_the_first_unread_message(
    open_tab, page_server, room
) -> None:
    tab = open_tab(viewport={"width": 900, "height": 500})
    tab.say("good night")
    tab.hear("good night")
    tab.hide()
    with page_server.join("Bob", room, max_queue=None) as bob:
        for at in range(700):
            bob.say(f"night {at}")
        bob.hear(701)
    wait_for(lambda: tab.page.title().startswith("(700) "), "700 unread messages")
    tab.hear("night 699")

    tab.hide(False)

    assert seen_first(tab) == "night 0"
    assert tab.page.locator(".message:has(.unread) .text").inner_text() == "night 0"
    tab.see("#newer", "700 new messages")


@pytest.mark.parametrize("count", [REPLAYED - 50, REPLAYED + 300])
def test_who_was_away_for_long_begins_at_the_first_of_all_unread_messages(
    open_tab, archive, count
) -> None:
    """Of those that come at once, the page holds some; of any more the archive knows."""
    read = 2000 - count
    tab = open_tab(server=archive, path="/rooms/linked")
    tab.hear("linked 2000")
    tab.page.goto("about:blank")
    tab.page.goto(tab.url.replace("linked", "found"))  # not there, while its mark is moved
    tab.page.evaluate(f"localStorage['chat:read:linked'] = '\"{read}-{read:016x}\"'")

    tab.page.goto(tab.url)

    tab.page.locator(".message:has(.unread)", has_text=f"linked {read + 1}").wait_for()
    wait_for(lambda: seen_first(tab) == f"linked {read + 1}", "the first unread message")
    tab.see("#newer", f"{count} new messages")
    assert tab.page.title().startswith(f"({count}) ")
    tab.page.click("#newer")
    assert tab.bodies()[-1] == "linked 2000"
    wait_for(lambda: not tab.page.title().startswith("("), "all of it read")


def test_what_one_tab_has_shown_is_not_unread_in_another(open_tab, page_server, room) -> None:
    tab = open_tab()
    tab.hide()
    with page_server.join("Bob", room) as bob:
        bob.say("for Ann")
        wait_for(lambda: tab.page.title().startswith("(1) "), "one unread message")

        other = open_tab(within=tab)
        other.hear("for Ann")

        wait_for(lambda: not tab.page.title().startswith("("), "nothing unread")


def test_the_link_to_the_box_is_no_link_to_a_message(open_tab, archive) -> None:
    """It stays in the address, and the page begins at what is unread all the same."""
    tab = open_tab(server=archive, path="/rooms/linked")
    tab.hear("linked 2000")
    tab.page.goto("about:blank")
    tab.page.goto(tab.url.replace("linked", "found"))  # not there, while its mark is moved
    tab.page.evaluate(f"localStorage['chat:read:linked'] = '\"1000-{1000:016x}\"'")

    tab.page.goto(f"{tab.url}#body")

    tab.page.locator(".message:has(.unread)", has_text="linked 1001").wait_for()
    wait_for(lambda: seen_first(tab) == "linked 1001", "the first unread message")


def withhold_what_one_alone_knows(route) -> None:
    server = route.connect_to_server()
    server.on_message(lambda text: "known to one" in text or route.send(text))


def test_two_pages_that_know_different_messages_leave_the_read_mark_in_peace(
    open_tab, page_server, room
) -> None:
    here = open_tab()
    there = open_tab(within=here)
    there.page.route_web_socket("**/chat*", withhold_what_one_alone_knows)
    there.page.reload()
    there.wait_for_state("connected")
    here.say("known to both")
    there.hear("known to both")
    for tab in (here, there):
        tab.page.evaluate(
            """() => {
                window.written = 0;
                addEventListener("storage", ({ key }) => key?.startsWith("chat:read") && written++);
            }"""
        )
    with page_server.join("Bob", room) as bob:
        bob.say("known to one")
        here.hear("known to one")
    wait_for(lambda: there.page.evaluate("written") > 0, "the mark, in the other page")

    for tab in (here, there):
        tab.page.evaluate("new Promise(done => setTimeout(done, 100))")
    assert here.page.evaluate("written") + there.page.evaluate("written") < 3


# -- the past ----------------------------------------------------------------------------------


def test_older_messages_load_as_one_scrolls_up_without_a_jump(open_tab, archive) -> None:
    tab = open_tab(server=archive, path="/rooms/trip")
    tab.hear("trip 2000")
    oldest = int(tab.bodies()[0].split()[1])
    held: list[Route] = []
    tab.page.route("**/messages?before=*", lambda route: held.append(route))

    # Both in one go: before the page has seen that it scrolled.
    place_before = """scroller => {
        scroller.scrollTop = 300;
        const top = scroller.getBoundingClientRect().top;
        const text = [...scroller.querySelectorAll(".message .text")].find(
            text => text.getBoundingClientRect().top >= top);
        return [text.innerText, text.getBoundingClientRect().top];
    }"""
    body, place = tab.page.locator("#scroller").evaluate(place_before)
    tab.see("#top-words", "Loading")
    assert abs(place_of(tab, body) - place) < 2
    held[0].continue_()
    wait_for(lambda: int(tab.bodies()[0].split()[1]) < oldest, "older messages")

    assert abs(place_of(tab, body) - place) < 2
    numbers = [int(body.split()[1]) for body in tab.bodies()]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_newer_messages_load_as_one_scrolls_down_without_a_jump(open_tab, archive) -> None:
    tab = open_tab(server=archive, path=f"/rooms/trip#{700}-{700:016x}")
    tab.page.locator(".message.shown", has_text="trip 700").wait_for()
    newest = int(tab.bodies()[-1].split()[1])

    def more() -> bool:
        nonlocal newest
        tab.scroll_to("end")
        body = seen_first(tab)
        place = place_of(tab, body)
        before, newest = (
            newest,
            wait_for(
                lambda: (last := int(tab.bodies()[-1].split()[1])) > newest and last,
                "newer messages",
            ),
        )
        assert abs(place_of(tab, body) - place) < 2
        return before > 1_200  # by then the top has been cut

    wait_for(more, "messages far down")
    numbers = [int(body.split()[1]) for body in tab.bodies()]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert numbers[0] > 700


def test_the_page_stays_small_all_the_way_up_a_long_room_and_back(open_tab, archive) -> None:
    tab = open_tab(server=archive, path="/rooms/long")
    tab.hear(f"long {LONG}")
    start = LONG - 1_500

    def higher() -> bool:
        tab.scroll_to("top")
        return int(tab.bodies()[0].split()[1]) < start

    wait_for(higher, "messages far up", 60)
    assert tab.page.locator("#list > li").count() <= 600

    tab.see("#newer", "Jump to newest")
    tab.page.click("#newer")

    assert tab.bodies()[-1] == f"long {LONG}"
    wait_for(lambda: tab.above_the_end() < 2, "the page at its end")
    assert tab.page.locator("#list > li").count() <= 600


def test_unfolding_the_last_message_leaves_the_reader_at_its_beginning(
    open_tab, page_server, room
) -> None:
    tab = open_tab(viewport={"width": 900, "height": 500})
    text = "\n".join(f"line {at}" for at in range(200))
    with page_server.join("Bob", room) as bob:
        bob.say("before")
        bob.say(text)
        tab.page.locator(".folded").wait_for()
        wait_for(lambda: tab.above_the_end() < 2, "the page at its end")
        last = tab.page.locator("#list > .message .text").last
        place = last.evaluate("text => text.getBoundingClientRect().top")

        tab.page.click("text=Show all")

        wait_for(lambda: tab.above_the_end() > 2_000, "the whole message")
        tab.page.evaluate("new Promise(requestAnimationFrame)")  # the page has seen that it grew
        assert abs(last.evaluate("text => text.getBoundingClientRect().top") - place) < 2
        assert tab.bodies()[-1] == text


def test_who_scrolls_down_again_comes_to_the_end_by_itself(open_tab, archive) -> None:
    tab = open_tab(server=archive, path="/rooms/trip")

    def higher() -> bool:
        tab.scroll_to("top")
        return int(tab.bodies()[0].split()[1]) < 1_100

    wait_for(higher, "messages far up", 60)
    with archive.join("Bob", "trip", max_queue=None) as bob:
        bob.say("said meanwhile")

        def lower() -> bool:
            tab.scroll_to("end")
            return tab.bodies()[-1] == "said meanwhile"

        wait_for(lower, "the newest message", 60)
        bob.say("and live again")
        tab.hear("and live again")
    numbers = [int(body.split()[1]) for body in tab.bodies() if body.startswith("trip")]
    assert numbers == list(range(numbers[0], 2_001))


def test_older_messages_that_do_not_come_are_asked_for_again(open_tab, archive) -> None:
    tab = open_tab(server=archive, path="/rooms/trip")
    tab.hear("trip 2000")
    tab.page.evaluate(  # ten times as fast
        """() => {
            const { timeout } = AbortSignal;
            AbortSignal.timeout = (ms) => timeout.call(AbortSignal, ms / 10);
        }"""
    )
    tab.page.route("**/messages?before=*", lambda _: None, times=1)
    tab.scroll_to("top")
    tab.see("#top-words", "Older messages could not be loaded.")

    tab.page.click("#top-words button")

    wait_for(lambda: len(tab.bodies()) > 60, "older messages")


def test_the_beginning_of_a_room_is_said(open_tab) -> None:
    tab = open_tab()
    tab.say("the first word")
    tab.hear("the first word")
    tab.page.reload()

    tab.see("#top-words", "The conversation begins here.")


# -- what stands still -------------------------------------------------------------------------


def test_what_is_on_top_stays_there_when_the_page_becomes_narrower(
    open_tab, page_server, room
) -> None:
    tab = open_tab(viewport={"width": 1280, "height": 600})
    with page_server.join("Bob", room, max_queue=None) as bob:
        for at in range(60):
            bob.say(f"{at}: " + "words that need more lines where there is less room " * 6)
        tab.page.locator(".message", has_text="59: ").wait_for()
    tab.page.locator(".message", has_text="30: ").evaluate("node => node.scrollIntoView()")
    wait_for(lambda: seen_first(tab).startswith("30: "), "message 30 on top")

    tab.page.click("#open-search")
    wait_for(lambda: tab.page.locator("#search").is_visible(), "the search")
    tab.page.evaluate("new Promise(requestAnimationFrame)")
    assert seen_first(tab).startswith("30: ")
    tab.page.click("#search-close")
    tab.page.set_viewport_size({"width": 640, "height": 600})
    tab.page.evaluate(
        "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )

    assert seen_first(tab).startswith("30: ")


def test_the_button_that_folds_a_message_stays_in_sight(open_tab, page_server, room) -> None:
    tab = open_tab()
    with page_server.join("Bob", room, max_queue=None) as bob:
        bob.say("\n".join(f"line {at}" for at in range(200)))
        for at in range(20):
            bob.say(f"after {at}")
        tab.hear("after 19")
    more = tab.page.locator(".more")
    more.click()
    tab.see(".more", "Show less")
    more.scroll_into_view_if_needed()
    place = more.bounding_box()

    more.click()

    tab.see(".more", "Show all")
    now = more.bounding_box()
    assert place and now
    assert abs(now["y"] - place["y"]) < 2


@pytest.mark.parametrize("how", ["the Tab key", "a search in the page"])
def test_what_is_wanted_of_a_folded_message_unfolds_it(open_tab, page_server, room, how) -> None:
    tab = open_tab()
    with page_server.join("Bob", room, max_queue=None) as bob:
        bob.say("\n".join(f"line {at}" for at in range(16)) + "\nhttps://example.org/x\n" * 5)
        tab.page.locator(".folded").wait_for()

    if how == "the Tab key":
        tab.page.focus(".message")
        tab.page.keyboard.press("Tab")
    else:
        tab.page.locator(".folded .text").evaluate("text => { text.scrollTop = 80 }")

    tab.see(".more", "Show less")
    text = tab.page.locator(".text")
    assert text.evaluate("text => text.scrollTop") == 0
    if how == "the Tab key":
        link = tab.page.locator(".text a").first
        assert link.evaluate("link => link === document.activeElement")
        seen, box = link.bounding_box(), tab.page.locator("#scroller").bounding_box()
        assert seen and box and box["y"] < seen["y"] < box["y"] + box["height"]


# -- long messages -----------------------------------------------------------------------------

LONGEST = 60_000
HARD = {
    "code": "`a` " * 15_000,
    "links": "http://a.b " * 5_450,
    "backticks": "`" * LONGEST,
    "marks": "a" + "\u0301" * 9_000,
    "lines": "\n" * 25_000 + "end",
    "one word": "W" * LONGEST,
    "joined emoji": "\U0001f468\u200d" * 3_000,
    "a block": "```\n" + "some code\n" * 5_900 + "```",
}


def test_a_long_message_costs_the_page_what_is_shown_of_it(open_tab, page_server, room) -> None:
    tab = open_tab()
    for number, (what, body) in enumerate(HARD.items(), 1):
        with page_server.join("Bob", room, max_queue=None) as bob:
            for _ in range(5):
                bob.say(body)
            wait_for(lambda at=5 * number: tab.page.locator(".message").count() == at, what)

        sizes = tab.page.locator(".text").evaluate_all(
            """texts => texts.slice(-5).map(
                (text) => [text.querySelectorAll("*").length, text.textContent.length])"""
        )
        assert all(nodes <= 100 and length <= 1_501 for nodes, length in sizes), what
        expect(tab.page.locator(".folded .more")).to_have_count(5 * number)
    assert tab.complaints == []


@pytest.mark.parametrize(
    ("what", "end"), [("links", "http://a.b"), ("one word", "W"), ("a block", "code")]
)
def test_all_of_a_long_message_is_shown_on_request(open_tab, page_server, room, what, end) -> None:
    tab = open_tab()
    with page_server.join("Bob", room, max_queue=None) as bob:
        bob.say(HARD[what])
        tab.page.locator(".folded").wait_for()

    tab.page.click(".more")

    text = tab.page.locator(".text")
    wait_for(
        lambda: text.evaluate("text => text.textContent.length") > LONGEST - 1_500, "all of it"
    )
    assert text.evaluate("text => text.textContent.trim()").endswith(end)
    tab.page.click(".more")
    wait_for(lambda: text.evaluate("text => text.textContent.length") < 1_600, "the beginning")


def test_a_name_further_down_in_a_long_message_calls_its_bearer(
    open_tab, page_server, room
) -> None:
    tab = open_tab()
    with page_server.join("Bob", room, max_queue=None) as bob:
        bob.say("word " * 1_000 + "Ann?")
        bob.say("word " * 1_000 + "Anna?")
        tab.page.locator(".folded >> nth=1").wait_for()

    called = tab.page.locator(".message").evaluate_all(
        "items => items.map(item => item.classList.contains('mentioned'))"
    )
    assert called == [True, False]


def test_what_is_left_for_later_is_there_when_the_server_is_not(
    open_tab, page_server, room
) -> None:
    tab = open_tab(fresh=True)
    loaded = "performance.getEntriesByType('resource').map(({ name }) => name.split('/').pop())"
    with page_server.join("Bob", room, max_queue=None) as bob:
        bob.say("\n".join(f"line {at}" for at in range(200)))
        tab.page.locator(".folded").wait_for()
    wait_for(
        lambda: {"folding.js", "search.js", "printing.js"} <= {*tab.page.evaluate(loaded)},
        "the parts",
    )
    tab.set_offline(True)

    tab.page.click(".more")
    tab.see(".more", "Show less")
    tab.page.press("#body", "Control+k")
    tab.page.keyboard.type("x")

    tab.see("#search-summary", "The search failed")


# -- headings and times ------------------------------------------------------------------------


def test_a_heading_comes_again_some_minutes_after_the_last_one(open_tab, archive) -> None:
    tab = open_tab(server=archive, path="/rooms/alone")
    tab.hear("alone 20")

    follows = tab.page.locator("#list > .message").evaluate_all(
        "items => items.map(item => item.classList.contains('follows'))"
    )
    assert follows == [False, True] * 10


def test_a_touch_shows_when_a_message_was_written(open_tab) -> None:
    tab = open_tab(viewport=PHONE, has_touch=True, is_mobile=True)
    for body in ("one", "two"):
        tab.page.fill("#body", body)
        tab.page.tap("#send")
        tab.hear(body)
    time = tab.page.locator(".message.follows .when")
    assert time.evaluate("node => node.clientWidth") <= 1

    tab.page.tap(".message.follows .text")

    wait_for(lambda: time.evaluate("node => node.clientWidth") > 30, "its time")


# -- links and search --------------------------------------------------------------------------


def test_a_link_leads_to_its_message_wherever_it_is(open_tab, archive) -> None:
    tab = open_tab(server=archive, path=f"/rooms/linked#{700}-{700:016x}")

    tab.page.locator(".message.shown", has_text="linked 700").wait_for()
    scroller = tab.page.locator("#scroller").bounding_box()
    assert scroller
    assert scroller["y"] < place_of(tab, "linked 700") < scroller["y"] + scroller["height"]
    assert tab.page.evaluate("document.activeElement.dataset.id").startswith("700-")


def test_the_time_of_a_message_links_to_it(open_tab) -> None:
    tab = open_tab()
    tab.say("remember this")
    tab.hear("remember this")

    href = tab.page.locator(".message .when").evaluate("link => link.href")
    other = open_tab("Bob")
    other.page.goto(href)

    other.page.locator(".message.shown", has_text="remember this").wait_for()


def test_a_page_that_has_left_a_link_behind_begins_at_what_is_unread(
    open_tab, page_server, room
) -> None:
    tab = open_tab(viewport={"width": 900, "height": 500})
    with page_server.join("Bob", room, max_queue=None) as bob:
        tab.hear_lines(bob)
        tab.page.locator(".message .when").first.focus()
        tab.page.keyboard.press("Enter")
        tab.page.locator(".message.shown", has_text="line 0").wait_for()
        assert "#" in tab.page.url

        tab.page.click("#newer")
        assert "#" not in tab.page.url
        tab.page.goto("about:blank")
        bob.say("unread")
        bob.hear_until("unread")  # else it may be said while they are back
        tab.page.go_back()
        tab.hear("unread")

    assert tab.page.locator(".message:has(.unread) .text").inner_text() == "unread"
    wait_for(lambda: tab.above_the_end() < 2, "the page at its end")


def test_a_link_to_what_is_gone_says_so(open_tab) -> None:
    tab = open_tab()
    tab.say("something")
    tab.hear("something")

    tab.page.evaluate("location.hash = '99-0123456789abcdef'")

    tab.see("#notice", "This message no longer exists.")


def test_search_finds_and_a_result_leads_into_the_conversation(open_tab, archive) -> None:
    tab = open_tab(server=archive, path="/rooms/found")
    tab.page.keyboard.press("Control+k")
    tab.page.locator("#search-for").press_sequentially("found 123")
    tab.see("#search-summary", "11 messages found.")  # 123, 1230 to 1239

    assert "found 123" in tab.texts(".result-body")
    assert set(tab.texts(".result mark")) >= {"found", "123"}
    tab.page.locator(".result", has_text="1234").click()
    tab.page.locator(".message.shown", has_text="found 1234").wait_for()
    expect(tab.page.locator("#search")).to_be_visible()

    tab.page.locator("#search-for").press("Escape")
    expect(tab.page.locator("#search")).to_be_hidden()
    assert tab.page.evaluate("document.activeElement.id") == "body"


def test_the_same_result_leads_to_its_message_again(open_tab, archive) -> None:
    tab = open_tab(server=archive, path="/rooms/found")
    tab.page.click("#open-search")
    tab.page.fill("#search-for", "found 1234")
    shown = tab.page.locator(".message.shown", has_text="found 1234")
    tab.page.locator(".result", has_text="1234").click()
    shown.wait_for()
    tab.scroll_to("top")
    shown.wait_for(state="hidden")

    tab.page.locator(".result", has_text="1234").click()

    shown.wait_for()
    scroller = tab.page.locator("#scroller").bounding_box()
    assert scroller
    assert scroller["y"] < place_of(tab, "found 1234") < scroller["y"] + scroller["height"]


def test_on_a_phone_the_search_gives_way_to_what_it_led_to(open_tab) -> None:
    tab = open_tab(viewport=PHONE)
    tab.say("a needle")
    tab.hear("a needle")
    tab.page.click("#open-search")
    tab.page.fill("#search-for", "needle")
    tab.page.click(".result")

    tab.page.locator(".message.shown", has_text="a needle").wait_for()
    expect(tab.page.locator("#search")).to_be_hidden()
    tab.page.click("#open-search")
    assert tab.page.input_value("#search-for") == "needle"
    assert tab.texts(".result-body") == ["a needle"]


@pytest.mark.parametrize(
    "body, sought, marked",
    [
        ("明天的会议改到下午三点, 会议室", "会议", ["会议", "会议"]),
        ("今日は会議です", "会議", ["会議"]),
        ("회의는 하이입니다", "회의", ["회의"]),
        ("ประชุมพรุ่งนี้", "พรุ่งนี้", ["พรุ่งนี้"]),
        ("Die Übung übt", "ubung", ["Übung"]),
        ("unused use", "use", ["use"]),
    ],
)
def test_what_was_sought_is_marked_also_where_no_spaces_part_the_words(
    open_tab, body: str, sought: str, marked: list[str]
) -> None:
    tab = open_tab()
    tab.say(body)
    tab.hear(body)
    tab.page.click("#open-search")
    tab.page.fill("#search-for", sought)

    tab.see("#search-summary", "One message found.")
    assert tab.texts(".result mark") == marked


def test_a_result_is_in_reach_above_the_keyboard_of_a_phone_on_its_side(open_tab) -> None:
    tab = open_tab(viewport={"width": 568, "height": 180}, has_touch=True, is_mobile=True)
    for body in ("a needle", "another needle"):
        tab.page.fill("#body", body)
        tab.page.tap("#send")
        tab.hear(body)
    tab.page.tap("#open-search")
    tab.page.fill("#search-for", "needle")
    tab.see(".result-body", "a needle")

    tab.page.locator(".result", has_text="a needle").tap()

    tab.page.locator(".message.shown", has_text="a needle").wait_for()
    expect(tab.page.locator("#body")).to_be_visible()


def test_what_is_typed_while_the_search_is_on_its_way_is_searched_for(open_tab) -> None:
    tab = open_tab()
    tab.say("a needle")
    tab.hear("a needle")
    held: list[Route] = []
    tab.page.route("**/search.js", lambda route: held.append(route))
    tab.page.reload()
    tab.wait_for_state("connected")
    tab.page.keyboard.press("Control+k")
    tab.page.keyboard.type("needle")
    wait_for(lambda: tab.page.title() and held, "the request for the module")

    held[0].continue_()

    tab.see("#search-summary", "One message found.")
    assert tab.page.input_value("#body") == ""


def test_a_search_that_has_to_wait_for_its_index_goes_on_by_itself(open_tab) -> None:
    tab = open_tab()
    tab.say("a needle")
    tab.hear("a needle")
    busy = {"type": "about:blank", "status": 503, "detail": "still being indexed"}
    tab.page.route("**/messages?q=*", lambda route: route.fulfill(status=503, json=busy), times=2)

    tab.page.keyboard.press("Control+k")
    tab.page.keyboard.type("needle")

    tab.see("#search-summary", "One message found.")


def test_a_part_that_cannot_be_loaded_says_so_and_leaves_the_box_in_use(open_tab) -> None:
    tab = open_tab(fresh=True)
    tab.page.clock.install()  # at which a part is loaded that nobody has wanted yet
    tab.page.reload()
    tab.wait_for_state("connected")
    tab.set_offline(True)
    for key in ("k", "/"):
        tab.page.keyboard.press(f"Control+{key}")
        tab.see("#notice", "The server cannot be reached.")
        tab.page.keyboard.type("x")
    assert tab.page.input_value("#body") == "xx"
    expect(tab.page.locator("#search")).to_be_hidden()

    tab.set_offline(False)
    tab.page.keyboard.press("Control+/")
    tab.page.locator("#help-dialog[open]").wait_for()


def test_older_results_come_on_request(open_tab, archive) -> None:
    tab = open_tab(server=archive, path="/rooms/found")
    tab.page.click("#open-search")
    tab.page.fill("#search-for", "found")
    tab.see("#search-summary", "The newest 50 messages found.")

    tab.page.click("#search-more")

    wait_for(lambda: len(tab.texts(".result-body")) == 100, "older results")
    assert tab.texts(".result-body")[-1] == "found 1901"


def test_a_search_that_fails_says_why(open_tab) -> None:
    tab = open_tab()
    trouble = {"type": "about:blank", "status": 500, "detail": "The disk is full."}
    tab.page.route("**/messages?q=*", lambda route: route.fulfill(status=500, json=trouble))
    tab.page.click("#open-search")
    tab.page.fill("#search-for", "needle")

    tab.see("#search-summary", "The search failed: The disk is full.")


def test_search_says_that_there_is_nothing(open_tab) -> None:
    tab = open_tab()
    tab.page.click("#open-search")
    tab.page.fill("#search-for", "xyzzy")

    tab.see("#search-summary", "Nothing found.")


def test_a_phone_goes_back_from_the_search_into_the_room(open_tab) -> None:
    tab = open_tab(viewport=PHONE, has_touch=True, is_mobile=True)
    tab.page.fill("#body", "a needle")
    tab.page.tap("#send")
    tab.hear("a needle")
    tab.page.evaluate("document.activeElement.blur()")
    tab.page.tap("#open-search")
    tab.page.fill("#search-for", "needle")
    tab.page.locator(".result").wait_for()

    tab.page.go_back()

    tab.page.locator("#search").wait_for(state="hidden")
    assert tab.page.url == tab.url
    assert tab.page.get_attribute("body", "data-state") == "connected"
    tab.page.tap("#open-search")
    tab.page.tap(".result")
    tab.page.locator(".message.shown").wait_for()
    tab.page.go_back()  # to the results
    tab.page.locator("#search").wait_for()
    tab.page.tap("#search-close")
    tab.page.locator("#search").wait_for(state="hidden")
    assert tab.page.evaluate("document.activeElement.id") != "body"  # which opens a keyboard
    assert tab.page.evaluate("history.state") is None


def test_no_more_can_be_typed_than_the_server_searches_for(open_tab) -> None:
    tab = open_tab()
    tab.page.keyboard.press("Control+k")
    tab.page.keyboard.insert_text("x" * 250)

    tab.see("#search-summary", "Nothing found.")
    assert len(tab.page.input_value("#search-for")) == 200


def test_a_result_shows_its_match_however_far_down_it_is(open_tab, page_server, room) -> None:
    tab = open_tab()
    with page_server.join("Bob", room, max_queue=None) as bob:
        bob.say("Élan vital " * 2_500 + "a needle" + " in hay" * 2_000)
        tab.page.locator(".folded").wait_for()

    tab.page.keyboard.press("Control+k")
    tab.page.keyboard.type("needle")

    tab.see(".result mark", "needle")
    assert len(tab.texts(".result-body")[0]) < 250
    year = str(datetime.datetime.now().year)
    assert year not in tab.texts(".result time")[0]
