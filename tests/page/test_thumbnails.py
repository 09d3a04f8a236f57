"""The page in a real Chromium: thumbnails, which it makes, and shows in place of pictures."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.axe import faults_by_day_and_night
from tests.support.browser import PHONE, Tab
from tests.support.deadline import wait_for
from tests.support.fellow import Fellow
from tests.support.pictures import GPS, png, tell_with_file, upload, with_place
from tests.support.sending_files import arrives, choose, drawn, jpeg, ready, seen, send, served
from tests.support.server_process import Running, serving

pytestmark = pytest.mark.takes(seconds=25)

ROOM_MAKERS = "everyone"
"""Of the ``page_server``: see conftest.py."""

MOST_BYTES = 64 * 1024
GIF = (
    b"GIF89a\x00\x04\x00\x04\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0"
    b"\x02\x01D\0;"
)
"""Of 1,024 by 1,024 pixels, most of which are empty."""


def thumbnail(server: Running, message: dict[str, Any]) -> bytes:
    """What the server has for it: the picture itself, where there is none."""
    path = f"/api/rooms/{message['room']}/files/{message['file']['id']}/thumbnail"
    status, _, body = server.get(path)
    assert status == 200
    return bytes(body)


def requests(tab: Tab, kind: str) -> list[str]:
    """The last part of what it has asked for: by ``fetch``, or for an ``img``."""
    found: list[str] = tab.page.evaluate(
        """kind => performance.getEntriesByType("resource")
            .filter(({ initiatorType, name }) => initiatorType === kind && name.includes("/files/"))
            .map(({ name }) => new URL(name).pathname.split("/").at(-1))""",
        kind,
    )
    return found


def large(tab: Tab) -> dict[str, Any]:
    """The picture that is seen as large as the window."""
    found: dict[str, Any] = tab.page.evaluate(
        """() => {
            const image = document.querySelector("#picture-dialog img[src]");
            if (!image) return {};
            const { width, height } = image.getBoundingClientRect();
            const path = new URL(image.src).pathname.split("/").at(-1);
            return { path, pixels: image.naturalWidth, size: [width, height].map(Math.round) };
        }"""
    )
    return found


def transparent(tab: Tab, side: int) -> bytes:
    url: str = tab.page.evaluate(
        """side => {
            const canvas = document.createElement("canvas");
            canvas.width = canvas.height = side;
            const context = canvas.getContext("2d");
            for (let y = 0; y < side; y += 5) {
                context.fillStyle = `hsl(${y} 80% 50%)`;
                context.fillRect(y, y, side / 3, 5);
            }
            return canvas.toDataURL();
        }""",
        side,
    )
    return base64.b64decode(url.partition(",")[2])


def gravel(tab: Tab, side: int) -> bytes:
    """A photo of grey stones, each of five pixels."""
    url: str = tab.page.evaluate(
        """side => {
            const canvas = document.createElement("canvas");
            canvas.width = canvas.height = side;
            const context = canvas.getContext("2d");
            let last = 1;
            for (let at = 0; at < (side / 5) ** 2; at += 1) {
                last = (last * 48271) % 2147483647;
                const grey = 64 + (last % 128);
                context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
                context.fillRect(5 * (at % (side / 5)), 5 * Math.floor(at / (side / 5)), 5, 5);
            }
            return canvas.toDataURL("image/jpeg", 0.95);
        }""",
        side,
    )
    return base64.b64decode(url.partition(",")[2])


# -- made ------------------------------------------------------------------------------------------


def test_a_photo_brings_its_thumbnail_and_that_stands_in_line(open_tab, eve: Fellow) -> None:
    tab = ready(open_tab())
    choose(tab, ("IMG_1.JPG", "image/jpeg", with_place(jpeg(tab, 2_000, 1_000), orientation=6)))
    send(tab, "Here I am")

    message = arrives(eve)

    small, whole = thumbnail(tab.server, message), served(tab.server, message)
    assert len(small) <= min(MOST_BYTES, len(whole) / 2)
    assert seen(tab, small) == {"size": [240, 480], "top": "red", "bottom": "blue"}
    assert seen(tab, whole)["size"] == [800, 1600]
    assert GPS not in small
    assert b"Exif" not in small
    drawn(tab)
    assert requests(tab, "img") == ["thumbnail"]  # and not the picture
    assert tab.complaints == []


def test_the_thumbnail_of_what_can_be_seen_through_can_be_too(open_tab, eve: Fellow) -> None:
    tab = ready(open_tab())
    choose(tab, ("logo.png", "image/png", transparent(tab, 1_500)))
    send(tab)
    message = arrives(eve)
    small = thumbnail(tab.server, message)
    assert small.startswith(b"\x89PNG")
    assert seen(tab, small)["size"] == [480, 480]


def test_what_is_full_of_detail_has_one_of_less_quality(open_tab, eve: Fellow) -> None:
    tab = ready(open_tab())
    choose(tab, ("gravel.jpg", "image/jpeg", gravel(tab, 1_600)))
    send(tab)
    message = arrives(eve)
    small = thumbnail(tab.server, message)
    assert seen(tab, small)["size"] == [480, 480]
    assert 0.5 * MOST_BYTES < len(small) <= MOST_BYTES


@pytest.mark.parametrize("kind", ["as a file", "small", "moves", "no picture"])
def test_there_is_none_of_what_goes_unchanged_or_is_small(open_tab, eve: Fellow, kind: str) -> None:
    tab = ready(open_tab())
    data, name = {
        "as a file": (jpeg(tab, 2_000, 1_000), "a.jpg"),
        "small": (jpeg(tab, 480, 300), "a.jpg"),
        "moves": (GIF, "a.gif"),
        "no picture": (b"x" * 5_000, "a.txt"),
    }[kind]
    kinds = {"jpg": "image/jpeg", "gif": "image/gif", "txt": "text/plain"}
    choose(tab, (name, kinds[name[-3:]], data))
    if kind == "as a file":
        tab.page.check("#attached [type=checkbox]")
    send(tab)

    arrives(eve)

    assert "thumbnail" not in requests(tab, "fetch")
    tab.page.wait_for_selector("#list .file :is(img, .card)")
    assert tab.complaints == []


def test_a_thumbnail_that_does_not_get_through_is_left_out_without_a_word(
    open_tab, eve: Fellow
) -> None:
    tab = ready(open_tab())
    tab.page.route(
        "**/thumbnail",
        lambda route: route.abort() if route.request.method == "PUT" else route.fallback(),
    )
    choose(tab, ("a.jpg", "image/jpeg", jpeg(tab, 2_000, 1_000)))
    send(tab, "Look")

    message = arrives(eve)

    assert message["body"] == "Look"
    drawn(tab)
    assert tab.texts("#notice") == [""]
    expect(tab.pending()).to_have_count(0)
    assert seen(tab, served(tab.server, message))["size"] == [1600, 800]


# -- shown -----------------------------------------------------------------------------------------


def test_where_it_cannot_be_loaded_the_picture_is_shown_itself(open_tab, eve: Fellow) -> None:
    tell_with_file(eve, png(900, 600), "garden.png", "The garden", width=900, height=600)
    tab = open_tab(None)
    tab.page.route("**/thumbnail", lambda route: route.abort())
    tab.page.fill("#name", "Ann")
    tab.page.click("#name-submit")

    drawn(tab)

    wide = "document.querySelector('#list .file img').naturalWidth"
    assert tab.page.evaluate(wide) == 900
    expect(tab.page.locator("#list .file .note")).to_have_count(0)


def test_enlarged_the_thumbnail_is_seen_until_the_picture_has_come(open_tab, eve: Fellow) -> None:
    """In the place that the picture will have."""
    tab = ready(open_tab())
    choose(tab, ("a.jpg", "image/jpeg", jpeg(tab, 1_200, 400)))
    send(tab)
    message = arrives(eve)
    drawn(tab)
    held: list[Any] = []
    tab.page.route(f"**/files/{message['file']['id']}", lambda route: held.append(route))

    tab.page.click("#list .picture")

    wait_for(lambda: large(tab).get("pixels") == 480 and held, "the thumbnail, and the request")
    assert large(tab)["path"] == "thumbnail"
    save = tab.page.get_attribute("#picture-dialog a", "href") or ""
    assert save.endswith(message["file"]["id"])
    before = large(tab)["size"]
    held.pop().continue_()
    wait_for(lambda: large(tab).get("pixels") == 1_200, "the picture")
    assert large(tab)["size"][0] == before[0] == 1_200
    assert tab.complaints == []


def test_a_picture_that_does_not_come_leaves_its_thumbnail_and_is_said(
    open_tab, eve: Fellow
) -> None:
    tab = ready(open_tab())
    choose(tab, ("a.jpg", "image/jpeg", jpeg(tab, 1_200, 400)))
    send(tab)
    message = arrives(eve)
    drawn(tab)
    tab.page.route(f"**/files/{message['file']['id']}", lambda route: route.abort())

    tab.page.click("#list .picture")

    note = tab.page.locator("#picture-dialog .note")
    expect(note.filter(visible=True)).to_have_text("It could not be loaded.")
    wait_for(lambda: large(tab).get("pixels") == 480, "the thumbnail, in its place")
    tab.page.keyboard.press("Escape")
    tab.page.unroute_all()
    tab.page.click("#list .picture")
    wait_for(lambda: large(tab).get("pixels") == 1_200, "the picture")
    expect(note.filter(visible=True)).to_have_count(0)


def test_a_picture_without_one_is_loaded_once(open_tab, eve: Fellow) -> None:
    """And what moves, moves when it is large, and in line."""
    tab = open_tab()
    tell_with_file(eve, GIF, "dance.gif", "Dance", width=1_024, height=1_024)
    drawn(tab)

    tab.page.click("#list .picture")

    wait_for(lambda: large(tab).get("pixels") == 1_024, "the picture")
    assert requests(tab, "img") == ["thumbnail"]


def test_behind_a_door_both_have_a_pass_and_a_new_one_where_it_is_over(
    open_tab, eve: Fellow, room: str
) -> None:
    eve.tell("Welcome")
    eve.wants("rules", door="code", code="open sesame")
    tab = ready(open_tab(path=f"/rooms/{room}#key=open%20sesame"))
    choose(tab, ("a.jpg", "image/jpeg", jpeg(tab, 1_200, 400)))
    send(tab)
    arrives(eve)
    drawn(tab)
    address = tab.page.get_attribute("#list .file img", "src") or ""
    assert "/thumbnail?view=" in address
    asked: list[str] = []

    def refuse_once(route: Any) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:  # as where the pass is over
            route.fulfill(status=403)
        else:
            route.fallback()

    tab.page.route("**/files/*?view=*", refuse_once)

    tab.page.click("#list .picture")

    wait_for(lambda: large(tab).get("pixels") == 1_200, "the picture")
    assert len(asked) == 2


# -- held ------------------------------------------------------------------------------------------


@pytest.fixture
def host(open_tab) -> Tab:
    tab: Tab = open_tab("Ann")
    approves(tab)
    return tab


def approves(tab: Tab) -> None:
    tab.say("Welcome")
    tab.page.click("#manage-room")
    tab.page.check("#speak-approval")
    wait_for(lambda: "".join(tab.texts("#rule")), "the rule")
    tab.page.keyboard.press("Escape")


def hold(bob: Fellow, data: bytes, **pixels: int) -> dict[str, Any]:
    bob.connect_and_catch_up()
    file = upload(bob, data, "mine.png", **pixels)
    bob._send(type="message", cmid="h1", body="Look", file=file["id"], alt="A bridge in the fog")
    return file


@pytest.mark.parametrize("pixels", [{"width": 900, "height": 600}, {"width": 30, "height": 20}, {}])
def test_a_picture_that_waits_is_blurred_until_the_host_wants_to_see_it(
    host: Tab, room: str, pixels: dict[str, int]
) -> None:
    bob = Fellow(host.server.port, "Bob", room)
    file = hold(bob, png(900, 600), **pixels)
    host.see("#waiting", "A message waits for you.")
    host.page.click("#waiting .strong")
    host.see("#waiting-dialog .file button", "Show the picture")
    host.see("#waiting-dialog .fine", "A bridge in the fog")
    veil = "document.querySelector('#waiting-dialog .veiled img')"
    wait_for(lambda: host.page.evaluate(f"{veil}?.naturalWidth > 0"), "what is blurred")
    assert "blur" in host.page.evaluate(f"getComputedStyle({veil}).filter")
    assert host.page.evaluate(f"{veil}.alt") == ""
    assert faults_by_day_and_night(host) == []
    box, button = (
        host.page.locator(f"#waiting-dialog .file{part}").bounding_box() for part in ("", " button")
    )
    assert box and button
    assert box["y"] <= button["y"]
    assert button["y"] + button["height"] <= box["y"] + box["height"]

    host.page.click("#waiting-dialog .file button")

    image = "document.querySelector('#waiting-dialog .picture img')"
    wait_for(lambda: host.page.evaluate(f"{image}?.naturalWidth === 900"), "the picture")
    assert host.page.evaluate(f"getComputedStyle({image}).filter") == "none"
    assert host.page.evaluate(f"{image}.alt") == "A bridge in the fog"
    # What is decided about is the picture, and not what its sender says is a small one.
    address = host.page.evaluate(f"new URL({image}.src).pathname")
    assert address.endswith(f"/files/{file['id']}")
    host.page.keyboard.press("a")
    drawn(host)
    assert host.complaints == []
    bob.close()


def test_a_picture_that_waits_is_there_however_late_what_shows_it_comes(
    open_tab, room: str
) -> None:
    host = open_tab(None)
    late: list[Any] = []
    host.page.route("**/files/pictures.js", lambda route: late.append(route))
    host.page.fill("#name", "Ann")
    host.page.click("#name-submit")
    host.wait_for_state("connected")
    approves(host)
    bob = Fellow(host.server.port, "Bob", room)
    hold(bob, png(900, 600), width=900, height=600)
    host.see("#waiting", "A message waits for you.")
    host.page.click("#waiting .strong")
    host.see("#waiting-dialog .text", "Look")
    wait_for(lambda: late and host.texts("#waiting-dialog .file") == [""], "an empty place")

    for route in late:
        route.continue_()

    host.see("#waiting-dialog .file button", "Show the picture")
    host.page.focus("#waiting-dialog .file button")
    bob._send(type="message", cmid="h2", body="And this")
    host.see("#waiting-dialog .text", "And this")
    assert host.page.evaluate("document.activeElement.closest('.file') !== null")
    bob.close()


def test_in_a_crowd_a_picture_that_waits_is_not_even_loaded(open_tab, tmp_path) -> None:
    settings = {"history": "memory:", "presenceLimit": 1, "leaveGrace": 0}
    with serving(tmp_path, roomMakers="everyone", **settings) as server:
        host = open_tab("Ann", server=server, path="/rooms/hall")
        approves(host)
        bob = Fellow(server.port, "Bob", "hall")
        hold(bob, png(900, 600), width=900, height=600)
        host.see("#waiting", "A message waits for you.")
        host.page.click("#waiting .strong")
        host.see("#waiting-dialog .file button", "Show the picture")
        assert requests(host, "img") == []

        host.page.click("#waiting-dialog .file button")

        is_drawn = "document.querySelector('#waiting-dialog .picture img')?.naturalWidth > 0"
        wait_for(lambda: host.page.evaluate(is_drawn), "the picture")
        bob.close()


@pytest.mark.parametrize("viewport", [None, PHONE])
def test_axe_finds_nothing_where_a_described_picture_is_large(
    open_tab, eve: Fellow, viewport
) -> None:
    tab = ready(open_tab(**({"viewport": viewport} if viewport else {})))
    choose(tab, ("a.jpg", "image/jpeg", jpeg(tab, 1_200, 900)))
    tab.page.fill("#attached textarea", "A long description. " * 40)
    send(tab)
    arrives(eve)
    drawn(tab)
    tab.page.click("#list .picture")
    wait_for(lambda: large(tab).get("pixels") == 1_200, "the picture")
    wait_for(lambda: tab.page.evaluate("document.getAnimations().length === 0"), "all still")
    assert faults_by_day_and_night(tab) == []
    width, height = large(tab)["size"]
    assert width > 150
    assert height > 100
