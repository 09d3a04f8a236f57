"""Reactions where two processes have the room: told at both, in one order, and at most so often."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from chatroom.errors import Refusal
from chatroom.message import MessageId
from chatroom.reactions import Click, Person
from chatroom.rooms import reactions, shared_reactions
from chatroom.rooms.bus import ReactionNews
from chatroom.rooms.subscriber import HeardReactions
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.users.requests import Ruling
from chatroom.wire.acts import Forget
from chatroom.wire.reactions import React
from tests.support.in_memory_room import TypedGuest
from tests.support.shared_memory import SharedMemory, SharingProcess, level

Fields = dict[str, Any]

ROOM = "class"


class TwoRooms:
    """One room in two processes: Ann, its host, is in the first, Bob in the second."""

    def __init__(self, stack: ExitStack) -> None:
        self.log = SharedMemory()
        self.one, self.other = (SharingProcess(stack, self.log, leave_grace=0.0) for _ in range(2))
        self.one.others, self.other.others = [self.other], [self.one]
        self.ann = TypedGuest(self.one.club, "Ann", ROOM, {})
        self.bob = TypedGuest(self.other.club, "Bob", ROOM, {})
        self.level()
        self.ann.send("message", cmid="m1", body="hi")
        self.level()
        self.ann.send("message", cmid="m2", body="ho")
        self.level()
        self.one.hints, self.other.hints = [], []
        self.ann.heard(), self.bob.heard()

    def level(self) -> None:
        level([self.one, self.other])

    def id(self, number: int = 0) -> str:
        return self.log.messages(ROOM)[number].id

    def react(
        self, who: TypedGuest, number: int = 0, kind: str = "like", *, on: bool = True
    ) -> None:
        """And their process does what follows."""
        who.send("react", cmid=kind, id=self.id(number), kind=kind, on=on)
        self.work(self.one if who is self.ann else self.other)

    @staticmethod
    def work(process: SharingProcess) -> None:
        process.club.settle()
        while process.write() or process.keep():
            pass

    def hear(self, process: SharingProcess) -> None:
        """All its hints, and it looks."""
        while process.hints:
            process.hear()
        self.work(process)


@pytest.fixture
def two() -> Iterator[TwoRooms]:
    with ExitStack() as stack:
        yield TwoRooms(stack)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rooms are told as often as somebody clicks."""
    monkeypatch.setattr(reactions, "INTERVAL", 0.0)
    monkeypatch.setattr(reactions, "TOLD_A_SECOND", float("inf"))


def told(guest: TypedGuest) -> list[Fields]:
    kinds = ("reactions", "reacted", "done", "error")
    return [it for it in guest.heard() if it.get("type") in kinds]


def counts(guest: TypedGuest) -> list[dict[str, int]]:
    """Of each message in each frame since the last look."""
    frames = [it for it in guest.heard() if it.get("type") == "reactions"]
    return [message["counts"] for frame in frames for message in frame["messages"]]


def test_both_are_told_the_same_with_the_same_marks(two: TwoRooms, at_once: None) -> None:
    two.react(two.ann)
    two.hear(two.other)
    two.react(two.bob, kind="wow")
    two.hear(two.one)

    one, done, two_of_them = told(two.ann)
    same, same_again, done_there = told(two.bob)

    assert (one, two_of_them) == (same, same_again)
    assert one["messages"][0]["counts"] == {"like": 1}
    assert two_of_them["messages"][0]["counts"] == {"like": 1, "wow": 1}
    assert two_of_them["mark"] > one["mark"]
    assert (done["type"], done_there["type"]) == ("done", "done")


def test_an_answer_comes_after_what_is_told_and_the_others_tabs_hear(
    two: TwoRooms, at_once: None
) -> None:
    two.react(two.bob)
    assert [it["type"] for it in told(two.bob)] == ["reactions", "done"]

    two.react(two.bob)
    assert [it["type"] for it in told(two.bob)] == ["done"], "nothing has changed"
    assert len(two.one.hints) == 1

    two.react(two.bob, on=False)
    assert [it["type"] for it in told(two.bob)] == ["reactions", "done"]


def test_without_a_hint_it_is_heard_within_a_second(two: TwoRooms, at_once: None) -> None:
    two.react(two.ann)
    two.other.lose(0)
    assert told(two.bob) == []

    two.other.compare()
    two.work(two.other)

    assert counts(two.bob) == [{"like": 1}]


def test_hints_that_come_late_twice_or_for_nothing_cost_no_look(
    two: TwoRooms, at_once: None
) -> None:
    two.react(two.ann)
    (hint,) = two.other.hints
    two.hear(two.other)
    looks = two.other.keeper.looks

    nowhere = ReactionNews("nowhere", 99)
    two.other.hints += [hint, hint, nowhere]
    two.hear(two.other)

    assert two.other.keeper.looks == looks


def test_however_many_click_elsewhere_the_room_is_told_once_a_while(two: TwoRooms) -> None:
    two.react(two.bob)
    assert [it["type"] for it in told(two.bob)] == ["reactions", "done"], "at once"

    for number in range(20):
        who = Person(f"{number:016x}", "Somebody")
        two.log.react([Click(ROOM, MessageId.parse(two.id()), who, "wow", on=True)])
        two.other.hints.append(ReactionNews(ROOM, two.log.marks[ROOM]))
        two.hear(two.other)
    two.react(two.bob, kind="love")
    assert told(two.bob) == []

    two.other.pass_time()
    two.work(two.other)
    two.other.pass_time()

    frame, done = told(two.bob)
    assert frame["messages"][0]["counts"] == {"like": 1, "love": 1, "wow": 20}
    assert done["type"] == "done"


def test_of_very_many_clicks_some_are_stored_at_once_and_all_are_answered(
    two: TwoRooms, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_reactions, "MOST_AT_ONCE", 2)
    crowd = [TypedGuest(two.one.club, f"Person {n}", ROOM, {}) for n in range(5)]
    for person in crowd:
        person.user._receive(
            json.dumps({"type": "react", "cmid": "c", "id": two.id(), "kind": "wow"})
        )

    for _ in range(3):
        two.work(two.one)

    assert two.log.reacted(ROOM)[0].counts == {"wow": 5}
    assert all("done" in [it["type"] for it in told(person)] for person in crowd)


def test_a_reaction_comes_after_the_message_that_it_is_to(two: TwoRooms, at_once: None) -> None:
    two.ann.send("message", cmid="m3", body="hey")
    two.work(two.one)
    two.react(two.ann, 2)
    two.other.lose(0)

    two.hear(two.other)

    frames = [it for it in two.bob.heard() if it.get("type", "message") in ("message", "reactions")]
    assert [it.get("body") for it in frames] == ["hey", None]
    assert frames[1]["messages"][0]["id"] == two.id(2)


def test_what_is_removed_before_the_room_is_told_is_not_told(two: TwoRooms) -> None:
    two.react(two.ann)
    two.react(two.ann, 1)
    two.ann.send("remove", cmid="r", id=two.id(1))
    two.work(two.one)
    told(two.ann)

    two.one.pass_time()
    two.work(two.one)
    two.one.pass_time()

    assert counts(two.ann) == []


def test_what_is_not_stored_is_said_and_can_be_sent_again(two: TwoRooms, at_once: None) -> None:
    two.log.failing.add("react")
    two.react(two.ann)
    assert [it["code"] for it in told(two.ann)] == ["not-stored"]

    two.log.failing.clear()
    two.log.is_losing_answers = True
    two.react(two.ann)
    assert [it["code"] for it in told(two.ann)] == ["not-stored"]

    two.react(two.ann)
    assert [it["type"] for it in told(two.ann)][-1] == "done"
    two.level()
    assert counts(two.bob) == [{"like": 1}]
    assert two.one.club.server._rooms[ROOM].awaited == 0


def test_where_the_change_cannot_be_read_the_answer_comes_all_the_same(
    two: TwoRooms, at_once: None
) -> None:
    two.log.failing.add("missed")
    two.react(two.ann)
    assert [it["type"] for it in told(two.ann)] == ["done"]

    two.log.failing.clear()
    two.level()
    assert counts(two.ann) == counts(two.bob) == [{"like": 1}]


def test_what_somebody_erases_is_told_everywhere(two: TwoRooms, at_once: None) -> None:
    two.react(two.bob)
    two.react(two.ann, 1)
    two.level()
    counts(two.ann), counts(two.bob)

    speaker = HttpSpeaker(ROOM, "", user_id=two.bob.user.user_id)
    two.other.club.server.broadcast.put(Ruling(speaker, Forget()))
    two.other.club.settle()
    two.level()

    assert counts(two.ann) == counts(two.bob) == [{}]


def test_more_changes_than_are_told_at_once_come_one_frame_after_the_other(
    two: TwoRooms, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    two.react(two.bob)
    two.react(two.bob, 1)
    two.level()
    told(two.ann), told(two.bob)
    monkeypatch.setattr("chatroom.reactions.MOST_TOLD", 1)

    speaker = HttpSpeaker(ROOM, "", user_id=two.bob.user.user_id)
    two.other.club.server.broadcast.put(Ruling(speaker, Forget()))
    two.other.club.settle()
    two.level()

    for guest in two.ann, two.bob:
        first, second = told(guest)
        assert [it["id"] for it in first["messages"]] == [two.id(0)]
        assert [it["id"] for it in second["messages"]] == [two.id(1)]
        assert first["mark"] < second["mark"] == two.log.last_mark(ROOM)


def test_whoever_comes_knows_the_mark_and_asks_for_what_there_is(
    two: TwoRooms, at_once: None
) -> None:
    two.react(two.ann)
    eve = TypedGuest(two.other.club, "Eve", ROOM, {})
    assert "reactions" not in eve.heard()[0], "this process has not heard of it"
    two.level()
    (frame,) = told(eve)

    dan = TypedGuest(two.other.club, "Dan", ROOM, {})
    assert dan.heard()[0]["reactions"] == frame["mark"] == two.log.marks[ROOM]
    dan.send("reactions")
    assert counts(dan) == [{"like": 1}]


def test_whoever_comes_to_either_hears_that_what_is_restored_has_none(
    two: TwoRooms, at_once: None
) -> None:
    """Those who were there know that since it was removed."""
    two.react(two.bob, 1)
    two.level()
    mark = max(it["mark"] for it in told(two.bob) if it["type"] == "reactions")
    two.bob.send("message", cmid="b", body="Bob's")
    two.level()
    two.react(two.ann, 2)
    two.level()
    mark = max(it["mark"] for it in told(two.bob) if it["type"] == "reactions")
    two.ann.send("remove", cmid="r", id=two.id(2))
    two.level()
    two.ann.heard(), two.bob.heard()

    two.ann.send("restore", cmid="s", id=two.id(2))
    two.level()

    assert counts(two.ann) == counts(two.bob) == []
    for process in (two.one, two.other):
        eve = TypedGuest(process.club, f"Eve of {id(process)}", ROOM, {})
        assert eve.heard()[0]["reactions"] == two.log.marks[ROOM] > mark
        eve.send("reactions", since=mark)
        assert counts(eve) == [{}]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_click_without_a_socket_waits_until_the_room_is_read_and_leaves_none_behind(
    two: TwoRooms, at_once: None, *, is_there: bool
) -> None:
    two.log.append([message._replace(room="garden") for message in two.log.messages(ROOM)])
    speaker = HttpSpeaker("garden", "", "127.0.0.1", "somebody")
    id = two.id() if is_there else "7-ab"
    two.one.club.server.reactions.click(speaker, React("c", MessageId.parse(id), "like", on=True))

    two.work(two.one)

    if is_there:
        speaker.outcome.result(0)
    else:
        with pytest.raises(Refusal, match="no such message"):
            speaker.outcome.result(0)
    assert "garden" not in two.one.club.rooms()
    assert len(two.log.reacted("garden")) == is_there


def test_a_room_that_cannot_be_read_is_not_clicked_in(two: TwoRooms) -> None:
    two.log.failing.add("opening")
    speaker = HttpSpeaker("garden", "", "127.0.0.1", "somebody")
    two.one.club.server.reactions.click(speaker, React("c", MessageId(1, "a"), "like", on=True))

    two.work(two.one)

    with pytest.raises(Refusal, match="could not be stored"):
        speaker.outcome.result(0)


class StreamEars:
    """An event stream, in one of the processes."""

    def __init__(self, process: SharingProcess) -> None:
        self.heard: list[Any] = []
        self.since = process.club.server._entrance.subscribe(ROOM, self, "")  # type: ignore[arg-type]

    def take(self, batch: Any) -> None:
        self.heard += batch

    def end(self, code: int, reason: str) -> None:
        pass

    def counts(self) -> list[dict[str, int]]:
        told = [one for one in self.heard if isinstance(one, HeardReactions)]
        return [it["counts"] for one in told for it in json.loads(one.json)["messages"]]


def test_streams_hear_in_both_processes_what_there_is_without_names(
    two: TwoRooms, at_once: None
) -> None:
    here, there = StreamEars(two.one), StreamEars(two.other)
    two.react(two.ann)
    two.hear(two.other)
    two.react(two.bob, kind="wow")
    two.hear(two.one)

    for ears in (here, there):
        assert ears.counts() == [{"like": 1}, {"like": 1, "wow": 1}]
        assert "Ann" not in str(ears.heard)
        first, second = ears.heard
        assert (first.after, first.mark) == (ears.since.mark, second.after)
    assert second.mark == two.log.last_mark(ROOM)
    assert StreamEars(two.one).since.mark == second.mark


def test_a_stream_hears_no_reaction_to_what_was_removed_meanwhile(
    two: TwoRooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactions, "INTERVAL", 60.0)
    two.react(two.ann)
    two.level()
    ears = StreamEars(two.one)
    two.react(two.ann, kind="wow")
    two.react(two.ann, 1)
    two.one.pass_time(61)
    two.work(two.one)
    two.ann.send("remove", cmid="r", id=two.id())
    two.level()
    two.one.pass_time(61)
    two.level()

    assert ears.counts() == [{"like": 1}]
    assert two.id() not in str([it for it in ears.heard if isinstance(it, HeardReactions)])
