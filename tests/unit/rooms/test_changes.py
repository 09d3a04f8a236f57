"""What is changed: by whom, what becomes of it, and who hears of it; also if the answer is late."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chatroom.errors import ChatError, HistoryUnavailable, Refusal
from chatroom.message import MessageId
from chatroom.rooms.eraser import DAY_MS, Eraser
from chatroom.rooms.ranks import Rank
from chatroom.rooms.room import Room
from chatroom.rooms.subscriber import Heard, HeardChange
from chatroom.rooms.timers import Timers
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.users.proof import Proof
from chatroom.users.requests import Change
from chatroom.wire.typed import Edit, Remove
from tests.support.in_memory_room import DEFAULTS, InMemoryServer, TypedGuest


@pytest.fixture
def hosted(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The ids of those who are hosts."""
    hosts: set[str] = set()

    def rank_of(self: Room, user_id: str) -> Rank:
        return Rank.HOST if user_id in hosts else Rank.EVERYONE

    monkeypatch.setattr(Room, "rank_of", rank_of)
    return hosts


def enter(club: InMemoryServer, name: str, room: str = "lobby", **hello: Any) -> TypedGuest:
    return TypedGuest(club, name, room, {}, **hello)


def told(guest: TypedGuest) -> list[str]:
    """What has come since the last look, in words."""
    words = []
    for frame in guest.heard():
        match frame.get("type"):
            case "changed":
                words.append(f"{frame['rev']}: {frame['message']['body']}")
            case "removed":
                words.append(f"{frame['rev']}: gone by {frame['by']}")
            case "done":
                words.append(f"done {frame['cmid']}")
            case "error":
                words.append(f"{frame['code']} {frame.get('cmid')}")
            case None:
                words.append(frame["body"])
    return words


def id_of(club: InMemoryServer, index: int = 0) -> str:
    return club.disk.messages()[index].id


def test_all_hear_of_a_change_before_it_is_done(club: InMemoryServer) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    ann.say("mornnig")
    told(ann), told(bob)

    ann.send("edit", cmid="e", id=id_of(club), body="morning")
    ann.send("remove", cmid="r", id=id_of(club))

    assert told(ann) == ["1: morning", "done e", "2: gone by author", "done r"]
    assert told(bob) == ["1: morning", "2: gone by author"]


def test_plain_users_hear_of_no_change_and_find_it_when_they_come(club: InMemoryServer) -> None:
    ann, old = enter(club, "Ann"), club.join("Old")
    ann.say("mornnig", "secret")
    assert old.heard() == ["mornnig", "secret"]

    ann.send("edit", cmid="e", id=id_of(club), body="morning")
    ann.send("remove", cmid="r", id=id_of(club, 1))

    assert old.heard() == []
    assert club.join("New").heard() == ["morning"]


def test_what_is_asked_for_again_is_done_and_nobody_is_told_twice(
    club: InMemoryServer, hosted: set[str]
) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    ann.say("one", "two")
    one, two = id_of(club), id_of(club, 1)
    for _ in range(2):
        ann.send("edit", cmid="e", id=one, body="better")
    for _ in range(2):
        ann.send("remove", cmid="r", id=two)
    hosted.add(ann.user.user_id)
    ann.send("restore", cmid="b", id=one)

    changes = ["1: better", "2: gone by author"]
    assert told(bob)[2:] == changes
    assert [word for word in told(ann) if word.startswith("done")] == [
        "done e", "done e", "done r", "done r", "done b",
    ]  # fmt: skip
    assert club.disk.rev("lobby") == 2


def test_an_edit_that_was_in_time_is_done_when_it_is_sent_again_late(
    make: Callable[..., InMemoryServer],
) -> None:
    """Its answer was lost, and the line came back after the time was over."""
    club = make(edit_minutes=15)
    ann = enter(club, "Ann")
    ann.say("mornnig")
    ann.send("edit", cmid="e", id=id_of(club), body="morning")
    told(ann)
    club.server._broadcaster._policy._edit_minutes = -1

    ann.send("edit", cmid="e", id=id_of(club), body="morning")
    ann.send("edit", cmid="f", id=id_of(club), body="evening")

    assert told(ann) == ["done e", "too-late f"]


def test_what_a_host_removes_can_be_restored_and_what_its_author_removes_cannot(
    club: InMemoryServer, hosted: set[str]
) -> None:
    ann, eve = enter(club, "Ann"), enter(club, "Eve")
    hosted.add(eve.user.user_id)
    ann.say("one", "two")
    one, two = id_of(club), id_of(club, 1)
    told(ann), told(eve)

    eve.send("remove", cmid="r", id=one)
    ann.send("edit", cmid="e", id=one, body="again")
    ann.send("restore", cmid="a", id=one)
    eve.send("restore", cmid="b", id=one)
    ann.send("remove", cmid="s", id=two)
    eve.send("restore", cmid="c", id=two)

    assert told(ann) == [
        "1: gone by host", "gone e", "not-yours a", "2: one", "3: gone by author", "done s",
    ]  # fmt: skip
    assert told(eve)[-1] == "gone c"
    assert [m.body for m in club.disk.messages()] == ["one", ""]


def test_what_a_host_removes_or_restores_is_in_the_host_log_without_a_text(
    club: InMemoryServer,
) -> None:
    """And what anybody does to their own messages is not."""
    eve, ann = enter(club, "Eve", "class"), enter(club, "Ann", "class")
    club.join("Old", "class").say("secret")
    club.settle()
    ann.say("two", "three")
    eve.say("four")
    first, second, third, fourth = (message.id for message in club.disk.messages("class"))
    told(eve), told(ann)

    eve.send("remove", cmid="r", id=first)
    eve.send("restore", cmid="b", id=first)
    eve.send("remove", cmid="s", id=second)
    eve.send("remove", cmid="s", id=second)
    eve.send("remove", cmid="t", id=fourth)
    ann.send("remove", cmid="u", id=third)

    frames = eve.heard()
    log = [frame for frame in frames if frame.get("type") == "log"]
    by = {"userId": eve.user.user_id, "userName": "Eve"}
    of_ann = {"userId": ann.user.user_id, "userName": "Ann"}
    of_old = {"userId": "", "userName": "Old"}
    assert [(one["act"], one["what"], one["whom"]) for one in log] == [
        ("remove", first, of_old), ("restore", first, of_old), ("remove", second, of_ann),
    ]  # fmt: skip
    assert all(one["by"] == by for one in log)
    assert [frame["type"] for frame in frames[:3]] == ["removed", "log", "done"]
    assert "log" not in [frame.get("type") for frame in ann.heard()]
    assert [entry.act for entry in club.disk.host_log("class")] == ["remove", "restore", "remove"]
    eve.send("host", cmid="l", act="look")
    (look,) = eve.heard()
    assert [{"type": "log", **entry} for entry in look["log"]] == log[::-1]
    assert "secret" not in str(look)


def test_the_operators_removal_is_a_hosts_though_nobody_has_written_the_message(
    club: InMemoryServer,
) -> None:
    """Neither has a user id: that doesn't make the one the other's."""
    club.join("Old").say("one")
    club.settle()
    speaker = HttpSpeaker("lobby", "", operator_link="nonce")
    remove = Remove("", MessageId.parse(id_of(club)))
    club.server.broadcast.put(Change(speaker, remove, 100))
    club.settle()

    assert speaker.outcome.result(0).message.removed == "host"
    (entry,) = club.disk.host_log("lobby")
    assert (entry.by_id, entry.by_name, entry.whom_name) == ("", "operator", "Old")


@pytest.mark.parametrize("id", ["7-" + "a" * 16, "1-" + "a" * 16])
def test_what_is_not_there_is_gone(club: InMemoryServer, id: str) -> None:
    ann = enter(club, "Ann")
    ann.say("one")
    told(ann)

    ann.send("remove", cmid="r", id=id)

    assert told(ann) == ["gone r"]


def test_a_change_keeps_its_place_among_what_is_said(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")
    ann.say("one")
    told(ann)
    ann.settles = False

    ann.say("two")
    ann.send("edit", cmid="e", id=id_of(club), body="1")
    ann.say("three")
    club.settle()

    assert told(ann) == ["two", "1: 1", "done e", "three"]


def test_a_change_that_is_not_stored_is_told_and_can_be_asked_for_again(
    club: InMemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    ann.say("mornnig")
    told(ann), told(bob)

    def full(*_: object) -> None:
        raise HistoryUnavailable("memory:", "disk full", "make room")

    with monkeypatch.context() as patch:
        patch.setattr(club.disk, "rewrite", full)
        ann.send("edit", cmid="e", id=id_of(club), body="morning")
    assert told(ann) == ["not-stored e"]
    assert club.join("New").heard() == ["mornnig"]
    ann.send("edit", cmid="e", id=id_of(club), body="morning")

    assert told(ann) == ["1: morning", "done e"]
    assert told(bob) == ["1: morning"]


def test_who_was_not_let_in_changes_nothing_and_opens_no_room(
    make: Callable[..., InMemoryServer],
) -> None:
    club = make(leave_grace=0.0)
    ann = enter(club, "Ann")
    ann.say("one")
    ann.leave()
    club.settle()
    assert club.rooms() == []
    told(ann)
    club.disk.failing.add("tail")

    ann.send("remove", cmid="r", id=id_of(club))

    assert told(ann) == ["hello-first r"]


def test_a_script_changes_what_is_its_own(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")
    ann.say("mornnig")
    id = MessageId.parse(id_of(club))
    mine = HttpSpeaker("lobby", "", user_id=ann.user.user_id)
    other = HttpSpeaker("lobby", "", user_id="u2")
    ann.leave()
    for speaker in (mine, other):
        club.server.broadcast.put(Change(speaker, Edit("e", id, "morning"), 100))
    club.settle()

    assert mine.outcome.result(0).message.body == "morning"
    with pytest.raises(Refusal, match="not-yours"):
        other.outcome.result(0)


def test_a_script_is_charged_for_the_text_that_it_sends(club: InMemoryServer) -> None:
    """A batch is bounded by what its frames take."""
    edit = Edit("e", MessageId(1, "a" * 16), "x" * 1000)
    with pytest.raises(ChatError):
        club.server.change("lobby", edit, by=Proof(user_id="u1"), timeout=0.0)

    (change,) = club.server.broadcast.drain(1 << 20, lambda item: item.cost)
    assert change.cost > 1000


class Ears:
    def __init__(self) -> None:
        self.heard: list[Heard | HeardChange] = []

    def take(self, batch: Any) -> None:
        self.heard += batch


def test_subscribers_hear_of_changes(club: InMemoryServer) -> None:
    ann, ears = enter(club, "Ann"), Ears()
    club.server._entrance.subscribe("lobby", ears, "")
    ann.say("mornnig")
    id = id_of(club)

    ann.send("edit", cmid="e", id=id, body="morning")
    ann.send("remove", cmid="r", id=id)

    _, edited, removed = ears.heard
    assert isinstance(edited, HeardChange)
    assert '"body":"morning"' in edited.json
    assert removed == HeardChange(MessageId.parse(id), 2, "", "author")


# -- coming back -----------------------------------------------------------------------------------


def test_who_comes_back_is_told_what_has_changed_once_as_it_now_is(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")
    ann.say("one", "two")
    since = id_of(club, 1)
    for body in ("1", "1.0"):
        ann.send("edit", cmid="e", id=id_of(club), body=body)
    ann.send("remove", cmid="r", id=id_of(club, 1))
    ann.say("three")

    assert told(enter(club, "Bob", since=since, rev=0)) == ["three", "2: 1.0", "3: gone by author"]
    assert told(enter(club, "Cid", since=since, rev=2)) == ["three", "3: gone by author"]
    assert told(enter(club, "Dan", since=since)) == ["three"]
    assert told(enter(club, "Eve", rev=0)) == ["1.0", "three"]


def test_who_has_seen_changes_that_are_none_starts_afresh(club: InMemoryServer) -> None:
    """An older backup was restored."""
    ann = enter(club, "Ann")
    ann.say("one")

    bob = enter(club, "Bob", since=id_of(club), rev=5)

    frames = bob.heard()
    assert (frames[0]["recovered"], frames[0]["rev"]) == (False, 0)
    assert frames[1]["body"] == "one"


# -- while something is under way ------------------------------------------------------------------


def answer(club: InMemoryServer) -> None:
    club.order.commit()
    club.order.tell()
    club.settle()


def test_a_change_waits_for_the_batch_before_it_and_the_next_for_the_change(
    make: Callable[..., InMemoryServer],
) -> None:
    club = make(late={"order"})
    ann = enter(club, "Ann")
    ann.say("one")
    answer(club)
    ann.say("two")
    ann.send("edit", cmid="e", id=id_of(club), body="1")
    ann.say("three")
    told(ann)

    heard = []
    for _ in range(3):
        answer(club)
        heard.append(told(ann))

    assert heard == [["two"], ["1: 1", "done e"], ["three"]]


def test_who_comes_while_a_change_is_under_way_has_it_in_the_end(
    make: Callable[..., InMemoryServer],
) -> None:
    club = make(late={"order"})
    ann = enter(club, "Ann")
    ann.say("one")
    answer(club)
    ann.send("edit", cmid="e", id=id_of(club), body="1")
    before = enter(club, "Before")
    club.order.commit()
    between = enter(club, "Between", since="0-0", rev=0)
    club.order.tell()
    club.settle()

    for guest in (before, between):
        assert told(guest)[-1] == "1: 1"


def test_a_room_that_everybody_leaves_meanwhile_is_kept_until_the_answer(
    make: Callable[..., InMemoryServer],
) -> None:
    club = make(late={"order"}, leave_grace=0.0)
    ann = enter(club, "Ann")
    ann.say("one")
    answer(club)
    script = HttpSpeaker("lobby", "", user_id=ann.user.user_id)
    remove = Remove("r", MessageId.parse(id_of(club)))
    club.server.broadcast.put(Change(script, remove, 100))
    club.settle()
    ann.leave()
    assert club.rooms() == ["lobby"]

    answer(club)
    club.settle()

    assert script.outcome.result(0).message.removed == "author"
    assert club.rooms() == []


# -- the eraser ------------------------------------------------------------------------------------


class Dusty:
    """A history that notes what is asked of it, and fails if the test says so."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.is_failing = False

    def erase(self, before: int, step: int, noted_before: int) -> int:
        self.asked += [before, noted_before]
        return 0

    def clean(self) -> None:
        self.asked.append("clean")
        if self.is_failing:
            raise HistoryUnavailable("chat.db", "its log is being read", "wait")


def test_the_eraser_says_so_only_if_it_fails_twice(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    timers, history = Timers(), Dusty()
    eraser = Eraser(history, timers, DEFAULTS)  # type: ignore[arg-type]
    monkeypatch.setattr("chatroom.rooms.eraser.time.time_ns", lambda: 99 * DAY_MS * 1_000_000)

    eraser._step()
    history.is_failing = True
    eraser._step()
    assert caplog.messages == []
    eraser._step()

    assert history.asked == [92 * DAY_MS, 9 * DAY_MS, "clean"] * 3
    (message,) = caplog.messages
    assert "removed texts may still be in a file" in message
    assert timers.run() is not None
