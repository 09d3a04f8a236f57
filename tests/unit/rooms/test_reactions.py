"""Who reacts to what: that it is stored, told as a state, at most so often, and by whom."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from chatroom.errors import HistoryUnavailable, Refusal
from chatroom.history import reaction_records
from chatroom.history.memory import reactions as memory
from chatroom.message import MessageId
from chatroom.reactions import (
    FEW_PEOPLE,
    KINDS,
    MOST_NAMED,
    MOST_PEOPLE,
    Click,
    Person,
    Reacted,
)
from chatroom.rooms import reactions
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.users.requests import Ruling
from chatroom.wire.acts import Forget
from chatroom.wire.reactions import React
from tests.support.deadline import wait_for
from tests.support.in_memory_room import InMemoryServer, TypedGuest

Fields = dict[str, Any]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The room is told as often as somebody clicks."""
    monkeypatch.setattr(reactions, "INTERVAL", 0.0)
    monkeypatch.setattr(reactions, "TOLD_A_SECOND", float("inf"))


ROOM = "garden"
"""Whoever comes first is its host."""


def enter(club: InMemoryServer, name: str, **hello: Any) -> TypedGuest:
    return TypedGuest(club, name, ROOM, {}, **hello)


def id_of(club: InMemoryServer, index: int = 0) -> str:
    return club.disk.messages(ROOM)[index].id


def react(guest: TypedGuest, id: str, kind: str = "like", *, on: bool = True) -> None:
    frame = {"type": "react", "cmid": kind, "id": id, "kind": kind, "on": on}
    guest.user._receive(json.dumps(frame))
    guest.server.settle()


def told(guest: TypedGuest) -> list[Fields]:
    return [
        it for it in guest.heard() if it.get("type") in ("reactions", "reacted", "done", "error")
    ]


def counts(guest: TypedGuest) -> list[dict[str, int]]:
    """Of each message in each frame since the last look."""
    frames = [it for it in guest.heard() if it.get("type") == "reactions"]
    return [message["counts"] for frame in frames for message in frame["messages"]]


def test_everybody_hears_what_there_is_before_it_is_done(
    club: InMemoryServer, at_once: None
) -> None:
    ann, bob, old = enter(club, "Ann"), enter(club, "Bob"), club.join("Old", ROOM)
    ann.say("hi")
    told(ann), told(bob), old.heard()

    react(bob, id_of(club))
    react(bob, id_of(club), on=False)

    one, done, none, done_again = told(bob)
    who = {"userId": bob.user.user_id, "userName": "Bob"}
    state = {"id": id_of(club), "mark": one["mark"], "counts": {"like": 1}}
    assert one["messages"] == [{**state, "people": {"like": [who]}}]
    assert none["messages"] == [{**state, "mark": none["mark"], "counts": {}}]
    assert none["mark"] > one["mark"]
    assert [done, done_again] == [{"type": "done", "cmid": "like"}] * 2
    assert told(ann) == [one, none]
    assert old.heard() == []
    assert club.disk.messages(ROOM)[0].body == "hi"
    assert club.disk.messages(ROOM)[0].rev == 0


def test_many_clicks_make_one_transaction_and_one_frame(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")
    crowd = [enter(club, f"Person {number}") for number in range(20)]
    ann.say("hi", "ho")
    react(ann, id_of(club))
    for person in (ann, *crowd):
        person.heard()

    for number, person in enumerate(crowd):
        react(person, id_of(club, number % 2), "wow")
    assert told(ann) == []
    began = time.monotonic()
    heard: list[Fields] = []

    def is_told() -> bool:
        club.settle()
        heard.extend(told(ann))
        return bool(heard)

    wait_for(is_told, "the room is told")

    assert time.monotonic() - began < reactions.INTERVAL + 1
    (frame,) = heard
    assert [it["counts"] for it in frame["messages"]] == [{"like": 1, "wow": 10}, {"wow": 10}]
    assert all(told(person)[-1] == {"type": "done", "cmid": "wow"} for person in crowd)


def test_other_tabs_of_the_same_person_are_told(club: InMemoryServer, at_once: None) -> None:
    ann = enter(club, "Ann")
    token = ann.heard()[0]["token"]
    ann.say("hi")
    tab = enter(club, "Ann", token=token)
    told(tab)

    react(ann, id_of(club))

    assert told(tab)[-1] == {"type": "reacted", "id": id_of(club), "kind": "like", "on": True}
    assert [it["type"] for it in told(ann)] == ["reactions", "done"]


def test_nobody_is_named_in_a_large_room(club: InMemoryServer, at_once: None) -> None:
    ann = enter(club, "Ann")
    ann.say("hi")
    club.server._rooms[ROOM].presence.is_large = True

    react(ann, id_of(club))

    (frame, _) = told(ann)
    assert frame["messages"][0].keys() == {"id", "mark", "counts"}


def test_whoever_comes_asks_for_what_there_is(club: InMemoryServer, at_once: None) -> None:
    ann = enter(club, "Ann")
    assert "reactions" not in ann.heard()[0]
    ann.say("one", "two")
    react(ann, id_of(club))
    react(ann, id_of(club, 1), "done")
    marks = [it["mark"] for it in told(ann) if it["type"] == "reactions"]
    bob = enter(club, "Bob")
    assert bob.heard()[0]["reactions"] == marks[-1]

    bob.send("reactions")
    ann.send("reactions", since=marks[0], people=True)
    bob.send("reactions", **{"from": id_of(club, 1)})
    bob.send("reactions", since=marks[1])

    everything, late, nothing = told(bob)
    assert [it["counts"] for it in everything["messages"]] == [{"like": 1}, {"done": 1}]
    assert [it["id"] for it in late["messages"]] == [id_of(club, 1)]
    assert (nothing["mark"], nothing["messages"]) == (marks[1], [])
    (mine,) = told(ann)[0]["messages"]
    assert (mine["mine"], len(mine["people"]["done"])) == (["done"], 1)
    assert FEW_PEOPLE > 1


def test_the_gone_and_the_unknown_are_refused(club: InMemoryServer, at_once: None) -> None:
    ann = enter(club, "Ann")
    ann.say("hi")
    id = id_of(club)
    react(ann, id)
    ann.send("remove", cmid="r", id=id)
    ann.heard()

    react(ann, id)
    react(ann, f"9-{'a' * 16}")
    react(ann, id, "shrug")
    ann.user._receive(json.dumps({"type": "react", "cmid": "c", "id": id, "kind": "like", "on": 1}))
    ann.send("reactions", people=1)

    errors = told(ann)
    assert [it["code"] for it in errors] == ["gone", "gone", *["bad-frame"] * 3]
    assert [it.counts for it in club.disk.reacted(ROOM)] == [{}]


@pytest.mark.parametrize("way", ["restore", "restore of all"])
def test_whoever_was_away_over_a_removal_and_its_undoing_hears_that_there_are_none(
    club: InMemoryServer, at_once: None, way: str
) -> None:
    """Also if it was not the last to be reacted to: then there is a mark as high as theirs."""
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    token = bob.heard()[0]["token"]
    ann.say("hi", "ho")
    bob.say("hey")
    react(ann, id_of(club, 2))
    react(ann, id_of(club))
    mark = [it["mark"] for it in told(bob) if it["type"] == "reactions"][-1]
    bob.leave()
    said = id_of(club, 2)

    if way == "restore":
        ann.send("remove", cmid="r", id=said)
        ann.send("restore", cmid="s", id=said)
    else:
        ann.send("host", cmid="c", act="clear")
        at = next(it["at"] for it in ann.heard() if it.get("cmid") == "c")
        ann.send("host", cmid="s", act="restore", at=at)
    club.settle()

    back = enter(club, "Bob", token=token)
    newest = back.heard()[0]["reactions"]
    assert newest > mark
    back.send("reactions", since=mark)
    states = {it["id"]: it["counts"] for frame in told(back) for it in frame["messages"]}
    assert states[said] == {}
    assert [it["mark"] for it in told(ann) if it["type"] == "reactions"][-1] == newest


def test_those_who_are_there_are_told_once_of_what_is_back(
    club: InMemoryServer, at_once: None
) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    bob.say("hi")
    react(ann, id_of(club))
    ann.send("remove", cmid="r", id=id_of(club))
    told(bob)

    ann.send("restore", cmid="s", id=id_of(club))
    ann.send("restore", cmid="t", id=id_of(club))

    assert counts(bob) == [{}]


def test_nothing_is_told_of_what_nobody_has_reacted_to(club: InMemoryServer, at_once: None) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    bob.say("hi")
    ann.send("remove", cmid="r", id=id_of(club))

    ann.send("restore", cmid="s", id=id_of(club))

    assert counts(bob) == []


def test_a_host_turns_reactions_off_and_on(club: InMemoryServer, at_once: None) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    ann.say("hi")
    react(bob, id_of(club))

    ann.send("host", cmid="h", act="rules", reactions=False)
    told(bob)
    react(bob, id_of(club), "wow")
    assert [it["code"] for it in told(bob)] == ["no-reactions"]
    late = enter(club, "Late").heard()[0]
    assert (late["rules"]["reactions"], late["reactions"]) == (False, 1)
    assert club.server._rooms[ROOM].charter == type(club.server._rooms[ROOM].charter).parse(
        club.disk.charter(ROOM)
    )
    assert "no reactions" in club.disk.host_log(ROOM)[0].what

    ann.send("host", cmid="h", act="rules", reactions=True)
    react(bob, id_of(club), "wow")
    assert [it["type"] for it in told(bob)] == ["reactions", "done"]


def test_the_quiet_cannot_react_and_those_who_may_not_speak_can(
    club: InMemoryServer, at_once: None
) -> None:
    ann, bob, eve = enter(club, "Ann"), enter(club, "Bob"), enter(club, "Eve")
    ann.say("hi")
    ann.send("host", cmid="s", act="rules", speak="hosts")
    ann.send("host", cmid="q", act="quiet", userId=eve.user.user_id)
    told(bob), told(eve)

    react(bob, id_of(club))
    react(eve, id_of(club))

    assert [it["type"] for it in told(bob)] == ["reactions", "done"]
    assert [it.get("code") for it in told(eve)][-1] == "muted"


def test_who_is_not_in_cannot_react_or_ask(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")
    ann.say("hi")
    outside = TypedGuest(club, "Ann", ROOM, {})  # the name is taken
    outside.heard()

    react(outside, id_of(club))
    outside.send("reactions")

    assert [it["code"] for it in told(outside)] == ["hello-first"] * 2


def test_a_history_without_reactions_says_so(
    club: InMemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(club.disk, "keeps_reactions", False)
    ann = enter(club, "Ann")
    ann.say("hi")

    react(ann, id_of(club))

    assert [it["code"] for it in told(ann)] == ["no-reactions"]
    assert club.server.reactions.limits == {}


def fails(*_: object, **__: object) -> Any:
    raise HistoryUnavailable("memory:", "disk full", "make room")


@pytest.mark.parametrize("method", ["react", "reacted_in_order", "last_mark"])
def test_what_is_not_stored_is_said_and_can_be_sent_again(
    club: InMemoryServer, monkeypatch: pytest.MonkeyPatch, at_once: None, method: str
) -> None:
    ann = enter(club, "Ann")
    ann.say("hi")
    club.server.reactions._of.clear()
    told(ann)
    with monkeypatch.context() as patch:
        patch.setattr(club.disk, method, fails)
        react(ann, id_of(club))
        assert [it["code"] for it in told(ann)] == ["not-stored"]
        assert "reactions" not in enter(club, "Bob").heard()[0]

    react(ann, id_of(club))

    assert counts(ann) == [{"like": 1}]
    assert club.server._rooms[ROOM].awaited == 0


def test_a_room_is_told_of_those_that_are_erased(club: InMemoryServer, at_once: None) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    ann.say("hi")
    react(bob, id_of(club))
    counts(ann)

    club.disk.forget_reactions(ROOM, bob.user.user_id)
    club.server.reactions.note(club.server._rooms[ROOM])
    club.settle()

    assert counts(ann) == [{}]


def test_no_change_is_left_out_however_many_there_are_at_once(
    club: InMemoryServer, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as those that somebody takes along who erases everything of theirs. Whoever loses the
    line in between has an old mark, and asks."""
    for module in (reaction_records, memory):
        monkeypatch.setattr(module, "MOST_TOLD", 10)
    club.remember(21, ROOM)
    ann = enter(club, "Ann")
    first = ann.heard()[0].get("reactions", 0)
    messages = club.disk.messages(ROOM)
    who = Person("bob-id", "Bob")
    for message in messages:
        id = MessageId(message.seq, message.nonce)
        assert club.disk.react([Click(ROOM, id, who, "like", on=True)]) == [True]

    club.server.reactions.click(ann.user, React("c", MessageId.parse(messages[0].id), "wow", True))
    club.settle()

    frames = [it for it in told(ann) if it["type"] == "reactions"]
    changed = [it["id"] for frame in frames for it in frame["messages"]]
    assert sorted(changed) == sorted(message.id for message in messages)
    marks = [frame["mark"] for frame in frames]
    assert first < marks[0] < marks[1] < marks[2] == club.disk.last_mark(ROOM)
    for frame, following in itertools.pairwise(frames):
        assert min(it["mark"] for it in following["messages"]) > frame["mark"]


def test_no_frame_is_full_of_names(
    club: InMemoryServer, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Megabytes of them would disconnect everybody as slow. The newest messages have them."""
    assert MOST_NAMED == 2000
    monkeypatch.setattr("chatroom.reactions.MOST_NAMED", 130)
    club.remember(9, ROOM)
    ann = enter(club, "Ann")
    crowd = [Person(f"person-{number:04}", "x" * 60) for number in range(MOST_PEOPLE)]
    for message in club.disk.messages(ROOM):
        id = MessageId(message.seq, message.nonce)
        club.disk.react([Click(ROOM, id, who, kind, True) for who in crowd for kind in KINDS])

    react(ann, id_of(club, 8))
    ann.send("reactions", people=True)

    room_is_told, answer = [it for it in told(ann) if it["type"] == "reactions"]
    for frame, each in ((room_is_told, MOST_PEOPLE), (answer, FEW_PEOPLE)):
        named = [sum(map(len, message.get("people", {}).values())) for message in frame["messages"]]
        having = 130 // (each * len(KINDS))
        assert named == [0] * (9 - having) + [each * len(KINDS)] * having


def test_whoever_reacts_without_being_there_counts_and_has_no_name(
    club: InMemoryServer, at_once: None
) -> None:
    ann = enter(club, "Ann")
    ann.say("hi")
    speaker = HttpSpeaker(ROOM, "", "127.0.0.1", "somebody")
    request = React("c", MessageId.parse(id_of(club)), "like", on=True)

    club.server.reactions.click(speaker, request)
    club.settle()
    react(ann, id_of(club))

    *_, frame, _ = told(ann)
    (state,) = frame["messages"]
    assert state["counts"] == {"like": 2}
    assert [who["userName"] for who in state["people"]["like"]] == ["Ann"]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_click_without_a_socket_leaves_no_room_behind(
    club: InMemoryServer, at_once: None, *, is_there: bool
) -> None:
    club.remember(1, "garden")
    speaker = HttpSpeaker("garden", "", "127.0.0.1", "somebody")
    id = club.disk.messages("garden")[0].id if is_there else "7-ab"
    club.server.reactions.click(speaker, React("c", MessageId.parse(id), "like", on=True))
    club.settle()

    if is_there:
        speaker.outcome.result(0)
    else:
        with pytest.raises(Refusal, match="no such message"):
            speaker.outcome.result(0)
    assert "garden" not in club.rooms()
    states: list[Reacted] = club.disk.reacted("garden")
    assert len(states) == is_there


def test_nobody_without_a_token_can_react(club: InMemoryServer) -> None:
    club.remember(1, "garden")
    speaker = HttpSpeaker("garden", "script")
    ask: Callable[..., None] = club.server.reactions.click
    ask(speaker, React("c", MessageId.parse(club.disk.messages("garden")[0].id), "like", on=True))

    with pytest.raises(Refusal, match="whom the server knows"):
        speaker.outcome.result(0)
    assert "garden" not in club.rooms()


def test_what_somebody_has_clicked_just_before_all_of_theirs_was_erased_is_not_stored(
    club: InMemoryServer,
) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    ann.say("hi", "ho")
    for number, kind in ((0, "like"), (0, "wow"), (1, "done")):
        react(bob, id_of(club, number), kind)
    react(ann, id_of(club), "love")
    told(bob)

    speaker = HttpSpeaker(ROOM, "", user_id=bob.user.user_id)
    club.server.broadcast.put(Ruling(speaker, Forget()))
    club.settle()

    assert [(it["cmid"], it["code"]) for it in told(bob)] == [("wow", "gone"), ("done", "gone")]
    wait_for(lambda: club.settle() or club.disk.reactions_of(ROOM, ann.user.user_id), "Ann's")
    assert club.disk.reactions_of(ROOM, bob.user.user_id) == []
