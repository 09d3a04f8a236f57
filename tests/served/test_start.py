"""Starting: one clear line and exit code 2 where it cannot, and every way in where it can."""

from __future__ import annotations

import json
import re
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from chatroom import __version__
from tests.support import CHECKOUT
from tests.support.deadline import DEADLINE, wait_for
from tests.support.pages import in_huge_pages, needs_huge_pages
from tests.support.server_process import Launch, Running

pytestmark = pytest.mark.takes(seconds=32)

WAYS = {
    "gunicorn app:app": (sys.executable, "-m", "gunicorn", "app:app"),
    "python app.py": (sys.executable, "app.py"),
}


@pytest.fixture(autouse=True)
def start_as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    """How a process starts is what these tests are about."""
    monkeypatch.setattr(Running, "is_forked", False)


@pytest.fixture
def forked(start_as_usual: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for what comes after that, of which ``way`` shows that it is alike."""
    monkeypatch.setattr(Running, "is_forked", True)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The two ways to start."""
    return WAYS[request.param]


def chats(server: Running) -> bool:
    """Whether the page loads and a message comes back."""
    status, _headers, page = server.get("/")
    with server.join("Ann") as ann:
        ann.say("hello")
        return status == 200 and b"<html" in page and ann.bodies() == ["hello"]


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize(
    ("setting", "value", "wanted"),
    [
        ("prot", 9999, "port"),
        ("port", "9999", "a whole number from 1 to 65535"),
        ("port", 0, "a whole number from 1 to 65535"),
        ("port", True, "a whole number from 1 to 65535"),
        ("history", "mysql:chat", "sqlite:PATH, memory: or postgresql:"),
        ("maxUsers", -1, "a whole number from 1"),
        ("trustedProxies", "127.0.0.1", "a list of"),
        ("allowedOrigins", ["chat.example"], "origins such as"),
        ("logfilePath", "no/such/folder/logs.log", "a writable file"),
    ],
)
def test_a_bad_setting_is_refused_in_one_line(
    prepare: Launch, setting: str, value: Any, wanted: str
) -> None:
    """The line names file, key, value and what was wanted."""
    server = prepare(history="memory:")
    server.settings[setting] = value
    line = server.refusal()
    assert line.startswith(f"chatroom: {server.folder / 'config.json'}: {setting}")
    shown = value[0] if isinstance(value, list) else value
    assert repr(shown) in line
    assert wanted in line


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"port": 1, "port": 2}', "\ufffe"])
def test_a_bad_file_is_refused_in_one_line(
    prepare: Launch, tmp_path: Path, content: str | None
) -> None:
    server = prepare()
    path = tmp_path / "other.json"
    if content is not None:
        path.write_text(content)
    server.environ["CHATROOM_CONFIG"] = str(path)
    assert server.refusal().startswith(f"chatroom: {path}: ")


def test_both_ways_refuse_a_bad_port_in_the_environment(
    prepare: Launch, way: tuple[str, ...]
) -> None:
    server = prepare(history="memory:")
    server.command = way
    server.environ["PORT"] = "http"
    line = server.refusal()
    assert line == "chatroom: environment: PORT is 'http'; wanted: a number from 1 to 65535"


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("arguments", [("-w", "2"), ("-w", "2", "--preload")])
def test_workers_that_would_split_the_room_are_refused(
    prepare: Launch, arguments: tuple[str, ...]
) -> None:
    line = prepare(history="memory:", maxUsers=10).refusal(*arguments)
    assert line.startswith("chatroom: gunicorn: workers is 2; wanted: 1, or ")


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("option", ["--threads", "--worker-connections"])
def test_fewer_threads_or_connections_than_users_are_refused(prepare: Launch, option: str) -> None:
    """When they were all held, the next user and the page would hang in silence."""
    line = prepare(history="memory:", maxUsers=10).refusal(option, "41")
    name = option.strip("-").replace("-", "_")
    assert line.startswith(f"chatroom: {name} is 41; wanted: at least 66")


@pytest.mark.usefixtures("forked")
def test_a_worker_that_would_end_after_some_requests_is_refused(prepare: Launch) -> None:
    line = prepare(history="memory:", maxUsers=10).refusal("--max-requests", "1000")
    assert line.startswith("chatroom: max_requests is 1000; wanted: 0.")


@pytest.mark.usefixtures("forked")
def test_a_certificate_is_refused_since_sockets_would_not_connect(prepare: Launch) -> None:
    """Also if gunicorn gets it from the environment; the file need not be there."""
    line = prepare(history="memory:").refusal("--certfile", "cert.pem", "--keyfile", "key.pem")
    assert line.startswith("chatroom: certfile is cert.pem; wanted: none.")
    assert "let a proxy in front terminate TLS" in line


@pytest.mark.parametrize("option", [("-k", "gevent"), ("--worker-class=nosuch",)])
def test_another_kind_of_worker_is_refused_even_where_it_is_not_installed(
    prepare: Launch, option: tuple[str, ...]
) -> None:
    line = prepare(history="memory:").refusal(*option)
    assert line.endswith("; wanted: gthread, or no such option")
    server = prepare(history="memory:")
    server.environ["GUNICORN_CMD_ARGS"] = " ".join(option)
    assert server.refusal() == line


@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_the_threaded_worker_by_any_name_is_the_rooms_own(prepare: Launch, kind: str) -> None:
    """Also after SIGHUP. gunicorn's own would answer in HTML, after ten times as long."""
    server = prepare(history="memory:").start("-k", kind)
    before = server.worker
    assert server.process
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: server.worker != before and server.is_healthy(), "the new worker")
    with socket.create_connection(("127.0.0.1", server.port), DEADLINE) as client:
        client.sendall(b"X" * 70_000)
        assert client.recv(4096).startswith(b"HTTP/1.1 431 ")


def test_a_library_that_is_missing_ends_the_start(
    prepare: Launch, tmp_path: Path, way: tuple[str, ...]
) -> None:
    """gunicorn starts no worker again and again that would find it no more than the first."""
    (tmp_path / "flask_sock.py").write_text("raise ModuleNotFoundError(name='flask_sock')\n")
    server = prepare(history="memory:")
    server.command = way
    server.environ["PYTHONPATH"] = str(tmp_path)
    server.launch()
    assert server.process
    assert server.process.wait(DEADLINE) in (2, 3)
    (line,) = [line for line in server.said().splitlines() if line.startswith("chatroom: ")]
    assert line.startswith(f"chatroom: {sys.executable} has no flask_sock; ")


@pytest.mark.parametrize("arguments", [(), ("--preload",)])
def test_a_configuration_of_gunicorns_without_the_rooms_is_refused(
    prepare: Launch, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """The page would load, and its socket open, and then nothing would ever happen."""
    own = tmp_path / "own.conf.py"
    own.write_text("control_socket_disable = True\n")
    server = prepare(history="memory:").launch("--config", str(own), *arguments)
    assert server.process
    assert server.process.wait(DEADLINE) == 3
    (line,) = [line for line in server.said().splitlines() if line.startswith("chatroom: ")]
    assert line.startswith(
        "chatroom: gunicorn runs without the room's settings; leave out --config"
    )

    way_out = line.rpartition(": ")[2]
    own.write_text(f"{way_out}\n")
    assert chats(prepare(history="memory:").start("--config", str(own), *arguments))


@pytest.mark.usefixtures("forked")
def test_a_port_in_use_is_refused_in_one_line(serve: Launch, prepare: Launch) -> None:
    first = serve(history="memory:")
    line = prepare(history="memory:", port=first.port).refusal()
    assert line.startswith(f"chatroom: cannot listen on 127.0.0.1:{first.port}: Address already in")
    assert chats(first)


@pytest.mark.usefixtures("forked")
def test_wrong_settings_do_not_end_a_room_that_is_open(serve: Launch) -> None:
    """After SIGHUP the room goes on with the settings that it had."""
    server = serve(history="memory:")
    before = server.worker
    (server.folder / "config.json").write_text('{"prot": 1}')
    assert server.process
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: server.worker != before and server.is_healthy(), "the new worker")
    assert chats(server)
    assert server.said().count("settings unchanged") == 1
    assert server.log().count("prot") == 1


def test_both_ways_serve(prepare: Launch, way: tuple[str, ...]) -> None:
    server = prepare(history="memory:")
    server.command = way
    assert chats(server.start())
    assert f"http://localhost:{server.port}" in server.said()
    assert server.stop() == 0


@needs_huge_pages
def test_the_memory_of_a_room_comes_into_huge_pages(prepare: Launch, way: tuple[str, ...]) -> None:
    server = prepare()
    server.command = way
    server.start()
    wait_for(lambda: in_huge_pages(server.worker) >= 8 << 20, "memory in huge pages")
    assert chats(server)


def test_the_program_may_be_started_from_anywhere(prepare: Launch, tmp_path: Path) -> None:
    """Paths in the settings start at the settings' file, not where the user happens to stand."""
    server = prepare(history="sqlite:chat.db")
    server.command = (sys.executable, str(CHECKOUT / "app.py"))
    server.cwd = tmp_path
    assert chats(server.start())
    assert (server.folder / "chat.db").exists()
    assert (server.folder / "logs.log").exists()
    assert server.stop() == 0


def test_preload_works(prepare: Launch) -> None:
    """No thread and no open file crosses the fork."""
    server = prepare(history="sqlite:chat.db").start("--preload")
    assert chats(server)
    assert server.stop() == 0
    assert "Traceback" not in server.said() + server.log()


@pytest.mark.usefixtures("forked")
def test_the_environments_port_is_taken_and_all_interfaces(prepare: Launch) -> None:
    server = prepare(history="memory:")
    server.settings["port"] = 1  # which nobody may take, or nobody wants
    server.environ["PORT"] = str(server.port)
    assert chats(server.start())
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()]
    assert f"00000000:{server.port:04X}" in listening


@pytest.mark.usefixtures("forked")
def test_ipv6_is_not_given_up_for_the_environments_port(prepare: Launch) -> None:
    """``::`` listens on both families; so does the address that is printed."""
    server = prepare(history="memory:", hostName="::")
    server.environ["PORT"] = str(server.port)
    server.start()
    for host in "127.0.0.1", "::1":
        with socket.create_connection((host, server.port), DEADLINE) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert f"http://localhost:{server.port} " in server.said()


@pytest.mark.usefixtures("forked")
def test_the_address_that_is_printed_is_the_one_that_answers(prepare: Launch) -> None:
    server = prepare(history="memory:", hostName="127.0.0.2").launch()
    found = wait_for(lambda: re.search(r"open: http://(.+):(\d+) ", server.said()), "an address")
    with socket.create_connection((found[1], int(found[2])), DEADLINE) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")


@pytest.mark.usefixtures("forked")
def test_the_log_goes_where_the_settings_say(prepare: Launch, tmp_path: Path) -> None:
    server = prepare(history="memory:", logfilePath=str(tmp_path / "elsewhere.log"))
    assert chats(server.start())
    wait_for(lambda: "joined: user 1" in (tmp_path / "elsewhere.log").read_text(), "a line")
    assert not (server.folder / "logs.log").exists()


@pytest.mark.usefixtures("forked")
def test_a_server_without_a_room_yet_is_healthy(serve: Launch) -> None:
    status, headers, body = serve(history="memory:", maxUsers=50).get("/healthz")
    assert (status, headers["content-type"]) == (200, "application/json")
    state = {"status": "ok", "version": __version__}
    assert json.loads(body) == {**state, "sockets": 0, "maxUsers": 50, "errors": 0}


def test_a_second_master_is_refused_in_one_line_and_the_room_goes_on(serve: Launch) -> None:
    """Started as ``python -m gunicorn``, it could not even import what it needs."""
    server = serve()
    with server.join("Ann") as ann:
        server.process.send_signal(signal.SIGUSR2)  # type: ignore[union-attr]
        wait_for(lambda: "SIGUSR2" in server.log(), "a line about it")
        ann.say("still here")
        assert ann.hear_until("still here")

    assert server.stop() == 0
    assert "Traceback" not in server.said()
