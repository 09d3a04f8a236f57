"""Activity: news of other rooms, for those who ask, and no more often than is good for all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from chatroom import activity as module
from chatroom import sending, timers
from chatroom.history.memory import MemoryHistory
from chatroom.identity import Tokens
from chatroom.member import Member
from chatroom.message import Draft
from chatroom.poster import Poster
from chatroom.server import Server
from chatroom.user import CaughtUp, Leaving, Said, User
from tests.support.connection_pair import Line
from tests.support.websocket_client import TEXT

Frame = dict[str, Any]


class Clock:
    """In place of the module ``time``: it stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Someone:
    """A typed user without threads; its client has said hello."""

    def __init__(
        self, house: House, name: str, room: str, line: dict[str, int], **hello: Any
    ) -> None:
        self.house = house
        self.line = house.stack.enter_context(Line(**line))
        self.member = Member(
            self.line.connection,
            room,
            "127.0.0.1",
            house.server.channels,
            tokens=house.tokens,
            history=house.history,
            max_message_bytes=65536,
            max_name_length=64,
        )
        self.frames: list[Frame] = []
        self.send("hello", userName=name, **hello)

    def send(self, kind: str, **fields: Any) -> None:
        self.member._receive(json.dumps({"type": kind, **fields}))
        self.house.settle()

    def say(self, *bodies: str) -> None:
        for number, body in enumerate(bodies):
            self.send("message", cmid=f"{body} {number}", body=body)

    def leave(self) -> None:
        """As the reader thread does when the socket ends."""
        self.house.server.delete.put(Leaving(self.member, "close 1000"))
        self.house.settle()

    def told(self) -> list[dict[str, str]]:
        """What ``rooms`` frames it has got since the last look: names and newest ids, in each."""
        arrived = [json.loads(f.payload) for f in self.line.peer.arrived() if f.opcode == TEXT]
        self.frames += arrived
        news = [frame["rooms"] for frame in arrived if frame.get("type") == "rooms"]
        return [{room["name"]: room["last"] for room in rooms} for rooms in news]

    def rooms(self) -> list[list[str]]:
        """The names in these frames."""
        return [list(rooms) for rooms in self.told()]


class House:
    """A Server without a thread, whose clock the test moves."""

    def __init__(self, stack: ExitStack, clock: Clock) -> None:
        self.stack = stack
        self.clock = clock
        self.tokens = Tokens(b"secret")
        self.history = MemoryHistory()
        self.history.open()
        self.server = Server(self.history, replay_limit=10, tail_bytes=100_000)
        self.speakers: dict[str, Someone] = {}

    def enter(
        self, name: str, room: str = "lobby", line: dict[str, int] | None = None, **hello: Any
    ) -> Someone:
        return Someone(self, name, room, line or {}, **hello)

    def listen(self, name: str = "Ann", room: str = "lobby", **options: Any) -> Someone:
        """Somebody who wants to hear of other rooms."""
        return self.enter(name, room, rooms=True, **options)

    def say_in(self, *rooms: str) -> None:
        """Let something be said in each."""
        for room in rooms:
            if room not in self.speakers:
                self.speakers[room] = self.enter(f"Speaker of {room}", room)
            self.speakers[room].say(f"something {self.last(room)}")

    def last(self, room: str) -> str:
        """The id of the room's newest message."""
        seq, nonce = self.history.head(room)
        return f"{seq}-{nonce}"

    def settle(self) -> None:
        """Let the Server handle all that was put so far, and what is due by now."""
        self.server._ready.put(None)
        while self.server.step():
            pass

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds
        self.settle()


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(timers, "time", clock)
    with ExitStack() as stack:
        yield House(stack, clock)


@pytest.fixture
def written_to(monkeypatch: pytest.MonkeyPatch) -> list[list[object]]:
    """The connections that each frame was written to."""
    written: list[list[object]] = []

    def broadcast(senders: Iterable[Any], frames: bytes) -> list[Any]:
        written.append(list(senders))
        return sending.broadcast(written[-1], frames)

    monkeypatch.setattr(module, "broadcast", broadcast)
    return written


@pytest.fixture
def planned(house: House, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds after which the Server's thread is to do something."""
    seconds: list[float] = []
    monkeypatch.setattr(house.server._timers, "after", lambda after, call: seconds.append(after))
    return seconds


# -- who is told of what -----------------------------------------------------------------------


def test_who_asks_for_it_is_told_at_once_where_something_was_said(house: House):
    ann = house.listen()

    house.say_in("garden")

    assert ann.told() == [{"garden": house.last("garden")}]
    assert ann.frames[-1]["rooms"] == [{"name": "garden", "last": house.last("garden")}]


def test_nobody_is_told_of_the_own_room_alone(house: House):
    ann, bob = house.listen(), house.listen("Bob", "garden")

    house.say_in("garden")
    house.wait(1)

    assert ann.rooms() == [["garden"]]
    assert bob.told() == []


def test_where_all_who_listen_have_heard_it_nothing_is_planned(house: House, planned: list[float]):
    ann = house.listen()

    house.say_in("lobby")

    assert ann.told() == []
    assert planned == []


def test_the_own_room_may_be_among_others(house: House):
    ann, bob = house.listen(), house.listen("Bob", "garden")
    house.say_in("attic")

    house.say_in("garden", "lobby")
    house.wait(1)

    assert ann.rooms() == bob.rooms() == [["attic"], ["garden", "lobby"]]


def test_who_does_not_ask_hears_nothing_of_it(house: House):
    plain = house.stack.enter_context(Line())
    user = User(
        plain.connection,
        "lobby",
        "127.0.0.1",
        house.server.channels,
        max_message_bytes=65536,
        max_name_length=64,
    )
    user._receive('{"userName": "Plain"}')
    silent, declines = house.enter("Silent"), house.enter("Declines", rooms=False)
    ann = house.listen()

    house.say_in("garden")

    assert ann.rooms() == [["garden"]]
    assert silent.told() == declines.told() == []
    assert plain.peer.arrived() == []


def test_where_nobody_asks_nothing_is_planned(house: House, planned: list[float]):
    house.enter("Silent")

    house.say_in("garden")

    assert planned == []


def test_what_is_said_over_http_counts_as_well(house: House):
    ann = house.listen()
    said = Said(Poster("garden", "Bot"), Draft("Bot", "beep", ""), 10)  # type: ignore[arg-type]
    house.server.broadcast.put(said)
    house.settle()

    assert ann.told() == [{"garden": house.last("garden")}]


def test_nobody_is_told_before_it_is_live(house: House, written_to: list[list[object]]):
    """Its writer thread sends it the past first; here there is none, so it is not yet live."""
    house.enter("Bob").say(*map(str, range(20)))
    ann = house.listen(since="0-0")
    house.say_in("garden")
    house.wait(1)
    assert written_to == []

    house.server.add.put(CaughtUp(ann.member, 20))
    house.settle()
    house.say_in("garden")

    assert written_to == [[ann.line.connection]]


# -- how often -----------------------------------------------------------------------------------


def test_it_is_told_once_a_second_at_most_and_nothing_is_lost(house: House):
    ann = house.listen()
    house.say_in("garden")
    assert ann.rooms() == [["garden"]]

    for room in "garden", "attic", "garden":
        house.say_in(room)
        house.wait(0.3)
    assert ann.told() == []

    house.wait(0.2)
    assert ann.told() == [{room: house.last(room) for room in ("garden", "attic")}]


def test_after_a_quiet_time_it_is_told_at_once_again(house: House):
    ann = house.listen()
    house.say_in("garden")
    house.wait(60)
    assert ann.rooms() == [["garden"]]

    house.say_in("attic")

    assert ann.rooms() == [["attic"]]


def test_the_more_listen_the_longer_is_the_wait(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "TOLD_A_SECOND", 2)
    crowd = [house.listen(f"One of many {number}") for number in range(10)]
    house.say_in("garden", "garden")
    assert [one.rooms() for one in crowd] == [[["garden"]]] * 10

    house.wait(4.9)
    assert [one.rooms() for one in crowd] == [[]] * 10

    house.wait(0.2)
    assert [one.rooms() for one in crowd] == [[["garden"]]] * 10


def test_one_frame_is_made_for_all(house: House, monkeypatch: pytest.MonkeyPatch):
    crowd = [house.listen(f"One of many {number}") for number in range(5)]
    made: list[str] = []
    make: Callable[..., bytes] = module.typed.frame
    monkeypatch.setattr(
        module.typed, "frame", lambda kind, **fields: made.append(kind) or make(kind, **fields)
    )

    house.say_in("garden")

    assert made.count("rooms") == 1
    assert [one.rooms() for one in crowd] == [[["garden"]]] * 5


# -- who has gone --------------------------------------------------------------------------------


def test_who_has_left_is_not_written_to(house: House, written_to: list[list[object]]):
    ann, bob = house.listen(), house.listen("Bob")
    bob.leave()

    house.say_in("garden")
    ann.leave()
    house.wait(1)
    house.say_in("attic")

    assert written_to == [[ann.line.connection]]


def test_a_tab_that_came_back_is_told_in_place_of_its_old_self(
    house: House, written_to: list[list[object]]
):
    hanging = house.listen()
    hanging.told()
    welcome = hanging.frames[0]
    ann = house.listen(token=welcome["token"], since=welcome["last"])

    house.say_in("garden")

    assert written_to == [[ann.line.connection]]
    assert ann.rooms() == [["garden"]]


def test_who_came_back_without_asking_is_not_told(house: House, written_to: list[list[object]]):
    hanging = house.listen()
    hanging.told()
    welcome = hanging.frames[0]
    house.enter("Ann", token=welcome["token"], since=welcome["last"])

    house.say_in("garden")

    assert written_to == []


def test_who_has_left_before_it_is_due_is_not_told(house: House, written_to: list[list[object]]):
    ann = house.listen()
    house.say_in("garden", "attic")
    ann.leave()
    bob = house.listen("Bob", "attic")

    house.wait(1)

    assert len(written_to) == 1
    assert bob.told() == []


def test_who_is_too_slow_for_it_is_dropped_and_the_rest_are_told(
    house: House, written_to: list[list[object]]
):
    asleep = house.listen("Asleep", line={"queue_bytes": 1000, "buffers": 4096})
    awake = house.listen("Awake")
    told = []
    while len(written_to) < 2 or len(written_to[-1]) == 2:
        house.say_in("garden")
        told += awake.rooms()
        house.wait(1)

    assert told == [["garden"]] * len(told)
    assert house.server.errors == 1
    assert asleep.member.inside is False
