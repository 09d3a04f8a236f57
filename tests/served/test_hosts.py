"""Who is in charge of a room, over real sockets: what they decide holds, also after kill -9."""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.server_process import Launch, Running
from tests.support.typed_client import SUBPROTOCOL, Closed, Fields, TypedClient, typed_frame
from tests.support.websocket_client import TEXT, RawClient

pytestmark = pytest.mark.takes(seconds=15)

REMOVED = 4503


@pytest.fixture
def server(prepare: Launch) -> Running:
    return prepare(history="sqlite:chat.db", leaveGrace=0).start()


@pytest.fixture
def come(server: Running) -> Any:
    """Somebody comes into the class, and is closed in the end."""
    with ExitStack() as stack:

        def come(name: str, room: str = "class", **options: Any) -> TypedClient:
            client = TypedClient(server.port, name, room, options.get("token"))
            client.link = options.get("link")
            stack.callback(client.close)
            return client.connect_and_catch_up()

        yield come


Come = Callable[..., TypedClient]


def back(client: TypedClient) -> TypedClient:
    """The server was killed; the same tab is there again."""
    client.hear_the_end()
    return client.connect_and_catch_up()


def restart(server: Running) -> None:
    server.kill()
    server.start()


def speak(client: TypedClient, cmid: str) -> Fields:
    """Say something, and what becomes of it: the ack, or the error."""
    client._send(type="message", cmid=cmid, body=f"{client.name} says {cmid}")
    client.said[cmid] = f"{client.name} says {cmid}"
    while (frame := client.hear()).get("cmid") != cmid or frame["type"] == "message":
        pass
    return frame


def outcome(client: TypedClient, cmid: str) -> str:
    frame = speak(client, cmid)
    return str(frame.get("code", frame["type"]))


def turned_away(server: Running, token: str | None) -> Fields:
    """The error that somebody gets who says hello with this token."""
    with RawClient(server.port, Sec_WebSocket_Protocol=SUBPROTOCOL) as client:
        client.send(typed_frame(type="hello", userName="Back", room="class", token=token))
        frame = client.frame()
        assert frame.opcode == TEXT
        error: Fields = json.loads(frame.payload)
        assert error["type"] == "error", error
        return error


def bodies(server: Running) -> list[str]:
    found = json.loads(server.get("/api/rooms/class/messages?limit=1000")[2])
    return [message["body"] for message in found["messages"]]


# -- kill -9 ---------------------------------------------------------------------------------------


def test_the_maker_is_the_maker_after_kill_9(server: Running, come: Come) -> None:
    ann, bob = come("Ann"), come("Bob")
    assert (ann.welcome["role"], bob.welcome.get("role")) == ("maker", None)
    assert outcome(bob, "b1") == "ack"

    restart(server)
    bob = back(bob)
    ann = back(ann)

    assert (ann.welcome["role"], bob.welcome.get("role")) == ("maker", None)
    assert bob.act("rules", speak="hosts")["code"] == "not-host"
    assert ann.act("rules", speak="hosts")["type"] == "done"


def test_a_maker_of_nothing_is_forgotten(server: Running, come: Come) -> None:
    ann = come("Ann")

    restart(server)

    assert come("Bob").welcome["role"] == "maker"
    assert "role" not in back(ann).welcome


def holds_rules(ann: TypedClient, bob: TypedClient, _: Fields) -> bool:
    back(ann)
    return outcome(back(bob), "b2") == "paused" and outcome(ann, "a2") == "ack"


def holds_quiet(ann: TypedClient, bob: TypedClient, _: Fields) -> bool:
    back(ann)
    back(bob)
    return bob.notices[0]["type"] == "muted" and outcome(bob, "b2") == "muted"


def holds_host(ann: TypedClient, bob: TypedClient, _: Fields) -> bool:
    return back(bob).welcome["role"] == "host" and bob.act("look")["type"] == "done"


def holds_link(ann: TypedClient, bob: TypedClient, done: Fields) -> bool:
    bob.hear_the_end()
    bob.link = done["link"]
    bob.connect_and_catch_up()
    return bob.hear_notice("host")["role"] == "host"


@pytest.mark.parametrize(
    ("word", "fields", "holds"),
    [
        ("rules", {"speak": "hosts"}, holds_rules),
        ("quiet", {"userId": "Bob"}, holds_quiet),
        ("makeHost", {"userId": "Bob"}, holds_host),
        ("makeLink", {}, holds_link),
    ],
)
def test_what_a_host_did_is_so_after_kill_9(
    server: Running, come: Come, word: str, fields: Fields, holds: Callable[..., bool]
) -> None:
    ann, bob = come("Ann"), come("Bob")
    done = ann.act(word, **{key: bob.user_id if key == "userId" else fields[key] for key in fields})
    assert done["type"] == "done"

    restart(server)

    assert holds(ann, bob, done)


def test_who_was_removed_stays_out_after_kill_9(server: Running, come: Come) -> None:
    ann, bob = come("Ann"), come("Bob")
    assert ann.act("bar", userId=bob.user_id, seconds=3600)["type"] == "done"

    restart(server)

    assert turned_away(server, bob.token)["code"] == "removed"
    assert back(ann).act("bar", userId=bob.user_id, seconds=0)["type"] == "done"
    bob.hear_the_end()
    assert bob.connect_and_catch_up().welcome["userId"] == bob.user_id


def test_kill_9_amid_acts_leaves_the_last_one_that_was_done_or_one_that_was_asked_for(
    server: Running, come: Come
) -> None:
    ann = come("Ann")
    for _ in range(5):
        asked = [5 + number % 500 for number in range(400)]
        done = 0
        for number, seconds in enumerate(asked):
            ann._send(
                type="host", cmid=f"s{number}", act="rules", speak="slow", slowSeconds=seconds
            )
        for number in range(random.randrange(1, len(asked))):
            while (frame := ann.hear()).get("cmid") != f"s{number}":
                pass
            assert frame["type"] == "done"
            done = number
        restart(server)

        rules = back(ann).welcome["rules"]

        assert rules["speak"] == "slow"
        assert rules["slowSeconds"] in asked[done:]
        assert ann.act("rules", speak="everybody")["type"] == "done"


@pytest.mark.parametrize(
    ("rules", "others"),
    [
        ({"speak": "hosts", "needsHost": True}, "paused"),
        ({"door": "shut", "speak": "approval"}, "held"),
    ],
    ids=["paused", "shut, after approval"],
)
def test_a_host_whose_line_drops_is_host_again_within_a_second_of_being_back(
    server: Running, come: Come, rules: Fields, others: str
) -> None:
    ann, bob = come("Ann"), come("Bob")
    ann.act("rules", **rules)
    ann.drop_by_reset()

    began = time.monotonic()
    ann.connect_and_catch_up()
    took = time.monotonic() - began

    assert ann.welcome["role"] == "maker"
    assert outcome(ann, "a1") == "ack"
    assert took < 1
    bob.say("hello", "b1")
    if others == "held":
        waiting = ann.hear_notice("held")
        assert bob.hear_notice("held")["body"] == waiting["body"] == "hello"
        assert ann.act("approve", id=waiting["id"])["type"] == "done"
    else:
        assert bob.hear_notice("error")["code"] == others


# -- who may speak ---------------------------------------------------------------------------------


def test_in_a_slow_room_each_person_waits_and_no_host_does(server: Running, come: Come) -> None:
    ann, bob, carl = come("Ann"), come("Bob"), come("Carl")
    ann.act("rules", speak="slow", slowSeconds=600)
    assert bob.hear_notice("rules")["slowSeconds"] == 600

    assert [outcome(bob, "b1"), outcome(carl, "c1")] == ["ack", "ack"]
    assert [outcome(ann, "a1"), outcome(ann, "a2")] == ["ack", "ack"]
    refused = speak(bob, "b2")
    assert (refused["code"], 590 < refused["retryAfter"] <= 600) == ("slow", True)
    other_tab = come("Bob", token=bob.token)
    assert outcome(other_tab, "b3") == "slow"

    ann.act("rules", speak="everybody")
    assert outcome(bob, "b2") == "ack"


def test_where_a_host_has_to_be_here_they_have_a_minute_to_come_back(
    server: Running, come: Come
) -> None:
    ann, bob = come("Ann"), come("Bob")
    ann.act("rules", needsHost=True)
    assert outcome(bob, "b1") == "ack"
    ann.drop_cleanly()
    assert outcome(bob, "b2") == "ack", "a minute's grace"

    restart(server)

    assert outcome(back(bob), "b3") == "ack", "a minute's grace"


def test_who_is_quiet_reads_on_and_hears_when_that_is_over(server: Running, come: Come) -> None:
    ann, bob = come("Ann"), come("Bob")
    ann.act("quiet", userId=bob.user_id, seconds=600)
    assert bob.hear_notice("muted")["until"]

    assert outcome(bob, "b1") == "muted"
    speak(ann, "a1")
    bob.hear_until(ann.acked["a1"])
    assert bob.view[-1]["body"] == "Ann says a1"
    assert bob.view[-1]["by"] == "host"

    ann.act("quiet", userId=bob.user_id, seconds=0)
    bob.hear_notice("unmuted")
    assert outcome(bob, "b1") == "ack"
    assert bodies(server) == ["Ann says a1", "Bob says b1"]


def test_plain_users_of_a_paused_room_are_not_echoed_and_not_closed(
    server: Running, come: Come
) -> None:
    ann = come("Ann")
    with server.join("Old", "class") as old:
        ann.act("rules", speak="hosts")
        old.say("hello?")
        status, _, body = post(server, "hello?")
        speak(ann, "a1")
        assert old.bodies() == ["Ann says a1"]

        ann.act("rules", speak="everybody")
        old.say("hello!")
        assert old.bodies() == ["hello!"]

    assert (status, json.loads(body)["code"]) == (403, "paused")
    assert bodies(server) == ["Ann says a1", "hello!"]


# -- who has to go ---------------------------------------------------------------------------------


def test_who_is_removed_gets_a_sentence_in_each_tab_and_does_not_come_back(
    server: Running, come: Come
) -> None:
    ann, bob = come("Ann"), come("Bob")
    other_tab, carl = come("Bob", token=bob.token), come("Carl")

    assert ann.act("bar", userId=bob.user_id, seconds=3600)["type"] == "done"

    for tab in (bob, other_tab):
        error = tab.hear_notice("error")
        assert error["code"] == "removed"
        assert error["detail"].startswith("A host has removed you until ")
        with pytest.raises(Closed) as closed:
            tab.hear()
        assert closed.value.args == (REMOVED, "removed by a host")
        assert turned_away(server, tab.token)["code"] == "removed"
    assert outcome(carl, "c1") == "ack"
    assert come("Dora").welcome["room"] == "class"
    assert come("Bob", "garden", token=bob.token).welcome["room"] == "garden"


def test_of_thirty_behind_one_address_one_is_removed_and_the_others_lose_nothing(
    server: Running, come: Come
) -> None:
    teacher = come("Teacher")
    pupils = [come(f"Pupil {number}") for number in range(30)]
    eve = pupils.pop(13)
    removed = threading.Event()

    def talk(pupil: TypedClient) -> None:
        for number in range(6):
            if number == 3:
                assert removed.wait(20)
            assert outcome(pupil, f"{pupil.name} {number}") == "ack"

    with ThreadPoolExecutor(len(pupils)) as pool:
        talks = [pool.submit(talk, pupil) for pupil in pupils]
        assert teacher.act("bar", userId=eve.user_id)["type"] == "done"
        removed.set()
        for told in talks:
            told.result(60)

    history = json.loads(server.get("/api/rooms/class/messages?limit=1000")[2])["messages"]
    assert len(history) == 29 * 6
    for pupil in pupils:
        pupil.hear_until(history[-1]["id"])
        assert [message["id"] for message in pupil.view] == [message["id"] for message in history]
        assert pupil.errors == []
    with pytest.raises(Closed) as closed:
        while True:
            eve.hear()
    assert closed.value.code == REMOVED


# -- links -----------------------------------------------------------------------------------------


def test_a_link_makes_one_host_though_many_open_it_at_once(server: Running, come: Come) -> None:
    ann = come("Ann")
    link = ann.act("makeLink")["link"]

    with ThreadPoolExecutor(8) as pool:
        comers = list(pool.map(lambda number: come(f"Guest {number}", link=link), range(8)))
    roles = [guest.act("look") for guest in comers]

    assert [answer["type"] for answer in roles].count("done") == 1
    assert {answer.get("code", "not-host") for answer in roles} == {"not-host"}
    errors = [error["code"] for guest in comers for error in guest.errors]
    assert sorted(set(errors)) == ["not-host", "wrong-link"]
    assert errors.count("wrong-link") == 7
    assert ann.act("look")["links"] == []


def post(server: Running, body: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/api/rooms/class/messages",
        json.dumps({"userName": "CI", "body": body}).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, dict(reply.headers), reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()
