"""The register of several processes: here of two, which have an arbiter in common."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from chatroom.errors import HistoryUnavailable
from chatroom.rooms.bus import CrowdNews
from chatroom.rooms.charter import Ban, Charter, Host, WatchedAddress
from chatroom.rooms.ranks import Rank
from chatroom.users.tokens import Identity
from tests.support.arbiter import Arbiter
from tests.support.in_memory_room import TypedGuest
from tests.support.two_processes import Process, settle, two_processes

Pair = tuple[Process, Process, Arbiter]


@pytest.fixture
def pair() -> Iterator[Pair]:
    with ExitStack() as stack:
        yield two_processes(stack)


def kinds(guest: TypedGuest) -> list[str]:
    return [frame.get("type", "message") for frame in guest.heard()]


def token(guest: TypedGuest) -> dict[str, str]:
    """With which its tab comes back."""
    welcome = next(frame for frame in guest.heard() if frame.get("type") == "welcome")
    return {"token": welcome["token"], "since": welcome["last"]}


# -- names -----------------------------------------------------------------------------------------


def test_of_two_who_want_a_name_on_two_processes_the_first_has_it(pair: Pair) -> None:
    one, other, _ = pair
    ann, again = one.enter("Ann"), other.enter("ANN")
    settle(one, other)

    assert kinds(ann) == ["welcome", "live"]
    (refused,) = again.heard()
    assert (refused["code"], refused["suggestion"]) == ("name-taken", "ANN 2")
    assert one.names() == ["Ann"]
    assert other.club.rooms() == []


def test_the_suggestion_is_free_everywhere(pair: Pair) -> None:
    one, other, _ = pair
    for name in ("Ann", "Ann 2", "Ann 3"):
        one.join(name)
    refused = other.join("Ann")

    assert refused.heard()[0]["suggestion"] == "Ann 4"


def test_a_name_that_is_kept_for_a_host_is_refused_without_asking(pair: Pair) -> None:
    one, _, _ = pair
    one.join("Bob")
    room = one.club.server._rooms["lobby"]
    room.charter = Charter(hosts={"somebody": Host("Ann", Rank.HOST)})
    ann = one.enter("ANN")

    assert not one.crier.is_busy
    assert [frame["code"] for frame in ann.heard()] == ["name-taken"]


def test_a_rename_is_decided_like_a_coming(pair: Pair) -> None:
    one, other, _ = pair
    ann, bob = one.join("Ann"), other.join("Bob")
    ann.heard()
    bob.heard()
    bob.send("rename", userName="ann")
    settle(one, other)
    assert [frame["code"] for frame in bob.heard()] == ["name-taken"]
    bob.send("rename", userName="Bobby")
    settle(one, other)

    assert [(it["type"], it["userName"]) for it in ann.heard()] == [("renamed", "Bobby")]
    assert kinds(bob) == ["renamed"]
    assert one.names() == other.names() == ["Ann", "Bobby"]


# -- what was decided elsewhere --------------------------------------------------------------------


def looks_of(process: Process) -> list[str]:
    """The rooms of which somebody has to find out what was decided there."""
    looks: list[str] = []
    process.club.server._entrance.look = looks.append
    return looks


def hear_of_it(process: Process, charter: Charter) -> None:
    entrance, room = process.club.server._entrance, process.club.server._rooms["lobby"]
    room.charter, room.decided = charter, room.decided + 1
    entrance.let_early_in(room)
    process.club.settle()


def test_nobody_comes_in_before_it_is_known_what_was_decided_elsewhere(pair: Pair) -> None:
    one, other, arbiter = pair
    bob, looks = other.join("Bob"), looks_of(one)
    bob.heard()
    arbiter.decided = 0, 1
    ann = one.enter("Ann")
    settle(one, other)
    assert (ann.heard(), looks) == ([], ["", "lobby"])
    hear_of_it(one, Charter(listed=False))
    settle(one, other)

    assert kinds(ann) == ["welcome", "live"]
    assert kinds(bob) == ["joined"]


def test_who_was_removed_elsewhere_meanwhile_does_not_come_in_at_all(pair: Pair) -> None:
    one, other, arbiter = pair
    bob, looks = other.join("Bob"), looks_of(one)
    bob.heard()
    arbiter.decided = 0, 1
    ann = one.enter("Ann", token=one.club.tokens.write(Identity("ann", "tab")))
    settle(one, other)
    assert looks
    hear_of_it(one, Charter(barred={"ann": Ban("Ann", 0)}))
    settle(one, other)

    assert [frame["code"] for frame in ann.heard()] == ["removed"]
    assert (kinds(bob), one.club.rooms()) == ([], [])


def test_what_they_say_meanwhile_waits_behind_them(pair: Pair) -> None:
    one, other, arbiter = pair
    looks_of(one)
    arbiter.decided = 0, 1
    ann = one.enter("Ann")
    ann.send("message", cmid="c1", body="hello")
    settle(one, other)
    hear_of_it(one, Charter(listed=False))
    settle(one, other)

    assert kinds(ann) == ["welcome", "live", "message", "ack"]


def test_where_hosts_decide_all_the_time_they_come_in_after_all(pair: Pair) -> None:
    one, other, arbiter = pair
    looks_of(one)
    arbiter.decided = 0, 1
    ann = one.enter("Ann")
    for number in range(2, 5):
        settle(one, other)
        arbiter.decided = 0, number
        assert ann.heard() == []
        hear_of_it(one, Charter(listed=False))
    settle(one, other)

    assert kinds(ann) == ["welcome", "live"]


# -- all hear of all -------------------------------------------------------------------------------


def test_people_hear_of_those_on_another_process(pair: Pair) -> None:
    one, other, _ = pair
    ann = one.join("Ann")
    bob = other.join("Bob")
    welcome = bob.heard()[0]
    assert [person["userName"] for person in welcome["users"]] == ["Ann", "Bob"]
    bob.leave()
    settle(one, other)
    other.pass_time()
    settle(one, other)

    assert kinds(ann) == ["welcome", "live", "joined", "left"]
    assert one.names() == ["Ann"]


def test_who_comes_back_on_another_process_has_not_left(pair: Pair) -> None:
    one, other, _ = pair
    bob, ann = other.join("Bob"), one.join("Ann")
    its = token(ann)
    bob.heard()
    ann.leave()
    settle(one, other)
    back = other.join("Ann", **its)
    one.pass_time()
    settle(one, other)

    assert kinds(bob) == []
    assert kinds(back) == ["welcome", "live"]
    assert other.names() == ["Bob", "Ann"]
    assert one.club.rooms() == [], "nobody is there any more whom it has to know of"


def test_a_tab_that_comes_back_on_another_process_takes_the_place_of_its_socket(
    pair: Pair,
) -> None:
    one, other, _ = pair
    ann = one.join("Ann")
    back = other.join("Ann", **token(ann))

    assert ann.line.peer.closed_with() == (4001, "replaced")
    assert not ann.user.inside
    assert kinds(back) == ["welcome", "live"]
    assert one.club.rooms() == []
    assert other.names() == ["Ann"]


def test_people_with_sockets_on_two_processes_leave_with_the_last(pair: Pair) -> None:
    one, other, arbiter = pair
    ann = one.join("Ann")
    its = token(ann)
    arbiter.sockets = {
        key: (room, user_id, "another tab") for key, (room, user_id, _) in arbiter.sockets.items()
    }
    second = other.join("Ann", **its)
    bob = one.join("Bob")
    bob.heard()
    second.leave()
    settle(one, other)
    other.pass_time()
    settle(one, other)
    assert kinds(bob) == []
    ann.leave()
    settle(one, other)
    one.pass_time()
    settle(one, other)

    assert kinds(bob) == ["left"]
    assert one.names() == ["Bob"]


def test_anybody_is_told_who_is_in_a_room_that_is_not_open_here(pair: Pair) -> None:
    one, other, _ = pair
    other.join("Bob")
    answer = one.register.present("lobby")
    settle(one)

    assert [who.user_name for who in answer.result(0)] == ["Bob"]
    failing = one.register.present("lobby")
    one.crier.fail(after_work=False)
    one.crier.tell()
    with pytest.raises(HistoryUnavailable):
        failing.result(0)


def test_whoever_comes_to_another_process_has_not_made_the_room() -> None:
    with ExitStack() as stack:
        one, other, _ = two_processes(stack, everybody_makes_rooms=True)
        ann, bob = one.join("Ann", "garden"), other.join("Bob", "garden")

        assert [guest.heard()[0].get("role") for guest in (ann, bob)] == ["maker", None]


@pytest.fixture
def makers() -> Iterator[Pair]:
    with ExitStack() as stack:
        yield two_processes(stack, everybody_makes_rooms=True)


def roles(process: Process, room: str = "garden") -> dict[str, str]:
    """Of those who are more than others, as this process knows."""
    hosts = process.club.server._rooms[room].hosts
    return {host.name: host.rank.word for host in hosts.values()}


def test_of_two_who_come_first_at_once_one_has_made_the_room(makers: Pair) -> None:
    one, other, _ = makers
    bob, ann = other.enter("Bob", "garden"), one.enter("Ann", "garden")
    settle(one, other)

    assert roles(one) == roles(other)
    (maker,) = roles(one)
    told = {guest.heard()[0]["userName"]: guest for guest in (ann, bob)}
    for name, guest in told.items():
        rank = one.club.server._rooms["garden"].rank_of(guest.user.user_id).word
        assert rank == ("maker" if name == maker else "")


def test_whoever_has_made_a_room_has_so_at_all_processes(makers: Pair) -> None:
    """So whoever speaks first has it stored who is in charge."""
    one, other, _ = makers
    ann, bob = one.join("Ann", "garden"), other.join("Bob", "garden")
    welcome = bob.heard()[0]
    assert [who.get("role") for who in welcome["users"]] == ["maker", None]
    ann.send("rename", userName="Anna")
    settle(one, other)
    bob.say("hello")
    settle(one, other)

    charter = Charter.parse(other.club.disk.charter("garden"))
    assert charter == Charter({ann.user.user_id: Host("Anna", Rank.MAKER)})


def test_whoever_comes_when_the_maker_is_gone_and_nobody_else_is_there_makes_it_anew(
    makers: Pair,
) -> None:
    one, other, _ = makers
    one.club.join("a plain client", "garden")  # for whom the room stays open here
    ann = one.join("Ann", "garden")
    ann.leave()
    settle(one, other)
    one.pass_time()
    settle(one, other)
    assert roles(one) == {}
    bob = other.join("Bob", "garden")

    assert bob.heard()[0]["role"] == "maker"
    assert roles(one) == roles(other) == {"Bob": "maker"}


def test_while_others_are_there_it_stays_the_makers(makers: Pair) -> None:
    one, other, _ = makers
    ann = one.join("Ann", "garden")
    its = token(ann)
    other.join("Bob", "garden")
    ann.leave()
    settle(one, other)
    one.pass_time()
    settle(one, other)
    eve = other.join("Eve", "garden")
    back = other.join("Ann", "garden", token=its["token"])

    assert (eve.heard()[0].get("role"), back.heard()[0].get("role")) == (None, "maker")


def test_a_maker_is_one_after_the_tables_were_emptied(makers: Pair) -> None:
    one, other, arbiter = makers
    one.join("Ann", "garden")
    other.join("Bob", "garden")
    arbiter.empty()
    for process in (other, one, other):
        process.keep()
        settle(one, other)

    assert roles(one) == roles(other) == {"Ann": "maker"}


# -- when it fails ---------------------------------------------------------------------------------


def test_who_cannot_be_asked_for_does_not_come_in(pair: Pair) -> None:
    one, other, arbiter = pair
    ann = one.enter("Ann")
    one.crier.fail(after_work=False)
    one.crier.tell()
    settle(one, other)

    assert ann.line.peer.closed_with() == (1011, "history unavailable")
    assert arbiter.crowd("lobby").people == {}
    assert one.club.rooms() == []


def test_who_is_in_though_it_counts_as_failed_is_seen_off(pair: Pair) -> None:
    one, other, arbiter = pair
    bob = other.join("Bob")
    bob.heard()
    one.enter("Ann")
    one.crier.fail(after_work=True)
    one.crier.tell()
    settle(one, other)
    assert arbiter.sockets.keys() == {(other.register.process, bob.user.id)}
    arbiter.is_late = True
    other.keep()
    settle(one, other)

    assert kinds(bob) == [], "nobody was told meanwhile"
    assert arbiter.crowd("lobby").people.keys() == {bob.user.user_id}


def test_who_leaves_while_nothing_can_be_asked_is_seen_off_later(pair: Pair) -> None:
    one, other, arbiter = pair
    ann, bob = one.join("Ann"), other.join("Bob")
    bob.heard()
    ann.leave()
    one.crier.fail(after_work=False)
    one.crier.tell()
    assert len(arbiter.sockets) == 2
    one.keep()
    settle(one, other)
    assert len(arbiter.sockets) == 1
    one.pass_time()
    settle(one, other)

    assert kinds(bob) == ["left"]


def test_a_rename_that_fails_is_refused(pair: Pair) -> None:
    one, _, _ = pair
    ann = one.join("Ann")
    ann.heard()
    ann.send("rename", userName="Anna")
    one.crier.fail(after_work=False)
    one.crier.tell()
    one.club.settle()

    assert [frame["code"] for frame in ann.heard()] == ["not-stored"]
    assert one.names() == ["Ann"]


def test_if_an_answer_was_lost_others_look_themselves(pair: Pair) -> None:
    one, other, _ = pair
    bob = other.join("Bob")
    bob.heard()
    ann = one.enter("Ann")
    one.crier.work(attempts=2)
    one.crier.tell()
    settle(one, other)

    assert kinds(ann) == ["welcome", "live"]
    assert kinds(bob) == ["joined"]
    assert one.names() == other.names() == ["Bob", "Ann"]


# -- leases ----------------------------------------------------------------------------------------


def test_a_process_that_was_forgotten_begins_anew_with_all_of_its_people(pair: Pair) -> None:
    one, other, arbiter = pair
    ann, bob = one.join("Ann"), other.join("Bob")
    eve = one.join("Eve", "garden")
    for guest in (ann, bob, eve):
        guest.heard()
    arbiter.empty()
    for process in (one, other):
        process.keep()
        settle(one, other)

    assert one.names() == other.names() == ["Ann", "Bob"]
    assert one.names("garden") == ["Eve"]
    assert {frame["userName"] for frame in ann.heard()} <= {"Bob"}, "who has come back at once"
    assert all(guest.user.inside for guest in (ann, bob, eve))


def test_who_asks_first_of_a_process_that_was_forgotten_comes_behind_its_people(
    pair: Pair,
) -> None:
    one, other, arbiter = pair
    ann = one.join("Ann")
    ann.heard()
    arbiter.empty()
    again, bob = one.enter("ANN"), one.enter("Bob")
    settle(one, other)

    assert [frame["code"] for frame in again.heard()] == ["name-taken"]
    assert kinds(bob) == ["welcome", "live"]
    assert one.names() == ["Ann", "Bob"]


def test_whose_name_was_taken_meanwhile_has_to_go(pair: Pair) -> None:
    """Its process was stopped for so long that it is nobody."""
    one, other, arbiter = pair
    ann = one.join("Ann")
    arbiter.silent.add(one.register.process)
    pair[2].is_late = True
    other.keep()
    settle(other)
    new = other.enter("Ann")
    settle(other)
    assert kinds(new) == ["welcome", "live"]
    one.keep()
    settle(one, other)

    assert ann.line.peer.closed_with() == (4010, "name taken meanwhile")
    assert one.club.rooms() == []
    assert other.names() == ["Ann"]
    assert len(arbiter.sockets) == 1


def test_the_people_of_a_dead_process_leave(pair: Pair) -> None:
    one, other, arbiter = pair
    one.join("Ann")
    bob = other.join("Bob")
    bob.heard()
    arbiter.silent.add(one.register.process)
    pair[2].is_late = True
    other.keep()
    settle(other)

    assert [(it["type"], it["userName"], it["reason"]) for it in bob.heard()] == [
        ("left", "Ann", "lost")
    ]


def test_who_is_on_a_process_that_stops_can_come_back_elsewhere(pair: Pair) -> None:
    one, other, arbiter = pair
    ann = one.join("Ann")
    its = token(ann)
    bob = other.join("Bob")
    bob.heard()
    one.register.depart()
    ann.leave()
    late = one.enter("Eve")
    one.keep()
    settle(one, other)
    assert {key[0] for key in arbiter.sockets} == {other.register.process}
    assert late.line.peer.closed_with() == (1011, "history unavailable")
    back = other.join("Ann", **its)

    assert kinds(back) == ["welcome", "live"]
    assert kinds(bob) == []
    assert other.names() == ["Ann", "Bob"]


# -- hints -----------------------------------------------------------------------------------------


def test_what_is_asked_for_at_once_is_told_at_once(pair: Pair) -> None:
    one, other, arbiter = pair
    one.join("Ann")
    for name in ("Bob", "Eve", "ANN"):
        one.enter(name)
    one.enter("Joe", "garden")
    assert len(one.crier._jobs) == 1
    one.work()
    one.work()

    told = {news.room: news for news in other.wire.waiting}
    assert isinstance(told["lobby"], CrowdNews)
    assert [event.who.user_name for event in told["lobby"].events] == ["Bob", "Eve"]  # type: ignore[union-attr]
    assert (told["lobby"].version, told["garden"].version) == (3, 2)
    assert told["lobby"].epoch == arbiter.crowd("lobby").epoch


def test_nobody_is_told_what_changes_nothing(pair: Pair) -> None:
    one, other, _ = pair
    ann = one.join("Ann")
    one.enter("ANN")
    ann.leave()
    one.work()
    one.work()

    assert other.wire.waiting == []


# -- at the door -----------------------------------------------------------------------------------

SCHOOL = "192.0.2.7"


@pytest.fixture
def class_(pair: Pair) -> tuple[Process, Process, TypedGuest]:
    """Somebody was removed at school; Ann, a host, is on the other process."""
    one, other, _ = pair
    ann = other.join("Ann")
    one.join("Carl")
    now = time.time_ns() // 1_000_000
    for process in (one, other):
        rooms = process.club.server._rooms
        removed = WatchedAddress("somebody", "Eve", now, now + 3_600_000)
        rooms["lobby"].charter = Charter(
            hosts={ann.user.user_id: Host("Ann", Rank.HOST)},
            watched={rooms.house.whereabouts.key(SCHOOL): removed},
        )
    ann.heard()
    return one, other, ann


def test_a_host_hears_who_knocks_on_another_process_and_lets_them_in(
    class_: tuple[Process, Process, TypedGuest],
) -> None:
    one, other, ann = class_
    bobby = one.enter("Bobby", address=SCHOOL)
    settle(one, other)
    (waits,) = bobby.heard()
    assert (waits["type"], waits["hostIsHere"]) == ("knocking", True)
    (knock,) = ann.heard()
    assert (knock["userName"], knock["like"]["userName"]) == ("Bobby", "Eve")
    ann.send("host", cmid="h", act="admit", userId=knock["userId"])
    settle(one, other)

    assert kinds(bobby) == ["welcome", "live"]
    frames = ann.heard()
    assert [frame["outcome"] for frame in frames if frame["type"] == "knocked"] == ["admitted"]
    assert [frame["userName"] for frame in frames if frame["type"] == "joined"] == ["Bobby"]
    assert not other.club.server._rooms["lobby"].knocks


def test_a_host_turns_somebody_back_who_knocks_on_another_process(
    class_: tuple[Process, Process, TypedGuest],
) -> None:
    one, other, ann = class_
    bobby = one.enter("Bobby", address=SCHOOL)
    settle(one, other)
    (knock,) = ann.heard()
    ann.send("host", cmid="h", act="refuse", userId=knock["userId"])
    settle(one, other)

    assert bobby.line.peer.closed_with() == (4504, "no entry")
    assert [it["outcome"] for it in ann.heard() if it["type"] == "knocked"] == ["refused"]


def test_a_host_hears_of_who_goes_and_of_whose_process_dies(
    class_: tuple[Process, Process, TypedGuest], pair: Pair
) -> None:
    one, other, ann = class_
    bobby = one.enter("Bobby", address=SCHOOL)
    settle(one, other)
    bobby.leave()
    settle(one, other)
    assert kinds(ann) == ["knock", "knocked"]
    one.enter("Dora", address=SCHOOL)
    settle(one, other)
    pair[2].silent.add(one.register.process)
    pair[2].is_late = True
    other.keep()
    settle(other)

    assert kinds(ann) == ["knock", "left", "knocked"]


def test_who_becomes_present_later_hears_of_those_who_knock_already(
    class_: tuple[Process, Process, TypedGuest],
) -> None:
    one, other, ann = class_
    one.enter("Bobby", address=SCHOOL)
    settle(one, other)
    its = {"token": other.club.tokens.write(Identity(ann.user.user_id, "another tab"))}
    again = other.join("Ann", **its)

    assert kinds(again) == ["welcome", "knock", "live"]


def test_a_process_that_was_forgotten_says_anew_who_knocks(
    class_: tuple[Process, Process, TypedGuest], pair: Pair
) -> None:
    one, other, _ = class_
    one.enter("Bobby", address=SCHOOL)
    settle(one, other)
    pair[2].empty()
    for process in (one, other):
        process.keep()
        settle(one, other)

    assert [what for what, _ in pair[2].knocks.values()] != []
    assert [knock.name for knock in other.club.server._rooms["lobby"].knocks.values()] == ["Bobby"]
