"""Hosts remove people and what they wrote, over real sockets; and who is new there knocks."""

from __future__ import annotations

import json
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from chatroom.history import make_history
from chatroom.rooms.charter import Charter, Host
from chatroom.rooms.ranks import Rank
from chatroom.users.tokens import Identity, Tokens
from tests.support.deadline import DEADLINE, wait_for
from tests.support.histories import typed
from tests.support.server_process import Launch, Running
from tests.support.typed_client import (
    SUBPROTOCOL,
    Fields,
    TypedClient,
    stored,
    typed_frame,
)
from tests.support.websocket_client import TEXT, RawClient

pytestmark = pytest.mark.takes(seconds=15)

SCHOOL, HOME = "192.0.2.7", "192.0.2.8"
NO_ENTRY = 4504

Come = Callable[..., TypedClient]


@pytest.fixture
def server(prepare: Launch) -> Running:
    return prepare(history="sqlite:chat.db", leaveGrace=0)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def come(server: Running, stack: ExitStack) -> Come:
    def come(name: str, address: str = SCHOOL, token: str | None = None) -> TypedClient:
        client = TypedClient(server.port, name, "class", token)
        client.address = address
        stack.callback(client.close)
        return client.connect_and_catch_up()

    return come


def speak(client: TypedClient, cmid: str) -> None:
    client.say(f"{client.name} says {cmid}", cmid)
    client.hear_until_acked()


def knock(server: Running, stack: ExitStack, name: str) -> RawClient:
    """Somebody without a token, who is told to wait."""
    client = stack.enter_context(
        RawClient(server.port, Sec_WebSocket_Protocol=SUBPROTOCOL, X_Forwarded_For=SCHOOL)
    )
    client.send(typed_frame(type="hello", userName=name, room="class"))
    assert next_of(client)["type"] == "knocking"
    return client


def next_of(client: RawClient) -> Fields:
    frame = client.frame()
    assert frame.opcode == TEXT
    fields: Fields = json.loads(frame.payload)
    return fields


# -- knocking --------------------------------------------------------------------------------------


def test_of_a_class_behind_one_address_only_whoever_is_new_has_to_wait(
    server: Running, stack: ExitStack, come: Come
) -> None:
    """One is removed and comes back as another; three are late; the rest do not notice."""
    server.start()
    teacher = come("Teacher", HOME)
    pupils = [come(f"Pupil {number}") for number in range(30)]
    eve = pupils.pop(13)
    assert teacher.act("look", userId=eve.user_id)["sharing"] == 29

    assert teacher.act("bar", userId=eve.user_id)["type"] == "done"
    again = knock(server, stack, "Evelyn")
    asked = teacher.hear_notice("knock")
    assert (asked["userName"], asked["like"]["userName"]) == ("Evelyn", "Pupil 13")
    pupils[0].drop_by_reset()
    pupils[0].connect_and_catch_up()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda pupil: speak(pupil, pupil.name), pupils))

    assert teacher.act("refuse", userId=asked["userId"])["type"] == "done"
    assert next_of(again)["code"] == "no-entry"
    assert again.closed_with()[0] == NO_ENTRY

    late = [knock(server, stack, name) for name in ("Kim", "Lou", "Max")]
    assert teacher.act("admit")["type"] == "done"
    assert [next_of(client)["type"] for client in late] == ["welcome"] * 3
    assert come("Noa").welcome["userName"] == "Noa"
    last = max((pupil.acked[pupil.name] for pupil in pupils), key=lambda id: int(id.split("-")[0]))
    for pupil in pupils:
        pupil.hear_until(last)
        assert len(pupil.view) == 29
        assert pupil.errors == []


def test_who_is_new_still_waits_after_kill_9(server: Running, stack: ExitStack, come: Come) -> None:
    server.start()
    ann, bob = come("Ann", HOME), come("Bob")
    ann.act("bar", userId=bob.user_id, seconds=600)

    server.kill()
    server.start()

    bobby = knock(server, stack, "Bobby")
    ann.hear_the_end()
    ann.connect()
    asked = ann.hear_notice("knock")
    assert ann.act("admit", userId=asked["userId"])["type"] == "done"
    assert next_of(bobby)["type"] == "welcome"
    files = b"".join(path.read_bytes() for path in server.folder.glob("chat.db*"))
    assert SCHOOL.encode() not in files


def test_who_was_let_in_does_not_knock_again_after_kill_9(
    server: Running, stack: ExitStack, come: Come
) -> None:
    server.start()
    ann, bob = come("Ann", HOME), come("Bob")
    ann.act("bar", userId=bob.user_id, seconds=600)
    bobby = knock(server, stack, "Bobby")
    asked = ann.hear_notice("knock")
    assert ann.act("admit", userId=asked["userId"])["type"] == "done"
    welcome = next_of(bobby)

    server.kill()
    server.start()

    again = TypedClient(server.port, "Bobby", "class", welcome["token"])
    again.address, again.entry_pass = SCHOOL, welcome["pass"]
    stack.callback(again.close)
    assert again.connect_and_catch_up().user_id == asked["userId"]
    knock(server, stack, "Robert")


def test_a_script_from_there_is_not_heard(server: Running, come: Come) -> None:
    server.start()
    ann, bob = come("Ann", HOME), come("Bob")
    ann.act("bar", userId=bob.user_id, seconds=600)

    status, headers, text = post(server, {"X-Forwarded-For": SCHOOL})
    assert (status, json.loads(text)["code"]) == (403, "watched")
    assert 500 < int(headers["Retry-After"]) <= 600
    assert post(server, {"X-Forwarded-For": HOME})[0] == 201
    assert server.get("/api/rooms/class/messages", {"X-Forwarded-For": SCHOOL})[0] == 200


def test_a_room_may_hear_only_people_whom_the_server_knows(server: Running, come: Come) -> None:
    server.start()
    ann, bob = come("Ann", HOME), come("Bob")
    with server.join("Old", "class") as old:
        assert ann.act("rules", unchecked="no")["type"] == "done"
        assert bob.hear_notice("rules")["unchecked"] == "no"
        old.say("hello?")
        status, _, text = post(server, {})
        assert (status, json.loads(text)["code"]) == (403, "unchecked")
        speak(bob, "b1")
        assert old.bodies() == ["Bob says b1"]

        ann.act("rules", unchecked="speak")
        assert "unchecked" not in bob.hear_notice("rules")
        old.say("hello!")
        assert old.bodies() == ["hello!"]


# -- what they wrote -------------------------------------------------------------------------------


WORD = "xylophone"


def prepared(folder: Path, count: int) -> str:
    """Bob has said so much in the class; returns the token of Ann, its host."""
    folder.mkdir(exist_ok=True)
    with closing(make_history("sqlite:chat.db", folder)) as history:
        history.open()
        history.append([typed("class", seq, "u2", f"c{seq}", WORD) for seq in range(1, count + 1)])
        charter = Charter({"u1": Host("Ann", Rank.HOST)})
        history.enact("class", charter.to_json(), None)
        return Tokens(history.secret()).write(Identity("u1", "t1"))


def rows(server: Running, query: str) -> Any:
    uri = f"{(server.folder / 'chat.db').as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as database:
        return database.execute(query).fetchone()[0]


VISIBLE = "SELECT count(*) FROM messages WHERE removed = ''"
EVIDENCE = "SELECT count(*) FROM evidence"


def test_a_kill_amid_ten_thousand_removals_leaves_the_bar_and_the_rest_follows(
    server: Running, come: Come
) -> None:
    token = prepared(server.folder, 10_000)
    server.start()
    ann = come("Ann", HOME, token)
    done = ann.act("bar", userId="u2", userName="Bob", what="all")
    assert done["type"] == "done"
    server.kill()
    assert 0 < rows(server, VISIBLE) <= 9_500

    server.start()

    wait_for(lambda: rows(server, VISIBLE) == 0, "an empty room")
    assert rows(server, EVIDENCE) == 10_000
    ann.hear_the_end()
    ann.connect_and_catch_up()
    assert ann.view == []
    seen = ann.act("look")
    assert [ban["userName"] for ban in seen["barred"]] == ["Bob"]
    assert seen["log"][0]["what"] == "10,000 messages in all"


def test_everybody_sees_the_same_after_a_room_is_cleared_and_erased(
    server: Running, come: Come
) -> None:
    token = prepared(server.folder, 3_000)
    server.start()
    ann, carl = come("Ann", HOME, token), come("Carl")
    assert len(carl.view) == 500
    assert ann.act("clear")["type"] == "done"

    carl.hear_notice("removed")
    assert carl.view == []
    wait_for(lambda: rows(server, EVIDENCE) == 3_000, "a cleared room")
    speak(carl, "c1")
    assert ann.act("erase")["type"] == "done"

    wait_for(lambda: rows(server, EVIDENCE) == 0, "no evidence")
    assert json.loads(server.get("/getAllMessages")[2]) == {"Messages": []}
    found = json.loads(server.get("/api/rooms/class/messages")[2])["messages"]
    assert [message["body"] for message in found] == ["Carl says c1"]


def test_a_kill_while_a_cleared_room_comes_back_brings_back_all_of_it(
    server: Running, come: Come
) -> None:
    token = prepared(server.folder, 3_000)
    server.start()
    ann, carl = come("Ann", HOME, token), come("Carl")
    at = ann.act("clear")["at"]
    wait_for(lambda: rows(server, EVIDENCE) == 3_000, "a cleared room")
    assert come("Dora").view == []
    assert ann.act("restore", at=at)["type"] == "done"
    server.kill()
    assert 200 <= rows(server, VISIBLE) < 3_000

    server.start()

    wait_for(lambda: rows(server, VISIBLE) == 3_000, "all of it")
    assert rows(server, EVIDENCE) == 0
    assert len(come("Dora").view) == 500
    for person in ann, carl:
        person.hear_the_end()
        person.connect_and_catch_up()
        assert person.recovered
        person.check(stored(server.folder, "class"))
    assert ann.act("look")["log"][0]["what"] == "3,000 messages in all"
    found = server.get(f"/api/rooms/class/messages?q={WORD}&limit=100")
    assert len(json.loads(found[2])["messages"]) == 100


def test_what_was_back_and_is_cleared_anew_is_in_no_file_once_it_cannot_be_undone(
    server: Running, come: Come
) -> None:
    token = prepared(server.folder, 700)
    server.start()
    ann = come("Ann", HOME, token)
    first = ann.act("clear")["at"]
    ann.act("restore", at=first)
    wait_for(lambda: rows(server, EVIDENCE) == 0, "all of it")

    second = ann.act("clear")["at"]
    wait_for(lambda: rows(server, EVIDENCE) == 700, "a cleared room")
    assert ann.act("erase")["type"] == "done"

    wait_for(lambda: rows(server, EVIDENCE) == 0, "no evidence")
    wait_for(lambda: WORD.encode() not in everything_in(server.folder), "not a word of it")
    assert ann.act("restore", at=second)["code"] == "gone"
    assert ann.act("restore", at=first)["type"] == "done"
    assert rows(server, VISIBLE) == 0


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("chat.db*"))


def post(server: Running, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/api/rooms/class/messages",
        json.dumps({"userName": "CI", "body": "hello"}).encode(),
        {"Content-Type": "application/json", **headers},
    )
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE) as reply:
            return reply.status, dict(reply.headers), reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()
