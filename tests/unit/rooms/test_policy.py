"""Policy: what it answers, and that every way into a room and every way to speak asks it.

How it is asked before something is read over HTTP: see ``web/test_reading.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from inspect import getmembers, isfunction
from typing import get_args, get_type_hints

import pytest

from chatroom.errors import Refusal
from chatroom.message import Draft, Message, MessageId
from chatroom.rooms.charter import NO_CHARTER
from chatroom.rooms.policy import Place, Policy, Standing, Visitor
from chatroom.rooms.ranks import Rank
from chatroom.rooms.server import Server
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.users.requests import (
    Arrival,
    CaughtUp,
    Change,
    Channels,
    Join,
    Joining,
    Ruling,
    Said,
    Wish,
)
from chatroom.users.speaker import Speaker
from chatroom.users.typed_user import TypedUser
from chatroom.users.user import User
from chatroom.wire.acts import Act
from chatroom.wire.typed import Alteration, Edit, Remove, Rename, Restore, Typing
from chatroom.wire.websocket import CloseCode
from tests.support.deadline import DEADLINE
from tests.support.in_memory_room import InMemoryServer, TypedGuest

HELLO = Draft("Ann", "hello", "10:42 AM")


class Shut(Policy):
    """Answers no, once the test says so."""

    def __init__(self) -> None:
        super().__init__(1000, 15)
        self.is_shut = False

    def _answer(self, code: str) -> Refusal | None:
        return Refusal(code, "The test says no.") if self.is_shut else None

    def may_enter(self, visitor: Visitor, place: Place) -> Refusal | None:
        return self._answer("no-entry")

    def may_read(self, visitor: Visitor, room: str) -> Refusal | None:
        return self._answer("no-reading")

    def may_say(self, speaker: Speaker, cmid: str, standing: Standing | None) -> Refusal | None:
        return self._answer("no-words")

    def may_change(
        self, speaker: Speaker, standing: Standing, request: Alteration, message: Message
    ) -> Refusal | None:
        return self._answer("no-change")

    def may_rule(self, user_id: str, act: Act, rank_of: Callable[[str], Rank]) -> Refusal | None:
        return self._answer("no-act")

    def may_be_called(self, name: str, suggestion: str) -> Refusal | None:
        return self._answer("no-name")

    def may_type(self, speaker: Speaker, *, is_large: bool) -> bool:
        return not self.is_shut


class Club(InMemoryServer):
    """Its policy can be shut."""

    def __init__(self, stack: ExitStack) -> None:
        self.policy = Shut()
        super().__init__(stack, policy=self.policy)

    def typed(self, name: str, room: str = "lobby") -> TypedGuest:
        return TypedGuest(self, name, room, {})

    def answer_to(self, call: Callable[[], object]) -> str:
        """The code with which the call is refused, while the Server's thread is there."""
        self.server.start()
        try:
            with pytest.raises(Refusal) as refusal:
                call()
        finally:
            self.server.stop()
        return refusal.value.code


@pytest.fixture
def club() -> Iterator[Club]:
    with ExitStack() as stack:
        yield Club(stack)


def code(guest: TypedGuest) -> str:
    """Of the error that it got last."""
    last = guest.heard()[-1]
    assert last["type"] == "error"
    return str(last["code"])


# -- every way asks ----------------------------------------------------------------------------


def a_plain_user_joins(club: Club) -> None:
    club.policy.is_shut = True
    ann = club.join("Ann")
    assert ann.peer.closed_with() == (CloseCode.POLICY, "no-entry")


def a_typed_user_arrives(club: Club) -> None:
    club.policy.is_shut = True
    assert code(club.typed("Ann")) == "no-entry"


def a_script_subscribes(club: Club) -> None:
    club.policy.is_shut = True
    server = club.server
    code = club.answer_to(lambda: server.subscribe("lobby", Nobody(), "192.0.2.1", DEADLINE))
    assert code == "no-entry"


def a_script_says_something_to_an_empty_room(club: Club) -> None:
    club.policy.is_shut = True
    assert club.answer_to(lambda: club.server.say("new", HELLO, timeout=DEADLINE)) == "no-words"
    assert club.disk.stored("new") == []


def a_plain_user_says_something(club: Club) -> None:
    ann, bob = club.join("Ann"), club.join("Bob")
    club.policy.is_shut = True
    ann.say("hello")
    club.settle()
    assert ann.heard() == bob.heard() == club.disk.stored() == []


def a_typed_user_says_something(club: Club) -> None:
    ann = club.typed("Ann")
    club.policy.is_shut = True
    ann.say("hello")
    assert code(ann) == "no-words"
    assert club.disk.stored() == []


def a_typed_user_changes_a_message(club: Club) -> None:
    ann = club.typed("Ann")
    ann.say("hello")
    club.policy.is_shut = True
    ann.send("edit", cmid="e1", id=club.disk.messages()[0].id, body="better")
    assert code(ann) == "no-change"
    assert club.disk.stored() == ["hello"]


def a_host_acts(club: Club) -> None:
    ann = club.typed("Ann", "garden")
    club.policy.is_shut = True
    ann.send("host", cmid="h1", act="rules", speak="hosts")
    assert code(ann) == "no-act"
    assert club.disk.charter("garden") == ""


def a_typed_user_wants_another_name(club: Club) -> None:
    ann = club.typed("Ann")
    club.policy.is_shut = True
    ann.send("rename", userName="Bob")
    assert code(ann) == "no-name"


def a_typed_user_types(club: Club) -> None:
    ann, bob = club.typed("Ann"), club.typed("Bob")
    bob.heard()
    club.policy.is_shut = True
    ann.send("typing")
    assert bob.heard() == []


class Nobody:
    def take(self, batch: object) -> None:
        raise AssertionError("it hears something")


WAYS: dict[object, Callable[[Club], None]] = {
    Join: a_plain_user_joins,
    Arrival: a_typed_user_arrives,
    Server.subscribe: a_script_subscribes,
    User: a_plain_user_says_something,
    TypedUser: a_typed_user_says_something,
    HttpSpeaker: a_script_says_something_to_an_empty_room,
    Change: a_typed_user_changes_a_message,
    Ruling: a_host_acts,
    Rename: a_typed_user_wants_another_name,
    Typing: a_typed_user_types,
}

ASK_NOTHING = {
    CaughtUp: "is in already",
    Said: "by its speaker, above",
    Wish: "by its request, above",
    Server.say: "is HttpSpeaker",
    Server.change: "is Change",
    Server.rule: "is Ruling",
    Server.present: "web/reading.py asks",
    Server.ask: "carries any question",
    Server.check: "of no room",
    Server.unsubscribe: "is a way out",
    Server.start: "of no room",
    Server.stop: "of no room",
    Server.listen: "is the thread's own, like the next",
    Server.step: "",
}


def test_no_way_is_forgotten() -> None:
    """What the Server can be asked for, by a user or by another thread, is one or the other."""
    said = get_args(get_args(get_type_hints(Channels)["broadcast"])[0])
    found = {*get_args(Joining), *said, *get_args(get_type_hints(Wish)["request"])}
    found |= {method for name, method in getmembers(Server, isfunction) if name[0] != "_"}

    speakers = {User, TypedUser, HttpSpeaker}
    assert found | speakers == WAYS.keys() | ASK_NOTHING.keys()


@pytest.mark.parametrize("way", WAYS.values(), ids=lambda way: way.__name__)
def test_every_way_asks(club: Club, way: Callable[[Club], None]) -> None:
    way(club)


def test_rooms_that_may_not_be_read_are_no_news_elsewhere(club: Club) -> None:
    ann = TypedGuest(club, "Ann", "lobby", {}, rooms=True)
    ann.heard()
    bob = club.join("Bob", "garden")
    club.policy.may_say = lambda *_: None  # type: ignore[method-assign]
    club.policy.is_shut = True

    bob.say("hello")
    club.settle()
    club.settle()

    assert club.disk.stored("garden") == ["hello"]
    assert ann.heard() == []


# -- what it answers ---------------------------------------------------------------------------


def test_a_room_that_is_there_can_always_be_entered() -> None:
    assert Policy(0, 15).may_enter(Visitor("a"), Place("garden", exists=True)) is None
    assert Policy(0, 15).may_enter(Visitor("a"), Place("lobby", exists=False, others=9)) is None


@pytest.mark.parametrize(
    ("place", "cause"),
    [
        (Place("garden", False, others=2), "there are already 2 (maxRooms)"),
        (Place("garden", False, others=1, is_paid=False), "your address has created too many"),
    ],
)
def test_a_room_too_many_cannot_be_made(place: Place, cause: str) -> None:
    refusal = Policy(2, 15).may_enter(Visitor("a"), place)

    assert refusal
    assert refusal.code == "too-many-rooms"
    assert cause in refusal.detail
    assert Policy(2, 15).may_enter(Visitor("a"), Place("garden", False, others=1)) is None


# -- who may change what -----------------------------------------------------------------------

MINUTE = 60_000
IN_TIME, LATE = 15 * MINUTE, 15 * MINUTE + 1
EDIT, SAME, REMOVE, RESTORE = "edit", "edit to what it says", "remove", "restore"
AUTHOR, OTHER, NOBODY = "u1", "u2", ""


@pytest.mark.parametrize(
    ("who", "rank", "what", "age", "removed", "answer"),
    [
        (AUTHOR, Rank.EVERYONE, EDIT, IN_TIME, "", None),
        (AUTHOR, Rank.EVERYONE, EDIT, LATE, "", "too-late"),
        (AUTHOR, Rank.EVERYONE, SAME, LATE, "", None),
        (AUTHOR, Rank.EVERYONE, EDIT, 0, "author", "gone"),
        (AUTHOR, Rank.EVERYONE, EDIT, LATE, "host", "gone"),
        (AUTHOR, Rank.HOST, EDIT, LATE, "", "too-late"),
        (OTHER, Rank.EVERYONE, EDIT, 0, "", "not-yours"),
        (OTHER, Rank.EVERYONE, SAME, 0, "", "not-yours"),
        (OTHER, Rank.EVERYONE, EDIT, 0, "author", "not-yours"),
        (OTHER, Rank.OPERATOR, EDIT, 0, "", "not-yours"),
        (AUTHOR, Rank.EVERYONE, REMOVE, LATE, "", None),
        (AUTHOR, Rank.EVERYONE, REMOVE, LATE, "host", None),
        (OTHER, Rank.EVERYONE, REMOVE, 0, "", "not-yours"),
        (OTHER, Rank.EVERYONE, REMOVE, 0, "author", "not-yours"),
        (OTHER, Rank.HOST, REMOVE, LATE, "", None),
        (OTHER, Rank.MAKER, REMOVE, LATE, "", None),
        (OTHER, Rank.OPERATOR, REMOVE, LATE, "", None),
        (AUTHOR, Rank.EVERYONE, RESTORE, 0, "author", "not-yours"),
        (AUTHOR, Rank.EVERYONE, RESTORE, 0, "host", "not-yours"),
        (OTHER, Rank.HOST, RESTORE, LATE, "host", None),
    ],
)
def test_who_may_change_what(
    who: str, rank: Rank, what: str, age: int, removed: str, answer: str | None
) -> None:
    id = MessageId(1, "a" * 16)
    body = "" if removed else "hello"
    message = Message("lobby", *id, "Ann", body, "", 1000, AUTHOR, "c1", removed=removed)
    request: Alteration = {
        EDIT: Edit("r1", id, "better"),
        SAME: Edit("r1", id, body),
        REMOVE: Remove("r1", id),
        RESTORE: Restore("r1", id),
    }[what]

    speaker = HttpSpeaker("lobby", "", user_id=who)
    refusal = Policy(9, 15).may_change(
        speaker, Standing(NO_CHARTER, rank, 1000 + age), request, message
    )

    assert (refusal and refusal.code) == answer
    if refusal:
        assert refusal.more["cmid"] == "r1"


@pytest.mark.parametrize(
    "what", [Edit("r1", MessageId(1, "a" * 16), "x"), Remove("r1", MessageId(1, "a" * 16))]
)
def test_what_nobody_has_written_nobody_takes_for_their_own(what: Alteration) -> None:
    """Plain users have no id: two without one are not the same."""
    message = Message("lobby", 1, "a" * 16, "Ann", "hello", "", 1000)

    speaker = HttpSpeaker("lobby", "", user_id=NOBODY)
    refusal = Policy(9, 15).may_change(
        speaker, Standing(NO_CHARTER, Rank.EVERYONE, 1000), what, message
    )

    assert refusal
    assert refusal.code == "not-yours"
