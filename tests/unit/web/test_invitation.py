"""Invitations: the address that a friend can use, and the picture that a phone can read."""

from __future__ import annotations

import re
import socket
from ipaddress import ip_network
from typing import Any
from xml.etree import ElementTree

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from chatroom.addresses import lan_address
from chatroom.errors import HandshakeRefused
from chatroom.names import room_name
from chatroom.web import invitation
from chatroom.web.invitation import MAX_URL, Invitation, draw, invite, print_code, room_path

LAN = "192.168.1.7"
PROXIES = [ip_network("127.0.0.1")]
LOOPBACKS = ["localhost", "LOCALHOST", "localhost.", "chat.localhost", "127.0.0.1", "127.1.2.3"]
LOOPBACKS += ["[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"]


@pytest.fixture(autouse=True)
def a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invitation, "lan_address", lambda: LAN)


def invited(room: str = "lobby", **environ: str) -> Invitation:
    """An invitation, asked for by somebody of ``chat.example:9999`` on a server for all."""
    request = {
        "wsgi.url_scheme": "http",
        "HTTP_HOST": "chat.example:9999",
        "REMOTE_ADDR": "203.0.113.7",
        "SERVER_NAME": "0.0.0.0",
        "SERVER_PORT": "9999",
        **environ,
    }
    return invite(request, PROXIES, room)


# -- the address -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["chat.example:9999", "192.168.1.9:9999", "chat.local", "[2001:db8::7]:9999", "10.0.0.1"],
)
def test_a_friend_gets_the_address_that_one_uses_oneself(host: str):
    assert invited(HTTP_HOST=host) == Invitation(f"http://{host}/", False)


@pytest.mark.parametrize(
    ("room", "path"),
    [
        ("lobby", "/"),
        ("garden", "/rooms/garden"),
        ("K\u00fcche", "/rooms/K%C3%BCche"),
        ("a.b-c_d", "/rooms/a.b-c_d"),
        (".", "/?room=."),
        ("..", "/?room=.."),
        ("...", "/?room=..."),
    ],
)
def test_the_address_leads_to_the_room(room: str, path: str):
    """A browser takes /rooms/.. for / even where it is written %2e%2e."""
    assert invited(room).url == f"http://chat.example:9999{path}"


@pytest.mark.parametrize("host", LOOPBACKS)
def test_localhost_becomes_the_address_on_the_network(host: str):
    assert invited("garden", HTTP_HOST=f"{host}:9999") == Invitation(
        f"http://{LAN}:9999/rooms/garden", False
    )


def test_a_server_for_all_of_ipv6_is_one_for_all():
    assert invited(HTTP_HOST="localhost:9999", SERVER_NAME="::").url == f"http://{LAN}:9999/"


@pytest.mark.parametrize("host", LOOPBACKS)
@pytest.mark.parametrize("interface", ["127.0.0.1", "::1", "localhost"])
def test_where_nobody_else_gets_in_it_says_so(host: str, interface: str):
    found = invited(HTTP_HOST=f"{host}:9999", SERVER_NAME=interface)

    assert found.local
    assert found.url.endswith(":9999/")


def test_without_a_network_it_stays_with_localhost(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(invitation, "lan_address", lambda: None)

    assert invited(HTTP_HOST="localhost:9999") == Invitation("http://localhost:9999/", True)


def test_a_trusted_proxy_says_what_the_browser_sees():
    found = invited(
        "garden",
        REMOTE_ADDR="127.0.0.1",
        HTTP_HOST="127.0.0.1:9999",
        HTTP_X_FORWARDED_PROTO="https",
        HTTP_X_FORWARDED_HOST="chat.example",
        SCRIPT_NAME="/talk",
        SERVER_NAME="127.0.0.1",
    )

    assert found == Invitation("https://chat.example/talk/rooms/garden", False)


def test_a_path_of_a_site_may_have_letters_of_any_script():
    """WSGI hands over its bytes as latin-1."""
    path = "/pl\u00e4tze".encode().decode("latin-1")

    assert invited(SCRIPT_NAME=path).url == "http://chat.example:9999/pl%C3%A4tze/"


def test_anybody_else_is_not_believed():
    found = invited(HTTP_X_FORWARDED_PROTO="https", HTTP_X_FORWARDED_HOST="evil.example")

    assert found.url == "http://chat.example:9999/"


@pytest.mark.parametrize(
    "host", ["", "a b", "chat.example/path", "user@chat.example", "<script>", "x:99999", "\u00fc"]
)
def test_what_is_no_host_is_refused(host: str):
    with pytest.raises(HandshakeRefused) as caught:
        invited(HTTP_HOST=host)
    assert caught.value.status == 400


def test_an_address_that_no_host_has_is_refused_before_it_is_drawn():
    with pytest.raises(HandshakeRefused, match=f"wanted: {MAX_URL}") as caught:
        invited(HTTP_HOST="x" * MAX_URL)
    assert caught.value.status == 400


def test_the_longest_room_at_the_longest_host_has_an_address():
    room, host = "\u4e2d" * 64, "x" * 253
    url = invited(room, HTTP_HOST=f"{host}:9999").url

    assert len(url) <= MAX_URL
    assert draw(url)


@given(st.from_regex(r"[\w.-]{1,64}", fullmatch=True))
def test_every_room_has_a_path_that_is_plain_ascii(room: str):
    room_name(room)

    assert re.fullmatch(r"/(rooms/|\?room=)?[\w.~%-]*", room_path(room), re.ASCII)


# -- the picture -------------------------------------------------------------------------------


def modules(url: str) -> list[list[int]]:
    return [list(row) for row in segno.make_qr(url, error="m").matrix]


def test_the_drawing_shows_the_code_dark_on_white_with_a_quiet_zone():
    url = "http://192.168.1.7:9999/rooms/garden"
    svg = ElementTree.fromstring(draw(url))
    ground, code = svg
    size = int(svg.attrib["viewBox"].split()[2])

    assert ground.attrib == {"fill": "#fff", "d": f"M0 0h{size}v{size}h-{size}z"}
    assert code.attrib["stroke"] == "#000"
    assert trace(code.attrib["d"], size) == with_border(modules(url), 4)


def trace(path: str, size: int) -> list[list[int]]:
    """The modules that the lines of a drawing go over."""
    drawn = [[0] * size for _ in range(size)]
    x, y = 0.0, 0.0
    for command, argument in re.findall(r"([Mmh])([-\d. ]+)", path):
        numbers = [float(number) for number in argument.split()]
        if command == "h":
            for column in range(int(x), int(x + numbers[0])):
                drawn[int(y)][column] = 1
            x += numbers[0]
        else:
            x, y = numbers if command == "M" else (x + numbers[0], y + numbers[1])
    return drawn


def with_border(code: list[list[int]], border: int) -> list[list[int]]:
    width = len(code) + 2 * border
    side, empty = [0] * border, [[0] * width] * border
    return [*empty, *([*side, *row, *side] for row in code), *empty]


def test_the_drawing_has_no_size_no_style_and_no_script():
    """The page gives it its size; the policy forbids the rest."""
    svg = ElementTree.fromstring(draw("http://chat.example/"))

    names = {name for element in svg.iter() for name in element.attrib}
    assert names == {"viewBox", "fill", "stroke", "d"}


def test_a_terminal_shows_the_same_code_whatever_its_colours_are():
    url = "http://192.168.1.7:9999"
    lines = print_code(url, "utf-8").splitlines()
    halves = {"\u2588": (0, 0), "\u2580": (0, 1), "\u2584": (1, 0), " ": (1, 1)}
    rows: list[list[int]] = []
    for line in lines:
        found = re.fullmatch("\033\\[97;40m(.*)\033\\[0m", line)
        assert found
        rows += map(list, zip(*(halves[block] for block in found[1]), strict=True))

    wanted = with_border(modules(url), 2)
    assert rows[: len(wanted)] == wanted
    assert all(row == [0] * len(row) for row in rows[len(wanted) :])
    assert max(map(len, rows)) < 60


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1"])
def test_a_terminal_without_blocks_shows_none(encoding: str):
    assert print_code("http://192.168.1.7:9999", encoding) == ""


# -- the machine -------------------------------------------------------------------------------


def test_the_address_on_the_network_is_an_address_or_nothing():
    found: Any = lan_address()

    assert found is None or socket.inet_aton(found)


def test_a_machine_without_a_network_has_none(monkeypatch: pytest.MonkeyPatch):
    class Unplugged(socket.socket):
        def connect(self, address: object) -> None:
            raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "socket", Unplugged)

    assert lan_address() is None
