"""What the server knows of the reader: downloaded and erased by them, on the page."""

from __future__ import annotations

import json
import zipfile

import pytest
from playwright.sync_api import Route, expect

from tests.support.axe import faults_by_day_and_night
from tests.support.browser import PHONE, Tab
from tests.support.server_process import Running

pytestmark = pytest.mark.takes(seconds=8)


def open_mine(tab: Tab, words: str = "What this server knows of you") -> None:
    tab.page.click("#open-settings")
    tab.page.get_by_role("button", name=words).click()
    tab.page.wait_for_selector("#mine-dialog[open]")


def press(tab: Tab, words: str) -> None:
    tab.page.locator("#mine-dialog").get_by_role("button", name=words).click()


def token(tab: Tab) -> str:
    found: str = tab.page.evaluate("localStorage['chat:token']")
    return found


def stored(server: Running, room: str) -> list[str]:
    """What anybody can read."""
    _, _, body = server.get(f"/api/rooms/{room}/messages")
    return [message["body"] for message in json.loads(body)["messages"]]


def test_it_is_downloaded_as_an_archive(open_tab) -> None:
    tab = open_tab("Ann")
    tab.say("Xylophon")
    tab.hear("Xylophon")
    open_mine(tab)

    with tab.page.expect_download() as download:
        press(tab, "Download everything")

    assert download.value.suggested_filename == "chatroom.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        told = json.loads(archive.read("chatroom.json"))
    assert [message["body"] for message in told["messages"]] == ["Xylophon"]
    tab.see("#mine-dialog [role=status]", "It is in your downloads")


def test_all_of_it_is_erased_and_the_reader_is_somebody_new(
    open_tab, page_server: Running, room: str
) -> None:
    tab = open_tab("Ann", fresh=True)
    tab.say("Xylophon")
    tab.hear("Xylophon")
    tab.page.evaluate("localStorage['chat:settings'] = JSON.stringify({ theme: 'dark' })")
    before = token(tab)
    open_mine(tab)
    press(tab, "Erase everything")
    press(tab, "Cancel")
    expect(tab.page.get_by_role("button", name="Erase for good")).to_be_hidden()

    press(tab, "Erase everything")
    with tab.page.expect_navigation():
        press(tab, "Erase for good")

    tab.page.locator("#empty").wait_for()
    assert tab.bodies() == []
    assert token(tab) != before
    assert tab.page.evaluate("JSON.parse(localStorage['chat:settings']).theme") == "dark"
    assert stored(page_server, room) == []


def test_what_does_not_work_is_said_and_can_be_tried_again(open_tab) -> None:
    tab = open_tab("Ann", locale="de")
    open_mine(tab, "Was dieser Server von dir weiß")

    def refuse(route: Route) -> None:
        route.fulfill(status=503, json={"code": "busy"})

    tab.page.route("**/api/me.zip", refuse)
    press(tab, "Alles herunterladen")
    tab.see("#mine-dialog [role=status]", "Gerade fragen andere")
    tab.page.unroute("**/api/me.zip")
    with tab.page.expect_download():
        press(tab, "Alles herunterladen")


def test_it_can_be_used_by_keyboard_and_axe_finds_nothing(open_tab) -> None:
    tab = open_tab("Ann")
    open_mine(tab)
    tab.page.locator("#mine-dialog").get_by_role("button", name="Erase everything").focus()
    tab.page.keyboard.press("Enter")
    assert tab.page.evaluate("document.activeElement.textContent") == "Cancel"
    assert faults_by_day_and_night(tab) == []
    tab.page.keyboard.press("Enter")
    assert tab.page.evaluate("document.activeElement.textContent") == "Erase everything…"
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator("#mine-dialog")).to_be_hidden()


def test_a_finger_finds_its_buttons_high_enough(open_tab) -> None:
    tab = open_tab("Ann", viewport=PHONE, has_touch=True, is_mobile=True)
    tab.page.tap("#menu")
    open_mine(tab)

    heights = tab.page.eval_on_selector_all(
        "#mine-dialog button",
        "(all) => all.filter((one) => one.checkVisibility()).map((one) => one.offsetHeight)",
    )
    assert len(heights) == 3
    assert min(heights) >= 44
    assert tab.page.eval_on_selector("#mine-dialog", "(it) => it.scrollWidth - it.clientWidth") == 0
