"""Several workers on one database: one room, whoever serves whom, and whoever comes and goes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatroom.client import ChatClient
from tests.support import postgresql
from tests.support.deadline import DEADLINE, wait_for
from tests.support.fellow import Fellow
from tests.support.postgresql import IN_URL, PASSWORD, PostgresServer
from tests.support.server_process import Launch, Running
from tests.support.typed_client import Closed

pytestmark = pytest.mark.takes(seconds=40)

Come = Callable[[str, int], Fellow]


@pytest.fixture
def database() -> PostgresServer:
    return postgresql.shared()


@pytest.fixture
def server(prepare: Launch, database: PostgresServer) -> Running:
    settings = {"history": database.make_database(), "workers": 2, "maxUsers": 200}
    running = prepare(leaveGrace=20, **settings).start()
    all_healthy(running)
    return running


@pytest.fixture
def come(server: Running) -> Iterator[Come]:
    """Let somebody come to the worker with this process id."""
    came: list[Fellow] = []

    def one(name: str, worker: int) -> Fellow:
        fellow = Fellow(server.port, name)
        came.append(fellow)
        with server.answered_by(worker):
            fellow.connect_and_catch_up()
        return fellow

    yield one
    for fellow in came:
        fellow.close()


def all_healthy(server: Running, count: int = 2) -> list[int]:
    """Wait until there are so many workers, each of which takes messages; their ids."""
    wait_for(lambda: len(server.workers) == count, f"{count} workers")
    for worker in server.workers:
        wait_for(lambda: status(server, worker, "/healthz") == 200, "a healthy worker")  # noqa: B023
    return server.workers


def status(server: Running, worker: int, path: str) -> int:
    """What this worker answers."""
    with server.answered_by(worker):
        return server.get(path)[0]


def tell(server: Running, signum: int) -> None:
    """Send it to the master."""
    assert server.process
    os.kill(server.process.pid, signum)


def bodies(fellow: Fellow) -> list[str]:
    return [message["body"] for message in fellow.view]


def names(fellow: Fellow) -> list[str]:
    """Of those who are there, as it was told."""
    people = fellow.people()
    return list(people.values()) if isinstance(people, dict) else []


def come_back(fellow: Fellow) -> None:
    """Hear the end of a connection, and come again, to whoever answers."""
    with pytest.raises((Closed, EOFError, OSError)):
        while True:
            fellow.hear()
    fellow.close()

    def is_back() -> bool:
        try:
            fellow.connect_and_catch_up()
        except Exception:  # nobody there, or not yet
            fellow.close()
            return False
        return True

    wait_for(is_back, f"{fellow.name} back in the room")


def nobody_left(fellow: Fellow) -> bool:
    return not [notice for notice in fellow.notices if notice["type"] == "left"]


def test_people_at_both_workers_are_in_one_room(
    server: Running, come: Come, database: PostgresServer
) -> None:
    """With no more connections than ``doctor`` counts on."""
    ann, bob = (come(name, worker) for name, worker in zip("AB", server.workers, strict=True))

    bob.hear_until(ann.tell("hello"))
    ann.hear_until(bob.tell("hello to you"))

    assert bodies(ann) == bodies(bob) == ["hello", "hello to you"]
    while set(names(ann)) != {"A", "B"}:
        ann.hear()
    assert sorted(names(bob)) == ["A", "B"]
    assert [message["body"] for message in server.history()] == bodies(ann)
    from chatroom.history.postgresql.survey import CONNECTIONS  # psycopg is there

    name = server.settings["history"].rpartition("/")[2]
    count = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'"
    assert database.query(count)[0][0] <= 2 * CONNECTIONS


def test_a_worker_that_is_killed_takes_nobody_and_nothing_with_it(
    server: Running, come: Come
) -> None:
    """Its people come back to the other one, or to the one that takes its place."""
    first, second = server.workers
    ann, bob = come("Ann", first), come("Bob", second)
    bob.hear_until(ann.tell("before"))
    for turn in range(50):
        ann.say(f"amid {turn}", f"c{turn}")

    os.kill(first, signal.SIGKILL)
    come_back(ann)
    ann.hear_until_acked()
    bob.hear_until(ann.tell("after"))

    assert ann.recovered is True
    assert bodies(bob) == ["before", *(f"amid {turn}" for turn in range(50)), "after"]
    assert bodies(ann) == bodies(bob)
    assert nobody_left(bob)
    assert sorted(names(bob)) == ["Ann", "Bob"]
    assert first not in all_healthy(server)
    assert server.stop() == 0


class Conversation:
    """Some who talk all the time, over whichever connections they get, and one who listens."""

    def __init__(self, server: Running, talkers: int = 3) -> None:
        self._url = f"http://127.0.0.1:{server.port}"
        self._over = threading.Event()
        self.said = 0
        self._pool = ThreadPoolExecutor(talkers)
        self._talks = [self._pool.submit(self._talk, f"Talker {n}") for n in range(talkers)]

    def _talk(self, name: str) -> list[str]:
        said = []
        with ChatClient(self._url, name, listen=False, jitter=soon) as client:
            while not self._over.wait(0.05):  # processes that start need the processor, too
                said.append(f"{name}: {len(said)}")
                client.say(said[-1]).wait(DEADLINE)
                self.said += 1
        return said

    def goes_on(self, count: int = 30) -> None:
        """Wait until so much more was said, and acked."""
        so_far = self.said
        wait_for(lambda: self.said >= so_far + count, "talk that goes on")

    def end(self) -> list[list[str]]:
        """What each has said, in order."""
        self._over.set()
        with self._pool:
            return [talk.result(DEADLINE) for talk in self._talks]


def soon(longest: float) -> float:
    """How long a client waits before it comes back: long enough to spread, not to wait for."""
    return min(longest, 0.2)


@pytest.fixture
def talk(server: Running) -> Iterator[Conversation]:
    talking = Conversation(server)
    yield talking
    with contextlib.suppress(Exception):
        talking.end()


def is_all_there(server: Running, said: list[list[str]]) -> None:
    """Each message once, and everybody's in their order."""
    kept = [message["body"] for message in server.history()]
    for theirs in said:
        name = theirs[0].partition(":")[0]
        assert [body for body in kept if body.startswith(f"{name}:")] == theirs


def test_new_workers_take_over_amid_talk(server: Running, talk: Conversation, come: Come) -> None:
    """SIGHUP: one after the other, so that the port is always served."""
    old = server.workers
    ann = come("Ann", old[0])
    talk.goes_on()

    tell(server, signal.SIGHUP)
    come_back(ann)
    wait_for(lambda: not set(old) & set(server.workers), "the end of the old workers")
    new = all_healthy(server)
    talk.goes_on()

    assert len(new) == 2
    is_all_there(server, talk.end())
    assert nobody_left(ann)
    assert server.stop() == 0
    assert "Traceback" not in server.said() + server.log()


def test_workers_come_and_go_by_signal(server: Running, talk: Conversation) -> None:
    talk.goes_on()
    tell(server, signal.SIGTTIN)
    all_healthy(server, 3)
    talk.goes_on()
    tell(server, signal.SIGTTOU)
    all_healthy(server, 2)
    talk.goes_on()

    is_all_there(server, talk.end())
    assert server.stop() == 0
    assert "Traceback" not in server.said() + server.log()


def test_a_second_master_takes_over(server: Running, talk: Conversation) -> None:
    """SIGUSR2 starts new code beside the old; the old master is then told to end."""
    before = set(server.workers)
    tell(server, signal.SIGUSR2)
    (new,) = wait_for(lambda: set(server.workers) - before, "a second master")
    wait_for(lambda: server.log().count(" started: ") == 4, "its two workers", 3 * DEADLINE)
    talk.goes_on()
    assert server.stop() == 0
    talk.goes_on()

    is_all_there(server, talk.end())
    os.kill(new, signal.SIGTERM)
    wait_for(lambda: not os.path.exists(f"/proc/{new}"), "the end of the second master")


def test_a_database_that_is_away_is_told_apart_from_a_process_that_hangs(
    server: Running, come: Come, database: PostgresServer
) -> None:
    ann, bob = (come(name, worker) for name, worker in zip("AB", server.workers, strict=True))
    bob.hear_until(ann.tell("before"))

    database.stop()
    for worker in server.workers:
        wait_for(lambda: status(server, worker, "/healthz") == 503, "a worker that says so")  # noqa: B023
        assert status(server, worker, "/livez") == 200
    reason = json.loads(server.get("/healthz")[2])["reason"]
    database.start()
    all_healthy(server)

    for secret in PASSWORD, IN_URL, "127.0.0.1", "chat@":
        assert secret not in reason
    bob.hear_until(ann.tell("after"))
    assert bodies(bob) == ["before", "after"], "nobody who only listened was closed"


def test_a_worker_that_starts_while_the_database_is_away_waits_for_it(
    server: Running, come: Come, database: PostgresServer
) -> None:
    first, second = server.workers
    bob = come("Bob", second)
    last = bob.tell("before")

    database.stop()
    os.kill(first, signal.SIGKILL)
    (third,) = wait_for(lambda: set(server.workers) - {first, second}, "another worker")
    with server.answered_by(third):
        wait_for(lambda: server.get("/livez")[0] == 200, "a worker that answers")
        code, headers, page = server.get("/")
        assert (code, headers["retry-after"]) == (503, "5")
        assert page.startswith(b"The room cannot be opened yet: ")
        code, _headers, health = server.get("/healthz")
        assert (code, json.loads(health)["status"]) == (503, "failing")
    for secret in PASSWORD.encode(), IN_URL.encode(), b"127.0.0.1":
        assert secret not in page + health
    assert "waiting: postgresql://chat:***@127.0.0.1" in server.log()

    database.start()
    all_healthy(server)
    ann = Fellow(server.port, "Ann")
    with server.answered_by(third):
        ann.connect_and_catch_up()
    assert bodies(ann) == ["before"]
    bob.hear_until(ann.tell("after"))
    assert bob.view[0]["id"] == last
    ann.close()


def test_workers_that_are_replaced_again_and_again_while_the_database_is_away_do_not_pile_up(
    server: Running, come: Come, database: PostgresServer
) -> None:
    ann = come("Ann", server.workers[0])
    last = ann.tell("before")
    database.stop()
    for _ in range(2):
        old = set(server.workers)
        tell(server, signal.SIGHUP)
        wait_for(lambda: len(set(server.workers) - old) == 2, "two new workers")  # noqa: B023
    wait_for(lambda: len(server.workers) == 2, "the end of the old workers", 3 * DEADLINE)

    database.start()
    all_healthy(server)

    come_back(ann)
    assert ann.view[-1]["id"] == last
    assert ann.recovered
    assert server.stop() == 0
    assert "Traceback" not in server.said() + server.log()


def test_workers_that_cannot_share_their_history_do_not_start(prepare: Launch) -> None:
    line = prepare(history="sqlite:chat.db", workers=2).refusal()

    assert "workers is 2; wanted: 1, or in config.json a history that processes can share" in line


def test_one_look_at_the_numbers_shows_all_workers(server: Running, come: Come) -> None:
    pytest.importorskip("prometheus_client")
    one, other = server.workers
    ann, _, eve = (come(name, at) for name, at in (("Ann", one), ("Bob", one), ("Eve", other)))
    eve.hear_until(ann.tell("hello"))

    for worker in (one, other):
        wait_for(lambda: status(server, worker, "/healthz") == 200, "a healthy worker")  # noqa: B023
    text = server.get("/metrics")[2].decode()
    found = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[:1] != "#")
    typed = {found[f'chatroom_users{{protocol="typed",worker="{n}"}}'] for n in (1, 2)}
    assert typed == {"1.0", "2.0"}
    assert [found[f'chatroom_people{{worker="{n}"}}'] for n in (1, 2)].count("1.0") == 1
    assert found["chatroom_shared_people"] == "3.0"
    assert found["chatroom_shared_rooms"] == "1.0"
    assert found["chatroom_shared_processes"] == "2.0"
    for name in ("chatroom_hints_total", "chatroom_looks_total", "chatroom_behind_seconds"):
        assert {n for n in "12" if any(name in it and f'worker="{n}"' in it for it in found)} == {
            *"12"
        }
    heard = [float(found[f'chatroom_hints_total{{outcome="heard",worker="{n}"}}']) for n in (1, 2)]
    assert max(heard) >= 1


def test_a_worker_that_stands_still_is_not_up(server: Running) -> None:
    pytest.importorskip("prometheus_client")
    one, _ = server.workers
    with server.answered_by(one):
        text = server.get("/metrics")[2].decode()

    ups = [line for line in text.splitlines() if line.startswith("chatroom_up{")]
    assert sorted(line.rpartition(" ")[2] for line in ups) == ["0.0", "1.0"]
