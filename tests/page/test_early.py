"""The socket that the page begins before its modules are there, where not all is as usual."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Route, WebSocket, expect

from tests.support.browser import Tab
from tests.support.deadline import wait_for
from tests.support.fellow import Fellow
from tests.support.server_process import Launch, Running

pytestmark = pytest.mark.takes(seconds=12)

KITCHEN = "Küche-_."
IS_OPEN = "window.early?.begun.readyState === WebSocket.OPEN"


@pytest.fixture
def visit(browser) -> Iterator[Callable[..., Tab]]:
    """Open pages of a server of the test's own."""
    opened: list[Tab] = []

    def open_one(server: Running, name: str | None = "Ann", **options: object) -> Tab:
        opened.append(Tab(browser, server, name, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield open_one
    for tab in reversed(opened):
        tab.leave()


def sockets_of(tab: Tab) -> list[WebSocket]:
    """Those that it makes from now on."""
    found: list[WebSocket] = []
    tab.page.on("websocket", lambda socket: found.append(socket))
    return found


@contextlib.contextmanager
def before_the_modules(tab: Tab, address: str = "") -> Iterator[list[str]]:
    """The page is loaded anew, and its modules come at the end of the block.

    Yields:
        The text frames that its sockets have sent so far.
    """
    held: list[Route] = []
    sent: list[str] = []
    tab.page.on("websocket", lambda socket: socket.on("framesent", lambda text: sent.append(text)))
    tab.page.route("**/chat.js", lambda route: held.append(route))
    if address:
        tab.page.evaluate("address => history.replaceState(null, '', address)", address)
    tab.page.reload(wait_until="commit")
    wait_for(lambda: tab.page.title() and held, "the request for the modules")
    yield sent
    held[0].continue_()


def said_early(tab: Tab) -> str:
    """The hello, once it has gone out without the modules."""
    said: str = wait_for(lambda: tab.page.evaluate("window.early?.said"), "a hello")
    return said


def test_who_has_a_name_comes_in_while_the_modules_are_on_their_way(
    serve: Launch, visit: Callable[..., Tab]
) -> None:
    server = serve(history="memory:")
    tab = visit(server)
    with server.join("Bob") as bob:
        bob.say("before")
        tab.hear("before")
        with before_the_modules(tab) as sent:
            said_early(tab)
            bob.say("meanwhile")
            heard = "early.heard.some(({ text }) => text.includes('meanwhile'))"
            wait_for(lambda: tab.page.evaluate(heard), "what Bob said")

        tab.wait_for_state("connected")
        wait_for(lambda: tab.bodies() == ["before", "meanwhile"], "both")
        bob.say("afterwards")
        tab.hear("afterwards")
    assert len(hellos(sent)) == 1
    assert tab.complaints == []


def test_the_early_hello_says_what_the_modules_would_say(open_tab) -> None:
    tab = open_tab()
    tab.say("one to read")
    tab.hear("one to read")
    with before_the_modules(tab):
        early = json.loads(said_early(tab))
    tab.wait_for_state("connected")
    assert early.pop("token") and early["read"]

    with before_the_modules(tab, "#host=nothing-good") as sent:
        wait_for(lambda: tab.page.evaluate(IS_OPEN), "a socket")
        assert tab.page.evaluate("early.said") == ""
    wait_for(lambda: tab.page.title() and sent, "the other hello")
    late = json.loads(sent[0])
    assert late.pop("link") == "nothing-good" and late.pop("token")
    assert late == early


def hellos(sent: list[str]) -> list[dict[str, str]]:
    return [frame for frame in map(json.loads, sent) if frame["type"] == "hello"]


def test_a_page_whose_modules_do_not_come_does_not_hear_without_end(open_tab) -> None:
    tab = open_tab()
    with before_the_modules(tab) as sent:
        said_early(tab)
        tab.page.evaluate("early.begun.onmessage({ data: ' '.repeat(4_000_001) })")
        assert tab.page.evaluate("early.begun.readyState >= WebSocket.CLOSING")

    tab.wait_for_state("connected")
    tab.say("here I am")
    tab.hear("here I am")
    assert len(hellos(sent)) == 2


def test_nobody_is_here_for_long_whose_modules_do_not_come(
    open_tab, come: Callable[[str], Fellow]
) -> None:
    tab = open_tab()
    eve = come("Eve")
    tab.page.add_init_script(
        "const inTime = setTimeout; setTimeout = (work, ms) => inTime(work, ms / 30)"
    )
    with before_the_modules(tab):
        said_early(tab)
        eve.hear_notice("left")


def test_who_has_become_another_meanwhile_comes_as_that(
    open_tab, come: Callable[[str], Fellow]
) -> None:
    """As after "Erase everything" in another tab."""
    tab = open_tab()
    with before_the_modules(tab):
        said_early(tab)
        tab.page.evaluate("localStorage.clear()")
    tab.page.fill("#name-dialog[open] #name", "Zoe")
    tab.page.keyboard.press("Enter")

    tab.wait_for_state("connected")
    expect(tab.page.locator("#my-name")).to_have_text("Zoe")
    assert tab.page.evaluate("localStorage['chat:name']") == '"Zoe"'


@pytest.mark.parametrize("kind", ["host", "guest", "key"])
def test_a_secret_that_comes_into_the_address_meanwhile_is_said(open_tab, kind: str) -> None:
    tab = open_tab()
    with before_the_modules(tab) as sent:
        said_early(tab)
        tab.page.evaluate("hash => { location.hash = hash; }", f"#{kind}=nothing-good")

    wait_for(lambda: tab.page.title() and len(hellos(sent)) == 2, "another hello")
    assert hellos(sent)[1]["key" if kind == "key" else "link"] == "nothing-good"


def test_who_is_removed_meanwhile_does_not_ask_again(
    serve: Launch, visit: Callable[..., Tab]
) -> None:
    server = serve(history="memory:", roomMakers="everyone")
    eve = Fellow(server.port, "Eve", "garden")
    eve.connect_and_catch_up()
    tab = visit(server, path="/rooms/garden")
    with before_the_modules(tab) as sent:
        said_early(tab)
        me = wait_for(lambda: tab.page.evaluate("early.heard[0]?.text"), "the welcome")
        eve.wants("bar", userId=json.loads(me)["userId"])
        wait_for(lambda: tab.page.evaluate("early.closed?.code === 4503"), "the end")

    tab.page.wait_for_selector("#shown-out")
    assert len(hellos(sent)) == 1
    eve.close()


def test_one_frame_that_the_page_fails_at_takes_no_other_with_it(open_tab) -> None:
    tab = open_tab()
    with before_the_modules(tab):
        said_early(tab)
        wait_for(lambda: tab.page.evaluate("early.heard.length"), "the welcome")
        tab.page.evaluate('early.heard.splice(1, 0, { text: \'{"type":"users"}\', at: 0 })')

    tab.wait_for_state("connected")
    assert len(tab.complaints) == 1


@pytest.mark.parametrize("height", ["undefined", "-5000", "'tall'", "1e9"])
def test_whatever_the_screen_says_of_itself_the_page_works(open_tab, height: str) -> None:
    tab = open_tab()
    tab.page.add_init_script(f"Object.defineProperty(screen, 'height', {{ value: {height} }})")
    with before_the_modules(tab):
        hello = json.loads(said_early(tab))
    tab.wait_for_state("connected")
    assert 20 <= hello["past"] <= 60


def test_where_more_fits_than_the_screen_says_older_messages_fill_the_page(
    serve: Launch, visit: Callable[..., Tab]
) -> None:
    """As on a page that is shown smaller."""
    server = serve(history="memory:")
    with server.join("Bob") as bob:
        for number in range(60):
            bob.say(f"line {number}")
        bob.hear(60)
    small = {"width": 900, "height": 300}

    tab = visit(server, viewport={"width": 900, "height": 2600}, screen=small)

    tab.hear("line 59")
    tab.hear("line 0")


@pytest.mark.parametrize("prefix", ["", "/talk"])
def test_it_is_the_one_socket_of_a_page_wherever_that_lives(
    prepare: Launch, visit: Callable[..., Tab], prefix: str
) -> None:
    server = prepare(history="memory:")
    if prefix:
        server.environ["SCRIPT_NAME"] = prefix
    server.start()
    tab = visit(server, path=f"{quote(prefix)}/rooms/{quote(KITCHEN)}")
    sockets = sockets_of(tab)
    tab.page.reload()
    tab.wait_for_state("connected")
    tab.say("here I am")
    tab.hear("here I am")

    (socket,) = sockets
    assert socket.url.endswith(f"/chat?room={quote(KITCHEN)}")
    assert tab.complaints == []


def test_without_storage_there_is_none_and_the_page_works(open_tab) -> None:
    tab = open_tab(None, fresh=True)
    sockets = sockets_of(tab)
    tab.page.add_init_script(
        """Object.defineProperty(window, "localStorage", {
            get() { throw new DOMException("forbidden", "SecurityError"); },
        });"""
    )
    tab.page.reload()
    tab.page.locator("#name:focus").wait_for()
    assert sockets == []
    tab.page.fill("#name", "Ann")
    tab.page.keyboard.press("Enter")

    tab.wait_for_state("connected")
    assert len(sockets) == 1
    assert tab.complaints == []


@pytest.mark.parametrize("kept", ["x" * 100, " ", "\u202e"])
def test_a_kept_name_that_the_server_will_not_have_is_asked_for_anew(open_tab, kept: str) -> None:
    """And the socket is as good as any."""
    tab = open_tab()
    sockets = sockets_of(tab)
    tab.page.evaluate("kept => { localStorage['chat:name'] = JSON.stringify(kept); }", kept)
    tab.page.reload()
    tab.page.locator("#name-dialog[open]").wait_for()
    tab.page.fill("#name", "Bob")
    tab.page.keyboard.press("Enter")

    tab.wait_for_state("connected")
    expect(tab.page.locator("#my-name")).to_have_text("Bob")
    assert len(sockets) == 1


@pytest.mark.parametrize("kept", ["{}", "[]", "7", "true", '""', "nonsense"])
def test_whatever_is_kept_in_place_of_a_name_the_page_works(open_tab, kept: str) -> None:
    tab = open_tab()
    tab.page.evaluate("kept => { localStorage['chat:name'] = kept; }", kept)
    tab.page.reload()
    tab.page.wait_for_selector("body[data-state=connected], #name-dialog[open]")
    if tab.page.is_visible("#name-dialog"):
        tab.page.fill("#name", "Bob")
        tab.page.keyboard.press("Enter")

    tab.wait_for_state("connected")
    assert tab.complaints == []


def test_somebody_who_has_the_last_place_comes_back_by_a_reload(
    serve: Launch, visit: Callable[..., Tab]
) -> None:
    """Sooner than the server may have noticed that the page has gone."""
    server = serve(history="memory:", maxUsers=1)
    tab = visit(server)
    for number in range(5):
        tab.page.reload()
        tab.wait_for_state("connected")
        tab.say(f"back {number}")
        tab.hear(f"back {number}")


def test_where_no_place_is_left_the_page_waits_for_one(
    serve: Launch, visit: Callable[..., Tab]
) -> None:
    server = serve(history="memory:", maxUsers=1)
    tab = visit(server, None)
    with server.join("Bob"):
        tab.page.evaluate("localStorage['chat:name'] = '\"Ann\"'")
        tab.page.reload()
        tab.wait_for_state("waiting")

    tab.wait_for_state("connected")
    expect(tab.page.locator("#my-name")).to_have_text("Ann")


def test_a_server_that_restarts_meanwhile_is_found_again(
    serve: Launch, visit: Callable[..., Tab]
) -> None:
    server = serve(history="sqlite:chat.db")
    tab = visit(server)
    with before_the_modules(tab):
        said_early(tab)
        server.stop()
        server.start()

    tab.wait_for_state("connected")
    tab.say("here I am")
    tab.hear("here I am")


def test_two_tabs_that_are_opened_at_once_are_one_person(open_tab, room: str) -> None:
    one = open_tab()
    other = Tab(None, one.server, path=f"/rooms/{room}", within=one)  # type: ignore[arg-type]
    for tab in one, other:
        tab.page.evaluate("document.body.dataset.state = ''; setTimeout(() => location.reload())")
    for tab in one, other:
        tab.wait_for_state("connected")

    other.say("from the other tab")
    one.hear("from the other tab")
    wait_for(lambda: one.page.locator("#people li").count() == 1, "one person")
    other.leave()
