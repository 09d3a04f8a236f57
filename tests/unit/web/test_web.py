"""The HTTP side: every route, every refusal, and the way to a socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chatroom import __version__, create_app
from chatroom.configuration import load_configuration
from chatroom.engine import Engine
from chatroom.errors import HistoryUnavailable
from chatroom.message import Message
from chatroom.users.user import User
from chatroom.web.all_messages import READERS
from chatroom.web.page import HEADERS
from tests.support.connection_pair import FarEnd, pair
from tests.support.deadline import DEADLINE, wait_for
from tests.support.flask_client import count_pages, engine_of, fail, remember
from tests.support.websocket_client import CLOSE, KEY, TEXT, encode, line_of_chat

pytestmark = pytest.mark.takes(seconds=3)

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
}


SETTINGS = {"max_users": 2, "allowed_origins": ("https://friend.example",)}
"""Of the ``app``: see conftest.py."""


# -- answers of every kind ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("OPTIONS", "/", 200),
        ("POST", "/", 405),
        ("GET", "/?room=/", 400),
        ("GET", "/rooms/lobby", 200),
        ("GET", "/rooms/%22", 400),
        ("PUT", "/rooms/lobby", 405),
        ("GET", "/rooms/a/b", 404),
        ("GET", "/getAllMessages", 200),
        ("HEAD", "/getAllMessages", 200),
        ("DELETE", "/getAllMessages", 405),
        ("GET", "/healthz", 200),
        ("POST", "/healthz", 405),
        ("GET", "/livez", 200),
        ("HEAD", "/livez", 200),
        ("POST", "/livez", 405),
        ("GET", "/chat", 426),
        ("POST", "/chat", 405),
        ("GET", "/chat/", 404),
        ("GET", "/nothing", 404),
        ("GET", "/static/icon.svg", 200),
        ("GET", "/static/nothing", 404),
        ("GET", "/static/../app.py", 404),
        ("GET", "/static/%2e%2e/app.py", 404),
    ],
)
def test_every_answer_has_its_status_and_the_security_headers(
    shared_client: FlaskClient, method: str, path: str, status: int
):
    with shared_client.open(path, method=method) as reply:
        assert reply.status_code == status
        for name, value in HEADERS.items():
            assert reply.headers[name] == value
        if status >= 400:
            assert reply.mimetype == "text/plain"
            assert method == "HEAD" or reply.text.endswith("\n")


def test_a_method_that_is_not_allowed_says_which_are(client: FlaskClient):
    assert set(client.post("/").allow) == {"GET", "HEAD", "OPTIONS"}
    assert client.post("/chat").headers["Allow"] == "GET"
    assert client.post("/").text == "405 Method Not Allowed\n"


def test_a_fault_of_ours_is_a_500_that_tells_nothing(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine.history, "head", lambda room: 1 / 0)
    reply = client.get("/getAllMessages")

    assert (reply.status_code, reply.text) == (500, "500 Internal Server Error\n")
    assert reply.headers["X-Frame-Options"] == "DENY"


# -- the history -------------------------------------------------------------------------------


def test_the_history_is_one_object_oldest_first(client: FlaskClient, engine: Engine):
    remember(engine, 3)
    remember(engine, 3, "kitchen")
    reply = client.get("/getAllMessages")

    assert reply.mimetype == "application/json"
    assert reply.json
    assert list(reply.json) == ["Messages"]
    first = reply.json["Messages"][0]
    assert list(first) == ["userName", "body", "timestamp", "id", "room", "sentAt"]
    assert first["sentAt"] == "1970-01-01T00:00:00.001Z"
    assert [message["body"] for message in reply.json["Messages"]] == ["hi 1", "hi 2", "hi 3"]


def test_a_history_of_nothing_is_an_empty_list(client: FlaskClient):
    assert client.get("/getAllMessages").json == {"Messages": []}


def test_a_long_history_is_whole(client: FlaskClient, engine: Engine):
    """Longer than a page of it, with letters that need more bytes."""
    messages = remember(engine, 5000, body="\u00e4\u20ac\U0001f44b" * 50)
    reply = client.get("/getAllMessages")

    assert reply.json
    assert [m["body"] for m in reply.json["Messages"]] == [m.body for m in messages]


def test_the_history_is_read_as_the_client_takes_it(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    """A page at a time: however long it is, a page is all that is in memory."""
    remember(engine, 5000, body="x" * 300)
    read = count_pages(engine, monkeypatch)
    with client.get("/getAllMessages", buffered=False) as reply:
        chunks = reply.iter_encoded()
        taken = [next(chunks)]
        assert len(read) <= 2
        taken += chunks

    assert len(read) > 4
    assert max(map(len, taken)) < 600_000
    assert len(json.loads(b"".join(taken))["Messages"]) == 5000


def test_what_is_said_while_the_history_is_read_is_not_in_it(client: FlaskClient, engine: Engine):
    """The reply is what its ETag says."""
    remember(engine, 10)
    with client.get("/getAllMessages", buffered=False) as reply:
        remember(engine, 10)
        assert len(json.loads(b"".join(reply.iter_encoded()))["Messages"]) == 10


def test_who_has_the_history_already_gets_a_304_until_somebody_speaks(
    client: FlaskClient, engine: Engine
):
    remember(engine, 3)
    etag = client.get("/getAllMessages").headers["ETag"]

    for tag in (etag, f"W/{etag}", f'"other", {etag}'):
        reply = client.get("/getAllMessages", headers={"If-None-Match": tag})
        assert (reply.status_code, reply.data, reply.headers["ETag"]) == (304, b"", etag)

    remember(engine, 1)
    reply = client.get("/getAllMessages", headers={"If-None-Match": etag})
    assert reply.status_code == 200
    assert reply.headers["ETag"] != etag


def test_who_has_what_is_no_longer_kept_gets_the_rest(client: FlaskClient, engine: Engine):
    """The last message is the same, but not the first."""
    remember(engine, 5)
    etag = client.get("/getAllMessages").headers["ETag"]
    engine.server.ask(lambda: engine.history.trim("lobby", 2, 0, 1000), DEADLINE)

    reply = client.get("/getAllMessages", headers={"If-None-Match": etag})
    assert reply.status_code == 200
    assert reply.json
    assert [message["body"] for message in reply.json["Messages"]] == ["hi 4", "hi 5"]


def test_head_has_the_headers_and_no_body(client: FlaskClient, engine: Engine):
    remember(engine, 3)
    reply = client.head("/getAllMessages")

    assert reply.data == b""
    assert reply.headers["ETag"] == client.get("/getAllMessages").headers["ETag"]


def test_only_so_many_read_the_history_at_once_and_the_next_is_told(client: FlaskClient):
    reading = [client.get("/getAllMessages", buffered=False) for _ in range(READERS)]
    refused = client.get("/getAllMessages")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "5"
    assert refused.text == "The history is being read by too many clients. Try again.\n"

    for reply in reading:
        reply.close()
    assert client.get("/getAllMessages").status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_readers_give_their_place_back_however_it_ends(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch, method: str
):
    remember(engine, 1)
    etag = client.get("/getAllMessages").headers["ETag"]
    for _ in range(READERS + 1):
        with client.open("/getAllMessages", method=method) as reply:
            assert reply.status_code == 200
        with client.open(
            "/getAllMessages", method=method, headers={"If-None-Match": etag}
        ) as reply:
            assert reply.status_code == 304
        with monkeypatch.context() as patch:
            patch.setattr(engine.history, "pages", fail)
            with client.open("/getAllMessages", method=method) as reply:
                assert reply.status_code == 503
    assert client.get("/getAllMessages").status_code == 200


@pytest.mark.parametrize("broken", ["head", "pages"])
def test_a_history_that_cannot_be_read_is_a_503_with_the_reason(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch, broken: str
):
    monkeypatch.setattr(engine.history, broken, fail)
    reply = client.get("/getAllMessages")

    assert reply.status_code == 503
    assert reply.headers["Retry-After"] == "5"
    assert reply.text == "sqlite:chat.db: disk I/O error; see to the disk\n"


def test_a_history_that_fails_in_the_middle_breaks_the_reply(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    """It must not look like a whole one."""
    messages = remember(engine, 2)

    def pages(room: str, after: int, upto: int) -> Iterator[list[Message]]:
        yield messages[:1]
        fail()

    monkeypatch.setattr(engine.history, "pages", pages)
    with client.get("/getAllMessages", buffered=False) as reply:
        chunks = reply.iter_encoded()
        next(chunks)
        with pytest.raises(HistoryUnavailable):
            next(chunks)


# -- health ------------------------------------------------------------------------------------


def test_a_healthy_server_says_how_many_sockets_it_has(client: FlaskClient):
    reply = client.get("/healthz")

    assert reply.status_code == 200
    state = {"status": "ok", "version": __version__}
    assert reply.json == {**state, "sockets": 0, "maxUsers": 2, "errors": 0}


def test_a_history_that_fails_is_not_healthy(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine.history, "probe", fail)
    reply = client.get("/healthz")

    assert reply.status_code == 503
    assert reply.json == {
        "status": "failing",
        "version": __version__,
        "reason": "sqlite:chat.db: disk I/O error; see to the disk",
    }
    reply = client.get("/livez")
    assert reply.status_code == 200
    assert reply.json == {"status": "ok", "version": __version__}


@pytest.mark.parametrize("path", ["/healthz", "/getAllMessages", "/api/rooms/lobby/messages"])
def test_nobody_is_told_where_the_database_is(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch, path: str
):
    def fail_there(*_: object) -> NoReturn:
        cause = 'connection to server at "db.example" (10.0.0.5) failed: refused for user "chat"'
        url = "postgresql://chat:***@db.example/chat"
        raise HistoryUnavailable(url, cause, "start PostgreSQL: the room recovers by itself")

    for name in "probe", "head", "before":
        monkeypatch.setattr(engine.history, name, fail_there)
    reply = client.get(path)

    assert reply.status_code == 503
    assert "the database cannot be used now; start PostgreSQL" in reply.text
    assert "db.example" not in reply.text
    assert "10.0.0.5" not in reply.text


def test_a_server_that_waits_for_its_database_says_so_and_lives(tmp_path: Path):
    configuration = replace(load_configuration({}), path=tmp_path / "config.json")
    app = create_app(configuration)
    cause = "no route to 10.0.0.5"
    waits_for = HistoryUnavailable("postgresql://db.example/chat", cause, "start PostgreSQL")
    engine_of(app).waits_for = waits_for
    client = app.test_client()

    for path in "/", "/chat", "/getAllMessages", "/api/rooms/lobby/messages", "/metrics":
        reply = client.get(path)
        assert (reply.status_code, reply.headers["Retry-After"]) == (503, "5")
        told = "The room cannot be opened yet: the database cannot be used now; start PostgreSQL\n"
        assert reply.text == told
    reply = client.get("/healthz")
    assert reply.status_code == 503
    assert reply.json
    assert reply.json["reason"] == "the database cannot be used now; start PostgreSQL"
    assert client.get("/livez").status_code == 200


def test_a_server_that_was_not_started_says_how_to(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """As with ``flask run`` or waitress: a socket would open, and never hear anything."""
    configuration = replace(load_configuration({}), path=tmp_path / "config.json")
    client = create_app(configuration).test_client()
    way_out = "not started; serve with python app.py, chatroom serve, or gunicorn app:app"

    for path in "/", "/chat", "/getAllMessages", "/api/rooms/lobby/messages":
        reply = client.get(path)
        assert (reply.status_code, reply.text) == (503, f"chatroom: {way_out}\n")
    for path in "/healthz", "/livez":
        reply = client.get(path)
        assert reply.status_code == 503
        assert reply.json
        assert reply.json["reason"] == way_out
    assert caplog.text.count(way_out) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_has_stopped_is_not_healthy(client: FlaskClient, engine: Engine):
    engine.stop()

    for path in "/healthz", "/livez", "/getAllMessages":
        assert client.get(path).status_code == 503


# -- the way to a socket -----------------------------------------------------------------------


class Visit:
    """A request for ``/chat`` on a socket of its own, in a thread of its own."""

    def __init__(self, client: FlaskClient, path: str = "/chat", **headers: str) -> None:
        self._ours, theirs = pair("tcp")
        self.peer = FarEnd(theirs)
        self.reply: TestResponse | None = None
        self._request = (client, path, {**UPGRADE, **headers})
        self._thread = threading.Thread(target=self._get)
        self._thread.start()

    def _get(self) -> None:
        client, path, headers = self._request
        environ = {"werkzeug.socket": self._ours, "SERVER_PROTOCOL": "HTTP/1.1"}
        self.reply = client.get(path, headers=headers, environ_overrides=environ)

    def end(self) -> TestResponse:
        """The answer, once there is one."""
        self._thread.join(DEADLINE)
        assert self.reply
        return self.reply

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.peer.socket.close()
        self._thread.join(DEADLINE)
        self._ours.close()


def test_a_good_request_becomes_a_socket_until_it_ends(client: FlaskClient, engine: Engine):
    with Visit(client, "/chat?room=kitchen", Origin="http://localhost") as visit:
        head = visit.peer.take_the_handshake()
        assert head.startswith(b"HTTP/1.1 101 ")
        assert len(engine.gate) == 1
        visit.peer.send(encode(TEXT, line_of_chat("Ann", "hello")))
        assert visit.peer.message()["body"] == "hello"
        visit.peer.send(encode(CLOSE))
        visit.peer.frame()
        visit.peer.socket.close()
        visit.end()

    assert len(engine.gate) == 0
    assert engine.history.head("kitchen")[0] == 1


def test_no_compression_is_agreed_on(client: FlaskClient):
    """One frame serves everybody, so it must not be a different one for each."""
    extension = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    with Visit(client, **extension) as visit:
        assert b"deflate" not in visit.peer.take_the_handshake()


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/chat", {"Sec-WebSocket-Key": "short"}, 400),
        ("/chat", {"Sec-WebSocket-Version": "8"}, 426),
        ("/chat", {"Origin": "https://evil.example"}, 403),
        ("/chat", {"Origin": "null"}, 403),
        ("/chat?room=a/b", {}, 400),
        ("/chat?room=", {}, 400),
    ],
)
def test_a_bad_request_takes_no_place(
    client: FlaskClient, engine: Engine, path: str, headers: dict[str, str], status: int
):
    with Visit(client, path, **headers) as visit:
        reply = visit.end()
        assert reply.status_code == status
        assert reply.text.endswith(".\n")
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert len(engine.gate) == 0


def test_when_all_places_are_taken_the_next_one_gets_a_503_in_words(
    client: FlaskClient, engine: Engine
):
    with Visit(client) as first, Visit(client) as second:
        first.peer.take_the_handshake()
        second.peer.take_the_handshake()
        assert client.get("/").status_code == 200
        with Visit(client) as third:
            reply = third.end()
        assert reply.status_code == 503
        assert reply.headers["Retry-After"] == "30"
        assert "all 2 places are taken" in reply.text
    wait_for(lambda: len(engine.gate) == 0, "free places")


def test_a_server_that_stops_lets_nobody_in(client: FlaskClient, engine: Engine):
    engine.stop()
    with Visit(client) as visit:
        reply = visit.end()
        assert (reply.status_code, reply.text) == (503, "The server is shutting down.\n")


def test_a_wsgi_server_that_hands_out_no_socket_is_told_so(client: FlaskClient, engine: Engine):
    reply = client.get("/chat", headers=UPGRADE, environ_overrides={"SERVER_PROTOCOL": "HTTP/1.1"})

    assert reply.status_code == 501
    assert "use gunicorn" in reply.text
    assert len(engine.gate) == 0


def test_a_place_is_given_back_when_something_fails(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(User, "listen_read", lambda user, ws: 1 / 0)
    with Visit(client) as visit:
        assert visit.end().status_code == 500
    assert len(engine.gate) == 0


def test_who_is_gone_before_the_handshake_leaves_no_place_taken(
    client: FlaskClient, engine: Engine
):
    for _ in range(10):
        with Visit(client) as visit:
            visit.peer.reset()
            visit.end()
    assert len(engine.gate) == 0
