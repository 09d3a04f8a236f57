"""Two servers with one database: names are unique, and everybody knows of everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.support import postgresql
from tests.support.postgresql import PostgresServer
from tests.support.server_process import Launch, Running, serving
from tests.support.typed_client import Closed, TypedClient

pytestmark = pytest.mark.takes(seconds=40)

Come = Callable[..., TypedClient]

GRACE = 1
"""Seconds."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Running]]:
    """Two servers for all tests that leave them alone, each in a room of its own."""
    folder, url = tmp_path_factory.mktemp("pair"), postgresql.shared().make_database()
    with (
        serving(folder / "one", history=url, leaveGrace=GRACE) as one,
        serving(folder / "other", history=url, leaveGrace=GRACE) as other,
    ):
        yield [one, other]


@pytest.fixture
def database() -> str:
    return postgresql.shared().make_database()


@pytest.fixture
def own_pair(prepare: Launch, database: str) -> list[Running]:
    """Two servers of the test's own, with which it may do whatever it wants."""
    return [prepare(history=database, leaveGrace=GRACE).start() for _ in range(2)]


@pytest.fixture
def servers(request: pytest.FixtureRequest) -> list[Running]:
    own = "own_pair" in request.fixturenames
    servers: list[Running] = request.getfixturevalue("own_pair" if own else "pair")
    return servers


@pytest.fixture
def come(servers: list[Running], room: str) -> Iterator[Come]:
    """Let somebody come, to the first server or to the second; or come back there."""
    came: set[TypedClient] = set()

    def one(name: str | TypedClient, at: int, room: str = room) -> TypedClient:
        client = TypedClient(servers[at].port, name, room) if isinstance(name, str) else name
        client.port = servers[at].port
        came.add(client)
        client.connect_and_catch_up()
        return client

    yield one
    for client in came:
        client.close()


def seen(client: TypedClient) -> list[str]:
    """Who was there when it came, in the order of their coming."""
    return [person["userName"] for person in client.welcome["users"]]


def test_a_name_is_taken_whichever_server_its_bearer_is_on(come: Come) -> None:
    come("Ann", 0)
    second, third = come("ANN", 1), come("Ann", 1)

    assert (second.name, third.name) == ("ANN 2", "Ann 3")
    assert seen(third) == ["Ann", "ANN 2", "Ann 3"]


def test_of_many_who_want_one_name_at_once_each_gets_another_one(come: Come) -> None:
    with ThreadPoolExecutor(8) as pool:
        clients = list(pool.map(lambda at: come("Ann", at % 2), range(8)))
    last = come("Ann", 0)

    names = seen(last)
    assert len({name.casefold() for name in names}) == len(names) == 9
    assert {client.name for client in clients} | {last.name} == set(names)


def test_people_hear_who_comes_goes_and_is_renamed_on_the_other_server(come: Come) -> None:
    ann = come("Ann", 0)
    bob = come("Bob", 1)
    assert seen(bob) == ["Ann", "Bob"]
    assert ann.hear_notice("joined")["userName"] == "Bob"
    bob.rename("Bobby")
    assert ann.hear_notice("renamed")["userName"] == "Bobby"
    bob.drop_cleanly()

    left = ann.hear_notice("left")
    assert (left["userName"], left["reason"]) == ("Bobby", "closed")
    assert seen(come("Eve", 1)) == ["Ann", "Eve"]


def test_of_two_who_make_a_room_at_once_one_has_made_it_and_both_know(come: Come) -> None:
    """Whoever says the first word there, and to whichever server."""
    with ThreadPoolExecutor(2) as pool:
        for number in range(10):
            room = f"room {number}".replace(" ", "-")
            ann, bob = pool.map(
                lambda name, at, to=room: come(name, at, to), ("Ann", "Bob"), (0, 1)
            )
            roles = [client.welcome.get("role") for client in (ann, bob)]
            assert sorted(roles, key=str) == [None, "maker"], roles
            maker, other = (ann, bob) if roles[0] else (bob, ann)
            known = {who["userName"]: who.get("role") for who in other.welcome["users"]}
            assert known == {maker.name: "maker", other.name: None}
            other.say("hello", "c1")
            other.hear_until_acked()
            assert maker.act("look")["hosts"] == [
                {"userId": maker.user_id, "userName": maker.name, "role": "maker"}
            ]
            assert other.act("look")["code"] == "not-host"
            maker.drop_by_reset()
            maker.port, other.port = other.port, maker.port
            assert maker.connect_and_catch_up().welcome["role"] == "maker"


def test_a_tab_that_comes_back_to_the_other_server_takes_its_place(come: Come) -> None:
    bob, ann = come("Bob", 0), come("Ann", 0)
    bob.hear_notice("joined")
    old, ann.socket = ann.socket, None
    assert old
    come(ann, 1)
    ann.rename("Anna")

    assert old.closed_with() == (4001, "replaced")
    assert bob.hear()["type"] == "renamed", "nobody has left or come"
    old.socket.close()


@pytest.mark.usefixtures("own_pair")
def test_whoever_stops_a_server_lets_its_people_come_back_elsewhere(
    come: Come, servers: list[Running]
) -> None:
    bob, ann = come("Bob", 1), come("Ann", 0)
    bob.hear_notice("joined")
    assert servers[0].stop() == 0
    with pytest.raises(Closed):
        ann.hear()
    ann.close()
    come(ann, 1)
    ann.rename("Anna")

    assert seen(ann) == ["Bob", "Ann"]
    assert bob.hear()["type"] == "renamed"


@pytest.mark.usefixtures("own_pair")
def test_the_people_of_a_server_that_was_killed_are_gone_in_the_end(
    come: Come, servers: list[Running], database: str
) -> None:
    """The test lets all leases run out: the other server is nobody, too, until it notices."""
    bob, _ = come("Bob", 1), come("Ann", 0)
    bob.hear_notice("joined")
    servers[0].kill()
    name = database.rpartition("/")[2]
    postgresql.shared().query("UPDATE chatroom.processes SET beat_at = '-infinity'", name)
    while (frame := bob.hear_notice("left"))["userName"] != "Ann":
        pass

    assert frame["reason"] in ("lost", "gone")
    assert seen(come("Ann", 1)) == ["Bob", "Ann"]


def test_after_a_crash_of_the_database_everybody_is_still_there(prepare: Launch) -> None:
    """It forgets who was here; whoever is, says so anew."""
    with closing(PostgresServer()) as server:
        url = server.make_database()
        ports = [prepare(history=url, leaveGrace=GRACE).start().port for _ in range(2)]
        ann = TypedClient(ports[0], "Ann").connect_and_catch_up()
        bob = TypedClient(ports[1], "Bob").connect_and_catch_up()
        server.kill()
        server.start()
        ann.rename("Anna")
        while bob.hear_notice("renamed")["userName"] != "Anna":
            pass
        eve = TypedClient(ports[1], "Anna").connect_and_catch_up()

        assert eve.name == "Anna 2"
        assert sorted(seen(eve)) == ["Anna", "Anna 2", "Bob"]
        for client in (ann, bob, eve):
            client.close()
