"""The HTTP API over a real server: streams, slow and dead clients, stops, and kill -9."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from websockets.sync.client import ClientConnection
from websockets.typing import Subprotocol

from chatroom.client import Changed, ChatClient, Removed
from tests.support import CHECKOUT
from tests.support.deadline import DEADLINE, wait_for
from tests.support.histories import remember
from tests.support.server_process import Launch, Running, serving
from tests.support.websocket_client import answer

pytestmark = pytest.mark.takes(seconds=18)

LARGE = "x" * 60_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("api"), history="sqlite:chat.db") as running:
        yield running


needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")


def say(server: Running, body: str, room: str = "lobby", **fields: object) -> dict[str, Any]:
    """Say it over HTTP, and return the message."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
    data = json.dumps({"userName": "Ann", "body": body} | fields)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", f"/api/rooms/{room}/messages", data, headers)
    with connection.getresponse() as reply:
        text = reply.read()
        assert reply.status in (200, 201), text
        message: dict[str, Any] = json.loads(text)
    connection.close()
    return message


def sockets(server: Running) -> int:
    count: int = json.loads(server.get("/healthz")[2])["sockets"]
    return count


def change(
    server: Running, method: str, room: str, id: str, token: str, body: str = ""
) -> tuple[int, bytes]:
    """Edit or remove it over HTTP; the status and the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = json.dumps({"body": body}) if body else None
    connection.request(method, f"/api/rooms/{room}/messages/{id}", data, headers)
    with connection.getresponse() as reply:
        found = reply.status, reply.read()
    connection.close()
    return found


class EventReader:
    """A client on a bare socket, which reads a room's events when it is told to."""

    def __init__(
        self, server: Running, room: str, last: str = "", *, receive_buffer: int = 0
    ) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(DEADLINE)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", server.port))
        header = f"Last-Event-ID: {last}\r\n" if last else ""
        head = f"GET /api/rooms/{room}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}\r\n"
        self.socket.sendall(head.encode())
        self.reply = http.client.HTTPResponse(self.socket)

    def __enter__(self) -> EventReader:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.reply.close()
        self.socket.close()

    def begin(self) -> EventReader:
        """Read the head of the answer."""
        self.reply.begin()
        assert self.reply.status == 200
        assert self.reply.getheader("Content-Type") == "text/event-stream; charset=utf-8"
        return self

    def event(self) -> tuple[str, str, Any]:
        """Name, id and data of the next event; EOFError where the stream ends well."""
        fields: dict[str, str] = {}
        line = ""
        while "data" not in fields or line:
            text = self.reply.readline().decode()
            if not text:
                raise EOFError
            line = text.rstrip("\n")
            name, _, value = line.partition(": ")
            fields[name] = value
        return fields.get("event", "message"), fields.get("id", ""), json.loads(fields["data"])

    def until(self, wanted: str) -> list[tuple[str, str, Any]]:
        found = [self.event()]
        while found[-1][0] != wanted:
            found.append(self.event())
        return found

    def hear(self, count: int) -> list[str]:
        found = [self.event() for _ in range(count)]
        assert {name for name, _id, _data in found} <= {"message"}, found
        return [data["body"] for _name, _id, data in found]

    def reset(self) -> None:
        """Go without a goodbye."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.reply.close()
        self.socket.close()


# -- events ------------------------------------------------------------------------------------


def test_what_is_said_on_a_socket_is_heard_at_once(server: Running) -> None:
    with EventReader(server, "both") as listener, server.join("Bob", "both") as bob:
        assert [name for name, _id, _data in listener.begin().until("live")] == ["live"]
        bob.say("from a socket")
        bob.hear()
        say(server, "from a script", "both")

        assert listener.hear(2) == ["from a socket", "from a script"]
        assert bob.bodies() == ["from a script"]
    assert 'listens: 127.0.0.1 room "both"' in server.log()


@needs_curl
def test_curl_shows_it_as_it_comes(server: Running) -> None:
    """``curl -N``, as in the docs."""
    address = f"http://127.0.0.1:{server.port}/api/rooms/curl/events"
    command = ["curl", "-sN", "--max-time", str(DEADLINE), address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as curl:
        assert curl.stdout
        lines = iter(curl.stdout)
        assert re.fullmatch(r"retry: \d+\n", next(lines))
        while next(lines) != 'data: {"last": "0-0"}\n':
            pass
        message = say(server, "hello", "curl")
        heard = [next(lines) for _ in range(3)]
        curl.terminate()
    assert heard[1] == f"id: {message['id']}\n"
    assert json.loads(heard[2].removeprefix("data: ")) == message


def test_what_a_script_edits_and_removes_everybody_hears_of_and_nobody_reads(
    serve: Launch,
) -> None:
    """By a socket, by events, and by the history's files, also after ``kill -9``."""
    server = serve(history="sqlite:chat.db")
    url = f"http://127.0.0.1:{server.port}"
    with ChatClient(url, "Bob") as bob, EventReader(server, "lobby") as listener:
        listener.begin().until("live")
        with ChatClient(url, "Ann", listen=False) as ann:
            token = ann.token or ""
            edited, removed = (ann.say(body).wait(DEADLINE) for body in ("tow", "unsayable"))
        assert listener.hear(2) == ["tow", "unsayable"]

        assert change(server, "DELETE", "lobby", removed, "forged")[0] == 401
        status, text = change(server, "PATCH", "lobby", edited, token, "two")
        assert (status, json.loads(text)["body"]) == (200, "two")
        assert change(server, "DELETE", "lobby", removed, token) == (204, b"")

        changes = (event for event in bob.events() if isinstance(event, Changed | Removed))
        assert [event.type for event in islice(changes, 2)] == ["changed", "removed"]
        name, id, data = listener.event()
        assert (name, data, id) == ("changed", json.loads(text), f"{removed};1")
        assert listener.event() == ("removed", f"{removed};2", {"id": removed, "by": "author"})
    server.kill()
    server.start()

    with EventReader(server, "lobby", f"{removed};1") as listener:
        assert [event[0] for event in listener.begin().until("live")] == ["removed", "live"]
    assert server.get(f"/api/rooms/lobby/messages/{removed}")[0] == 410
    assert [message["body"] for message in server.history()] == ["two"]
    files = [path for path in server.folder.iterdir() if path.name.startswith("chat.db")]
    assert files
    wait_for(
        lambda: not any(b"unsayable" in f.read_bytes() for f in files if f.exists()), "no word"
    )


def test_after_kill_9_a_listener_resumes_where_it_was(serve: Launch) -> None:
    """Everything once, in order, over two deaths of the server."""
    server = serve(history="sqlite:chat.db")
    heard: list[str] = []
    last = ""
    for life in range(3):
        with EventReader(server, "lobby", last) as listener:
            *before, _live = listener.begin().until("live")
            heard += [data["body"] for _name, _id, data in before]
            for number in range(10):
                say(server, f"{life}.{number}")
            heard += listener.hear(5)
            name, last, data = listener.event()
            assert name == "message"
            heard.append(data["body"])
            server.kill()
        server.start()
    with EventReader(server, "lobby", last) as listener:
        heard += [data["body"] for _name, _id, data in listener.begin().until("live")[:-1]]

    assert heard == [f"{life}.{number}" for life in range(3) for number in range(10)]


def test_over_http_1_0_each_event_comes_at_once(server: Running) -> None:
    """As from a proxy that knows no better; its end is the end of the connection."""
    with socket.create_connection(("127.0.0.1", server.port), DEADLINE) as client:
        client.sendall(b"GET /api/rooms/old/events HTTP/1.0\r\n\r\n")
        heard = client.makefile("rb")
        head = list(iter(heard.readline, b"\r\n"))
        assert b"X-Accel-Buffering: no\r\n" in head
        while heard.readline() != b'data: {"last": "0-0"}\n':
            pass
        message = say(server, "hello", "old")
        assert heard.readline() == b"\n"
        assert heard.readline().decode() == f"id: {message['id']}\n"


@pytest.mark.parametrize("goodbye", ["close", "reset"])
def test_a_listener_that_goes_frees_its_place_at_once(serve: Launch, goodbye: str) -> None:
    """However silent the room is: not with the next comment, which is 15 seconds away."""
    server = serve(history="memory:", maxUsers=3)
    for _ in range(2):
        listeners = [EventReader(server, "silent").begin() for _ in range(3)]
        for listener in listeners:
            listener.until("live")
        assert server.get("/api/rooms/silent/events")[0] == 503
        for listener in listeners:
            if goodbye == "reset":
                listener.reset()
            listener.__exit__()
        wait_for(lambda: sockets(server) == 0, "free places", 5)
    assert "Traceback" not in server.said() + server.log()


def test_a_listener_that_will_say_nothing_more_goes_on_hearing(server: Running) -> None:
    """As ``printf ... | nc`` does. It gets a comment, to find out whether it is gone."""
    with EventReader(server, "half") as listener:
        listener.begin().until("live")
        listener.socket.shutdown(socket.SHUT_WR)
        assert listener.reply.readline() == b": nothing new\n"
        listener.reply.readline()
        for number in range(3):
            say(server, f"{number}", "half")
            assert listener.hear(1) == [f"{number}"]


def test_a_listener_that_is_gone_gives_its_place_back(server: Running) -> None:
    """It is noticed with what is sent to it, be it a ping."""
    before = sockets(server)
    with ExitStack() as stack:
        listeners = [stack.enter_context(EventReader(server, "gone")).begin() for _ in range(5)]
        for listener in listeners:
            listener.until("live")
        assert sockets(server) == before + 5
        for listener in listeners:
            listener.reset()

    def all_have_left() -> bool:
        say(server, "anyone?", "gone")
        return sockets(server) == before

    wait_for(all_have_left, "the places of those who are gone")
    assert "Traceback" not in server.said() + server.log()


def test_listeners_who_do_not_read_cost_no_memory_and_hold_nobody_up(serve: Launch) -> None:
    """Neither those who talk, nor the end of the server."""
    server = serve(history="sqlite:chat.db", replayLimit=1)
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(EventReader(server, "bound", receive_buffer=4096))
        wait_for(lambda: sockets(server) == 20, "the listeners")
        ann = stack.enter_context(server.join("Ann", "bound"))
        prompt = stack.enter_context(EventReader(server, "bound")).begin()
        prompt.until("live")
        memory, begin = server.memory(), time.monotonic()
        for number in range(200):  # 12 MB for each of them
            server.say_from_anywhere("bound", f"{number} {LARGE}")
            assert ann.bodies() == prompt.hear(1) == [f"{number} {LARGE}"]
        assert time.monotonic() - begin < DEADLINE
        assert server.memory() - memory < 48 * 2**20

        assert server.process
        server.process.send_signal(signal.SIGTERM)
        assert prompt.until("end")[-1][2] == {"reason": "server shutting down"}
        with pytest.raises(EOFError):
            prompt.event()
        assert server.process.wait(DEADLINE) == 0
    assert "every message stored" in server.log()  # so it was not killed before
    assert "Traceback" not in server.said() + server.log()


def test_many_listeners_are_told_that_the_server_stops(serve: Launch) -> None:
    server = serve(history="memory:")
    with ExitStack() as stack:
        listeners = [stack.enter_context(EventReader(server, f"room{n % 7}")) for n in range(100)]
        for listener in listeners:
            listener.begin().until("live")
        assert server.stop() == 0
        for listener in listeners:
            assert [name for name, _id, _data in listener.until("end")] == ["end"]


@pytest.fixture(scope="module")
def long_past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history with a hundred thousand messages in the lobby."""
    folder = tmp_path_factory.mktemp("long")
    remember(folder, lobby=100_000)
    return folder / "chat.db"


@pytest.fixture
def long_room(prepare: Launch, long_past: Path) -> Running:
    """A server with that history."""
    server = prepare(history="sqlite:chat.db")
    shutil.copy(long_past, server.folder)
    return server.start()


def test_a_listener_resumes_over_a_hundred_thousand_messages(long_room: Running) -> None:
    """Page by page, while the room stays lively."""
    memory = long_room.memory()
    with EventReader(long_room, "lobby", "0-0") as listener, long_room.join("Ann") as ann:
        ann.hear(500)
        ann.say("meanwhile")
        assert ann.bodies() == ["meanwhile"]
        events = listener.begin().until("live")[:-1]
        if len(events) == 100_000:
            events.append(listener.event())
    assert [data["body"] for _name, _id, data in events[:-1]] == [
        f"lobby {seq}" for seq in range(1, 100_001)
    ]
    assert events[-1][2]["body"] == "meanwhile"
    assert long_room.memory() - memory < 32 * 2**20


# -- lines -------------------------------------------------------------------------------------


def test_a_long_room_as_lines_or_transcript_is_whole_and_costs_no_memory(
    long_room: Running,
) -> None:
    memory = long_room.memory()
    headers = {"Accept": "application/x-ndjson"}
    status, _headers, text = long_room.get("/api/rooms/lobby/messages", headers)
    assert status == 200
    assert [json.loads(line)["body"] for line in text.splitlines()] == [
        f"lobby {seq}" for seq in range(1, 100_001)
    ]
    page = long_room.get("/rooms/lobby/transcript")[2].decode()
    assert re.findall("lobby [0-9]+", page) == [f"lobby {seq}" for seq in range(1, 100_001)]
    assert long_room.memory() - memory < 16 * 2**20


# -- the docs ----------------------------------------------------------------------------------

API = (CHECKOUT / "docs" / "api.md").read_text()
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", API, re.DOTALL)).replace("\\\n", "")
COMMANDS = [line for line in SHELL.splitlines() if "/events" not in line]


@needs_curl
@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_in_the_docs_work(server: Running, tmp_path: Path, command: str) -> None:
    """Typed as they stand there; an id and a token are one's own."""
    room = f"garden-{tmp_path.name}" if "/host" in command else None  # she is its maker
    with ChatClient(f"http://127.0.0.1:{server.port}", f"Ann {tmp_path.name}", room) as ann:
        id = ann.say("Good morning!").wait(DEADLINE)
        environ = {**os.environ, "TOKEN": ann.token or ""}
    command = command.replace("rooms/garden/host", f"rooms/{room}/host")
    command = re.sub(r"messages/\d+-[0-9a-f]{16}", f"messages/{id}", command)
    command = command.replace("localhost:9999", f"127.0.0.1:{server.port}")
    command = command.replace("curl -s", "curl -sf")
    run = subprocess.run(
        command,
        shell=True,
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert run.returncode == 0, run.stderr
    if "me.zip" in command:
        with zipfile.ZipFile(tmp_path / "me.zip") as archive:
            assert archive.namelist()[0] == "chatroom.json"
        return
    said = run.stdout + "".join(file.read_text() for file in tmp_path.iterdir())
    if "/metrics" in command:
        assert "chatroom_info" in said
        return
    for line in said.splitlines():
        assert isinstance(json.loads(line), dict)


@pytest.mark.parametrize("block", re.findall(r"```json\n(.*?)```", API, re.DOTALL))
def test_an_answer_in_the_docs_has_the_fields_of_a_real_one(server: Running, block: str) -> None:
    say(server, "Good morning!")
    told = json.loads(block)
    if "hosts" in told:
        assert shape(told) == shape(looked(server))
        return
    path = {
        "rooms": "rooms",
        "messages": "rooms/lobby/messages",
        "users": "rooms/lobby/users",
        "type": "rooms/lobby/messages?limit=0",
    }[next(iter(told))]
    real = json.loads(server.get(f"/api/{path}")[2])
    if "type" in told:
        assert told == real
        return
    (name,) = told
    if name == "users":
        with typed(server):
            real = json.loads(server.get(f"/api/{path}")[2])
    assert list(real) == [name]
    assert list(told[name][0]) == list(real[name][-1])


def shape(found: Any) -> Any:
    """All fields in their order, without what they say."""
    if isinstance(found, dict):
        return [(key, shape(value)) for key, value in found.items()]
    return [shape(found[0])] if isinstance(found, list) and found else []


def looked(server: Running) -> Any:
    """What a host sees who has asked somebody to be quiet."""
    url, room = f"http://127.0.0.1:{server.port}", f"room-{uuid4().hex}"
    with ChatClient(url, "Ann", room) as ann, ChatClient(url, "Bob", room) as bob:
        ann.host.quiet(bob.user_id, seconds=600).wait(DEADLINE)
        return ann.host.look()


def typed(server: Running) -> ClientConnection:
    """Ann, who is in the lobby with the typed protocol."""
    subprotocol = Subprotocol("chatroom.v1")
    socket = server.connect(subprotocols=[subprotocol])
    socket.send(json.dumps({"type": "hello", "userName": "Ann"}))
    while json.loads(socket.recv(DEADLINE)).get("type") != "welcome":
        pass
    return socket


# -- bodies ------------------------------------------------------------------------------------


def request(*headers: str, body: bytes = b"") -> bytes:
    lines = ["POST /api/rooms/bodies/messages HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def test_a_body_in_chunks_is_taken(server: Running) -> None:
    said = b'{"userName": "Ann", "body": "in chunks"}'
    chunks = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (10, said[:10], len(said) - 10, said[10:])
    bare = request("Content-Type: application/json", "Transfer-Encoding: chunked", body=chunks)
    status, _headers, text = answer(server.port, bare)

    assert status == 201, text
    assert json.loads(text)["body"] == "in chunks"


def test_a_body_in_chunks_is_no_way_around_the_limit(server: Running) -> None:
    chunk = b"%x\r\n%s\r\n" % (60_000, b"x" * 60_000)
    bare = request(
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
        body=chunk * 2 + b"0\r\n\r\n",
    )
    status, headers, text = answer(server.port, bare)

    assert (status, headers["content-type"]) == (413, "application/problem+json"), text
    assert "65536 bytes at most" in text


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\n{}\r\n0\r\n\r\n",
        b"-1\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}{}\r\n0\r\n\r\n",
        b"2;a=\x01\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}\r\n0\r\nno trailer\r\n\r\n",
        b"1" * 10_000,
    ],
)
def test_a_body_in_bad_chunks_is_a_400_in_a_line(server: Running, body: bytes) -> None:
    bare = request("Content-Type: application/json", "Transfer-Encoding: chunked", body=body)
    status, _headers, text = answer(server.port, bare)

    assert status == 400
    assert json.loads(text)["code"] == "bad-request"
    assert json.loads(text)["detail"].startswith("The body cannot be read: ")
    assert "Traceback" not in server.said() + server.log()


@pytest.mark.parametrize("framing", ["Transfer-Encoding: chunked", "Content-Length: 1000"])
@pytest.mark.parametrize("goodbye", ["shutdown", "reset"])
def test_a_body_that_breaks_off_is_not_said(server: Running, framing: str, goodbye: str) -> None:
    """Though what has come of it would be a message."""
    said = b'{"userName": "Ann", "body": "half of it"}'
    body = b"%x\r\n%s\r\n" % (len(said), said) if "chunked" in framing else said
    bare = request("Content-Type: application/json", framing, body=body)
    with socket.create_connection(("127.0.0.1", server.port), DEADLINE) as client:
        client.sendall(bare)
        if goodbye == "shutdown":
            client.shutdown(socket.SHUT_WR)
            reply = http.client.HTTPResponse(client)
            reply.begin()
            assert reply.status == 400
            assert json.loads(reply.read())["detail"] == "The body ended before it was complete"
        else:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    say(server, "the whole of it", "bodies")
    assert b"half of it" not in server.get("/api/rooms/bodies/messages")[2]
    assert "Traceback" not in server.said() + server.log()


def test_of_four_posts_at_once_with_one_cmid_one_is_new(server: Running) -> None:
    def post(cmid: str) -> None:
        data = json.dumps({"userName": "Bot", "body": "once", "cmid": cmid}).encode()
        length = f"Content-Length: {len(data)}"
        status, _headers, text = answer(
            server.port, request("Content-Type: application/json", length, body=data)
        )
        replies.append((status, json.loads(text)["id"]))

    for round in range(10):
        replies: list[tuple[int, str]] = []
        posts = [threading.Thread(target=post, args=(f"round {round}",)) for _ in range(4)]
        for one in posts:
            one.start()
        for one in posts:
            one.join(DEADLINE)
        assert sorted(status for status, _id in replies) == [200, 200, 200, 201]
        assert len({id for _status, id in replies}) == 1


def test_a_post_without_a_body_is_told_what_is_wanted(server: Running) -> None:
    status, _headers, text = answer(server.port, request("Content-Type: application/json"))

    assert status == 400
    assert json.loads(text)["code"] == "bad-json"
