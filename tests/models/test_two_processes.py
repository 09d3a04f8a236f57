"""Two processes and one register, in any order of answers, hints, readings, failures and people.

Whatever is late, lost, doubled or forgotten: in the end everybody knows who is there, on both
processes the same, and whoever is there is known.
"""

from __future__ import annotations

import json
import struct
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

from tests.support.in_memory_room import TypedGuest
from tests.support.stories import run_stories
from tests.support.two_processes import Process, settle, two_processes
from tests.support.websocket_client import CLOSE

pytestmark = pytest.mark.takes(seconds=20)

NAMES = st.sampled_from(["Ann", "Bob", "Eve"])

WHICH = st.integers(0, 1)

INDEX = st.integers(0, 5)


@pytest.mark.parametrize("has_faults", [False, True], ids=["all is well", "with faults"])
@pytest.mark.parametrize("presence_limit", [200, 2])
def test_all_know_who_is_there_on_whichever_process(has_faults: bool, presence_limit: int) -> None:
    story = BadGathering if has_faults else Gathering
    run_stories(lambda: story(presence_limit), examples=80, steps=50)


class Comer:
    """A typed client, and whom it knows of."""

    def __init__(self, process: Process, name: str, **hello: Any) -> None:
        self.process = process
        self.people: dict[str, str] = {}
        self.count = 0
        self.welcome: dict[str, Any] = {}
        self.has_left = False
        self.closed = 0
        """The code of the Close that it got."""
        self.guest: TypedGuest = process.enter(name, **hello)

    @property
    def is_in(self) -> bool:
        return self.guest.user.inside

    def listen(self) -> None:
        for arrived in self.guest.line.peer.arrived():
            if arrived.opcode == CLOSE:
                (self.closed,) = struct.unpack("!H", arrived.payload[:2])
                continue
            frame = json.loads(arrived.payload)
            match frame["type"]:
                case "welcome":
                    assert not self.welcome, "it is welcomed twice"
                    self.welcome = frame
                    self.see(frame["users"])
                    self.count = frame["count"]
                case "users":
                    self.see(frame["users"])
                case "count":
                    self.count, self.people = frame["users"], {}
                case "joined":
                    assert frame["userId"] not in self.people, "somebody joins twice"
                    self.people[frame["userId"]] = frame["userName"]
                    self.count = len(self.people)
                case "renamed":
                    if self.people:
                        assert frame["userId"] in self.people, "nobody is renamed"
                        self.people[frame["userId"]] = frame["userName"]
                case "left":
                    del self.people[frame["userId"]]
                    self.count = len(self.people)

    def see(self, users: list[dict[str, str]]) -> None:
        self.people = {one["userId"]: one["userName"] for one in users}
        self.count = len(self.people)


class Gathering(RuleBasedStateMachine):
    """One room; nobody waits for anybody, and what was told comes, in whatever order."""

    def __init__(self, presence_limit: int) -> None:
        super().__init__()
        self.stack = ExitStack()
        *self.processes, self.arbiter = two_processes(
            self.stack, leave_grace=5.0, presence_limit=presence_limit
        )
        self.limit = presence_limit
        self.all: list[Comer] = []

    people = Bundle("people")

    @rule(target=people, which=WHICH, name=NAMES)
    def come(self, which: int, name: str) -> Comer:
        person = Comer(self.processes[which], name)
        self.all.append(person)
        return person

    @rule(person=people, name=NAMES)
    def rename(self, person: Comer, name: str) -> None:
        person.guest.user._renames.spend(-1000)  # so that the test does not wait
        person.guest.send("rename", userName=name)

    @rule(person=consumes(people))
    def leave(self, person: Comer) -> None:
        person.has_left = True
        person.guest.leave()

    @rule(target=people, person=people, which=WHICH, name=NAMES, is_same_tab=st.booleans())
    def come_back(self, person: Comer, which: int, name: str, is_same_tab: bool) -> object:
        """On either process; the old socket may still be there."""
        person.listen()
        if not person.welcome:
            return multiple()
        hello = {"token": person.welcome["token"]}
        if is_same_tab:
            hello["since"] = person.welcome["last"]
        back = Comer(self.processes[which], name, **hello)
        self.all.append(back)
        return back

    @rule(which=WHICH)
    def ask(self, which: int) -> None:
        self.processes[which].crier.work()

    @rule(which=WHICH)
    def answer(self, which: int) -> None:
        self.processes[which].crier.tell()
        self.processes[which].club.settle()

    @rule(which=WHICH, index=INDEX)
    def hear(self, which: int, index: int) -> None:
        self.processes[which].listen(index)

    @rule(which=WHICH, seconds=st.sampled_from([0.2, 2.0, 10.0]))
    def pass_time(self, which: int, seconds: float) -> None:
        self.processes[which].pass_time(seconds)

    def teardown(self) -> None:
        with self.stack:
            self.settle()
            self.check()

    def settle(self) -> None:
        self.arbiter.is_late = True
        for _ in range(4):
            for process in self.processes:
                process.keep()
            settle(*self.processes)
            for process in self.processes:
                process.pass_time(10.0)
            settle(*self.processes)

    def check(self) -> None:
        crowd = self.arbiter.crowds.get("lobby")
        names = {user_id: one.name for user_id, one in crowd.people.items()} if crowd else {}
        assert len(set(names.values())) == len(names)
        here: set[tuple[int, int]] = set()
        for process in self.processes:
            room = process.club.server._rooms.get("lobby")
            ours = [one for one in self.all if one.process is process and one.is_in]
            assert (room is not None) == bool(ours), "a room is kept for those who are there"
            if room:
                assert room.crowd.names() == names
                assert list(room.crowd.names()) == list(names), "in the order of their coming"
                sockets = {socket for one in room.presence.values() for socket in one.sockets}
                assert sockets == {one.guest.user for one in ours}
                assert room.awaited == 0
            assert not process.club.server._entrance._held
            ahead = process.club.server._entrance._mirrors._ahead.values()
            assert not any(one.items or one.look or one.is_due for one in ahead)
            here |= {(process.register.process, one.guest.user.id) for one in ours}
        assert set(self.arbiter.sockets) == here
        for person in self.all:
            person.listen()
            user = person.guest.user
            if person.is_in:
                assert person.welcome
                assert not person.has_left
                assert user.name == names[user.user_id]
                assert person.count == len(names)
                if len(names) <= self.limit * 9 // 10:
                    assert person.people == names
            elif person.welcome and not person.has_left:
                assert person.closed in (4001, 4010, 1011)


class BadGathering(Gathering):
    """Likewise; and what was told may be lost or come twice, what was asked may fail, and the
    arbiter may forget a process, or all."""

    people = Bundle("people")

    @rule(which=WHICH, index=INDEX)
    def lose(self, which: int, index: int) -> None:
        self.processes[which].wire.lose(index)

    @rule(which=WHICH, index=INDEX)
    def hear_what_will_come_again(self, which: int, index: int) -> None:
        process = self.processes[which]
        process.wire.deliver(index, process.hear, again=True)
        process.club.settle()

    @rule(which=WHICH)
    def ask_twice(self, which: int) -> None:
        self.processes[which].crier.work(attempts=2)

    @rule(which=WHICH, after_work=st.booleans())
    def fail(self, which: int, after_work: bool) -> None:
        self.processes[which].crier.fail(after_work=after_work)

    @rule(which=WHICH)
    def keep(self, which: int) -> None:
        self.processes[which].keep()

    @rule(is_late=st.booleans())
    def let_it_be_late(self, is_late: bool) -> None:
        self.arbiter.is_late = is_late

    @rule(which=WHICH)
    def fall_silent(self, which: int) -> None:
        if process := self.processes[which].register.process:
            self.arbiter.silent.add(process)

    @rule()
    def forget_all(self) -> None:
        self.arbiter.empty()
