"""What is heard of other processes, where it is not what was expected."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from chatroom.message import Draft
from chatroom.rooms import sweeping
from chatroom.rooms.sweeper import PATIENCE
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.users.proof import Shown
from chatroom.users.requests import CaughtUp, Ruling, Said
from chatroom.wire.acts import Forget
from tests.support.deadline import wait_for
from tests.support.in_memory_room import TypedGuest
from tests.support.shared_memory import SharedMemory, SharingProcess, level


def test_whoever_waits_for_a_message_that_is_lost_keeps_nobody_from_hearing_of_that() -> None:
    """They have read it at another process; then a standby took over that did not have it."""
    with ExitStack() as stack:
        history = SharedMemory()
        one, other = (SharingProcess(stack, history, leave_grace=0.0) for _ in range(2))
        bob = TypedGuest(one.club, "Bob", "class", {})
        eve = TypedGuest(other.club, "Eve", "class", {})
        level([one, other])
        eve.send("message", cmid="c1", body="one")
        level([one, other])
        eve.send("message", cmid="c2", body="two")
        other.write()
        ann = TypedGuest(one.club, "Ann", "class", {}, since=str(history.head("class")))
        assert ann.heard() == [], "the room here has not heard of it"

        history.delete("class")
        level([one, other])

        for guest in (ann, bob, eve):
            assert guest.line.peer.closed_with()[0] == 4009
        assert one.club.rooms() == other.club.rooms() == []


# -- keys and codes that were given elsewhere, just now ------------------------------------------


class TwoDoors:
    """One shut room in two processes: Ann, its host, is in the first, Bob in the second. What she
    does is not heard there before somebody looks."""

    def __init__(self, stack: ExitStack) -> None:
        history = SharedMemory()
        self.one, self.other = (SharingProcess(stack, history, leave_grace=0.0) for _ in range(2))
        self.ann = TypedGuest(self.one.club, "Ann", "class", {})
        self.act("rules", door="shut")
        shown = self.act("makeKey", name="Bob")["key"]
        TypedGuest(self.other.club, "Bob", "class", {}, key=shown)
        self.level()

    def act(self, word: str, **fields: object) -> dict[str, Any]:
        """What Ann is told."""
        self.ann.send("host", cmid="h", act=word, **fields)
        self.work(self.one)
        (answer,) = (it for it in self.ann.heard() if it.get("type") == "done")
        return answer

    def come(self, key: str) -> TypedGuest:
        return TypedGuest(self.other.club, "Eve", "class", {}, key=key)

    def work(self, process: SharingProcess) -> None:
        while process.write() or process.keep():
            pass

    def level(self) -> None:
        level([self.one, self.other])


@pytest.fixture
def doors() -> Iterator[TwoDoors]:
    with ExitStack() as stack:
        yield TwoDoors(stack)


def answers(guest: TypedGuest) -> list[str]:
    return [it.get("code", it["type"]) for it in guest.heard() if "type" in it]


def test_a_key_opens_the_door_of_a_process_that_has_not_heard_of_it(doors: TwoDoors) -> None:
    eve = doors.come(doors.act("makeKey", name="Eve")["key"])
    eve.send("message", cmid="e1", body="right behind the hello")
    assert eve.heard() == [], "nobody is turned away before a look"

    doors.work(doors.other)

    assert answers(eve)[:2] == ["welcome", "live"]
    assert doors.other.club.disk.head("class").seq == 1


def test_a_script_speaks_there_too(doors: TwoDoors) -> None:
    key = doors.act("makeKey", name="CI")["key"]
    proof = doors.other.club.doors.prove("class", "127.0.0.1", Shown(bearer=key))
    speaker = HttpSpeaker("class", "CI", proof=proof)
    doors.other.club.server.broadcast.put(Said(speaker, Draft("CI", "hello", ""), 5))
    doors.other.club.settle()

    doors.work(doors.other)

    assert doors.other.club.disk.head("class").seq == 1


def test_a_key_of_the_past_is_looked_for_once_and_refused(doors: TwoDoors) -> None:
    made = doors.act("makeKey", name="Eve")
    club = doors.other.club
    proof = club.doors.prove("class", "127.0.0.1", Shown(bearer=made["key"]))
    doors.act("revokeKey", userId=made["userId"])
    doors.level()

    judged: list[bool] = []

    def waits() -> bool:
        return club.server._rooms.wait_for("class", lambda: judged.append(True), proof)

    assert waits()
    assert not judged
    doors.work(doors.other)
    assert judged
    assert not waits()


def test_who_comes_while_the_database_is_away_is_judged_by_what_is_known(doors: TwoDoors) -> None:
    key = doors.act("makeKey", name="Eve")["key"]
    eve = doors.come(key)
    doors.other.club.disk.failing.add("missed")

    doors.work(doors.other)

    assert answers(eve) == ["shut"]


# -- who is told a long past -----------------------------------------------------------------------


def test_whoever_has_read_what_the_room_is_yet_to_hear_is_not_told_it_again() -> None:
    """Their past comes from the database, where another process has just stored something."""
    with ExitStack() as stack:
        history = SharedMemory()
        processes = [
            SharingProcess(stack, history, leave_grace=0.0, replay_limit=2) for _ in range(2)
        ]
        one, other = processes
        eve = TypedGuest(other.club, "Eve", "class", {})
        for number in range(6):
            eve.send("message", cmid=f"c{number}", body=f"{number}")
            level(processes)
        TypedGuest(one.club, "Bob", "class", {})
        level(processes)
        for cmid, body in (("last", "6"), ("gone", "7")):
            eve.send("message", cmid=cmid, body=body)
            other.write()
        said = history.messages("class")
        eve.send("remove", cmid="remove", id=said[-1].id)
        while other.write():
            pass
        ann = TypedGuest(one.club, "Ann", "class", {}, since=said[0].id, rev=0)
        writer = threading.Thread(target=ann.user.listen_write)
        writer.start()
        stack.callback(ann.line.connection.finish, writer)
        stack.callback(ann.line.connection.cut)
        frames: list[dict[str, Any]] = []

        def hears(word: str) -> bool:
            one.club.settle()
            one.keep()
            frames.extend(ann.heard())
            return any(frame.get("body") == word or frame.get("type") == word for frame in frames)

        wait_for(lambda: hears("live"), "the end of the past")
        eve.send("message", cmid="more", body="8")
        level(processes)
        wait_for(lambda: hears("8"), "what is said live")

    told = [frame["body"] for frame in frames if "body" in frame]
    assert told == ["1", "2", "3", "4", "5", "6", "8"]
    assert [it["id"] for it in frames if it.get("type") == "removed"] == [said[-1].id]


def test_whoever_has_read_ahead_comes_in_once_the_database_answers_again() -> None:
    with ExitStack() as stack:
        history = SharedMemory()
        processes = [SharingProcess(stack, history, leave_grace=0.0) for _ in range(2)]
        one, other = processes
        ann = TypedGuest(one.club, "Ann", "class", {})
        eve = TypedGuest(other.club, "Eve", "class", {})
        level(processes)
        eve.send("message", cmid="c1", body="one")
        other.write()
        ann.heard()
        room = one.club.server._rooms["class"]
        del room.users[ann.user], room.typed[ann.user]  # as one who is still told the past
        history.failing.add("missed")

        one.club.server.add.put(CaughtUp(ann.user, 1, 0))
        one.club.settle()
        while one.keep():
            pass
        assert ann.user not in room.users

        history.failing.clear()
        one.pass_time()
        level(processes)

        assert ann.user in room.users
        assert [frame for frame in ann.heard() if "body" in frame] == []


# -- who is erased ---------------------------------------------------------------------------------


def test_what_somebody_has_just_said_elsewhere_is_erased_with_the_rest() -> None:
    """Two tabs, at two processes: the one that erases has not heard of it."""
    with ExitStack() as stack:
        history = SharedMemory()
        processes = [SharingProcess(stack, history, leave_grace=0.0) for _ in range(2)]
        one, other = processes
        TypedGuest(one.club, "Bob", "class", {})
        ann = TypedGuest(other.club, "Ann", "class", {})
        for body in ("one", "two"):
            ann.send("message", cmid=body, body=body)
            level(processes)
        ann.send("message", cmid="three", body="three")
        other.write()

        speaker = HttpSpeaker("class", "", user_id=ann.user.user_id)
        one.club.server.broadcast.put(Ruling(speaker, Forget()))
        one.club.settle()
        level(processes)

        assert speaker.outcome.result(0)
        assert [(it.body, it.user_id) for it in history.messages("class")] == [("", "")] * 3
        removed = [frame for frame in ann.heard() if frame.get("type") == "removed"]
        assert max(frame["rev"] for frame in removed) == history.rev("class") == 3


def test_what_is_left_to_erase_by_a_process_that_is_gone_is_erased_once_somebody_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At another process, at which the room was not open when that was begun."""
    monkeypatch.setattr(sweeping, "MOST_AT_ONCE", 2)
    with ExitStack() as stack:
        history = SharedMemory()
        gone, other = (SharingProcess(stack, history, leave_grace=0.0) for _ in range(2))
        ann = TypedGuest(gone.club, "Ann", "class", {})
        for body in "12345":
            ann.send("message", cmid=body, body=body)
            level([gone])
        speaker = HttpSpeaker("class", "", user_id=ann.user.user_id)
        gone.club.server.broadcast.put(Ruling(speaker, Forget()))
        gone.club.settle()
        while gone.write():
            pass
        assert [it.body for it in history.messages("class")] == ["1", "2", "3", "", ""]

        TypedGuest(other.club, "Eve", "class", {})
        for _ in range(4):
            level([other])
            other.pass_time(PATIENCE + 1)
        level([other])

        assert {(it.body, it.user_id) for it in history.messages("class")} == {("", "")}
        assert ann.user.user_id not in history.charter("class")
