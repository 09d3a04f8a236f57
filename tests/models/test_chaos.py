"""Fifty people behind a bad network, while the server is killed: what was acked is there, once."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count

import pytest

from tests.support.deadline import wait_for
from tests.support.network import FINE, Fate, Proxy
from tests.support.server_process import Launch, Running
from tests.support.typed_client import EMPTY, TypedClient
from tests.support.websocket_client import Refused

pytestmark = pytest.mark.takes(seconds=5)

PEOPLE = 50
SECONDS = float(os.environ.get("CHAOS_SECONDS", "12"))
"""How long the storm lasts; a minute is what to give it before a release."""
SEED = int(os.environ.get("CHAOS_SEED", random.randrange(1 << 32)))
PATIENCE = 2.0
"""Seconds of silence after which a client gives its connection up; the room never is so silent."""
LOST = (OSError, EOFError, Refused)


def test_nothing_acked_is_lost_and_everyone_converges(prepare: Launch) -> None:
    print(f"CHAOS_SEED={SEED}")  # shown when it fails
    server = prepare(history="sqlite:chat.db", replayLimit=20, pingInterval=2).start()
    weather = Weather(random.Random(SEED))
    with ExitStack() as last, Proxy(server.port, weather.fates) as proxy:
        people = [Wanderer(proxy.port, number) for number in range(PEOPLE)]
        for person in people:
            last.callback(person.tab.close)
        with storm(people):
            kill_now_and_then(server, people)
            weather.good = True
            proxy.close_all()  # what is frozen would stay so
        assert sum(person.losses for person in people) > PEOPLE, "hardly a storm"
        hear_the_end(server, people)
        wait_for(lambda: sockets(server) <= PEOPLE, "the end of the ghosts")
    assert_all_agree(server, [person.tab for person in people])
    assert "Traceback" not in server.log() + server.said()


class Weather:
    """What befalls each new connection. Its random numbers are the proxy's thread's."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.good = False

    def fates(self) -> tuple[Fate, Fate]:
        if self.good:
            return FINE, FINE
        return self._fate(), self._fate()

    def _fate(self) -> Fate:
        chance = self.chance
        size = int(10 ** chance.uniform(1.5, 5))  # from within the handshake to far in the talk
        match chance.choices(["fine", "cut", "freeze"], [3, 4, 1])[0]:
            case "cut":
                return Fate(self._delay(), cut_after=size, reset=chance.random() < 0.5)
            case "freeze":
                return Fate(self._delay(), freeze_after=size)
        return Fate(self._delay())

    def _delay(self) -> float:
        return self.chance.choice([0, 0, self.chance.uniform(0, 0.2)])


class Wanderer:
    """A client that comes back whatever happens; ``tab`` is the one's who runs its methods."""

    def __init__(self, port: int, number: int) -> None:
        self.tab = TypedClient(port, f"Person {number}")
        self.tab.cursor = EMPTY  # all were there from the room's beginning
        self.chance = random.Random(SEED + number)
        self.words = (f"{number}.{i}" for i in count())
        self.losses = 0

    def live(self, over: threading.Event) -> None:
        """Talk and hear until it is over, and then until all it said is acked."""
        self.keep_at(lambda: self._talk(over), over)

    def keep_at(self, task: Callable[[], None], over: threading.Event) -> None:
        """Connect and do it, and once more from the beginning after each loss."""
        give_up_at = time.monotonic() + SECONDS + 60
        while True:
            try:
                if not self.tab.socket:
                    self.tab.connect(PATIENCE, eager=self.chance.random() < 0.5)
                return task()
            except LOST:
                self.losses += 1
                self.tab.close()
                assert time.monotonic() < give_up_at, "it cannot come back"
                over.wait(self.chance.uniform(0, 0.3))

    def _talk(self, over: threading.Event) -> None:
        speak_at = 0.0
        while not over.is_set():
            if time.monotonic() >= speak_at and len(self.tab.outbox) < 20:
                speak_at = time.monotonic() + self.chance.uniform(0.5, 1.5)
                for word in [next(self.words) for _ in range(self.chance.randrange(1, 4))]:
                    self.tab.say(f"words {word}", word)
            self.tab.hear()
        self.tab.hear_until_acked()


@contextmanager
def storm(people: list[Wanderer]) -> Iterator[None]:
    """Let all live for the length of a block, and then until each has said its last."""
    over = threading.Event()
    with ThreadPoolExecutor(len(people)) as pool:
        lives = [pool.submit(person.live, over) for person in people]
        try:
            yield
        finally:
            over.set()
            for life in lives:
                life.result(SECONDS + 90)


def kill_now_and_then(server: Running, people: list[Wanderer]) -> None:
    """Each time some more has been acked, twice at least, until the time is up."""

    def acked() -> int:
        return sum(len(person.tab.acked) for person in people)

    kills = 0
    end = time.monotonic() + SECONDS
    while True:
        until = acked() + 120
        wait_for(lambda until=until: acked() >= until, f"{until} acks")
        if time.monotonic() > end and kills >= 2:
            return
        server.kill()
        server.start()
        kills += 1


def hear_the_end(server: Running, people: list[Wanderer]) -> None:
    """Someone says a last word, and all hear it."""
    last = TypedClient(server.port, "Last").connect_and_catch_up()
    last.say("the end", "end")
    last.hear_until_acked()
    last.drop_cleanly()
    over = threading.Event()
    with ThreadPoolExecutor(len(people)) as pool:
        for person in people:
            task = lambda tab=person.tab: tab.hear_until(last.acked["end"])  # noqa: E731
            pool.submit(person.keep_at, task, over)


def sockets(server: Running) -> int:
    found: int = json.loads(server.get("/healthz")[2])["sockets"]
    return found


def assert_all_agree(server: Running, tabs: list[TypedClient]) -> None:
    """Each has all of the room from its beginning; each word is there once, and in its order."""
    history = server.history()
    for tab in tabs:
        assert tab.view[0]["id"] == history[0]["id"]
        assert tab.view[-1]["body"] == "the end"
        tab.check(history)
        assert (tab.errors, tab.afresh, tab.outbox) == ([], 0, {})
        own = [message["body"] for message in history if message["body"] in tab.said.values()]
        assert own == list(tab.said.values()), "its words are out of their order"
    said = [body for tab in tabs for body in tab.said.values()]
    assert sorted(message["body"] for message in history) == sorted([*said, "the end"])
