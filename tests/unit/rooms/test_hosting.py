"""Hosting: what follows from an act; and who is quiet or barred, whichever way they come."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from chatroom.errors import ChatError, Refusal
from chatroom.message import Draft, MessageId
from chatroom.rooms.charter import NEVER, NO_CHARTER, Ban, Charter, Host, Speak
from chatroom.rooms.ranks import Rank
from chatroom.sockets.sending import END
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.users.requests import Change, Ruling, Said
from chatroom.users.tokens import Identity
from chatroom.wire.acts import Act, Look, SetRules, UnmakeHost
from chatroom.wire.typed import Alteration, Edit, Remove
from chatroom.wire.websocket import CloseCode
from tests.support.in_memory_room import InMemoryServer, TypedGuest

RULES = NO_CHARTER.rules


def enter(club: InMemoryServer, name: str, room: str = "class", **hello: Any) -> TypedGuest:
    return TypedGuest(club, name, room, {}, **hello)


def act(host: TypedGuest, word: str, **fields: Any) -> dict[str, Any]:
    """The answer to the host; what comes before it is lost."""
    host.send("host", cmid="h", act=word, **fields)
    return next(f for f in reversed(host.heard()) if f.get("type") in ("done", "error"))


def heard(guest: TypedGuest, *types: str) -> list[dict[str, Any]]:
    """The frames of these types that it got since the last look."""
    return [frame for frame in guest.heard() if frame.get("type") in types]


def code(frame: dict[str, Any]) -> str:
    return str(frame.get("code", frame["type"]))


def of(guest: TypedGuest) -> dict[str, str]:
    return {"userId": guest.user.user_id, "userName": guest.user.name}


def token_of(club: InMemoryServer, guest: TypedGuest) -> str:
    return club.tokens.write(Identity(guest.user.user_id, "tab"))


def id_of(club: InMemoryServer, room: str = "class") -> MessageId:
    newest = club.disk.messages(room)[-1]
    return MessageId(newest.seq, newest.nonce)


# -- who hears of it -------------------------------------------------------------------------------


def test_all_hear_of_new_rules_and_hosts_of_who_made_them(club: InMemoryServer) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    ann.heard(), bob.heard()

    ann.send("host", cmid="h1", act="rules", speak="slow", slowSeconds=30)

    rules = {"type": "rules", **RULES, "speak": "slow", "slowSeconds": 30}
    assert bob.heard() == [rules]
    told, log, done = ann.heard()
    assert told == rules
    assert (log["type"], log["act"], log["what"]) == ("log", "rules", "slow (30 s)")
    assert (log["by"], "whom" in log) == (of(ann), False)
    assert done == {"type": "done", "cmid": "h1"}


def test_whoever_comes_later_is_told_in_the_welcome(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")
    act(ann, "rules", speak="hosts")

    (welcome,) = heard(enter(club, "Bob"), "welcome")

    assert welcome["rules"] == RULES | {"speak": "hosts"}
    assert [person.get("role") for person in welcome["users"]] == ["maker", None]
    assert "role" not in welcome


def test_nobody_is_told_what_does_not_change(club: InMemoryServer) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    act(ann, "rules", speak="hosts")
    bob.heard()

    assert act(ann, "rules", speak="hosts") == {"type": "done", "cmid": "h"}

    assert bob.heard() == []
    assert len(club.disk.host_log("class")) == 1


def test_all_hear_who_is_a_host_and_who_is_none_any_more(club: InMemoryServer) -> None:
    ann, bob, carl = enter(club, "Ann"), enter(club, "Bob"), enter(club, "Carl")
    act(ann, "makeHost", userId=bob.user.user_id)
    act(ann, "unmakeHost", userId=bob.user.user_id)

    made, unmade = heard(carl, "host")

    assert made == {"type": "host", **of(bob), "role": "host"}
    assert unmade == {**made, "role": ""}
    assert code(act(bob, "rules", speak="hosts")) == "not-host"


def test_who_is_quiet_is_told_until_when_in_each_of_their_tabs(club: InMemoryServer) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    (welcome,) = heard(bob, "welcome")
    other = enter(club, "Bob", token=welcome["token"])
    carl = enter(club, "Carl")
    for guest in (other, carl):
        guest.heard()

    act(ann, "quiet", userId=bob.user.user_id, seconds=60)

    (muted,) = heard(bob, "muted", "unmuted")
    assert muted["until"].endswith("Z")
    assert 0 < muted["retryAfter"] <= 60
    assert heard(other, "muted", "unmuted") == [muted]
    assert heard(carl, "muted", "unmuted") == []
    for tab in (bob, other):
        tab.send("message", cmid="b", body="hello")
        (error,) = heard(tab, "error")
        assert (error["code"], error["cmid"]) == ("muted", "b")
        assert 0 < error["retryAfter"] <= 60

    act(ann, "quiet", userId=bob.user.user_id, seconds=0)

    assert heard(bob, "muted", "unmuted") == [{"type": "unmuted"}]
    bob.say("hello")
    assert club.disk.stored("class") == ["hello"]


def test_who_is_quiet_until_that_is_undone_is_told_no_time(club: InMemoryServer) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    bob.heard()

    act(ann, "quiet", userId=bob.user.user_id)

    assert bob.heard() == [{"type": "muted"}]
    bob.say("hello")
    (error,) = bob.heard()
    assert "retryAfter" not in error


def test_who_comes_back_quiet_is_told_before_they_type(club: InMemoryServer) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    (welcome,) = heard(bob, "welcome")
    act(ann, "quiet", userId=bob.user.user_id, seconds=60)
    (muted,) = heard(bob, "muted")

    again = enter(club, "Bob", token=welcome["token"])

    assert [frame["type"] for frame in again.heard()] == ["welcome", "muted", "live"]
    (told,) = heard(enter(club, "Bob", token=welcome["token"]), "muted")
    assert told["until"] == muted["until"]
    assert 0 < told["retryAfter"] <= 60


def test_a_link_is_told_to_who_made_it_alone(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")
    bob = enter(club, "Bob")
    act(ann, "makeHost", userId=bob.user.user_id)
    bob.heard()

    secret = act(ann, "makeLink")["link"]

    assert secret
    assert secret not in str(bob.heard())
    assert secret not in str(act(bob, "look"))


def test_a_link_makes_whoever_comes_with_it_a_host(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")
    secret = act(ann, "makeLink")["link"]

    bob = enter(club, "Bob", link=secret)

    made = {"type": "host", **of(bob), "role": "host"}
    assert heard(bob, "host", "error", "done") == [made]
    assert heard(ann, "host") == [made]
    assert code(act(bob, "rules", speak="hosts")) == "done"

    carl = enter(club, "Carl", link=secret)

    (error,) = heard(carl, "host", "error")
    assert (error["code"], "cmid" in error) == ("wrong-link", False)
    assert code(act(carl, "rules", speak="slow")) == "not-host"


def test_a_link_of_a_hello_that_is_refused_is_not_used_up(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")
    secret = act(ann, "makeLink")["link"]
    bob = enter(club, "Ann", link=secret)
    assert code(bob.heard()[-1]) == "name-taken"

    bob.send("hello", userName="Bob", link=secret)

    assert [frame["role"] for frame in heard(bob, "host")] == ["host"]


def test_a_host_sees_who_is_what_and_what_was_done(club: InMemoryServer) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    act(ann, "quiet", userId=bob.user.user_id, seconds=60)
    act(ann, "bar", userId="u9", userName="Eve")
    act(ann, "makeLink", seconds=60, uses=2)

    seen = act(ann, "look")

    assert seen["hosts"] == [{**of(ann), "role": "maker"}]
    assert [{**of(bob), "until": seen["quiet"][0]["until"]}] == seen["quiet"]
    assert seen["barred"] == [{"userId": "u9", "userName": "Eve"}]
    assert [link["uses"] for link in seen["links"]] == [2]
    assert [entry["act"] for entry in seen["log"]] == ["makeLink", "bar", "quiet"]
    assert seen["log"][1]["whom"] == {"userId": "u9", "userName": "Eve"}

    act(ann, "revokeLink", link=seen["links"][0]["link"])
    assert act(ann, "look")["links"] == []


def test_no_text_is_ever_in_the_log(club: InMemoryServer) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    bob.say("a secret")

    act(ann, "bar", userId=bob.user.user_id)

    assert "a secret" not in str(club.disk.host_log("class"))


# -- on the way in ---------------------------------------------------------------------------------


def test_who_is_still_being_told_the_past_misses_no_act(
    make: Callable[..., InMemoryServer],
) -> None:
    """The welcome says how it was; on going live it is as it now is."""
    club = make(tail_bytes=1)
    ann = enter(club, "Ann")
    ann.say("one", "two")
    bob = enter(club, "Bob")
    assert [frame["type"] for frame in bob.heard()] == ["welcome"]

    act(ann, "makeHost", userId=bob.user.user_id)
    act(ann, "rules", speak="hosts")
    carl = enter(club, "Carl", link=act(ann, "makeLink")["link"])
    catch_up(club, bob)

    frames = bob.heard()
    assert frames[-1] == {"type": "live"}
    assert {"type": "rules", **RULES, "speak": "hosts"} in frames
    roles = {frame["userId"]: frame["role"] for frame in frames if frame.get("type") == "host"}
    assert roles == {bob.user.user_id: "host", carl.user.user_id: "host"}


def test_who_hears_of_somebody_late_hears_what_they_are(
    make: Callable[..., InMemoryServer],
) -> None:
    club = make(tail_bytes=1)
    club.remember(2, "class")
    decide(club, "class", Charter({"u1": Host("Ann", Rank.HOST)}))
    bob = enter(club, "Bob")
    bob.heard()

    enter(club, "Ann", token=club.tokens.write(Identity("u1", "t1")))
    catch_up(club, bob)

    (joined,) = heard(bob, "joined")
    assert (joined["userName"], joined["role"]) == ("Ann", "host")


def decide(club: InMemoryServer, room: str, charter: Charter) -> None:
    """As another process did, some time ago."""
    club.disk.enact(room, charter.to_json(), None)


def catch_up(club: InMemoryServer, guest: TypedGuest) -> None:
    """Do what its writer thread does."""
    guest.user.connection._queue.put(END)
    guest.user.connection.flush()
    club.settle()


# -- who has to go ---------------------------------------------------------------------------------


def test_who_is_removed_is_told_in_each_tab_and_nobody_else_notices(club: InMemoryServer) -> None:
    ann, bob, carl = enter(club, "Ann"), enter(club, "Bob"), enter(club, "Carl")
    (welcome,) = heard(bob, "welcome")
    other = enter(club, "Bob", token=welcome["token"])
    for guest in (ann, other, carl):
        guest.heard()

    ann.send("host", cmid="h", act="bar", userId=bob.user.user_id, seconds=3600)

    for tab in (bob, other):
        *frames, closed = tab.line.peer.arrived()
        (error,) = map(json.loads, (frame.payload for frame in frames))
        assert (error["type"], error["code"]) == ("error", "removed")
        assert error["detail"].startswith("A host has removed you until ")
        assert 3590 < error["retryAfter"] <= 3600
        assert closed.payload == struct.pack("!H", CloseCode.REMOVED) + b"removed by a host"
    assert [frame["type"] for frame in carl.heard()] == ["left"]
    assert [user.name for user in club.server._rooms["class"].users] == ["Ann", "Carl"]


def test_who_is_removed_does_not_come_back_with_the_same_token(club: InMemoryServer) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    (welcome,) = heard(bob, "welcome")
    act(ann, "bar", userId=bob.user.user_id)

    back = enter(club, "Bob", token=welcome["token"], since="0-0")

    (error,) = back.heard()
    assert (error["code"], "retryAfter" in error) == ("removed", False)
    assert heard(enter(club, "Bob", room="garden", token=welcome["token"]), "welcome")
    assert heard(enter(club, "Zoe"), "welcome"), "somebody else at the same address"


def test_who_was_removed_for_a_while_or_is_let_in_again_comes_back(
    club: InMemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    (welcome,) = heard(bob, "welcome")
    act(ann, "bar", userId=bob.user.user_id)
    act(ann, "bar", userId=bob.user.user_id, seconds=0)

    assert heard(enter(club, "Bob", token=welcome["token"]), "welcome")


def test_an_empty_room_remembers_who_was_removed(club: InMemoryServer) -> None:
    decide(club, "class", Charter(barred={"u2": Ban("Bob", NEVER)}))

    bob = enter(club, "Bob", token=club.tokens.write(Identity("u2", "t1")))

    assert [frame["code"] for frame in bob.heard()] == ["removed"]
    assert club.rooms() == []


def test_who_is_removed_while_on_the_way_in_does_not_arrive(
    make: Callable[..., InMemoryServer],
) -> None:
    """The name is decided elsewhere, and meanwhile a host acts."""
    club = make(late={"register"})
    ann = enter(club, "Ann")
    club.register.decide(), club.register.tell()
    club.settle()
    ann.heard()
    bob = enter(club, "Bob", token=club.tokens.write(Identity("u2", "t1")))

    act(ann, "bar", userId="u2")
    club.register.decide(), club.register.tell()
    club.settle()

    assert closed_with(bob) == CloseCode.REMOVED
    assert [user.name for user in club.server._rooms["class"].users] == ["Ann"]


def closed_with(guest: TypedGuest) -> int:
    *_, closed = guest.line.peer.arrived()
    return int(struct.unpack("!H", closed.payload[:2])[0])


def test_what_was_said_behind_it_is_not_said(club: InMemoryServer) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    ann.settles = bob.settles = False

    bob.say("before")
    ann.send("host", cmid="h", act="bar", userId=bob.user.user_id)
    bob.say("after")
    club.settle()

    assert club.disk.stored("class") == ["before"]


def test_a_host_comes_in_whatever_was_decided_before(club: InMemoryServer) -> None:
    """Barred from a room, and later made an operator in another one."""
    decide(club, "class", Charter(barred={"u2": Ban("Bob", NEVER)}))
    club.server._rooms.house.charter = Charter({"u2": Host("Bob", Rank.OPERATOR)})

    bob = enter(club, "Bob", token=club.tokens.write(Identity("u2", "t1")))

    assert [frame["role"] for frame in heard(bob, "welcome")] == ["operator"]


def test_others_read_that_somebody_was_removed_and_at_once(club: InMemoryServer) -> None:
    ann, bob, carl = enter(club, "Ann"), enter(club, "Bob"), enter(club, "Carl")
    bobs = of(bob)
    carl.heard()

    act(ann, "bar", userId=bob.user.user_id)
    club.settle()

    assert carl.heard() == [{"type": "left", **bobs, "reason": "removed"}]
    assert heard(enter(club, "Bob"), "welcome"), "the name is free"


# -- a host's name ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Ann", "ANN", "\u0410nn", "A\u200bnn"])
def test_a_hosts_name_is_kept_while_they_are_away(club: InMemoryServer, name: str) -> None:
    decide(club, "class", Charter({"u1": Host("Ann", Rank.HOST)}))
    bob = enter(club, name)

    (error,) = bob.heard()
    assert error["code"] == "name-taken"
    bob.send("hello", userName=error["suggestion"])
    assert heard(bob, "welcome")
    bob.send("rename", userName="Ann")
    assert [frame["code"] for frame in heard(bob, "error")] == ["name-taken"]

    ann = enter(club, "Ann", token=club.tokens.write(Identity("u1", "t1")))
    assert heard(ann, "welcome")
    assert heard(enter(club, "Ann", "garden"), "welcome"), "only in this room"


def test_it_is_the_last_name_that_a_host_had(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")
    (welcome,) = heard(ann, "welcome")
    act(ann, "rules", speak="hosts")
    ann.send("rename", userName="Anna")
    ann.leave()
    club.server._rooms.clear()

    assert [frame["code"] for frame in enter(club, "Anna").heard()] == ["name-taken"]
    assert heard(enter(club, "Ann"), "welcome")
    club.server._rooms.clear()
    assert heard(enter(club, "Annie", token=welcome["token"]), "welcome")
    assert [frame["code"] for frame in enter(club, "Annie").heard()] == ["name-taken"]
    assert [entry.act for entry in club.disk.host_log("class")] == ["rules"]


def test_a_maker_who_says_nothing_but_names_leaves_no_trace(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")
    ann.send("rename", userName="Anna")

    assert club.disk.decided() == []
    ann.say("hello")
    assert Charter.parse(club.disk.charter("class")).name_of(ann.user.user_id) == "Anna"


def test_who_had_a_name_before_somebody_became_a_host_under_it_keeps_it(
    club: InMemoryServer,
) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    (welcome,) = heard(bob, "welcome")
    act(ann, "makeHost", userId="u9", userName="Bob")
    bob.leave()

    assert heard(enter(club, "Bob", token=welcome["token"]), "welcome")


def test_two_hosts_of_one_name_may_both_have_it(club: InMemoryServer) -> None:
    decide(club, "class", Charter({uid: Host("Ann", Rank.HOST) for uid in ("u1", "u2")}))

    ann = enter(club, "Ann", token=club.tokens.write(Identity("u2", "t1")))

    assert heard(ann, "welcome")
    again = enter(club, "Ann", token=club.tokens.write(Identity("u1", "t1")))
    assert [frame["code"] for frame in again.heard()] == ["name-taken"]


def test_whom_a_room_unmakes_has_no_name_kept(club: InMemoryServer) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    act(ann, "makeHost", userId=bob.user.user_id)
    act(ann, "unmakeHost", userId=bob.user.user_id)
    act(ann, "bar", userId=bob.user.user_id)
    club.settle()

    assert heard(enter(club, "Bob"), "welcome")


# -- those whose names nobody checks ---------------------------------------------------------------


def test_a_room_may_hear_only_people_whom_the_server_knows(club: InMemoryServer) -> None:
    ann, bob, old = enter(club, "Ann"), enter(club, "Bob"), club.join("Old", "class")
    bob.heard()
    act(ann, "rules", unchecked="no")
    assert [frame["unchecked"] for frame in heard(bob, "rules")] == ["no"]

    old.say("hello?")
    club.settle()
    assert answer_to(club.said_over_http("class", "hello?")) == "unchecked"
    bob.say("hello")
    assert old.heard() == club.disk.stored("class") == ["hello"]
    assert heard(enter(club, "Carl"), "welcome")[0]["rules"]["unchecked"] == "no"
    assert act(ann, "look")["log"][0]["what"] == "everybody, only those with a token"

    act(ann, "rules", unchecked="speak")
    assert ["unchecked" in frame for frame in heard(bob, "rules")] == [False]
    old.say("hello!")
    club.settle()
    assert club.disk.stored("class") == ["hello", "hello!"]


def test_a_host_may_have_to_approve_what_those_say_whose_names_nobody_checks(
    club: InMemoryServer,
) -> None:
    ann, bob, old = enter(club, "Ann"), enter(club, "Bob"), club.join("Old", "class")
    act(ann, "rules", unchecked="held")
    ann.heard()

    old.say("hello?")
    club.settle()
    bob.say("hello")
    assert old.heard() == club.disk.stored("class") == ["hello"]

    (held,) = heard(ann, "held")
    act(ann, "approve", id=held["id"])
    assert old.heard() == ["hello?"]


# -- the operator holds everywhere -----------------------------------------------------------------


def operator(club: InMemoryServer, name: str = "Zoe") -> TypedGuest:
    return enter(club, name, link=club.tokens.write_operator_link())


def test_whom_an_operator_removes_has_to_go_everywhere(club: InMemoryServer) -> None:
    bob = enter(club, "Bob", "garden")
    (welcome,) = heard(bob, "welcome")
    assert welcome["role"] == "maker"
    tabs = [bob, *(enter(club, "Bob", room, token=welcome["token"]) for room in ("class", "lobby"))]
    ann, zoe = enter(club, "Ann"), operator(club)
    zoe.heard()

    zoe.send("host", cmid="z", act="bar", userId=bob.user.user_id, seconds=60)

    (log,) = heard(zoe, "log")
    assert (log["act"], log["what"]) == ("bar", "60 s, everywhere")
    for tab in tabs:
        assert closed_with(tab) == CloseCode.REMOVED
    for room in ("garden", "class", "lobby", "new"):
        (error,) = enter(club, "Bob", room, token=welcome["token"]).heard()
        assert error["code"] == "removed"
    (seen,) = act(zoe, "look")["barred"]
    assert seen == {**of(bob), "until": seen["until"], "everywhere": True}
    ann.say("hello")
    assert club.disk.stored("class") == ["hello"]


def test_the_links_of_whom_an_operator_has_removed_are_worthless_in_every_room(
    club: InMemoryServer,
) -> None:
    """Otherwise they would come back by their own, as somebody new."""
    bob = enter(club, "Bob", "garden")
    made = [act(bob, "makeLink", makes=makes)["link"] for makes in ("host", "guest")]
    act(bob, "rules", door="shut")
    zoe = operator(club)
    visitor = enter(club, "Zoe", "garden", token=token_of(club, zoe))
    assert len(act(visitor, "look")["links"]) == 2

    act(zoe, "bar", userId=bob.user.user_id)

    assert act(visitor, "look")["links"] == []
    for link in made:
        assert heard(enter(club, "Bobby", "garden", link=link), "error")[0]["code"] == "shut"
    act(visitor, "rules", door="open")
    for name, link in zip(("Bobby", "Robin"), made, strict=True):
        (error,) = heard(enter(club, name, "garden", link=link), "error")
        assert error["code"] == "wrong-link"
    act(zoe, "bar", userId=bob.user.user_id, seconds=0)
    assert heard(enter(club, "Carl", "garden", link=made[0]), "host")


def test_the_links_of_whoever_is_no_operator_any_more_are_worthless_in_every_room(
    club: InMemoryServer,
) -> None:
    ann, zoe = enter(club, "Ann", "garden"), operator(club)
    visitor = enter(club, "Zoe", "garden", token=token_of(club, zoe))
    theirs, anns = act(visitor, "makeLink")["link"], act(ann, "makeLink")["link"]

    assert code(act(zoe, "unmakeHost", userId=zoe.user.user_id)) == "done"

    (error,) = heard(enter(club, "Carl", "garden", link=theirs), "error")
    assert error["code"] == "wrong-link"
    assert heard(enter(club, "Dora", "garden", link=anns), "host")


def test_an_operators_removal_is_so_after_a_restart(club: InMemoryServer) -> None:
    bob, zoe = enter(club, "Bob"), operator(club)
    (welcome,) = heard(bob, "welcome")
    act(zoe, "bar", userId=bob.user.user_id)

    club.server._rooms.clear()
    club.server._rooms.open_house()

    assert enter(club, "Bob", "new", token=welcome["token"]).heard()[-1]["code"] == "removed"
    assert club.rooms() == []


def test_only_an_operator_lets_those_back_and_then_from_this_room_too(
    club: InMemoryServer,
) -> None:
    ann, bob, zoe = enter(club, "Ann"), enter(club, "Bob"), operator(club)
    (welcome,) = heard(bob, "welcome")
    act(ann, "bar", userId=bob.user.user_id)
    act(zoe, "bar", userId=bob.user.user_id)

    assert code(act(ann, "bar", userId=bob.user.user_id, seconds=0)) == "not-allowed"
    assert code(act(zoe, "bar", userId=bob.user.user_id, seconds=0)) == "done"

    assert act(zoe, "look")["barred"] == []
    assert heard(enter(club, "Bob", token=welcome["token"]), "welcome")
    assert club.server._rooms["class"].lets_all_speak


@pytest.mark.parametrize("is_open", [True, False])
def test_whom_an_operator_has_removed_changes_nothing_over_http(
    club: InMemoryServer, *, is_open: bool
) -> None:
    bob, zoe = enter(club, "Bob", "garden"), operator(club)
    bob.say("hello")
    tab = enter(club, "Carl", "garden")
    act(zoe, "bar", userId=bob.user.user_id)
    if not is_open:
        tab.leave()
        del club.server._rooms["garden"]

    speaker = HttpSpeaker("garden", "", "192.0.2.1", bob.user.user_id)
    club.server.broadcast.put(Change(speaker, Remove("r", id_of(club, "garden")), 100))
    club.settle()

    assert answer_to(speaker) == "removed"
    assert club.disk.stored("garden") == ["hello"]


def test_a_script_that_an_operator_has_removed_is_heard_nowhere(club: InMemoryServer) -> None:
    """Also where somebody is, and the room has decided nothing."""
    enter(club, "Bob", "garden")
    act(operator(club), "bar", userId="u9", userName="CI")

    script = HttpSpeaker("garden", "CI", "192.0.2.1", "u9")
    club.server.broadcast.put(Said(script, Draft("CI", "hello", ""), 10))
    club.settle()

    assert answer_to(script) == "removed"
    assert club.disk.stored("garden") == []


# -- over HTTP -------------------------------------------------------------------------------------


def change(club: InMemoryServer, user_id: str, request: Alteration) -> str:
    """Its answer, in a word."""
    speaker = HttpSpeaker("class", "", "192.0.2.1", user_id)
    club.server.broadcast.put(Change(speaker, request, 100))
    club.settle()
    return answer_to(speaker)


def rule(club: InMemoryServer, user_id: str, act: Act) -> str:
    speaker = HttpSpeaker("class", "", "192.0.2.1", user_id)
    club.server.broadcast.put(Ruling(speaker, act))
    club.settle()
    return answer_to(speaker)


def answer_to(speaker: HttpSpeaker) -> str:
    error = speaker.outcome.exception(0)
    assert error is None or isinstance(error, ChatError)
    return error.code if isinstance(error, Refusal) else "done"


@pytest.mark.parametrize("is_open", [True, False])
def test_who_is_quiet_edits_nothing_over_http_and_may_take_back(
    club: InMemoryServer, *, is_open: bool
) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    bob.say("hello")
    act(ann, "quiet", userId=bob.user.user_id)
    if not is_open:
        del club.server._rooms["class"]

    assert change(club, bob.user.user_id, Edit("e", id_of(club), "shout")) == "muted"
    assert change(club, bob.user.user_id, Remove("r", id_of(club))) == "done"
    assert club.disk.stored("class") == [""]


@pytest.mark.parametrize("is_open", [True, False])
def test_who_is_removed_changes_nothing_over_http(club: InMemoryServer, *, is_open: bool) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    bob.say("hello")
    act(ann, "bar", userId=bob.user.user_id)
    if not is_open:
        del club.server._rooms["class"]

    for request in (Edit("e", id_of(club), "shout"), Remove("r", id_of(club))):
        assert change(club, bob.user.user_id, request) == "removed"
    assert rule(club, bob.user.user_id, SetRules("hosts", None, None)) == "removed"
    assert club.disk.stored("class") == ["hello"]


def test_a_host_acts_over_http_also_where_nobody_is(club: InMemoryServer) -> None:
    decide(club, "class", Charter({"u1": Host("Ann", Rank.HOST)}))

    assert rule(club, "u1", SetRules("hosts", None, None)) == "done"
    assert rule(club, "u2", SetRules("everybody", None, None)) == "not-host"
    assert rule(club, "", SetRules("everybody", None, None)) == "not-host"

    assert Charter.parse(club.disk.charter("class")).speak is Speak.HOSTS
    assert club.rooms() == []


def test_where_only_hosts_speak_nobody_gets_in_by_an_edit(club: InMemoryServer) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    bob.say("hello")
    act(ann, "rules", speak="hosts")
    bob.heard()

    bob.send("edit", cmid="e", id=club.disk.messages("class")[0].id, body="shout")

    assert [frame["code"] for frame in heard(bob, "error")] == ["paused"]


def test_who_is_quiet_does_not_speak_by_names_either(club: InMemoryServer) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    act(ann, "quiet", userId=bob.user.user_id)
    bob.heard()

    bob.send("rename", userName="Ann is stupid")

    assert [frame.get("code") for frame in bob.heard()] == ["muted"]


@pytest.mark.parametrize("is_away", [False, True], ids=["another tab", "later"])
def test_who_is_quiet_does_not_come_in_under_another_name(
    make: Callable[..., InMemoryServer], *, is_away: bool
) -> None:
    club = make(leave_grace=0.0)
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    act(ann, "quiet", userId=bob.user.user_id)
    token = club.tokens.write(Identity(bob.user.user_id, "t"))
    if is_away:
        bob.leave()
    ann.heard()

    again = enter(club, "Ann is stupid", token=token)

    (welcome,) = heard(again, "welcome")
    assert (welcome["userName"], again.user.name) == ("Bob", "Bob")
    assert "stupid" not in str(ann.heard())
    act(ann, "quiet", userId=bob.user.user_id, seconds=0)
    again.send("rename", userName="Robert")
    assert [frame["userName"] for frame in heard(again, "renamed")] == ["Robert"]


def test_who_is_quiet_gets_one_like_it_if_their_name_is_somebody_elses_now(
    make: Callable[..., InMemoryServer],
) -> None:
    club = make(leave_grace=0.0)
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    act(ann, "quiet", userId=bob.user.user_id)
    bob.leave()
    enter(club, "Bob")

    again = enter(club, "Robert", token=club.tokens.write(Identity(bob.user.user_id, "t")))

    assert heard(again, "welcome")[0]["userName"] == "Bob 2"


def test_a_room_opened_for_who_may_not_speak_is_forgotten(club: InMemoryServer) -> None:
    decide(club, "class", Charter(speak=Speak.HOSTS))

    refused = club.said_over_http("class", "hello")

    assert answer_to(refused) == "paused"
    assert club.rooms() == []


# -- plain users -----------------------------------------------------------------------------------


def test_plain_users_of_a_paused_room_are_not_echoed_and_not_closed(club: InMemoryServer) -> None:
    ann, old = enter(club, "Ann"), club.join("Old", "class")
    act(ann, "rules", speak="hosts")

    old.say("hello?")
    club.settle()
    ann.say("quiet, please")
    assert old.heard() == ["quiet, please"]

    act(ann, "rules", speak="everybody")
    old.say("hello!")
    club.settle()
    assert old.heard() == ["hello!"]


# -- a disk that fails -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "fields"),
    [
        ("rules", {"speak": "hosts"}),
        ("quiet", {}),
        ("bar", {}),
        ("makeHost", {}),
        ("makeLink", {}),
    ],
)
def test_what_cannot_be_stored_is_not_done_and_nobody_hears_of_it(
    club: InMemoryServer, word: str, fields: dict[str, Any]
) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    ann.say("one")
    bob.heard()
    before = club.server._rooms["class"].charter
    whom = {} if word in ("rules", "makeLink") else {"userId": bob.user.user_id}
    club.disk.failing.add("enact")

    answer = act(ann, word, **whom, **fields)

    assert (answer["code"], answer["cmid"]) == ("not-stored", "h")
    assert club.server._rooms["class"].charter == before
    assert bob.heard() == []
    bob.say("two")
    assert club.disk.stored("class") == ["one", "two"]
    club.disk.failing.clear()
    assert code(act(ann, word, **whom, **fields)) == "done"


def test_a_link_that_cannot_be_stored_as_used_can_be_used_again(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")
    secret = act(ann, "makeLink")["link"]
    club.disk.failing.add("enact")
    bob = enter(club, "Bob", link=secret)
    (welcome, *_), frames = bob.heard(), club.disk.failing.clear()
    assert frames is None

    again = enter(club, "Bob", token=welcome["token"], link=secret)

    assert [frame["role"] for frame in heard(again, "host")] == ["host"]


def test_who_looks_while_the_history_fails_is_told(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")
    act(ann, "makeLink")
    club.disk.failing.add("host_log")

    answer = act(ann, "look")

    assert (answer["code"], answer["cmid"]) == ("not-stored", "h")
    assert rule(club, ann.user.user_id, Look()) == "not-stored"
    club.disk.failing.clear()
    assert [entry["act"] for entry in act(ann, "look")["log"]] == ["makeLink"]


# -- the operator's link ---------------------------------------------------------------------------


def test_an_operator_steps_back_everywhere_and_for_good(
    make: Callable[..., InMemoryServer], club: InMemoryServer
) -> None:
    ann, link = enter(club, "Ann"), club.tokens.write_operator_link()
    zoe = enter(club, "Zoe", link=link)
    enter(club, "Carl", "garden")
    garden = enter(club, "Zoe", "garden", token=token_of(club, zoe))
    garden.heard(), ann.heard()

    assert code(act(zoe, "unmakeHost", userId=zoe.user.user_id)) == "done"

    for guest in (ann, garden):
        assert [(f["userId"], f["role"]) for f in heard(guest, "host")] == [(zoe.user.user_id, "")]
    assert code(act(zoe, "rules", speak="hosts")) == "not-host"
    assert code(heard(enter(club, "Zoe 2", link=link), "error")[0]) == "wrong-link"
    after = make(disk=club.disk)
    back = enter(after, "Zoe", token=token_of(club, zoe))
    assert "role" not in heard(back, "welcome")[0]


def test_only_whoever_runs_the_server_unmakes_an_operator(club: InMemoryServer) -> None:
    """Such as one whose browser was stolen."""
    ann, zoe, max_ = enter(club, "Ann"), operator(club), operator(club, "Max")
    whom = {"userId": zoe.user.user_id}
    assert code(act(ann, "unmakeHost", **whom)) == code(act(max_, "unmakeHost", **whom))
    assert code(act(ann, "unmakeHost", **whom)) == "not-allowed"
    assert [one["role"] for one in act(ann, "look")["hosts"]] == ["maker"]

    console = HttpSpeaker("class", "", "127.0.0.1", operator_link="nonce")
    for wanted in (Look(), UnmakeHost(zoe.user.user_id)):
        club.server.broadcast.put(Ruling(console, wanted))
        club.settle()
        told = console.outcome.result(0).told  # type: ignore[union-attr]
        if wanted == Look():
            assert [one["role"] for one in told["hosts"]] == ["maker", "operator", "operator"]
            assert [entry["act"] for entry in told["log"]] == ["useOperatorLink"] * 2
        console = HttpSpeaker("class", "", "127.0.0.1", operator_link="nonce")

    assert code(act(zoe, "look")) == "not-host"
    assert code(act(max_, "look")) == "done"
    assert act(ann, "look")["log"][0]["act"] == "unmakeHost"


def test_an_operator_is_a_host_of_every_room_at_once(club: InMemoryServer) -> None:
    ann, zoe = enter(club, "Ann", "garden"), enter(club, "Zoe")
    (welcome,) = heard(ann, "welcome")
    other = enter(club, "Ann", "lobby", token=welcome["token"])
    carl = enter(club, "Carl", "garden")
    carl.heard(), other.heard(), zoe.heard()

    in_class = enter(club, "Ann", token=welcome["token"], link=club.tokens.write_operator_link())

    operator = {"type": "host", **of(ann), "role": "operator"}
    assert heard(in_class, "host") == heard(other, "host") == heard(carl, "host") == [operator]
    assert heard(zoe, "host") == [operator]
    assert code(act(other, "rules", speak="hosts")) == "done"
    assert not other.user.is_paced
    assert Charter.parse(club.disk.charter("")).rank_of(ann.user.user_id) is Rank.OPERATOR


def test_an_operators_link_that_was_used_is_like_one_that_there_never_was(
    club: InMemoryServer,
) -> None:
    link = club.tokens.write_operator_link()
    enter(club, "Ann", link=link)

    (used,) = heard(enter(club, "Bob", link=link), "error")
    (unknown,) = heard(enter(club, "Carl", link="x"), "error")

    assert used == unknown
    assert used["code"] == "wrong-link"


# -- what was said before --------------------------------------------------------------------------


def test_what_is_sent_again_for_lack_of_an_ack_is_acked_whatever_the_rules_are_now(
    club: InMemoryServer,
) -> None:
    """Otherwise its author would think that it was not said, and say it anew."""
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    bob.send("message", cmid="b1", body="Hello")
    bob.heard()
    act(ann, "rules", speak="hosts")
    act(ann, "quiet", userId=bob.user.user_id)
    bob.heard()

    bob.send("message", cmid="b1", body="Hello")
    bob.send("message", cmid="b2", body="Hello again")

    ack, error = bob.heard()
    assert (ack["type"], ack["cmid"]) == ("ack", "b1")
    assert (error["code"], error["cmid"]) == ("muted", "b2")
    assert [message.body for message in club.disk.messages("class")] == ["Hello"]


def test_whoever_has_only_made_a_room_can_be_somebody_else_the_next_time(
    make: Callable[..., InMemoryServer],
) -> None:
    """As a script is each time that it is started: its name must not be taken by itself."""
    club = make(leave_grace=0.0)
    bot = enter(club, "Bot")
    bot.send("message", cmid="b1", body="Green")
    bot.leave()
    club.settle()

    again = enter(club, "Bot")

    assert heard(again, "welcome", "error")[0]["type"] == "welcome"


# -- pace ------------------------------------------------------------------------------------------


def test_hosts_too_wait_with_what_they_decide_and_change_but_not_with_what_they_say(
    club: InMemoryServer,
) -> None:
    """Each of these is a transaction of its own, for which all rooms wait."""
    waited: list[str] = []
    ann = enter(club, "Ann")
    ann.user._pace = ann.user._act_pace = SimpleNamespace(wait=lambda who, _: waited.append(who))
    ann.say("one")
    assert waited == []

    ann.send("host", cmid="h1", act="rules", speak="hosts")
    ann.send("edit", cmid="e1", id=str(id_of(club)), body="One")
    ann.send("remove", cmid="r1", id=str(id_of(club)))

    assert waited == [ann.user.user_id] * 3
