"""Register: who may bear which name, also if the answer comes late."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.deadline import DEADLINE, wait_for
from tests.support.in_memory_room import InMemoryServer, TypedGuest


@pytest.fixture
def club() -> Iterator[InMemoryServer]:
    """Its register answers when the test says."""
    with ExitStack() as stack:
        yield InMemoryServer(stack, late={"register"})


def enter(club: InMemoryServer, name: str, room: str = "lobby", **hello: str) -> TypedGuest:
    """Somebody whose name is not decided yet."""
    return TypedGuest(club, name, room, {}, **hello)


def answer(club: InMemoryServer) -> None:
    """Decide one request, and let the Server know."""
    club.register.decide()
    club.register.tell()
    club.settle()


def inside(club: InMemoryServer, name: str) -> TypedGuest:
    guest = enter(club, name)
    answer(club)
    assert guest.heard()[0]["type"] == "welcome"
    return guest


def kinds(guest: TypedGuest) -> list[str]:
    return [frame.get("type", "message") for frame in guest.heard()]


def test_nobody_is_in_before_its_name_is_decided(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")
    assert (ann.heard(), ann.user.inside) == ([], False)

    answer(club)

    assert kinds(ann) == ["welcome", "live"]


def test_what_is_said_behind_a_hello_waits_for_it(club: InMemoryServer) -> None:
    bob = inside(club, "Bob")
    ann = enter(club, "Ann")
    ann.say("one", "two")
    assert club.disk.stored() == []
    answer(club)

    assert kinds(ann) == ["welcome", "live", "message", "message", "ack", "ack"]
    assert kinds(bob) == ["joined", "message", "message"]


def test_others_talk_meanwhile(club: InMemoryServer) -> None:
    bob = inside(club, "Bob")
    ann = enter(club, "Ann")
    bob.say("hello")
    assert kinds(bob) == ["message", "ack"]

    answer(club)

    assert kinds(ann) == ["welcome", "message", "live"]


def test_of_two_with_one_name_the_first_has_it(club: InMemoryServer) -> None:
    first, second = enter(club, "Ann"), enter(club, "ANN")
    second.say("lost")
    answer(club)
    answer(club)

    assert kinds(first) == ["welcome", "live"]
    refused, unheard = second.heard()
    assert (refused["code"], unheard["code"]) == ("name-taken", "hello-first")
    assert club.disk.stored() == []


def test_a_second_hello_is_refused_while_the_first_is_decided(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")
    ann.send("hello", userName="Bob")
    assert [frame["code"] for frame in ann.heard()] == ["already-inside"]

    answer(club)

    assert kinds(ann) == ["welcome", "live"]


def test_what_is_said_behind_a_rename_is_said_under_the_new_name(club: InMemoryServer) -> None:
    ann = inside(club, "Ann")
    ann.say("before")
    ann.send("rename", userName="Anna")
    ann.say("behind")
    answer(club)

    assert [(m.user_name, m.body) for m in club.disk.messages()] == [
        ("Ann", "before"),
        ("Anna", "behind"),
    ]


def test_who_goes_while_its_name_is_decided_has_been_there(club: InMemoryServer) -> None:
    bob = inside(club, "Bob")
    ann = enter(club, "Ann")
    ann.say("hello and goodbye")
    ann.leave()
    assert kinds(bob) == []
    answer(club)
    answer(club)

    assert kinds(bob) == ["joined", "message"]
    assert club.disk.stored() == ["hello and goodbye"]
    assert not ann.user.inside


def test_a_room_is_kept_for_those_who_are_on_their_way_in(club: InMemoryServer) -> None:
    ann = enter(club, "Ann", "garden")
    assert club.rooms() == ["garden"]

    answer(club)

    assert kinds(ann) == ["welcome", "live"]


def test_a_room_is_forgotten_if_nobody_could_come_in(club: InMemoryServer) -> None:
    enter(club, "Ann", "garden")
    second = enter(club, "Ann", "garden")
    club.register.decide()
    club.register.decide()
    club.register.tell()
    club.settle()
    club.register.tell()
    club.settle()

    assert second.heard()[0]["code"] == "name-taken"
    assert club.rooms() == ["garden"]


def test_a_tab_that_comes_back_takes_the_place_of_its_old_socket(club: InMemoryServer) -> None:
    old = enter(club, "Ann")
    answer(club)
    welcome = old.heard()[0]
    new = enter(club, "Ann", token=welcome["token"], since=welcome["last"])
    assert old.user.inside
    answer(club)

    assert kinds(new) == ["welcome", "live"]
    assert not old.user.inside
    assert old.line.peer.closed_with() == (4001, "replaced")
    assert club.server._rooms["lobby"].crowd.names() == {welcome["userId"]: "Ann"}


def test_who_comes_back_in_time_has_not_left(club: InMemoryServer) -> None:
    """Whatever is decided first: the end of the grace, or the return."""
    bob, ann = inside(club, "Bob"), enter(club, "Ann")
    answer(club)
    welcome = ann.heard()[0]
    bob.heard()
    ann.leave()
    answer(club)
    (due,) = club.server._timers._heap
    enter(club, "Ann", token=welcome["token"], since=welcome["last"])
    due[2]()  # the grace is over, and the return not decided yet
    answer(club)
    answer(club)

    assert kinds(bob) == []
    assert set(club.server._rooms["lobby"].crowd.names().values()) == {"Bob", "Ann"}


def test_what_was_held_goes_before_what_its_speaker_said_later() -> None:
    """The later words wait in a batch already, behind another one that is under way."""
    with ExitStack() as stack:
        club = InMemoryServer(stack, late={"order", "register"})
        bob = inside(club, "Bob")
        ann = enter(club, "Ann")
        ann.say("first")
        for guest, frame in (
            (bob, '{"type":"message","cmid":"b","body":"hi"}'),
            (bob, '{"type":"rename","userName":"Bobby"}'),
            (ann, '{"type":"message","cmid":"a","body":"second"}'),
        ):
            guest.user._receive(frame)
        club.settle()
        answer(club)
        while club.order.is_busy or club.register.is_busy:
            club.order.commit()
            club.order.tell()
            answer(club)

        assert club.disk.stored() == ["hi", "first", "second"]


def test_stopping_waits_for_what_is_held_behind_a_rename(club: InMemoryServer) -> None:
    ann = inside(club, "Ann")
    ann.send("rename", userName="Anna")
    ann.say("before you go")
    club.server.start()
    stop = threading.Thread(target=club.server.stop)
    stop.start()
    wait_for(lambda: club.server.broadcast._closed, "the stop")
    club.register.decide()
    club.register.tell()
    stop.join(DEADLINE)

    assert not stop.is_alive()
    assert [(m.user_name, m.body) for m in club.disk.messages()] == [("Anna", "before you go")]
