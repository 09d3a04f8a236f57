"""A house of rooms over an Order and a Register, the own ones and late ones, where much goes wrong.

Beyond ``test_late_answers``: batches, two rooms, plain users, scripts with cmids, users who fall
asleep, what is sent again, a history that fails, graces that end when the test says, rooms too
large to name everybody, and a stop in the middle of it all.
"""

from __future__ import annotations

import heapq
import itertools
import json
import threading
import traceback
from collections.abc import Collection
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Any, NoReturn

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    multiple,
    rule,
)

from chatroom.errors import HistoryUnavailable, Refusal
from chatroom.message import Draft
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.users.requests import Leaving, Said
from tests.support.deadline import DEADLINE
from tests.support.in_memory_room import InMemoryServer, TypedGuest
from tests.support.stories import run_stories
from tests.support.websocket_client import TEXT

pytestmark = pytest.mark.takes(seconds=30)

NAMES = st.sampled_from(["Ann", "Bob", "Eve"])
ROOMS = st.sampled_from(["lobby", "garden"])
GRACE = 1e6
"""Seconds: it ends when the test says."""


@pytest.mark.parametrize("late", [(), ("order",), ("register",), ("order", "register")], ids=str)
def test_whatever_goes_wrong_nothing_is_lost_doubled_or_reordered(late: Collection[str]) -> None:
    run_stories(lambda: LateHouse(late), examples=40, steps=40)


def blocked(_frames: bytes, _flags: int = 0) -> NoReturn:
    raise BlockingIOError


class Lodger:
    """Somebody with a socket, typed or plain: what was sent, and what has come.

    Args:
        hello: fields of a typed user's hello; None for a plain user.
    """

    def __init__(
        self, house: LateHouse, name: str, room: str, hello: dict[str, str] | None
    ) -> None:
        self.house = house
        self.name = name
        self.room = room
        self.is_typed = hello is not None
        self.since = int((hello or {}).get("since", "0-").partition("-")[0])
        self.said: list[str] = []
        self.sent: list[str] = []
        """The cmids of all attempts."""
        self.heard: list[int] = []
        self.acked: list[str] = []
        self.people: dict[str, str] | int = 0
        self.welcome: dict[str, Any] = {}
        self.is_asleep = False
        self.has_left = False
        self.is_replaced = False
        club = house.club
        if hello is None:
            guest = club.guest(name, room)
            self.user, self.peer = guest.user, guest.peer
        else:
            typed = TypedGuest(club, name, room, {}, settles=False, **hello)
            self.user, self.peer = typed.user, typed.line.peer

    def say(self, words: list[str]) -> None:
        for word in words:
            self.sent.append(word)
            if self.is_typed:
                self.send(type="message", cmid=word, body=word)
            else:
                self.send(userName=self.name, body=word, timestamp="")

    def send(self, **frame: str) -> None:
        self.user._receive(json.dumps(frame))

    def leave(self) -> None:
        """As the reader thread does when the socket ends."""
        self.has_left = True
        self.house.club.server.delete.put(Leaving(self.user, "close 1000"))

    def fall_asleep(self) -> None:
        """Its socket takes nothing more."""
        self.is_asleep = True
        self.user.connection._send = blocked  # type: ignore[method-assign, assignment]
        self.user.connection._queue_bytes = 1

    def listen(self) -> None:
        for frame in self.peer.arrived():
            if frame.opcode == TEXT:
                self._take(json.loads(frame.payload))

    def _take(self, frame: dict[str, Any]) -> None:
        match frame.get("type"):
            case "welcome":
                self.welcome = frame
                known = {one["userId"]: one["userName"] for one in frame["users"]}
                self.people = known or frame["count"]
                assert not known or len(known) == frame["count"]
            case "users":
                self.people = {one["userId"]: one["userName"] for one in frame["users"]}
            case "count":
                self.people = frame["users"]
            case "joined":
                assert isinstance(self.people, dict)
                assert frame["userId"] not in self.people
                self.people[frame["userId"]] = frame["userName"]
            case "renamed":
                if isinstance(self.people, dict):
                    self.people[frame["userId"]] = frame["userName"]
                else:
                    assert frame["userId"] == self.welcome["userId"]
            case "left":
                assert isinstance(self.people, dict)
                del self.people[frame["userId"]]
            case "ack":
                self.acked.append(frame["cmid"])
            case None:
                self.heard.append(int(frame["id"].partition("-")[0]))


class Caller:
    """Speaks once over HTTP."""

    def __init__(self, house: LateHouse, room: str, cmid: str, body: str) -> None:
        self.room, self.cmid, self.body = room, cmid, body
        speaker = HttpSpeaker(room, "script")
        self.outcome: Future[Any] = speaker.outcome
        draft = Draft("script", body, "10:42 AM")
        house.club.server.broadcast.put(Said(speaker, draft, len(body), cmid))


class LateHouse(RuleBasedStateMachine):
    """Nothing happens of itself: the Server works when it is its turn, others answer at theirs."""

    def __init__(self, late: Collection[str]) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.club = InMemoryServer(self.stack, late=late, leave_grace=GRACE, presence_limit=2)
        self.bugs: list[str] = []
        self.club.server._faults.note_bug = (  # type: ignore[method-assign]
            lambda: self.bugs.append(traceback.format_exc())
        )
        self.words = map(str, itertools.count())
        self.all: list[Lodger] = []
        self.scripts: list[Caller] = []
        self.stops = False
        self.has_failed = False

    people = Bundle("people")

    def _new(self, person: Lodger, words: int) -> Lodger:
        self.all.append(person)
        self.say(person, words)
        return person

    @rule(target=people, name=NAMES, room=ROOMS, words=st.integers(0, 2))
    def come(self, name: str, room: str, words: int) -> Lodger:
        return self._new(Lodger(self, name, room, {}), words)

    @rule(target=people, room=ROOMS, words=st.integers(1, 2))
    def come_plainly(self, room: str, words: int) -> Lodger:
        return self._new(Lodger(self, "Paul", room, None), words)

    @rule(person=people, count=st.integers(1, 3))
    def say(self, person: Lodger, count: int) -> None:
        words = list(itertools.islice(self.words, count))
        person.said += words
        person.say(words)

    @rule(person=people)
    def say_again(self, person: Lodger) -> None:
        if person.is_typed:
            person.say(person.said[-2:])

    @rule(room=ROOMS, cmid=st.sampled_from(["", "x", "y"]), otherwise=st.booleans())
    def post(self, room: str, cmid: str, otherwise: bool) -> None:
        body = f"{cmid} {otherwise}" if cmid else next(self.words)
        self.scripts.append(Caller(self, room, cmid, body))

    @rule(person=people, name=NAMES)
    def rename(self, person: Lodger, name: str) -> None:
        if person.is_typed:
            person.user._renames.spend(-1000)  # so that the test does not wait
            person.send(type="rename", userName=name)

    @rule(person=people)
    def type(self, person: Lodger) -> None:
        if person.is_typed:
            person.send(type="typing")

    @rule(person=people)
    def fall_asleep(self, person: Lodger) -> None:
        person.fall_asleep()

    @rule(person=consumes(people), last_words=st.integers(0, 2), others_first=st.booleans())
    def leave(self, person: Lodger, last_words: int, others_first: bool) -> None:
        if others_first:
            self.post(person.room, "", False)
            self.work()  # with a late order, that is under way now
        self.say(person, last_words)
        person.leave()

    @rule(
        target=people,
        person=consumes(people),
        first=st.booleans(),
        resends=st.booleans(),
        from_history=st.booleans(),
    )
    def come_back(self, person: Lodger, first: bool, resends: bool, from_history: bool) -> object:
        """On another socket, after what was heard here, or was read elsewhere."""
        person.listen()
        if not person.welcome:
            return multiple(person)
        if from_history:
            self.commit()  # the room hears of it later
        stored = [message.id for message in self.club.disk.messages(person.room)]
        seen = len(stored) if from_history else max(person.heard, default=person.since)
        name, token = person.welcome["userName"], person.welcome["token"]
        person.is_replaced = True  # perhaps before what it has said is its turn: it is sent again
        if first:
            person.leave()
        hello = {"token": token, "since": ["0-0", *stored][seen]}
        back = Lodger(self, name, person.room, hello)
        if resends:
            back.said += person.said
            back.say(person.said)
        if not first:
            person.leave()
        return multiple(self._new(back, 0))

    @rule(what=st.sampled_from(["append", "find", "tail"]))
    def fail(self, what: str) -> None:
        self.has_failed = True
        self.club.disk.failing.add(what)

    @rule(person=people, what=st.sampled_from(["append", "find"]))
    def fail_for_a_moment(self, person: Lodger, what: str) -> None:
        self.fail(what)
        self.say_again(person)
        self.say(person, 2)
        self.work()
        self.commit()
        self.mend()
        self.say(person, 1)

    @rule()
    def mend(self) -> None:
        self.club.disk.failing.clear()

    @rule()
    def work(self) -> None:
        self.club.settle()

    @rule()
    def commit(self) -> None:
        self.club.order.commit()

    @rule()
    def tell(self) -> None:
        self.club.order.tell()

    @rule()
    def decide(self) -> None:
        self.club.register.decide()

    @rule()
    def tell_of_it(self) -> None:
        self.club.register.tell()

    @rule()
    def let_time_pass(self) -> None:
        """Graces end, and large rooms are counted."""
        heap = self.club.server._timers._heap
        for _ in range(len(heap)):
            heapq.heappop(heap)[2]()

    @rule()
    def stop_in_the_middle(self) -> None:
        """Of whatever is under way when the rules end."""
        self.stops = True

    def teardown(self) -> None:
        with self.stack:
            self.mend()
            if self.stops:
                self._stop()
            else:
                self._settle()
                self._see_readers_end()
                self._settle()
            assert self.bugs == []
            self._check_the_server()
            for script in self.scripts:
                self._check_script(script)
            for person in self.all:
                person.listen()
                self._check(person)

    def _answer(self) -> None:
        self.commit()
        self.tell()
        self.decide()
        self.tell_of_it()

    def _see_readers_end(self) -> None:
        """Each puts its leaving, once its socket is closed."""
        for person in self.all:
            if person.user.connection.is_closing and not person.has_left:
                person.leave()

    def _stop(self) -> None:
        self.club.server.start()
        stop = threading.Thread(target=self.club.server.stop)
        stop.start()
        for _ in range(int(DEADLINE * 1000)):
            self._answer()
            stop.join(0.001)
            if not stop.is_alive():
                return
        raise AssertionError("it does not stop")

    def _settle(self) -> None:
        """Give all answers, until nothing is asked any more."""
        self.work()
        for _ in range(1000):
            if not (self.club.order.is_busy or self.club.register.is_busy or self._is_due()):
                return
            self._answer()
            self.let_time_pass()
            self.work()
        raise AssertionError("it does not come to rest")

    def _is_due(self) -> bool:
        return bool(self.club.server._timers._heap)

    def _check_the_server(self) -> None:
        server = self.club.server
        assert not server._entrance._held
        assert not server._entrance.released
        assert not server._broadcaster._waiting
        assert not server._broadcaster._under_way
        assert not server._broadcaster._deserted
        for room in server._rooms.values():
            assert not room.is_empty
            assert room.awaited == 0
            assert all(user.inside for user in room.users)
            names = room.crowd.names()
            assert len(set(names.values())) == len(names)
            stored = self.club.disk.messages(room.name)
            assert room.seq == len(stored)

    def _check_script(self, script: Caller) -> None:
        stored = self.club.disk.messages(script.room)
        alike = [m for m in stored if script.cmid and m.cmid == script.cmid and not m.user_id]
        assert len(alike) <= 1
        error = script.outcome.exception(0)
        if isinstance(error, HistoryUnavailable):
            assert self.has_failed
        elif isinstance(error, Refusal):
            assert error.code == "cmid-reused"
            assert alike[0].body != script.body
        else:
            message, _is_new = script.outcome.result(0)
            assert message in stored
            assert message.body == script.body

    def _check(self, person: Lodger) -> None:
        stored = self.club.disk.messages(person.room)
        bodies = [message.body for message in stored]
        plain_words = [body for body in bodies if " " not in body]
        assert len(plain_words) == len(set(plain_words))
        mine = set(person.said)
        theirs = [body for body in bodies if body in mine]
        assert theirs == person.said[: len(theirs)]
        first = person.since + 1
        assert person.heard == list(range(first, first + len(person.heard)))
        if person.has_left and not self.stops:
            assert not person.user.inside
        if person.is_asleep or person.is_replaced or person.user.failed:
            return
        if person.is_typed and not person.welcome:
            assert person.heard == []
            return
        assert theirs == person.said
        if person.has_left:
            return
        assert not person.user.connection.is_closing
        assert len(person.heard) == max(0, len(stored) - person.since)
        if person.is_typed:
            assert sorted(person.acked) == sorted(person.sent)
            room = self.club.server._rooms[person.room]
            if not self.stops:
                known = len(room.crowd) if room.presence.is_large else room.crowd.names()
                assert person.people == known
