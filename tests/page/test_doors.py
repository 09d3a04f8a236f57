"""The page at a room's door, and where a host approves: what is seen on either side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.support.axe import faults, faults_by_day_and_night
from tests.support.browser import PHONE, Tab
from tests.support.deadline import wait_for
from tests.support.fellow import Fellow
from tests.support.server_process import Running, serving

pytestmark = pytest.mark.takes(seconds=45)

ROOM_MAKERS = "everyone"
"""Of the ``page_server``: see conftest.py."""

TOUCH: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True}

DOOR = "#at-the-door"


@pytest.fixture
def eve(page_server: Running, room: str) -> Iterator[Fellow]:
    """The room's maker: a program."""
    eve = Fellow(page_server.port, "Eve", room)
    eve.connect_and_catch_up()
    yield eve
    eve.close()


@pytest.fixture
def host(open_tab: Callable[..., Tab]) -> Tab:
    """The room's maker: a page."""
    tab = open_tab("Ann")
    tab.say("Welcome")
    tab.page.wait_for_selector("#manage-room")
    return tab


def open_sheet(host: Tab) -> None:
    host.page.click("#manage-room")
    host.page.wait_for_selector("#room-dialog[open]")


def close_dialog(tab: Tab) -> None:
    tab.page.keyboard.press("Escape")
    tab.page.wait_for_selector("dialog[open]", state="detached")


def newcomer(open_tab: Callable[..., Tab], name: str, path: str, **options: Any) -> Tab:
    """Somebody who may not get any further than the door."""
    tab = open_tab(None, path=path, **options)
    tab.page.fill("#name", name)
    tab.page.click("#name-submit")
    return tab


def to_room(room: str) -> str:
    return f"/rooms/{room}"


# -- a teacher's class ---------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, TOUCH], ids=["wide", "phone"])
def test_a_class_comes_in_with_the_code_on_the_board(
    host: Tab, open_tab: Callable[..., Tab], room: str, options: dict[str, Any]
) -> None:
    open_sheet(host)
    host.page.check("#door-code")
    wait_for(lambda: len("".join(host.texts(".the-code"))) == 8, "a code")
    code = "".join(host.texts(".the-code"))
    close_dialog(host)

    pupil = newcomer(open_tab, "Pat", to_room(room), **options)
    pupil.page.wait_for_selector(DOOR)
    assert pupil.bodies() == [], "nothing is seen through the door"
    pupil.page.fill(f"{DOOR} input", "not it")
    pupil.page.keyboard.press("Enter")
    pupil.see(f"{DOOR} .why", "That is not the code.")
    pupil.page.fill(f"{DOOR} input", f" {code[:4]}-{code[4:]} ".upper())
    pupil.page.keyboard.press("Enter")
    pupil.hear("Welcome")
    expect(pupil.page.locator(DOOR)).to_have_count(0)

    pupil.page.reload()
    pupil.hear("Welcome")  # with the pass: nobody asks again
    pupil.page.fill("#body", "Here!")
    pupil.page.click("#send")
    host.hear("Here!")


def test_an_invitation_has_the_code_in_it_and_the_address_bar_loses_it(
    host: Tab, open_tab: Callable[..., Tab], room: str
) -> None:
    open_sheet(host)
    host.page.check("#door-code")
    wait_for(lambda: len("".join(host.texts(".the-code"))) == 8, "a code")
    code = "".join(host.texts(".the-code"))
    close_dialog(host)
    host.page.click("#open-invite")
    host.see("#invite-dialog .address", f"#key={code}")

    guest = newcomer(open_tab, "Gil", f"{to_room(room)}#key={code}")

    guest.hear("Welcome")
    assert "key" not in guest.page.url and code not in guest.page.url


def test_the_picture_for_phones_has_the_code_in_it_too(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path, history="memory:", hostName="0.0.0.0") as server:
        host = Tab(browser, server, "Ann", path="/rooms/class")
        host.say("Welcome")
        host.page.wait_for_selector("#manage-room")
        open_sheet(host)
        host.page.check("#door-code")
        wait_for(lambda: len("".join(host.texts(".the-code"))) == 8, "a code")
        close_dialog(host)
        host.page.click("#open-invite")

        picture = host.page.locator("#invite-dialog .code")
        picture.wait_for()
        wait_for(lambda: picture.evaluate("image => image.naturalWidth") > 0, "the picture")
        assert (picture.get_attribute("src") or "").startswith("data:image/svg+xml,")
        assert host.complaints == []
        host.close()


def test_what_is_old_is_read_and_found_behind_a_closed_door(
    eve: Fellow, open_tab: Callable[..., Tab], room: str
) -> None:
    for number in range(90):
        eve.say(f"word {number}", f"e{number}")
    eve.hear_until_acked()
    code = eve.wants("rules", door="code")["code"]
    guest = newcomer(open_tab, "Gil", f"{to_room(room)}#key={code}")
    guest.hear("word 89")

    guest.scroll_to("top")

    wait_for(lambda: "word 0" in guest.bodies(), "the oldest message")


def test_the_whole_conversation_is_saved_from_behind_a_closed_door(
    eve: Fellow, open_tab: Callable[..., Tab], room: str
) -> None:
    eve.say("the secret word", "e1")
    eve.hear_until_acked()
    code = eve.wants("rules", door="code")["code"]
    guest = newcomer(open_tab, "Gil", f"{to_room(room)}#key={code}")
    guest.hear("the secret word")
    guest.page.click("#open-more")

    expect(guest.page.locator("#print-all")).to_be_hidden()
    with guest.page.expect_download() as saving:
        guest.page.click("#save-all")

    assert saving.value.suggested_filename == f"{room}.html"
    assert "the secret word" in Path(saving.value.path()).read_text()


def test_a_shut_door_says_so_and_whoever_was_in_comes_back(
    eve: Fellow, open_tab: Callable[..., Tab], room: str
) -> None:
    guest = newcomer(open_tab, "Gil", to_room(room))
    guest.wait_for_state("connected")
    eve.wants("rules", door="shut")

    stranger = newcomer(open_tab, "Sam", to_room(room))
    stranger.see(DOOR, "Nobody new can come in now")
    guest.page.reload()
    guest.wait_for_state("connected")
    eve.wants("rules", door="open")
    stranger.page.click(f"{DOOR} .strong:visible")

    stranger.wait_for_state("connected")
    expect(stranger.page.locator(DOOR)).to_have_count(0)


def test_everybody_out_asks_twice_and_then_shows_everybody_out(
    host: Tab, open_tab: Callable[..., Tab], room: str
) -> None:
    guest = newcomer(open_tab, "Gil", to_room(room))
    guest.hear("Welcome")
    open_sheet(host)

    host.page.click("text=Everybody out…")
    host.page.click("text=Really? All but hosts must leave", delay=600)  # no second click at once

    guest.see(DOOR, "A host has asked everybody to leave")
    assert host.bodies() == ["Welcome"]
    guest.page.click(f"{DOOR} .strong:visible")
    guest.hear("Welcome")


# -- who knocks ----------------------------------------------------------------------------------


def test_whoever_has_to_knock_waits_and_hosts_are_asked(
    host: Tab, open_tab: Callable[..., Tab], room: str
) -> None:
    """The machine's own address is never watched: so the frames come from here."""
    asked: list[dict[str, Any]] = []

    def relay(route: Any) -> None:
        server = route.connect_to_server()
        route.on_message(lambda text: (asked.append(json.loads(text)), server.send(text)))
        server.on_message(route.send)
        lines.append(route)

    lines: list[Any] = []
    host.page.route_web_socket("**/chat*", relay)
    host.page.reload()
    host.wait_for_state("connected")
    knock = {"type": "knock", "userId": "u9", "userName": "Bobby", "like": {"userName": "Bob"}}
    lines[-1].send(json.dumps({**knock, "removedAt": "2026-01-31T09:05:00.123Z"}))
    host.see("#waiting", "Somebody wants to come in.")

    host.page.click("#waiting button")
    host.see("#waiting-dialog", "New, from the same connection as")
    host.page.keyboard.press("a")

    wait_for(lambda: [a for a in asked if a.get("act") == "admit"], "the host's answer")
    assert [a["userId"] for a in asked if a.get("act") == "admit"] == ["u9"]
    lines[-1].send(json.dumps({"type": "knocked", "userId": "u9", "outcome": "admitted"}))
    host.see("#waiting-dialog", "Nothing waits any more.")


def test_whoever_waits_at_the_door_reads_why(open_tab: Callable[..., Tab], room: str) -> None:
    tab = open_tab(None, path=to_room(room))

    def relay(route: Any) -> None:
        server = route.connect_to_server()
        server.on_message(lambda text: passed.append(text))
        route.on_message(server.send)
        route.send(json.dumps({"type": "knocking", "detail": "Wait.", "hostIsHere": True}))
        lines.append(route)

    lines: list[Any] = []
    passed: list[Any] = []
    tab.page.route_web_socket("**/chat*", relay)
    tab.page.fill("#name", "Bobby")
    tab.page.click("#name-submit")

    tab.see(DOOR, "A host has to let you in")
    expect(tab.page.locator("#body")).to_be_hidden()
    # Only a question to the page lets Playwright go on with what is relayed.
    wait_for(lambda: tab.page.locator(DOOR).count() and passed, "the welcome, held up")
    for text in passed:
        lines[-1].send(text)
    wait_for(lambda: tab.page.locator(DOOR).count() == 0, "the way in")


# -- after approval ------------------------------------------------------------------------------


def test_what_waits_is_seen_waiting_and_said_once_a_host_approves(
    host: Tab, open_tab: Callable[..., Tab], room: str
) -> None:
    open_sheet(host)
    host.page.check("#speak-approval")
    close_dialog(host)
    guest = newcomer(open_tab, "Gil", to_room(room))
    guest.see("#rule", "A host approves what you write")

    guest.page.fill("#body", "May I?")
    guest.page.keyboard.press("Enter")
    guest.see(".pending[data-state=held]", "Waits for a host")
    guest.page.fill("#body", "And this?")
    guest.page.keyboard.press("Enter")
    host.see("#waiting", "2 messages wait for you.")
    guest.page.reload()
    wait_for(lambda: guest.page.locator(".pending[data-state=held]").count() == 2, "both wait")

    host.page.click("#waiting button")
    assert faults(host) == []
    host.page.keyboard.press("a")
    host.page.keyboard.press("x")  # before the server has answered: this is the next one

    guest.hear("May I?")
    guest.see(".pending[data-state=failed]", "a host did not let it through")
    host.hear("May I?")
    assert guest.bodies() == host.bodies() == ["Welcome", "May I?"]
    guest.page.click(".pending .edit")
    assert guest.page.input_value("#body") == "And this?"


def test_whoever_takes_back_what_waits_has_never_said_it(
    eve: Fellow, open_tab: Callable[..., Tab], room: str
) -> None:
    eve.wants("rules", speak="approval")
    guest = newcomer(open_tab, "Gil", to_room(room))
    guest.wait_for_state("connected")
    guest.page.fill("#body", "Oops")
    guest.page.keyboard.press("Enter")
    eve.hear_notice("held")

    guest.page.click(".pending[data-state=held] .discard")

    wait_for(lambda: guest.pending().count() == 0, "nothing waits")
    assert eve.hear_notice("settled")["outcome"] == "withdrawn"
    assert eve.act("look")["held"] == []


# -- for everybody -------------------------------------------------------------------------------


def test_axe_finds_nothing_at_the_door_and_in_the_sheet(
    eve: Fellow, open_tab: Callable[..., Tab], room: str
) -> None:
    eve.wants("rules", door="code")
    link = eve.wants("makeLink")["link"]
    stranger = newcomer(open_tab, "Sam", to_room(room))
    stranger.page.wait_for_selector(DOOR)
    assert faults_by_day_and_night(stranger) == []

    host = newcomer(open_tab, "Ann", f"{to_room(room)}#host={link}")
    host.page.wait_for_selector("#manage-room")
    open_sheet(host)
    wait_for(lambda: host.texts(".the-code") != [""], "the code")
    assert faults(host) == []


def test_the_door_is_german_for_those_who_read_german(
    eve: Fellow, open_tab: Callable[..., Tab], room: str
) -> None:
    eve.wants("rules", door="code", speak="approval")

    stranger = newcomer(open_tab, "Sam", to_room(room), locale="de-DE")

    stranger.see(DOOR, "Dieser Raum hat einen Code")
    stranger.see(f"{DOOR} .strong", "Hinein")
