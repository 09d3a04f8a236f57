"""Two processes and one log, in any order of commits, answers, looks and hints.

Some of these are lost. In the end all clients have read the log, in its order, each message once;
and nothing is in it that the rules forbade at that moment.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

from chatroom.reactions import KINDS
from chatroom.rooms.charter import Charter
from tests.support.in_memory_room import TypedGuest
from tests.support.shared_memory import SharedMemory, SharingProcess, level
from tests.support.stories import run_stories
from tests.support.websocket_client import CLOSE

pytestmark = pytest.mark.takes(seconds=20)

WHICH = st.integers(0, 1)
INDEX = st.integers(0, 5)

_cmids = itertools.count()


@pytest.mark.parametrize("has_faults", [False, True], ids=["all is well", "with faults"])
def test_all_read_one_log_whichever_process_they_are_at(has_faults: bool) -> None:
    run_stories(TroubledLog if has_faults else OneLog, examples=40, steps=50, shrinks=False)


class LogReader:
    """A typed client: what it has read, and what it knows of rules."""

    def __init__(self, process: SharingProcess, name: str) -> None:
        self.process = process
        self.guest = TypedGuest(process.club, name, "class", {})
        self.view: dict[int, dict[str, Any]] = {}
        self.first: int | None = None
        self.closed = False
        self.acked: dict[str, str] = {}
        self.asked: set[str] = set()
        """What it waits for an answer to."""
        self.user_id = ""
        self.states: dict[str, dict[str, Any]] = {}
        """Reactions, by message: of two, it keeps the one with the higher mark."""

    def ask(self, kind: str, /, **fields: Any) -> None:
        """Send it, with a cmid of its own."""
        cmid = f"c{next(_cmids)}"
        self.asked.add(cmid)
        self.guest.send(kind, cmid=cmid, **fields)

    def read(self) -> None:
        for arrived in self.guest.line.peer.arrived():
            if arrived.opcode == CLOSE:
                self.closed = True
                continue
            frame = json.loads(arrived.payload)
            match frame.get("type", "message"):
                case "welcome":
                    self.user_id = frame["userId"]
                case "message":
                    self._note(frame, is_new=True)
                case "changed":
                    self._note(frame["message"], is_new=False)
                case "removed":
                    for id in frame.get("ids", [frame.get("id")]):
                        self.view.pop(number(id), None)
                        self.states.pop(id, None)
                case "live":
                    self.guest.send("reactions")
                    self.read()
                case "reactions":
                    for state in frame["messages"]:
                        self._take(state)
                case "ack":
                    assert self.acked.setdefault(frame["cmid"], frame["id"]) == frame["id"]
                    self.asked.discard(frame["cmid"])
                case "done" | "error" | "held":
                    self.asked.discard(frame.get("cmid", ""))

    def _take(self, state: dict[str, Any]) -> None:
        if state["mark"] > self.states.get(state["id"], {"mark": 0})["mark"]:
            self.states[state["id"]] = state

    def _note(self, message: dict[str, Any], *, is_new: bool) -> None:
        seq = number(message["id"])
        if is_new:
            assert not self.view or seq > max(self.view), "out of order, or twice"
        if is_new or min(self.view, default=seq + 1) <= seq:  # it may be back
            self.view[seq] = message


def number(id: str) -> int:
    return int(id.partition("-")[0])


class OneLog(RuleBasedStateMachine):
    """Nothing is lost for good, but hints come in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.log = SharedMemory()
        self.processes = [
            SharingProcess(self.stack, self.log, replay_limit=50, leave_grace=0.0) for _ in range(2)
        ]
        one, other = self.processes
        one.others, other.others = [other], [one]
        self.words = itertools.count()
        self.names = itertools.count()
        self.host = LogReader(one, "Host")
        level(self.processes)
        self.host.ask("message", body="hello")
        level(self.processes)
        self.everybody = [self.host]

    people = Bundle("people")

    @rule(target=people, at=WHICH)
    def come(self, at: int) -> LogReader:
        reader = LogReader(self.processes[at], f"User {next(self.names)}")
        self.everybody.append(reader)
        return reader

    @rule(who=people)
    def say(self, who: LogReader) -> None:
        who.ask("message", body=str(next(self.words)))

    @rule(one=people, other=people, order=st.permutations(range(8)))
    def talk(self, one: LogReader, other: LogReader, order: list[int]) -> None:
        """Both say something, and all that follows happens in any order."""
        steps: list[Callable[[], object]] = []
        for reader in (one, other):
            at = reader.process
            self.say(reader)
            steps += [at.compare, at.write, at.keep, at.hear]
        for index in order:
            steps[index]()

    @rule(who=people, index=INDEX)
    def edit(self, who: LogReader, index: int) -> None:
        who.read()
        own = [it for it in who.view.values() if it.get("userId") == who.user_id]
        if own:
            id = own[index % len(own)]["id"]
            who.ask("edit", id=id, body=f"edited {next(self.words)}")

    @rule(index=INDEX, back=st.booleans())
    def remove(self, index: int, back: bool) -> None:
        """The host does; or brings back whatever it was."""
        messages = self.log.messages("class")
        id = messages[index % len(messages)].id
        self.host.ask("restore" if back else "remove", id=id)

    @rule(who=people, index=INDEX, on=st.booleans(), kind=st.sampled_from(KINDS[:2]))
    def react(self, who: LogReader, index: int, on: bool, kind: str) -> None:
        who.read()
        ids = [it["id"] for it in who.view.values()]
        if ids:
            who.ask("react", id=ids[index % len(ids)], kind=kind, on=on)

    @rule(at=WHICH)
    def wait(self, at: int) -> None:
        """The room may be told of reactions again."""
        self.processes[at].pass_time(0.3)

    @rule(speak=st.sampled_from(["everybody", "hosts", "approval"]))
    def decide(self, speak: str) -> None:
        self.host.ask("host", act="rules", speak=speak)

    @rule(index=INDEX, word=st.sampled_from(["approve", "refuse"]))
    def settle(self, index: int, word: str) -> None:
        held = self.log.held("class")
        if held:
            id = held[index % len(held)].id
            self.host.ask("host", act=word, id=id)

    @rule(at=WHICH)
    def write(self, at: int) -> None:
        self.processes[at].write()

    @rule(at=WHICH)
    def keep(self, at: int) -> None:
        self.processes[at].keep()

    @rule(at=WHICH, index=INDEX)
    def hear(self, at: int, index: int) -> None:
        self.processes[at].hear(index)

    @rule(at=WHICH)
    def compare(self, at: int) -> None:
        self.processes[at].compare()

    def teardown(self) -> None:
        try:
            level(self.processes)
            for process in self.processes:
                while process.hints:
                    process.hear()
            level(self.processes)
            self.check()
        finally:
            self.stack.close()

    def check(self) -> None:
        """All have read the log; and what is in it was allowed."""
        kept = {
            message.seq: message.body
            for message in self.log.messages("class")
            if not message.removed
        }
        for process in self.processes:
            room = process.club.server._rooms.get("class")
            if room:
                assert room.version == self.log.version("class")
                assert room.charter.to_json() == self.log.charter("class")
                assert set(room.queue.held) == {held.id for held in self.log.held("class")}
        for reader in self.everybody:
            reader.read()
            if reader.closed:
                assert self.may_be_closed
                continue
            assert not reader.asked, "not everything was answered"
            view = {seq: message["body"] for seq, message in reader.view.items()}
            # What was removed before it came, and is back, stands before what it has.
            first = min(view, default=1 << 40)
            assert view == {seq: body for seq, body in kept.items() if seq >= first}
            told = {id: it["counts"] for id, it in reader.states.items() if it["counts"]}
            assert told == {str(it.id): it.counts for it in self.log.reacted("class") if it.counts}
            for cmid, id in reader.acked.items():
                message = next(it for it in self.log.messages("class") if it.id == id)
                assert message.cmid == cmid
        for message, charter in self.log.past:
            rules = Charter.parse(charter)
            is_host = rules.rank_of(message.user_id).is_host
            was_asked_for = rules.speak.value == "approval"  # then a host has approved it
            assert is_host or rules.lets_all_speak or was_asked_for
        assert not any(process.club.server.errors for process in self.processes) or (
            self.may_be_closed
        )

    may_be_closed = False


class TroubledLog(OneLog):
    """The history fails, answers of it are lost, hints are lost or doubled."""

    may_be_closed = True

    @rule(what=st.sampled_from(["say", "missed", "opening", "enact", "hold", "settle", "react"]))
    def break_down(self, what: str) -> None:
        self.log.failing.add(what)

    @rule()
    def recover(self) -> None:
        self.log.failing.clear()

    @rule()
    def lose_an_answer(self) -> None:
        self.log.is_losing_answers = True

    @rule(at=WHICH, index=INDEX)
    def lose_a_hint(self, at: int, index: int) -> None:
        self.processes[at].lose(index)

    @rule(at=WHICH, index=INDEX)
    def double_a_hint(self, at: int, index: int) -> None:
        hints = self.processes[at].hints
        if hints:
            hints.append(hints[index % len(hints)])

    def teardown(self) -> None:
        self.log.failing.clear()
        self.log.is_losing_answers = False
        super().teardown()
