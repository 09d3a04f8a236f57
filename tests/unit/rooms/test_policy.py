"""Policy: what it answers, and that every way into a room and every way to speak asks it.

How it is asked before something is read over HTTP: see ``web/test_reading.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from inspect import getmembers, isfunction
from typing import Any, get_args, get_type_hints

import pytest

from chatroom.errors import Refusal
from chatroom.files.stored import StoredFile
from chatroom.message import Draft, Message, MessageId
from chatroom.rooms.charter import (
    NEVER,
    NO_CHARTER,
    Ban,
    Charter,
    Door,
    Host,
    Key,
    RoomLink,
    Speak,
)
from chatroom.rooms.policy import Place, Policy, Standing, Visitor
from chatroom.rooms.ranks import Rank
from chatroom.rooms.server import Server
from chatroom.rooms.uploads import Uploads
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.users.proof import Proof
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
from chatroom.wire.acts import (
    Act,
    Bar,
    Forget,
    Look,
    MakeHost,
    MakeLink,
    Quiet,
    RevokeKey,
    RevokeLink,
    SetRules,
    UnmakeHost,
    UseLink,
    UseOperatorLink,
)
from chatroom.wire.reactions import AskReactions, React
from chatroom.wire.typed import (
    Alteration,
    Bring,
    Edit,
    Hello,
    Ping,
    Remove,
    Rename,
    Request,
    Restore,
    Rule,
    Say,
    Typing,
)
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

    def may_read(self, visitor: Visitor, place: Place) -> Refusal | None:
        return self._answer("no-reading")

    def may_name(self, visitor: Visitor, place: Place) -> bool:
        return not self.is_shut

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


def a_typed_user_brings_a_file(club: Club) -> None:
    ann = club.typed("Ann")
    club.policy.is_shut = True
    ann.send("message", cmid="c1", body="look", file="0" * 32)
    assert code(ann) == "no-words"


def a_script_brings_a_file(club: Club) -> None:
    club.policy.is_shut = True
    brought = Bring("", HELLO, "0" * 32)
    bring = lambda: club.server.bring("lobby", brought, by=Proof(user_id="u1"), timeout=DEADLINE)  # noqa: E731
    assert club.answer_to(bring) == "no-entry"


def a_script_uploads_a_file(club: Club) -> None:
    club.policy.is_shut = True
    speaker = HttpSpeaker("lobby", "", user_id="u1")
    file = StoredFile("0" * 32, "lobby", "a.png", "image/png", 1, 0, 0, "u1", 0)
    begin = lambda: club.server.uploads.begin(speaker, file)  # noqa: E731
    assert club.answer_to(lambda: club.server.ask(begin, DEADLINE)) == "no-words"


def a_host_acts(club: Club) -> None:
    ann = club.typed("Ann", "garden")
    club.policy.is_shut = True
    ann.send("host", cmid="h1", act="rules", speak="hosts")
    assert code(ann) == "no-act"
    assert club.disk.charter("garden") == ""


def a_link_is_opened(club: Club) -> None:
    ann = club.typed("Ann", "garden")
    ann.send("host", cmid="h1", act="makeLink")
    link = ann.heard()[-1]["link"]
    club.policy.may_rule = lambda *_: Refusal("no-act", "")  # type: ignore[method-assign]
    assert code(TypedGuest(club, "Bob", "garden", {}, link=link)) == "no-act"


def a_script_acts_as_a_host(club: Club) -> None:
    act = SetRules("hosts", None, None)
    club.policy.is_shut = True
    rule = lambda: club.server.rule("garden", act, by=Proof(user_id="u1"), timeout=DEADLINE)  # noqa: E731
    assert club.answer_to(rule) == "no-act"


def a_script_comes_in_to_act_as_a_host(club: Club) -> None:
    act = SetRules("hosts", None, None)
    club.policy.is_shut = True
    club.policy.may_rule = lambda *_: None  # type: ignore[method-assign]
    rule = lambda: club.server.rule("garden", act, by=Proof(user_id="u1"), timeout=DEADLINE)  # noqa: E731
    assert club.answer_to(rule) == "no-entry"


def a_script_changes_a_message(club: Club) -> None:
    club.remember(1)
    id = MessageId.parse(club.disk.messages()[0].id)
    club.policy.is_shut = True
    code = club.answer_to(
        lambda: club.server.change(
            "lobby", Remove("", id), by=Proof(user_id="u1"), timeout=DEADLINE
        )
    )
    assert code == "no-entry"


def a_quiet_user_wants_another_name(club: Club) -> None:
    ann = club.typed("Ann")
    club.policy.may_rename = lambda *_: Refusal("no-rename", "")  # type: ignore[method-assign]
    ann.send("rename", userName="Bob")
    assert code(ann) == "no-rename"


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


def a_typed_user_reacts(club: Club) -> None:
    ann = club.typed("Ann")
    ann.say("hi")
    ann.heard()
    refusal = Refusal("no-reaction", "")
    club.policy.may_react = lambda *_, **__: refusal  # type: ignore[method-assign]
    id = club.disk.messages()[0].id
    ann.user._receive(f'{{"type":"react","cmid":"r","id":"{id}","kind":"like"}}')
    club.settle()
    assert code(ann) == "no-reaction"


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
    Bring: a_typed_user_brings_a_file,
    Server.bring: a_script_brings_a_file,
    Uploads: a_script_uploads_a_file,
    Ruling: a_host_acts,
    UseLink: a_link_is_opened,
    Server.rule: a_script_acts_as_a_host,
    Policy.may_enter: a_script_comes_in_to_act_as_a_host,
    Server.change: a_script_changes_a_message,
    Policy.may_rename: a_quiet_user_wants_another_name,
    Rename: a_typed_user_wants_another_name,
    Typing: a_typed_user_types,
    React: a_typed_user_reacts,
}

ASK_NOTHING = {
    CaughtUp: "is in already",
    Hello: "is an Arrival, above",
    Say: "is what a TypedUser says, above",
    **dict.fromkeys(get_args(Alteration), "is a Change, above"),
    Rule: "is a Ruling, above",
    Ping: "of no room",
    AskReactions: "of what whoever is in may read",
    Said: "by its speaker, above",
    Wish: "by its request, above",
    Server.say: "is HttpSpeaker",
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
    """What a client can send, and what the Server can be asked for, by a user or by another thread,
    is one or the other."""
    said = get_args(get_args(get_type_hints(Channels)["broadcast"])[0])
    found = {*get_args(Joining), *said, *get_args(get_type_hints(Wish)["request"])}
    found |= {method for name, method in getmembers(Server, isfunction) if name[0] != "_"}
    found |= set(get_args(Request))

    more = {
        User,
        TypedUser,
        HttpSpeaker,
        Bring,
        Uploads,
        UseLink,
        Policy.may_rename,
        Policy.may_enter,
    }
    assert found | more == WAYS.keys() | ASK_NOTHING.keys()


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


# -- who may come in ---------------------------------------------------------------------------

NOW = 1_700_000_000_000


@pytest.mark.parametrize(
    ("rank", "until", "wait"),
    [
        (Rank.EVERYONE, NOW + 1, 1),
        (Rank.EVERYONE, NOW + 1001, 2),
        (Rank.EVERYONE, NEVER, None),
        (Rank.HOST, NEVER, 0),
        (Rank.OPERATOR, NOW + 1, 0),
        (Rank.EVERYONE, NOW, 0),
        (Rank.EVERYONE, NOW - 1, 0),
    ],
)
def test_who_was_removed_may_not_come_in_until_that_is_over(
    rank: Rank, until: int, wait: int | None
) -> None:
    """0: they may; None: nobody knows when."""
    place = Place("lobby", exists=True, ban=Ban("Bob", until), now=NOW)

    refusal = Policy(9, 15).may_enter(Visitor("a", OTHER, rank), place)

    if wait == 0:
        assert refusal is None
    else:
        assert refusal
        assert refusal.code == "removed"
        assert refusal.more.get("retryAfter") == wait
        assert (" until 2023-11-14T22:13:2" in refusal.detail) is (until != NEVER)


@pytest.mark.parametrize("rank", Rank)
def test_whom_the_operator_has_removed_gets_into_no_room_not_even_into_their_own(
    rank: Rank,
) -> None:
    place = Place("lobby", exists=True, house_ban=Ban("Bob", NEVER), now=NOW)

    refusal = Policy(9, 15).may_enter(Visitor("a", OTHER, rank), place)

    assert (refusal is None) is (rank is Rank.OPERATOR)


@pytest.mark.parametrize("rank", Rank)
def test_only_the_operator_lets_those_back_whom_the_operator_has_removed(rank: Rank) -> None:
    policy = Policy(9, 15)
    assert policy.may_let_back(rank, None) is None
    assert (policy.may_let_back(rank, Ban("Bob", NEVER)) is None) is (rank is Rank.OPERATOR)


# -- who may say something ---------------------------------------------------------------------

QUIET = {"quiet": {OTHER: Ban("Bob", NOW + 60_000)}}
BARRED = {"barred": {OTHER: Ban("Bob", NEVER)}}
SLOW = {"speak": Speak.SLOW, "slow_seconds": 30}
HOSTS = {"speak": Speak.HOSTS}
PRESENT = {"needs_host": True}


@pytest.mark.parametrize(
    ("who", "rank", "charter", "said", "host_is_here", "answer"),
    [
        (OTHER, Rank.EVERYONE, {}, 0, False, None),
        (OTHER, Rank.EVERYONE, QUIET, 0, True, ("muted", 60)),
        (OTHER, Rank.EVERYONE, {"quiet": {OTHER: Ban("Bob", NOW)}}, 0, True, None),
        (AUTHOR, Rank.EVERYONE, QUIET, 0, True, None),
        (NOBODY, Rank.EVERYONE, QUIET, 0, True, None),
        (OTHER, Rank.EVERYONE, BARRED, 0, True, ("removed", None)),
        (OTHER, Rank.EVERYONE, QUIET | BARRED, 0, True, ("removed", None)),
        (OTHER, Rank.EVERYONE, HOSTS, 0, True, ("paused", None)),
        (NOBODY, Rank.EVERYONE, HOSTS, 0, True, ("paused", None)),
        (OTHER, Rank.EVERYONE, HOSTS | QUIET, 0, True, ("muted", 60)),
        (OTHER, Rank.EVERYONE, PRESENT, 0, True, None),
        (OTHER, Rank.EVERYONE, PRESENT, 0, False, ("paused", None)),
        (OTHER, Rank.EVERYONE, PRESENT | SLOW, NOW - 1, False, ("paused", None)),
        (OTHER, Rank.EVERYONE, SLOW, 0, False, None),
        (OTHER, Rank.EVERYONE, SLOW, NOW - 30_000, True, None),
        (OTHER, Rank.EVERYONE, SLOW, NOW - 29_999, True, ("slow", 1)),
        (NOBODY, Rank.EVERYONE, SLOW, NOW, True, ("slow", 30)),
        (OTHER, Rank.EVERYONE, SLOW, NOW + 1, True, None),  # the clock was set back
        *(
            (OTHER, rank, QUIET | BARRED | PRESENT | rules, NOW, False, None)
            for rank in (Rank.HOST, Rank.MAKER, Rank.OPERATOR)
            for rules in (SLOW, HOSTS)
        ),
    ],
)
def test_who_may_say_something(
    who: str,
    rank: Rank,
    charter: dict[str, Any],
    said: int,
    host_is_here: bool,
    answer: tuple[str, int | None] | None,
) -> None:
    """The answer: a code, and in how many seconds to try again."""
    standing = Standing(Charter(**charter), rank, NOW, said, host_is_here)

    refusal = Policy(9, 15).may_say(HttpSpeaker("lobby", "", user_id=who), "c1", standing)

    assert (refusal and (refusal.code, refusal.more.get("retryAfter"))) == answer
    assert refusal is None or refusal.more["cmid"] == "c1"


@pytest.mark.parametrize("charter", [QUIET, BARRED, HOSTS, PRESENT])
def test_who_may_not_say_it_may_not_edit_it_in(charter: dict[str, Any]) -> None:
    request = Edit("r1", MessageId(1, "a" * 16), "better")
    message = Message("lobby", 1, "a" * 16, "Bob", "hello", "", NOW, OTHER)
    speaker = HttpSpeaker("lobby", "", user_id=OTHER)
    standing = Standing(Charter(**charter), Rank.EVERYONE, NOW, host_is_here=False)
    policy = Policy(9, 15)

    refusal = policy.may_change(speaker, standing, request, message)

    assert refusal
    assert refusal.code == policy.may_say(speaker, "", standing).code  # type: ignore[union-attr]
    taken_back = policy.may_change(speaker, standing, Remove("r1", request.id), message)
    assert taken_back is None


@pytest.mark.parametrize(
    ("rank", "body", "answer"),
    [
        (Rank.EVERYONE, "@all better", "not-host"),
        (Rank.EVERYONE, "hello", None),
        (Rank.HOST, "@all better", None),
        (Rank.OPERATOR, "@all better", None),
    ],
)
def test_what_stands_under_a_hosts_mark_is_a_hosts(
    rank: Rank, body: str, answer: str | None
) -> None:
    """Whoever was one when they said it may take it back; and asked twice, it was done at first."""
    message = Message("lobby", 1, "a" * 16, "Bob", "hello", "", NOW, OTHER, by="host")
    standing = Standing(NO_CHARTER, rank, NOW)
    speaker = HttpSpeaker("lobby", "", user_id=OTHER)
    policy = Policy(9, 15)

    id = MessageId(1, "a" * 16)
    refusal = policy.may_change(speaker, standing, Edit("r1", id, body), message)

    assert (refusal and refusal.code) == answer
    assert policy.may_change(speaker, standing, Remove("r1", id), message) is None


def test_an_edit_does_not_have_to_wait_like_a_message() -> None:
    request = Edit("r1", MessageId(1, "a" * 16), "better")
    message = Message("lobby", 1, "a" * 16, "Bob", "hello", "", NOW, OTHER)
    standing = Standing(Charter(**SLOW), Rank.EVERYONE, NOW, said_at=NOW)

    speaker = HttpSpeaker("lobby", "", user_id=OTHER)

    assert Policy(9, 15).may_change(speaker, standing, request, message) is None


@pytest.mark.parametrize(
    ("rank", "charter", "answer"),
    [
        (Rank.EVERYONE, QUIET, "muted"),
        (Rank.HOST, QUIET, None),
        (Rank.EVERYONE, SLOW, None),
        (Rank.EVERYONE, HOSTS, None),
    ],
)
def test_who_is_quiet_takes_no_other_name(
    rank: Rank, charter: dict[str, Any], answer: str | None
) -> None:
    standing = Standing(Charter(**charter), rank, NOW)

    refusal = Policy(9, 15).may_rename(HttpSpeaker("lobby", "", user_id=OTHER), standing)

    assert (refusal and refusal.code) == answer


# -- who may act as a host ---------------------------------------------------------------------

EVE, ANN, MAKER, OPERATOR = "eve", "ann", "maker", "operator"
RANKS = {
    **{EVE: Rank.EVERYONE, "guest": Rank.EVERYONE},
    **{ANN: Rank.HOST, "host": Rank.HOST},
    **{MAKER: Rank.MAKER, "maker 2": Rank.MAKER},
    **{OPERATOR: Rank.OPERATOR, "operator 2": Rank.OPERATOR},
}


@pytest.mark.parametrize(
    ("act", "answers"),
    [
        (SetRules("hosts", None, None), ["not-host", None, None, None]),
        (MakeHost("guest", ""), ["not-host", None, None, None]),
        (MakeLink(60, 1), ["not-host", None, None, None]),
        (RevokeLink("k"), ["not-host", None, None, None]),
        (Look(), ["not-host", None, None, None]),
        (UseLink("secret"), [None, None, None, None]),
        (UseOperatorLink("nonce", NOW), [None, None, None, None]),
        (Quiet("guest", "", 60), ["not-host", None, None, None]),
        (Quiet("host", "", 60), ["not-host", *["not-allowed"] * 3]),
        (Quiet("host", "", 0), ["not-host", *["not-allowed"] * 3]),
        (Bar("guest", "", 60), ["not-host", None, None, None]),
        (Bar("maker 2", "", 60), ["not-host", "not-allowed", "not-allowed", None]),
        (Bar("operator 2", "", None), ["not-host", *["not-allowed"] * 3]),
        (UnmakeHost("guest"), ["not-host", "not-allowed", None, None]),
        (UnmakeHost("host"), ["not-host", "not-allowed", None, None]),
        (UnmakeHost("maker 2"), ["not-host", "not-allowed", "not-allowed", None]),
        (UnmakeHost("operator 2"), ["not-host", *["not-allowed"] * 3]),
    ],
)
def test_who_may_act_as_a_host(act: Act, answers: list[str | None]) -> None:
    """Somebody, a host, the maker, the operator."""
    refusals = [
        Policy(9, 15).may_rule(who, act, RANKS.__getitem__) for who in (EVE, ANN, MAKER, OPERATOR)
    ]

    assert [refusal and refusal.code for refusal in refusals] == answers


def test_whoever_has_an_id_may_have_theirs_erased() -> None:
    policy = Policy(9, 15)

    assert policy.may_rule(EVE, Forget(), RANKS.__getitem__) is None
    refusal = policy.may_rule("", Forget(), lambda user_id: Rank.OPERATOR)
    assert refusal
    assert refusal.code == "not-allowed"


@pytest.mark.parametrize("who", [ANN, MAKER, OPERATOR])
def test_a_host_may_step_back_and_acts_on_no_other(who: str) -> None:
    policy = Policy(9, 15)

    assert policy.may_rule(who, UnmakeHost(who), RANKS.__getitem__) is None
    for act in (Quiet(who, "", 60), Bar(who, "", 60)):
        refusal = policy.may_rule(who, act, RANKS.__getitem__)
        assert refusal
        assert refusal.code == "not-allowed"


# -- doors -------------------------------------------------------------------------------------

CODED = replace(NO_CHARTER, door=Door.CODE, code="right", epoch=3)
SHUT = replace(CODED, door=Door.SHUT)
LED = replace(SHUT, hosts={"u1": Host("Ann", Rank.HOST)})
KEYED, LINKED = {"k": Key("CI", True, "u9")}, {"l": RoomLink(NOW + 1, 1, "u1")}
USED, OVER = {"l": RoomLink(NOW + 1, 0, "u1")}, {"l": RoomLink(NOW, 1, "u1")}


@pytest.mark.parametrize(
    ("charter", "has_password", "proof", "answer"),
    [
        (NO_CHARTER, False, Proof(), None),
        (NO_CHARTER, False, Proof(is_wrong=True), None),
        (NO_CHARTER, True, Proof(), "wrong-key"),
        (NO_CHARTER, True, Proof(epoch=0), "wrong-key"),
        (NO_CHARTER, True, Proof(epoch=0, knows_password=True), None),
        (NO_CHARTER, True, Proof(epoch=1, knows_password=True), None),
        (CODED, False, Proof(), "wrong-key"),
        (CODED, False, Proof(code="right"), None),
        (CODED, False, Proof(code="earlier"), "wrong-key"),
        (CODED, True, Proof(code="right"), None),
        (CODED, True, Proof(knows_password=True), "wrong-key"),
        (CODED, False, Proof(epoch=3), None),
        (CODED, False, Proof(epoch=2), "wrong-key"),
        (CODED, False, Proof(epoch=4), "wrong-key"),
        (replace(CODED, code="", code_hash="hash"), False, Proof(code="hash"), None),
        (replace(CODED, code="", code_hash="hash"), False, Proof(), "wrong-key"),
        (replace(CODED, code=""), False, Proof(), "wrong-key"),
        (SHUT, False, Proof(), "shut"),
        (SHUT, False, Proof(code="right"), "shut"),
        (SHUT, True, Proof(knows_password=True), "shut"),
        (SHUT, False, Proof(epoch=3), None),
        (SHUT, False, Proof(epoch=2), "shut"),
        (replace(SHUT, keys=KEYED), False, Proof(key="k"), None),
        (replace(SHUT, keys=KEYED), False, Proof(key="x"), "shut"),
        (replace(SHUT, keys=KEYED), False, Proof(), "shut"),
        (replace(LED, links=LINKED), False, Proof(link="l"), None),
        (replace(LED, links=LINKED), False, Proof(link="x"), "shut"),
        (replace(SHUT, links=LINKED), False, Proof(link="l"), "shut"),
        (replace(LED, links=USED), False, Proof(link="l"), "shut"),
        (replace(LED, links=OVER), False, Proof(link="l"), "shut"),
    ],
)
def test_who_comes_through_which_door(
    charter: Charter, has_password: bool, proof: Proof, answer: str | None
) -> None:
    """To enter, and to read, alike; but hosts always do."""
    policy = Policy(9, 15, has_password)
    place = Place("class", exists=True, now=NOW, charter=charter)

    for judge in policy.may_enter, policy.may_read:
        refusal = judge(Visitor("a", OTHER, proof=proof), place)
        assert (refusal and refusal.code) == answer
        assert judge(Visitor("a", OTHER, Rank.HOST, proof), place) is None


def test_who_was_removed_may_not_read_either() -> None:
    place = Place("class", exists=True, ban=Ban("Bob", NOW + 1), now=NOW)

    refusal = Policy(9, 15).may_read(Visitor("a", OTHER), place)

    assert refusal
    assert refusal.code == "removed"


@pytest.mark.parametrize(
    ("charter", "rank", "proof", "answer"),
    [
        (CODED, Rank.EVERYONE, Proof(), False),
        (CODED, Rank.EVERYONE, Proof(epoch=3), False),
        (CODED, Rank.EVERYONE, Proof(code="right"), True),
        (CODED, Rank.EVERYONE, Proof(code="earlier"), False),
        (CODED, Rank.HOST, Proof(), True),
        (SHUT, Rank.HOST, Proof(), False),
        (NO_CHARTER, Rank.HOST, Proof(), False),
    ],
)
def test_who_may_give_others_the_code(
    charter: Charter, rank: Rank, proof: Proof, *, answer: bool
) -> None:
    """Hosts, and whoever knows it anyway; not whoever was in before it was changed."""
    place = Place("class", exists=True, charter=charter)
    assert Policy(9, 15).may_give_the_code(Visitor("a", OTHER, rank, proof), place) is answer


@pytest.mark.parametrize(
    ("rank", "of_the_key", "answer"),
    [
        (Rank.EVERYONE, Rank.EVERYONE, "not-host"),
        (Rank.HOST, Rank.EVERYONE, None),
        (Rank.HOST, Rank.HOST, "not-allowed"),
        (Rank.MAKER, Rank.HOST, None),
        (Rank.OPERATOR, Rank.HOST, None),
    ],
)
def test_who_may_revoke_a_key(rank: Rank, of_the_key: Rank, answer: str | None) -> None:
    """One that is a host is revoked as a host is unmade."""
    ranks = {"u1": rank, "u2": of_the_key}
    refusal = Policy(9, 15).may_rule("u1", RevokeKey("u2"), lambda user_id: ranks[user_id])
    assert (refusal and refusal.code) == answer
