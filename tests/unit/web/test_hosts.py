"""Host names: which ones the server answers to, and what a page that rebinds DNS gets."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from chatroom.configuration import load_configuration
from chatroom.errors import HandshakeRefused
from chatroom.web.hosts import HostNames
from tests.support.flask_client import started
from tests.support.websocket_client import KEY

HERE = {"SERVER_NAME": "127.0.0.1", "SERVER_PORT": "9999", "REMOTE_ADDR": "127.0.0.1"}
"""A server that listens on loopback only, and a browser, or a proxy, on the same machine."""
EVERYWHERE = {**HERE, "SERVER_NAME": "0.0.0.0", "REMOTE_ADDR": "192.168.1.9"}
ON_A_SOCKET = {"SERVER_NAME": "chat.example", "SERVER_PORT": "80", "REMOTE_ADDR": ""}
PROXIED = {"HTTP_X_FORWARDED_HOST": "chat.example", "HTTP_X_FORWARDED_FOR": "198.51.100.7"}


def answers(host: str | None, place: dict[str, str] = HERE, **changes: Any) -> bool:
    """Whether a request with this Host is let in; the rest are settings."""
    headers = {name: changes.pop(name) for name in list(changes) if name.startswith("HTTP_")}
    environ: dict[str, Any] = {"wsgi.url_scheme": "http", **place, **headers}
    if host is not None:
        environ["HTTP_HOST"] = host
    try:
        HostNames(replace(load_configuration({}), **changes)).check(environ)
    except HandshakeRefused as refusal:
        assert refusal.status == 421
        assert "hostNames in config.json" in refusal.reason
        return False
    return True


LOCAL = ["localhost", "localhost:9999", "LOCALHOST:9999", "localhost.", "chat.localhost:9999"]
ADDRESSES = ["127.0.0.1:9999", "127.0.0.1", "[::1]:9999", "192.168.1.7:9999", "[2001:db8::7]"]
FOREIGN = ["evil.example:9999", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example"]
FOREIGN += ["evil.example:80", "localhostevil", "a b", "localhost@evil.example", "[evil]", ":9999"]


# -- where only this machine can connect -------------------------------------------------------


@pytest.mark.parametrize("host", [*LOCAL, *ADDRESSES, None, ""])
def test_on_loopback_it_is_localhost_and_every_address(host: str | None):
    """A client without a Host header is no browser."""
    assert answers(host)


@pytest.mark.parametrize("host", FOREIGN)
@pytest.mark.parametrize("listens_on", ["127.0.0.1", "::1", "127.0.0.2"])
def test_on_loopback_any_other_name_is_foreign(host: str, listens_on: str):
    assert not answers(host, {**HERE, "SERVER_NAME": listens_on})


@pytest.mark.parametrize("claimed", ["localhost", "127.0.0.1:9999", "evil.example:9999"])
def test_a_page_cannot_excuse_itself_by_the_headers_of_proxies(claimed: str):
    """They are not forbidden to scripts. But the port it must name, and that is the server's."""
    headers = {**PROXIED, "HTTP_X_FORWARDED_HOST": claimed}
    assert not answers("evil.example:9999", **headers)
    assert not answers("evil.example", {**HERE, "SERVER_PORT": "80"}, **headers)


@pytest.mark.parametrize("host", ["chat.example", "chat.example:8443", "backend", "127.0.0.1:9999"])
@pytest.mark.parametrize("name", ["HOST", "FOR", "PROTO"])
def test_a_trusted_proxy_on_the_machine_may_pass_any_name_on(host: str, name: str):
    """As in nginx's and Caddy's usual configurations: no setting is needed."""
    assert answers(host, **{f"HTTP_X_FORWARDED_{name}": "chat.example"})


def test_one_that_is_not_trusted_may_not():
    assert not answers("chat.example", trusted_proxies=(), **PROXIED)
    assert not answers("chat.example", trusted_proxies=(ip_network("10.0.0.7"),), **PROXIED)


def test_names_in_other_settings_are_its_own_too():
    """A proxy that nobody trusts: then its page's origin is in allowedOrigins."""
    origins = ("https://chat.example", "http://other.example:81")
    assert answers("chat.example", allowed_origins=origins)
    assert answers("other.example:9999", allowed_origins=origins)
    assert answers("my-machine:9999", host_name="my-machine")


# -- elsewhere ---------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [EVERYWHERE, {**EVERYWHERE, "SERVER_NAME": "192.168.1.7"}])
@pytest.mark.parametrize("host", ["chat.example:9999", *FOREIGN])
def test_elsewhere_it_is_open_until_names_are_listed(place: dict[str, str], host: str):
    assert answers(host, place)


@pytest.mark.parametrize("place", [HERE, EVERYWHERE])
def test_listed_names_are_its_own(place: dict[str, str]):
    listed = {"host_names": ("chat.example", "xn--bcher-kva.example")}

    assert answers("chat.example:9999", place, **listed)
    assert answers("CHAT.example.", place, **listed)
    assert answers("xn--bcher-kva.example", place, **listed)
    assert not answers("other.example", place, **listed)
    assert not answers("www.chat.example", place, **listed)
    assert all(answers(host, place, **listed) for host in LOCAL + ADDRESSES)


@pytest.mark.parametrize("place", [HERE, ON_A_SOCKET])
def test_with_a_list_the_name_that_a_proxy_was_asked_for_counts(place: dict[str, str]):
    listed = {"host_names": ("chat.example",)}
    assert answers("backend", place, **PROXIED, **listed)
    assert answers("chat.example", place, **PROXIED, **listed)

    evil = {**PROXIED, "HTTP_X_FORWARDED_HOST": "evil.example"}
    assert not answers("backend", place, **evil, **listed)
    assert not answers("chat.example", place, **evil, **listed)


def test_with_a_list_a_page_cannot_excuse_itself_by_naming_one_of_them():
    assert not answers("evil.example:9999", host_names=("chat.example",), **PROXIED)


def test_a_unix_socket_has_no_name_and_no_browser():
    assert answers("evil.example", ON_A_SOCKET)
    assert answers("evil.example", {**ON_A_SOCKET, "SERVER_NAME": "localhost"})
    assert not answers("evil.example", ON_A_SOCKET, host_names=("chat.example",))


# -- one check for everything ------------------------------------------------------------------


@pytest.fixture
def client(tmp_path: Path) -> Any:
    with started(tmp_path, history="memory:") as app:
        yield app.test_client()


EVIL = {"Host": "evil.example:9999", "Origin": "http://evil.example:9999"}
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {}),
        ("GET", "/getAllMessages", {}),
        ("GET", "/healthz", {}),
        ("GET", "/nowhere", {}),
        ("GET", "/static/icon.svg", {}),
        ("GET", "/chat", {**UPGRADE, "Sec-WebSocket-Key": KEY}),
        ("GET", "/api/rooms", {}),
        ("GET", "/api/rooms/lobby/events", {}),
        ("OPTIONS", "/api/rooms/lobby/messages", {"Access-Control-Request-Method": "POST"}),
        ("POST", "/api/rooms/lobby/messages", {"Content-Type": "application/json"}),
    ],
)
def test_a_page_that_rebinds_dns_gets_nothing(
    client: FlaskClient,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    headers: dict[str, str],
):
    with caplog.at_level("INFO", "chatroom"):
        reply = client.open(path, method=method, headers={**EVIL, **headers}, data=b"{}")

    assert reply.status_code == 421
    assert '"evil.example"' in (reply.json or {"detail": reply.text})["detail"]
    assert "hostNames in config.json" in reply.text
    is_api = path.startswith("/api/")
    assert reply.mimetype == ("application/problem+json" if is_api else "text/plain")
    (line,) = caplog.messages
    assert line.startswith('refused: 127.0.0.1: 421: This server does not go by the name "evil')


@pytest.mark.parametrize(
    "path", ["//rooms/a", "//evil.example/..", "/api//rooms", "//", "/rooms//a"]
)
def test_no_path_leads_to_another_host(client: FlaskClient, path: str):
    """Werkzeug would merge the slashes, and redirect to whatever host the client names."""
    reply = client.get("/", environ_overrides={"PATH_INFO": path}, headers={"Host": "localhost:1"})

    assert "Location" not in reply.headers
    assert reply.status_code in (200, 404)
