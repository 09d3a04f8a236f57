"""After approval: what waits for a host, from the first "May I?" to "approved" or "refused"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chatroom.errors import Refusal
from chatroom.message import Draft, Held
from chatroom.rooms.approval import MOST, MOST_OF_ONE
from chatroom.users.http_speaker import HttpSpeaker, Spoken
from chatroom.users.requests import Said
from chatroom.users.tokens import Identity
from tests.support.deadline import wait_for
from tests.support.in_memory_room import InMemoryServer, TypedGuest


def enter(club: InMemoryServer, name: str, room: str = "class", **hello: Any) -> TypedGuest:
    return TypedGuest(club, name, room, {}, **hello)


def act(host: TypedGuest, word: str, **fields: Any) -> dict[str, Any]:
    """The answer to the host; what comes before it is lost."""
    host.send("host", cmid="h", act=word, **fields)
    return next(f for f in reversed(host.heard()) if f.get("type") in ("done", "error"))


def token_of(guest: TypedGuest) -> str:
    return guest.server.tokens.write(Identity(guest.user.user_id, "tab"))


def heard(guest: TypedGuest, *types: str) -> list[dict[str, Any]]:
    """The frames of these types that it got since the last look."""
    return [frame for frame in guest.heard() if frame.get("type") in types]


def spoken(guest: TypedGuest) -> list[str]:
    """The messages that it got since the last look."""
    return [frame["body"] for frame in guest.heard() if "type" not in frame]


@pytest.fixture
def ann(club: InMemoryServer) -> TypedGuest:
    """The host of a room in which everything is approved first."""
    ann = enter(club, "Ann")
    act(ann, "rules", speak="approval")
    return ann


@pytest.fixture
def bob(club: InMemoryServer, ann: TypedGuest) -> TypedGuest:
    bob = enter(club, "Bob")
    bob.heard(), ann.heard()
    return bob


def over_http(
    club: InMemoryServer, body: str, cmid: str = "", name: str = "Script", room: str = "class"
) -> HttpSpeaker:
    speaker = HttpSpeaker(room, name, "203.0.113.9")
    club.server.broadcast.put(Said(speaker, Draft(name, body, "10:42 AM"), 100, cmid))
    club.settle()
    return speaker


# -- what waits ------------------------------------------------------------------------------------


def test_a_reply_that_waits_is_one_when_it_is_approved(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    id = f"1-{'f' * 16}"
    bob.send("message", cmid="c1", body="May I?", replyTo=id)
    (held,) = heard(bob, "held")

    act(ann, "approve", id=held["id"])

    assert held["replyTo"] == id
    assert [frame.get("replyTo") for frame in bob.heard() if "type" not in frame] == [id]
    assert [message.reply_to for message in club.disk.messages("class")] == [id]


def test_only_its_author_and_hosts_hear_of_what_waits(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    carl = enter(club, "Carl")
    carl.heard(), ann.heard(), bob.heard()

    bob.send("message", cmid="c1", body="May I?")

    (held,) = bob.heard()
    assert ann.heard() == [held]
    assert carl.heard() == []
    assert {key: held[key] for key in ("type", "body", "userName", "cmid")} == {
        "type": "held",
        "body": "May I?",
        "userName": "Bob",
        "cmid": "c1",
    }
    assert held["userId"] == bob.user.user_id
    assert club.disk.messages("class") == []


def test_its_author_sees_it_waiting_in_each_tab(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    other = enter(club, "Bob", token=token_of(bob))
    other.heard()

    bob.send("message", cmid="c1", body="May I?")

    assert [frame["body"] for frame in heard(other, "held")] == ["May I?"]
    assert len(heard(bob, "held")) == 1


def test_what_is_approved_is_said_then_by_its_author(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    bob.send("message", cmid="c1", body="May I?")
    (held,) = heard(bob, "held")
    ann.send("message", cmid="a1", body="Wait.")
    ann.heard(), bob.heard()

    ann.send("host", cmid="h", act="approve", id=held["id"])

    message, settled = bob.heard()
    assert (message["userName"], message["body"], message["cmid"]) == ("Bob", "May I?", "c1")
    assert (message["userId"], message["id"].split("-")[0]) == (bob.user.user_id, "2")
    assert settled == {"type": "settled", "id": held["id"], "cmid": "c1", "outcome": "approved"}
    told, its_end, log, done = ann.heard()
    assert (told, its_end, done) == (message, settled, {"type": "done", "cmid": "h"})
    assert (log["act"], log["whom"]["userName"], log["what"]) == ("approve", "Bob", message["id"])


def test_what_is_refused_is_never_said(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    bob.send("message", cmid="c1", body="May I?")
    (held,) = heard(bob, "held")

    assert act(ann, "refuse", id=held["id"])["type"] == "done"

    (settled,) = bob.heard()
    assert settled == {"type": "settled", "id": held["id"], "cmid": "c1", "outcome": "refused"}
    assert club.disk.messages("class") == club.disk.held("class") == []
    assert [entry.act for entry in club.disk.host_log("class")][:1] == ["refuse"]
    assert "May I?" not in str(club.disk.host_log("class"))


def test_its_author_can_withdraw_it_as_long_as_it_waits(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    bob.send("message", cmid="c1", body="Damn!")
    (held,) = heard(bob, "held")
    ann.heard()

    bob.send("withdraw", cmid="c1")

    settled = {"type": "settled", "id": held["id"], "cmid": "c1", "outcome": "withdrawn"}
    assert ann.heard() == [settled]
    assert bob.heard() == [settled, {"type": "done", "cmid": "c1"}]
    assert act(ann, "approve", id=held["id"])["code"] == "gone"
    assert club.disk.held("class") == []


def test_nobody_withdraws_what_others_want_to_say(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    eve = enter(club, "Eve")
    bob.send("message", cmid="c1", body="May I?")
    eve.heard()

    eve.send("withdraw", cmid="c1")

    assert [frame["code"] for frame in heard(eve, "error")] == ["gone"]
    assert len(club.disk.held("class")) == 1


def test_only_hosts_approve_and_refuse(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    bob.send("message", cmid="c1", body="May I?")
    (held,) = heard(bob, "held")

    assert act(bob, "approve", id=held["id"])["code"] == "not-host"
    assert act(bob, "refuse", id=held["id"])["code"] == "not-host"
    assert len(club.disk.held("class")) == 1


def test_hosts_speak_without_asking(club: InMemoryServer, ann: TypedGuest, bob: TypedGuest) -> None:
    ann.send("message", cmid="a1", body="Welcome.")

    assert spoken(bob) == ["Welcome."]


def test_two_hosts_do_not_approve_the_same_one_twice(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    bob.send("message", cmid="c1", body="May I?")
    (held,) = heard(bob, "held")

    act(ann, "approve", id=held["id"])

    assert act(ann, "approve", id=held["id"])["code"] == "gone"
    assert spoken(bob) == ["May I?"]


# -- who comes later -------------------------------------------------------------------------------


def test_whoever_comes_back_sees_what_of_theirs_still_waits(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    carl = enter(club, "Carl")
    bob.send("message", cmid="c1", body="May I?")
    carl.send("message", cmid="c1", body="Me too?")
    bob.leave()

    back = enter(club, "Bob", token=token_of(bob))

    frames = back.heard()
    assert [frame.get("type") for frame in frames] == ["welcome", "held", "live"]
    assert frames[1]["body"] == "May I?"


def test_a_host_who_comes_sees_all_that_waits(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    bob.send("message", cmid="c1", body="May I?")
    carl = enter(club, "Carl")
    carl.send("message", cmid="c1", body="Me too?")
    carl.heard()

    act(ann, "makeHost", userId=carl.user.user_id)

    assert [frame["body"] for frame in heard(carl, "held")] == ["May I?", "Me too?"]
    assert [held["body"] for held in act(ann, "look")["held"]] == ["May I?", "Me too?"]


def test_what_waits_is_still_there_when_everybody_was_away(
    make: Callable[..., InMemoryServer],
) -> None:
    club = make(leave_grace=0.0)
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    act(ann, "rules", speak="approval")
    bob.send("message", cmid="c1", body="May I?")
    ann.leave()
    bob.leave()
    club.settle()
    assert club.rooms() == []

    back = enter(club, "Ann", token=token_of(ann))

    assert [frame["body"] for frame in heard(back, "held")] == ["May I?"]


def test_what_is_sent_again_waits_once(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    bob.send("message", cmid="c1", body="May I?")
    (held,) = heard(bob, "held")
    ann.heard()

    bob.send("message", cmid="c1", body="May I?")
    assert heard(bob, "held") == [held]
    assert ann.heard() == []

    act(ann, "rules", speak="everybody")
    bob.heard()
    bob.send("message", cmid="c1", body="May I?")  # though it could be said now
    assert heard(bob, "held") == [held]

    act(ann, "approve", id=held["id"])
    bob.heard()
    bob.send("message", cmid="c1", body="May I?")
    (ack,) = bob.heard()
    assert (ack["type"], ack["cmid"]) == ("ack", "c1")
    assert len(club.disk.messages("class")) == 1


def test_another_text_does_not_wait_under_the_same_cmid(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    bob.send("message", cmid="c1", body="May I?")
    bob.heard()

    bob.send("message", cmid="c1", body="May I not?")

    assert [(frame["code"], frame["cmid"]) for frame in bob.heard()] == [("cmid-reused", "c1")]


def test_no_script_learns_what_of_another_one_waits(club: InMemoryServer, ann: TypedGuest) -> None:
    """Those without a key share their cmids."""
    over_http(club, "a secret", "1", name="CI")

    other = over_http(club, "hello", "1", name="Eve")

    refusal = other.outcome.exception(0)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "cmid-reused"
    assert "secret" not in str(refusal)


# -- limits ----------------------------------------------------------------------------------------


def test_a_person_has_only_so_many_waiting(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    carl = enter(club, "Carl")
    bob.say(*map(str, range(MOST_OF_ONE)))
    bob.heard()

    bob.send("message", cmid="c1", body="one too many")
    carl.send("message", cmid="c1", body="Me too?")

    (refusal,) = bob.heard()
    assert (refusal["type"], refusal["code"], refusal["cmid"]) == ("error", "held", "c1")
    assert len(heard(carl, "held")) == 1
    bob.send("withdraw", cmid="0 0")
    bob.send("message", cmid="c1", body="one too many")
    assert [frame["cmid"] for frame in heard(bob, "held")] == ["c1"]


def test_those_whom_nobody_knows_leave_half_of_the_room_to_the_others(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    for number in range(MOST):
        over_http(club, "flood", name=f"Eve {number}")

    assert len(club.disk.held("class")) == MOST // 2
    bob.send("message", cmid="c1", body="May I?")
    assert len(heard(bob, "held")) == 1


def test_what_waits_in_a_room_takes_only_so_much(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    size = 60_000
    for number in range(MOST):
        over_http(club, "x" * size, name=f"Eve {number}")

    assert len(club.disk.held("class")) == club.rules.tail_bytes // 2 // size


@pytest.mark.parametrize(
    "long",
    [{"body": "x", "timestamp": "x" * 60_000}, {"body": "\x01" * 10_000}],
    ids=["timestamps", "escapes"],
)
def test_what_waits_keeps_no_host_out(
    make: Callable[..., InMemoryServer], long: dict[str, str]
) -> None:
    """They get all of it at once. It was 6 MB, so they were closed as too slow, each time."""
    club = make(leave_grace=0.0)
    ann = enter(club, "Ann")
    act(ann, "rules", speak="approval")
    ann.leave()
    for number in range(MOST // MOST_OF_ONE):
        eve = enter(club, f"Eve {number}")
        for one in range(MOST_OF_ONE):
            eve.send("message", cmid=f"c{one}", **long)
        eve.leave()

    back = TypedGuest(club, "Ann", "class", {"queue_bytes": 1 << 20}, token=token_of(ann))
    club.server.step() if club.server._fallen else None

    assert back.user.inside
    assert len(heard(back, "held")) > 1


def test_one_person_leaves_room_for_the_others(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    carl = enter(club, "Carl")
    for number in range(MOST_OF_ONE):
        bob.send("message", cmid=f"b{number}", body="x" * 60_000)

    carl.send("message", cmid="c1", body="x" * 60_000)

    assert [frame["code"] for frame in heard(bob, "error")] == ["held"] * (MOST_OF_ONE - 1)
    assert len(heard(carl, "held")) == 1


def test_a_room_has_only_so_many_waiting(
    make: Callable[..., InMemoryServer],
) -> None:
    club = make()
    ann = enter(club, "Ann")
    act(ann, "rules", speak="approval")
    for number in range(MOST // MOST_OF_ONE):
        guest = enter(club, f"Guest {number}")
        guest.say(*map(str, range(MOST_OF_ONE)))
    bob = enter(club, "Bob")
    bob.heard()

    bob.send("message", cmid="c1", body="May I?")

    assert [frame["code"] for frame in bob.heard()] == ["held"]
    assert len(club.disk.held("class")) == MOST


# -- every way to speak ----------------------------------------------------------------------------


def test_whoever_speaks_over_http_is_told_that_it_waits(
    club: InMemoryServer, ann: TypedGuest
) -> None:
    ann.heard()

    speaker = over_http(club, "May I?", "c1")

    held = speaker.outcome.result(0)
    assert isinstance(held, Held)
    assert [(frame["id"], frame["body"]) for frame in heard(ann, "held")] == [(held.id, "May I?")]
    assert over_http(club, "May I?", "c1").outcome.result(0) == held
    act(ann, "approve", id=held.id)
    known = over_http(club, "May I?", "c1").outcome.result(0)
    assert isinstance(known, Spoken)
    assert (known.message.body, known.is_new) == ("May I?", False)


def test_an_edit_does_not_pass_by_the_host(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    act(ann, "rules", speak="everybody")
    bob.send("message", cmid="c1", body="Fine.")
    (message,) = [frame for frame in bob.heard() if "body" in frame]
    act(ann, "rules", speak="approval")
    bob.heard()

    bob.send("edit", cmid="e1", id=message["id"], body="Unspeakable.")

    assert [frame["code"] for frame in heard(bob, "error")] == ["paused"]
    bob.send("remove", cmid="r1", id=message["id"])
    assert [frame["cmid"] for frame in heard(bob, "done")] == ["r1"]


def test_who_is_quiet_has_nothing_waiting(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    act(ann, "quiet", userId=bob.user.user_id)
    bob.heard()

    bob.send("message", cmid="c1", body="May I?")

    assert [frame["code"] for frame in heard(bob, "error")] == ["muted"]
    assert club.disk.held("class") == []


@pytest.mark.parametrize(("what", "left"), [("nothing", 2), ("recent", 1), ("all", 0)])
def test_who_is_removed_with_what_they_wrote_has_nothing_waiting(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest, what: str, left: int
) -> None:
    carl = enter(club, "Carl")
    carl.send("message", cmid="c1", body="Me too?")
    old = Held("class", "a" * 16, "Bob", "long ago", "", 0, bob.user.user_id, "b0")
    club.disk.hold(old)
    club.server._rooms["class"].queue.add(old)
    bob.send("message", cmid="b1", body="Unspeakable.")
    ann.heard(), bob.heard()

    ann.send("host", cmid="h", act="bar", userId=bob.user.user_id, what=what)

    ends = [frame["outcome"] for frame in heard(ann, "settled")]
    assert ends == ["refused"] * (2 - left)
    assert [frame["outcome"] for frame in heard(bob, "settled")] == ends
    waits = ["long ago", "Unspeakable."][:left]
    assert [it["body"] for it in act(ann, "look")["held"] if it["userName"] == "Bob"] == waits
    assert [held.body for held in club.disk.held("class")] == ["Me too?", *waits]


def test_what_waits_still_waits_if_its_author_cannot_be_removed(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    bob.send("message", cmid="b1", body="May I?")
    ann.heard(), bob.heard()
    club.disk.failing.add("enact")

    assert act(ann, "bar", userId=bob.user.user_id, what="all")["code"] == "not-stored"

    assert bob.heard() == []
    assert [held["body"] for held in act(ann, "look")["held"]] == ["May I?"]


def test_who_is_concerned_hears_that_something_has_waited_for_too_long(
    make: Callable[..., InMemoryServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatroom.rooms.trimmer.PAUSE", 0.0)
    club = make(keep_days=1)
    ann = enter(club, "Ann")
    bob = enter(club, "Bob")
    old = Held("class", "a" * 16, "Bob", "long ago", "", 0, bob.user.user_id, "b0")
    club.disk.hold(old)
    club.server._rooms["class"].queue.add(old)
    ann.heard(), bob.heard()

    club.server._trimmer.start()
    wait_for(lambda: club.settle() or not club.disk.held("class"), "its end")

    for guest in (ann, bob):
        assert [frame["outcome"] for frame in heard(guest, "settled")] == ["refused"]
    assert act(ann, "look")["held"] == []


# -- when the history fails ------------------------------------------------------------------------


def test_what_cannot_be_held_is_not_stored(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    ann.heard()
    club.disk.failing.add("hold")

    bob.send("message", cmid="c1", body="May I?")

    assert [frame["code"] for frame in heard(bob, "error")] == ["not-stored"]
    assert heard(ann, "held") == []


def test_what_cannot_be_approved_still_waits(
    club: InMemoryServer, ann: TypedGuest, bob: TypedGuest
) -> None:
    bob.send("message", cmid="c1", body="May I?")
    (held,) = heard(bob, "held")
    club.disk.failing.add("settle")

    assert act(ann, "approve", id=held["id"])["code"] == "not-stored"

    assert bob.heard() == []
    club.disk.failing.clear()
    assert act(ann, "approve", id=held["id"])["type"] == "done"
    assert spoken(bob) == ["May I?"]


@pytest.mark.parametrize("id", ["", 7, None, "x" * 65])
def test_what_is_no_id_is_neither_approved_nor_refused(ann: TypedGuest, id: object) -> None:
    assert act(ann, "approve", id=id)["code"] == "bad-act"
    assert act(ann, "refuse", id=id)["code"] == "bad-act"
