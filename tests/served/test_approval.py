"""Rooms in which a host approves what is said, over real sockets and HTTP, also after kill -9."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.support.deadline import DEADLINE
from tests.support.server_process import Launch, Running
from tests.support.typed_client import Fields, TypedClient

pytestmark = pytest.mark.takes(seconds=6)

Come = Callable[..., TypedClient]


@pytest.fixture
def server(prepare: Launch) -> Running:
    return prepare(history="sqlite:chat.db", leaveGrace=0).start()


@pytest.fixture
def come(server: Running) -> Iterator[Come]:
    """Somebody comes into the talk, and is closed in the end."""
    with ExitStack() as stack:

        def come(name: str) -> TypedClient:
            client = TypedClient(server.port, name, "talk")
            stack.callback(client.close)
            return client.connect_and_catch_up()

        yield come


@pytest.fixture
def ann(come: Come) -> TypedClient:
    """The host of a talk in which each question is approved first."""
    ann = come("Ann")
    assert ann.act("rules", speak="approval")["type"] == "done"
    return ann


def ask(client: TypedClient, cmid: str, body: str) -> Fields:
    """Say something that has to wait."""
    client._send(type="message", cmid=cmid, body=body)
    held = client.hear_notice("held")
    assert (held["cmid"], held["body"]) == (cmid, body)
    return held


def told_last(client: TypedClient) -> Fields:
    return client.notices[-1]


def after_kill(server: Running, *clients: TypedClient) -> None:
    server.kill()
    server.start()
    for client in clients:
        client.hear_the_end()
        client.connect_and_catch_up()


def bodies(server: Running) -> list[str]:
    found = json.loads(server.get("/api/rooms/talk/messages?limit=1000")[2])
    return [message["body"] for message in found["messages"]]


def test_a_question_that_waits_is_read_by_hosts_and_its_author_alone(
    server: Running, come: Come, ann: TypedClient
) -> None:
    bob, carl = come("Bob"), come("Carl")
    with server.join("Old", "talk") as old:
        held = ask(bob, "b1", "May I?")

        assert ann.hear_notice("held") == held
        assert bodies(server) == []
        ann.act("approve", id=held["id"])
        assert old.bodies() == ["May I?"]
    (message,) = json.loads(server.get("/api/rooms/talk/messages")[2])["messages"]
    for client in (bob, carl):
        client.hear_until(message["id"])
        assert [frame["cmid"] for frame in client.view] == ["b1"]
    assert bob.hear_notice("settled")["outcome"] == "approved"
    assert all(notice["type"] not in ("held", "settled") for notice in carl.notices)


def test_what_waits_still_waits_after_kill_9(server: Running, come: Come, ann: TypedClient) -> None:
    bob = come("Bob")
    held = ask(bob, "b1", "May I?")

    after_kill(server, ann, bob)

    assert told_last(ann) == told_last(bob) == held
    assert ann.act("approve", id=held["id"])["type"] == "done"
    assert bodies(server) == ["May I?"]


@pytest.mark.parametrize(("word", "said"), [("approve", ["May I?"]), ("refuse", [])])
def test_what_a_host_decided_is_so_after_kill_9(
    server: Running, come: Come, ann: TypedClient, word: str, said: list[str]
) -> None:
    bob = come("Bob")
    held = ask(bob, "b1", "May I?")
    assert ann.act(word, id=held["id"])["type"] == "done"

    after_kill(server, ann, bob)

    assert bodies(server) == said
    look = ann.act("look")
    assert look["held"] == []
    assert [entry["act"] for entry in look["log"]] == [word, "rules"]
    assert ann.act("approve", id=held["id"])["code"] == "gone"


def test_a_plain_users_question_comes_back_once_it_is_approved(
    server: Running, ann: TypedClient
) -> None:
    with server.join("Old", "talk") as old:
        old.say("May I?")
        held = ann.hear_notice("held")
        assert (held["userName"], "userId" in held, "cmid" in held) == ("Old", False, False)

        ann.act("approve", id=held["id"])

        assert old.bodies() == ["May I?"]


def test_a_script_learns_what_became_of_its_message(server: Running, ann: TypedClient) -> None:
    def post() -> tuple[int, Fields]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{server.port}/api/rooms/talk/messages",
            json.dumps({"userName": "CI", "body": "Green?", "cmid": "ci-1"}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return answer.status, json.load(answer)

    status, held = post()
    assert (status, held["body"]) == (202, "Green?")
    ann.act("approve", id=held["id"])
    status, said = post()
    assert (status, said["body"], said["cmid"]) == (200, "Green?", "ci-1")


def test_what_was_refused_is_in_no_file_of_the_folder(
    server: Running, come: Come, ann: TypedClient
) -> None:
    bob = come("Bob")
    for number in range(5):
        held = ask(bob, f"b{number}", f"unspeakable {number}")
        assert ann.act("refuse", id=held["id"])["type"] == "done"

    server.stop()

    left = [path for path in server.folder.iterdir() if path.is_file()]
    assert [path.name for path in left if b"unspeakable" in path.read_bytes()] == []
