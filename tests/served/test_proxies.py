"""The room behind nginx and behind Caddy, set up as docs/deployment.md says."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from websockets.exceptions import InvalidMessage, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from chatroom.client import ChatClient
from chatroom.commands.checks import Verdict
from chatroom.commands.proxy_checks import examine_proxy
from tests.support import postgresql
from tests.support.certificates import Certificate
from tests.support.deadline import DEADLINE, wait_for
from tests.support.proxies import caddy, nginx
from tests.support.server_process import Launch, Running

pytestmark = pytest.mark.takes(seconds=6)

ELSEWHERE = "127.0.0.5"
"""An address of this machine that is none of the proxies that a server trusts."""


@pytest.fixture(scope="module")
def sock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("socket") / "chat.sock"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sock: Path) -> Iterator[Running]:
    """One that listens on a port, and on a socket as well."""
    running = Running(tmp_path_factory.mktemp("behind"), history="memory:", leaveGrace=0)
    binds = (f"127.0.0.1:{running.port}", f"unix:{sock}")
    yield running.start(*(f"--bind={bind}" for bind in binds))
    running.kill()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(
    scope="module",
    params=["nginx", "nginx below a path", "nginx to a socket", "Caddy", "Caddy below a path"],
)
def url(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    server: Running,
    sock: Path,
    certificate: Certificate,
) -> Iterator[str]:
    """Where the room is, for somebody outside."""
    folder = tmp_path_factory.mktemp("proxy")
    under = "/talk" if "path" in request.param else ""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(certificate.file))
        if request.param.startswith("nginx"):
            upstream = sock if "socket" in request.param else server.port
            front = nginx(folder, upstream, certificate, under)
        else:
            front = caddy(folder, server.port, certificate, under)
        with front as url:
            yield url


@contextmanager
def asked(url: str, path: str, body: object = None) -> Iterator[http.client.HTTPResponse]:
    """The response, as far as it has come."""
    parts = urlsplit(url)
    line = http.client.HTTPSConnection(
        "localhost", parts.port, timeout=DEADLINE, context=ssl.create_default_context()
    )
    with contextlib.closing(line):
        method, data = ("GET", None) if body is None else ("POST", json.dumps(body))
        line.request(method, parts.path + path, data, {"Content-Type": "application/json"})
        with line.getresponse() as response:
            yield response


def fetch(url: str, path: str) -> bytes:
    with asked(url, path) as response:
        assert response.status == 200, path
        return response.read()


@contextmanager
def socket_through(url: str, **options: Any) -> Iterator[ClientConnection]:
    """A WebSocket, from a client that tries again, as all of ours do: see docs/deployment.md."""
    address = f"wss{url.removeprefix('https')}/chat"
    options = {"ssl": ssl.create_default_context(), "open_timeout": DEADLINE / 5, **options}
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            socket = connect(address, **options)
            break
        except (TimeoutError, InvalidMessage):
            if time.monotonic() > deadline:
                raise
    with socket:
        yield socket


def test_the_page_and_all_that_it_names_comes_through(url: str) -> None:
    parts = urlsplit(url)
    page = fetch(url, "/rooms/garden").decode()
    named = re.findall(r'(?:src|href)="(/[^"]*)"', page)
    assert named
    for path in set(named):
        assert path.startswith(f"{parts.path}/"), path
        assert fetch(f"{parts.scheme}://{parts.netloc}", path), path


def test_the_address_of_the_path_alone_leads_to_the_page(url: str) -> None:
    parts = urlsplit(url)
    if not parts.path:
        return
    with asked(url, "") as response:
        assert response.status in (301, 302)
        target = urljoin(url, response.headers["Location"])
    assert target == f"{url}/"


def test_people_talk_through_it(url: str) -> None:
    with ExitStack() as last:
        ann, bob = (last.enter_context(ChatClient(url, name, room="talk")) for name in "AB")
        ann.say("Good morning!")
        assert next(iter(bob)).body == "Good morning!"


@pytest.mark.parametrize("size", [1, 100, 70_000, 300_000])
def test_a_file_comes_through_it_whose_sender_waits_to_be_asked(
    url: str, certificate: Certificate, tmp_path: Path, size: int
) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(size))
    with ChatClient(url, f"Ann {size}") as ann:
        headers = ["-H", f"Authorization: Bearer {ann.token}", "-H", "Expect: 100-continue"]
        command = ["curl", "-sS", "--cacert", str(certificate.file), *headers]
        address = f"{url}/api/rooms/lobby/files/"
        done = subprocess.run(
            [*command, "-T", "a.bin", "-w", " %{http_code}", address],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        assert len(ann.upload(tmp_path / "a.bin")) == 32

    assert done.stdout.endswith(" 201"), done


def test_doctor_finds_nothing_to_complain_about(url: str) -> None:
    findings = examine_proxy(url)
    assert [finding.verdict for finding in findings] == [Verdict.OK, Verdict.OK], findings


def test_the_log_has_the_clients_own_address(url: str, server: Running) -> None:
    """The one that the proxy sees, whatever the client itself says of it."""
    name = f"Eve at {urlsplit(url).port}"
    lie = {"X-Forwarded-For": "192.0.2.7", "X-Real-IP": "192.0.2.7"}
    with socket_through(url, additional_headers=lie, source_address=(ELSEWHERE, 0)) as socket:
        socket.send(json.dumps({"userName": name}))
        wait_for(lambda: f'"{name}"' in server.log(), "who joined")
    (joined,) = [
        line for line in server.log().splitlines() if "joined: user" in line and name in line
    ]
    assert f'"{name}" ({ELSEWHERE})' in joined


def test_a_page_of_another_site_is_still_refused(url: str) -> None:
    with (
        pytest.raises(InvalidStatus, match="403"),
        socket_through(url, origin="https://evil.example"),
    ):
        pass


def test_the_servers_numbers_are_not_for_those_outside(url: str) -> None:
    """Although the proxy is on the server's own machine, which may read them."""
    with asked(url, "/metrics") as response:
        assert response.status == 403
        assert b"may not read the server's numbers" in response.read()


def test_events_come_as_they_happen(url: str) -> None:
    """A proxy that collects them first would show nothing, not even the headers."""
    with asked(url, "/api/rooms/events/events?limit=0") as response:
        assert response.status == 200
        until(response, "data: ")  # of what goes before: it is live
        with asked(url, "/api/rooms/events/messages", {"userName": "Bot", "body": "now"}) as said:
            assert said.status == 201, said.read()
        assert '"body":"now"' in until(response, "data: ")


@pytest.mark.parametrize("proxy", [nginx, caddy])
def test_two_machines_behind_it_are_one_room(
    prepare: Launch, certificate: Certificate, tmp_path: Path, proxy: Any
) -> None:
    """And one of them may die."""
    database = postgresql.shared().make_database()
    servers = [prepare(history=database, leaveGrace=20).start() for _ in range(2)]
    with ExitStack() as last:
        patch = last.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("SSL_CERT_FILE", str(certificate.file))
        ports = (servers[0].port, servers[1].port)
        url = last.enter_context(proxy(tmp_path, ports, certificate))
        ann, bob = (
            last.enter_context(ChatClient(url, name, jitter=lambda longest: min(longest, 0.2)))
            for name in ("Ann", "Bob")
        )
        ann.say("hello").wait(DEADLINE)
        heard = iter(bob)
        assert next(heard).body == "hello"
        assert all("joined: user" in server.log() for server in servers), "both at one machine"

        servers[0].kill()
        for word in "again", "and again":
            ann.say(word).wait(DEADLINE)
            assert next(heard).body == word


def until(response: http.client.HTTPResponse, wanted: str) -> str:
    """Read up to the line that begins so, and return it."""
    while not (line := response.readline().decode()).startswith(wanted):
        assert line, f"no {wanted!r}"
    return line
