"""Two servers with one database, when something between or below them does not work: everything
arrives all the same, once and in order."""

from __future__ import annotations

import os
import platform
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.support import postgresql
from tests.support.deadline import wait_for
from tests.support.fellow import Fellow
from tests.support.kills import campaign, lobby
from tests.support.network import FINE, Fate, Link, Proxy
from tests.support.pgbouncer import pooler
from tests.support.postgresql import PASSWORD, PostgresServer
from tests.support.server_process import Launch, Running
from tests.support.typed_client import Closed

pytestmark = pytest.mark.takes(seconds=55)

Come = Callable[..., Fellow]

SOON = 5.0
"""Seconds, on a machine that does other things, too; the promise is one or two."""


@pytest.fixture(scope="module")
def database() -> PostgresServer:
    return postgresql.shared()


@pytest.fixture(scope="module")
def url(database: PostgresServer) -> str:
    return database.make_database()


@pytest.fixture(scope="module")
def proxies(database: PostgresServer) -> Iterator[list[Proxy]]:
    """One between each server and the database."""
    with ExitStack() as stack:
        yield [stack.enter_context(Proxy(database.port, buffer=65536)) for _ in range(2)]


@pytest.fixture(scope="module")
def both(
    database: PostgresServer,
    url: str,
    proxies: list[Proxy],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[Running]]:
    folder = tmp_path_factory.mktemp("trouble")
    running = [
        Running(
            folder / str(number),
            history=database.url(name_of(url), proxy.port),
            leaveGrace=0,
            replayLimit=0,
        )
        for number, proxy in enumerate(proxies)
    ]
    try:
        for server in running:
            server.start()
        yield running
    finally:
        for server in running:
            server.kill()


@pytest.fixture
def servers(both: list[Running]) -> list[Running]:
    """Both are well."""
    for server in both:
        wait_for(server.is_healthy, "a healthy server")
    return both


@pytest.fixture
def come() -> Iterator[Come]:
    """Let somebody come to a server."""
    came: list[Fellow] = []

    def one(name: str, server: Running, room: str) -> Fellow:
        fellow = Fellow(server.port, name, room)
        came.append(fellow)
        fellow.come_in()
        return fellow

    yield one
    for fellow in came:
        fellow.close()


def name_of(url: str) -> str:
    return url.rpartition("/")[2]


def bodies(fellow: Fellow) -> list[str]:
    return [message["body"] for message in fellow.view]


def swallow(link: Link) -> None:
    """What the database answers goes nowhere, and nobody is told."""
    link.down.frozen = True


# -- the line to the database ----------------------------------------------------------------------


def test_everything_arrives_once_whatever_happens_to_the_database_and_the_lines_to_it(
    database: PostgresServer, url: str, servers: list[Running], proxies: list[Proxy]
) -> None:
    """Cut, slow, without an answer; the database killed, restarted, and stopped for a while."""

    def cut_one() -> None:
        proxies[0].close_all()

    def cut_all() -> None:
        for proxy in proxies:
            proxy.close_all()

    def be_slow() -> None:
        for proxy in proxies:
            proxy.fates = lambda: (Fate(delay=0.05), Fate(delay=0.05))
        cut_all()

    def be_fine() -> None:
        for proxy in proxies:
            proxy.fates = lambda: (FINE, FINE)
        cut_all()

    def swallow_answers() -> None:
        for proxy in proxies:
            proxy.each(swallow)

    def kill() -> None:
        database.kill()
        database.start()

    def restart() -> None:
        database.stop()
        database.start()

    def stop_for_a_while() -> None:
        with database.frozen():
            until = time.monotonic() + 2
            wait_for(lambda: time.monotonic() > until, "two seconds")

    troubles = [cut_one, cut_all, be_slow, be_fine, swallow_answers]
    troubles += [kill, restart, stop_for_a_while]
    next_ones = iter(troubles)

    def strike(_: random.Random) -> bool:
        next(next_ones)()
        return True

    kept = campaign(servers, lobby(database, url), len(troubles), strike=strike)

    assert len(kept) > len(troubles)


def test_where_no_hint_arrives_people_hear_of_it_in_a_moment_all_the_same(
    database: PostgresServer, url: str, servers: list[Running], proxies: list[Proxy], come: Come
) -> None:
    """Notifications come through one connection of each server."""
    ann, bob = come("Ann", servers[0], "deaf"), come("Bob", servers[1], "deaf")
    bob.hear_until(ann.tell("before"))
    ears = wait_for(lambda: both_ears_in(database, url), "both ears")

    def deafen(link: Link) -> None:
        if link.server.getsockname()[1] in ears:
            swallow(link)

    for proxy in proxies:
        proxy.each(deafen)

    for turn in range(3):
        last = ann.tell(f"unheard {turn}")
        said_at = time.monotonic()
        bob.hear_until(last)
        assert time.monotonic() - said_at < SOON
    assert bodies(bob) == bodies(ann)


def both_ears_in(database: PostgresServer, url: str) -> set[int]:
    """Once there are both: the ports of those connections that have asked for notifications, and
    for nothing since, but perhaps for the time."""
    asked = (
        "SELECT client_port FROM pg_stat_activity WHERE datname = current_database()"
        " AND (query LIKE 'LISTEN%' OR query LIKE '%pg_backend_pid()')"
        " AND pid <> pg_backend_pid()"
    )
    ears = {port for (port,) in database.query(asked, name_of(url))}
    return ears if len(ears) == 2 else set()


def test_all_are_level_soon_after_the_database_is_back(
    database: PostgresServer, servers: list[Running], come: Come
) -> None:
    ann, bob = come("Ann", servers[0], "back"), come("Bob", servers[1], "back")
    bob.hear_until(ann.tell("before"))

    database.stop()
    ann.say("amid", "amid")
    database.start()
    back_at = time.monotonic()
    ann.hear_until_acked()
    bob.hear_until(ann.acked["amid"])

    assert time.monotonic() - back_at < SOON
    assert bodies(ann) == bodies(bob) == ["before", "amid"]


def test_whoever_spoke_is_told_if_the_database_is_away_for_long_and_nobody_else_is_disturbed(
    database: PostgresServer, servers: list[Running], come: Come
) -> None:
    ann, bob = come("Ann", servers[0], "long"), come("Bob", servers[1], "long")
    bob.hear_until(ann.tell("before"))

    with database.frozen():
        ann.say("amid", "amid")
        with pytest.raises(Closed) as closed:
            while True:
                ann.hear()
        assert closed.value.code == 1011
        ann.close()
    ann.come_in()
    ann.hear_until_acked()
    bob.hear_until(ann.acked["amid"])

    assert ann.recovered is True
    assert bodies(ann) == bodies(bob) == ["before", "amid"]


# -- a server that is stopped ----------------------------------------------------------------------


def test_a_server_that_is_stopped_harms_only_itself_and_is_level_once_it_goes_on(
    database: PostgresServer, url: str, servers: list[Running], come: Come
) -> None:
    """As by SIGSTOP, or on a machine that swaps. Its people count as gone meanwhile."""
    ann = come("Ann", servers[0], "stopped")
    bob, eve = come("Bob", servers[1], "stopped"), come("Eve", servers[1], "stopped")
    cleo, dora = come("Cleo", servers[1], "elsewhere"), come("Dora", servers[1], "elsewhere")
    before = slowest(bob, eve, "before", 50)
    ann.hear_until(bob.view[-1]["id"])
    sessions = (
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        f" AND application_name LIKE '%process {servers[0].worker}'"
    )
    wait_for(lambda: database.query(sessions) == [(1,)], "what it hears with")

    with stopped(servers[0]):
        meanwhile = slowest(bob, eve, "meanwhile", 200)

        def has_ended() -> bool:
            """What it does not take must be more than the kernel keeps for it on its way."""
            slowest(cleo, dora, "more", 20)
            return bool(database.query(sessions) == [(0,)])

        wait_for(has_ended, "an end of what it hears with")
        end_lease(database, url, servers[0].worker)
        hear_that(bob, "left", "Ann")
        last = bob.tell("last")
    ann.hear_until(last)
    hear_that(bob, "joined", "Ann")
    bob.hear_until(ann.tell("here I am"))

    assert max(before, meanwhile) < SOON
    eve.hear_until(bob.view[-1]["id"])
    assert bodies(ann) == bodies(bob) == bodies(eve)
    assert [int(it["id"].partition("-")[0]) for it in ann.view] == list(range(1, 253))


def hear_that(fellow: Fellow, kind: str, name: str) -> None:
    """Until it has heard that of somebody, since it came."""
    while not any((it["type"], it.get("userName")) == (kind, name) for it in fellow.notices):
        fellow.hear()


def slowest(talker: Fellow, listener: Fellow, words: str, count: int) -> float:
    """Seconds until what is said is acked and heard, at most."""
    most = 0.0
    for turn in range(count):
        began = time.monotonic()
        listener.hear_until(talker.tell(f"{words} {turn} {'x' * 6000}"))
        most = max(most, time.monotonic() - began)
    return most


@contextmanager
def stopped(server: Running) -> Iterator[None]:
    """All its processes are, for the length of a block."""
    assert server.process
    os.killpg(server.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(server.process.pid, signal.SIGCONT)


def end_lease(database: PostgresServer, url: str, worker: int) -> None:
    """As if it had been stopped for fifteen seconds."""
    name = f"{platform.node()} {worker}"
    over = f"UPDATE chatroom.processes SET beat_at = '-infinity' WHERE name = '{name}'"
    database.query(over, name_of(url))


# -- a pooler --------------------------------------------------------------------------------------


def test_a_pooler_in_transaction_mode_is_refused_with_its_reason(
    database: PostgresServer, prepare: Launch
) -> None:
    with pooler(database, "transaction") as port:
        through = database.url(name_of(database.make_database()), port)
        line = prepare(history=through).refusal()

    assert "pooler in transaction mode" in line
    assert "let the address lead to PostgreSQL itself, or to a pooler in session mode" in line
    assert PASSWORD not in line


def test_through_a_pooler_in_session_mode_two_servers_are_one_room(
    database: PostgresServer, prepare: Launch, come: Come
) -> None:
    """Also when one of them is killed, whose sessions the pooler gives to others."""
    with pooler(database, "session") as port:
        through = database.url(name_of(database.make_database()), port)
        servers = [prepare(history=through, leaveGrace=0).start() for _ in range(2)]
        ann, bob = come("Ann", servers[0], "pooled"), come("Bob", servers[1], "pooled")
        bob.hear_until(ann.tell("hello"))
        ann.hear_until(bob.tell("hello to you"))
        ann.say("amid", "amid")
        servers[0].kill()
        ann.hear_the_end()

        ann.port = servers[1].port
        ann.come_in()
        ann.hear_until_acked()
        servers[0].start()
        eve = come("Eve", servers[0], "pooled")
        bob.hear_until(eve.tell("I am here, too"))

        assert ann.recovered is True
        assert bodies(bob) == ["hello", "hello to you", "amid", "I am here, too"]
        for server in servers:
            server.kill()
