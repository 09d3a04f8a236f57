"""The original's protocol, as a client sees it that is not made of our own libraries."""

from __future__ import annotations

import json
import re
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.server_process import Running, serving
from tests.support.websocket_client import CLOSE, TEXT, RawClient, encode, line_of_chat


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("plain"), history="sqlite:chat.db") as running:
        yield running


def test_the_first_frame_joins_and_is_a_message(server: Running) -> None:
    """Nobody has to say hello first: who speaks is in the room, and hears itself."""
    with server.join("Bob", "first") as bob, server.connect("first") as socket:
        frame = {"userName": "Ann", "body": "hi", "timestamp": "9:05 AM"}
        bob.say("nobody here?")
        bob.hear()
        socket.send(json.dumps(frame))

        assert json.loads(socket.recv(5))["body"] == "nobody here?"
        own = json.loads(socket.recv(5))
        assert {key: own[key] for key in frame} == frame
        assert bob.hear() == [own]
        bob.say("hello Ann")
        assert json.loads(socket.recv(5))["body"] == "hello Ann"


def test_a_message_has_the_originals_keys_first_and_then_the_additions(server: Running) -> None:
    with server.join("Ann", "keys") as ann:
        ann.say("hi")
        (message,) = ann.hear()

    assert list(message) == ["userName", "body", "timestamp", "id", "room", "sentAt"]
    assert re.fullmatch(r"1-[0-9a-f]{16}", message["id"])
    assert message["room"] == "keys"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", message["sentAt"])
    sent_at = datetime.fromisoformat(message["sentAt"].replace("Z", "+00:00"))
    assert abs((datetime.now(timezone.utc) - sent_at).total_seconds()) < 5


def test_a_joiner_hears_the_past_and_then_what_is_said_now(server: Running) -> None:
    with server.join("Ann", "past") as ann:
        for body in "one", "two", "three":
            ann.say(body)
        said = ann.hear(3)
        with server.join("Bob", "past") as bob:
            assert bob.hear(3) == said
            ann.say("four")
            assert bob.hear() == ann.hear()


def test_who_joins_with_a_message_hears_the_past_before_it(server: Running) -> None:
    with server.join("Ann", "before") as ann:
        ann.say("one")
        ann.hear()
        with server.connect("before") as socket:
            socket.send(json.dumps({"userName": "Bob", "body": "two"}))
            assert [json.loads(socket.recv(5))["body"] for _ in range(2)] == ["one", "two"]


def test_a_silent_join_says_nothing(server: Running) -> None:
    """Only a first frame without a body joins in silence; an empty body is a message."""
    with server.join("Ann", "silent") as ann, server.join("Bob", "silent") as bob:
        ann.send({"userName": "Ann"})  # her second frame
        bob.send({"userName": "Bob", "body": ""})

        heard = ann.hear(2)

    assert sorted((m["userName"], m["body"]) for m in heard) == [("Ann", ""), ("Bob", "")]


def test_three_clients_who_all_talk_hear_one_order(server: Running) -> None:
    """Each hears its own words too, where everyone else hears them."""
    start = threading.Barrier(3)

    def chat(name: str) -> list[dict[str, str]]:
        with server.join(name, "order") as member:
            start.wait(10)
            for i in range(100):
                member.say(f"{name} {i}")
            return member.hear(300)

    with ThreadPoolExecutor(3) as pool:
        first, second, third = pool.map(chat, ["Ann", "Bob", "Cid"])

    assert first == second == third
    for name in "Ann", "Bob", "Cid":
        own = [m["body"] for m in first if m["userName"] == name]
        assert own == [f"{name} {i}" for i in range(100)]
    assert [int(m["id"].partition("-")[0]) for m in first] == list(range(1, 301))


def test_rooms_do_not_hear_each_other(server: Running) -> None:
    with server.join("Ann", "red") as ann, server.join("Bob", "blue") as bob:
        ann.say("in red")
        bob.say("in blue")
        assert ann.bodies() == ["in red"]
        assert bob.bodies() == ["in blue"]
        ann.say("still red")
        assert ann.bodies() == ["still red"]

    with server.join("Cid", "blue") as cid:
        cid.say("last")
        assert cid.bodies(2) == ["in blue", "last"]


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        ({"userName": "", "body": "x", "timestamp": "t"}, ("Anonymous", "x", "t")),
        ({"body": "x", "timestamp": "t"}, ("Anonymous", "x", "t")),
        ({"userName": "Ann", "body": "x", "timestamp": "half past"}, ("Ann", "x", "half past")),
        ({"userName": "Ann", "body": "x", "timestamp": "t", "more": [1, {}]}, ("Ann", "x", "t")),
        ({"userName": "Ann", "body": "", "timestamp": "t"}, ("Ann", "", "t")),
        ({"userName": "Zoë", "body": "\0 \u2028 👩‍👩‍👧 <b>", "timestamp": "t"}, None),
        ({"userName": "N" * 64, "body": "x" * 60_000, "timestamp": "t"}, None),
        ({"userName": "👩" * 64, "body": "é" * 30_000, "timestamp": "t"}, None),
    ],
)
def test_what_was_sent_comes_back_as_it_was(
    server: Running, sent: dict[str, str], heard: tuple[str, str, str] | None
) -> None:
    with server.connect(f"fields-{uuid4()}") as socket:
        socket.send(json.dumps(sent, ensure_ascii=False))
        message = json.loads(socket.recv(5))

    wanted = heard or (sent["userName"], sent["body"], sent["timestamp"])
    assert (message["userName"], message["body"], message["timestamp"]) == wanted


def test_an_empty_timestamp_gets_the_servers_time(server: Running) -> None:
    with server.join("Ann", "time") as ann:
        ann.send({"userName": "Ann", "body": "hi", "timestamp": ""})
        (message,) = ann.hear()
    assert re.fullmatch(r"1?\d:\d\d [AP]M", message["timestamp"])


def test_a_user_may_change_its_name(server: Running) -> None:
    with server.join("Ann", "names") as ann:
        ann.name = "Anna"
        ann.say("hi")
        assert ann.hear()[0]["userName"] == "Anna"


def test_get_all_messages_has_the_originals_shape(server: Running) -> None:
    """One object, the default room only, the very messages that were heard, byte for byte."""
    status, headers, body = server.get("/getAllMessages")
    assert (status, json.loads(body)) == (200, {"Messages": []})
    assert headers["content-type"] == "application/json"

    with server.join("Ann") as ann, server.join("Bob", "elsewhere") as bob:
        bob.say("not here")
        ann.say("one")
        ann.send({"userName": "Zoë", "body": 'tw"o\n👋', "timestamp": "9:05 AM"})
        first, second = ann.hear(2)
        bob.hear()

    _, headers, body = server.get("/getAllMessages")
    assert json.loads(body) == {"Messages": [first, second]}
    start = '{"Messages":[{"userName":"Ann","body":"one","timestamp":"10:42 AM",'
    assert body.decode().startswith(start)


def test_an_unchanged_history_is_not_sent_again(server: Running) -> None:
    with server.join("Ann") as ann:
        ann.say("for the tag")
        ann.hear_until("for the tag")
        etag = server.get("/getAllMessages")[1]["etag"]

        status, headers, body = server.get("/getAllMessages", {"If-None-Match": etag})
        assert (status, headers["etag"], body) == (304, etag, b"")

        ann.say("something new")
        ann.hear()
        status, headers, body = server.get("/getAllMessages", {"If-None-Match": etag})
        assert status == 200
        assert headers["etag"] != etag
        assert json.loads(body)["Messages"][-1]["body"] == "something new"

    status, headers, body = server.get("/getAllMessages", method="HEAD")
    assert (status, body) == (200, b"")


def test_a_fragment_is_as_good_as_a_whole(server: Running) -> None:
    """Fragments are legal, also where they cut a character in two."""
    text = json.dumps({"userName": "Zoë", "body": "smörgåsbord 👋 " * 40}, ensure_ascii=False)
    data = text.encode()
    with server.connect("fragments") as socket:
        for size in 1, 7, 1000:
            pieces = [data[i : i + size] for i in range(0, len(data), size)]
            socket.send(iter(pieces), text=True)
            message = json.loads(socket.recv(5))
            assert (message["userName"], message["body"]) == ("Zoë", "smörgåsbord 👋 " * 40)


def test_a_client_that_offers_compression_gets_none_and_is_understood(server: Running) -> None:
    with server.join("Ann", "deflate", compression="deflate") as ann:
        assert not ann.socket.protocol.extensions
        ann.say("x" * 1000)
        assert ann.bodies() == ["x" * 1000]


def test_nothing_follows_the_answer_to_a_close(tmp_path: Path) -> None:
    """Neither what others say, nor what its client has said just before (RFC 6455, 5.5.1)."""
    with serving(tmp_path, history="memory:") as server:  # the quicker, the more would follow
        for number in range(30):
            with RawClient(server.port, "goodbye") as ann:
                said = encode(TEXT, line_of_chat("Ann", f"bye {number}"))
                ann.send(said, encode(CLOSE, struct.pack("!H", 1000)))

                assert ann.closed_with() == (1000, "")
                with pytest.raises(EOFError):
                    ann.frame()
        with server.join("Bob", "goodbye") as bob:
            assert bob.bodies(30) == [f"bye {number}" for number in range(30)]
