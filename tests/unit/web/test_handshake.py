"""Handshakes: which requests may become sockets, and whose they are."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.errors import HandshakeRefused
from chatroom.names import DEFAULT_ROOM, room_name
from chatroom.web.handshake import (
    check_origin,
    check_upgrade,
    is_trustworthy,
    room_asked_for,
    strip,
)
from tests.support.websocket_client import KEY

GOOD = {
    "REQUEST_METHOD": "GET",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "203.0.113.7",
    "wsgi.url_scheme": "http",
    "HTTP_HOST": "chat.example:9999",
    "HTTP_UPGRADE": "websocket",
    "HTTP_CONNECTION": "Upgrade",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
    "HTTP_SEC_WEBSOCKET_KEY": KEY,
}
LOOPBACK = ("127.0.0.1", "::1")


def request(**changes: str | None) -> dict[str, Any]:
    """A good request but for the changes; None takes a header away."""
    return {key: value for key, value in {**GOOD, **changes}.items() if value is not None}


def forwarded(**headers: str) -> dict[str, Any]:
    """A request by way of a proxy on this machine."""
    changes = {f"HTTP_X_FORWARDED_{name.upper()}": value for name, value in headers.items()}
    return request(REMOTE_ADDR="127.0.0.1", **changes)


def networks(*texts: str) -> list[Any]:
    return [ip_network(text) for text in texts]


# -- the upgrade -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"HTTP_UPGRADE": "WebSocket"},
        {"HTTP_CONNECTION": "keep-alive, Upgrade"},
        {"HTTP_CONNECTION": "UPGRADE,close"},
    ],
)
def test_a_good_handshake_passes(changes: dict[str, str]):
    check_upgrade(request(**changes))


UPGRADE = {"Sec-WebSocket-Version": "13", "Upgrade": "websocket", "Connection": "Upgrade"}


@pytest.mark.parametrize(
    ("changes", "status", "headers"),
    [
        ({"REQUEST_METHOD": "POST"}, 405, {"Allow": "GET"}),
        ({"REQUEST_METHOD": "HEAD"}, 405, {"Allow": "GET"}),
        ({"REQUEST_METHOD": "OPTIONS"}, 405, {"Allow": "GET"}),
        ({"SERVER_PROTOCOL": "HTTP/1.0"}, 400, {}),
        ({"SERVER_PROTOCOL": None}, 400, {}),
        ({"HTTP_UPGRADE": None}, 426, UPGRADE),
        ({"HTTP_UPGRADE": "h2c"}, 426, UPGRADE),
        ({"HTTP_UPGRADE": ""}, 426, UPGRADE),
        ({"HTTP_CONNECTION": None}, 426, UPGRADE),
        ({"HTTP_CONNECTION": "keep-alive"}, 426, UPGRADE),
        ({"HTTP_CONNECTION": "upgraded"}, 426, UPGRADE),
        ({"HTTP_SEC_WEBSOCKET_VERSION": None}, 426, UPGRADE),
        ({"HTTP_SEC_WEBSOCKET_VERSION": "8"}, 426, UPGRADE),
        ({"HTTP_SEC_WEBSOCKET_VERSION": "13, 8"}, 426, UPGRADE),
        ({"HTTP_SEC_WEBSOCKET_KEY": None}, 400, {}),
        ({"HTTP_SEC_WEBSOCKET_KEY": ""}, 400, {}),
        ({"HTTP_SEC_WEBSOCKET_KEY": "c2hvcnQ="}, 400, {}),
        ({"HTTP_SEC_WEBSOCKET_KEY": KEY[:-2]}, 400, {}),
        ({"HTTP_SEC_WEBSOCKET_KEY": "!" * 24}, 400, {}),
        ({"HTTP_SEC_WEBSOCKET_KEY": "\u00e9" * 24}, 400, {}),
        ({"CONTENT_LENGTH": "3"}, 400, {}),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 400, {}),
        ({"HTTP_HOST": None}, 400, {}),
        ({"HTTP_HOST": ""}, 400, {}),
    ],
)
def test_a_bad_handshake_is_refused_with_the_header_that_its_status_asks_for(
    changes: dict[str, str | None], status: int, headers: dict[str, str]
):
    with pytest.raises(HandshakeRefused) as caught:
        check_upgrade(request(**changes))

    assert caught.value.status == status
    assert caught.value.headers == headers
    assert caught.value.reason.endswith(".")


@given(st.text())
def test_any_key_at_all_is_taken_or_refused(key: str):
    try:
        check_upgrade(request(HTTP_SEC_WEBSOCKET_KEY=key))
    except HandshakeRefused as refusal:
        assert refusal.status == 400


def test_only_what_the_handshake_needs_is_left():
    """Without the extensions no compression is agreed on, so that one frame serves all."""
    environ = request(
        HTTP_SEC_WEBSOCKET_EXTENSIONS="permessage-deflate",
        HTTP_SEC_WEBSOCKET_PROTOCOL="chat",
        HTTP_COOKIE="x" * 1000,
        HTTP_ORIGIN="http://chat.example",
    )
    strip(environ)

    kept = {key for key in GOOD if key.startswith("HTTP_")} | {"REQUEST_METHOD", "REMOTE_ADDR"}
    assert environ == {key: GOOD[key] for key in kept}


# -- the origin --------------------------------------------------------------------------------


def is_allowed(
    environ: dict[str, Any], allowed: Iterable[str] = (), proxies: Iterable[str] = LOOPBACK
) -> bool:
    try:
        check_origin(environ, tuple(allowed), networks(*proxies))
    except HandshakeRefused as refusal:
        assert refusal.status == 403
        return False
    return True


def test_a_client_without_an_origin_is_no_page_and_may():
    assert is_allowed(request())


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("chat.example:9999", "http://chat.example:9999"),
        ("chat.example", "http://chat.example"),
        ("chat.example:80", "http://chat.example"),
        ("chat.example", "http://chat.example:80"),
        ("Chat.Example", "http://chat.example"),
        ("localhost:9999", "http://localhost:9999"),
        ("127.0.0.1:9999", "http://127.0.0.1:9999"),
        ("[::1]:9999", "http://[::1]:9999"),
        ("[::1]", "http://[::1]:80"),
        ("[0:0:0:0:0:0:0:1]:9999", "http://[::1]:9999"),
    ],
)
def test_the_servers_own_page_may(host: str, origin: str):
    assert is_allowed(request(HTTP_HOST=host, HTTP_ORIGIN=origin))


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://evil.example:9999",
        "http://chat.example",
        "http://chat.example:80",
        "https://chat.example:9999",
        "http://chat.example:9999.evil.example",
        "http://evil.example/http://chat.example:9999",
        "http://chat.example:9999@evil.example",
        "http://chat.example:99999",
        "null",
        "",
        "*",
        "file://",
        "chat.example:9999",
        "http://",
        "http://[::1",
    ],
)
def test_another_page_may_not(origin: str):
    assert not is_allowed(request(HTTP_ORIGIN=origin))


@pytest.mark.parametrize("host", ["", "null", ":", "[", "chat.example:x", "a b"])
def test_a_host_that_is_none_does_not_make_null_our_own(host: str):
    assert not is_allowed(request(HTTP_HOST=host, HTTP_ORIGIN="null"))
    assert not is_allowed(request(HTTP_HOST=host, HTTP_ORIGIN=""))


def test_a_page_of_an_allowed_origin_may():
    friend = "https://friend.example"

    assert is_allowed(request(HTTP_ORIGIN=friend), [friend])
    assert is_allowed(request(HTTP_ORIGIN="https://FRIEND.example:443"), [friend])
    assert not is_allowed(request(HTTP_ORIGIN="http://friend.example"), [friend])
    assert not is_allowed(request(HTTP_ORIGIN="null"), [friend])


def test_what_anybody_else_says_of_the_page_does_not_count():
    environ = forwarded(proto="https", host="evil.example")
    environ["HTTP_ORIGIN"] = "https://evil.example"

    assert is_allowed(environ)
    assert not is_allowed({**environ, "REMOTE_ADDR": "203.0.113.7"})
    assert not is_allowed(environ, proxies=[])


@pytest.mark.parametrize(
    ("environ", "trustworthy"),
    [
        (request(), False),
        (request(HTTP_HOST="localhost:9999"), True),
        (request(HTTP_HOST="[::1]"), True),
        (request(HTTP_HOST="[::1"), False),
        (request(HTTP_HOST=None), False),
        (forwarded(proto="https", host="chat.example"), True),
        ({**forwarded(proto="https"), "REMOTE_ADDR": "203.0.113.7"}, False),
    ],
)
def test_a_browser_trusts_https_and_its_own_machine(environ: dict[str, Any], trustworthy: bool):
    assert is_trustworthy(environ, networks(*LOOPBACK)) is trustworthy


# -- the room ----------------------------------------------------------------------------------


def test_no_name_means_the_default_room():
    assert room_asked_for(None) == DEFAULT_ROOM == "lobby"


@pytest.mark.parametrize(
    "name", ["a", "x" * 64, "K\u00fcche", "room-7", "a.b_c", "\u4f1a\u8bae", "हिन्दी", "ไทย"]
)
def test_a_room_is_called_as_asked(name: str):
    assert room_name(name) == name


def test_a_room_is_the_same_however_its_letters_are_put_together():
    assert room_name("Ku\u0308che") == room_name("K\u00fcche")
    assert room_name("u\u0308" * 64) == "\u00fc" * 64


@pytest.mark.parametrize(
    "name",
    [
        *("", "x" * 65, "a b", "a/b", "a\n", "\0", "<b>", "\U0001f44b", "%"),
        *("\u0308", "lobby\ufe0f", "\u3164", "lobby\U000e0100"),
    ],
)
def test_what_is_no_name_is_refused(name: str):
    with pytest.raises(HandshakeRefused, match="use 1 to 64 letters") as caught:
        room_asked_for(name)
    assert caught.value.status == 400
