"""Knocking: somebody new, where somebody was removed, waits for a host; nobody else notices."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from chatroom.errors import Refusal
from chatroom.files.stored import StoredFile
from chatroom.message import Draft, MessageId
from chatroom.rooms import entrance, knocking, ruling, sweeper
from chatroom.rooms.charter import Charter, Host, WatchedAddress
from chatroom.rooms.ranks import Rank
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.users.proof import Proof, Shown
from chatroom.users.requests import Change, Said
from chatroom.users.tokens import Identity
from chatroom.wire.reactions import React
from chatroom.wire.typed import Bring
from chatroom.wire.websocket import CloseCode
from tests.support.deadline import wait_for
from tests.support.in_memory_room import InMemoryServer, TypedGuest

SCHOOL, HOME, OTHER = "192.0.2.7", "192.0.2.8", "192.0.2.9"


def enter(club: InMemoryServer, name: str, address: str = SCHOOL, **hello: Any) -> TypedGuest:
    return TypedGuest(club, name, "class", {}, address=address, **hello)


def act(host: TypedGuest, word: str, **fields: Any) -> dict[str, Any]:
    """The answer to the host; what comes before it is lost."""
    host.send("host", cmid="h", act=word, **fields)
    return next(f for f in reversed(host.heard()) if f.get("type") in ("done", "error"))


def heard(guest: TypedGuest, *types: str) -> list[dict[str, Any]]:
    return [frame for frame in guest.heard() if frame.get("type") in types]


def kinds(guest: TypedGuest) -> list[str]:
    return [frame.get("type", "message") for frame in guest.heard()]


def closed_with(guest: TypedGuest) -> tuple[dict[str, Any], int]:
    """The last frame, and the code of the Close."""
    *_, last, closed = guest.line.peer.arrived()
    return json.loads(last.payload), struct.unpack("!H", closed.payload[:2])[0]


@pytest.fixture
def ann(club: InMemoryServer) -> TypedGuest:
    """The teacher, at home; Bob and Carl are at school, and Bob is removed."""
    ann, bob = enter(club, "Ann", HOME), enter(club, "Bob")
    club.carl = enter(club, "Carl")  # type: ignore[attr-defined]
    club.bob = bob.user.user_id  # type: ignore[attr-defined]
    assert act(ann, "bar", userId=bob.user.user_id, seconds=3600)["type"] == "done"
    return ann


# -- who has to ------------------------------------------------------------------------------------


def test_who_is_new_where_somebody_was_removed_waits_and_hosts_hear_of_it(
    club: InMemoryServer, ann: TypedGuest
) -> None:
    bobby = enter(club, "Bobby")

    (waits,) = bobby.heard()
    assert (waits["type"], waits["hostIsHere"]) == ("knocking", True)
    (knock,) = heard(ann, "knock")
    assert knock == {
        "type": "knock",
        "userId": knock["userId"],
        "userName": "Bobby",
        "like": {"userId": club.bob, "userName": "Bob"},  # type: ignore[attr-defined]
        "removedAt": knock["removedAt"],
    }
    assert heard(club.carl, "knock", "joined") == []  # type: ignore[attr-defined]
    bobby.say("let me in")
    assert heard(bobby, "error")[0]["code"] == "hello-first"
    assert club.disk.stored("class") == []


def test_who_is_new_elsewhere_or_was_in_before_notices_nothing(
    club: InMemoryServer, ann: TypedGuest
) -> None:
    carl = club.carl  # type: ignore[attr-defined]
    (welcome,) = heard(carl, "welcome")
    carl.leave()

    assert kinds(enter(club, "Carl", token=welcome["token"])) == ["welcome", "live"]
    assert "welcome" in kinds(enter(club, "Dora", HOME))
    assert "welcome" in kinds(enter(club, "Eve", "127.0.0.1"))
    assert "welcome" in kinds(TypedGuest(club, "Fred", "garden", {}, address=SCHOOL)), (
        "another room"
    )
    assert heard(ann, "knock") == []


def test_a_pass_proves_that_somebody_was_in_also_after_a_restart(
    make: Callable[..., InMemoryServer], club: InMemoryServer, ann: TypedGuest
) -> None:
    (welcome,) = heard(club.carl, "welcome")  # type: ignore[attr-defined]
    shown = {"token": welcome["token"], "pass": welcome["pass"]}
    after = make(disk=club.disk)

    assert kinds(enter(after, "Carl", token=welcome["token"])) == ["knocking"]
    assert kinds(enter(after, "Dora", **{**shown, "token": ""})) == ["knocking"]
    assert "welcome" in kinds(enter(after, "Carl", **shown))


def test_who_was_removed_and_comes_back_as_themselves_does_not_even_wait(
    club: InMemoryServer, ann: TypedGuest
) -> None:
    token = club.tokens.write(Identity(club.bob, "t"))  # type: ignore[attr-defined]

    assert [frame["code"] for frame in enter(club, "Bob", token=token).heard()] == ["removed"]


def test_a_host_does_not_knock(club: InMemoryServer, ann: TypedGuest) -> None:
    act(ann, "makeHost", userId="u9", userName="Zoe")

    zoe = enter(club, "Zoe", token=club.tokens.write(Identity("u9", "t")))

    assert "welcome" in kinds(zoe)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "unix"])
def test_addresses_that_are_nobodys_own_are_not_watched(club: InMemoryServer, address: str) -> None:
    ann, bob = enter(club, "Ann", HOME), enter(club, "Bob", address)
    act(ann, "bar", userId=bob.user.user_id)

    assert "welcome" in kinds(enter(club, "Bobby", address))
    assert Charter.parse(club.disk.charter("class")).watched == {}


def test_the_address_of_somebody_who_has_left_is_watched_too(club: InMemoryServer) -> None:
    ann, bob = enter(club, "Ann", HOME), enter(club, "Bob")
    bob.leave()

    act(ann, "bar", userId=bob.user.user_id)

    assert kinds(enter(club, "Bobby")) == ["knocking"]


# -- the answer ------------------------------------------------------------------------------------


def test_who_is_admitted_is_in_as_if_nothing_had_been(
    club: InMemoryServer, ann: TypedGuest
) -> None:
    bobby = enter(club, "Bobby")
    (knock,) = heard(ann, "knock")

    ann.send("host", cmid="h", act="admit", userId=knock["userId"])

    assert kinds(bobby) == ["knocking", "welcome", "live"]
    told = [frame for frame in ann.heard() if frame["type"] != "knock"]
    assert [frame["type"] for frame in told] == ["log", "done", "knocked", "joined"]
    assert (told[0]["act"], told[0]["whom"]["userName"]) == ("admit", "Bobby")
    assert told[2] == {"type": "knocked", "userId": knock["userId"], "outcome": "admitted"}
    bobby.say("thank you")
    assert club.disk.stored("class") == ["thank you"]
    assert kinds(enter(club, "Bobba")) == ["knocking"], "the next one waits"


def test_who_is_refused_reads_that_and_is_gone(club: InMemoryServer, ann: TypedGuest) -> None:
    bobby = enter(club, "Bobby")
    (knock,) = heard(ann, "knock")

    assert act(ann, "refuse", userId=knock["userId"])["type"] == "done"

    error, code = closed_with(bobby)
    assert (error["code"], code) == ("no-entry", CloseCode.NO_ENTRY)
    assert act(ann, "admit", userId=knock["userId"])["code"] == "gone"
    assert [entry["act"] for entry in act(ann, "look")["log"]][:1] == ["refuse"]
    bobby.leave()


def test_one_act_lets_all_in_and_ends_the_watch(club: InMemoryServer, ann: TypedGuest) -> None:
    late = [enter(club, name) for name in ("Dora", "Eve", "Fred")]
    assert [frame["userName"] for frame in heard(ann, "knock")] == ["Dora", "Eve", "Fred"]

    assert act(ann, "admit")["type"] == "done"

    for guest in late:
        assert kinds(guest)[-2:] in (["welcome", "live"], ["joined", "joined"], ["live", "joined"])
        assert guest.user.inside
    assert "welcome" in kinds(enter(club, "George"))
    assert club.server._rooms["class"].charter.watched == {}
    assert Charter.parse(club.disk.charter("class")).watched == {}
    log = act(ann, "look")["log"][0]
    assert (log["act"], log["what"]) == ("admit", "everybody")


def test_who_is_let_back_ends_the_watch_too(club: InMemoryServer, ann: TypedGuest) -> None:
    bobby = enter(club, "Bobby")

    act(ann, "bar", userId=club.bob, seconds=0)  # type: ignore[attr-defined]

    assert kinds(bobby) == ["knocking", "welcome", "live"]


def test_a_name_that_is_taken_meanwhile_can_be_another_one_without_knocking_again(
    club: InMemoryServer, ann: TypedGuest
) -> None:
    carla = enter(club, "Carl")
    (knock,) = heard(ann, "knock")
    act(ann, "admit", userId=knock["userId"])
    assert heard(carla, "error")[0]["code"] == "name-taken"

    carla.send("hello", userName="Carla")

    assert kinds(carla) == ["welcome", "live"]


def test_the_tabs_of_one_person_are_one_knock(club: InMemoryServer, ann: TypedGuest) -> None:
    token = club.tokens.write(Identity("u5", "t"))
    tabs = [enter(club, "Dora", token=token) for _ in range(2)]
    assert [frame["userId"] for frame in heard(ann, "knock")] == ["u5"]

    tabs[0].leave()
    assert heard(ann, "knocked") == []
    act(ann, "admit", userId="u5")

    assert kinds(tabs[1]) == ["knocking", "welcome", "live"]


def test_who_comes_with_a_hosts_link_does_not_wait(club: InMemoryServer, ann: TypedGuest) -> None:
    zoe = enter(club, "Zoe", link=act(ann, "makeLink")["link"])

    assert [frame["role"] for frame in heard(zoe, "host")] == ["host"]
    operator = enter(club, "Max", link=club.tokens.write_operator_link())
    assert [frame["role"] for frame in heard(operator, "host")] == ["operator"]
    assert kinds(enter(club, "Bobby", link="made up")) == ["knocking"]


def test_a_link_that_is_used_up_or_over_spares_nobody_the_waiting(
    club: InMemoryServer, ann: TypedGuest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was removed may have come by it."""
    used, over = (act(ann, "makeLink", seconds=60)["link"] for _ in range(2))
    assert "welcome" in kinds(enter(club, "Zoe", link=used))

    assert kinds(enter(club, "Bobby", link=used)) == ["knocking"]
    now = time.time_ns()
    monkeypatch.setattr(entrance, "time", SimpleNamespace(time_ns=lambda: now + 61 * 10**9))
    assert kinds(enter(club, "Bobba", link=over)) == ["knocking"]


# -- waiting ---------------------------------------------------------------------------------------


def test_who_goes_does_not_knock_any_more(club: InMemoryServer, ann: TypedGuest) -> None:
    bobby = enter(club, "Bobby")
    (knock,) = heard(ann, "knock")

    bobby.leave()

    assert heard(ann, "knocked") == [
        {"type": "knocked", "userId": knock["userId"], "outcome": "gone"}
    ]
    assert act(ann, "admit", userId=knock["userId"])["code"] == "gone"


def test_without_a_host_they_wait_and_read_that_and_the_next_host_hears_of_them(
    club: InMemoryServer, ann: TypedGuest
) -> None:
    token = club.tokens.write(Identity(ann.user.user_id, "t"))
    ann.leave()
    bobby = enter(club, "Bobby")
    (waits,) = bobby.heard()
    assert not waits["hostIsHere"]

    back = enter(club, "Ann", HOME, token=token)

    assert [frame["userName"] for frame in heard(back, "knock")] == ["Bobby"]
    carl = club.carl  # type: ignore[attr-defined]
    act(back, "makeHost", userId=carl.user.user_id)
    assert [frame["userName"] for frame in heard(carl, "knock")] == ["Bobby"]


def test_a_room_where_somebody_waits_is_not_forgotten_and_then_is(
    make: Callable[..., InMemoryServer],
) -> None:
    club = make(leave_grace=0.0)
    key = club.server._rooms.house.whereabouts.key(SCHOOL)
    now = time.time_ns() // 1_000_000
    watched = {key: WatchedAddress("u2", "Bob", now, now + 60_000)}
    charter = Charter({"u1": Host("Ann", Rank.HOST)}, watched=watched)
    club.disk.enact("class", charter.to_json(), None)

    bobby = enter(club, "Bobby")
    assert (kinds(bobby), club.rooms()) == (["knocking"], ["class"])
    bobby.leave()

    assert club.rooms() == []


def test_a_reader_that_waits_has_all_the_time(club: InMemoryServer, ann: TypedGuest) -> None:
    bobby = enter(club, "Bobby")
    bobby.user._first_by = 0.0

    assert bobby.user._door() is None


def test_the_watch_survives_a_restart(
    make: Callable[..., InMemoryServer], club: InMemoryServer, ann: TypedGuest
) -> None:
    after = make(disk=club.disk)

    assert kinds(enter(after, "Bobby")) == ["knocking"]
    assert SCHOOL not in club.disk.charter("class")


def test_the_watch_ends_by_itself_and_is_forgotten_and_who_waits_is_in(
    club: InMemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ruling, "WATCH_SECONDS", 1)
    monkeypatch.setattr(sweeper, "PAUSE", 0.0)
    ann, bob = enter(club, "Ann", HOME), enter(club, "Bob")
    act(ann, "bar", userId=bob.user.user_id)
    bobby = enter(club, "Bobby")
    assert kinds(bobby) == ["knocking"]

    wait_for(lambda: club.settle() or bobby.user.inside, "an end of the watch")

    assert Charter.parse(club.disk.charter("class")).watched == {}


def test_however_often_somebody_is_removed_one_timer_waits_for_the_end(
    club: InMemoryServer, ann: TypedGuest
) -> None:
    timers = club.server._timers._heap
    before = len(timers)

    for seconds in (600, 1200, 1800):
        act(ann, "bar", userId=club.bob, seconds=seconds)  # type: ignore[attr-defined]
        act(ann, "bar", userId="u9", seconds=seconds)

    assert len(timers) <= before + 1


def test_each_watch_ends_in_its_turn(club: InMemoryServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeper, "PAUSE", 0.0)
    ann, bob, eve = enter(club, "Ann", HOME), enter(club, "Bob"), enter(club, "Eve", OTHER)
    act(ann, "bar", userId=eve.user.user_id, seconds=2)
    act(ann, "bar", userId=bob.user.user_id, seconds=1)
    late = [enter(club, "Bobby"), enter(club, "Evelyn", OTHER)]
    assert [kinds(guest) for guest in late] == [["knocking"]] * 2

    for guest in late:
        wait_for(lambda guest=guest: club.settle() or guest.user.inside, "an end of the watch")

    assert Charter.parse(club.disk.charter("class")).watched == {}


def test_who_waited_does_not_come_through_a_door_that_was_shut_meanwhile(
    club: InMemoryServer, ann: TypedGuest
) -> None:
    """Unless a host says so."""
    bobby = enter(club, "Bobby")
    act(ann, "rules", door="shut")

    act(ann, "bar", userId=club.bob, seconds=0)  # type: ignore[attr-defined]

    error, code = closed_with(bobby)
    assert (error["code"], code) == ("shut", CloseCode.NO_ENTRY)
    assert not bobby.user.inside


@pytest.mark.parametrize("all_of_them", [True, False])
def test_a_host_lets_in_who_waits_through_any_door(
    club: InMemoryServer, ann: TypedGuest, all_of_them: bool
) -> None:
    bobby = enter(club, "Bobby")
    (knock,) = heard(ann, "knock")
    act(ann, "rules", door="shut")

    act(ann, "admit", **({} if all_of_them else {"userId": knock["userId"]}))

    assert bobby.user.inside


def test_a_short_removal_is_a_short_watch(club: InMemoryServer) -> None:
    ann, bob = enter(club, "Ann", HOME), enter(club, "Bob")
    act(ann, "bar", userId=bob.user.user_id, seconds=60)

    (watched,) = club.server._rooms["class"].charter.watched.values()

    assert watched.until - watched.since == 60_000


def test_only_so_many_wait_and_knock(
    club: InMemoryServer, ann: TypedGuest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knocking, "MOST", 2)
    late = [enter(club, name) for name in ("Dora", "Eve", "Fred")]
    assert [kinds(guest) for guest in late] == [["knocking"], ["knocking"], ["error"]]

    late[0].leave()
    for _ in range(knocking.KNOCKS_AT_ONCE - 2):
        again = enter(club, "Bobby")
        assert kinds(again) == ["knocking"]
        again.leave()

    (error,) = enter(club, "Bobby").heard()
    assert (error["code"], 0 < error["retryAfter"] <= 21) == ("too-many", True)


# -- listening -------------------------------------------------------------------------------------


def test_those_whom_nobody_knows_listen_there_and_do_not_speak(
    club: InMemoryServer, ann: TypedGuest
) -> None:
    old, other = club.guest("Old", "class"), club.guest("Other", "class")
    old.user.address, other.user.address = SCHOOL, HOME
    for guest in (old, other):
        guest.join()
        guest.say(f"{guest.name} speaks")
    club.settle()
    script = HttpSpeaker("class", "CI", SCHOOL)
    club.server.broadcast.put(Said(script, Draft("CI", "hello", ""), 10))
    club.settle()

    assert club.disk.stored("class") == ["Other speaks"]
    assert old.heard() == other.heard() == ["Other speaks"]
    refusal = script.outcome.exception(0)
    assert (refusal.code, refusal.more["retryAfter"] > 3500) == ("watched", True)  # type: ignore[union-attr]
    club.carl.say("hello")  # type: ignore[attr-defined]
    assert club.disk.stored("class")[1:] == ["hello"]

    act(ann, "admit")
    old.say("thank you")
    club.settle()
    assert club.disk.stored("class")[2:] == ["thank you"]


@pytest.fixture
def over_http(club: InMemoryServer, ann: TypedGuest) -> Callable[..., Any]:
    """What somebody at the school is told who asks for something over HTTP, by a token of another
    room; None for yes."""
    ann.say("hello")
    message = club.disk.messages("class")[0]

    def ask(what: str, proof: Proof) -> Refusal | None:
        speaker = HttpSpeaker("class", "", SCHOOL, proof.user_id, proof=proof)
        if what == "react":
            request = React("c1", MessageId(message.seq, message.nonce), "like", on=True)
            club.server.reactions.click(speaker, request)
        elif what == "upload":
            whose = proof.user_id, message.sent_at
            file = StoredFile("f" * 32, "class", "a.png", "image/png", 9, 0, 0, *whose)
            try:
                club.server.uploads.begin(speaker, file)
            except Refusal as refusal:
                return refusal
            return None
        else:
            speaker.name = "Bobby"
            brought = Bring("c1", Draft("Bobby", "me again", ""), "f" * 32)
            club.server.broadcast.put(Change(speaker, brought, 10))
        settled = wait_for(lambda: club.settle() or speaker.outcome.done(), "an answer")
        assert settled
        refused = speaker.outcome.exception(0)
        assert refused is None or isinstance(refused, Refusal)
        return refused

    return ask


@pytest.mark.parametrize("what", ["say", "react", "upload"])
def test_a_token_of_another_room_is_no_way_around_the_knock(
    club: InMemoryServer, over_http: Callable[..., Any], what: str
) -> None:
    """Everybody gets one in the lobby, also who was removed here."""
    bobby = TypedGuest(club, "Bobby", "lobby", {}, address=SCHOOL)
    (welcome,) = heard(bobby, "welcome")
    entry_pass = club.tokens.write_pass("class", "was-here", 0)

    refusal = over_http(what, Proof(user_id=welcome["userId"]))
    assert refusal.code == "watched"
    assert 3500 < refusal.more["retryAfter"] <= 3600

    known = club.doors.prove("class", SCHOOL, Shown(bearer=entry_pass))
    answer = over_http(what, known)
    assert answer is None or answer.code == "no-such-file"


def test_whoever_was_in_before_goes_on_to_speak_and_react(
    club: InMemoryServer, over_http: Callable[..., Any]
) -> None:
    carl = club.carl  # type: ignore[attr-defined]
    proof = Proof(user_id=carl.user.user_id)

    assert over_http("react", proof) is None
    carl.leave()
    assert over_http("react", proof) is None
    assert over_http("upload", proof) is None


def test_a_host_sees_how_many_share_a_connection_before_removing_anybody(
    club: InMemoryServer,
) -> None:
    ann = enter(club, "Ann", HOME)
    pupils = [enter(club, f"Pupil {number}") for number in range(3)]

    assert act(ann, "look", userId=pupils[0].user.user_id)["sharing"] == 2
    assert act(ann, "look", userId=ann.user.user_id)["sharing"] == 0
    assert "sharing" not in act(ann, "look")
    assert "sharing" not in act(ann, "look", userId="u9")
