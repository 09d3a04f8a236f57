"""The page in a room where somebody is in charge: what hosts do, and what others read of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from playwright.sync_api import expect

from tests.support.axe import faults
from tests.support.browser import PHONE, Tab
from tests.support.deadline import wait_for
from tests.support.fellow import Fellow

pytestmark = pytest.mark.takes(seconds=140)

ROOM_MAKERS = "everyone"
"""Of the ``page_server``: see conftest.py."""

TOUCH: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
NARROW: dict[str, Any] = {**TOUCH, "viewport": {"width": 360, "height": 640}}


def link(host: Fellow) -> str:
    """A new one that makes somebody a host."""
    secret: str = host.wants("makeLink")["link"]
    return secret


def rule(tab: Tab) -> str:
    """What stands above the box."""
    return " ".join(tab.texts("#rule span")).strip()


def notes(tab: Tab) -> list[str]:
    return [
        note.replace("\u2068", "").replace("\u2069", "") for note in tab.texts(".note.of-hosts")
    ]


def message(tab: Tab, body: str) -> Any:
    return tab.page.locator("#list > .message", has_text=body)


def gone(tab: Tab, body: str) -> None:
    wait_for(lambda: body not in tab.bodies(), f"{body!r} gone")


def focused(tab: Tab) -> str:
    found: str = tab.page.evaluate(
        "(({ id, textContent, ariaLabel }) => id || ariaLabel || textContent)"
        "(document.activeElement)"
    )
    return found


def to_messages(tab: Tab) -> None:
    """From the box back to the newest message; there may be buttons between."""
    tab.page.focus("#body")
    for _ in range(5):
        tab.page.keyboard.press("Shift+Tab")
        if tab.page.evaluate("document.activeElement.matches('.message')"):
            return
    raise AssertionError("no way from the box to the messages")


# -- a teacher's first five minutes --------------------------------------------------------------


class Mouse:
    """How somebody with a mouse does it."""

    options: ClassVar[dict[str, Any]] = {}

    def __init__(self, tab: Tab) -> None:
        self.tab = tab

    def press(self, selector: str) -> None:
        self.tab.page.click(selector)

    def choose(self, selector: str) -> None:
        self.press(selector)

    def leave_dialog(self) -> None:
        self.press("dialog[open] .head button")
        self.tab.page.wait_for_selector("dialog[open]", state="detached")

    def remove(self, body: str) -> None:
        self.tab.page.mouse.move(1, 1)
        message(self.tab, body).locator(".text").hover()
        message(self.tab, body).locator(".message-tools [aria-label=Remove]").click()

    def open_person(self, name: str) -> None:
        self.press(f"#people li:has-text('{name}') button")


class Finger(Mouse):
    """On a phone, where the people are in a drawer."""

    options = NARROW

    def press(self, selector: str) -> None:
        self.tab.page.tap(selector)

    def remove(self, body: str) -> None:
        message(self.tab, body).locator(".text").tap()
        message(self.tab, body).locator(".message-tools [aria-label=Remove]").tap()

    def open_person(self, name: str) -> None:
        self.press("#menu")
        super().open_person(name)


class Keys(Mouse):
    """By the Tab key and those that press."""

    def has_focus(self, selector: str) -> bool:
        found = self.tab.page.locator(selector).first
        return bool(found.evaluate("node => node === document.activeElement"))

    def reach(self, selector: str) -> None:
        for _ in range(80):
            if self.has_focus(selector):
                return
            self.tab.page.keyboard.press("Tab")
        raise AssertionError(f"no way to {selector} by the Tab key")

    def press(self, selector: str) -> None:
        self.tab.page.wait_for_selector(selector)
        self.reach(selector)
        self.tab.page.keyboard.press("Enter")

    def choose(self, selector: str) -> None:
        """Of a group, one is reached by the Tab key, the others by arrows."""
        group, _, _ = selector.removeprefix("#").partition("-")
        self.reach(f"[name={group}]:checked")
        for _ in range(3):
            self.tab.page.keyboard.press("ArrowDown")
            if self.has_focus(selector):
                return
        raise AssertionError(f"no way to {selector} by arrows")

    def leave_dialog(self) -> None:
        self.tab.page.keyboard.press("Escape")
        self.tab.page.wait_for_selector("dialog[open]", state="detached")

    def remove(self, body: str) -> None:
        to_messages(self.tab)
        for _ in range(10):
            if body in self.tab.page.evaluate("document.activeElement.textContent"):
                break
            self.tab.page.keyboard.press("ArrowUp")
        self.tab.page.keyboard.press("Delete")

    def open_person(self, name: str) -> None:
        label = f"#people [aria-label^='{name}:']"
        self.tab.page.wait_for_selector(label)
        self.tab.page.focus(".skip")
        self.press(label)


@pytest.mark.parametrize("means", [Mouse, Keys, Finger])
def test_a_teachers_first_five_minutes(
    open_tab, eve: Fellow, come: Callable[..., Fellow], room: str, means: type[Mouse]
) -> None:
    """A code on the door, three pupils in, slow mode, a message removed and brought back, one pupil
    quiet, and everything undone."""
    bob, cleo = come("Bob"), come("Cleo")
    bob.tell("nonsense")
    cleo.tell("What is the homework?")
    teacher = open_tab("Ann", path=f"/rooms/{room}#host={link(eve)}", **means.options)
    hand = means(teacher)
    wait_for(lambda: "You are a host here now" in "".join(notes(teacher)), "the welcome")
    assert teacher.page.evaluate("location.hash") == ""

    hand.press("#manage-room")
    hand.choose("#door-code")
    wait_for(lambda: len("".join(teacher.texts(".the-code"))) == 8, "a code")
    dana = open_tab(None, path=f"/rooms/{room}", fresh=True)
    dana.page.fill("#name", "Dana")
    dana.page.click("#name-submit")
    dana.page.fill("#at-the-door input", "".join(teacher.texts(".the-code")))
    dana.page.click("#at-the-door form button")
    dana.hear("What is the homework?")
    assert bob.hear_notice("rules")["door"] == "code"
    hand.choose("#speak-slow")
    assert bob.hear_notice("rules")["speak"] == "slow"
    hand.leave_dialog()
    hand.press("#open-invite")
    teacher.see("#invite-dialog .address", "#key=")
    hand.leave_dialog()
    teacher.see("#rule", "Slow: one message every 30 seconds.")
    teacher.see("#rule", "Not for you: you are a host.")

    hand.remove("nonsense")
    gone(teacher, "nonsense")
    assert bob.hear_notice("removed")["by"] == "host"
    teacher.see(".note.removed", "a message of")
    hand.press(".note.removed button")
    teacher.hear("nonsense")
    assert teacher.bodies() == ["nonsense", "What is the homework?"]
    expect(teacher.page.locator(".note.removed")).to_have_count(0)

    hand.open_person("Bob")
    hand.press("#person-dialog button:text-is('10 minutes')")
    assert bob.hear_notice("muted")["until"]
    teacher.page.wait_for_selector("#person-dialog[open]", state="detached")
    if means is Finger:
        teacher.page.keyboard.press("Escape")  # the drawer
    teacher.see("#done", "is quiet until")

    hand.press("#manage-room")
    teacher.see("#room-dialog", "Quiet until")
    hand.press("#room-dialog li:has-text('Bob') button:text-is('Undo')")
    bob.hear_notice("unmuted")
    teacher.see("#room-dialog", "Nobody.")
    told = [cleo.hear_notice("rules") for _ in range(2)]
    if means is Keys:
        hand.leave_dialog()  # from its first control on again
        hand.press("#manage-room")
        for group in ("door", "speak"):
            hand.reach(f"[name={group}]:checked")
            teacher.page.keyboard.press("ArrowUp")
    else:
        hand.choose("#door-open")
        told.append(cleo.hear_notice("rules"))
        teacher.page.wait_for_selector(".the-code", state="hidden")  # what is below has moved up
        hand.choose("#speak-everybody")
    told += [cleo.hear_notice("rules") for _ in range(4 - len(told))]
    assert [rules["door"] for rules in told] == ["code", "code", "open", "open"]
    assert [rules["speak"] for rules in told] == ["everybody", "slow", "slow", "everybody"]
    hand.leave_dialog()
    wait_for(lambda: rule(teacher) == "", "no rule any more")
    bob.tell("Sorry.")
    teacher.hear("Sorry.")
    assert teacher.complaints == []


# -- becoming a host -----------------------------------------------------------------------------


def test_whoever_makes_a_room_is_told_once_that_they_are_its_host(open_tab) -> None:
    tab = open_tab()
    wait_for(lambda: "You made this room" in "".join(notes(tab)), "the welcome")
    tab.page.wait_for_selector("#manage-room")

    tab.page.reload()
    tab.wait_for_state("connected")
    tab.page.wait_for_selector("#manage-room")

    assert notes(tab) == []


def test_a_link_of_ones_own_brings_a_host_back_who_has_lost_everything(open_tab, come) -> None:
    tab = open_tab(fresh=True)
    come("Bob")
    tab.page.click(".note.of-hosts button")
    tab.see("#room-dialog", "once within a year")
    address = tab.page.locator("#room-dialog .address a")
    wait_for(lambda: "#host=" in address.inner_text(), "the link")
    url = str(address.get_attribute("href"))
    tab.close()

    again = open_tab("Ann again", fresh=True, path=url[url.index("/rooms/") :])

    wait_for(lambda: "You are a host here now" in "".join(notes(again)), "the welcome")
    assert "host=" not in again.page.url
    again.see("#people", "Host")


def test_a_link_is_taken_where_the_page_is_open_already(open_tab, eve: Fellow) -> None:
    tab = open_tab()
    tab.page.fill("#body", "half a thought")
    expect(tab.page.locator("#manage-room")).to_have_count(0)

    secret = link(eve)
    tab.page.evaluate("secret => { location.hash = `host=${secret}` }", secret)

    tab.page.wait_for_selector("#manage-room")
    assert secret not in tab.page.url
    assert tab.page.input_value("#body") == "half a thought"
    assert eve.hear_notice("host")["userName"] == "Ann"


def test_a_link_that_is_used_up_says_so_and_is_not_tried_again(
    open_tab, eve: Fellow, come, room: str
) -> None:
    secret = link(eve)
    come("Bob", link=secret)

    tab = open_tab(path=f"/rooms/{room}#host={secret}")

    tab.see("#notice", "This link is good for nothing")
    assert secret not in tab.page.url
    sent: list[str] = []
    tab.page.on(
        "websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(str(frame)))
    )
    tab.page.evaluate("dispatchEvent(new Event('offline'))")  # and the line comes back
    hello = wait_for(
        lambda: tab.page.title() and [frame for frame in sent if '"hello"' in frame],
        "another hello",
    )
    assert '"token"' in hello[0]
    assert '"link"' not in hello[0]


def test_everybody_reads_who_is_host_and_who_is_no_longer(open_tab, eve: Fellow, come) -> None:
    ann, bob = open_tab("Ann"), come("Bob")

    eve.wants("makeHost", userId=bob.user_id)
    wait_for(lambda: notes(ann) == ["Bob is host now"], "the notice")
    wait_for(lambda: len(ann.texts("#people .host-mark")) == 2, "both marks")
    eve.wants("unmakeHost", userId=bob.user_id)
    wait_for(lambda: notes(ann)[1:] == ["Bob is no longer host"], "the other notice")

    wait_for(lambda: len(ann.texts("#people .host-mark")) == 1, "one mark")
    expect(ann.page.locator("#manage-room")).to_have_count(0)


def test_a_host_makes_another_and_takes_that_back(open_tab, come) -> None:
    ann, bob = open_tab("Ann"), open_tab("Bob")
    ann.page.click("#people [aria-label^='Bob:']")
    ann.page.click("#person-dialog button:text-is('Make host')")

    wait_for(lambda: "You are a host here now" in "".join(notes(bob)), "the welcome")
    bob.page.wait_for_selector("#manage-room")
    bob.page.click("#people [aria-label^='Ann:']")
    bob.see("#person-dialog", "Only whoever made this room")
    bob.page.keyboard.press("Escape")

    ann.page.click("#people [aria-label^='Bob:']")
    ann.page.click("#person-dialog button:text-is('Not host any more')")

    bob.see(".note.of-hosts", "You are no longer host here")
    expect(bob.page.locator("#manage-room")).to_be_hidden()
    expect(bob.page.locator("#people button")).to_have_count(0)


def test_no_name_can_imitate_a_host(open_tab, eve: Fellow, come) -> None:
    bob = come("★ Host")
    bob.tell("I am the host")
    eve.tell("Good morning")
    ann = open_tab("Ann")
    ann.hear("Good morning")

    expect(message(ann, "I am the host").locator(".host-mark")).to_have_count(0)
    mark = message(ann, "Good morning").locator(".host-mark")
    assert mark.get_attribute("title") == "Host"
    assert mark.text_content() == "Host"
    assert message(ann, "Good morning").locator(".sender").inner_text() == "Eve"
    wait_for(lambda: len(ann.texts("#people .host-mark")) == 1, "one mark")
    to_messages(ann)
    wait_for(
        lambda: str(ann.page.evaluate("document.activeElement.ariaLabel")).startswith("Eve, Host,"),
        "what a screen reader says of it",
    )


# -- who may write -------------------------------------------------------------------------------


def test_the_box_says_before_one_writes_that_only_hosts_can(open_tab, eve: Fellow) -> None:
    eve.wants("rules", speak="hosts")
    tab = open_tab()
    tab.see("#rule", "Only hosts can write now. You can read on.")
    assert "rule" in str(tab.page.get_attribute("#body", "aria-describedby")).split()

    tab.say("Hello?")
    tab.see("#notice", "Only hosts can write now.")
    assert tab.page.input_value("#body") == "Hello?"
    expect(tab.pending()).to_have_count(0)

    eve.wants("rules", speak="everybody")
    wait_for(lambda: rule(tab) == "", "no rule any more")
    assert "rule" not in str(tab.page.get_attribute("#body", "aria-describedby")).split()
    tab.page.press("#body", "Enter")
    tab.hear("Hello?")
    assert tab.complaints == []


def test_the_rule_describes_the_box_also_where_an_answer_and_an_edit_do(
    open_tab, eve: Fellow
) -> None:
    eve.wants("rules", speak="slow", slowSeconds=5)
    tab = open_tab()
    tab.see("#rule", "Slow: one message every 5 seconds.")
    tab.say("mine")
    tab.hear("mine")

    def described() -> list[str]:
        return str(tab.page.get_attribute("#body", "aria-describedby")).split()

    to_messages(tab)
    tab.page.locator(".tools-of-any").wait_for()
    tab.page.keyboard.press("r")
    wait_for(lambda: described() == ["answering", "rule", "hint", "notice"], "what is answered")
    tab.page.press("#body", "ArrowUp")
    wait_for(lambda: described() == ["editing", "rule", "hint", "notice"], "what is edited")
    tab.page.press("#body", "Escape")
    wait_for(lambda: described() == ["answering", "rule", "hint", "notice"], "the answer again")
    tab.page.press("#body", "Escape")
    wait_for(lambda: described() == ["rule", "hint", "notice"], "nothing but the rule")


def test_what_is_slow_waits_and_goes_out_in_order_once(open_tab, eve: Fellow) -> None:
    eve.wants("rules", speak="slow", slowSeconds=5)
    tab = open_tab()
    tab.see("#rule", "Slow: one message every 5 seconds.")

    tab.say("one", "two", "three")

    tab.hear("one")
    tab.see("#rule .count", "You can write again in")
    assert tab.page.locator("#rule .count").get_attribute("aria-hidden") == "true"
    wait_for(lambda: tab.texts("#pending .text") == ["two", "three"], "what waits")
    tab.hear("three")
    assert tab.bodies() == ["one", "two", "three"]
    wait_for(lambda: tab.pending().count() == 0, "nothing that waits")
    assert tab.texts("#notice") == [""]


def test_a_page_that_is_loaded_again_knows_for_how_long_it_is_slow(open_tab, eve: Fellow) -> None:
    eve.wants("rules", speak="slow", slowSeconds=600)
    tab = open_tab()
    tab.see("#rule", "Slow: one message every 10 minutes.")
    tab.say("one")
    tab.hear("one")

    tab.page.reload()
    tab.wait_for_state("connected")
    tab.see("#rule .count", "You can write again in 9:")
    tab.say("two")
    wait_for(lambda: tab.texts("#pending .text") == ["two"], "the message that waits")
    eve.wants("rules", speak="everybody")

    tab.hear("two")
    expect(tab.pending()).to_have_count(0)


def test_whoever_is_quiet_reads_why_until_it_is_undone(open_tab, eve: Fellow) -> None:
    tab = open_tab()
    ann = next(person for person in [eve.hear_notice("joined")] if person["userName"] == "Ann")
    tab.page.fill("#body", "half a thought")
    eve.wants("quiet", userId=ann["userId"], seconds=600)
    tab.see("#rule", "A host has asked you to be quiet until")

    tab.page.press("#body", "Enter")
    tab.see("#notice", "You can read on.")
    tab.page.click("#rename")
    tab.page.fill("#name", "Anna")
    tab.page.keyboard.press("Enter")
    tab.see("#notice", "A host has asked you to be quiet")
    assert tab.page.input_value("#body") == "half a thought"
    tab.page.reload()
    tab.wait_for_state("connected")
    tab.see("#rule", "A host has asked you to be quiet until")

    eve.wants("quiet", userId=ann["userId"], seconds=0)
    wait_for(lambda: rule(tab) == "", "no rule any more")
    tab.page.press("#body", "Enter")
    tab.hear("half a thought")


def test_being_quiet_ends_by_itself_when_its_time_is_over(open_tab, eve: Fellow) -> None:
    tab = open_tab()
    ann = eve.hear_notice("joined")
    eve.wants("quiet", userId=ann["userId"], seconds=2)
    tab.see("#rule .count", "You can write again in")

    wait_for(lambda: rule(tab) == "", "no rule any more")

    tab.say("Sorry.")
    tab.hear("Sorry.")


def test_without_a_host_nobody_writes_until_one_is_back(open_tab, eve: Fellow, come) -> None:
    """The server lets them for another minute, which the page cannot know."""
    eve.wants("rules", needsHost=True)
    tab = open_tab()
    wait_for(lambda: "Eve" in "".join(tab.texts("#people")), "Eve")
    assert rule(tab) == ""
    tab.say("with you")
    tab.hear("with you")

    eve.drop_cleanly()

    tab.see("#rule", "A host must be here for others to write, and none is.")
    eve.connect_and_catch_up()
    wait_for(lambda: rule(tab) == "", "no rule any more")


def test_what_was_written_offline_goes_out_once_everybody_may_write_again(
    open_tab, eve: Fellow
) -> None:
    tab = open_tab()
    tab.set_offline(True)
    tab.wait_for_state("waiting")
    tab.say("from the tunnel", "and again")
    eve.wants("rules", speak="hosts")

    tab.set_offline(False)
    tab.wait_for_state("connected")
    tab.see("#rule", "Only hosts can write now.")
    expect(tab.page.locator("#pending .text")).to_have_text(["from the tunnel", "and again"])
    eve.wants("rules", speak="everybody")

    tab.hear("and again")
    assert tab.bodies() == ["from the tunnel", "and again"]
    wait_for(lambda: tab.pending().count() == 0, "nothing waits")


def test_a_rule_that_comes_while_a_message_is_on_its_way_loses_nothing(open_tab, eve) -> None:
    tab = open_tab()
    tab.say("first")
    tab.hear("first")
    eve.wants("rules", speak="hosts")
    tab.see("#rule", "Only hosts")
    tab.page.evaluate(  # as if it had been sent before the page heard of it
        """() => {
            const item = { cmid: "c1", body: "second", timestamp: "", at: 1, state: "waiting" };
            localStorage[`chat:outbox:${document.body.dataset.room}:c1`] = JSON.stringify(item);
        }"""
    )
    tab.page.reload()
    tab.wait_for_state("connected")
    tab.see("#rule", "Only hosts")

    expect(tab.page.locator("#pending .text")).to_have_text(["second"])
    eve.wants("rules", speak="everybody")

    tab.hear("second")


# -- removed people ------------------------------------------------------------------------------


def test_whoever_is_removed_reads_why_and_comes_back_when_it_is_over(open_tab, eve) -> None:
    tab = open_tab()
    tab.say("something")
    tab.hear("something")
    ann = eve.hear_notice("joined")
    tab.page.fill("#body", "half a thought")

    eve.wants("bar", userId=ann["userId"], seconds=3)

    tab.see("#shown-out", "You were removed from this room")
    tab.see("#shown-out", "This page brings you back then")
    tab.wait_for_state("refused")
    expect(tab.page.locator("#body")).to_be_hidden()
    assert faults(tab) == []
    tab.wait_for_state("connected")
    wait_for(lambda: tab.page.locator("#shown-out").count() == 0, "the conversation")
    assert tab.page.input_value("#body") == "half a thought"
    assert tab.bodies() == ["something"]
    tab.page.press("#body", "Enter")
    tab.hear("half a thought")


def test_whoever_is_removed_for_good_stays_out_until_that_is_undone(open_tab, eve) -> None:
    tab = open_tab()
    ann = eve.hear_notice("joined")
    eve.wants("bar", userId=ann["userId"])
    tab.see("#shown-out", "You can come back once a host undoes that.")
    tab.wait_for_state("refused")

    tab.page.reload()
    tab.see("#shown-out", "You can come back once a host undoes that.")
    assert tab.page.get_attribute("body", "data-state") == "refused"
    tab.page.click("#shown-out .strong")
    tab.wait_for_state("refused")

    eve.wants("bar", userId=ann["userId"], seconds=0)
    tab.page.click("#shown-out .strong")
    tab.wait_for_state("connected")
    tab.say("Sorry.")
    tab.hear("Sorry.")


def test_a_host_removes_somebody_for_an_hour_and_lets_them_back_in(open_tab, come) -> None:
    ann = open_tab("Ann")
    bob = open_tab("Bob")
    ann.page.click("#people [aria-label^='Bob:']")
    ann.page.click("#person-dialog section:has-text('Has to leave') button:text-is('1 hour')")

    ann.see("#done", "was removed until")
    bob.see("#shown-out", "A host has removed you until")
    ann.page.click("#done button")
    ann.page.click("#manage-room")
    ann.see("#room-dialog", "Nobody.")

    bob.page.click("#shown-out .strong")
    bob.wait_for_state("connected")


# -- messages ------------------------------------------------------------------------------------


def test_a_restored_message_comes_back_on_open_pages_where_it_stood(open_tab, eve, come) -> None:
    bob = come("Bob")
    ids = [bob.tell(body) for body in ("one", "two", "three")]
    ann = open_tab("Ann")
    ann.hear("three")

    for id in ids:
        eve.change("remove", id)
    wait_for(lambda: ann.bodies() == [], "an empty room")
    late = open_tab("Cleo")  # has never had them
    for id in (ids[2], ids[0], ids[1]):
        eve.change("restore", id)

    for tab in (ann, late):
        wait_for(lambda tab=tab: tab.bodies() == ["one", "two", "three"], "all of them, in order")
        quiet = "[...document.querySelectorAll('#list > .message')].map((node) => node.ariaLive)"
        assert tab.page.evaluate(quiet) == ["off"] * 3  # a screen reader has read them before
        expect(tab.page.locator(".between.date")).to_have_count(1)
        assert tab.page.title().startswith("page-")  # nothing is unread
    bob.tell("four")
    ann.hear("four")
    assert ann.bodies() == ["one", "two", "three", "four"]
    assert "follows" in str(message(ann, "four").get_attribute("class"))


def test_a_restored_message_is_no_news_where_somebody_has_just_come(open_tab, eve, come) -> None:
    id = come("Bob").tell("one")
    ann = open_tab("Ann")
    ann.hear("one")
    eve.change("remove", id)
    gone(ann, "one")
    ann.page.evaluate("window.requestAnimationFrame = () => 0")  # so the line about Dan waits

    come("Dan")
    eve.change("restore", id)

    ann.hear("one")
    expect(ann.page.locator("#list > .note")).to_contain_text("Dan")
    assert message(ann, "one").get_attribute("aria-live") == "off"


def test_a_restored_message_leaves_the_reader_where_they_are(open_tab, eve, come) -> None:
    bob = come("Bob")
    ids = [bob.tell(f"line {number}") for number in range(3)]
    ids += [eve.tell(f"line {number}") for number in range(3, 59)]  # whom no pace holds back
    ann = open_tab("Ann")
    wait_for(lambda: len(ann.bodies()) == 59, "the older ones too, which come by the API")
    eve.change("remove", ids[2])
    gone(ann, "line 2")
    ann.page.evaluate("document.querySelectorAll('#list > .message')[20].scrollIntoView()")
    wait_for(lambda: ann.above_the_end() > 100, "the reader further up")
    top = "document.querySelector('[data-id=\"{}\"]').getBoundingClientRect().top"
    before = ann.page.evaluate(top.format(ids[21]))

    eve.change("restore", ids[2])

    wait_for(lambda: ann.bodies()[2] == "line 2", "it is back")
    assert abs(ann.page.evaluate(top.format(ids[21])) - before) < 2


def test_a_host_goes_on_by_the_keyboard_where_a_message_was_removed(open_tab, eve, come) -> None:
    bob = come("Bob")
    bob.tell("fine")
    bob.tell("nonsense")
    secret = link(eve)
    tab = open_tab("Ann")
    tab.page.evaluate("secret => { location.hash = `host=${secret}` }", secret)
    tab.page.wait_for_selector("#manage-room")
    to_messages(tab)

    tab.page.keyboard.press("Delete")
    gone(tab, "nonsense")
    wait_for(lambda: focused(tab) == "Undo", "the focus on the way back")
    tab.page.keyboard.press("Enter")

    tab.hear("nonsense")
    wait_for(
        lambda: "nonsense" in tab.page.evaluate("document.activeElement.textContent"),
        "the focus on the message",
    )


def test_the_name_on_a_message_leads_to_what_a_host_can_decide(open_tab, come) -> None:
    ann = open_tab("Ann")
    bob = come("Bob")
    bob.tell("hello")
    ann.hear("hello")

    message(ann, "hello").locator(".sender").click()

    ann.see("#person-dialog h2", "Bob")
    ann.see("#person-dialog", "Reads on, but cannot write.")


def test_other_hosts_see_what_was_removed_and_others_do_not(open_tab, eve, come) -> None:
    bob = come("Bob")
    secret = bob.tell("a secret")
    ann, cleo = open_tab("Ann"), open_tab("Cleo")
    for tab in (ann, cleo):
        tab.hear("a secret")
    made = link(eve)
    ann.page.evaluate("made => { location.hash = `host=${made}` }", made)
    ann.page.wait_for_selector("#manage-room")

    eve.change("remove", secret)

    ann.see(".note.removed", "Removed: a message of")
    gone(cleo, "a secret")
    expect(cleo.page.locator(".note.removed")).to_have_count(0)
    for tab in (ann, cleo):
        assert "a secret" not in tab.page.content()


# -- the sheet -----------------------------------------------------------------------------------


def test_everybody_reads_the_rules_and_only_hosts_change_them(open_tab, eve: Fellow) -> None:
    eve.wants("rules", speak="slow", slowSeconds=60, needsHost=True)
    tab = open_tab()
    tab.page.click("#open-more")
    tab.page.click("#open-room")

    tab.see("#room-dialog", "Slow: one message every minute.")
    tab.see("#room-dialog", "Others can write only while a host is here.")
    tab.see("#room-dialog", "Eve")
    expect(tab.page.locator("#room-dialog :is(input, select, details)").first).to_be_hidden()
    expect(tab.page.locator("#room-dialog .buttons button").first).to_be_hidden()

    eve.wants("rules", speak="everybody", needsHost=False)
    tab.see("#room-dialog", "Everybody can write.")


def test_a_host_chooses_the_rules(open_tab, come) -> None:
    ann, bob = open_tab("Ann"), come("Bob")
    ann.page.click("#manage-room")
    ann.page.select_option("#slow-seconds", "60")
    frame = bob.hear_notice("rules")
    assert (frame["speak"], frame["slowSeconds"]) == ("slow", 60)
    wait_for(lambda: ann.page.is_checked("#speak-slow"), "the choice")

    ann.page.check("#needs-host")
    assert bob.hear_notice("rules")["needsHost"] is True
    ann.page.check("#speak-hosts")
    assert bob.hear_notice("rules")["speak"] == "hosts"
    ann.page.keyboard.press("Escape")

    ann.see("#rule", "Only hosts can write now. Others can write only while a host is here.")
    ann.page.click("#rule button")
    ann.page.wait_for_selector("#room-dialog[open]")


def test_a_rule_that_cannot_be_had_is_not_shown_as_if_it_were(open_tab, come) -> None:
    ann = open_tab("Ann")
    ann.page.click("#manage-room")
    ann.page.wait_for_selector("#speak-everybody:checked")
    ann.set_offline(True)
    ann.wait_for_state("waiting")

    ann.page.click("#speak-hosts")

    ann.see("#room-dialog .why", "Not connected: nothing has changed.")
    assert ann.page.is_checked("#speak-everybody")


def test_links_are_made_copied_listed_and_revoked(open_tab, come, page_server, room) -> None:
    ann = open_tab("Ann")
    ann.page.click("#manage-room")
    ann.page.click("#room-dialog button:text-is('Link for another host')")
    address = ann.page.locator("#room-dialog .address a")
    wait_for(lambda: "#host=" in address.inner_text(), "the link")
    secret = address.inner_text().partition("#host=")[2]
    assert focused(ann) == "Copy"
    ann.page.keyboard.press("Enter")
    ann.see("#room-dialog .copy", "Copied")
    ann.see("#room-dialog", "Links that still work")

    ann.page.click("#room-dialog button:text-is('Revoke')")
    wait_for(
        lambda: not ann.page.locator("text='Links that still work'").is_visible(), "no link left"
    )

    bob = come("Bob", link=secret)
    assert bob.hear_notice("error")["code"] == "wrong-link"


def test_the_log_says_what_hosts_did(open_tab, eve: Fellow, come) -> None:
    bob = come("Bob")
    eve.wants("rules", speak="slow", slowSeconds=60)
    eve.wants("rules", speak="hosts", needsHost=True)
    eve.wants("quiet", userId=bob.user_id, seconds=600)
    eve.wants("quiet", userId=bob.user_id, seconds=0)
    eve.wants("bar", userId=bob.user_id)
    made = link(eve)
    ann = open_tab("Ann")
    ann.page.evaluate("made => { location.hash = `host=${made}` }", made)
    ann.page.click("#manage-room")
    ann.page.click("#room-dialog summary")

    ann.see("#room-dialog ol", "came with a link and is host")
    lines = [line.replace("\u2068", "").replace("\u2069", "") for line in ann.texts("ol li")]
    said = [line.partition("M ")[2] for line in lines if "M " in line]
    assert said == [
        "Ann came with a link and is host",
        "Eve made a link for a host",
        "Eve removed Bob: Until undone",
        "Eve let Bob write again",
        "Eve made Bob quiet: 10 minutes",
        "Eve changed the rules: Only hosts can write now."
        " Others can write only while a host is here.",
        "Eve changed the rules: Slow: one message every minute.",
    ]


def test_a_message_can_be_brought_back_after_a_reload_too(open_tab, come) -> None:
    ann, bob = open_tab("Ann"), come("Bob")
    bob.tell("nonsense")
    bob.tell("hello")
    ann.hear("hello")
    Mouse(ann).remove("nonsense")
    ann.see(".note.removed", "a message of")
    ann.page.reload()
    ann.hear("hello")
    ann.page.click("#manage-room")
    ann.page.click("#room-dialog summary")
    ann.see("#room-dialog ol", "removed a message of")

    ann.page.click("#room-dialog ol button")

    ann.see("#room-dialog ol", "brought back a message of")
    wait_for(lambda: ann.bodies() == ["nonsense", "hello"], "both, in order")
    expect(ann.page.locator("#room-dialog ol button")).to_have_count(0)


def test_all_messages_come_back_together_however_many_they_are(open_tab, eve: Fellow) -> None:
    count = 1_200
    for number in range(count):
        eve.say(f"message {number}", f"m{number}")
    ann = open_tab("Ann")
    ann.hear(f"message {count - 1}")
    made = link(eve)
    ann.page.evaluate("made => { location.hash = `host=${made}` }", made)
    ann.page.click("#manage-room")
    ann.page.click("#room-dialog button:text-is('Remove all messages…')")
    ann.page.locator("#room-dialog .danger").click(delay=600)
    ann.see("#room-dialog .did", "500 messages were removed. The rest follows by itself.")
    wait_for(lambda: ann.bodies() == [], "an empty room")

    ann.page.click("#room-dialog .did button:text-is('Undo')")

    ann.see("#room-dialog .did", "200 messages are back. The rest follows by itself.")
    ann.page.click("#room-dialog summary")
    ann.see("#room-dialog ol", "brought back 1,200 messages")
    expect(ann.page.locator("#room-dialog ol button")).to_have_count(0)
    shown = len(ann.bodies())
    assert 60 <= shown <= 1_000, "no more than the page can show"
    assert ann.bodies() == [f"message {number}" for number in range(count - shown, count)]
    ann.page.click("#room-dialog .head button")
    ann.page.evaluate("document.querySelector('#scroller').scrollTop = 0")
    wait_for(lambda: int(ann.bodies()[0].split()[1]) < count - shown, "older ones")


def test_all_messages_come_back_from_the_list_of_what_hosts_did(
    open_tab, eve: Fellow, come
) -> None:
    bob = come("Bob")
    for body in ("one", "two", "three"):
        bob.tell(body)
    eve.wants("bar", userId=bob.user_id, seconds=60, what="all")
    made = link(eve)
    ann = open_tab("Ann")
    ann.page.evaluate("made => { location.hash = `host=${made}` }", made)
    ann.page.click("#manage-room")
    ann.page.click("#room-dialog summary")
    ann.see("#room-dialog ol", "with 3 messages")

    ann.page.click("#room-dialog ol li:has-text('3 messages') button:text-is('Undo')")

    ann.see("#room-dialog ol", "brought back 3 messages")
    wait_for(lambda: ann.bodies() == ["one", "two", "three"], "all of them")
    expect(ann.page.locator("#room-dialog ol button")).to_have_count(0)


def test_what_is_removed_by_the_hundred_leaves_no_line_for_each(open_tab, eve, come) -> None:
    bob = come("Bob")
    bob.tell("one")
    bob.tell("two")
    made = link(eve)
    ann = open_tab("Ann")
    ann.hear("two")
    ann.page.evaluate("made => { location.hash = `host=${made}` }", made)
    ann.page.wait_for_selector("#manage-room")

    eve.wants("clear")

    wait_for(lambda: ann.bodies() == [], "an empty room")
    expect(ann.page.locator(".note.removed")).to_have_count(0)


def test_the_focus_stays_on_somebody_while_others_come_and_go(open_tab, come) -> None:
    ann = open_tab("Ann")
    come("Cleo")
    ann.page.focus("#people [aria-label^='Cleo:']")

    come("Bob")
    wait_for(lambda: ann.texts("#people .name") == ["Ann", "Bob", "Cleo"], "all of them")

    assert focused(ann).startswith("Cleo:")


# -- for everybody -------------------------------------------------------------------------------


def set_out(tab: Tab, come: Callable[..., Fellow], eve: Fellow) -> None:
    """Have all of it on the page: a rule, marks, notes, what is removed, people."""
    bob = come("Bob")
    nonsense = bob.tell("nonsense")
    bob.tell("hello")
    eve.tell("Good morning")
    made = link(eve)
    tab.page.evaluate("made => { location.hash = `host=${made}` }", made)
    tab.page.wait_for_selector("#manage-room")
    eve.wants("rules", speak="slow", slowSeconds=30)
    eve.wants("quiet", userId=bob.user_id, seconds=600)
    eve.change("remove", nonsense)
    tab.page.wait_for_selector(".note.removed")
    tab.see("#rule", "30")


@pytest.mark.parametrize(
    ("scheme", "options"), [("light", {}), ("dark", NARROW)], ids=["wide and light", "phone, dark"]
)
def test_axe_finds_nothing(open_tab, eve, come, scheme: str, options: dict[str, Any]) -> None:
    tab = open_tab("Ann", color_scheme=scheme, **options)
    set_out(tab, come, eve)
    tab.page.wait_for_selector("#rule .quiet")
    assert faults(tab) == []

    tab.page.click("#manage-room")
    tab.see("#room-dialog", "Quiet until")
    tab.page.click("#room-dialog button:text-is('Link for another host')")
    tab.page.wait_for_selector(".made:visible")
    tab.page.click("#room-dialog summary")
    assert faults(tab) == []

    tab.page.keyboard.press("Escape")
    if options:
        tab.page.click("#menu")
    tab.page.click("#people [aria-label^='Bob:']")
    tab.see("#person-dialog", "Quiet until")
    assert faults(tab) == []


LOW = """() => [...document.querySelectorAll("button, select, [type=text], .check, summary")]
    .filter((node) => node.checkVisibility() && node.getBoundingClientRect().height < 44)
    .map((node) => node.id || node.innerText)"""
WIDE_DIALOG = """() => {
    const dialog = document.querySelector("dialog[open]");
    const box = dialog.getBoundingClientRect();
    return [dialog.scrollWidth > dialog.clientWidth, box.left < 0, box.right > innerWidth,
        box.bottom > innerHeight];
}"""


def test_a_finger_reaches_all_of_it_on_a_narrow_phone(open_tab, eve, come) -> None:
    tab = open_tab("Ann", **NARROW)
    set_out(tab, come, eve)
    assert tab.page.evaluate(LOW) == []
    assert tab.page.evaluate("document.documentElement.scrollWidth") == 360

    tab.page.tap("#manage-room")
    tab.see("#room-dialog", "Quiet until")
    tab.page.tap("#room-dialog button:text-is('Link for yourself')")
    tab.page.wait_for_selector(".made:visible")
    assert tab.page.evaluate(LOW) == []
    assert tab.page.evaluate(WIDE_DIALOG) == [False] * 4

    tab.page.tap("#room-dialog .head button")
    tab.page.tap("#menu")
    tab.page.tap("#people [aria-label^='Bob:']")
    tab.see("#person-dialog", "Quiet until")
    assert tab.page.evaluate(LOW) == []
    assert tab.page.evaluate(WIDE_DIALOG) == [False] * 4


def test_all_of_it_is_german_for_those_who_read_german(open_tab, eve, come) -> None:
    tab = open_tab("Ann", locale="de")
    set_out(tab, come, eve)
    tab.see("#rule", "Langsam: eine Nachricht alle 30 Sekunden. Nicht für dich")
    tab.see(".note.removed", "Entfernt: eine Nachricht von")
    tab.see(".note.of-hosts", "Du leitest diesen Raum jetzt mit")
    tab.page.click("#manage-room")
    tab.see("#room-dialog", "Still bis")
    tab.page.click("#room-dialog summary")
    tab.see("#room-dialog ol", "still gestellt: 10 Minuten")

    shown = " ".join(tab.texts("body"))
    for word in (" host", "Undo", "Remove", " quiet", "Only", "can write"):
        assert word not in shown
