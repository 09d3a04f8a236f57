"""Activity: news of other rooms, for those who ask, and no more often than is good for all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any, cast

import pytest

from chatroom.message import Draft
from chatroom.rooms import fallen, timers
from chatroom.rooms import news as module
from chatroom.sockets import sending
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.users.requests import CaughtUp, Said
from chatroom.users.user import User
from tests.support.connection_pair import ConnectionPair
from tests.support.in_memory_room import InMemoryServer, TypedGuest


class Clock:
    """In place of the module ``time``: it stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Reader(TypedGuest):
    """Somebody who may want to hear of other rooms."""

    def __init__(self, *arguments: Any, **hello: Any) -> None:
        self.frames: list[dict[str, Any]] = []
        super().__init__(*arguments, **hello)

    def told(self) -> list[dict[str, str]]:
        """What ``rooms`` frames it has got since the last look: names and newest ids, in each."""
        arrived = self.heard()
        self.frames += arrived
        news = [frame["rooms"] for frame in arrived if frame.get("type") == "rooms"]
        return [{room["name"]: room["last"] for room in rooms} for rooms in news]

    def rooms(self) -> list[list[str]]:
        """The names in these frames."""
        return [list(rooms) for rooms in self.told()]


def sizes(reader: Reader) -> list[str]:
    """The frames with rooms, as JSON."""
    frames = [frame for frame in reader.frames if frame.get("type") == "rooms"]
    return [json.dumps(frame, ensure_ascii=False) for frame in frames]


class Newsroom(InMemoryServer):
    """A Server whose clock the test moves."""

    def __init__(self, stack: ExitStack, clock: Clock) -> None:
        super().__init__(stack, replay_limit=10, tail_bytes=100_000)
        self.clock = clock
        self.speakers: dict[str, Reader] = {}

    def enter(
        self, name: str, room: str = "lobby", line: dict[str, int] | None = None, **hello: Any
    ) -> Reader:
        return Reader(self, name, room, line or {}, **hello)

    def listen(self, name: str = "Ann", room: str = "lobby", **options: Any) -> Reader:
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
        seq, nonce = self.disk.head(room)
        return f"{seq}-{nonce}"

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds
        self.settle()


@pytest.fixture
def newsroom(monkeypatch: pytest.MonkeyPatch) -> Iterator[Newsroom]:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(timers, "time", clock)
    with ExitStack() as stack:
        yield Newsroom(stack, clock)


@pytest.fixture
def written_to(monkeypatch: pytest.MonkeyPatch) -> list[list[object]]:
    """The connections that each frame of news was written to."""
    written: list[list[object]] = []

    def broadcast(senders: Iterable[Any], frames: bytes) -> list[Any]:
        senders = list(senders)
        if b'"type":"rooms"' in frames:
            written.append(senders)
        return sending.broadcast(senders, frames)

    monkeypatch.setattr(fallen, "broadcast", broadcast)
    return written


@pytest.fixture
def planned(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds after which the Server's thread is to do something."""
    seconds: list[float] = []
    monkeypatch.setattr(newsroom.server._timers, "after", lambda after, call: seconds.append(after))
    return seconds


# -- how much ----------------------------------------------------------------------------------

LONG = [f"{number:03}{'é' * 61}" for number in range(90)]


def speak_in(newsroom: Newsroom, rooms: list[str]) -> None:
    """Let something be said there; the names of these rooms are too long to be part of a name."""
    for room in rooms:
        speaker = HttpSpeaker(room, "Bot")
        newsroom.server.broadcast.put(Said(cast(User, speaker), Draft("Bot", "beep", ""), 10))
    newsroom.settle()


def test_one_frame_names_only_so_many_rooms_and_the_next_ones_the_others(newsroom: Newsroom):
    ann = newsroom.listen()
    newsroom.say_in("first")
    ann.told()

    speak_in(newsroom, LONG)
    frames = []
    for _ in range(3):
        newsroom.wait(1)
        frames += ann.told()

    assert [list(rooms) for rooms in frames] == [LONG[:44], LONG[44:88], LONG[88:]]
    assert all(len(frame) < 8500 for frame in sizes(ann))


def test_a_room_that_waits_keeps_its_place_and_comes_with_its_newest_id(newsroom: Newsroom):
    ann = newsroom.listen()
    newsroom.say_in("first")
    speak_in(newsroom, LONG)
    newsroom.wait(1)
    speak_in(newsroom, LONG)
    told = [ann.told()]
    for _ in range(6):
        newsroom.wait(1)
        told.append(ann.told())

    named = [room for frames in told for rooms in frames for room in rooms]
    assert named[: len(LONG) + 1] == ["first", *LONG]
    last = {room: id for frames in told for rooms in frames for room, id in rooms.items()}
    assert last == {room: newsroom.last(room) for room in ["first", *LONG]}


# -- who is told of what -----------------------------------------------------------------------


def test_who_asks_for_it_is_told_at_once_where_something_was_said(newsroom: Newsroom):
    ann = newsroom.listen()

    newsroom.say_in("garden")

    assert ann.told() == [{"garden": newsroom.last("garden")}]
    assert ann.frames[-1]["rooms"] == [{"name": "garden", "last": newsroom.last("garden")}]


def test_nobody_is_told_of_the_own_room_alone(newsroom: Newsroom):
    ann, bob = newsroom.listen(), newsroom.listen("Bob", "garden")

    newsroom.say_in("garden")
    newsroom.wait(1)

    assert ann.rooms() == [["garden"]]
    assert bob.told() == []


def test_where_all_who_listen_have_heard_it_nothing_is_planned(
    newsroom: Newsroom, planned: list[float]
):
    ann = newsroom.listen()

    newsroom.say_in("lobby")

    assert ann.told() == []
    assert planned == []


def test_the_own_room_may_be_among_others(newsroom: Newsroom):
    ann, bob = newsroom.listen(), newsroom.listen("Bob", "garden")
    newsroom.say_in("attic")

    newsroom.say_in("garden", "lobby")
    newsroom.wait(1)

    assert ann.rooms() == bob.rooms() == [["attic"], ["garden", "lobby"]]


def test_who_does_not_ask_hears_nothing_of_it(newsroom: Newsroom):
    plain = newsroom.stack.enter_context(ConnectionPair())
    user = User(
        plain.connection,
        "lobby",
        "127.0.0.1",
        newsroom.server.channels,
        max_message_bytes=65536,
        max_name_length=64,
    )
    user._receive('{"userName": "Plain"}')
    silent, declines = newsroom.enter("Silent"), newsroom.enter("Declines", rooms=False)
    ann = newsroom.listen()

    newsroom.say_in("garden")

    assert ann.rooms() == [["garden"]]
    assert silent.told() == declines.told() == []
    assert plain.peer.arrived() == []


def test_where_nobody_asks_nothing_is_planned(newsroom: Newsroom, planned: list[float]):
    newsroom.enter("Silent")

    newsroom.say_in("garden")

    assert planned == []


def test_what_is_said_over_http_counts_as_well(newsroom: Newsroom):
    ann = newsroom.listen()
    said = Said(HttpSpeaker("garden", "Bot"), Draft("Bot", "beep", ""), 10)  # type: ignore[arg-type]
    newsroom.server.broadcast.put(said)
    newsroom.settle()

    assert ann.told() == [{"garden": newsroom.last("garden")}]


def test_nobody_is_told_before_it_is_live(newsroom: Newsroom, written_to: list[list[object]]):
    """Its writer thread sends it the past first; here there is none, so it is not yet live."""
    newsroom.enter("Bob").say(*map(str, range(20)))
    ann = newsroom.listen(since="0-0")
    newsroom.say_in("garden")
    newsroom.wait(1)
    assert written_to == []

    newsroom.server.add.put(CaughtUp(ann.user, 20, 0))
    newsroom.settle()
    newsroom.say_in("garden")

    assert written_to == [[ann.line.connection]]


# -- how often -----------------------------------------------------------------------------------


def test_it_is_told_once_a_second_at_most_and_nothing_is_lost(newsroom: Newsroom):
    ann = newsroom.listen()
    newsroom.say_in("garden")
    assert ann.rooms() == [["garden"]]

    for room in "garden", "attic", "garden":
        newsroom.say_in(room)
        newsroom.wait(0.3)
    assert ann.told() == []

    newsroom.wait(0.2)
    assert ann.told() == [{room: newsroom.last(room) for room in ("garden", "attic")}]


def test_after_a_quiet_time_it_is_told_at_once_again(newsroom: Newsroom):
    ann = newsroom.listen()
    newsroom.say_in("garden")
    newsroom.wait(60)
    assert ann.rooms() == [["garden"]]

    newsroom.say_in("attic")

    assert ann.rooms() == [["attic"]]


def test_the_more_listen_the_longer_is_the_wait(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "TOLD_A_SECOND", 2)
    crowd = [newsroom.listen(f"One of many {number}") for number in range(10)]
    newsroom.say_in("garden", "garden")
    assert [one.rooms() for one in crowd] == [[["garden"]]] * 10

    newsroom.wait(4.9)
    assert [one.rooms() for one in crowd] == [[]] * 10

    newsroom.wait(0.2)
    assert [one.rooms() for one in crowd] == [[["garden"]]] * 10


def test_one_frame_is_made_for_all(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch):
    crowd = [newsroom.listen(f"One of many {number}") for number in range(5)]
    made: list[str] = []
    make: Callable[..., bytes] = module.typed.frame
    monkeypatch.setattr(
        module.typed, "frame", lambda kind, **fields: made.append(kind) or make(kind, **fields)
    )

    newsroom.say_in("garden")

    assert made.count("rooms") == 1
    assert [one.rooms() for one in crowd] == [[["garden"]]] * 5


# -- who has gone --------------------------------------------------------------------------------


def test_who_has_left_is_not_written_to(newsroom: Newsroom, written_to: list[list[object]]):
    ann, bob = newsroom.listen(), newsroom.listen("Bob")
    bob.leave()

    newsroom.say_in("garden")
    ann.leave()
    newsroom.wait(1)
    newsroom.say_in("attic")

    assert written_to == [[ann.line.connection]]


def test_a_tab_that_came_back_is_told_in_place_of_its_old_self(
    newsroom: Newsroom, written_to: list[list[object]]
):
    hanging = newsroom.listen()
    hanging.told()
    welcome = hanging.frames[0]
    ann = newsroom.listen(token=welcome["token"], since=welcome["last"])

    newsroom.say_in("garden")

    assert written_to == [[ann.line.connection]]
    assert ann.rooms() == [["garden"]]


def test_who_came_back_without_asking_is_not_told(
    newsroom: Newsroom, written_to: list[list[object]]
):
    hanging = newsroom.listen()
    hanging.told()
    welcome = hanging.frames[0]
    newsroom.enter("Ann", token=welcome["token"], since=welcome["last"])

    newsroom.say_in("garden")

    assert written_to == []


def test_who_has_left_before_it_is_due_is_not_told(
    newsroom: Newsroom, written_to: list[list[object]]
):
    ann = newsroom.listen()
    newsroom.say_in("garden", "attic")
    ann.leave()
    bob = newsroom.listen("Bob", "attic")

    newsroom.wait(1)

    assert len(written_to) == 1
    assert bob.told() == []


def test_who_is_too_slow_for_it_is_dropped_and_the_rest_are_told(
    newsroom: Newsroom, written_to: list[list[object]]
):
    asleep = newsroom.listen("Asleep", line={"queue_bytes": 1000, "buffers": 4096})
    awake = newsroom.listen("Awake")
    told = []
    while len(written_to) < 2 or len(written_to[-1]) == 2:
        newsroom.say_in("garden")
        told += awake.rooms()
        newsroom.wait(1)

    assert told == [["garden"]] * len(told)
    assert newsroom.server.errors == 1
    assert asleep.user.inside is False
