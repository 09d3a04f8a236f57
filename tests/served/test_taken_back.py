"""What was edited or removed comes back nowhere: not to joiners, not after kill -9, in no file."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.deadline import A_MINUTE, wait_for
from tests.support.histories import remember
from tests.support.server_process import Running, serving
from tests.support.typed_client import TypedClient, seq, stored
from tests.support.websocket_client import TEXT, RawClient, encode

pytestmark = pytest.mark.takes(seconds=25)

SECRET = "Xylophon"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("taken-back")
    with serving(folder, history="sqlite:chat.db", leaveGrace=0, replayLimit=5) as running:
        yield running


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def enter(stack: ExitStack, server: Running, room: str, name: str = "Ann") -> TypedClient:
    client = TypedClient(server.port, name, room).connect_and_catch_up()
    stack.callback(client.close)
    return client


def say(client: TypedClient, *bodies: str) -> list[str]:
    """Returns the ids."""
    cmids = [f"c{time.monotonic_ns()}" for _ in bodies]
    for cmid, body in zip(cmids, bodies, strict=True):
        client.say(body, cmid)
    client.hear_until_acked()
    return [client.acked[cmid] for cmid in cmids]


def bodies(client: TypedClient) -> list[str]:
    return [message["body"] for message in client.view]


def test_joiners_get_what_is_there_now(server: Running, stack: ExitStack) -> None:
    """From the room's tail, and from the history."""
    ann = enter(stack, server, "joiners")
    ids = say(ann, *(f"message {n}" for n in range(8)), SECRET)
    ann.edit(ids[6], "edited", "e")
    ann.remove(ids[8], "r")
    ann.hear_until_acked()
    wanted = ["message 4", "message 5", "edited", "message 7"]

    assert bodies(enter(stack, server, "joiners", "Bob")) == wanted
    with server.join("Eve", "joiners") as eve:
        assert eve.bodies(4) == wanted
    long = TypedClient(server.port, "Cid", "joiners")
    long.cursor = "0-0"
    long.connect_and_catch_up()
    stack.callback(long.close)
    assert bodies(long) == [f"message {n}" for n in range(6)] + ["edited", "message 7"]
    assert seq(long.cursor) == 9


def test_what_is_removed_while_a_long_past_is_read_is_in_no_view(
    tmp_path: Path, stack: ExitStack
) -> None:
    remember(tmp_path, long=30_000)
    server = stack.enter_context(serving(tmp_path, history="sqlite:chat.db", replayLimit=0))
    ann = TypedClient(server.port, "Ann", "long")
    ann.connect()
    stack.callback(ann.close)
    ann.hear_until_live()
    first, second, last = say(ann, SECRET, f"{SECRET} again", "stays")
    slow = TypedClient(server.port, "Slow", "long")
    slow.connect(receive_buffer=65_536)
    stack.callback(slow.close)
    plain = stack.enter_context(RawClient(server.port, "long", receive_buffer=65_536))
    plain.send(encode(TEXT, json.dumps({"userName": "Plain"}).encode()))
    assert b'"long 1"' in plain.frame().payload  # under way

    ann.remove(first, "r")
    ann.edit(second, "harmless", "e")
    ann.hear_until_acked()

    slow.hear_until_live()
    assert bodies(slow)[-2:] == ["harmless", "stays"]
    assert len(slow.view) == 30_002
    slow.check(stored(tmp_path, "long"))
    payload = b""
    while last.encode() not in payload:
        payload = plain.frame().payload
        assert SECRET.encode() not in payload


@pytest.mark.parametrize("what", ["edit", "remove"])
def test_what_is_done_is_done_after_a_kill(tmp_path: Path, stack: ExitStack, what: str) -> None:
    server = stack.enter_context(serving(tmp_path, history="sqlite:chat.db"))
    ann, bob = enter(stack, server, "lobby"), enter(stack, server, "lobby", "Bob")
    (id_,) = say(ann, SECRET)
    bob.hear_until(id_)
    bob.drop_by_reset()
    if what == "edit":
        ann.edit(id_, "harmless", "c")
    else:
        ann.remove(id_, "c")
    ann.hear_until_acked()

    server.kill()
    ann.hear_the_end()
    server.start()

    wanted = ["harmless"] if what == "edit" else []
    for tab in (ann.connect_and_catch_up(), bob.connect_and_catch_up()):
        assert tab.recovered
        assert bodies(tab) == wanted
    assert bodies(enter(stack, server, "lobby", "New")) == wanted
    assert [message["body"] for message in server.history()] == wanted
    assert say(ann, "next")[0].startswith("2-")
    wait_for(lambda: not in_files(tmp_path, SECRET), "no trace of it in any file", A_MINUTE)


def in_files(folder: Path, text: str) -> list[str]:
    """Which of the history's files have it."""
    names = [path for path in folder.glob("chat.db*") if path.is_file()]
    content = {path.name: path.read_bytes() for path in names if path.exists()}
    return [
        name
        for name, data in content.items()
        if text.encode() in data or text.lower().encode() in data
    ]


def test_no_file_has_it_a_little_later(tmp_path: Path, stack: ExitStack) -> None:
    server = stack.enter_context(serving(tmp_path, history="sqlite:chat.db"))
    ann = enter(stack, server, "lobby")
    id_, other = say(ann, f"{SECRET} 1", f"{SECRET} 2")
    search = f"/api/rooms/lobby/messages?q={SECRET}"
    assert found(server, search) == [f"{SECRET} 1", f"{SECRET} 2"]
    assert in_files(tmp_path, SECRET)

    ann.remove(id_, "r")
    ann.edit(other, "harmless", "e")
    ann.hear_until_acked()

    assert found(server, search) == []
    assert found(server, search.replace(SECRET, "harmless")) == ["harmless"]
    wait_for(lambda: not in_files(tmp_path, SECRET), "no trace of it in any file", A_MINUTE)


def found(server: Running, path: str) -> list[str]:
    status, _, body = server.get(path)
    assert status == 200, body
    return [message["body"] for message in json.loads(body)["messages"]]


def test_a_change_is_sent_again_for_lack_of_an_answer(server: Running, stack: ExitStack) -> None:
    ann, bob = enter(stack, server, "again"), enter(stack, server, "again", "Bob")
    first, second = say(ann, "mornnig", SECRET)
    ann.edit(first, "morning", "e")
    ann.remove(second, "r")
    while not any(notice.get("type") == "removed" for notice in [bob.hear()]):
        pass
    ann.drop_by_reset()
    assert set(ann.changes) == {"e", "r"}

    ann.connect_and_catch_up().hear_until_acked()

    assert ann.refused == {}
    assert bodies(ann) == bodies(bob) == ["morning"]
    assert (ann.rev, bob.rev) == (2, 2)


@pytest.mark.parametrize("what", ["edit", "remove"])
def test_a_message_that_is_sent_again_after_it_changed_is_not_stored_again(
    server: Running, stack: ExitStack, what: str
) -> None:
    ann = enter(stack, server, f"resent-{what}")
    ann.say("mornnig", "c1")
    ann.hear_until_acked()
    id_ = ann.acked["c1"]
    if what == "edit":
        ann.edit(id_, "morning", "x")
    else:
        ann.remove(id_, "x")
    ann.hear_until_acked()
    ann.drop_by_reset()
    ann.outbox["c1"] = "mornnig"  # as if the ack had been lost

    ann.connect_and_catch_up().hear_until_acked()

    assert ann.errors == []
    assert bodies(enter(stack, server, f"resent-{what}", "Bob")) == (
        ["morning"] if what == "edit" else []
    )


def test_a_room_is_trimmed_with_its_changes(tmp_path: Path, stack: ExitStack) -> None:
    settings: dict[str, Any] = {"history": "sqlite:chat.db", "leaveGrace": 0}
    with serving(tmp_path, **settings) as server:
        ann = enter(stack, server, "lobby")
        ids = say(ann, *(f"message {n}" for n in range(6)))
        for number in (0, 1, 4):
            ann.edit(ids[number], f"edited {number}", f"e{number}")
        ann.remove(ids[5], "r")
        ann.hear_until_acked()
        ann.drop_cleanly()
    with serving(tmp_path, keepMessages=3, **settings) as server:
        wait_for(lambda: len(server.history()) == 2, "a trimmed room")
        ann.port = server.port
        ann.rev = 0

        ann.connect_and_catch_up()

        assert ann.recovered
        assert bodies(ann)[-2:] == ["message 3", "edited 4"]
        assert ann.rev == 4
        assert say(ann, "next")[0].startswith("7-")
