"""The page among people and rooms: names, who is here, who types, other rooms, attention."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from unicodedata import category

import pytest
from playwright.sync_api import expect

from chatroom.errors import BadRoomName
from chatroom.names import folded, room_name
from tests.support.attention import attend, notified, want_notifications
from tests.support.browser import PHONE, Tab
from tests.support.deadline import wait_for
from tests.support.plain_client import PlainClient
from tests.support.server_process import Running, serving
from tests.support.typed_client import TypedClient

pytestmark = pytest.mark.takes(seconds=40)


def test_the_page_lists_people_not_tabs(open_tab, page_server: Running, room: str) -> None:
    ann, bob = open_tab("Ann"), open_tab("Bob")
    again = Tab(None, page_server, path=f"/rooms/{room}", within=bob)
    again.wait_for_state("connected")

    wait_for(lambda: ann.texts("#people .name") == ["Ann", "Bob"], "two people")
    assert ann.texts("#people li")[0].endswith("(you)")
    assert ann.texts("#count") == ["2"]

    bob.close()
    wait_for(lambda: ann.texts("#people .name") == ["Ann"], "one person")


def test_few_people_have_a_colour_each_also_in_what_they_said_before(
    open_tab, page_server: Running, room: str
) -> None:
    names = [f"Person {at}" for at in range(14)]  # more than there are colours
    for name in names:
        with page_server.join(name, room, max_queue=None) as speaker:
            speaker.say(f"I am {name}")
    ann = open_tab("Ann")
    wait_for(lambda: len(ann.bodies()) == len(names), "what everybody said")
    with contextlib.ExitStack() as others:
        for name in ("Kim", "Lea", *names[:6]):  # the first two would choose the same
            typist(page_server.port, name, room, others)
        wait_for(lambda: len(ann.texts("#people .name")) == 9, "all of them")

        colours = ann.page.evaluate(COLOURS, "#people li")
        assert len(set(colours.values())) == 9
        said = ann.page.evaluate(COLOURS, "#list .message")
        assert [name for name in names[:6] if said[name] != colours[name]] == []


COLOURS = """selector => Object.fromEntries([...document.querySelectorAll(selector)].map(
    (node) => [node.querySelector(".name, .sender").textContent, /hue-\\d+/.exec(node.className)[0]]
))"""


def test_joins_and_leaves_are_one_line(open_tab) -> None:
    ann = open_tab("Ann")
    bob, cleo = open_tab("Bob"), open_tab("Cleo")
    wait_for(lambda: notes(ann) == ["Bob and Cleo came"], "both in one line")
    bob.say("hello")
    ann.hear("hello")
    cleo.close()

    wait_for(lambda: notes(ann) == ["Bob and Cleo came", "Cleo left"], "a line of its own")


def notes(tab: Tab) -> list[str]:
    """What is said of people, without the characters that keep names apart from what is around."""
    return [note.replace("\u2068", "").replace("\u2069", "") for note in tab.texts(".note.people")]


def typing(tab: Tab) -> str:
    return tab.texts("#typing")[0].replace("\u2068", "").replace("\u2069", "")


def typist(port: int, name: str, room: str, until: contextlib.ExitStack) -> Typist:
    """Somebody without a page."""
    someone = Typist(port, name, room)
    until.callback(someone.close)
    someone.connect_and_catch_up()
    return someone


class Typist(TypedClient):
    def type_something(self) -> None:
        self._send(type="typing")


def test_who_types_is_told_until_their_message_comes(open_tab) -> None:
    ann, bob = open_tab("Ann"), open_tab("Bob")
    bob.page.locator("#body").press_sequentially("hel")
    ann.see("#typing", "Bob")
    assert ann.texts("#typing")[0].endswith("is typing…")

    bob.page.keyboard.type("lo")
    bob.page.keyboard.press("Enter")

    ann.hear("hello")
    assert ann.texts("#typing") == [""]


def test_several_who_type_are_named_and_many_are_not(open_tab, page_server, room) -> None:
    ann = open_tab("Ann")
    with contextlib.ExitStack() as others:
        says = {
            "Bob": "Bob is typing…",
            "Cleo": "Bob and Cleo are typing…",
            "Dora": "Bob, Cleo and Dora are typing…",
            "Eve": "Several people are typing…",
        }
        typists = {name: typist(page_server.port, name, room, others) for name in says}
        for name, words in says.items():
            typists[name].type_something()
            wait_for(lambda words=words: typing(ann) == words, words)


def test_a_room_that_only_counts_its_people_says_so_and_names_them_again(
    browser, tmp_path: Path
) -> None:
    with (
        serving(tmp_path, history="memory:", presenceLimit=3, leaveGrace=0) as server,
        contextlib.ExitStack() as others,
    ):
        ann = Tab(browser, server)
        bob, cleo = (typist(server.port, name, "lobby", others) for name in ("Bob", "Cleo"))
        wait_for(lambda: ann.texts("#people .name") == ["Ann", "Bob", "Cleo"], "all by name")

        dora = typist(server.port, "Dora", "lobby", others)
        wait_for(lambda: ann.texts("#people li") == ["Too many to list by name"], "words")
        assert ann.texts("#count") == ["4"]
        ann.page.reload()
        wait_for(lambda: ann.texts("#people li") == ["Too many to list by name"], "words again")

        cleo.close()
        dora.close()
        wait_for(lambda: ann.texts("#people .name") == ["Ann", "Bob"], "names again")
        assert ann.texts("#count") == ["2"]
        bob.close()
        wait_for(lambda: ann.texts("#people .name") == ["Ann"], "Ann alone")
        ann.close()


def test_a_name_that_is_taken_is_explained_with_a_suggestion(open_tab) -> None:
    open_tab("Ann")
    other = open_tab(None)
    other.page.fill("#name", "ANN")
    other.page.keyboard.press("Enter")
    other.see("#name-why", "Somebody here is called ANN already. ANN 2 is free.")
    assert other.page.input_value("#name") == "ANN 2"
    assert other.texts("#name-title") == ["Another name, please"]

    other.page.keyboard.press("Enter")

    other.wait_for_state("connected")
    expect(other.page.locator("#my-name")).to_have_text("ANN 2")


def test_a_new_name_is_known_to_all_and_after_a_reload(open_tab) -> None:
    ann, bob = open_tab(None), open_tab("Bob")
    ann.page.fill("#name", "Ann")
    ann.page.keyboard.press("Enter")
    ann.wait_for_state("connected")
    ann.page.click("#rename")
    ann.page.fill("#name", "Anna")
    ann.page.keyboard.press("Enter")

    bob.see("#people", "Anna")
    ann.see("#my-name", "Anna")
    ann.page.reload()
    ann.wait_for_state("connected")
    expect(ann.page.locator("#my-name")).to_have_text("Anna")


def test_a_name_that_is_changed_offline_is_told_when_back(open_tab) -> None:
    ann, bob = open_tab("Ann"), open_tab("Bob")
    ann.set_offline(True)
    ann.wait_for_state("waiting")
    ann.page.click("#rename")
    ann.page.fill("#name", "Anna")
    ann.page.keyboard.press("Enter")
    ann.see("#my-name", "Anna")

    ann.set_offline(False)

    bob.see("#people", "Anna")
    ann.wait_for_state("connected")
    expect(ann.page.locator("#people .name")).to_have_text(["Anna", "Bob"])


def test_a_name_of_somebody_else_is_refused_when_renaming(open_tab, bob) -> None:
    ann = open_tab("Ann")
    ann.page.click("#rename")
    ann.page.fill("#name", "bob")
    ann.page.keyboard.press("Enter")
    ann.see("#name-why", "Somebody here is called bob already.")

    ann.page.click("#name-cancel")

    expect(ann.page.locator("#my-name")).to_have_text("Ann")


def test_invisible_characters_do_not_make_another_name(open_tab, page_server, room) -> None:
    """A plain client may call itself anything; the page shows what it is."""
    tab = open_tab("Ann")
    with page_server.join("A\u200bn\u2060n", room, max_queue=None) as impostor:
        impostor.say("I am Ann")
        tab.hear("I am Ann")

    sender = tab.page.locator(".message .sender")
    assert sender.inner_text() == "Ann"
    assert "unchecked" in (sender.get_attribute("class") or "")
    expect(tab.page.locator(".message.own")).to_have_count(0)


def test_what_the_browser_draws_as_nothing_makes_no_other_name(open_tab) -> None:
    """Neither for the server nor on the page."""
    ann = open_tab("Ann")
    unseen = ann.page.evaluate(
        """async () => {
            const { shownName } = await import(document.querySelector("[href$='text.js']").href);
            const all = Array.from({ length: 0x110000 }, (_, code) => String.fromCodePoint(code));
            const unseen = all.filter((character) => /\\p{DI}/u.test(character));
            return unseen.filter((character) => shownName(`Ann${character}`) === "Ann");
        }"""
    )
    assert len(unseen) == 4_174
    assert [c for c in unseen if folded(f"Ann{c}") != folded("Ann")] == []

    impostor = open_tab(None)
    impostor.page.fill("#name", "Ann\ufe0f")
    impostor.page.keyboard.press("Enter")
    impostor.see("#name-why", "Somebody here is called")


def test_a_room_is_made_by_its_name(open_tab, room) -> None:
    tab = open_tab()
    tab.page.keyboard.press("Control+j")
    tab.page.keyboard.type("!!!")
    tab.page.keyboard.press("Enter")
    tab.see("#room-why", "Invalid room name: use 1 to 64 letters")

    tab.page.fill("#room-name", f"{room}-Küche")
    tab.page.keyboard.press("Enter")

    tab.page.wait_for_url("**/rooms/*K%C3%BCche")
    tab.wait_for_state("connected")
    assert tab.texts("#room") == [f"{room}-Küche"]
    assert tab.texts(".room[aria-current] bdi") == [f"{room}-Küche"]


def test_a_room_is_called_on_the_page_what_the_server_lets_it_be_called(open_tab) -> None:
    tab = open_tab()
    scripts = map(chr, [*range(0x3400), *range(0xF900, 0x10000)])
    assigned = (c for c in scripts if category(c) not in ("Cn", "Co", "Cs"))
    names = [f"a{character}b" for character in assigned]
    more = {"Ku\u0308che": "Küche", "\u0308": "", "हिन्दी": "हिन्दी", "#ไทย": "ไทย"}
    more["https://chat.example/rooms/Ku%CC%88che"] = "Küche"

    meant = tab.page.evaluate(
        """async (names) => {
            const { href } = document.querySelector("[href$='base/text.js']");
            const { roomMeant } = await import(href.replace("base/text.js", "rooms/going.js"));
            return names.map(roomMeant);
        }""",
        [*more, *names],
    )

    assert meant[: len(more)] == list(more.values())
    rooms = zip(names, meant[len(more) :], strict=True)
    assert [name for name, room in rooms if room != server_room(name)] == []


def server_room(name: str) -> str:
    try:
        return room_name(name)
    except BadRoomName:
        return ""


@pytest.fixture
def moved_on(open_tab, page_server, room) -> Iterator[tuple[Tab, PlainClient]]:
    """Ann, who has read what there was in another room, and Bob, who is still there."""
    with page_server.join("Bob", f"{room}-b", max_queue=None) as bob:
        bob.say("read")
        ann = open_tab(path=f"/rooms/{room}-b")
        ann.hear("read")
        ann.page.goto(f"http://127.0.0.1:{page_server.port}/rooms/{room}")
        ann.wait_for_state("connected")
        yield ann, bob


def test_other_rooms_say_how_much_is_unread(moved_on, room) -> None:
    tab, bob = moved_on
    bob.say("unread")
    bob.say("unread, too")

    link = tab.page.locator(".room", has_text=f"{room}-b")
    link.locator(".badge", has_text="2").wait_for()
    link.focus()
    bob.say("unread, three")
    link.locator(".badge", has_text="3").wait_for()
    assert link.evaluate("link => link === document.activeElement")
    tab.page.keyboard.press("Enter")
    tab.hear("unread, three")


def test_what_was_said_elsewhere_while_the_page_was_away_is_counted(moved_on, room) -> None:
    tab, bob = moved_on
    tab.set_offline(True)
    tab.wait_for_state("waiting")
    bob.say("unread")
    bob.hear(2)

    tab.set_offline(False)

    tab.page.locator(".room", has_text=f"{room}-b").locator(".badge", has_text="1").wait_for()


def test_a_room_that_somebody_makes_appears_in_the_list(open_tab, page_server, room) -> None:
    tab = open_tab()
    assert f"{room}-new" not in tab.texts(".room bdi")

    with page_server.join("Bob", f"{room}-new", max_queue=None) as bob:
        bob.say("first")

        tab.see(".room bdi", f"{room}-new")


def test_among_too_many_rooms_those_that_one_goes_to_are_listed(open_tab, room) -> None:
    others = [{"name": f"a-room-{at}", "last": f"{at + 1}-a"} for at in range(250)]
    tab = open_tab(path=f"/rooms/{room}-visited")
    tab.page.route("**/api/rooms", lambda route: route.fulfill(json={"rooms": others}))
    tab.say("read")
    tab.hear("read")
    wait_for(
        lambda: tab.page.evaluate("key => localStorage[key]", f"chat:read:{room}-visited"), "read"
    )

    tab.page.goto(tab.url.replace("-visited", "-zebra"))

    tab.page.locator(".room").nth(199).wait_for()
    expect(tab.page.locator(".room")).to_have_count(200)
    assert tab.texts(".room[aria-current] bdi") == [f"{room}-zebra"]
    assert tab.texts(".room bdi")[-2:] == [f"{room}-visited", f"{room}-zebra"]


def test_what_is_read_in_one_tab_is_read_in_the_other(open_tab, page_server, room) -> None:
    with page_server.join("Bob", f"{room}-b", max_queue=None) as bob:
        bob.say("read")
        there = open_tab(path=f"/rooms/{room}-b")
        there.hear("read")
        here = open_tab(within=there)
        there.hide()
        bob.say("unread")
        link = here.page.locator(".room", has_text=f"{room}-b")
        link.locator(".badge", has_text="1").wait_for()

        there.hide(False)

        link.locator(".badge").wait_for(state="detached")


def test_unread_messages_count_in_the_title_and_on_the_icon(open_tab, bob) -> None:
    ann = open_tab("Ann")
    ann.hide()
    bob.say("one")
    bob.say("two")
    ann.hear("two")
    wait_for(lambda: ann.page.title().startswith("(2) "), "the count in the title")
    assert "icon-unread.svg" in (ann.page.get_attribute("#icon", "href") or "")

    ann.hide(False)

    wait_for(lambda: not ann.page.title().startswith("("), "a title without a count")
    assert "icon.svg" in (ann.page.get_attribute("#icon", "href") or "")
    assert ann.page.locator(".message:has(.unread) .text").inner_text() == "one"


def test_notifications_are_off_until_they_are_asked_for(open_tab, bob) -> None:
    ann = open_tab("Ann")
    attend(ann)
    ann.hide()
    bob.say("Ann, are you there?")
    ann.hear("Ann, are you there?")
    assert notified(ann) == []

    ann.hide(False)
    want_notifications(ann, "mentions")
    ann.hide()
    bob.say("nobody in particular")
    bob.say("Ann!")

    shown = wait_for(lambda: notified(ann), "a notification")
    assert [body for _title, body in shown] == ["Ann!"]
    assert shown[0][0].startswith("Bob")


def test_a_mention_in_another_room_calls_the_reader_who_goes_there(
    moved_on, page_server, room
) -> None:
    ann, bob = moved_on
    with page_server.join("Eve", f"{room}-c", max_queue=None) as eve:
        attend(ann)
        want_notifications(ann, "mentions")

        eve.say("Ann, you have never been here")
        bob.say("nobody in particular")
        bob.say("Ann, come over")

        shown = wait_for(lambda: notified(ann), "a notification")
        assert shown == [[f"Bob · {room}-b", "Ann, come over"]]


def test_a_message_calls_once_however_many_tabs_there_are(open_tab, bob) -> None:
    ann = open_tab("Ann")
    again = open_tab("Ann", within=ann)
    attend(ann, again)
    want_notifications(ann, "all")
    want_notifications(again, "all")
    ann.hide()
    again.hide()

    bob.say("one")
    wait_for(lambda: notified(ann, again), "a notification")
    bob.say("two")
    wait_for(lambda: len(notified(ann, again)) > 1, "another notification")

    assert sorted(body for _title, body in notified(ann, again)) == ["one", "two"]


def test_a_quiet_sound_is_played_on_request_alone(open_tab, bob) -> None:
    ann = open_tab("Ann")
    attend(ann)
    ann.hide()
    bob.say("silence")
    ann.hear("silence")
    assert ann.page.evaluate("tones") == 0

    ann.hide(False)
    ann.page.click("#open-settings")
    ann.page.check("#sound")
    wait_for(lambda: ann.page.evaluate("tones") == 2, "the sound, to try it")
    ann.hide()
    ann.page.clock.install()
    ann.page.clock.fast_forward(2_000)
    bob.say("listen")
    wait_for(lambda: ann.page.evaluate("tones") == 4, "the sound of a message")


def test_a_refused_notification_is_explained(open_tab) -> None:
    tab = open_tab()
    tab.page.evaluate("Notification.requestPermission = async () => 'denied'")
    tab.page.click("#open-settings")

    tab.page.select_option("#notify", "all")

    tab.see("#notify-why", "does not allow notifications")
    assert tab.page.input_value("#notify") == "off"


def test_the_invitation_has_an_address_and_a_code(open_tab, room) -> None:
    tab = open_tab()
    tab.page.click("#open-invite")

    tab.see("#invite-dialog .address a", f"/rooms/{room}")
    tab.see(
        "#invite-dialog .how", "this computer only"
    )  # the server of the tests listens to no other
    expect(tab.page.locator("#invite-dialog .code")).to_be_hidden()  # it would lead nobody here
    tab.page.click("#invite-dialog .copy")
    tab.see("#invite-dialog .copy", "Copied")


def test_where_others_can_come_the_invitation_has_a_code_for_their_phones(
    browser, tmp_path: Path
) -> None:
    with serving(tmp_path, history="memory:", hostName="0.0.0.0") as server:
        tab = Tab(browser, server)
        tab.page.click("#open-invite")

        code = tab.page.locator("#invite-dialog .code")
        code.wait_for()
        wait_for(lambda: code.evaluate("image => image.naturalWidth") > 0, "the picture")
        assert code.get_attribute("alt")
        tab.see("#invite-dialog .address a", f":{server.port}")
        tab.close()


def test_rooms_and_people_are_a_drawer_on_a_phone(open_tab) -> None:
    tab = open_tab(viewport=PHONE, has_touch=True, is_mobile=True)
    expect(tab.page.locator("#people")).to_be_hidden()

    tab.page.tap("#menu")
    expect(tab.page.locator("#people")).to_be_visible()
    tab.page.keyboard.press("Escape")

    expect(tab.page.locator("#people")).to_be_hidden()
    assert tab.page.evaluate("document.activeElement.id") == "menu"
