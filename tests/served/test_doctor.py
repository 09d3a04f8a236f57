"""doctor, as a person runs it: before the first start, and next to a room that is open."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatroom.commands.checks import Verdict
from chatroom.commands.proxy_checks import examine_proxy
from tests.support.deadline import DEADLINE
from tests.support.histories import snapshot
from tests.support.ports import idle_port
from tests.support.server_process import Launch, Running, serving
from tests.support.terminal import Shell


def configure(folder: Path) -> None:
    settings = {"port": idle_port().number, "hostName": "127.0.0.1", "maxUsers": 10}
    (folder / "config.json").write_text(json.dumps(settings))


def test_a_machine_that_is_right_has_nothing_wrong_and_nothing_is_changed(tmp_path: Path):
    configure(tmp_path)
    before = snapshot(tmp_path)
    done = Shell(tmp_path).run("doctor", "--config", "config.json")

    assert (done.code, done.err) == (0, "")
    assert {line.split()[1] for line in done.lines} == {
        "settings",
        "port",
        "log",
        "history",
        "gunicorn",
        "limits",
    }
    assert all(line.startswith("ok ") for line in done.lines)
    assert snapshot(tmp_path) == before


def test_wrong_settings_are_named_and_how_to_mend_them(tmp_path: Path):
    (tmp_path / "config.json").write_text('{"prot": 80}')
    done = Shell(tmp_path).run("doctor", "--config", "config.json")

    assert done.code == 1
    assert "prot" in done.out
    assert "the nearest is port" in done.out
    assert "-> fix the file" in done.out


def test_options_that_would_break_the_room_are_named_with_where_they_stand(tmp_path: Path):
    configure(tmp_path)
    done = Shell(tmp_path).run(
        "doctor", "--config", "config.json", WEB_CONCURRENCY="4", GUNICORN_CMD_ARGS="--threads=2"
    )

    assert done.code == 1
    (line,) = [line for line in done.lines if line.startswith("wrong")]
    assert "threads is 2; wanted: at least 66" in line
    assert "remove it from GUNICORN_CMD_ARGS" in done.out


def test_a_room_that_is_open_there_has_its_port_and_its_history(tmp_path: Path):
    with serving(tmp_path, history="sqlite:chat.db", maxUsers=10) as server:
        done = Shell(tmp_path).run("doctor", "--config", "config.json", "--proxy", url(server))
    assert done.code == 0, done.out
    assert "a chat room is open at" in done.out
    assert "in use by the running room" in done.out
    assert "it forwards WebSockets, and the page's origin" in done.out


def test_a_room_behind_its_proxy_alone_has_its_history(tmp_path: Path):
    """On a Unix socket, nothing answers at the port of the settings."""
    (tmp_path / "here").mkdir()
    with serving(tmp_path / "here", history="sqlite:chat.db", maxUsers=10) as server:
        other = tmp_path / "here" / "elsewhere.json"
        settings = {"port": idle_port().number, "history": "sqlite:chat.db", "maxUsers": 10}
        other.write_text(json.dumps(settings))
        shell = Shell(tmp_path / "here")
        alone = shell.run("doctor", "--config", "elsewhere.json")
        reached = shell.run("doctor", "--config", "elsewhere.json", "--proxy", url(server))

    assert alone.code == 1
    assert "if it is the room, on a Unix socket, check it with --proxy" in alone.out
    assert reached.code == 0, reached.out
    assert "probably the room behind the proxy" in reached.out


def url(server: Running) -> str:
    return f"http://127.0.0.1:{server.port}"


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Running]:
    settings = {"history": "memory:", "trustedProxies": [], "hostNames": ["backend"]}
    with serving(tmp_path / "room", **settings) as running:
        yield running


def test_a_proxy_that_hides_the_pages_origin_is_named(room: Running, tmp_path: Path):
    """The room sees the proxy's own Host, and takes the page for another site's."""
    with Forwarder(room.port) as port:
        findings = examine_proxy(f"http://localhost:{port}")
    (finding,) = [finding for finding in findings if finding.verdict is Verdict.WRONG]
    assert "foreign origin" in finding.text
    assert "X-Forwarded-Host" in finding.remedy


def test_a_proxy_by_whose_name_the_room_does_not_go_is_named(serve: Launch):
    room = serve(history="memory:", trustedProxies=[])
    with Forwarder(room.port) as port:
        (finding,) = examine_proxy(f"http://localhost:{port}")
    assert finding.verdict is Verdict.WRONG
    assert "does not go by the name" in finding.text
    assert "X-Forwarded-Host" in finding.remedy
    assert "add localhost to hostNames" in finding.remedy


class Forwarder:
    """A proxy that changes the Host header, as nginx does by default; one request at a time."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, name="forwarder")

    def __enter__(self) -> int:
        self._thread.start()
        port: int = self._listener.getsockname()[1]
        return port

    def __exit__(self, *_error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(DEADLINE)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):  # of a client that has seen enough
                self._forward(client)

    def _forward(self, client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._target)) as server:
            client.settimeout(DEADLINE)
            server.settimeout(DEADLINE)
            host = f"Host: localhost:{self._listener.getsockname()[1]}".encode()
            request = client.recv(65536)
            server.sendall(request.replace(host, b"Host: backend"))
            while server in select.select([client, server], [], [], DEADLINE)[0]:
                data = server.recv(65536)
                client.sendall(data)
                if not data or data.startswith(b"HTTP/1.1 101 "):
                    break
