"""The page among people and rooms: names, who is here, who types, other rooms, attention."""

from __future__ import annotations

from running import Running, wait_for
from tabs import PHONE, Tab


def test_the_page_lists_people_not_tabs(open_tab, page_server: Running, room: str) -> None:
    ann, bob = open_tab("Ann"), open_tab("Bob")
    again = Tab(None, page_server, path=f"/rooms/{room}", within=bob.context)
    again.wait_for_state("connected")

    wait_for(lambda: ann.texts("#people .name") == ["Ann", "Bob"], "two people")
    assert ann.texts("#people li")[0].endswith("(you)")
    assert ann.texts("#count") == ["2"]

    bob.close()
    wait_for(lambda: ann.texts("#people .name") == ["Ann"], "one person")


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


def test_who_types_is_told_until_their_message_comes(open_tab) -> None:
    ann, bob = open_tab("Ann"), open_tab("Bob")
    bob.page.locator("#body").press_sequentially("hel")
    ann.see("#typing", "Bob")
    assert ann.texts("#typing")[0].endswith("is typing…")

    bob.page.keyboard.type("lo")
    bob.page.keyboard.press("Enter")

    ann.hear("hello")
    assert ann.texts("#typing") == [""]


def test_a_name_that_is_taken_is_explained_with_a_suggestion(open_tab) -> None:
    open_tab("Ann")
    other = open_tab(None)
    other.page.fill("#name", "ANN")
    other.page.keyboard.press("Enter")
    other.see("#name-why", "Somebody here is called ANN already. ANN 2 is free.")
    assert other.page.input_value("#name") == "ANN 2"

    other.page.keyboard.press("Enter")

    other.wait_for_state("connected")
    assert other.texts("#my-name") == ["ANN 2"]


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
    assert ann.texts("#my-name") == ["Anna"]


def test_a_name_of_somebody_else_is_refused_when_renaming(open_tab) -> None:
    open_tab("Bob")
    ann = open_tab("Ann")
    ann.page.click("#rename")
    ann.page.fill("#name", "bob")
    ann.page.keyboard.press("Enter")
    ann.see("#name-why", "Somebody here is called bob already.")

    ann.page.click("#name-cancel")

    assert ann.texts("#my-name") == ["Ann"]


def test_invisible_characters_do_not_make_another_name(open_tab, page_server, room) -> None:
    """A plain client may call itself anything; the page shows what it is."""
    tab = open_tab("Ann")
    with page_server.member("A\u200bn\u2060n", room, max_queue=None) as impostor:
        impostor.say("I am Ann")
        tab.hear("I am Ann")

    sender = tab.page.locator(".message .sender")
    assert sender.inner_text() == "Ann"
    assert "unchecked" in (sender.get_attribute("class") or "")
    assert tab.page.locator(".message.own").count() == 0


def test_a_room_is_made_by_its_name(open_tab, room) -> None:
    tab = open_tab()
    tab.page.keyboard.press("Control+j")
    tab.page.keyboard.type("no room")
    tab.page.keyboard.press("Enter")
    tab.see("#room-why", "A room's name has 1 to 64 letters")

    tab.page.fill("#room-name", f"{room}-Küche")
    tab.page.keyboard.press("Enter")

    tab.page.wait_for_url("**/rooms/*K%C3%BCche")
    tab.wait_for_state("connected")
    assert tab.texts("#room") == [f"{room}-Küche"]
    assert tab.texts(".room[aria-current] bdi") == [f"{room}-Küche"]


def test_other_rooms_say_how_much_is_unread(open_tab, page_server, room) -> None:
    with page_server.member("Bob", f"{room}-b", max_queue=None) as bob:
        bob.say("read")
        tab = open_tab(path=f"/rooms/{room}-b")
        tab.hear("read")
        tab.page.goto(f"http://127.0.0.1:{page_server.port}/rooms/{room}")
        tab.wait_for_state("connected")
        bob.say("unread")
        bob.say("unread, too")
        bob.hear(3)

        tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

        link = tab.page.locator(".room", has_text=f"{room}-b")
        link.locator(".badge", has_text="2").wait_for()
        link.click()
        tab.hear("unread, too")


def test_unread_messages_count_in_the_title_and_on_the_icon(open_tab) -> None:
    ann, bob = open_tab("Ann"), open_tab("Bob")
    ann.hide()
    bob.say("one", "two")
    ann.hear("two")
    wait_for(lambda: ann.page.title().startswith("(2) "), "the count in the title")
    assert "icon-unread.svg" in (ann.page.get_attribute("#icon", "href") or "")

    ann.hide(False)

    wait_for(lambda: not ann.page.title().startswith("("), "a title without a count")
    assert "icon.svg" in (ann.page.get_attribute("#icon", "href") or "")
    assert ann.page.locator(".message:has(.unread) .text").inner_text() == "one"


def test_notifications_are_off_until_they_are_asked_for(open_tab) -> None:
    ann, bob = open_tab("Ann", permissions=["notifications"]), open_tab("Bob")
    ann.page.evaluate(
        """() => {
            window.shown = [];
            window.Notification = class {
                constructor(title, { body }) { shown.push([title, body]) }
            };
            Object.defineProperty(Notification, "permission", { get: () => "granted" });
            Notification.requestPermission = async () => "granted";
        }"""
    )
    ann.hide()
    bob.say("Ann, are you there?")
    ann.hear("Ann, are you there?")
    assert ann.page.evaluate("shown") == []

    ann.hide(False)
    ann.page.click("summary")
    ann.page.select_option("#notify", "mentions")
    wait_for(lambda: "mentions" in ann.page.evaluate("localStorage['chat:settings'] ?? ''"), "it")
    ann.hide()
    bob.say("nobody in particular", "Ann!")
    ann.hear("Ann!")

    shown = wait_for(lambda: ann.page.evaluate("shown"), "a notification")
    assert [body for _title, body in shown] == ["Ann!"]
    assert shown[0][0].startswith("Bob")


def test_a_refused_notification_is_explained(open_tab) -> None:
    tab = open_tab()
    tab.page.evaluate("Notification.requestPermission = async () => 'denied'")
    tab.page.click("summary")

    tab.page.select_option("#notify", "all")

    tab.see("#notify-why", "does not allow notifications")
    assert tab.page.input_value("#notify") == "off"


def test_the_invitation_has_an_address_and_a_code(open_tab, room) -> None:
    tab = open_tab()
    tab.page.click("#open-invite")

    wait_for(lambda: tab.page.input_value("#invite-address").endswith(f"/rooms/{room}"), "address")
    tab.see("#invite-how", "this computer only")  # the server of the tests listens to no other
    tab.page.click("#invite-copy")
    tab.see("#invite-copy", "Copied")


def test_rooms_and_people_are_a_drawer_on_a_phone(open_tab) -> None:
    tab = open_tab(viewport=PHONE, has_touch=True, is_mobile=True)
    assert tab.page.locator("#people").is_hidden()

    tab.page.tap("#menu")
    assert tab.page.locator("#people").is_visible()
    tab.page.keyboard.press("Escape")

    assert tab.page.locator("#people").is_hidden()
    assert tab.page.evaluate("document.activeElement.id") == "menu"
