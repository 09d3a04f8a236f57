"""The page in a real Chromium: what pictures show, in words for people who cannot see them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.axe import faults_by_day_and_night
from tests.support.browser import PHONE, Tab
from tests.support.deadline import wait_for
from tests.support.fellow import Fellow
from tests.support.pictures import png, upload
from tests.support.sending_files import (
    Slow,
    arrives,
    bring,
    choose,
    drawn,
    offer,
    prepared,
    ready,
    send,
)
from tests.support.server_process import serving

pytestmark = pytest.mark.takes(seconds=15)

FIELD = "#attached textarea"
GARDEN = ("garden.png", "image/png", png(640, 480))


def alt(tab: Tab) -> str | None:
    drawn(tab)
    found: str | None = tab.page.get_attribute("#list .file img", "alt")
    return found


def test_a_description_is_the_alternative_text_for_everybody(
    open_tab: Callable[..., Tab], eve: Fellow
) -> None:
    tab = ready(open_tab())
    choose(tab, GARDEN)
    tab.see("#attached .describe", "Describe it for people who cannot see it (optional)")
    tab.page.fill(FIELD, " A bridge\nin the fog ")

    send(tab, "The garden")

    message = arrives(eve)
    assert message["file"]["alt"] == "A bridge in the fog"
    assert message["body"] == "The garden"
    assert alt(tab) == "A bridge in the fog"
    tab.page.focus("#list > .message:last-child")
    said = "document.activeElement.ariaLabel ?? ''"
    wait_for(
        lambda: "The garden, A bridge in the fog" in tab.page.evaluate(said),
        "what a screen reader says",
    )
    assert tab.complaints == []


def test_without_one_all_is_as_it_was(open_tab: Callable[..., Tab], eve: Fellow) -> None:
    tab = ready(open_tab())
    choose(tab, GARDEN)
    tab.page.fill(FIELD, "  ")
    send(tab, "The garden")
    assert "alt" not in arrives(eve)["file"]
    assert alt(tab) == "Picture: garden.jpg"


def test_enlarged_a_picture_has_its_description_below_it(
    open_tab: Callable[..., Tab], eve: Fellow
) -> None:
    tab = ready(open_tab())
    choose(tab, GARDEN, ("second.png", "image/png", png(600, 500)))
    tab.page.locator(FIELD).first.fill("A bridge in the fog")
    send(tab)
    arrives(eve)
    arrives(eve)
    drawn(tab, 2)

    tab.page.locator("#list .picture").first.click()

    tab.see("#picture-dialog .described", "A bridge in the fog")
    shown = tab.page.locator("#picture-dialog img")
    assert shown.get_attribute("alt") == "A bridge in the fog"
    tab.page.keyboard.press("ArrowRight")
    tab.see("#picture-dialog .file-name", "second.jpg")
    expect(tab.page.locator("#picture-dialog .described:visible")).to_have_count(0)
    assert shown.get_attribute("alt") == "Picture: second.jpg"


def test_in_a_crowd_it_is_heard_before_the_picture_is_loaded(
    open_tab: Callable[..., Tab], tmp_path: Path
) -> None:
    with serving(tmp_path, history="memory:", presenceLimit=1, leaveGrace=0) as server:
        eve = Fellow(server.port, "Eve", "hall")
        eve.connect_and_catch_up()
        tab = open_tab(server=server, path="/rooms/hall")
        file = upload(eve, png(640, 480), "garden.png", width=640, height=480)
        eve._send(type="message", cmid="1", body="", file=file["id"], alt="A bridge in the fog")
        button = tab.page.get_by_role("button", name="Show the picture")
        button.wait_for()
        assert "A bridge in the fog" in (button.text_content() or "")
        button.click()
        assert alt(tab) == "A bridge in the fog"
        eve.close()


def test_it_is_written_and_sent_by_keys(open_tab: Callable[..., Tab], eve: Fellow) -> None:
    tab = ready(open_tab())
    keyboard = tab.page.keyboard
    bring(tab, "paste", GARDEN)
    tab.page.focus("#body")
    keyboard.insert_text("The garden")
    for _ in range(3):  # past the cross, and "Send as a file"
        keyboard.press("Shift+Tab")
    assert tab.page.evaluate("document.activeElement.matches('#attached textarea')")
    keyboard.insert_text("A bridge in the fog")

    keyboard.press("Enter")

    message = arrives(eve)
    assert (message["body"], message["file"]["alt"]) == ("The garden", "A bridge in the fog")
    assert tab.page.evaluate("document.activeElement.id") == "body"


def test_writing_goes_on_while_another_picture_gets_ready(open_tab: Callable[..., Tab]) -> None:
    tab = ready(open_tab())
    choose(tab, GARDEN)
    tab.page.focus(FIELD)
    tab.page.keyboard.insert_text("A bri")
    tab.page.evaluate("document.querySelector('#attached textarea').id = 'same'")
    # Dropped files bring the focus to the box, as ever: here somebody goes on at once.
    offer(tab, "drop", ("second.png", "image/png", png(1_500, 1_500)))
    tab.page.focus("#same")

    prepared(tab)
    wait_for(lambda: tab.page.locator(FIELD).count() == 2, "both fields")

    assert tab.page.evaluate("document.activeElement.id") == "same"
    tab.page.keyboard.insert_text("dge")
    assert tab.page.input_value("#same") == "A bridge"
    tab.page.locator("#attached [type=checkbox]").first.check()
    assert tab.page.input_value("#same") == "A bridge"


def test_it_is_taken_back_with_its_picture(open_tab: Callable[..., Tab], eve: Fellow) -> None:
    """After a refusal: by Retry, and by Edit."""
    tab = ready(open_tab())
    tab.page.route(
        "**/api/rooms/*/files/*",
        lambda route: (
            route.fulfill(status=507, json={"code": "no-space"})
            if route.request.method == "PUT"
            else route.fallback()
        ),
    )
    choose(tab, GARDEN)
    tab.page.fill(FIELD, "A bridge in the fog")
    send(tab, "Look")
    tab.page.click("#pending .edit")
    wait_for(lambda: tab.page.locator(FIELD).count() == 1, "the field")
    assert tab.page.input_value(FIELD) == "A bridge in the fog"
    expect(tab.pending()).to_have_count(0)  # the next one is another
    send(tab)
    tab.page.wait_for_selector("#pending .retry")
    tab.page.unroute_all()

    tab.page.click("#pending .retry")

    assert arrives(eve)["file"]["alt"] == "A bridge in the fog"


def test_a_reloaded_page_has_it_for_the_picture_that_is_chosen_anew(
    open_tab: Callable[..., Tab], eve: Fellow
) -> None:
    tab = ready(open_tab())
    line = Slow(tab)
    line.set(bytes_a_second=1)
    choose(tab, GARDEN)
    tab.page.fill(FIELD, "A bridge in the fog")
    send(tab, "Look")
    tab.page.wait_for_selector("#pending .upload")

    tab.page.reload()

    tab.page.click("#pending .edit")
    line.set(bytes_a_second=-1)
    choose(ready(tab), GARDEN)
    assert tab.page.input_value(FIELD) == "A bridge in the fog"
    send(tab)
    message = arrives(eve)
    assert (message["body"], message["file"]["alt"]) == ("Look", "A bridge in the fog")


def test_what_is_too_long_with_it_is_not_sent(open_tab: Callable[..., Tab], tmp_path: Path) -> None:
    with serving(tmp_path, history="memory:", maxMessageBytes=1_500, leaveGrace=0) as server:
        tab = ready(open_tab(server=server))
        choose(tab, GARDEN)
        tab.page.fill(FIELD, "ä" * 900)

        send(tab, "Look")

        tab.see("#notice", "too long")
        assert tab.page.input_value("#body") == "Look"
        tab.page.fill(FIELD, "A bridge")
        send(tab)
        assert alt(tab) == "A bridge"


def test_it_is_asked_for_in_german(open_tab: Callable[..., Tab]) -> None:
    tab = ready(open_tab(locale="de-DE"))
    bring(tab, "paste", GARDEN)
    tab.see("#attached .describe", "Beschreib es für Leute, die es nicht sehen können")


@pytest.mark.parametrize("viewport", [None, PHONE])
def test_axe_finds_nothing_where_pictures_are_described(
    open_tab: Callable[..., Tab], viewport: object
) -> None:
    tab = ready(open_tab(**({"viewport": viewport} if viewport else {})))
    choose(tab, GARDEN, ("second.png", "image/png", png(20, 20)))
    tab.page.locator(FIELD).first.fill("A bridge in the fog")
    assert faults_by_day_and_night(tab) == []


def test_on_a_phone_enter_puts_the_keyboard_away(open_tab: Callable[..., Tab]) -> None:
    tab = ready(open_tab(viewport=PHONE, has_touch=True, is_mobile=True))
    choose(tab, GARDEN)
    tab.page.focus(FIELD)
    tab.page.keyboard.insert_text("A bridge")
    tab.page.keyboard.press("Enter")
    assert tab.page.evaluate("document.activeElement === document.body")
    assert tab.page.input_value(FIELD) == "A bridge"
    box, field = (tab.page.locator(part).bounding_box() for part in ("#attached", FIELD))
    assert box and field
    assert field["x"] + field["width"] <= box["x"] + box["width"] <= 390
