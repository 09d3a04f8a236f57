"""The page in a real Chromium: pictures and files of others, as they are shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.axe import faults_by_day_and_night
from tests.support.browser import PHONE, Tab
from tests.support.deadline import wait_for
from tests.support.fellow import Fellow
from tests.support.pictures import png, tell_with_file
from tests.support.server_process import Running, serving

pytestmark = pytest.mark.takes(seconds=30)

ROOM_MAKERS = "everyone"
"""Of the ``page_server``: see conftest.py."""

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>window.hacked = 1</script></svg>'
HTML = b"<!doctype html><script>window.hacked = 1</script>"


def loaded(tab: Tab, count: int = 1) -> None:
    """Wait until so many pictures are drawn."""
    count_them = """() => [...document.querySelectorAll("#list .file img")]
        .filter((image) => image.complete && image.naturalWidth > 0).length"""
    wait_for(lambda: tab.page.evaluate(count_them) == count, f"{count} pictures")


def names_of_requests(tab: Tab) -> list[str]:
    found: list[str] = tab.page.evaluate(
        "performance.getEntriesByType('resource').map(({ name }) => name)"
    )
    return found


# -- in the conversation ---------------------------------------------------------------------------


def test_a_picture_stands_in_line_with_its_caption(open_tab, eve: Fellow) -> None:
    tab = open_tab()
    tell_with_file(eve, png(640, 480), "garden.png", "The garden", width=640, height=480)

    loaded(tab)

    image = tab.page.locator("#list .file img")
    assert image.get_attribute("alt") == "Picture: garden.png"
    assert tab.bodies() == ["The garden"]
    box = image.bounding_box()
    assert box
    assert (round(box["width"]), round(box["height"])) == (352, 264)
    assert tab.complaints == []


@pytest.mark.parametrize("name", ["a.png", "b.jpg", "c.gif", "d.webp"])
def test_each_of_four_kinds_is_shown(open_tab, eve: Fellow, name: str) -> None:
    """By what it is, whatever it is called."""
    heads = {
        "a.png": png(4, 4),
        "b.jpg": b"\xff\xd8\xff\xe0",
        "c.gif": b"GIF89a",
        "d.webp": b"RIFF\0\0\0\0WEBPVP8 ",
    }
    tab = open_tab()
    tell_with_file(eve, heads[name], name)
    tab.page.wait_for_selector("#list .file :is(img, .note)")
    expect(tab.page.locator("#list .card")).to_have_count(0)


def test_the_place_of_a_picture_is_there_before_it_is(open_tab, eve: Fellow) -> None:
    """So nothing jumps once it comes; how large it is, its sender has said."""
    tell_with_file(eve, png(300, 600), "tall.png", "Tall", width=300, height=600)
    eve.tell("below")
    tab = open_tab(None)
    tab.page.route("**/api/rooms/*/files/**", lambda route: route.abort())
    tab.page.fill("#name", "Ann")
    tab.page.click("#name-submit")
    tab.hear("below")
    box = tab.page.locator("#list .file").bounding_box()
    assert box
    assert (round(box["width"]), round(box["height"])) == (160, 320)

    tab.see("#list .file", "It could not be loaded.")
    tab.page.unroute_all()
    tab.page.click("#list .file button")
    loaded(tab)
    again = tab.page.locator("#list .file").bounding_box()
    assert again
    assert again == box


def test_a_file_that_is_no_picture_is_a_card_and_never_runs(open_tab, eve: Fellow) -> None:
    tab = open_tab()
    _, drawing = tell_with_file(eve, SVG, "logo.svg", "A drawing", width=100, height=100)
    tell_with_file(eve, HTML, "page.html")
    tell_with_file(eve, b"%PDF-1.7", "paper\u202e.pdf")
    wait_for(lambda: len(tab.texts("#list .card")) == 3, "three cards")

    expect(tab.page.locator("#list .file img")).to_have_count(0)
    assert [" ".join(text.split()) for text in tab.texts("#list .card")] == [
        "File: logo.svg 80 byte",
        "File: page.html 49 byte",
        "File: paper.pdf 8 byte",
    ]
    with tab.page.expect_download() as download:
        tab.page.locator("#list .card").first.click()
    assert download.value.suggested_filename == "logo.svg"
    assert download.value.path().read_bytes() == SVG
    reply = tab.page.goto(f"http://127.0.0.1:{tab.server.port}/healthz")
    assert reply
    with tab.page.expect_download():  # also where its address is opened by itself
        tab.page.evaluate("address => { location.href = address }", drawing["address"])
    assert tab.page.evaluate("window.hacked") is None


def test_nothing_of_it_is_loaded_where_no_message_has_a_file(open_tab, eve: Fellow) -> None:
    eve.tell("words")
    tab = open_tab(fresh=True)
    tab.hear("words")
    loaded_at_first = [name for name in names_of_requests(tab) if "/files/" in name]
    assert loaded_at_first == []


def test_a_removed_message_takes_its_picture_from_the_page(open_tab, eve: Fellow) -> None:
    tab = open_tab()
    id, file = tell_with_file(eve, png(9, 9), "mine.png", "Mine")
    loaded(tab)

    eve.change("remove", id)

    wait_for(lambda: tab.page.locator("#list .file").count() == 0, "no picture")
    assert tab.server.get(file["address"])[0] == 410


def test_a_file_that_is_gone_is_told_calmly(open_tab, eve: Fellow) -> None:
    """Such as where a tab that slept finds its message before it hears that it is gone."""
    tell_with_file(eve, png(9, 9), "mine.png", "Mine", width=9, height=9)
    tab = open_tab(None)
    tab.page.route("**/api/rooms/*/files/**", lambda route: route.fulfill(status=410))
    tab.page.fill("#name", "Ann")
    tab.page.click("#name-submit")
    tab.see("#list .file", "This file was removed.")
    assert tab.bodies() == ["Mine"]


def test_an_edited_caption_leaves_the_picture_alone(open_tab, eve: Fellow) -> None:
    tab = open_tab()
    id, _ = tell_with_file(eve, png(9, 9), "mine.png", "Mien", width=9, height=9)
    loaded(tab)
    tab.page.evaluate("document.querySelector('#list .file img').id = 'same'")

    eve.change("edit", id, body="Mine")

    tab.hear("Mine")
    expect(tab.page.locator("#list .file #same")).to_have_count(1)


def test_a_picture_alone_is_quoted_by_what_it_shows(open_tab, eve: Fellow) -> None:
    tab = open_tab()
    id, _ = tell_with_file(eve, png(9, 9), "mine.png", alt="A bridge in the fog")
    eve.tell_in_reply(id, "Nice")
    tab.see("#list .answered", "A bridge in the fog")


def test_without_words_it_is_quoted_by_its_name(open_tab, eve: Fellow) -> None:
    tab = open_tab()
    id, _ = tell_with_file(eve, png(9, 9), "mine.png")
    eve.tell_in_reply(id, "Nice")
    tab.see("#list .answered", "mine.png")


def test_a_screen_reader_hears_of_the_picture(open_tab, eve: Fellow) -> None:
    tab = open_tab()
    tell_with_file(eve, png(9, 9), "mine.png", "Mine")
    loaded(tab)
    tab.page.focus("#list > .message:last-child")
    wait_for(
        lambda: (
            "Mine, Picture: mine.png"
            in (tab.page.evaluate("document.activeElement.ariaLabel") or "")
        ),
        "what a screen reader says",
    )


def test_in_a_crowd_pictures_wait_for_a_click(open_tab, tmp_path) -> None:
    with serving(tmp_path, history="memory:", presenceLimit=1, leaveGrace=0) as server:
        eve = Fellow(server.port, "Eve", "hall")
        eve.connect_and_catch_up()
        tab = open_tab(server=server, path="/rooms/hall")
        _, file = tell_with_file(eve, png(9, 9), "mine.png", "Mine", width=9, height=9)
        tab.see("#list .file button", "Show the picture")
        assert not any(file["id"] in name for name in names_of_requests(tab))

        tab.page.click("#list .file button")

        loaded(tab)
        eve.close()


# -- at a door -------------------------------------------------------------------------------------


@pytest.fixture
def class_room(page_server: Running, room: str, eve: Fellow) -> str:
    """The address of a room with a code, in which there are a picture and a file."""
    eve.tell("Welcome")
    eve.wants("rules", door="code", code="open sesame")
    tell_with_file(eve, png(9, 9), "mine.png", "Mine", width=9, height=9)
    tell_with_file(eve, b"%PDF", "paper.pdf", "Paper")
    return f"/rooms/{room}#key=open%20sesame"


def test_behind_a_door_the_address_of_a_picture_has_a_pass(open_tab, class_room: str) -> None:
    tab = open_tab(path=class_room)

    loaded(tab)

    assert "view=" in (tab.page.get_attribute("#list .file img", "src") or "")
    with tab.page.expect_download() as download:
        tab.page.click("#list .card")
    assert download.value.path().read_bytes() == b"%PDF"
    assert tab.complaints == []


def test_the_pass_is_renewed_in_time(open_tab, class_room: str) -> None:
    tab = open_tab(None, path=class_room)
    passes: list[str] = []

    def answer(route: Any) -> None:
        reply = route.fetch()
        told = json.loads(reply.text())
        passes.append(told["view"])
        route.fulfill(json={**told, "seconds": 1})

    tab.page.route("**/api/rooms/*/files", answer)
    tab.page.fill("#name", "Ann")
    tab.page.click("#name-submit")
    loaded(tab)
    first = tab.page.get_attribute("#list .card", "href")

    wait_for(lambda: tab.page.get_attribute("#list .card", "href") != first, "another address")
    assert len(set(passes)) > 1
    assert tab.complaints == []


# -- large -----------------------------------------------------------------------------------------


@pytest.fixture
def gallery(open_tab: Callable[..., Tab], eve: Fellow) -> Tab:
    tab = open_tab()
    for n in (1, 2, 3):
        tell_with_file(eve, png(90 * n, 60), f"{n}.png", f"No. {n}", width=90 * n, height=60)
    loaded(tab, 3)
    return tab


def large(tab: Tab, name: str) -> None:
    tab.see("#picture-dialog .file-name", name)
    shown = "document.querySelector('#picture-dialog img').getAttribute('alt')"
    assert tab.page.evaluate(shown) == f"Picture: {name}"


def test_a_click_shows_it_large_and_a_click_beside_it_ends_that(gallery: Tab) -> None:
    gallery.page.locator("#list .picture").nth(1).click()

    large(gallery, "2.png")
    gallery.see("#picture-dialog .fine", "2 of 3")
    gallery.page.mouse.click(640, 780)
    expect(gallery.page.locator("#picture-dialog[open]")).to_have_count(0)
    assert gallery.complaints == []


def test_the_large_view_is_driven_by_keys(gallery: Tab) -> None:
    page = gallery.page
    page.focus("#list > .message:last-child")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "picture"
    page.keyboard.press("Enter")
    large(gallery, "3.png")
    page.keyboard.press("ArrowRight")  # there is none
    large(gallery, "3.png")
    page.keyboard.press("ArrowLeft")
    large(gallery, "2.png")
    page.keyboard.press("ArrowLeft")
    large(gallery, "1.png")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")

    expect(page.locator("#picture-dialog[open]")).to_have_count(0)
    alt = "document.activeElement.querySelector('img').alt"
    wait_for(lambda: page.evaluate(alt) == "Picture: 1.png", "the focus is where one has gone")
    assert gallery.bodies() == ["No. 1", "No. 2", "No. 3"]


def test_what_is_removed_meanwhile_is_gone_from_the_large_view(gallery: Tab, eve: Fellow) -> None:
    gallery.page.locator("#list .picture").nth(2).click()
    large(gallery, "3.png")

    eve.change("remove", eve.view[-1]["id"])

    gallery.see("#picture-dialog .note:not([hidden])", "This message was removed.")
    assert gallery.page.locator("#picture-dialog img").get_attribute("src") is None
    gallery.page.keyboard.press("ArrowLeft")
    large(gallery, "2.png")
    gallery.page.keyboard.press("Escape")


@pytest.mark.parametrize("viewport", [None, PHONE])
def test_axe_finds_nothing_where_there_are_pictures(open_tab, eve: Fellow, viewport) -> None:
    tab = open_tab(**({"viewport": viewport} if viewport else {}))
    tell_with_file(eve, png(640, 480), "garden.png", "The garden", width=640, height=480)
    tell_with_file(eve, png(30, 30), "small.png")
    tell_with_file(
        eve, b"%PDF", "A paper with a name that is rather long, as names are.pdf", "Read"
    )
    loaded(tab, 2)
    tab.page.wait_for_selector("#list .card")
    assert faults_by_day_and_night(tab) == []
    tab.page.locator("#list .picture").first.click()
    tab.page.wait_for_selector("#picture-dialog[open]")
    wait_for(lambda: tab.page.evaluate("document.getAnimations().length === 0"), "all still")
    assert faults_by_day_and_night(tab) == []
