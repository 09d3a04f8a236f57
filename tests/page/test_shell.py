"""What is around the conversation: the top, rooms and people, panels, the empty room."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.support.browser import PHONE, WIDE, Tab
from tests.support.deadline import wait_for
from tests.support.server_process import Running, serving
from tests.support.typed_client import TypedClient

pytestmark = pytest.mark.takes(seconds=32)

TOUCH: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True}


# -- fingers ---------------------------------------------------------------------------------

LOW = """() => [...document.querySelectorAll("button, select, input:not([type=checkbox]), .check")]
    .filter((node) => node.checkVisibility() && node.getBoundingClientRect().height < 44)
    .map((node) => node.id || node.innerText)"""


def test_a_finger_finds_all_controls_high_enough(open_tab) -> None:
    """44 pixels, as Apple's guidelines and WCAG's success criterion 2.5.5 want them."""
    tab = open_tab(None, **TOUCH)
    tab.page.wait_for_selector("#name-dialog[open]")
    assert tab.page.evaluate(LOW) == []

    tab.page.fill("#name", "Ann")
    tab.page.tap("#name-submit")
    tab.wait_for_state("connected")
    tab.page.fill("#body", "word " * 600)
    tab.page.tap("#send")
    tab.page.wait_for_selector(".more")
    assert tab.page.evaluate(LOW) == []

    tab.page.tap("#menu")
    tab.page.tap("#open-settings")
    tab.page.wait_for_selector("#settings .check")
    assert tab.page.evaluate(LOW) == []


# -- an empty room ---------------------------------------------------------------------------


def test_an_empty_room_invites_others_until_something_is_said(open_tab, room: str) -> None:
    ann = open_tab("Ann")
    ann.see("#empty-invite", "Invite others")
    ann.see("#empty-invite .address", f"/rooms/{room}")
    bob = open_tab("Bob")
    ann.see(".note.people", "came")
    expect(ann.page.locator("#empty-invite .address")).to_be_visible()
    bob.see("#empty-invite", "Invite others")

    bob.say("hello")

    ann.hear("hello")
    expect(ann.page.locator("#empty")).to_be_hidden()
    expect(bob.page.locator("#empty")).to_be_hidden()


def test_an_empty_room_has_a_code_where_others_can_come(browser, tmp_path: Path) -> None:
    with serving(tmp_path, history="memory:", hostName="0.0.0.0") as server:
        tab = Tab(browser, server)

        code = tab.page.locator("#empty-invite .code")
        wait_for(lambda: code.evaluate("image => image.naturalWidth") > 0, "the picture")
        tab.close()


def test_a_room_in_which_something_was_said_does_not_load_the_invitation(open_tab) -> None:
    tab = open_tab()
    tab.say("hello")
    tab.hear("hello")
    tab.page.reload()
    tab.hear("hello")

    expect(tab.page.locator("#empty")).to_be_hidden()
    expect(tab.page.locator("#empty-invite > *")).to_have_count(0)


def test_the_empty_room_begins_at_its_beginning_where_little_fits(open_tab) -> None:
    tab = open_tab(viewport={"width": 320, "height": 480})
    tab.see("#empty-invite", "Invite others")

    tab.page.locator("#empty b").wait_for()
    heading, top = (tab.page.locator(part).bounding_box() for part in ("#empty b", ".top"))
    assert heading and top and heading["y"] >= top["y"] + top["height"]
    expect(tab.page.locator("#newer")).to_be_hidden()


def test_what_waits_to_be_sent_takes_the_place_of_the_invitation(open_tab) -> None:
    tab = open_tab()
    tab.see("#empty-invite", "Invite others")
    tab.set_offline(True)
    tab.wait_for_state("waiting")

    tab.say("hello")

    tab.page.locator(".pending").wait_for()
    expect(tab.page.locator("#empty")).to_be_hidden()


# -- the top ---------------------------------------------------------------------------------


def test_inviting_is_a_word_where_there_is_room(open_tab) -> None:
    tab = open_tab()
    word = tab.page.locator("#open-invite span")
    widths = {}
    for width in (1280, 390):
        tab.page.set_viewport_size({"width": width, "height": 800})
        box = word.bounding_box()
        widths[width] = box and box["width"]

    assert widths[1280] > 20
    assert widths[390] == 1
    expect(tab.page.get_by_role("button", name="Invite")).to_have_count(1)  # also without the word


@pytest.mark.parametrize("name", ["Küche", "a.b"])
def test_the_whole_conversation_can_be_printed_and_saved(open_tab, name: str) -> None:
    tab = open_tab(path=f"/rooms/{name}")
    tab.page.click("#open-more")
    links = {
        text: tab.page.get_by_role("link", name=text)
        for text in ("Print the whole conversation", "Save it as a file")
    }

    found = [link.evaluate("link => link.pathname + link.search") for link in links.values()]
    path = tab.page.evaluate("name => `/rooms/${encodeURIComponent(name)}/transcript`", name)
    assert found == [path, f"{path}?download"]
    assert links["Save it as a file"].get_attribute("download") is not None
    assert links["Print the whole conversation"].get_attribute("target") == "_blank"


def test_a_room_of_dots_has_no_transcript_whose_address_would_be_another_one(open_tab) -> None:
    tab = open_tab(path="/?room=..")
    tab.page.click("#open-more")

    expect(tab.page.locator("#open-help")).to_be_visible()
    expect(tab.page.locator("#print-all")).to_be_hidden()
    expect(tab.page.locator("#save-all")).to_be_hidden()


# -- rooms and people ------------------------------------------------------------------------


def with_rooms(tab: Tab, room: str, count: int, unread: int = 0) -> None:
    """Load the page where there are so many other rooms, of which as many have news."""
    others = [{"name": f"{room}-{at:02}", "last": f"{at + 2}-a"} for at in range(count)]
    tab.page.route("**/api/rooms", lambda route: route.fulfill(json={"rooms": others}))
    tab.page.evaluate(
        "names => names.forEach((name) => { localStorage[`chat:read:${name}`] = '\"1-a\"' })",
        [one["name"] for one in others[:unread]],
    )
    tab.page.reload()
    tab.page.locator(".room").nth(count).wait_for(state="attached")


def is_in_sight(tab: Tab, part: str, height: int) -> bool:
    box = tab.page.locator(part).first.bounding_box()
    return box is not None and 0 <= box["y"] <= height - box["height"]


def test_people_are_in_sight_however_many_rooms_there_are(open_tab, room: str) -> None:
    tab = open_tab()
    with_rooms(tab, room, 30)

    for size in (WIDE, PHONE):
        tab.page.set_viewport_size(size)
        if size == PHONE:
            tab.page.click("#menu")
        for part in ("#people li", "#room-name", ".room[aria-current]", "#rename"):
            wait_for(partial(is_in_sight, tab, part, size["height"]), f"{part} in sight")


def test_where_little_fits_rooms_and_people_are_one_list(open_tab, room: str) -> None:
    tab = open_tab(viewport={"width": 320, "height": 256})
    with_rooms(tab, room, 30)
    tab.page.click("#menu")
    boxes = [tab.page.locator(f"#{part}").bounding_box() for part in ("rooms", "people")]
    assert boxes[0] and boxes[1]
    assert boxes[0]["height"] > 256
    assert boxes[1]["y"] > boxes[0]["y"] + boxes[0]["height"]

    tab.page.locator("#open-settings").scroll_into_view_if_needed()

    expect(tab.page.locator("#close-side")).to_be_visible()
    tab.page.click("#close-side")
    expect(tab.page.locator("#side")).to_be_hidden()


def test_the_document_never_scrolls(open_tab, room: str) -> None:
    tab = open_tab()
    with_rooms(tab, room, 40, unread=40)
    tab.page.locator(".room .unseen").nth(39).wait_for(state="attached")
    tab.page.focus(".skip")
    tab.page.keyboard.press("Enter")

    for size in (WIDE, {"width": 320, "height": 256}):
        tab.page.set_viewport_size(size)
        height = tab.page.evaluate("document.documentElement.scrollHeight")
        assert height <= size["height"]
        assert tab.page.evaluate("[scrollX, scrollY]") == [0, 0]


def test_what_is_unread_in_other_rooms_is_marked_on_a_phone(open_tab, room: str) -> None:
    tab = open_tab(**TOUCH)
    expect(tab.page.locator("#elsewhere")).to_be_hidden()
    title = tab.page.title()

    with_rooms(tab, room, 3, unread=2)

    tab.page.locator("#elsewhere").wait_for()
    assert tab.page.get_attribute("#menu", "aria-label") == "Rooms and people, 3 unread"
    assert tab.page.title() == f"• {title}"
    assert "icon-unread.svg" in (tab.page.get_attribute("#icon", "href") or "")

    for at in range(2):  # read in another tab
        tab.page.evaluate(
            """([key, id]) => {
                localStorage[key] = JSON.stringify(id);
                dispatchEvent(new StorageEvent("storage", { key }));
            }""",
            [f"chat:read:{room}-{at:02}", f"{at + 2}-a"],
        )

    tab.page.locator("#elsewhere").wait_for(state="hidden")
    assert tab.page.title() == title
    assert tab.page.get_attribute("#menu", "aria-label") == "Rooms and people"


def test_what_is_said_in_another_room_marks_the_menu_at_once(
    open_tab, page_server: Running, room: str
) -> None:
    with page_server.join("Bob", f"{room}-b", max_queue=None) as bob:
        bob.say("read")
        tab = open_tab(path=f"/rooms/{room}-b", **TOUCH)
        tab.hear("read")
        tab.page.goto(tab.url.removesuffix("-b"))
        tab.wait_for_state("connected")

        bob.say("Ann, come over")

        tab.page.locator("#elsewhere").wait_for()


def test_a_name_that_is_no_rooms_is_offered_as_one_that_is(open_tab, room: str) -> None:
    tab = open_tab()
    for typed, offered in (
        (f"  {room} Class 5b", f"{room}-Class-5b"),
        (f"{room}/a & b!", f"{room}-a-b"),
        (f"{room}-{'long' * 20}", f"{room}-{'long' * 20}"[:64]),
    ):
        tab.page.fill("#room-name", typed)
        tab.page.press("#room-name", "Enter")
        tab.see("#room-why", "How about")
        assert tab.page.input_value("#room-name") == offered

    tab.page.fill("#room-name", f"{room} Class 5b")
    tab.page.press("#room-name", "Enter")
    tab.page.press("#room-name", "Enter")

    tab.page.wait_for_url(f"**/rooms/{room}-Class-5b")


def test_a_room_that_differs_in_case_alone_is_offered_as_the_one_that_is_there(
    open_tab, room: str
) -> None:
    tab = open_tab()
    tab.page.fill("#room-name", room.upper())
    tab.page.press("#room-name", "Enter")
    tab.see("#room-why", f"There is a room \u2068{room}\u2069.")
    assert tab.page.input_value("#room-name") == room

    tab.page.fill("#room-name", room.upper())  # and it is meant so
    tab.page.press("#room-name", "Enter")

    tab.page.wait_for_url(f"**/rooms/{room.upper()}")


def test_a_name_that_is_taken_wraps_where_little_fits(open_tab) -> None:
    name = "W" * 45
    open_tab(name)
    other = open_tab(None, **TOUCH)
    other.page.fill("#name", name)
    other.page.keyboard.press("Enter")
    other.see("#name-why", "Somebody here is called")

    for part in ("#name-dialog", "#name-why"):
        assert other.page.locator(part).evaluate("node => node.scrollWidth <= node.clientWidth")
    box = other.page.locator("#name-why").bounding_box()
    assert box and box["x"] + box["width"] <= PHONE["width"]
    other.page.keyboard.press("Enter")
    other.wait_for_state("connected")


def test_a_note_about_a_long_name_wraps(open_tab) -> None:
    ann = open_tab("Ann", **TOUCH)
    open_tab("W" * 45)
    ann.see(".note.people", "came")

    assert ann.page.locator(".note.people").evaluate("node => node.scrollWidth <= node.clientWidth")


def test_names_and_rooms_are_left_alone_by_translations(open_tab) -> None:
    tab = open_tab("Rose")
    tab.see("#people", "Rose")

    for part in ("#room", ".room bdi", "#people .name", "#my-name"):
        assert not tab.page.locator(part).first.evaluate("node => node.translate"), part


# -- panels ----------------------------------------------------------------------------------


def test_the_drawer_has_a_button_that_closes_it(open_tab) -> None:
    tab = open_tab(**TOUCH)
    tab.page.tap("#menu")
    tab.page.tap("#close-side")

    expect(tab.page.locator("#side")).to_be_hidden()
    assert tab.page.evaluate("document.activeElement.id") == "menu"


@pytest.fixture
def without_popovers(open_tab) -> Tab:
    """A phone whose browser has never heard of them."""
    tab: Tab = open_tab(**TOUCH)

    def forget(route: Route) -> None:
        reply = route.fetch()
        body = reply.text().replace("popover", "unheardof")
        route.fulfill(body=body, content_type=reply.headers["content-type"])

    for part in ("chat.css", "chat.js", "keys.js", "panels.js"):
        tab.page.route(f"**/{part}", forget)
    # The page itself has to come from the server, else Chromium lets it talk to none.
    tab.page.add_init_script(
        """new MutationObserver(() => {
            for (const name of ["", "target", "targetaction"]) {
                for (const node of document.querySelectorAll(`[popover${name}]`)) {
                    node.setAttribute(`unheardof${name}`, node.getAttribute(`popover${name}`));
                    node.removeAttribute(`popover${name}`);
                }
            }
        }).observe(document, { childList: true, subtree: true })"""
    )
    tab.page.reload()
    tab.wait_for_state("connected")
    return tab


def test_panels_open_and_close_where_popovers_are_unknown(without_popovers: Tab) -> None:
    tab = without_popovers
    side, settings, more = (tab.page.locator(part) for part in ("#side", "#settings", "#more"))
    assert [part.is_visible() for part in (side, settings, more)] == [False, False, False]

    tab.page.tap("#menu")
    side.wait_for()
    tab.page.tap("#close-side")
    side.wait_for(state="hidden")

    tab.page.tap("#menu")
    tab.page.tap("#open-settings")
    settings.wait_for()
    tab.page.select_option("#theme", "dark")
    tab.page.keyboard.press("Escape")
    settings.wait_for(state="hidden")
    side.wait_for(state="hidden")

    tab.page.tap("#open-more")
    more.wait_for()
    tab.page.tap("#room")
    more.wait_for(state="hidden")
    tab.page.tap("#open-more")
    tab.page.tap("#open-help")
    tab.see("#keys", "Invite others")
    assert tab.complaints == []


def test_rooms_and_people_stand_where_they_should_without_popovers(without_popovers: Tab) -> None:
    without_popovers.page.set_viewport_size(WIDE)

    expect(without_popovers.page.locator("#people")).to_be_visible()
    expect(without_popovers.page.locator("#close-side")).to_be_hidden()


@pytest.mark.parametrize("height", [480, 256])
def test_the_settings_can_be_reached_where_little_fits(open_tab, height: int) -> None:
    tab = open_tab(viewport={"width": 320, "height": height})
    tab.page.click("#menu")
    tab.page.locator("#open-settings").click()
    tab.page.locator("#sound").wait_for()

    box = tab.page.locator("#settings").bounding_box()
    assert box and box["y"] >= 0 and box["y"] + box["height"] <= height
    for part in ("#sound", "#theme"):
        control = tab.page.locator(part)
        control.scroll_into_view_if_needed()
        place = control.bounding_box()
        assert place and 0 <= place["y"] <= height - place["height"], part
    size = tab.page.locator("#theme").evaluate("node => getComputedStyle(node).fontSize")
    assert float(size.removesuffix("px")) >= 16  # else iOS zooms in


def test_a_permission_that_was_taken_away_is_reported_in_the_settings(open_tab) -> None:
    tab = open_tab()
    tab.page.evaluate("localStorage['chat:settings'] = JSON.stringify({ notify: 'all' })")
    tab.page.reload()
    tab.page.click("#open-settings")

    tab.see("#notify-why", "does not allow notifications")
    tab.page.keyboard.press("Escape")

    tab.page.evaluate(
        """() => {
            Object.defineProperty(Notification, "permission", { get: () => "granted" });
        }"""
    )
    tab.page.click("#open-settings")
    wait_for(lambda: tab.texts("#notify-why") == [""], "nothing to report")


def test_a_second_notification_calls_like_the_first(open_tab, bob) -> None:
    ann = open_tab("Ann")
    ann.page.evaluate(
        """() => {
            window.shown = [];
            window.Notification = class {
                static permission = "granted";
                static requestPermission = async () => "granted";
                constructor(title, options) { shown.push(options) }
            };
        }"""
    )
    ann.page.click("#open-settings")
    ann.page.select_option("#notify", "all")
    ann.page.keyboard.press("Escape")
    ann.hide()

    bob.say("one")
    bob.say("two")

    wait_for(lambda: len(ann.page.evaluate("shown")) == 2, "two notifications")
    assert [one["renotify"] for one in ann.page.evaluate("shown")] == [True, True]
    assert all(one["tag"] for one in ann.page.evaluate("shown"))  # renotify is an error without


# -- what the page does not do ---------------------------------------------------------------


def test_a_file_that_is_dropped_leaves_the_page_where_it_is(open_tab) -> None:
    tab = open_tab()

    kept = tab.page.evaluate(
        """() => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File(["x"], "picture.png", { type: "image/png" }));
            const drag = (type) => !document.getElementById("scroller").dispatchEvent(
                new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
            return [drag("dragover"), drag("drop")];
        }"""
    )

    assert kept == [True, True]  # else the browser would open it in the page's place
    tab.see("#attached", "picture.png")


def test_a_picture_that_is_pasted_is_taken_and_text_is_pasted(open_tab) -> None:
    tab = open_tab()
    paste = """(text) => {
        const clipboardData = new DataTransfer();
        clipboardData.items.add(new File(["x"], "picture.png", { type: "image/png" }));
        if (text) clipboardData.setData("text/plain", text);
        return !document.getElementById("body").dispatchEvent(
            new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    }"""

    assert tab.page.evaluate(paste, "a cell of a table, of which there is a picture") is False
    expect(tab.page.locator("#attached")).to_have_count(0)
    assert tab.page.evaluate(paste, "") is True
    tab.see("#attached", "picture.png")


def test_offline_the_page_waits_for_the_network_and_says_so(open_tab) -> None:
    tab = open_tab()
    tab.set_offline(True)
    tab.wait_for_state("waiting")

    tab.see("#status", "Offline. Waiting for the network.")
    assert tab.texts("#countdown") == [""]
    tab.page.evaluate(
        """() => {
            window.sockets = 0;
            window.WebSocket = class extends WebSocket {
                constructor(...how) { super(...how); sockets += 1; }
            };
        }"""
    )
    tab.set_offline(False)

    tab.wait_for_state("connected")
    assert tab.page.evaluate("sockets") == 1


def test_on_a_phone_nothing_but_the_box_opens_the_keyboard(open_tab, room: str) -> None:
    tab = open_tab(**TOUCH)
    failed = {"cmid": "a" * 16, "body": "refused", "timestamp": "", "at": 1, "state": "failed"}
    tab.page.evaluate(
        "([key, item]) => localStorage[key] = JSON.stringify(item)",
        [f"chat:outbox:{room}:{failed['cmid']}", failed],
    )
    tab.page.reload()
    tab.wait_for_state("connected")

    tab.page.tap("#pending .discard")

    wait_for(lambda: tab.pending().count() == 0, "nothing pending")
    assert tab.page.evaluate("document.activeElement.id") != "body"


def test_german_readers_load_no_english(open_tab) -> None:
    tab = open_tab(locale="de", fresh=True)

    loaded = tab.page.evaluate(
        "performance.getEntriesByType('resource').map(({ name }) => name.split('/').pop())"
    )
    assert loaded.count("german.js") == 1
    assert "english.js" not in loaded


def test_the_rest_of_the_people_can_be_scrolled_to_by_keys(
    open_tab, page_server: Running, room: str
) -> None:
    tab = open_tab()
    with contextlib.ExitStack() as others:
        for at in range(30):
            client = TypedClient(page_server.port, f"Person {at:02}", room)
            others.callback(client.close)
            client.connect_and_catch_up()
        wait_for(lambda: len(tab.texts("#people .name")) == 31, "all of them")
        tab.page.focus("#people")
        tab.page.keyboard.press("End")

        people = tab.page.locator("#people")
        wait_for(lambda: people.evaluate("list => list.scrollTop") > 100, "the last of them")
