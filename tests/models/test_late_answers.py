"""Order and Register, the own ones and late ones, in any order of answers, arrivals and leaving.

Whatever comes late: all hear one order without gaps or doubles, what is said is stored once and in
the speaker's order, and everybody knows who is there.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    multiple,
    rule,
)

from tests.support.in_memory_room import InMemoryServer, TypedGuest
from tests.support.stories import run_stories

pytestmark = pytest.mark.takes(seconds=20)

NAMES = st.sampled_from(["Ann", "Bob", "Eve"])


@pytest.mark.parametrize("late", [(), ("order",), ("register",), ("order", "register")], ids=str)
def test_whenever_the_answers_come_the_room_is_the_same_for_all(late: Collection[str]) -> None:
    run_stories(lambda: Evening(late), examples=60, steps=40)


class Newcomer:
    """A typed client: what it has said, and what it knows of the room."""

    def __init__(self, club: InMemoryServer, name: str, **hello: Any) -> None:
        self.since = int(hello.get("since", "0-").partition("-")[0])
        self.view: dict[int, str] = {}
        self.rev = int(hello.get("rev", 0))
        self.said: list[str] = []
        self.heard: list[int] = []
        self.acked: list[str] = []
        self.people: dict[str, str] = {}
        self.welcome: dict[str, Any] = {}
        self.is_refused = False
        self.has_left = False
        self.guest = TypedGuest(club, name, "lobby", {}, **hello)

    def listen(self) -> None:
        for frame in self.guest.heard():
            match frame.get("type"):
                case "welcome":
                    self.welcome = frame
                    self.rev = self.rev if frame.get("recovered") else frame["rev"]
                    self.people = {one["userId"]: one["userName"] for one in frame["users"]}
                case "joined" | "renamed":
                    self.people[frame["userId"]] = frame["userName"]
                case "left":
                    del self.people[frame["userId"]]
                case "ack":
                    self.acked.append(frame["cmid"])
                case "live":
                    self.rev = max(self.rev, self.welcome["rev"])
                case "changed":
                    self.rev = max(self.rev, frame["rev"])
                    if (seq := seq_of(frame["message"])) in self.view:
                        self.view[seq] = frame["message"]["body"]
                case "removed":
                    self.rev = max(self.rev, frame["rev"])
                    self.view.pop(seq_of(frame), None)
                case None:
                    self.heard.append(seq_of(frame))
                    self.view[seq_of(frame)] = frame["body"]
                case "error" if frame["code"] == "name-taken":
                    self.is_refused = self.is_refused or not self.welcome


def seq_of(frame: dict[str, Any]) -> int:
    return int(frame["id"].partition("-")[0])


class Evening(RuleBasedStateMachine):
    """One room; nobody waits for anybody."""

    def __init__(self, late: Collection[str]) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.club = InMemoryServer(self.stack, late=late, leave_grace=0.0)
        self.words = map(str, itertools.count())
        self.all: list[Newcomer] = []

    people = Bundle("people")

    @rule(target=people, name=NAMES, words=st.integers(0, 2))
    def come(self, name: str, words: int) -> Newcomer:
        person = Newcomer(self.club, name)
        self.all.append(person)
        self.say(person, words)
        return person

    @rule(person=people, count=st.integers(1, 3))
    def say(self, person: Newcomer, count: int) -> None:
        for word in itertools.islice(self.words, count):
            person.guest.send("message", cmid=word, body=word)
            person.said.append(word)

    @rule(person=people, index=st.integers(0, 30), removes=st.booleans())
    def change(self, person: Newcomer, index: int, removes: bool) -> None:
        """Of what is stored, perhaps before the room knows: whatever is not theirs is refused."""
        stored = self.club.disk.messages()
        if stored:
            request = {"cmid": "change", "id": stored[index % len(stored)].id}
            if removes:
                person.guest.send("remove", **request)
            else:
                person.guest.send("edit", **request, body=f"edited {next(self.words)}")

    @rule(person=people, name=NAMES)
    def rename(self, person: Newcomer, name: str) -> None:
        person.guest.user._renames.spend(-1000)  # so that the test does not wait
        person.guest.send("rename", userName=name)

    @rule(person=consumes(people))
    def leave(self, person: Newcomer) -> None:
        person.has_left = True
        person.guest.leave()

    @rule(target=people, person=consumes(people), from_history=st.booleans())
    def come_back(self, person: Newcomer, from_history: bool) -> object:
        """On another socket, after what it has heard here, or has read elsewhere."""
        person.listen()
        if not person.welcome:
            return multiple(person)
        stored = [message.id for message in self.club.disk.messages()]
        seen = len(stored) if from_history else max(person.heard, default=person.since)
        since = ["0-0", *stored][seen]
        name, token = person.welcome["userName"], person.welcome["token"]
        back = Newcomer(self.club, name, token=token, since=since, rev=person.rev)
        back.view = dict(person.view)
        person.has_left = True
        self.all.append(back)
        return multiple(back)

    @rule()
    def commit(self) -> None:
        self.club.order.commit()

    @rule()
    def tell(self) -> None:
        self.club.order.tell()
        self.club.settle()

    @rule()
    def decide(self) -> None:
        self.club.register.decide()

    @rule()
    def tell_of_it(self) -> None:
        self.club.register.tell()
        self.club.settle()

    def teardown(self) -> None:
        with self.stack:
            self.settle()
            self.check()

    def settle(self) -> None:
        """Give all answers, until nothing is asked any more."""
        self.club.settle()
        while self.club.order.is_busy or self.club.register.is_busy:
            for answer in (self.commit, self.tell, self.decide, self.tell_of_it):
                answer()

    def check(self) -> None:
        stored = self.club.disk.messages()
        bodies = [message.cmid for message in stored]  # what they said at first
        removed = {message.seq for message in stored if message.removed}
        room = self.club.server._rooms.get("lobby")
        names = room.crowd.names() if room else {}
        assert len(set(names.values())) == len(names)
        assert len(bodies) == len(set(bodies))
        for person in self.all:
            person.listen()
            theirs = [body for body in bodies if body in set(person.said)]
            if person.is_refused:
                assert theirs == person.heard == []
                continue
            assert theirs == person.said[: len(theirs)]
            first = person.since + 1
            run = range(first, max(person.heard, default=person.since) + 1)
            assert person.heard == sorted(person.heard)
            assert set(run) - removed <= set(person.heard) <= set(run)
            if not person.has_left:
                assert theirs == person.said == person.acked
                assert set(range(first, len(stored) + 1)) - removed <= set(person.heard)
                now = {message.seq: message.body for message in stored if not message.removed}
                assert person.view == {seq: now.get(seq) for seq in person.view}
                assert person.people == names
