"""What nobody can do without, in each of the three engines: Chromium, Firefox and WebKit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chatroom.client import ChatClient
from tests.support.deadline import wait_for
from tests.support.engines import (
    Open,
    Window,
    chromium_windows,
    firefox_windows,
    webkit_windows,
)
from tests.support.histories import remember
from tests.support.server_process import Running, serving

pytestmark = pytest.mark.takes(seconds=46)

WEBKIT = pytest.param("webkit", marks=pytest.mark.webkit)
SMALL = (900, 500)
LONG = 200  # messages of the past, where a page begins with sixty


@pytest.fixture(scope="module", params=["chromium", "firefox", WEBKIT])
def open_window(request: pytest.FixtureRequest) -> Iterator[Open]:
    if request.param == "chromium":
        windows = chromium_windows(request.getfixturevalue("browser"))
    else:
        windows = {"firefox": firefox_windows, "webkit": webkit_windows}[request.param]()
    with windows as opens:
        yield opens


@pytest.fixture
def window(open_window: Open) -> Iterator[Window]:
    """A window of somebody who has never been here."""
    with open_window() as window:
        yield window


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("engines")
    remember(folder, past=LONG)
    with serving(folder, leaveGrace=0) as running:
        yield running


# -- what one does -----------------------------------------------------------------------------


def enter(window: Window, server: Running, room: str, name: str = "Ann") -> None:
    """Load the page of the room, and say who one is."""
    window.go(f"http://127.0.0.1:{server.port}/rooms/{room}")
    wait_for(lambda: window.ask("return document.activeElement.id") == "name", "the question")
    window.write(name)
    window.press("Enter")
    wait_for(lambda: state(window) == "connected", "a connected page")


def say(window: Window, *lines: str) -> None:
    """Type the lines into the box, and send them as one message."""
    window.click("#body")
    for at, line in enumerate(lines):
        if at:
            window.press("Shift+Enter")
        window.write(line)
    window.press("Enter")


def scroll_to_top(window: Window) -> None:
    window.ask("document.getElementById('scroller').scrollTop = 0")


# -- what one sees -----------------------------------------------------------------------------


def state(window: Window) -> str:
    found: str = window.ask("return document.body.dataset.state")
    return found


def texts(window: Window, selector: str) -> list[str]:
    found: list[str] = window.ask(
        "return [...document.querySelectorAll(arguments[0])].map(node => node.innerText)", selector
    )
    return found


def bodies(window: Window) -> list[str]:
    return texts(window, "#list .message .text")


def hears(window: Window, body: str) -> None:
    wait_for(lambda: body in bodies(window), f"{body!r} on the page")


def below(window: Window) -> float:
    """How many pixels of the conversation are below what is seen."""
    found: float = window.ask(
        """
        const { scrollHeight, scrollTop, clientHeight } = document.getElementById("scroller");
        return scrollHeight - scrollTop - clientHeight;
        """
    )
    return found


def at_the_top(window: Window) -> str:
    """The message that is the first in sight."""
    found: str = window.ask(
        """
        const edge = document.getElementById("scroller").getBoundingClientRect().top;
        const all = [...document.querySelectorAll("#list .message .text")];
        return all.find(text => text.getBoundingClientRect().bottom > edge + 2).innerText;
        """
    )
    return found


def is_in_sight(window: Window, selector: str) -> bool:
    """Whether it is what the pointer would meet in its middle."""
    found: bool = window.ask(
        """
        const node = document.querySelector(arguments[0]);
        const { x, y, width, height } = node.getBoundingClientRect();
        return width > 0 && node.contains(document.elementFromPoint(x + width / 2, y + height / 2));
        """,
        selector,
    )
    return found


def brightness(window: Window) -> float:
    """Of the page behind everything: 0 is black, 1 is white."""
    colour: str = window.ask("return getComputedStyle(document.body).backgroundColor")
    parts = [int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(", ")]
    return sum(parts) / 3 / 255


@pytest.fixture
def bob(server: Running, room: str) -> Iterator[ChatClient]:
    """Somebody else in the room: a program."""
    with ChatClient(f"http://127.0.0.1:{server.port}", "Bob", room=room) as bob:
        yield bob


# -- the way in, and talking -------------------------------------------------------------------


def test_who_gives_a_name_is_in_and_is_heard(
    window: Window, server: Running, room: str, bob: ChatClient
) -> None:
    enter(window, server, room)
    wait_for(lambda: sorted(texts(window, "#people .name")) == ["Ann", "Bob"], "both of them")

    say(window, "Good morning!")
    say(window, "one", "two")
    hears(window, "one\ntwo")

    messages = iter(bob)
    heard = [next(messages) for _ in range(2)]
    assert [(message.user_name, message.body) for message in heard] == [
        ("Ann", "Good morning!"),
        ("Ann", "one\ntwo"),
    ]
    assert texts(window, "#body") == [""]
    assert bodies(window) == ["Good morning!", "one\ntwo"]


def test_what_others_say_comes_and_is_there_after_a_reload(
    window: Window, server: Running, room: str, bob: ChatClient
) -> None:
    enter(window, server, room)
    bob.say("hello from a program")
    hears(window, "hello from a program")

    window.reload()

    wait_for(lambda: state(window) == "connected", "a connected page")
    hears(window, "hello from a program")
    assert texts(window, ".message .sender") == ["Bob"]


def test_a_name_is_chosen_by_keys_and_with_the_mouse(
    window: Window, server: Running, room: str, bob: ChatClient
) -> None:
    enter(window, server, room)
    wait_for(lambda: texts(window, "#mentioning") == [""], "what is loaded later")

    window.click("#body")
    for press in (lambda: window.press("Enter"), lambda: window.click("#mentioning li")):
        window.write("@b")
        wait_for(lambda: texts(window, "#mentioning .name") == ["Bob"], "the name")
        press()
        assert texts(window, "#mentioning .name") == []
    assert window.ask("return document.activeElement.id") == "body"
    window.press("Enter")

    hears(window, "@Bob @Bob")


# -- reading -----------------------------------------------------------------------------------


def test_the_end_is_followed(window: Window, server: Running, room: str, bob: ChatClient) -> None:
    window.resize(*SMALL)
    enter(window, server, room)
    for at in range(40):
        bob.say(f"line {at}")
    hears(window, "line 39")

    wait_for(lambda: below(window) < 2, "the page at its end")
    assert not is_in_sight(window, "#newer")


def test_a_box_that_grows_leaves_the_end_in_sight(
    window: Window, server: Running, room: str, bob: ChatClient
) -> None:
    window.resize(*SMALL)
    enter(window, server, room)
    for at in range(40):
        bob.say(f"line {at}")
    hears(window, "line 39")

    window.click("#body")
    for more_lines in (1, 3):
        for _ in range(more_lines):
            window.write("word")
            window.press("Shift+Enter")

        wait_for(lambda: below(window) < 2, "the page at its end")
        bob.say(f"said behind {more_lines}")
        hears(window, f"said behind {more_lines}")
        wait_for(lambda: below(window) < 2, "the page at its end")
        assert not window.ask("return document.title").startswith("(")


def test_a_window_that_gets_narrower_leaves_a_reader_in_place(
    window: Window, server: Running, room: str, bob: ChatClient
) -> None:
    enter(window, server, room)
    for at in range(60):
        bob.say(f"{at}: " + "a few words more " * 15)
    wait_for(lambda: len(bodies(window)) == 60, "all of it")
    window.ask("document.querySelectorAll('#list .message')[20].scrollIntoView()")
    wait_for(lambda: at_the_top(window).startswith("20: "), "the twenty-first")
    wait_for(lambda: is_in_sight(window, "#newer"), "a page that has seen it")

    window.resize(640, 800)

    wait_for(lambda: window.ask("return innerWidth") == 640, "a narrow window")
    wait_for(lambda: at_the_top(window).startswith("20: "), "the twenty-first, still")


def test_older_messages_load_as_one_scrolls_up(window: Window, server: Running) -> None:
    enter(window, server, "past")
    hears(window, f"past {LONG}")

    def reaches_the_first() -> bool:
        scroll_to_top(window)
        return bodies(window)[0] == "past 1"

    wait_for(reaches_the_first, "the first message")
    numbers = [int(body.split()[1]) for body in bodies(window) if body.startswith("past")]
    assert numbers == list(range(1, numbers[-1] + 1))
    with ChatClient(f"http://127.0.0.1:{server.port}", "Bob", room="past") as bob:
        bob.say("something new")
        wait_for(lambda: is_in_sight(window, "#newer"), "the way to what is new")
    window.click("#newer")
    hears(window, "something new")
    wait_for(lambda: below(window) < 2, "the page at its end")


def test_a_search_finds_and_leads_there(window: Window, server: Running) -> None:
    enter(window, server, "past")
    window.click("#open-search")
    window.write("past 77")
    wait_for(lambda: any("past 77" in text for text in texts(window, "#results li")), "a result")

    window.click("#results a")

    hears(window, "past 77")


# -- when things go wrong ----------------------------------------------------------------------


def test_a_restarted_server_is_found_again_and_nothing_is_missed(
    window: Window, tmp_path: Path, room: str
) -> None:
    with serving(tmp_path) as server:
        enter(window, server, room)
        say(window, "before the restart")
        hears(window, "before the restart")

        server.stop()
        wait_for(lambda: state(window) != "connected", "a page that knows it")
        say(window, "written while the server was down")
        server.start()
        with ChatClient(f"http://127.0.0.1:{server.port}", "Bob", room=room) as bob:
            bob.say("said meanwhile")

        hears(window, "said meanwhile")
        hears(window, "written while the server was down")
        assert state(window) == "connected"
        assert len(bodies(window)) == 3


# -- the look ----------------------------------------------------------------------------------


def test_a_narrow_window_has_rooms_and_people_in_a_drawer(
    window: Window, server: Running, room: str
) -> None:
    window.resize(520, 700)
    enter(window, server, room)
    assert not is_in_sight(window, "#my-name")

    window.click("#menu")
    wait_for(lambda: is_in_sight(window, "#my-name"), "the drawer")
    assert texts(window, "#people .name") == ["Ann"]
    window.press("Escape")

    wait_for(lambda: not is_in_sight(window, "#my-name"), "the conversation again")
    say(window, "from a narrow window")
    hears(window, "from a narrow window")


def test_the_document_never_scrolls_whatever_is_reached_by_key(
    window: Window, tmp_path: Path, room: str
) -> None:
    """The parts of the page scroll, and no more of the sidebar is there than fits."""
    with serving(tmp_path, history="memory:") as server:
        url = f"http://127.0.0.1:{server.port}"
        with ExitStack() as last:
            for at in range(25):
                last.enter_context(ChatClient(url, "Bob", room=f"room-{at}")).say("hello")
        enter(window, server, room)
        wait_for(lambda: len(texts(window, "#rooms li")) > 25, "all the rooms")

        window.ask("document.querySelector('.skip').focus()")
        window.press("Enter")

        wait_for(lambda: window.ask("return document.activeElement.id") == "body", "the box")
        assert window.ask("return document.scrollingElement.scrollTop") == 0
        height, inner = window.ask(
            "return [document.scrollingElement.scrollHeight, window.innerHeight]"
        )
        assert height <= inner


@pytest.mark.parametrize("dark", [False, True])
def test_the_colours_are_those_of_the_system(
    open_window: Open, server: Running, room: str, dark: bool
) -> None:
    with open_window(dark=dark) as window:
        enter(window, server, room)
        assert (brightness(window) < 0.2) == dark
        assert (brightness(window) > 0.8) == (not dark)


CHOOSE_A_PHOTO = """
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [2000, 1000];
    const context = canvas.getContext("2d");
    for (let x = 0; x < 2000; x += 10) {
        context.fillStyle = `hsl(${x} 80% 50%)`;
        context.fillRect(x, 0, 10, 1000);
    }
    canvas.toBlob((blob) => {
        const chosen = new DataTransfer();
        chosen.items.add(new File([blob], "bridge.jpg", { type: "image/jpeg" }));
        const input = document.querySelector("#composer [type=file]");
        input.files = chosen.files;
        input.dispatchEvent(new Event("change"));
    }, "image/jpeg", 0.95);
"""


def test_a_photo_is_made_smaller_described_and_seen_large(window: Window, server: Running) -> None:
    enter(window, server, "photos")
    wait_for(lambda: window.ask("return document.querySelector('#clip') !== null"), "the button")
    window.ask(CHOOSE_A_PHOTO)
    field = "#attached textarea"
    there = "return document.querySelector(arguments[0]) !== null"
    wait_for(lambda: window.ask(there, field), "the field")
    window.click(field)
    window.write("A bridge in the fog")
    window.press("Enter")
    seen = """
        const image = document.querySelector(arguments[0]);
        return image && [image.alt, image.naturalWidth, image.naturalHeight];
    """
    in_line, large = "#list .file img", "#picture-dialog img"
    thumbnail = ["A bridge in the fog", 480, 240]
    wait_for(lambda: window.ask(seen, in_line) == thumbnail, "the thumbnail")

    window.click("#list .picture")

    whole = ["A bridge in the fog", 1600, 800]
    wait_for(lambda: window.ask(seen, large) == whole, "the picture")
    assert texts(window, "#picture-dialog .described") == ["A bridge in the fog"]
    window.press("Escape")
    assert window.ask(there, "#picture-dialog[open]") is False
