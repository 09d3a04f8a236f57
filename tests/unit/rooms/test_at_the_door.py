"""A room with a door, as people find it: who comes in, who is turned away, and who is shown out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chatroom.errors import Refusal
from chatroom.message import Draft
from chatroom.rooms.charter import Charter, Door
from chatroom.rooms.codes import fits
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.users.proof import NOTHING, Proof, Shown
from chatroom.users.requests import Said
from chatroom.users.tokens import new_identity
from chatroom.wire.websocket import CloseCode
from tests.support.in_memory_room import InMemoryServer, TypedGuest
from tests.support.websocket_client import CLOSE


def enter(club: InMemoryServer, name: str, room: str = "class", **hello: Any) -> TypedGuest:
    return TypedGuest(club, name, room, {}, **hello)


def act(host: TypedGuest, word: str, **fields: Any) -> dict[str, Any]:
    """The answer to the host; what comes before it is lost."""
    host.send("host", cmid="h", act=word, **fields)
    return next(f for f in reversed(host.heard()) if f.get("type") in ("done", "error"))


def answer(guest: TypedGuest) -> dict[str, Any]:
    """The first answer to its hello since the last look."""
    return next(f for f in guest.heard() if f.get("type") in ("welcome", "error"))


def code(guest: TypedGuest) -> str:
    frame = answer(guest)
    return str(frame.get("code", frame["type"]))


def shown(guest: TypedGuest) -> dict[str, str]:
    """What its client keeps for the next time."""
    welcome = answer(guest)
    return {"token": welcome["token"], "pass": welcome["pass"]}


class SilentEars:
    """Of somebody who listens without a socket."""

    ended = ""

    def take(self, batch: object) -> None:
        pass

    def end(self, code: int, reason: str) -> None:
        self.ended = reason


def listen(club: InMemoryServer, bearer: str = "") -> SilentEars:
    ears = SilentEars()
    proof = club.doors.prove("class", "127.0.0.1", Shown(bearer=bearer))
    club.server._entrance.subscribe("class", ears, "", proof)
    return ears


def last_words(guest: TypedGuest) -> tuple[str, CloseCode]:
    """The code of the last error, and with which its socket is closed."""
    *_, last, closed = guest.line.peer.arrived()
    assert closed.opcode == CLOSE
    return json.loads(last.payload)["code"], CloseCode(int.from_bytes(closed.payload[:2], "big"))


@pytest.fixture
def host(club: InMemoryServer) -> TypedGuest:
    """Of a class with a code."""
    host = enter(club, "Ann")
    host.heard()
    return host


def token_of(club: InMemoryServer, guest: TypedGuest) -> str:
    """Of another tab of its."""
    return club.tokens.write(new_identity(guest.user.user_id))


def close_door(host: TypedGuest) -> str:
    """With a code, which is returned."""
    return str(act(host, "rules", door="code")["code"])


# -- the door --------------------------------------------------------------------------------------


def test_everybody_is_told_of_the_door_and_hosts_of_the_code(
    club: InMemoryServer, host: TypedGuest
) -> None:
    bob = enter(club, "Bob")
    bob.heard()

    host.send("host", cmid="h1", act="rules", door="code", listed=False)

    rules, log, done = host.heard()[1:]
    assert (rules["door"], rules["listed"]) == ("code", False)
    assert log["what"] == "everybody, open with the code, new code, not listed"
    assert bob.heard() == [rules]
    assert "code" not in rules
    assert act(host, "look")["code"] == done["code"]


def test_strangers_stay_out_and_whoever_was_in_comes_back(
    club: InMemoryServer, host: TypedGuest
) -> None:
    was_in = shown(enter(club, "Bob"))
    close_door(host)

    assert code(enter(club, "Eve")) == "wrong-key"
    assert code(enter(club, "Bob", **was_in)) == "welcome"
    act(host, "rules", door="shut")
    assert code(enter(club, "Eve")) == "shut"
    assert code(enter(club, "Bob", **was_in)) == "welcome"


def test_nobody_is_thrown_out_when_the_door_is_shut(club: InMemoryServer, host: TypedGuest) -> None:
    typed, plain = enter(club, "Bob"), club.join("Carl", "class")
    close_door(host)
    act(host, "rules", code="")
    act(host, "rules", door="shut")

    host.say("still here")

    assert [f["body"] for f in typed.heard() if "body" in f] == ["still here"]
    assert plain.heard() == ["still here"]


def test_another_key_can_be_tried_on_the_same_socket(
    club: InMemoryServer, host: TypedGuest
) -> None:
    right = close_door(host)
    bob = enter(club, "Bob")
    refused = answer(bob)
    assert (refused["code"], refused["door"]) == ("wrong-key", "code")
    assert "ask whoever invited you" in refused["detail"]

    bob.send("hello", userName="Bob", key="wrong")
    assert "That is not this room's code" in answer(bob)["detail"]
    bob.send("hello", userName="Bob", key=right.upper())

    assert code(bob) == "welcome"


def test_a_refused_client_can_neither_speak_nor_hear(
    club: InMemoryServer, host: TypedGuest
) -> None:
    close_door(host)
    eve = enter(club, "Eve")
    eve.heard()

    eve.say("hello?")
    host.say("secret")

    assert [frame.get("code") for frame in eve.heard()] == ["hello-first"]
    assert club.disk.stored("class") == ["secret"]


def test_who_tries_too_often_is_told_when_to_come_back(
    club: InMemoryServer, host: TypedGuest
) -> None:
    close_door(host)
    eve = enter(club, "Eve", key="wrong 0")
    for number in range(1, 6):
        eve.send("hello", userName="Eve", key=f"wrong {number}")

    last = eve.heard()[-1]
    assert (last["code"], 0 < last["retryAfter"] <= 12) == ("wrong-key", True)


def test_who_says_hello_in_vain_all_the_time_is_closed(
    club: InMemoryServer, host: TypedGuest
) -> None:
    act(host, "rules", door="shut")
    eve = enter(club, "Eve")
    for _ in range(9):
        eve.send("hello", userName="Eve")

    assert eve.line.peer.closed_with() == (CloseCode.POLICY, "too many refused hellos")


def test_a_code_stays_until_a_host_wants_another(club: InMemoryServer, host: TypedGuest) -> None:
    first = close_door(host)
    assert act(host, "rules", door="open")["code"] == first
    assert close_door(host) == first
    assert "code" not in act(host, "rules", speak="everybody")

    second = act(host, "rules", code="")["code"]

    assert second != first
    assert code(enter(club, "Bob", key=first)) == "wrong-key"
    assert code(enter(club, "Bob", key=second)) == "welcome"


def test_a_code_that_a_host_makes_up_is_kept_as_a_hash(
    club: InMemoryServer, host: TypedGuest
) -> None:
    assert "code" not in act(host, "rules", door="code", code="Open sesame")

    look = act(host, "look")
    assert ("code" in look, look["typedCode"]) == (False, True)
    assert "sesame" not in club.disk.charter("class")
    assert all("sesame" not in entry.what for entry in club.disk.host_log("class"))
    assert fits("Open sesame", club.server._rooms["class"].charter.code_hash)
    assert code(enter(club, "Bob", key="Open sesame")) == "welcome"


def test_nothing_is_hashed_for_whoever_is_no_host(
    club: InMemoryServer, host: TypedGuest, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = enter(club, "Bob")
    monkeypatch.setattr("chatroom.rooms.codes.hashed", lambda _: pytest.fail("it was hashed"))

    assert act(bob, "rules", door="code", code="Open sesame")["code"] == "not-host"


def test_hosts_pass_the_door_by_their_token_when_they_come_back(
    club: InMemoryServer, host: TypedGuest
) -> None:
    """A teacher's line drops: everybody else may wait outside, but not the teacher."""
    token = token_of(club, host)
    act(host, "rules", door="shut", speak="hosts")
    host.leave()

    back = enter(club, "Ann", token=token)

    assert (code(back), back.user.user_id) == ("welcome", host.user.user_id)


def test_a_hosts_link_opens_the_door_while_it_is_good(
    club: InMemoryServer, host: TypedGuest
) -> None:
    link = act(host, "makeLink")["link"]
    act(host, "rules", door="shut")

    bob = enter(club, "Bob", link=link)
    frames = bob.heard()
    assert [f["role"] for f in frames if f.get("type") == "host"] == ["host"]
    assert code(enter(club, "Eve", link=link)) == "shut"
    assert code(enter(club, "Eve", link="made up")) == "shut"
    assert code(enter(club, "Olga", link=club.tokens.write_operator_link())) == "welcome"


def test_the_pass_of_somebody_who_was_removed_opens_nothing(
    club: InMemoryServer, host: TypedGuest
) -> None:
    bob = enter(club, "Bob")
    was_in = shown(bob)
    right = close_door(host)
    act(host, "bar", userId=bob.user.user_id)

    assert code(enter(club, "Bob", **was_in)) == "removed"
    assert code(enter(club, "Bob", **{"pass": was_in["pass"]})) == "wrong-key"
    assert code(enter(club, "Bob", token=was_in["token"], key=right)) == "removed"


def test_whoever_is_removed_goes_with_all_that_came_in_as_theirs(
    club: InMemoryServer, host: TypedGuest
) -> None:
    """A pass opens the door for a second socket, and for a stream that nobody sees."""
    bob = enter(club, "Bob")
    pass_ = shown(bob)["pass"]
    plain, ears, others = club.join("Bob", "class", bearer=pass_), listen(club, pass_), listen(club)

    act(host, "bar", userId=bob.user.user_id)
    plain.say("still here")
    club.settle()

    assert last_words(bob) == ("removed", CloseCode.REMOVED)
    assert plain.peer.closed_with() == (CloseCode.REMOVED, "removed by a host")
    assert (ears.ended, others.ended) == ("removed by a host", "")
    assert club.disk.stored("class") == []
    again = club.join("Bob", "class", bearer=pass_)
    assert again.peer.closed_with() == (CloseCode.REMOVED, "removed by a host")


def test_an_open_room_says_nothing_of_doors(club: InMemoryServer) -> None:
    welcome = answer(enter(club, "Ann"))

    assert "rules" not in welcome
    assert list(welcome)[-2:] == ["limits", "pass"]


# -- plain users -----------------------------------------------------------------------------------


def test_a_plain_user_without_a_header_is_closed(club: InMemoryServer, host: TypedGuest) -> None:
    close_door(host)

    eve = club.join("Eve", "class")

    assert eve.peer.closed_with() == (CloseCode.NO_ENTRY, "no entry")


def test_a_plain_user_who_is_turned_away_says_nothing_in_the_room(
    club: InMemoryServer, host: TypedGuest
) -> None:
    """A plain client says something in its very first frame, and does not wait for an answer."""
    close_door(host)
    host.heard()
    eve = club.guest("Eve", "class").join()

    eve.say("let me in", "I am in")
    club.settle()

    assert club.disk.stored("class") == []
    assert host.heard() == []


@pytest.mark.parametrize("what", ["code", "pass", "token of a host", "key"])
def test_a_plain_user_comes_in_by_the_header(
    club: InMemoryServer, host: TypedGuest, what: str
) -> None:
    was_in = shown(enter(club, "Bob"))
    right = close_door(host)
    bearer = {
        "code": right,
        "pass": was_in["pass"],
        "token of a host": token_of(club, host),
        "key": act(host, "makeKey", name="CI")["key"],
    }[what]

    plain = club.join("Plain", "class", bearer=bearer)
    host.say("hello")
    plain.say("hello, too")
    club.settle()

    assert plain.heard() == ["hello", "hello, too"]
    assert [message.user_id for message in club.disk.messages("class")][-1] == ""


def test_a_typed_user_may_have_a_header_instead(club: InMemoryServer, host: TypedGuest) -> None:
    right = close_door(host)
    ann = enter(club, "Ann", bearer=token_of(club, host))
    assert answer(ann)["userId"] == host.user.user_id
    assert code(enter(club, "Bob", bearer=right)) == "welcome"
    assert code(enter(club, "Eve", bearer="wrong")) == "wrong-key"


# -- everybody out ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("door", "way_back"), [("open", "You can"), ("code", "With the code"), ("shut", "Nobody can")]
)
def test_everybody_but_hosts_is_shown_out_and_no_pass_is_good_any_more(
    club: InMemoryServer, host: TypedGuest, door: str, way_back: str
) -> None:
    bob, plain = enter(club, "Bob"), club.join("Carl", "class")
    was_in = shown(bob)
    act(host, "rules", door=door)

    assert act(host, "everybodyOut") == {"type": "done", "cmid": "h"}

    *_, last, closed = bob.line.peer.arrived()
    error = json.loads(last.payload)
    assert (error["code"], way_back in error["detail"]) == ("everybody-out", True)
    assert (closed.opcode, closed.payload[2:]) == (CLOSE, b"no entry")
    assert plain.peer.closed_with() == (CloseCode.NO_ENTRY, "no entry")
    assert list(club.server._rooms["class"].presence) != []
    assert club.server._rooms["class"].users.keys() == {host.user}
    wanted = {"open": "welcome", "code": "wrong-key", "shut": "shut"}[door]
    assert code(enter(club, "Bob", **was_in)) == wanted


def test_who_is_shown_out_says_nothing_more(club: InMemoryServer, host: TypedGuest) -> None:
    """Also of what was on its way."""
    plain = club.join("Carl", "class")
    act(host, "everybodyOut")

    plain.say("too late")
    club.settle()

    assert club.disk.stored("class") == []


def test_a_new_pass_is_good_again(club: InMemoryServer, host: TypedGuest) -> None:
    act(host, "everybodyOut")
    right = close_door(host)
    bob = shown(enter(club, "Bob", key=right))

    assert code(enter(club, "Bob", **bob)) == "welcome"


def test_listeners_are_shown_out_too(club: InMemoryServer, host: TypedGuest) -> None:
    ears = listen(club)

    act(host, "everybodyOut")

    assert ears.ended == "a host has shown everybody out"


def test_who_is_on_the_way_in_meanwhile_does_not_come_in(
    make: Callable[..., InMemoryServer],
) -> None:
    club = make(late=["register"])
    host = enter(club, "Ann")
    club.register.decide(), club.register.tell(), club.settle()
    bob = enter(club, "Bob")

    host.send("host", cmid="h", act="rules", door="shut")
    club.register.decide(), club.register.tell(), club.settle()

    *_, last, closed = bob.line.peer.arrived()
    assert json.loads(last.payload)["code"] == "shut"
    assert (closed.opcode, closed.payload[2:]) == (CLOSE, b"no entry")


@pytest.mark.parametrize("what", ["shown out", "removed"])
def test_who_is_shown_out_on_the_way_in_is_told_nothing_by_which_to_come_back(
    make: Callable[..., InMemoryServer], what: str
) -> None:
    """Neither what is said here, nor a pass that would be good."""
    club = make(late=["register"])
    host = enter(club, "Ann")
    club.register.decide(), club.register.tell(), club.settle()
    before = enter(club, "Bob")
    club.register.decide(), club.register.tell(), club.settle()
    kept = shown(before)
    host.send("host", cmid="h1", act="rules", door="shut")
    bob = enter(club, "Bob", **kept)

    if what == "removed":
        host.send("host", cmid="h2", act="bar", userId=before.user.user_id)
    else:
        host.send("host", cmid="h2", act="everybodyOut")
    host.say("secret")
    while club.register.is_busy:
        club.register.decide(), club.register.tell(), club.settle()

    frames = [json.loads(f.payload) for f in bob.line.peer.arrived() if f.opcode != CLOSE]
    assert [frame.get("code") for frame in frames] == ["shut" if what == "shown out" else what]
    assert not bob.user.inside


# -- keys ------------------------------------------------------------------------------------------


def said_with(club: InMemoryServer, proof: Proof, user_id: str, body: str) -> str | None:
    """What becomes of it; None if it is stored."""
    speaker = HttpSpeaker("class", "CI", "192.0.2.7", user_id, proof=proof)
    club.server.broadcast.put(Said(speaker, Draft("CI", body, "now"), 9))
    club.settle()
    error = speaker.outcome.exception(0)
    return error.code if isinstance(error, Refusal) else None


def test_a_script_speaks_with_its_key_and_everybody_sees_that(
    club: InMemoryServer, host: TypedGuest
) -> None:
    close_door(host)
    made = act(host, "makeKey", name="CI")
    proof = club.doors.prove("class", "192.0.2.7", Shown(bearer=made["key"]))

    assert said_with(club, NOTHING, "", "let me in") == "wrong-key"
    assert said_with(club, proof, made["userId"], "green") is None

    (message,) = club.disk.messages("class")
    assert (message.user_id, message.by) == (made["userId"], "script")
    assert host.heard()[-1]["by"] == "script"


def test_whoever_only_may_read_says_nothing(club: InMemoryServer, host: TypedGuest) -> None:
    made = act(host, "makeKey", name="Mirror", say=False)
    close_door(host)
    proof = club.doors.prove("class", "192.0.2.7", Shown(bearer=made["key"]))
    plain = club.join("Mirror", "class", bearer=made["key"])
    typed = enter(club, "Mirror", key=made["key"])
    host.heard(), typed.heard()

    assert said_with(club, proof, made["userId"], "hello") == "read-only"
    plain.say("hello")
    typed.say("hello")
    typed.send("typing")
    typed.send("rename", userName="Hello!")

    assert [frame.get("code") for frame in typed.heard()] == ["read-only", "read-only"]
    assert club.disk.stored("class") == []
    assert [frame for frame in host.heard() if frame["type"] == "typing"] == []


def test_who_comes_with_a_key_gets_no_pass(club: InMemoryServer, host: TypedGuest) -> None:
    """It would outlive the key."""
    made = act(host, "makeKey", name="CI")
    close_door(host)
    assert "pass" not in answer(enter(club, "Robot", key=made["key"]))

    act(host, "revokeKey", userId=made["userId"])

    assert code(enter(club, "Robot 2", key=made["key"])) == "wrong-key"


def test_who_has_come_with_a_key_goes_when_it_is_revoked(
    club: InMemoryServer, host: TypedGuest
) -> None:
    close_door(host)
    made, other = (act(host, "makeKey", name=name) for name in ("CI", "Mirror"))
    plain, kept = (club.join("CI", "class", bearer=one["key"]) for one in (made, other))
    typed, ears = enter(club, "CI", key=made["key"]), listen(club, made["key"])
    others = listen(club, other["key"])

    act(host, "revokeKey", userId=made["userId"])
    host.say("secret")

    assert plain.peer.closed_with() == (CloseCode.NO_ENTRY, "no entry")
    assert last_words(typed) == ("no-entry", CloseCode.NO_ENTRY)
    assert ears.ended == "a host has revoked this key"
    assert (kept.heard(), others.ended) == (["secret"], "")


def test_a_script_that_is_removed_goes_and_its_key_lets_nobody_in(
    club: InMemoryServer, host: TypedGuest
) -> None:
    made = act(host, "makeKey", name="CI")
    typed = enter(club, "CI", key=made["key"])

    act(host, "bar", userId=made["userId"])

    assert last_words(typed) == ("removed", CloseCode.REMOVED)
    assert code(enter(club, "CI", key=made["key"])) == "removed"


def test_hosts_see_which_keys_there_are_but_not_their_secrets(
    club: InMemoryServer, host: TypedGuest
) -> None:
    made = act(host, "makeKey", name="CI")

    look = act(host, "look")

    assert look["keys"] == [{"name": "CI", "userId": made["userId"], "say": True}]
    assert made["key"] not in str(look)
    assert made["key"] not in club.disk.charter("class")


# -- news ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", [{"door": "code"}, {"door": "shut"}, {"listed": False}])
def test_others_hear_no_news_of_a_room_that_is_closed_or_unlisted(
    club: InMemoryServer, host: TypedGuest, rules: dict[str, Any]
) -> None:
    ears = enter(club, "Olga", "lobby", rooms=True)
    host.say("one")
    club.settle()
    assert [f["type"] for f in ears.heard()][-1] == "rooms"
    host.say("two")  # nobody has been told yet

    act(host, "rules", **rules)
    club.server._entrance._news._tell()
    host.say("three")
    club.server._entrance._news._tell()

    assert [f for f in ears.heard() if f.get("type") == "rooms"] == []


# -- the whole server's password -----------------------------------------------------------------


def test_a_password_is_asked_for_in_every_room(make: Callable[..., InMemoryServer]) -> None:
    club = make(password="Open sesame")

    refused = answer(enter(club, "Eve", "lobby"))
    assert (refused["code"], refused["door"]) == ("wrong-key", "code")
    assert "this server's password" in refused["detail"]
    assert code(enter(club, "Eve", "new")) == "wrong-key"
    assert "new" not in club.rooms()
    assert club.join("Plain").peer.closed_with() == (CloseCode.NO_ENTRY, "no entry")
    bob = shown(enter(club, "Bob", "lobby", key="Open sesame"))
    assert code(enter(club, "Bob", "lobby", **bob)) == "welcome"
    assert club.join("Carl", bearer="Open sesame").peer.arrived() == []


# -- links for guests ------------------------------------------------------------------------------


def link_for_guests(host: TypedGuest, uses: int = 1) -> str:
    return str(act(host, "makeLink", makes="guest", uses=uses)["link"])


def test_a_link_for_guests_opens_any_door_so_many_times_and_makes_nobody_a_host(
    club: InMemoryServer, host: TypedGuest
) -> None:
    act(host, "rules", door="shut")
    link = link_for_guests(host, uses=2)

    bob, carl, dora = (enter(club, name, link=link) for name in ("Bob", "Carl", "Dora"))

    assert (code(bob), code(carl), code(dora)) == ("welcome", "welcome", "shut")
    assert act(bob, "rules", door="open")["code"] == "not-host"
    assert act(host, "look")["links"] == []


def test_a_link_for_guests_is_used_up_only_by_those_who_need_it(
    club: InMemoryServer, host: TypedGuest
) -> None:
    link = link_for_guests(host)
    bob = enter(club, "Bob", link=link)
    kept = shown(bob)
    assert act(host, "look")["links"][0]["uses"] == 1, "the door was open"

    act(host, "rules", door="shut")
    assert code(enter(club, "Bob", link=link, **kept)) == "welcome"
    assert act(host, "look")["links"] == [{**act(host, "look")["links"][0], "makes": "guest"}]
    assert code(enter(club, "Carl", link=link)) == "welcome"
    assert act(host, "look")["links"] == []


def test_many_who_open_a_link_for_one_at_once_are_one(
    make: Callable[..., InMemoryServer],
) -> None:
    """Also where its use is stored later than they come."""
    club = make(late={"order"})
    host = enter(club, "Ann")
    host.settles = False

    def act_late(word: str, **fields: Any) -> dict[str, Any]:
        host.send("host", cmid="h", act=word, **fields)
        club.settle()
        club.order.commit()
        club.order.tell()
        club.settle()
        return next(f for f in reversed(host.heard()) if f.get("type") in ("done", "error"))

    act_late("rules", door="shut")
    link = act_late("makeLink", makes="guest")["link"]

    guests = [enter(club, f"Guest {number}", link=link) for number in range(4)]
    while club.order.is_busy:
        club.order.commit()
        club.order.tell()
        club.settle()

    answers = [code(guest) for guest in guests]
    assert sorted(answers) == ["shut", "shut", "shut", "welcome"]
    assert act_late("look")["links"] == []


def test_a_link_for_guests_that_was_revoked_meanwhile_lets_nobody_stay(
    make: Callable[..., InMemoryServer],
) -> None:
    club = make(late={"order"})
    host = enter(club, "Ann")
    host.settles = False

    def commit() -> None:
        club.settle()
        while club.order.is_busy:
            club.order.commit()
            club.order.tell()
            club.settle()

    host.send("host", cmid="h1", act="rules", door="shut")
    commit()
    host.send("host", cmid="h2", act="makeLink", makes="guest")
    commit()
    link = next(f["link"] for f in host.heard() if f.get("cmid") == "h2")
    (key,) = club.server._rooms["class"].charter.links

    host.send("host", cmid="h3", act="revokeLink", link=key)
    bob = enter(club, "Bob", link=link)
    commit()

    frames = bob.heard()
    assert [frame.get("code") for frame in frames if frame.get("type") == "error"] == ["wrong-link"]
    assert not bob.user.inside


def test_a_link_that_is_used_up_revoked_or_unknown_gets_the_same_answer(
    club: InMemoryServer, host: TypedGuest
) -> None:
    act(host, "rules", door="shut")
    used, revoked = link_for_guests(host), link_for_guests(host)
    assert code(enter(club, "Bob", link=used)) == "welcome"
    (left,) = act(host, "look")["links"]
    act(host, "revokeLink", link=left["link"])

    answers = [
        answer(enter(club, name, link=link))
        for name, link in (
            ("Carl", used),
            ("Dora", revoked),
            ("Eve", "unknown"),
        )
    ]

    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["code"] == "shut"


# -- an operator's link ----------------------------------------------------------------------------


def open_at_once(club: InMemoryServer, link: str, *rooms: str) -> list[TypedGuest]:
    """Somebody opens it in each of these rooms, before anybody has an answer."""
    opening = [
        enter(club, f"Olga {number}", room, link=link, settles=False)
        for number, room in enumerate(rooms)
    ]
    club.settle()
    while club.order.is_busy:
        club.order.commit()
        club.order.tell()
        club.settle()
    return opening


@pytest.mark.parametrize("late", [(), ("order",)], ids=["at once", "later"])
@pytest.mark.parametrize("rooms", [("class", "class"), ("class", "garden")], ids="-".join)
def test_an_operators_link_that_two_open_at_once_lets_one_of_them_in(
    make: Callable[..., InMemoryServer], late: tuple[str, ...], rooms: tuple[str, ...]
) -> None:
    """Also where its use is stored later than they come, and in whichever room they open it."""
    club = make(late=late)
    for room in set(rooms):
        club.disk.enact(room, Charter(door=Door.SHUT).to_json(), None)
    link = club.tokens.write_operator_link()

    first, second = open_at_once(club, link, *rooms)

    frames = first.heard()
    assert [frame["role"] for frame in frames if frame.get("type") == "host"] == ["operator"]
    assert [frame.get("code") for frame in second.heard()] == ["shut"]
    assert code(enter(club, "Eve", link=link)) == "shut"


def test_two_tabs_of_one_person_may_open_an_operators_link_at_once(
    make: Callable[..., InMemoryServer],
) -> None:
    club = make(late={"order"})
    club.disk.enact("class", Charter(door=Door.SHUT).to_json(), None)
    link, person = club.tokens.write_operator_link(), new_identity()
    token = club.tokens.write(person)
    tabs = [
        enter(club, "Olga", link=link, token=token, settles=False),
        enter(club, "Olga", link=link, token=token, settles=False),
    ]

    open_at_once(club, link)

    assert [code(tab) for tab in tabs] == ["welcome", "welcome"]


def test_an_operators_link_whose_use_is_not_stored_lets_nobody_stay_and_is_still_good(
    club: InMemoryServer,
) -> None:
    club.disk.enact("class", Charter(door=Door.SHUT).to_json(), None)
    link = club.tokens.write_operator_link()
    club.disk.failing.add("enact")

    olga = enter(club, "Olga", link=link)

    assert last_words(olga) == ("not-stored", CloseCode.NO_ENTRY)
    club.disk.failing.clear()
    assert code(enter(club, "Olga again", link=link)) == "welcome"
