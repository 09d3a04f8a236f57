"""The page for hosts, and for those they rule, where something goes wrong: clicks come twice, lines
break between an act and its answer, parts cannot be loaded, clocks are wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.support.browser import Tab
from tests.support.deadline import wait_for
from tests.support.fellow import Fellow

pytestmark = pytest.mark.takes(seconds=130)

ROOM_MAKERS = "everyone"
"""Of the ``page_server``: see conftest.py."""

PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 640},
    "has_touch": True,
    "is_mobile": True,
}

DOOR = "#at-the-door"


@pytest.fixture
def host(eve: Fellow, open_tab: Callable[..., Tab]) -> Tab:
    """A host whom Eve has made one: a page."""
    return become_host(open_tab("Ann"), eve)


def become_host(tab: Tab, eve: Fellow) -> Tab:
    made = eve.wants("makeLink")["link"]
    tab.page.evaluate("made => { location.hash = `host=${made}` }", made)
    tab.page.wait_for_selector("#manage-room")
    return tab


def open_sheet(tab: Tab) -> None:
    tab.page.click("#manage-room")
    tab.page.locator("#room-dialog ol li").first.wait_for(state="attached")  # there is an answer


def newcomer(open_tab: Callable[..., Tab], name: str, path: str, **options: Any) -> Tab:
    """Somebody who may not get any further than the door."""
    tab = open_tab(None, path=path, **options)
    tab.page.fill("#name", name)
    tab.page.click("#name-submit")
    return tab


def holds(eve: Fellow, host: Tab, *fellows: Fellow) -> None:
    """Have a message of each wait for a host, who looks at them."""
    eve.wants("rules", speak="approval")
    for number, fellow in enumerate(fellows):
        fellow.hear_notice("rules")
        fellow.say(f"line {number}", f"c{number}")
        fellow.hear_notice("held")
    rows = host.page.locator("#waiting-dialog li")
    host.page.click("#waiting button")
    wait_for(lambda: rows.count() == len(fellows), "what waits")


def rest(tab: Tab) -> None:
    """Until what is on the page has stood where it is for long enough to be clicked on purpose."""
    now = "performance.now()"
    since = tab.page.evaluate(now)
    wait_for(lambda: tab.page.evaluate(now) > since + 600, "a moment")


def once_more(tab: Tab) -> None:
    """The second click of two at once, wherever the mouse is."""
    tab.page.mouse.down(click_count=2)
    tab.page.mouse.up(click_count=2)


@contextmanager
def stopped_clock(tab: Tab) -> Iterator[None]:
    """Within the block, no time passes for the page: however slow the machine is, it is at once."""
    tab.page.evaluate("{ const now = performance.now(); performance.now = () => now; }")
    yield
    tab.page.evaluate("delete performance.now")


def has_focus(locator: Locator) -> bool:
    found: bool = locator.evaluate("node => node === document.activeElement")
    return found


def relay(tab: Tab, *, told: Callable[[Any, dict[str, Any]], bool] = lambda *_: True) -> list[Any]:
    """Have all that the page and the server tell each other pass here from now on.

    Args:
        told: is asked about each frame of the server, with the way to the page; false: not told.

    Returns:
        what the page has sent.
    """
    sent: list[Any] = []

    def pass_on(route: Any) -> None:
        server = route.connect_to_server()

        def to_page(text: str) -> None:
            frame = json.loads(text)
            if told(route, frame):
                route.send(json.dumps(frame))

        def to_server(text: str) -> None:
            sent.append(json.loads(text))
            server.send(text)

        route.on_message(to_server)
        server.on_message(to_page)

    tab.page.route_web_socket("**/chat*", pass_on)
    return sent


def drop(tab: Tab) -> None:
    """Cut the line; the page comes back by itself."""
    tab.page.evaluate("dispatchEvent(new Event('offline'))")


# -- clicks and keys that come twice -------------------------------------------------------------


@pytest.mark.parametrize("means", ["double click", "A held down", "Enter held down"])
def test_what_comes_twice_decides_about_one_message(
    eve: Fellow, host: Tab, come: Callable[..., Fellow], means: str
) -> None:
    holds(eve, host, *[come(name) for name in ("Bob", "Cleo", "Dan")])
    first = host.page.locator("#waiting-dialog li button").first
    rest(host)

    if means == "double click":
        first.hover()
        with stopped_clock(host):
            host.page.mouse.down()
            host.page.mouse.up()
            host.hear("line 0")
            once_more(host)
    else:
        first.focus()
        for _ in range(3):
            host.page.keyboard.down(means.split()[0].replace("A", "a"))
    host.hear("line 0")

    assert len(eve.act("look")["held"]) == 2
    expect(host.page.locator("#waiting-dialog li")).to_have_count(2)
    assert has_focus(host.page.locator("#waiting-dialog li button").first)
    rest(host)
    host.page.locator("#waiting-dialog li button").first.click()
    host.hear("line 1")


def test_a_press_is_not_lost_to_what_comes_meanwhile(
    eve: Fellow, host: Tab, come: Callable[..., Fellow]
) -> None:
    bob, cleo = come("Bob"), come("Cleo")
    holds(eve, host, bob)
    rest(host)
    host.page.locator("#waiting-dialog li button").first.hover()

    host.page.mouse.down()
    cleo.say("another", "c9")
    wait_for(lambda: host.page.locator("#waiting-dialog li").count() == 2, "another")
    host.page.mouse.up()

    host.hear("line 0")


def test_two_clicks_at_once_do_not_do_what_asks_twice(
    host: Tab, open_tab: Callable[..., Tab], room: str
) -> None:
    guest = open_tab("Gil")
    open_sheet(host)

    out = host.page.locator("button:text-is('Everybody out…')")
    out.dblclick()
    host.see("#room-dialog .danger", "Really? All but hosts must leave")
    host.page.keyboard.down("Enter")
    host.page.keyboard.down("Enter")
    host.page.keyboard.up("Enter")
    expect(host.page.locator(".danger")).to_have_count(1)
    expect(guest.page.locator(DOOR)).to_have_count(0)

    host.page.locator(".danger").click(delay=600)
    guest.see(DOOR, "A host has asked everybody to leave")
    host.see("#room-dialog .did", "All but hosts had to leave.")


def test_the_second_of_two_clicks_does_not_remove_what_moves_there(
    eve: Fellow, host: Tab, come: Callable[..., Fellow]
) -> None:
    bob = come("Bob")
    for body in ("one", "two", "three"):
        bob.tell(body)
    host.hear("three")
    for body in ("one", "two"):  # the second one's line stands where the first one's did
        host.page.locator(".message", has_text=body).locator(".text").hover()
        bin = host.page.locator(f".message:has-text('{body}') [aria-label=Remove]")
        bin.hover()
        if body == "one":
            eve.change(
                "remove", host.page.locator("#list > .message").first.get_attribute("data-id") or ""
            )
            wait_for(lambda: "one" not in host.bodies(), "one gone")

    once_more(host)
    bob.tell("four")

    host.hear("four")
    assert host.bodies() == ["two", "three", "four"]


def test_two_clicks_at_once_make_one_link(eve: Fellow, host: Tab) -> None:
    open_sheet(host)

    host.page.locator("button:text-is('Link for another host')").dblclick()

    host.page.wait_for_selector(".made .address:visible")
    assert len(eve.act("look")["links"]) == 1


def test_enter_that_is_held_down_at_the_door_is_one_try(
    eve: Fellow, open_tab: Callable[..., Tab], room: str
) -> None:
    """Else the whole class behind the same address has to wait."""
    eve.wants("rules", door="code")
    stranger = newcomer(open_tab, "Sam", f"/rooms/{room}")
    stranger.page.fill(f"{DOOR} input", "not it")

    for _ in range(8):
        stranger.page.keyboard.down("Enter")
        stranger.see(f"{DOOR} .why", "That is not the code.")
    stranger.page.keyboard.up("Enter")

    assert "Too many" not in "".join(stranger.texts(f"{DOOR} .why"))


# -- by the keyboard, with a screen reader -------------------------------------------------------


def test_each_button_says_of_whom_and_of_what(
    eve: Fellow, host: Tab, come: Callable[..., Fellow]
) -> None:
    bob = come("Bob")
    holds(eve, host, bob)
    approve = host.page.locator("#waiting-dialog li button").first
    expect(approve).to_have_accessible_description(re.compile("Bob ?line 0"))
    host.page.keyboard.press("Escape")

    eve.wants("quiet", userId=bob.user_id, seconds=600)
    host.page.click("#manage-room")
    undo = host.page.locator("#room-dialog li:has-text('Quiet until') button")
    expect(undo).to_have_accessible_description(re.compile("Bob.*Quiet until"))
    host.page.keyboard.press("Escape")

    host.page.click("#people [aria-label^='Bob:']")
    group = host.page.get_by_role("group", name="Remove")
    expect(group.get_by_role("button", name="1 hour")).to_have_count(1)


def test_the_focus_stays_where_a_host_has_acted(
    eve: Fellow, host: Tab, come: Callable[..., Fellow]
) -> None:
    bob, cleo = come("Bob"), come("Cleo")
    open_bob = host.page.locator("#people [aria-label^='Bob:']")
    open_bob.focus()
    host.page.keyboard.press("Enter")
    host.page.locator("#person-dialog button:text-is('Make host')").focus()
    host.page.keyboard.press("Enter")
    wait_for(lambda: len(host.texts("#people .host-mark")) == 3, "another host")
    wait_for(lambda: has_focus(open_bob), "the focus on Bob")

    eve.wants("unmakeHost", userId=bob.user_id)
    wait_for(lambda: len(host.texts("#people .host-mark")) == 2, "one host less")
    wait_for(lambda: has_focus(open_bob), "the focus on Bob, still")

    host.page.keyboard.press("Enter")
    removal = host.page.get_by_role("group", name="Remove")
    removal.get_by_role("button", name="1 hour").focus()
    host.page.keyboard.press("Enter")
    wait_for(lambda: host.texts("#people .name") == ["Ann", "Cleo", "Eve"], "Bob gone")
    focused = "document.activeElement.closest('#people') !== null"
    wait_for(lambda: host.page.evaluate(focused), "the focus among the people")
    assert cleo.user_id


def test_people_who_come_and_go_leave_the_others_alone(
    host: Tab, come: Callable[..., Fellow]
) -> None:
    """A press is not lost, and nothing that has the focus is read out again."""
    come("Cleo")
    cleo = host.page.locator("#people [aria-label^='Cleo:']")
    cleo.focus()
    host.page.evaluate(
        "window.was = document.activeElement; was.onblur = () => (was.lost = true); 0"
    )

    come("Bob")
    wait_for(lambda: "Bob" in host.texts("#people .name"), "Bob")

    assert host.page.evaluate("document.activeElement === was && !was.lost")


def test_whoever_is_about_to_choose_keeps_the_focus(
    eve: Fellow, host: Tab, come: Callable[..., Fellow]
) -> None:
    bob = come("Bob")
    host.page.click("#people [aria-label^='Bob:']")
    ten = host.page.locator("#person-dialog button:text-is('10 minutes')")
    ten.focus()
    eve.wants("rules", speak="slow", slowSeconds=60)
    host.see("#rule", "one message every minute.")
    assert has_focus(ten)

    eve.wants("bar", userId=bob.user_id, seconds=600)  # now the dialog says something else
    host.see("#person-dialog", "Removed until")
    assert has_focus(ten)


def test_what_waits_is_told_once_however_often_the_line_breaks(
    eve: Fellow, host: Tab, come: Callable[..., Fellow]
) -> None:
    holds(eve, host, come("Bob"), come("Cleo"))
    host.page.keyboard.press("Escape")
    host.see("#waiting", "2 messages wait for you.")
    host.page.evaluate(
        """() => {
            window.told = [];
            const note = () => told.push(document.querySelector("#waiting span").textContent);
            const options = { childList: true, characterData: true, subtree: true };
            new MutationObserver(note).observe(document.querySelector("#waiting span"), options);
        }"""
    )

    drop(host)
    host.page.wait_for_selector("body:not([data-state=connected])")
    host.wait_for_state("connected")
    come("Dan").say("a third", "c9")
    host.see("#waiting", "3 messages wait for you.")

    assert host.page.evaluate("told") == ["3 messages wait for you."]


# -- what a host has done says so ----------------------------------------------------------------


def test_all_messages_are_removed_counted_and_brought_back(
    eve: Fellow, host: Tab, come: Callable[..., Fellow]
) -> None:
    bob = come("Bob")
    for body in ("one", "two"):
        bob.tell(body)
    host.hear("two")
    open_sheet(host)
    host.page.click("button:text-is('Remove all messages…')")
    host.page.locator(".danger").click(delay=600)
    host.see("#room-dialog .did", "2 messages were removed.")
    wait_for(lambda: host.bodies() == [], "an empty room")

    host.page.click("#room-dialog .did button")
    wait_for(lambda: host.bodies() == ["one", "two"], "both, in order")

    host.page.click("button:text-is('Erase what was removed…')")
    host.page.locator(".danger").click(delay=600)
    host.see("#room-dialog .did", "There was nothing to erase.")


def test_somebody_is_removed_with_what_they_wrote_and_all_of_it_comes_back(
    eve: Fellow, host: Tab, come: Callable[..., Fellow]
) -> None:
    bob = come("Bob")
    for body in ("one", "two"):
        bob.tell(body)
    host.hear("two")
    host.page.click("#people [aria-label^='Bob:']")
    host.page.select_option("#person-dialog select", "all")
    host.page.get_by_role("group", name="Remove").get_by_role("button", name="1 hour").click()

    host.see("#done", "2 messages were removed, too.")
    wait_for(lambda: host.bodies() == [], "an empty room")
    open_sheet(host)
    host.page.click("#room-dialog summary")
    host.see("#room-dialog ol", "1 hour, with 2 messages")
    host.page.keyboard.press("Escape")

    host.page.click("#done button")
    wait_for(lambda: host.bodies() == ["one", "two"], "both, in order")
    host.see("#done", "can come back.")
    assert eve.act("look")["barred"] == []


def test_the_log_says_in_ones_language_what_was_done(
    eve: Fellow, open_tab: Callable[..., Tab], come: Callable[..., Fellow]
) -> None:
    tab = become_host(open_tab("Ann", locale="de"), eve)
    bob = come("Bob")
    bob.tell("one")
    eve.wants("bar", userId=bob.user_id, seconds=3600, what="all")
    eve.wants("admit")
    eve.wants("makeLink", makes="guest")
    eve.wants("rules", speak="approval", door="code", listed=False, unchecked="no")
    tab.page.click("#manage-room")
    tab.page.click("#room-dialog summary")

    tab.see("#room-dialog ol", "Es gibt einen neuen Code")
    shown = "".join(tab.texts("#room-dialog ol")).replace("\u2068", "").replace("\u2069", "")
    for said in (
        "Eve hat Bob entfernt: 1 Stunde, mit einer Nachricht",
        "Eve hat einen Link für einen Gast gemacht",
        "Eve hat die Regeln geändert: Was andere schreiben, gibt die Leitung frei.",
        "Herein kann, wer den Code hat.",
        "Steht nicht in der Liste der Räume.",
        "können nur lesen",
    ):
        assert said in shown
    for word in ("approval", "code,", "listed", "Bis auf Weiteres", "message"):
        assert word not in shown


def test_keys_of_scripts_are_listed_and_revoked(eve: Fellow, host: Tab) -> None:
    eve.wants("makeKey", name="Mirror", say=False)
    open_sheet(host)
    host.see("#room-dialog", "Keys of scripts")
    assert "Mirror can only read" in " ".join("".join(host.texts("#room-dialog")).split())

    host.page.click("#room-dialog li:has-text('Mirror') button")

    wait_for(lambda: not host.page.locator("text=Keys of scripts").is_visible(), "no key left")
    assert eve.act("look")["keys"] == []


def test_a_secret_is_not_shown_when_the_sheet_is_opened_again(host: Tab) -> None:
    open_sheet(host)
    host.page.click("button:text-is('Link for another host')")
    address = host.page.locator("#room-dialog .address a")
    wait_for(lambda: "#host=" in address.inner_text(), "the link")
    host.page.keyboard.press("Escape")

    open_sheet(host)

    expect(address).to_be_hidden()
    assert address.text_content() == ""


def test_on_a_phone_a_refusal_is_in_sight_however_far_one_has_scrolled(
    eve: Fellow, open_tab: Callable[..., Tab]
) -> None:
    tab = become_host(open_tab("Ann", **PHONE), eve)
    open_sheet(tab)
    tab.set_offline(True)
    tab.wait_for_state("waiting")
    erase = tab.page.locator("button:text-is('Erase what was removed…')")
    erase.scroll_into_view_if_needed()
    erase.tap()

    tab.page.locator(".danger").click(delay=600)

    tab.see("#room-dialog .why", "Not connected")
    box = tab.page.locator("#room-dialog .why").bounding_box()
    assert box and box["y"] >= 0 and box["y"] + box["height"] <= 640
    tab.set_offline(False)


# -- between an act and its answer ---------------------------------------------------------------


def test_messages_said_after_all_were_removed_stay_though_the_answer_was_lost(
    eve: Fellow, open_tab: Callable[..., Tab], come: Callable[..., Fellow]
) -> None:
    bob = come("Bob")
    bob.tell("before")
    tab = open_tab("Ann")
    lost: list[str] = []

    def told(route: Any, frame: dict[str, Any]) -> bool:
        asked = [one["cmid"] for one in sent if one.get("act") == "clear"]
        if frame.get("type") != "done" or frame["cmid"] not in asked or lost:
            return True
        bob.tell("afterwards")
        lost.append(frame["cmid"])
        route.close()
        return False

    sent = relay(tab, told=told)
    tab.page.reload()
    tab.hear("before")
    become_host(tab, eve)
    open_sheet(tab)
    tab.page.click("button:text-is('Remove all messages…')")
    tab.page.locator(".danger").click(delay=600)

    wait_for(lambda: tab.page.title() and lost, "the answer, lost")
    again = lambda: [one for one in sent if one.get("act") == "clear"][1:]  # noqa: E731
    wait_for(lambda: tab.page.title() and again(), "the same, asked for again")
    tab.see("#room-dialog .did", "One message was removed.")
    wait_for(lambda: tab.bodies() == ["afterwards"], "what was said afterwards")


def test_whoever_approves_what_another_host_has_decided_reads_so(
    eve: Fellow, open_tab: Callable[..., Tab], come: Callable[..., Fellow]
) -> None:
    bob, tab = come("Bob"), open_tab("Ann")
    relay(tab, told=lambda _, frame: frame.get("type") != "settled")
    tab.page.reload()
    become_host(tab, eve)
    holds(eve, tab, bob)
    (waiting,) = eve.act("look")["held"]
    eve.wants("approve", id=waiting["id"])

    tab.page.keyboard.press("x")

    tab.see("#waiting-dialog .why", "That does not wait any more")
    expect(tab.page.locator("#waiting-dialog li")).to_have_count(0)
    expect(tab.page.locator("#waiting span")).to_have_text("")


def test_what_was_approved_long_ago_does_not_read_as_refused(
    eve: Fellow, open_tab: Callable[..., Tab]
) -> None:
    eve.wants("rules", speak="approval")
    for number in range(3):
        eve.tell(f"before {number}")
    tab = open_tab("Ann")
    tab.say("May I?")
    tab.see(".pending[data-state=held]", "Waits for a host")
    address = tab.page.url
    tab.page.goto("about:blank")
    (waiting,) = eve.act("look")["held"]
    eve.wants("approve", id=waiting["id"])
    for number in range(510):  # more than a page is told of at once
        eve.say(f"after {number}", f"a{number}")
    eve.hear_until_acked()

    tab.page.goto(address)
    tab.hear("after 509")

    wait_for(lambda: tab.pending().count() == 0, "nothing that waits")


# -- roles that come and go ----------------------------------------------------------------------


def test_whoever_is_no_host_any_more_sees_nothing_of_what_waits(
    eve: Fellow, host: Tab, come: Callable[..., Fellow]
) -> None:
    holds(eve, host, come("Bob"))
    (ann,) = [one for one in eve.act("look")["hosts"] if one["userName"] == "Ann"]

    eve.wants("unmakeHost", userId=ann["userId"])

    host.page.wait_for_selector("dialog[open]", state="detached")
    expect(host.page.locator("#waiting span")).to_have_text("")
    expect(host.page.locator("#waiting button")).to_be_hidden()
    assert "line 0" not in host.page.content()
    assert has_focus(host.page.locator("#body"))


def test_a_sheet_that_is_open_says_that_one_is_no_host_any_more(eve: Fellow, host: Tab) -> None:
    open_sheet(host)
    (ann,) = [one for one in eve.act("look")["hosts"] if one["userName"] == "Ann"]

    eve.wants("unmakeHost", userId=ann["userId"])

    host.see("#room-dialog .why", "You are no longer host here")
    wait_for(lambda: not host.page.is_visible("#speak-slow"), "no choice any more")


def test_whoever_becomes_a_host_can_approve_what_they_have_written(
    eve: Fellow, open_tab: Callable[..., Tab]
) -> None:
    eve.wants("rules", speak="approval")
    tab = open_tab("Ann")
    tab.say("May I?")
    tab.see(".pending[data-state=held]", "Waits for a host")

    become_host(tab, eve)
    tab.page.click("#waiting button")
    tab.page.keyboard.press("a")

    tab.hear("May I?")
    wait_for(lambda: tab.pending().count() == 0, "nothing that waits")


def test_only_operators_are_offered_to_undo_what_an_operator_has_done(
    eve: Fellow, open_tab: Callable[..., Tab]
) -> None:
    tab = open_tab("Ann")

    def told(_: Any, frame: dict[str, Any]) -> bool:
        if frame.get("type") == "done" and "barred" in frame:
            frame["barred"].append({"userId": "u9", "userName": "Mallory", "everywhere": True})
        return True

    relay(tab, told=told)
    tab.page.reload()
    become_host(tab, eve)
    open_sheet(tab)

    tab.see("#room-dialog", "Removed for good, in all rooms, by the operator")
    expect(tab.page.locator("#room-dialog li:has-text('Mallory') button")).to_have_count(0)


def test_an_edit_where_a_host_approves_says_why_it_is_not_to_be(
    eve: Fellow, open_tab: Callable[..., Tab]
) -> None:
    tab = open_tab("Ann")
    tab.say("one")
    tab.hear("one")
    eve.wants("rules", speak="approval")
    tab.see("#rule", "A host approves what you write")
    tab.page.press("#body", "ArrowUp")
    tab.page.wait_for_selector("#editing")
    tab.page.fill("#body", "two")
    tab.page.press("#body", "Enter")

    tab.see("#notice", "The rules of this room do not let you edit now")
    assert tab.page.input_value("#body") == "two"


# -- at the door ---------------------------------------------------------------------------------


def test_a_code_of_ones_own_works_in_an_address(
    eve: Fellow, open_tab: Callable[..., Tab], room: str
) -> None:
    eve.tell("Welcome")
    eve.wants("rules", door="code", code="Käse 12")

    guest = newcomer(open_tab, "Gil", f"/rooms/{room}#key=K%C3%A4se%2012")

    guest.hear("Welcome")


def test_where_too_many_wait_already_one_more_reads_so(
    open_tab: Callable[..., Tab], room: str
) -> None:
    tab = open_tab(None, path=f"/rooms/{room}")

    def pass_on(route: Any) -> None:
        error = {"type": "error", "code": "too-many", "detail": "Later.", "retryAfter": 20}
        route.on_message(lambda _: route.send(json.dumps(error)))

    tab.page.route_web_socket("**/chat*", pass_on)
    tab.page.fill("#name", "Bobby")
    tab.page.click("#name-submit")

    tab.see(DOOR, "Too many people are waiting already")
    expect(tab.page.locator(f"{DOOR} .strong:visible")).to_have_count(1)


def test_at_the_door_one_sees_that_the_server_is_away(
    eve: Fellow, open_tab: Callable[..., Tab], room: str
) -> None:
    eve.wants("rules", door="code")
    stranger = newcomer(open_tab, "Sam", f"/rooms/{room}")
    stranger.page.wait_for_selector(DOOR)
    expect(stranger.page.locator("#status")).to_be_hidden()
    stranger.set_offline(True)

    stranger.page.fill(f"{DOOR} input", "not it")
    stranger.page.keyboard.press("Enter")

    stranger.wait_for_state("waiting")
    expect(stranger.page.locator("#status-words")).to_be_visible()
    stranger.set_offline(False)
    stranger.see(f"{DOOR} .why", "That is not the code.")
    expect(stranger.page.locator("#status")).to_be_hidden()


def test_of_two_reasons_to_stay_out_the_newer_one_is_told(
    eve: Fellow, open_tab: Callable[..., Tab]
) -> None:
    tab = open_tab("Ann")
    ann = eve.hear_notice("joined")
    eve.wants("bar", userId=ann["userId"], seconds=2)
    tab.see("#shown-out", "You were removed")
    eve.wants("everybodyOut")
    eve.wants("rules", door="shut")

    tab.see(DOOR, "Nobody new can come in now")

    expect(tab.page.locator(".instead")).to_have_count(1)


# -- clocks --------------------------------------------------------------------------------------

HOUR = 60 * 60 * 1000  # ms


def turn(tab: Tab, milliseconds: int) -> None:
    """Set the computer's clock; its timers go on as before, as after a sleep."""
    now = tab.page.evaluate("Date.now()")
    tab.page.clock.install(time=now / 1000)
    tab.page.clock.set_system_time((now + milliseconds) / 1000)


def test_after_a_sleep_the_page_comes_back_when_the_time_is_over(
    eve: Fellow, open_tab: Callable[..., Tab]
) -> None:
    tab = open_tab("Ann")
    tab.page.clock.install()
    ann = eve.hear_notice("joined")
    eve.wants("bar", userId=ann["userId"], seconds=3600)
    tab.see("#shown-out", "A host has removed you until")
    tab.wait_for_state("refused")
    eve.wants("bar", userId=ann["userId"], seconds=0)

    now = tab.page.evaluate("Date.now()")
    tab.page.clock.set_system_time((now + HOUR + 2_000) / 1000)
    tab.page.clock.run_for(31_000)

    tab.wait_for_state("connected")


def test_being_quiet_ends_in_time_whatever_the_clock_says(
    eve: Fellow, open_tab: Callable[..., Tab]
) -> None:
    tab = open_tab("Ann")
    ann = eve.hear_notice("joined")
    turn(tab, -3 * HOUR)

    eve.wants("quiet", userId=ann["userId"], seconds=3)

    tab.see("#rule", "A host has asked you to be quiet")
    wait_for(lambda: "".join(tab.texts("#rule span")) == "", "no rule any more")


def test_the_next_message_does_not_wait_for_hours_where_the_clock_is_slow(
    eve: Fellow, open_tab: Callable[..., Tab]
) -> None:
    eve.wants("rules", speak="slow", slowSeconds=5)
    tab = open_tab("Ann")
    tab.say("one")
    tab.hear("one")
    turn(tab, -3 * HOUR)
    tab.page.reload()
    tab.wait_for_state("connected")

    tab.say("two")

    tab.see("#rule .count", "You can write again in")
    tab.hear("two")


# -- a server that the page does not know --------------------------------------------------------


def test_what_the_page_does_not_understand_keeps_nothing_else_from_being_shown(
    eve: Fellow, open_tab: Callable[..., Tab], come: Callable[..., Fellow]
) -> None:
    bob, tab = come("Bob"), open_tab("Ann")
    ways: list[Any] = []
    relay(tab, told=lambda route, _: ways.append(route) or True)
    tab.page.reload()
    become_host(tab, eve)
    for kind in ("hostile", "host", "rules", "log", "held", "knock", "knocked", "settled", "muted"):
        ways[-1].send(json.dumps({"type": kind}))
    ways[-1].send(json.dumps({"type": "unmuted"}))
    ways[-1].send(json.dumps({"type": "knock", "userId": "u9", "userName": "Bobby"}))

    holds(eve, tab, bob)

    tab.see("#waiting-dialog", "line 0")


# -- parts that cannot be loaded -----------------------------------------------------------------


def test_a_sheet_that_cannot_be_loaded_says_so_and_is_tried_again(host: Tab) -> None:
    host.context.route("**/room_sheet.js", lambda route: route.abort())

    host.page.click("#manage-room")
    host.see("#notice", "Not connected")
    host.context.unroute("**/room_sheet.js")
    host.page.click("#manage-room")

    host.page.wait_for_selector("#room-dialog[open]")


def test_what_a_host_needs_is_loaded_once_the_line_is_back(
    eve: Fellow, open_tab: Callable[..., Tab]
) -> None:
    tab = open_tab("Ann", fresh=True)
    tab.context.route("**/host_tools.js", lambda route: route.abort())
    made = eve.wants("makeLink")["link"]
    tab.page.evaluate("made => { location.hash = `host=${made}` }", made)
    tab.see(".note.of-hosts", "You are a host here now")
    expect(tab.page.locator("#manage-room")).to_have_count(0)

    tab.context.unroute("**/host_tools.js")
    drop(tab)

    tab.page.wait_for_selector("#manage-room")


def test_a_sixth_message_that_waits_is_refused_in_ones_language(
    eve: Fellow, open_tab: Callable[..., Tab]
) -> None:
    eve.wants("rules", speak="approval")
    tab = open_tab("Ann", locale="de")

    tab.say("1", "2", "3", "4", "5", "6")

    tab.see(".pending[data-state=failed]", "es warten schon zu viele Nachrichten auf die Leitung")
    expect(tab.page.locator(".pending[data-state=held]")).to_have_count(5)


# -- on the way ----------------------------------------------------------------------------------


def test_by_arrows_one_passes_choices_without_making_them(
    eve: Fellow, host: Tab, come: Callable[..., Fellow]
) -> None:
    bob = come("Bob")
    open_sheet(host)
    host.page.focus("#speak-everybody")

    for _ in range(3):
        host.page.keyboard.press("ArrowDown")

    assert bob.hear_notice("rules")["speak"] == "hosts"
    host.page.keyboard.press("ArrowUp")
    host.page.keyboard.press("Escape")
    assert bob.hear_notice("rules")["speak"] == "approval"
    acts = [one["act"] for one in eve.act("look")["log"]]
    assert acts.count("rules") == 2


def test_whoever_is_quiet_is_told_once_however_often_the_line_breaks(
    eve: Fellow, open_tab: Callable[..., Tab]
) -> None:
    tab = open_tab("Ann")
    ann = eve.hear_notice("joined")
    eve.wants("quiet", userId=ann["userId"], seconds=600)
    tab.see("#rule", "A host has asked you to be quiet until")
    tab.page.evaluate(
        """() => {
            window.told = [];
            const words = document.querySelector("#rule span");
            const options = { childList: true, characterData: true, subtree: true };
            new MutationObserver(() => told.push(words.textContent)).observe(words, options);
        }"""
    )

    drop(tab)
    tab.page.wait_for_selector("body:not([data-state=connected])")
    tab.wait_for_state("connected")

    tab.see("#rule", "A host has asked you to be quiet")
    assert tab.page.evaluate("told") == []


def test_whoever_comes_in_by_the_code_goes_on_in_the_box(
    eve: Fellow, open_tab: Callable[..., Tab], room: str
) -> None:
    code = eve.wants("rules", door="code")["code"]
    guest = newcomer(open_tab, "Gil", f"/rooms/{room}")
    guest.page.wait_for_selector(DOOR)
    expect(guest.page.locator(":is(#open-search, #open-invite):visible")).to_have_count(0)
    guest.page.click("#open-more")
    expect(guest.page.locator("#open-help")).to_be_visible()
    expect(guest.page.locator("#open-room")).to_be_hidden()
    guest.page.keyboard.press("Escape")

    guest.page.fill(f"{DOOR} input", code)
    guest.page.keyboard.press("Enter")
    guest.wait_for_state("connected")
    guest.page.keyboard.type("Hello")
    guest.page.keyboard.press("Enter")

    guest.hear("Hello")


def test_on_a_phone_an_undo_opens_no_keyboard(
    eve: Fellow, open_tab: Callable[..., Tab], come: Callable[..., Fellow]
) -> None:
    tab = become_host(open_tab("Ann", **PHONE), eve)
    bob = come("Bob")
    bob.tell("one")
    tab.page.locator(".message .sender").first.tap()
    tab.page.tap("#person-dialog button:text-is('10 minutes')")
    tab.see("#done", "is quiet until")

    tab.page.tap("#done button")

    tab.see("#done", "can write again.")
    assert not has_focus(tab.page.locator("#body"))
