"""Any order of joining, saying and leaving in several rooms: each client hears one common order."""

from __future__ import annotations

import itertools
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    multiple,
    rule,
)

from tests.support.deadline import wait_for
from tests.support.server_process import Running, serving
from tests.support.stories import run_stories
from tests.support.websocket_client import CLOSE, TEXT, RawClient, encode

pytestmark = pytest.mark.takes(seconds=8)

REPLAY = 4
ROOMS = ("red", "blue")
_examples = itertools.count()
_addresses = itertools.count()


@pytest.fixture(scope="module", params=["memory:", "sqlite:chat.db"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("interleavings")
    with serving(folder, history=request.param, replayLimit=REPLAY) as running:
        yield running


def test_everyone_hears_one_order_without_gaps_or_doubles(server: Running) -> None:
    run_stories(lambda: Chat(server), examples=25)
    assert "Traceback" not in server.log() + server.said()


class Someone:
    """A client, what it has heard, and how many messages it has to hear of itself."""

    def __init__(self, server: Running, room: str) -> None:
        # From an address of its own: one alone may not create rooms without end.
        address = f"198.51.{next(_addresses) % 256}.1"
        self.client = RawClient(server.port, room, **{"X-Forwarded-For": address})
        self.room = room
        self.said: list[str] = []
        self.heard: list[dict[str, str]] = []


class Chat(RuleBasedStateMachine):
    """Nobody waits for anybody: what is under way when someone joins or leaves is up to chance."""

    def __init__(self, server: Running) -> None:
        super().__init__()
        self.server = server
        self.number = next(_examples)
        self.words = itertools.count()
        self.present: set[Someone] = set()
        self.certain: dict[str, set[str]] = defaultdict(set)
        self.possible: dict[str, set[str]] = defaultdict(set)
        self.truth: dict[str, dict[int, dict[str, str]]] = defaultdict(dict)

    people = Bundle("people")

    @rule(target=people, room=st.sampled_from(ROOMS), silent=st.booleans())
    def join(self, room: str, silent: bool) -> Someone:
        someone = Someone(self.server, f"{room}-{self.number}")
        self.present.add(someone)
        if silent:
            someone.client.join("Silent")
        else:
            self.say(someone, 1)
        return someone

    @rule(someone=people, count=st.integers(1, 12))
    def say(self, someone: Someone, count: int) -> None:
        bodies = [f"words {next(self.words)}" for _ in range(count)]
        someone.client.say("Someone", *bodies)
        someone.said += bodies
        self.certain[someone.room].update(bodies)

    @rule(target=people, someone=consumes(people), count=st.integers(1, 5))
    def hear(self, someone: Someone, count: int) -> Someone:
        """Hear some of what is certain to come; someone else may speak before the rest."""
        own = [body for body in someone.said if body not in {m["body"] for m in someone.heard}]
        for body in own[:count]:
            self.hear_until(someone, body)
        return someone

    @rule(someone=consumes(people))
    def leave(self, someone: Someone) -> None:
        """With a Close: what was said before it is certain to be in the room."""
        someone.client.send(encode(CLOSE, b"\x03\xe8"))
        while (frame := someone.client.frame()).opcode == TEXT:
            someone.heard.append(json.loads(frame.payload))
        self.go(someone)

    @rule(someone=consumes(people))
    def vanish(self, someone: Someone) -> None:
        """With a reset: what was said and not yet heard may be lost."""
        unheard = set(someone.said) - {message["body"] for message in someone.heard}
        self.certain[someone.room] -= unheard
        self.possible[someone.room] |= unheard
        someone.client.reset()
        self.go(someone)

    @rule(target=people, someone=consumes(people))
    def come_back(self, someone: Someone) -> object:
        """Leave, and be the next to join: in an empty room, the past comes from the history."""
        self.leave(someone)
        back = Someone(self.server, someone.room)
        self.present.add(back)
        self.say(back, 1)
        return multiple(back)

    def go(self, someone: Someone) -> None:
        someone.client.socket.close()
        self.present.discard(someone)
        self.check(someone)

    def hear_until(self, someone: Someone, body: str) -> None:
        while body not in (message["body"] for message in reversed(someone.heard)):
            someone.heard.append(someone.client.message())

    def check(self, someone: Someone) -> None:
        """One run of the room's common order: no gap, no double, each seq one message."""
        seqs = [seq(message) for message in someone.heard]
        assert seqs == [seqs[0] + i for i in range(len(seqs))]
        truth = self.truth[someone.room]
        for message in someone.heard:
            assert truth.setdefault(seq(message), message) == message

    def teardown(self) -> None:
        try:
            for room in ROOMS:
                self.end(f"{room}-{self.number}")
        finally:
            for someone in self.present:
                someone.client.socket.close()

    def end(self, room: str) -> None:
        """Everyone hears the last word, and what was said is all that was heard."""
        present = [someone for someone in self.present if someone.room == room]
        for someone in present:
            if someone.said:  # else the last word could come before it
                self.hear_until(someone, someone.said[-1])
        # Who joins hears the batch that waits just then as well: wait until none does.
        certain = len(self.certain[room])
        wait_for(lambda: self.stored(room) >= certain, "all that was said before a Close")
        with RawClient(self.server.port, room) as last:
            last.say("Last", "the end")
            heard = [last.message()]
            while heard[-1]["body"] != "the end":
                heard.append(last.message())
        end = seq(heard[-1])
        if not self.possible[room]:  # else one may come late, behind the joining
            assert len(heard) == min(REPLAY, end - 1) + 1
        for someone in present:
            self.hear_until(someone, "the end")
            self.check(someone)
            assert someone.said == [m["body"] for m in someone.heard if m["body"] in someone.said]
        truth = self.truth[room]
        bodies = [message["body"] for message in truth.values()]
        assert len(set(bodies)) == len(bodies)
        allowed = self.certain[room] | self.possible[room] | {"the end"}
        assert set(bodies) <= allowed
        assert len(self.certain[room]) < end <= len(allowed)

    def stored(self, room: str) -> int:
        """The seq of the room's last message."""
        reply = self.server.get(f"/api/rooms/{room}/messages?limit=1")[2]
        return max(map(seq, json.loads(reply)["messages"]), default=0)


def seq(message: dict[str, str]) -> int:
    return int(message["id"].partition("-")[0])


def test_who_joins_with_a_burst_hears_all_of_it(server: Running) -> None:
    """Its words may not overtake its joining, however busy the room is."""
    start = threading.Barrier(4)

    def burst(name: str) -> None:
        for number in range(20):
            room = f"burst-{server.settings['history'][:4]}"
            with RawClient(server.port, room, **{"X-Forwarded-For": "203.0.113.1"}) as client:
                bodies = [f"{name} {number}.{i}" for i in range(30)]
                start.wait(20)
                client.say(name, *bodies)
                heard: list[str] = []
                while not heard or heard[-1] != bodies[-1]:
                    heard.append(client.message()["body"])
                assert [body for body in heard if body in bodies] == bodies

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(burst, f"Someone {n}") for n in range(4)]:
            done.result(60)
