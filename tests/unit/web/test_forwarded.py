"""What proxies report: the client's address, and where the browser sees the page."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from chatroom.web.forwarded import client_address, is_forwarded, is_trusted, own_origin

LOOPBACK = ("127.0.0.1", "::1")
INSIDE = (*LOOPBACK, "10.0.0.0/8")
"""Two proxies: one on this machine, and one in front of it."""


def request(peer: str = "127.0.0.1", **forwarded: str | None) -> dict[str, Any]:
    """A request from this peer, with these X-Forwarded headers."""
    headers = {f"HTTP_X_FORWARDED_{name.upper()}": value for name, value in forwarded.items()}
    given = {name: value for name, value in headers.items() if value is not None}
    plain = {"wsgi.url_scheme": "http", "HTTP_HOST": "chat.example:9999"}
    return {"REMOTE_ADDR": peer, **plain, **given}


def networks(*texts: str) -> list[Any]:
    return [ip_network(text) for text in texts]


# -- the page's origin -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({"proto": "https", "host": "chat.example"}, "https://chat.example"),
        ({"proto": "HTTPS", "host": "chat.example:8443"}, "https://chat.example:8443"),
        ({"proto": "https"}, "https://chat.example:9999"),
        ({"host": "chat.example"}, "http://chat.example"),
        ({"proto": "wss", "host": "chat.example"}, "https://chat.example"),
        ({"proto": "ws", "host": "chat.example"}, "http://chat.example"),
        ({"proto": "", "host": " "}, "http://chat.example:9999"),
        ({"proto": "gopher", "host": "chat.example"}, "http://chat.example"),
    ],
)
def test_behind_a_proxy_the_page_is_where_the_proxy_says(headers: dict[str, str], origin: str):
    """Traefik writes wss where the page is at https."""
    assert own_origin(request(**headers), networks(*LOOPBACK)) == origin


LISTS = {"proto": "https, http", "host": "chat.example, inner.lan"}
"""Of two proxies, each of which says what it was asked for."""


@pytest.mark.parametrize(
    ("chain", "proxies", "origin"),
    [
        ("198.51.100.7, 10.0.0.6", INSIDE, "https://chat.example"),
        ("198.51.100.7, 10.0.0.6:443", INSIDE, "https://chat.example"),
        ("198.51.100.7, 10.0.0.6", LOOPBACK, "http://inner.lan"),
        ("10.0.0.99, 10.0.0.6", INSIDE, "https://chat.example"),
        (None, LOOPBACK, "https://chat.example"),
        ("198.51.100.7", LOOPBACK, "http://inner.lan"),
        ("198.51.100.7, 10.0.0.6", (), "http://chat.example:9999"),
    ],
)
def test_of_several_proxies_the_outermost_trusted_one_says_where_the_page_is(
    chain: str | None, proxies: tuple[str, ...], origin: str
):
    assert own_origin(request(**LISTS, **{"for": chain}), networks(*proxies)) == origin


def test_what_a_client_puts_in_front_of_the_lists_does_not_count():
    lists = {"proto": "http, https, http", "host": "evil.example, chat.example, inner.lan"}
    told = request(**lists, **{"for": "6.6.6.6, 198.51.100.7, 10.0.0.6"})

    assert own_origin(told, networks(*INSIDE)) == "https://chat.example"


def test_a_list_that_only_one_proxy_wrote_is_its_own():
    told = request(proto="https", host="chat.example", **{"for": "198.51.100.7, 10.0.0.6"})

    assert own_origin(told, networks(*INSIDE)) == "https://chat.example"


@pytest.mark.parametrize(
    ("environ", "forwarded"),
    [
        (request(), False),
        (request(host="chat.example"), True),
        (request(proto="https"), True),
        (request(**{"for": "198.51.100.7"}), True),
        (request(**{"for": " "}), False),
        (request("203.0.113.7", host="chat.example"), False),
        (request("", host="chat.example"), True),
    ],
)
def test_only_a_trusted_peer_passes_requests_on(environ: dict[str, Any], forwarded: bool):
    assert is_forwarded(environ, networks(*LOOPBACK)) is forwarded


# -- the client's address ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "chain", "proxies", "address"),
    [
        ("203.0.113.7", None, LOOPBACK, "203.0.113.7"),
        ("203.0.113.7", "1.2.3.4", LOOPBACK, "203.0.113.7"),
        ("127.0.0.1", None, LOOPBACK, "127.0.0.1"),
        ("127.0.0.1", "1.2.3.4", LOOPBACK, "1.2.3.4"),
        ("127.0.0.1", "1.2.3.4", (), "127.0.0.1"),
        ("::1", "2001:db8::7", LOOPBACK, "2001:db8::7"),
        ("127.0.0.1", "6.6.6.6, 1.2.3.4", LOOPBACK, "1.2.3.4"),
        ("127.0.0.1", "6.6.6.6, 1.2.3.4, 10.1.2.3", ("127.0.0.1", "10.0.0.0/8"), "1.2.3.4"),
        ("127.0.0.1", "10.0.0.1, 10.0.0.2", ("127.0.0.1", "10.0.0.0/8"), "10.0.0.1"),
        ("127.0.0.1", "1.2.3.4, ,", LOOPBACK, "1.2.3.4"),
        ("127.0.0.1", "", LOOPBACK, "127.0.0.1"),
        ("127.0.0.1", "unknown", LOOPBACK, "unknown"),
        ("127.0.0.1", "1.2.3.4:5678", LOOPBACK, "1.2.3.4"),
        ("127.0.0.1", "[2001:db8::7]:443", LOOPBACK, "2001:db8::7"),
        ("127.0.0.1", "[2001:db8::7]", LOOPBACK, "2001:db8::7"),
        ("127.0.0.1", "198.51.100.7, [::1]:443", LOOPBACK, "198.51.100.7"),
        ("127.0.0.1", "198.51.100.7, 10.0.0.6:443", INSIDE, "198.51.100.7"),
        ("127.0.0.1", "198.51.100.7:1, 10.0.0.6:2, 10.0.0.7:3", INSIDE, "198.51.100.7"),
        ("127.0.0.1", "[::1", LOOPBACK, "[::1"),
        ("fd00::1", "2001:db8::7, fd00::2", ("fd00::/8",), "2001:db8::7"),
        ("::ffff:127.0.0.1", "1.2.3.4", LOOPBACK, "1.2.3.4"),
        ("", "1.2.3.4", LOOPBACK, "1.2.3.4"),
        ("", None, LOOPBACK, "unix"),
    ],
)
def test_the_address_is_the_last_that_is_no_proxy_of_ours(
    peer: str, chain: str | None, proxies: tuple[str, ...], address: str
):
    environ = request(peer, **{"for": chain})

    assert client_address(environ, networks(*proxies)) == address


@pytest.mark.parametrize(
    ("address", "proxies", "trusted"),
    [
        ("10.1.2.3", ("10.0.0.0/8",), True),
        ("11.1.2.3", ("10.0.0.0/8",), False),
        ("::1", ("127.0.0.1",), False),
        ("2001:db8::1", ("2001:db8::/32", "127.0.0.1"), True),
        ("::ffff:10.1.2.3", ("10.0.0.0/8",), True),
        ("::ffff:10.1.2.3", ("::ffff:0:0/96",), True),
        ("::ffff:11.1.2.3", ("10.0.0.0/8",), False),
        ("10.1.2.3", ("::ffff:0:0/96",), False),
        ("", (), True),
        ("chat.example", ("0.0.0.0/0", "::/0"), False),
    ],
)
def test_a_proxy_is_trusted_by_its_network(address: str, proxies: tuple[str, ...], trusted: bool):
    """A peer behind a unix socket has no address, and is on this machine."""
    assert is_trusted(address, networks(*proxies)) is trusted
