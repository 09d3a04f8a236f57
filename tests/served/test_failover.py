"""A database that fails over to its standby, and two servers that use it: what was acked is there,
or whoever saw it is told that it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.support.deadline import wait_for
from tests.support.fellow import Fellow
from tests.support.kills import campaign, lobby
from tests.support.server_process import Running
from tests.support.standby import Replicas
from tests.support.typed_client import Closed, Fields

pytestmark = pytest.mark.takes(seconds=35)

Come = Callable[..., Fellow]


@pytest.fixture(scope="module")
def databases() -> Iterator[Replicas]:
    with closing(Replicas()) as pair:
        yield pair


@pytest.fixture(scope="module")
def url(databases: Replicas) -> str:
    return databases.make_database()


@pytest.fixture(scope="module")
def both(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Running]]:
    """They live through one failover after the other."""
    folder = tmp_path_factory.mktemp("failover")
    settings = {"history": url, "leaveGrace": 0, "replayLimit": 0}
    running = [Running(folder / str(number), **settings) for number in range(2)]
    try:
        for server in running:
            server.start()
        yield running
    finally:
        for server in running:
            server.kill()


@pytest.fixture
def servers(both: list[Running], databases: Replicas) -> list[Running]:
    """Both are well, and so are both databases."""
    databases.restore()
    for server in both:
        wait_for(server.is_healthy, "a healthy server")
    return both


@pytest.fixture
def come(servers: list[Running]) -> Iterator[Come]:
    """Let somebody come to the first server or to the second, as soon as they are let in."""
    came: list[Fellow] = []

    def one(name: str, at: int, room: str) -> Fellow:
        fellow = Fellow(servers[at].port, name, room)
        came.append(fellow)
        fellow.come_in()
        return fellow

    yield one
    for fellow in came:
        fellow.close()


def hear_the_close(fellow: Fellow) -> int:
    """Its code."""
    with pytest.raises(Closed) as closed:
        while True:
            fellow.hear()
    fellow.close()
    return closed.value.code


def bodies(fellow: Fellow) -> list[str]:
    return [message["body"] for message in fellow.view]


def test_a_failover_to_a_standby_that_is_level_disconnects_nobody(
    databases: Replicas, come: Come
) -> None:
    """Also if the machine that is gone does not even refuse connections, and is named first."""
    ann, bob = come("Ann", 0, "level"), come("Bob", 1, "level")
    bob.hear_until(ann.tell("before"))
    databases.wait_until_level()

    gone = databases.primary
    with gone.frozen():
        for client in (ann, bob):
            client.say(f"{client.name} amid", "amid")
        databases.fail_over()
        for client in (ann, bob):
            client.hear_until_acked()
        eve = come("Eve", 1, "level")
        last = bob.tell("after")
        gone.kill()

    for client in (ann, eve):
        client.hear_until(last)
    assert bodies(ann) == bodies(bob) == bodies(eve)
    assert sorted(bodies(ann)) == ["Ann amid", "Bob amid", "after", "before"]
    for client in (ann, bob, eve):
        assert not any(notice["type"] == "left" for notice in client.notices)
    assert {*eve.people().values()} == {"Ann", "Bob", "Eve"}  # type: ignore[union-attr]


def test_what_a_standby_lacked_is_lost_and_everybody_there_is_told(
    databases: Replicas, servers: list[Running], come: Come
) -> None:
    """Who is in a room that has all its messages stays, and hears what holds there by now."""
    ann, bob = come("Ann", 0, "class"), come("Bob", 1, "class")
    eve, fellow = come("Eve", 0, "garden"), come("Bob", 1, "garden")
    bob.hear_until(ann.tell("kept"))
    fellow.hear_until(eve.tell("kept"))
    databases.wait_until_level()
    databases.cut_off()
    bob.hear_until(ann.tell("lost"))
    ann.hear_until(bob.tell("lost, too"))
    eve.wants("rules", speak="hosts")
    assert fellow.hear_notice("rules")["speak"] == "hosts"

    databases.primary.kill()
    databases.fail_over()

    for client in (ann, bob):
        assert hear_the_close(client) == 4009
        client.come_in()
        assert client.recovered is False
        assert bodies(client) == ["kept"]
    bob.hear_until(ann.tell("new"))
    ann.hear_until(bob.tell("new, too"))
    assert bodies(ann) == bodies(bob) == ["kept", "new", "new, too"]
    assert fellow.hear_notice("rules")["speak"] == "everybody"
    eve.hear_until(fellow.tell("still here"))
    assert bodies(eve) == bodies(fellow) == ["kept", "still here"]
    for server in servers:
        assert 'room "class" has lost messages that people have seen' in server.log()
        assert 'room "garden" has lost' not in server.log()


def test_reactions_that_a_standby_lacked_are_lost_and_everybody_there_is_told(
    databases: Replicas, come: Come
) -> None:
    """They miss no message, and hear of the reactions that there are."""
    ann, bob = come("Ann", 0, "reacting"), come("Bob", 1, "reacting")
    id = ann.tell("kept")
    bob.hear_until(id)
    bob.react(id, "like")
    databases.wait_until_level()
    databases.cut_off()
    ann.react(id, "love")
    while bob.hear_notice("reactions")["messages"][0]["counts"] != {"like": 1, "love": 1}:
        pass

    databases.primary.kill()
    databases.fail_over()

    for client in (ann, bob):
        assert hear_the_close(client) == 4009
        client.come_in()
        assert (client.recovered, bodies(client)) == (True, ["kept"])
        client._send(type="reactions")
        (state,) = client.hear_notice("reactions")["messages"]
        assert state["counts"] == {"like": 1}
    ann.react(id, "wow")
    (now,) = bob.hear_notice("reactions")["messages"]
    assert now["counts"] == {"like": 1, "wow": 1}
    assert now["mark"] > state["mark"]


def test_nothing_is_said_while_commits_wait_for_a_standby_that_is_away(
    databases: Replicas, servers: list[Running], come: Come
) -> None:
    """Once one commit hangs, no other one is begun: each keeps a connection to the database."""
    ann, bob = come("Ann", 0, "waiting"), come("Bob", 1, "waiting")
    others = [come("Eve", 0, f"waiting-{number}") for number in range(2)]
    bob.hear_until(ann.tell("before"))

    with databases.commits_that_wait():
        with databases.standby.frozen():
            ann.say("amid", "amid")
            assert hear_the_close(ann) == 1011
            for eve in others:
                eve.say("amid", "amid")
                assert hear_the_close(eve) == 1011
            assert databases.primary.query(HANGING) == [(1,)]
            assert "commits wait for a synchronous standby" in servers[0].log()
            assert servers[0].get("/healthz")[0] == 503
            assert bodies(come("Eve", 1, "waiting")) == ["before"], "people can come in"
            assert b"amid" not in servers[1].get("/api/rooms/waiting/messages")[2]
        ann.come_in()
        ann.hear_until_acked()
        bob.hear_until(ann.acked["amid"])
        ann.hear_until(bob.tell("after"))

    assert ann.recovered is True
    assert bodies(ann) == bodies(bob) == ["before", "amid", "after"]


HANGING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


def test_a_failover_to_a_synchronous_standby_loses_nothing_that_was_acked(
    databases: Replicas, servers: list[Running], url: str
) -> None:
    def history() -> list[Fields]:
        return lobby(databases.primary, url)()

    def fail_over(_: object) -> bool:
        wait_for(lambda: len(history()) > 50, "talk")
        databases.primary.kill()
        databases.fail_over()
        return True

    with databases.commits_that_wait():
        kept = campaign(servers, history, 1, strike=fail_over)

    assert len(kept) > 50
