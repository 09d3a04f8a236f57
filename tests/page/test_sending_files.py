"""The page in a real Chromium: pictures and files that its reader sends."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, expect

from tests.support.axe import faults_by_day_and_night
from tests.support.browser import PHONE, Tab
from tests.support.cable import cable_to
from tests.support.deadline import wait_for
from tests.support.fellow import Fellow
from tests.support.pictures import GPS, png, with_place
from tests.support.sending_files import (
    EVERYTHING,
    Slow,
    answer_with,
    arrives,
    bring,
    choose,
    drawn,
    jpeg,
    offer,
    pick,
    prepared,
    ready,
    seen,
    send,
    served,
    under_way,
)
from tests.support.server_process import Running, serving

pytestmark = pytest.mark.takes(seconds=45)

ROOM_MAKERS = "everyone"
"""Of the ``page_server``: see conftest.py."""

# -- the ways in -----------------------------------------------------------------------------------


def test_a_picture_is_chosen_and_sent_with_its_caption(open_tab, eve: Fellow) -> None:
    tab = ready(open_tab())
    choose(tab, ("garden.png", "image/png", png(640, 480)))
    tab.see("#attached [role=status]", "you can describe pictures")

    send(tab, "The garden")

    message = arrives(eve)
    assert message["body"] == "The garden"
    told = {key: message["file"][key] for key in ("name", "type", "width", "height")}
    assert told == {"name": "garden.jpg", "type": "image/jpeg", "width": 640, "height": 480}
    assert seen(tab, served(tab.server, message))["size"] == [640, 480]
    drawn(tab)
    assert tab.bodies() == ["The garden"]
    expect(tab.pending()).to_have_count(0)
    expect(tab.page.locator("#attached")).to_have_count(0)
    assert tab.page.input_value("#body") == ""
    assert tab.complaints == []


def test_a_picture_is_pasted_and_needs_no_words(open_tab, eve: Fellow) -> None:
    tab = ready(open_tab())
    bring(tab, "paste", ("image.png", "image/png", png(30, 20)))

    send(tab)

    assert arrives(eve)["body"] == ""
    drawn(tab)
    expect(tab.page.locator("#list .text:visible")).to_have_count(0)
    assert tab.complaints == []


def test_a_file_is_dropped_on_the_conversation_and_arrives_as_it_is(open_tab, eve: Fellow) -> None:
    tab = open_tab()  # also before the rest is there
    bring(tab, "drop", ("a/../notes #1.txt", "text/plain", EVERYTHING))
    send(tab, "My notes")

    message = arrives(eve)
    assert served(tab.server, message) == EVERYTHING
    assert message["file"]["type"] == "application/octet-stream"
    assert message["file"]["name"] == "a .. notes #1.txt"
    tab.see("#list .card", "notes #1.txt")
    assert tab.complaints == []


def test_several_files_are_a_message_each_and_the_first_has_the_words(
    open_tab, eve: Fellow
) -> None:
    tab = ready(open_tab())
    choose(tab, *((f"{n}.txt", "text/plain", b"%d" % n) for n in range(4)))
    tab.page.click("[aria-label='Do not send 1.txt']")

    send(tab, "Here")

    got = [arrives(eve) for _ in range(3)]
    assert [one["file"]["name"] for one in got] == ["0.txt", "2.txt", "3.txt"]
    assert [one["body"] for one in got] == ["Here", "", ""]


def test_all_of_it_is_done_by_keys(open_tab, eve: Fellow) -> None:
    tab = ready(open_tab())
    page = tab.page
    page.focus("#body")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "clip"
    pick(tab, ("a.png", "image/png", png(5, 5)), press=lambda: page.keyboard.press("Enter"))
    tab.see("#attached .file-name", "a.png")
    prepared(tab)
    assert page.evaluate("document.activeElement.id") == "body"
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.ariaLabel") == "Do not send a.png"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    tab.see("#attached", "Goes unchanged")
    assert page.evaluate("document.activeElement.checked") is True
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#attached")).to_have_count(0)
    assert page.evaluate("document.activeElement.id") == "body"
    page.keyboard.press("Enter")  # nothing is said
    eve.tell("still here")
    tab.hear("still here")
    assert tab.bodies() == ["still here"]


def test_a_line_that_comes_back_leaves_the_focus_on_the_button(
    open_tab: Callable[..., Tab], page_server: Running, eve: Fellow
) -> None:
    with cable_to(page_server) as wire:
        tab = ready(open_tab(server=wire))
        tab.page.focus("#clip")
        wire.cut()
        tab.page.wait_for_selector("body:not([data-state=connected])")
        wire.mend()
        eve.tell("Are you back?")
        tab.hear("Are you back?")
        assert tab.page.evaluate("document.activeElement.id") == "clip"


def test_a_reply_may_be_a_picture(open_tab, eve: Fellow) -> None:
    tab = ready(open_tab())
    id = eve.tell("Show me")
    tab.hear("Show me")
    tab.page.focus("#list > .message:last-child")
    tab.page.keyboard.press("r")
    bring(tab, "paste", ("image.png", "image/png", png(30, 20)))
    send(tab)
    assert arrives(eve)["replyTo"] == id


# -- what becomes of a picture ---------------------------------------------------------------------


def test_a_rotated_photo_arrives_upright_and_without_its_place(open_tab, eve: Fellow) -> None:
    tab = ready(open_tab())
    photo = with_place(jpeg(tab, 2_000, 1_000), orientation=6)
    assert GPS in photo
    choose(tab, ("IMG_1.JPG", "image/jpeg", photo))
    send(tab, "Here I am")

    message = arrives(eve)
    data = served(tab.server, message)

    assert GPS not in data
    assert b"Exif" not in data
    assert seen(tab, data) == {"size": [800, 1600], "top": "red", "bottom": "blue"}
    told = {key: message["file"][key] for key in ("name", "width", "height")}
    assert told == {"name": "IMG_1.jpg", "width": 800, "height": 1600}


def test_as_a_file_it_goes_unchanged_and_that_is_said(open_tab, eve: Fellow) -> None:
    tab = ready(open_tab())
    photo = with_place(jpeg(tab, 200, 100), orientation=6)
    choose(tab, ("IMG_1.JPG", "image/jpeg", photo))
    tab.page.check("#attached input")
    tab.see("#attached", "such as the place where it was taken")
    send(tab)

    message = arrives(eve)
    assert served(tab.server, message) == photo
    assert (message["file"]["width"], message["file"]["height"]) == (100, 200)


def test_what_can_be_seen_through_stays_so(open_tab, eve: Fellow) -> None:
    tab = ready(open_tab())
    url: str = tab.page.evaluate(
        """() => {
            const canvas = Object.assign(document.createElement("canvas"), { width: 9, height: 9 });
            canvas.getContext("2d").fillRect(0, 0, 4, 4);
            return canvas.toDataURL();
        }"""
    )
    choose(tab, ("logo.png", "image/png", base64.b64decode(url.partition(",")[2])))
    send(tab)
    assert arrives(eve)["file"]["type"] == "image/png"


def test_what_moves_goes_as_it_is(open_tab, eve: Fellow) -> None:
    tab = ready(open_tab())
    gif = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
    choose(tab, ("dance.gif", "image/gif", gif))
    tab.see("#attached", "May move, so it goes unchanged")
    send(tab)
    message = arrives(eve)
    assert served(tab.server, message) == gif
    assert message["file"]["type"] == "image/gif"


def test_where_the_canvas_lies_the_picture_goes_as_it_is_and_that_is_said(
    open_tab, eve: Fellow
) -> None:
    tab = ready(open_tab(fresh=True))
    tab.page.evaluate(
        """() => {
            CanvasRenderingContext2D.prototype.getImageData = (x, y, width, height) =>
                new ImageData(new Uint8ClampedArray(4 * width * height).fill(255), width, height);
        }"""
    )
    data = png(30, 20)
    choose(tab, ("image.png", "image/png", data))
    tab.see("#attached", "This browser lets the page make no picture smaller")
    expect(tab.page.locator("#attached input")).to_have_count(0)
    send(tab)
    assert served(tab.server, arrives(eve)) == data


def test_a_drawing_with_a_script_is_a_file_from_the_start(open_tab, eve: Fellow) -> None:
    tab = ready(open_tab())
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>window.hacked = 1</script></svg>'
    choose(tab, ("logo.svg", "image/svg+xml", svg))
    expect(tab.page.locator("#attached img")).to_have_count(0)
    send(tab)
    message = arrives(eve)
    assert served(tab.server, message) == svg
    tab.see("#list .card", "logo.svg")
    assert tab.page.evaluate("window.hacked") is None


# -- on its way ------------------------------------------------------------------------------------


def test_cancel_ends_it_and_the_words_are_in_the_box_again(open_tab, eve: Fellow) -> None:
    tab = ready(open_tab())
    line = Slow(tab)
    choose(tab, ("large.bin", "", bytes(3_000_000)))
    send(tab, "It is large")
    under_way(tab)
    tab.see("#pending .upload", "Sending:")
    assert tab.page.input_value("#body") == ""

    tab.page.click("#pending .upload button")

    wait_for(lambda: tab.pending().count() == 0, "nothing on its way")
    assert tab.page.input_value("#body") == "It is large"
    assert tab.page.evaluate("document.activeElement.id") == "body"
    line.set(bytes_a_second=-1)
    send(tab)
    assert "file" not in arrives(eve)


def test_where_the_line_dies_in_the_middle_it_goes_again_whole(
    open_tab: Callable[..., Tab], page_server: Running, eve: Fellow
) -> None:
    data = EVERYTHING * 200
    with cable_to(page_server) as wire:
        tab = ready(open_tab(server=wire))
        line = Slow(tab)
        choose(tab, ("large.bin", "", data))
        send(tab, "It is large")
        under_way(tab)

        wire.cut()
        tab.see("#pending .upload", "it begins again")
        tab.say("And some words")
        line.set(bytes_a_second=-1)
        wire.mend()

        got = [arrives(eve), arrives(eve)]
        assert {one["body"] for one in got} == {"It is large", "And some words"}
        (message,) = (one for one in got if "file" in one)
        assert served(page_server, message) == data
        wait_for(lambda: tab.pending().count() == 0, "nothing on its way")
        keys: str = tab.page.evaluate("Object.keys(localStorage).join()")
        assert "outbox" not in keys
        assert "draft" not in keys


def test_words_pass_by_a_file_that_is_on_its_way(open_tab, eve: Fellow) -> None:
    tab = ready(open_tab())
    line = Slow(tab)
    choose(tab, ("large.bin", "", bytes(2_000_000)))
    send(tab, "It is large")
    under_way(tab)
    tab.say("And some words")
    assert arrives(eve)["body"] == "And some words"
    line.set(bytes_a_second=-1)
    assert arrives(eve)["body"] == "It is large"


def test_a_reloaded_page_has_lost_the_file_but_not_the_words(open_tab, eve: Fellow) -> None:
    tab = ready(open_tab())
    Slow(tab)
    choose(tab, ("large.bin", "", bytes(3_000_000)))
    send(tab, "It is large")
    under_way(tab)

    tab.page.reload()

    tab.see("#pending .reason", "Its file went with the page.")
    tab.page.click("#pending .retry")
    tab.see("#notice", "Choose it once more")
    tab.page.click("#pending .edit")
    assert tab.page.input_value("#body") == "It is large"


# -- what the server does not want -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (413, "too-large", "The file is too large for this server."),
        (507, "no-space", "There is no space left for files."),
        (429, "too-many-files", "You have sent many files in a short time."),
        (404, "no-files", "Files and pictures cannot be sent here."),
        (403, "muted", "A host has asked you to be quiet."),
        (400, "unheard-of", "In English."),
    ],
)
def test_a_refusal_is_put_into_words_and_all_can_be_sent_again(
    open_tab, eve: Fellow, status: int, code: str, words: str
) -> None:
    tab = ready(open_tab())
    answer_with(tab, status, code)
    choose(tab, ("a.txt", "text/plain", EVERYTHING))
    send(tab, "Read this")
    tab.see("#pending .reason", f"Not sent: {words}")
    tab.page.click("#pending .edit")
    assert tab.page.input_value("#body") == "Read this"
    tab.see("#attached .file-name", "a.txt")
    expect(tab.pending()).to_have_count(0)  # the next one is another
    send(tab)
    tab.see("#pending .reason", words)

    tab.page.unroute_all()
    tab.page.click("#pending .retry")

    message = arrives(eve)
    assert message["body"] == "Read this"
    assert served(tab.server, message) == EVERYTHING


def test_a_refusal_is_put_into_german(open_tab) -> None:
    tab = ready(open_tab(locale="de-DE"))
    answer_with(tab, 507, "no-space")
    choose_label = tab.page.get_attribute("#clip", "aria-label")
    assert choose_label == "Bild oder Datei hinzufügen"
    bring(tab, "paste", ("bild.png", "image/png", png(30, 20)))
    wait_for(lambda: tab.page.locator("#attached img").count() == 1, "the picture")
    tab.see("#attached", "Als Datei senden")
    send(tab, "Schau")
    tab.see("#pending .reason", "Für Dateien ist kein Platz mehr.")


def test_a_server_that_has_no_space_says_so_itself(open_tab, tmp_path: Path) -> None:
    """Before it has read the file: so this is no line that dies."""
    with serving(tmp_path, history="memory:", filesBytes=1_000_000, leaveGrace=0) as server:
        tab = ready(open_tab(server=server))
        choose(tab, ("large.bin", "", bytes(9_000_000)))
        send(tab, "It is large")
        tab.see("#pending .reason", "There is no space left for files.")


def test_what_is_too_large_or_empty_is_not_even_tried(open_tab, tmp_path: Path) -> None:
    with serving(tmp_path, history="memory:", maxFileBytes=5_000, leaveGrace=0) as server:
        tab = ready(open_tab(server=server))
        tab.page.fill("#body", "Half a thought")
        pick(tab, ("a.bin", "", bytes(5_001)))
        tab.see("#notice", "a.bin is too large: 5 kB at most can be sent here.")
        pick(tab, ("b.bin", "", b""))
        tab.see("#notice", "b.bin is empty.")
        expect(tab.page.locator("#attached")).to_have_count(0)
        assert tab.page.input_value("#body") == "Half a thought"
        photo = with_place(jpeg(tab, 60, 30), 1)
        photo += bytes(6_000)  # made smaller, it fits; as it is, it does not
        choose(tab, ("a.jpg", "image/jpeg", photo))
        tab.page.click("#attached input")
        tab.see("#notice", "a.jpg is too large")
        assert not tab.page.is_checked("#attached input")


def test_where_there_are_no_files_there_is_no_button(open_tab, tmp_path: Path) -> None:
    with serving(tmp_path, history="memory:", filesBytes=0, leaveGrace=0) as server:
        tab = open_tab(server=server)
        offer(tab, "drop", ("a.txt", "text/plain", b"x"))
        tab.see("#notice", "Files and pictures cannot be sent here.")
        expect(tab.page.locator("#clip")).to_have_count(0)


def test_whoever_waits_for_approval_sends_pictures_too(open_tab, eve: Fellow) -> None:
    """Those who approve see them once they want to."""
    eve.tell("Welcome")
    eve.wants("rules", speak="approval")
    tab = ready(open_tab())
    bring(tab, "paste", ("image.png", "image/png", png(30, 20)))
    send(tab, "Look")
    wait_for(lambda: tab.page.locator("#pending [data-state=held]").count() == 1, "it waits")
    held = eve.hear_notice("held")

    eve.wants("approve", id=held["id"])

    drawn(tab)
    assert tab.bodies()[-1] == "Look"


def test_behind_a_door_files_are_sent_as_well(open_tab, eve: Fellow, room: str) -> None:
    eve.tell("Welcome")
    eve.wants("rules", door="code", code="open sesame")
    tab = ready(open_tab(path=f"/rooms/{room}#key=open%20sesame"))
    bring(tab, "paste", ("image.png", "image/png", png(30, 20)))
    send(tab, "Look")
    assert arrives(eve)["body"] == "Look"
    drawn(tab)
    assert tab.complaints == []


def test_where_a_host_forbids_files_the_button_is_gone_and_the_reason_said(
    open_tab, eve: Fellow
) -> None:
    tab = ready(open_tab())
    tab.page.focus("#clip")
    eve.tell("Welcome")

    eve.wants("rules", files="hosts")

    wait_for(lambda: tab.page.locator("#clip").count() == 0, "no button")
    assert tab.page.evaluate("document.activeElement.id") == "body"
    offer(tab, "drop", ("a.txt", "text/plain", b"x"))
    tab.see("#notice", "In this room, only hosts send files and pictures.")
    eve.wants("rules", files="nobody")
    eve.tell("Really")
    tab.hear("Really")
    offer(tab, "paste", ("a.png", "image/png", png(5, 5)))
    tab.see("#notice", "In this room, files and pictures are not sent")
    expect(tab.page.locator("#attached")).to_have_count(0)
    eve.wants("rules", files="everybody")
    ready(tab)
    choose(tab, ("a.txt", "text/plain", b"x"))
    send(tab)
    assert arrives(eve)["file"]["name"] == "a.txt"


def test_whoever_comes_while_only_hosts_send_files_gets_the_button_as_a_host(
    open_tab, eve: Fellow
) -> None:
    eve.tell("Welcome")
    eve.wants("rules", files="hosts")
    tab = open_tab()
    offer(tab, "drop", ("a.txt", "text/plain", b"x"))  # loads what there is to load
    tab.see("#notice", "In this room, only hosts send files and pictures.")
    expect(tab.page.locator("#clip")).to_have_count(0)
    me = eve.hear_notice("joined")["userId"]

    eve.wants("makeHost", userId=me)

    ready(tab)


def test_what_was_chosen_stays_where_files_are_forbidden_meanwhile(open_tab, eve: Fellow) -> None:
    tab = ready(open_tab())
    choose(tab, ("a.txt", "text/plain", b"x"))
    eve.tell("Welcome")

    eve.wants("rules", files="nobody")

    tab.see("#notice", "In this room, files and pictures are not sent")
    send(tab, "Read this")
    tab.see("#pending .reason", "no files are sent in this room")
    eve.wants("rules", files="everybody")
    ready(tab)
    tab.page.click("#pending .retry")
    assert arrives(eve)["body"] == "Read this"


def test_the_browser_asks_before_an_upload_is_left_and_else_does_not(open_tab, eve: Fellow) -> None:
    tab = ready(open_tab(fresh=True))
    line = Slow(tab)
    choose(tab, ("large.bin", "", bytes(3_000_000)))
    send(tab, "It is large")
    under_way(tab)

    with tab.page.expect_event("dialog") as dialog:
        tab.page.evaluate("setTimeout(() => location.reload())")

    assert dialog.value.type == "beforeunload"
    dialog.value.dismiss()
    line.set(bytes_a_second=-1)
    assert arrives(eve)["body"] == "It is large"
    wait_for(lambda: tab.pending().count() == 0, "nothing on its way")
    asked: list[Dialog] = []
    tab.page.on("dialog", lambda one: asked.append(one))
    tab.page.reload()
    tab.wait_for_state("connected")
    assert asked == []


@pytest.mark.parametrize("viewport", [None, PHONE])
def test_axe_finds_nothing_where_files_are_sent(open_tab, viewport) -> None:
    tab = ready(open_tab(**({"viewport": viewport} if viewport else {})))
    choose(
        tab,
        ("garden.png", "image/png", png(640, 480)),
        ("A name as long as files have it, which may be rather long.txt", "text/plain", b"x"),
    )
    tab.page.check("#attached input")
    assert faults_by_day_and_night(tab) == []
    answer_with(tab, 507, "no-space")
    send(tab, "Look")
    wait_for(lambda: len(tab.texts("#pending .reason")) == 2, "both refused")
    assert faults_by_day_and_night(tab) == []


def test_nothing_moves_when_the_button_comes(open_tab: Callable[..., Tab]) -> None:
    tab = open_tab()
    before = tab.page.locator("#body").bounding_box()
    ready(tab)
    wait_for(lambda: tab.page.evaluate("document.styleSheets.length > 1"), "its styles")
    assert tab.page.locator("#body").bounding_box() == before
    box = tab.page.locator("#clip").bounding_box()
    assert before and box
    assert before["x"] < box["x"]
    assert box["x"] + box["width"] < before["x"] + before["width"]
