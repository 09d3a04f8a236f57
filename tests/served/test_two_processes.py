"""Two servers with one database: whoever is in a room hears all that is said there, in one order.

They are two processes on one machine here; on two machines nothing would be different.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatroom.history import make_history
from tests.support import postgresql
from tests.support.deadline import DEADLINE, wait_for
from tests.support.fellow import Fellow
from tests.support.histories import typed
from tests.support.kills import campaign, lobby
from tests.support.server_process import Launch, Running, serving
from tests.support.typed_client import Closed, Fields, TypedClient

pytestmark = pytest.mark.takes(seconds=30)

Come = Callable[..., Fellow]


@pytest.fixture
def url() -> str:
    return postgresql.shared().make_database()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Running]]:
    """Two servers for all tests that leave them alone, each in a room of its own."""
    folder, url = tmp_path_factory.mktemp("pair"), postgresql.shared().make_database()
    with (
        serving(folder / "one", history=url, leaveGrace=0) as one,
        serving(folder / "other", history=url, leaveGrace=0) as other,
    ):
        yield [one, other]


@pytest.fixture
def own_pair(prepare: Launch, url: str) -> list[Running]:
    """Two servers of the test's own, with which it may do whatever it wants."""
    return [prepare(history=url, leaveGrace=0).start() for _ in range(2)]


@pytest.fixture
def servers(request: pytest.FixtureRequest) -> list[Running]:
    own = "own_pair" in request.fixturenames
    servers: list[Running] = request.getfixturevalue("own_pair" if own else "pair")
    return servers


@pytest.fixture
def come(servers: list[Running], room: str) -> Iterator[Come]:
    """Let somebody come, to the first server or to the second."""
    came: list[Fellow] = []

    def one(name: str, at: int, room: str = room) -> Fellow:
        other = Fellow(servers[at].port, name, room)
        other.connect_and_catch_up()
        came.append(other)
        return other

    yield one
    for other in came:
        other.close()


def bodies(client: Fellow) -> list[str]:
    return [message["body"] for message in client.view]


def hear_all(client: TypedClient, count: int) -> list[str]:
    while len(client.view) < count:
        client.hear()
    return [message["id"] for message in client.view]


def test_what_is_said_to_one_is_heard_by_the_other(come: Come) -> None:
    ann, bob = come("Ann", 0), come("Bob", 1)

    first = ann.tell("hello")
    bob.hear_until(first)
    second = bob.tell("hello to you")
    ann.hear_until(second)

    assert bodies(ann) == bodies(bob) == ["hello", "hello to you"]
    assert [it["id"] for it in ann.view] == [it["id"] for it in bob.view]


def test_a_reply_leads_to_the_same_message_everywhere(come: Come) -> None:
    """Also for somebody who comes when that is removed already."""
    ann, bob = come("Ann", 0), come("Bob", 1)
    question = ann.tell("Tea?")
    bob.hear_until(question)

    answer = bob.tell_in_reply(question, "Yes")
    ann.hear_until(answer)
    ann.change("remove", question)
    carl = come("Carl", 0)

    assert ann.view[-1]["replyTo"] == bob.view[-1]["replyTo"] == question
    assert [(it["id"], it.get("replyTo")) for it in carl.view] == [(answer, question)]


def test_many_who_talk_at_once_read_one_order_everywhere(come: Come) -> None:
    everybody = [come(f"User {number}", number % 2) for number in range(6)]
    each, total = 40, 240

    def talk(client: Fellow) -> None:
        for turn in range(each):
            client.say(f"{client.name} {turn}", f"c{turn}")
        hear_all(client, total)
        client.hear_until_acked()

    threads = [threading.Thread(target=talk, args=(client,)) for client in everybody]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)

    views = [[it["id"] for it in client.view] for client in everybody]
    assert views == [views[0]] * 6
    assert [int(id.partition("-")[0]) for id in views[0]] == list(range(1, total + 1))
    for client in everybody:
        own = [body for body in bodies(client) if body.startswith(client.name + " ")]
        assert own == [f"{client.name} {turn}" for turn in range(each)]
        assert not client.errors


def test_plain_clients_hear_each_other_too(servers: list[Running], room: str) -> None:
    with servers[0].join("Ann", room) as ann, servers[1].join("Bob", room) as bob:
        ann.say("one")
        assert ann.bodies() == bob.bodies() == ["one"]
        bob.say("two")
        assert ann.bodies() == bob.bodies() == ["two"]


def test_who_comes_back_to_the_other_one_has_missed_nothing(
    come: Come, servers: list[Running]
) -> None:
    ann, bob = come("Ann", 0), come("Bob", 0)
    bob.hear_until(ann.tell("one"))
    bob.drop_by_reset()
    last = ann.tell("two")

    bob.port = servers[1].port
    bob.connect_and_catch_up()
    bob.hear_until(last)

    assert bob.recovered is True
    assert bodies(bob) == ["one", "two"]


def test_what_was_sent_again_to_the_other_one_is_stored_once(
    come: Come, servers: list[Running]
) -> None:
    ann = come("Ann", 0)
    ann.say("once", "c1")
    ann.drop_by_reset()  # without having read the ack

    ann.port = servers[1].port
    ann.connect_and_catch_up()
    ann.hear_until_acked()

    assert bodies(ann) == ["once"]
    assert bodies(come("Bob", 0)) == ["once"]


def test_what_is_changed_at_one_is_changed_at_the_other(come: Come) -> None:
    ann, bob = come("Ann", 0), come("Bob", 1)
    first, second = ann.tell("first"), ann.tell("second")
    bob.hear_until(second)

    ann.edit(first, "better", "e1")
    ann.remove(second, "r1")
    ann.hear_until_acked()

    while bodies(bob) != ["better"]:
        bob.hear()


def test_what_hosts_decide_holds_at_the_other(come: Come) -> None:
    host = come("Eve", 0)
    pupil = come("Bob", 1)
    assert host.welcome["role"] == "maker"
    host.tell("hello")  # a room is somebody's once something was said or decided there

    assert host.act("rules", speak="hosts")["type"] == "done"
    rules = pupil.hear_notice("rules")
    assert rules["speak"] == "hosts"
    pupil.say("may I?", "c1")
    pupil.hear_until_acked()
    assert pupil.refused["c1"] == "paused"

    assert host.act("rules", speak="everybody")["type"] == "done"
    pupil.hear_notice("rules")
    pupil.tell("thank you")


def test_who_is_removed_at_one_is_out_at_the_other(come: Come, servers: list[Running]) -> None:
    host, eve = come("Ann", 0), come("Eve", 1)
    host.tell("hello")

    assert host.act("bar", userId=eve.user_id, seconds=600)["type"] == "done"

    with pytest.raises(Closed) as closed:
        while True:
            eve.hear()
    assert closed.value.code == 4503


@pytest.mark.usefixtures("own_pair")
def test_a_room_that_was_cleared_at_one_comes_back_by_the_other_whichever_is_killed(
    come: Come, servers: list[Running], room: str
) -> None:
    host, bob = come("Ann", 0), come("Bob", 1)
    host.wants("rules", speak="everybody", slowSeconds=10)
    host.wants("makeHost", userId=bob.user_id)
    said = [f"message {number}" for number in range(450)]
    for number, body in enumerate(said):
        host.say(body, f"m{number}")
    host.hear_until_acked()
    while len(bob.view) < len(said):
        bob.hear()
    at = host.wants("clear")["at"]
    while bodies(bob):
        bob.hear()

    bob.wants("restore", at=at)
    servers[1].kill()

    cleo = come("Cleo", 0)
    wait_for(lambda: len(messages_of(servers[0], room)) == len(said), "all of them")
    cleo.close()
    late = come("Dora", 0)
    assert bodies(late) == said
    assert host.wants("look")["log"][0]["act"] == "restore"


def messages_of(server: Running, room: str) -> list[Fields]:
    found: list[Fields] = json.loads(server.get(f"/api/rooms/{room}/messages?limit=1000")[2])[
        "messages"
    ]
    return found


def test_what_waits_at_one_can_be_approved_at_the_other(come: Come) -> None:
    host, bob = come("Ann", 0), come("Bob", 1)
    host.tell("hello")
    host.act("rules", speak="approval")
    bob.hear_notice("rules")
    bob.say("may I?", "c1")
    bob.hear_until_acked()
    held = host.hear_notice("held")

    assert host.act("approve", id=held["id"])["type"] == "done"

    while bodies(bob)[-1:] != ["may I?"]:
        bob.hear()
    while not bob.settled:
        bob.hear()
    assert bob.settled == {"c1": "approved"}


def test_what_is_said_over_http_is_in_both_at_once(servers: list[Running]) -> None:
    for number, server in enumerate(servers):
        server.say_from_anywhere("lobby", f"message {number}")
        for one in servers:
            assert one.history()[-1]["body"] == f"message {number}"


def test_a_stream_of_events_hears_the_other_one(
    servers: list[Running], come: Come, room: str
) -> None:
    from http.client import HTTPConnection

    stream = HTTPConnection("127.0.0.1", servers[1].port, timeout=DEADLINE)
    stream.request("GET", f"/api/rooms/{room}/events")
    answer = stream.getresponse()
    assert answer.status == 200
    come("Ann", 0).tell("hello")

    line = b""
    while b"hello" not in line:
        line = answer.readline()
        assert line
    stream.close()


@pytest.mark.usefixtures("own_pair")
def test_whoever_wants_news_hears_of_rooms_in_which_nobody_is_here(
    come: Come, servers: list[Running]
) -> None:
    ann = Fellow(servers[0].port, "Ann")
    ann.hears_rooms = True
    ann.connect_and_catch_up()
    bob = come("Bob", 1, "garden")

    last = bob.tell("hello")

    assert ann.hear_notice("rooms")["rooms"] == [{"name": "garden", "last": last}]
    ann.close()


@pytest.mark.usefixtures("own_pair")
def test_one_that_is_killed_takes_nothing_with_it(come: Come, servers: list[Running]) -> None:
    ann, bob = come("Ann", 0), come("Bob", 1)
    bob.hear_until(ann.tell("before"))
    for turn in range(50):
        ann.say(f"amid {turn}", f"c{turn}")
    servers[0].kill()
    with pytest.raises((OSError, EOFError)):
        while True:
            ann.hear()
    ann.drop_by_reset()

    ann.port = servers[1].port
    ann.connect_and_catch_up()
    ann.hear_until_acked()
    last = ann.tell("after")
    bob.hear_until(last)

    assert bodies(bob) == ["before", *(f"amid {turn}" for turn in range(50)), "after"]
    assert bodies(ann) == bodies(bob)


@pytest.mark.usefixtures("own_pair")
def test_a_room_whose_messages_are_lost_is_told_so(come: Come, url: str) -> None:
    """As after a backup was restored, or a standby took over that was behind."""
    ann, bob = come("Ann", 0), come("Bob", 1)
    last = ann.tell("lost")
    bob.hear_until(last)
    postgresql.shared().query(
        "DELETE FROM chatroom.messages; UPDATE chatroom.rooms SET seq = 0, nonce = '0', first = 0",
        url.rpartition("/")[2],
    )

    for client in (ann, bob):
        with pytest.raises(Closed) as closed:
            while True:
                client.hear()
        assert closed.value.code == 4009
        client.drop_by_reset()
        client.connect_and_catch_up()
        assert client.recovered is False
    ann.tell("new")


@pytest.mark.timeout(400)
def test_twenty_kills_amid_talk_lose_and_double_nothing(prepare: Launch, url: str) -> None:
    servers = [prepare(history=url, leaveGrace=0, replayLimit=0).start() for _ in range(3)]

    kept = campaign(servers, lobby(postgresql.shared(), url), 20, pause=0.1)

    assert len(kept) > 100


def test_whoever_reads_a_long_past_while_somebody_talks_elsewhere_hears_each_message_once(
    prepare: Launch, url: str, tmp_path: Path
) -> None:
    """The end of it is read from the database, which is ahead of what the process has heard of."""
    with closing(make_history(url, tmp_path)) as history:
        history.open()
        history.append(past := [typed("garden", seq, "bob", "") for seq in range(1, 601)])
    one, other = (prepare(history=url, leaveGrace=0, replayLimit=50).start() for _ in range(2))
    eve, is_over = Fellow(other.port, "Eve", "garden"), threading.Event()
    eve.connect_and_catch_up()

    def talk() -> None:
        while not is_over.is_set():
            eve.tell("more")

    talking = threading.Thread(target=talk)
    talking.start()
    try:
        for number in range(40):
            ann = TypedClient(one.port, f"Ann {number}", "garden")
            ann.cursor = past[0].id
            ann.connect_and_catch_up()
            hear_all(ann, len(ann.view) + 3)
            ann.close()
    finally:
        is_over.set()
        talking.join(DEADLINE)
        eve.close()
