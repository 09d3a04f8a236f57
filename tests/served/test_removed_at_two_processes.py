"""Two servers with one database: whom a host removes at one of them does not get in at either."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from tests.support import postgresql
from tests.support.deadline import DEADLINE, wait_for
from tests.support.server_process import Launch, Running
from tests.support.typed_client import SUBPROTOCOL, Closed, Fields, TypedClient, typed_frame
from tests.support.websocket_client import TEXT, RawClient

pytestmark = pytest.mark.takes(seconds=30)

SCHOOL, HOME = "192.0.2.7", "192.0.2.8"

GRACE = 1
"""Seconds."""

Come = Callable[..., TypedClient]


@pytest.fixture
def servers(prepare: Launch) -> list[Running]:
    url = postgresql.shared().make_database()
    return [prepare(history=url, leaveGrace=GRACE).start() for _ in range(2)]


@pytest.fixture
def come(servers: list[Running]) -> Iterator[Come]:
    """Let somebody come, to the first server or to the second."""
    came: list[TypedClient] = []

    def one(name: str, at: int, address: str = SCHOOL) -> TypedClient:
        client = TypedClient(servers[at].port, name, "class")
        client.address = address
        came.append(client)
        client.connect_and_catch_up()
        return client

    yield one
    for client in came:
        client.close()


@pytest.fixture
def host(come: Come) -> TypedClient:
    """On the first server, and elsewhere than the others."""
    ann = come("Ann", 0, HOME)
    ann.say("hello", "c1")
    ann.hear_until_acked()
    return ann


def answer_to(
    server: Running, name: str, address: str = SCHOOL, token: str | None = None
) -> Fields:
    """The first frame that somebody gets who says hello."""
    headers = {"Sec_WebSocket_Protocol": SUBPROTOCOL, "X_Forwarded_For": address}
    with RawClient(server.port, **headers) as client:
        client.send(typed_frame(type="hello", userName=name, room="class", token=token))
        frame = client.frame()
        assert frame.opcode == TEXT, frame
        fields: Fields = json.loads(frame.payload)
        return fields


def await_welcome(server: Running, name: str, token: str | None) -> None:
    """A hint has to come first that they may come back."""
    wait_for(lambda: answer_to(server, name, token=token)["type"] == "welcome", "welcome")


def await_end(client: TypedClient) -> int:
    """The code of the Close that comes."""
    with pytest.raises(Closed) as closed:
        while True:
            client.hear()
    return closed.value.code


def status(server: Running, path: str, token: str | None, body: bytes | None = None) -> int:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    asked = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", body, headers)
    try:
        with urllib.request.urlopen(asked, timeout=DEADLINE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_who_was_removed_from_another_server_has_to_knock_as_somebody_else(
    servers: list[Running], come: Come, host: TypedClient
) -> None:
    eve = come("Eve", 1)
    assert host.act("bar", userId=eve.user_id, seconds=600)["type"] == "done"
    assert await_end(eve) == 4503

    for number, server in enumerate(servers):
        assert answer_to(server, "Evelyn")["type"] == "knocking"
        assert answer_to(server, f"Dora {number}", HOME)["type"] == "welcome"


def test_so_has_who_was_removed_after_having_left_another_server(
    servers: list[Running], come: Come, host: TypedClient
) -> None:
    eve = come("Eve", 1)
    eve.close()
    while host.hear_notice("left")["userName"] != "Eve":
        pass
    assert host.act("bar", userId=eve.user_id, seconds=600)["type"] == "done"

    for server in servers:
        assert answer_to(server, "Evelyn")["type"] == "knocking"


def test_so_has_whose_server_was_killed(
    servers: list[Running], come: Come, host: TypedClient
) -> None:
    eve = come("Eve", 1)
    servers[1].kill()
    assert host.act("bar", userId=eve.user_id, seconds=600)["type"] == "done"
    servers[1].start()

    for server in servers:
        assert answer_to(server, "Evelyn")["type"] == "knocking"


def test_nobody_has_to_knock_any_more_once_that_is_undone(
    servers: list[Running], come: Come, host: TypedClient
) -> None:
    eve = come("Eve", 1)
    host.act("bar", userId=eve.user_id, seconds=600)
    await_end(eve)
    host.act("bar", userId=eve.user_id, seconds=0)

    for number, server in enumerate(servers):
        await_welcome(server, "Eve", eve.token)
        assert answer_to(server, f"Evelyn {number}")["type"] == "welcome"


def test_whom_a_host_removes_is_out_everywhere_as_soon_as_that_is_done(
    servers: list[Running], come: Come, host: TypedClient
) -> None:
    """They try the very moment in which the host has the answer; nobody is at the second server."""
    eve = come("Eve", 1)
    eve.close()
    for turn in range(20):
        assert host.act("bar", userId=eve.user_id, seconds=600)["type"] == "done"
        assert answer_to(servers[1], "Eve", token=eve.token).get("code") == "removed", turn
        assert host.act("bar", userId=eve.user_id, seconds=0)["type"] == "done"
        await_welcome(servers[1], "Eve", eve.token)


def test_so_it_is_where_others_of_the_room_are(
    servers: list[Running], come: Come, host: TypedClient
) -> None:
    carl, eve = come("Carl", 1), come("Eve", 1)
    eve.close()
    for turn in range(20):
        assert host.act("bar", userId=eve.user_id, seconds=600)["type"] == "done"
        assert answer_to(servers[1], "Eve", token=eve.token).get("code") == "removed", turn
        assert host.act("bar", userId=eve.user_id, seconds=0)["type"] == "done"
        await_welcome(servers[1], "Eve", eve.token)
    host.say("and on", "c2")
    host.hear_until_acked()
    carl.hear_until(host.acked["c2"])


def test_who_was_removed_reads_and_says_nothing_over_http_either(
    servers: list[Running], come: Come, host: TypedClient
) -> None:
    eve = come("Eve", 1)
    said = json.dumps({"userName": "Eve", "body": "I am back"}).encode()
    host.act("bar", userId=eve.user_id, seconds=600)

    for server in servers:
        for path in ("messages", "events", "users"):
            assert status(server, f"/api/rooms/class/{path}", eve.token) == 403, path
        assert status(server, "/api/rooms/class/messages", eve.token, said) == 403
    page = json.loads(servers[1].get("/api/rooms/class/messages")[2])
    assert [message["body"] for message in page["messages"]] == ["hello"]


def test_a_host_sees_how_many_share_an_address_wherever_they_are(
    servers: list[Running], come: Come, host: TypedClient
) -> None:
    eve = come("Eve", 1)
    for number in range(4):
        come(f"Pupil {number}", number % 2)
    come("Dora", 1, HOME)

    assert host.act("look", userId=eve.user_id)["sharing"] == 4
    eve.close()
    wait_for(lambda: "sharing" not in host.act("look", userId=eve.user_id), "Eve is gone")
