"""``/metrics``: who may read it, and who is told what to do about it."""

from __future__ import annotations

import builtins
import threading
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chatroom.engine import Engine
from chatroom.web import exposition
from chatroom.web.metrics import SCRAPES
from tests.support.deadline import DEADLINE, wait_for
from tests.support.flask_client import started

SETTINGS: dict[str, object] = {}
"""Of the ``app``: see conftest.py."""

KEY = "a-key-of-some-length"
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}


def ask(client: FlaskClient, peer: str = "127.0.0.1", **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get("/metrics", headers=named, environ_overrides={"REMOTE_ADDR": peer})


def statuses(folder: Path, asked: list[dict[str, str]], **settings: Any) -> list[int]:
    with started(folder, history="memory:", **settings) as app:
        client = app.test_client()
        return [ask(client, **one).status_code for one in asked]


# -- this machine ------------------------------------------------------------------------------


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "127.0.0.2", "::ffff:127.0.0.1", ""])
def test_programs_on_the_same_machine_may_read_it(shared_client: FlaskClient, peer: str):
    """Also over a Unix socket, whose peer has no address."""
    reply = ask(shared_client, peer)

    assert reply.status_code == 200, reply.text
    assert "chatroom_up 1.0\n" in reply.text


@pytest.mark.parametrize("peer", ["192.0.2.7", "10.0.0.1", "2001:db8::7"])
def test_others_may_not_and_are_told_how_they_could(shared_client: FlaskClient, peer: str):
    reply = ask(shared_client, peer)

    assert reply.status_code == 403
    assert reply.text.startswith(f"{peer} may not read the server's numbers. ")
    assert "metricsFrom in config.json" in reply.text
    assert "metricsKey" in reply.text


@pytest.mark.parametrize(
    "header",
    ["X_Forwarded_For", "X_Forwarded_Host", "X_Forwarded_Proto", "Forwarded", "Via", "X_Real_IP"],
)
def test_what_a_proxy_on_the_same_machine_passes_on_is_not_from_here(
    shared_client: FlaskClient, header: str
):
    """Whatever it says: even that its client is on this machine."""
    assert ask(shared_client, **{header: "127.0.0.1"}).status_code == 403


def test_nor_where_proxies_are_not_trusted(tmp_path: Path):
    asked = [{"X_Forwarded_For": "198.51.100.7"}, {}]

    assert statuses(tmp_path, asked, trusted_proxies=()) == [403, 200]


def test_a_client_does_not_come_from_here_by_saying_so(shared_client: FlaskClient):
    """A proxy appends the address that it sees to whatever its client claims."""
    reply = ask(shared_client, X_Forwarded_For="127.0.0.1, 198.51.100.7")

    assert reply.status_code == 403
    assert reply.text.startswith("198.51.100.7 may not")


@pytest.mark.parametrize("host", ["localhost:9999", "127.0.0.1:9999", "[::1]:9999", "[::1]"])
def test_it_is_asked_for_by_a_name_of_this_machine(shared_client: FlaskClient, host: str):
    assert ask(shared_client, Host=host).status_code == 200


@pytest.mark.parametrize("host", ["chat.example", "chat.example:9999", "192.0.2.9", "[evil]", "["])
def test_a_proxy_that_adds_no_header_and_a_page_that_rebinds_give_themselves_away(
    shared_client: FlaskClient, host: str
):
    """They ask by the name that a browser has asked them for."""
    listens_on = {"SERVER_NAME": "0.0.0.0", "REMOTE_ADDR": "127.0.0.1"}
    reply = shared_client.get(
        "/metrics", headers={"Host": host}, environ_overrides=listens_on | {"HTTP_HOST": host}
    )

    assert reply.status_code == 403


# -- whom the settings name --------------------------------------------------------------------


def test_addresses_of_the_settings_may_read_it(tmp_path: Path):
    asked = [{"peer": "10.1.2.3"}, {"peer": "192.0.2.7"}, {"peer": "10.2.0.1"}, {}]
    networks = (ip_network("10.1.0.0/16"), ip_network("192.0.2.7"))

    assert statuses(tmp_path, asked, metrics_from=networks) == [200, 200, 403, 200]


def test_an_address_counts_as_a_trusted_proxy_reports_it(tmp_path: Path):
    asked = [
        {"X_Forwarded_For": "192.0.2.7"},
        {"X_Forwarded_For": "192.0.2.7, 198.51.100.7"},
        {"peer": "198.51.100.9", "X_Forwarded_For": "192.0.2.7"},
    ]

    assert statuses(tmp_path, asked, metrics_from=(ip_network("192.0.2.7"),)) == [200, 403, 403]


def test_this_machine_in_the_settings_opens_nothing_to_those_behind_its_proxy(tmp_path: Path):
    asked = [{}, {"X_Forwarded_For": "127.0.0.1"}, {"X_Forwarded_Proto": "https"}]

    assert statuses(tmp_path, asked, metrics_from=(ip_network("127.0.0.0/8"),)) == [200, 403, 403]


def test_a_key_opens_it_from_anywhere(tmp_path: Path):
    asked = [
        {"peer": "192.0.2.7", "Authorization": f"Bearer {KEY}"},
        {"X_Forwarded_For": "198.51.100.7", "Authorization": f"bearer {KEY}"},
        {"peer": "192.0.2.7", "Authorization": f"Basic {KEY}"},
        {"peer": "192.0.2.7", "Authorization": f"Bearer {KEY}x"},
        {"peer": "192.0.2.7", "Authorization": "Bearer \udcff"},
        {"peer": "192.0.2.7"},
        {"Authorization": "Bearer another-key-of-no-use"},
    ]

    assert statuses(tmp_path, asked, metrics_key=KEY) == [200, 200, 403, 403, 403, 403, 200]


def test_a_wrong_key_is_told_apart_from_none(tmp_path: Path):
    with started(tmp_path, history="memory:", metrics_key=KEY) as app:
        client = app.test_client()
        wrong = ask(client, "192.0.2.7", Authorization="Bearer another-one")
        none = ask(client, "192.0.2.7")

    assert "; the key is another one. " in wrong.text
    assert "the key is another one" not in none.text
    assert KEY not in wrong.text


def test_without_a_key_in_the_settings_no_key_opens_it(shared_client: FlaskClient):
    for shown in ("", " ", "x"):
        reply = ask(shared_client, "192.0.2.7", Authorization=f"Bearer {shown}")
        assert reply.status_code == 403


# -- the response ------------------------------------------------------------------------------


def test_nobody_keeps_it(shared_client: FlaskClient):
    reply = ask(shared_client)

    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.mimetype == "text/plain"
    assert "version=" in reply.headers["Content-Type"]


def test_openmetrics_for_whoever_wants_it(shared_client: FlaskClient):
    reply = ask(shared_client, Accept="application/openmetrics-text;version=1.0.0,*/*;q=0.1")

    assert reply.mimetype == "application/openmetrics-text"
    assert reply.text.endswith("# EOF\n")


def test_reading_it_leaves_no_line_in_the_log(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO", "chatroom")
    ask(client)
    assert caplog.messages == []

    ask(client, "192.0.2.7")
    (line,) = caplog.messages
    assert line.startswith("refused: 192.0.2.7: 403: 192.0.2.7 may not read")


def test_without_the_library_the_command_that_installs_it_is_told(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    imported = builtins.__import__

    def refuse(name: str, *arguments: Any, **options: Any) -> Any:
        if name.partition(".")[0] == "prometheus_client":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return imported(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    reply = ask(client)

    assert reply.status_code == 404
    assert reply.text.endswith(f" -m pip install '{exposition.REQUIREMENT}'\n")
    assert ask(client, "192.0.2.7").status_code == 403  # it is nobody else's business


def test_only_so_many_read_it_at_once(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    """Each may wait for the Server thread, on a thread that pages and health checks need."""
    inside = threading.Semaphore(0)
    goes_on = threading.Event()

    def write(*_arguments: object) -> tuple[bytes, str]:
        inside.release()
        assert goes_on.wait(DEADLINE)
        return b"", "text/plain"

    monkeypatch.setattr(exposition, "write", write)
    readers = [
        threading.Thread(target=lambda: ask(client.application.test_client()))
        for _ in range(SCRAPES)
    ]
    try:
        for reader in readers:
            reader.start()
        for _ in readers:
            assert inside.acquire(timeout=DEADLINE)
        reply = ask(client)
        assert reply.status_code == 503
        assert reply.headers["Retry-After"] == "5"
    finally:
        goes_on.set()
        for reader in readers:
            reader.join(DEADLINE)
    monkeypatch.undo()
    wait_for(lambda: ask(client).status_code == 200, "a free place")
