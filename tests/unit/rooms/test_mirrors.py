"""Mirrors: what the register decides is heard in its order, whatever is late, lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

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


def test_what_a_process_missed_it_reads(pair: Pair) -> None:
    """And tells its members the difference."""
    one, other, _ = pair
    ann = one.join("Ann")
    ann.heard()
    for name in ("Bob", "Eve"):
        other.enter(name)
        other.work()
    one.wire.lose(0)
    one.listen()
    assert kinds(ann) == [], "one is missing"
    settle(one, other)

    assert [(it["type"], it["userName"]) for it in ann.heard()] == [
        ("joined", "Bob"),
        ("joined", "Eve"),
    ]
    assert one.names() == ["Ann", "Bob", "Eve"]


def test_if_all_hints_are_lost_the_sweep_finds_out(pair: Pair) -> None:
    one, other, _ = pair
    ann, bob = one.join("Ann"), other.join("Bob")
    ann.heard()
    bob.send("rename", userName="Bobby")
    other.work()
    one.wire.lose(0)
    one.keep()
    settle(one, other)

    assert kinds(ann) == ["renamed"]
    assert one.names() == ["Ann", "Bobby"]


def test_of_what_comes_in_another_order_people_hear_in_the_right_one(pair: Pair) -> None:
    one, other, _ = pair
    ann = one.join("Ann")
    ann.heard()
    for name in ("Bob", "Eve", "Joe"):
        other.enter(name)
        other.work()
    for index in (2, 1, 0):
        one.listen(index)

    assert [frame["userName"] for frame in ann.heard()] == ["Bob", "Eve", "Joe"]
    assert not one.crier.is_busy, "nothing was missing"


def test_what_comes_twice_is_heard_once(pair: Pair) -> None:
    one, other, _ = pair
    ann = one.join("Ann")
    ann.heard()
    other.enter("Bob")
    other.work()
    one.wire.deliver(0, one.hear, again=True)
    one.listen()
    settle(one, other)

    assert kinds(ann) == ["joined"]


def test_an_answer_waits_for_what_was_decided_before_it(pair: Pair) -> None:
    one, other, _ = pair
    ann = one.join("Ann")
    ann.heard()
    other.enter("Bob")
    other.work()
    eve = one.enter("Eve")
    one.work()
    assert (kinds(ann), kinds(eve)) == ([], [])
    one.listen()

    assert [frame["userName"] for frame in ann.heard()] == ["Bob", "Eve"]
    assert [who["userName"] for who in eve.heard()[0]["users"]] == ["Ann", "Bob", "Eve"]


def test_a_replaced_socket_is_closed_even_if_the_hint_is_lost(pair: Pair) -> None:
    one, other, _ = pair
    bob = one.join("Bob")
    ann = one.join("Ann")
    other.enter("Ann", **token(ann))
    other.work()
    one.wire.lose(0)
    one.keep()
    settle(one, other)

    assert ann.line.peer.closed_with() == (4001, "replaced")
    assert bob.user.inside


def test_who_is_replaced_while_it_comes_in_is_closed(pair: Pair) -> None:
    """Its answer has been on the way for so long that the other one was quicker."""
    one, other, arbiter = pair
    first = one.join("Ann")
    its = token(first)
    bob = other.join("Bob")
    bob.heard()
    slow = one.enter("Ann", **its)
    one.crier.work()
    quick = other.enter("Ann", **its)
    other.work()
    one.listen()
    one.crier.tell()
    settle(one, other)

    assert slow.line.peer.closed_with() == (4001, "replaced")
    assert kinds(quick) == ["welcome", "live"]
    assert [of[:2] for of in arbiter.sockets.values()].count(("lobby", quick.user.user_id)) == 1


def test_what_is_read_anew_is_not_heard_once_more_with_its_answer(pair: Pair) -> None:
    one, other, _ = pair
    ann = one.join("Ann")
    ann.heard()
    other.enter("Bob")
    other.work()
    eve = one.enter("Eve")
    one.work()
    one.wire.lose(0)
    settle(one, other)

    assert [(it["type"], it["userName"]) for it in ann.heard()] == [
        ("joined", "Bob"),
        ("joined", "Eve"),
    ]
    assert [who["userName"] for who in eve.heard()[0]["users"]] == ["Ann", "Bob", "Eve"]


def test_who_is_renamed_while_it_comes_in_is_welcomed_under_its_new_name(pair: Pair) -> None:
    one, other, _ = pair
    bob, ann = one.join("Bob"), other.join("Ann")
    bob.heard()
    slow = one.enter("Ann", **second_tab(one, ann))
    one.crier.work()
    ann.send("rename", userName="Anna")
    other.work()
    one.listen()
    one.crier.tell()
    settle(one, other)

    assert slow.heard()[0]["userName"] == slow.user.name == "Anna"
    assert kinds(bob) == ["renamed"]


def second_tab(process: Process, guest: TypedGuest) -> dict[str, str]:
    """With which another tab of the same person comes back."""
    identity = Identity(guest.user.user_id, "a second tab")
    return {"token": process.club.tokens.write(identity), "since": "0-0"}


def test_who_is_replaced_before_its_answer_has_come_does_not_stay(pair: Pair) -> None:
    """It has raised no version, so nothing has had to wait for it."""
    one, other, arbiter = pair
    ann = one.join("Ann")
    slow = one.enter("Ann", **second_tab(one, ann))
    one.crier.work()
    quick = other.enter("Ann", **second_tab(one, ann))
    other.work()
    one.listen()
    one.crier.tell()
    settle(one, other)

    assert slow.line.peer.closed_with() == (4001, "replaced")
    assert (ann.user.inside, quick.user.inside) == (True, True)
    assert len(arbiter.sockets) == 2


def test_whose_name_is_taken_before_its_answer_has_come_does_not_stay(pair: Pair) -> None:
    """Its process was nobody for a while; the answer still waits for something that is lost."""
    one, other, arbiter = pair
    one.join("Bob")
    other.enter("Eve")
    settle(other)
    one.wire.lose(0)
    ann = one.enter("Ann")
    one.work()
    arbiter.silent.add(one.register.process)
    arbiter.is_late = True
    other.keep()
    settle(other)
    other.enter("Ann")
    settle(other)
    one.keep()
    one.work()
    settle(one, other)

    assert ann.line.peer.closed_with() == (4010, "name taken meanwhile")
    assert one.names() == other.names() == ["Eve", "Ann", "Bob"]


def test_a_crowd_that_cannot_be_read_is_read_later(pair: Pair) -> None:
    one, other, _ = pair
    ann = one.join("Ann")
    ann.heard()
    for name in ("Bob", "Eve"):
        other.enter(name)
        other.work()
    one.wire.lose(0)
    one.listen()
    one.pass_time(0.5)
    one.crier.fail(after_work=False)
    one.crier.tell()
    settle(one, other)

    assert kinds(ann) == ["joined", "joined"]


def test_who_waits_for_a_crowd_that_cannot_be_read_does_not_come_in(pair: Pair) -> None:
    one, other, arbiter = pair
    other.join("Bob")
    ann = one.enter("Ann")
    one.work()
    one.crier.fail(after_work=False)
    one.crier.tell()
    settle(one, other)

    assert ann.line.peer.closed_with() == (1011, "history unavailable")
    assert len(arbiter.sockets) == 1


def test_a_large_room_that_is_read_anew_is_told_how_many_there_are() -> None:
    with ExitStack() as stack:
        one, other, _ = two_processes(stack, presence_limit=3)
        ann = one.join("Ann")
        ann.heard()
        for name in ("Bob", "Eve", "Joe"):
            other.enter(name)
            other.work()
        one.wire.lose(0)
        settle(one, other)

        assert [(it["type"], it["users"]) for it in ann.heard()] == [("count", 4)]


def test_a_crowd_of_another_epoch_is_another_one(pair: Pair) -> None:
    """The database has forgotten everybody, and only the other process has noticed."""
    one, other, arbiter = pair
    ann, bob = one.join("Ann"), other.join("Bob")
    ann.heard()
    arbiter.empty()
    other.keep()
    other.work()
    one.listen()
    one.work()
    one.keep()
    settle(one, other)

    assert kinds(ann) == []
    assert ann.user.inside
    assert one.names() == other.names() == ["Bob", "Ann"]
    assert bob.user.inside


def test_nobody_is_told_that_those_have_left_who_are_named_late_in_a_new_epoch(pair: Pair) -> None:
    """Whoever comes meanwhile waits for that."""
    one, other, arbiter = pair
    ann, bob = one.join("Ann"), other.join("Bob")
    for guest in (ann, bob):
        guest.heard()
    arbiter.empty()
    one.keep()
    eve = one.enter("Eve")
    one.work()
    one.pass_time(1.0)
    one.work()
    assert (kinds(ann), kinds(eve)) == ([], [])
    other.keep()
    settle(one, other)

    assert (kinds(ann), kinds(bob)) == (["joined"], ["joined"])
    assert kinds(eve) == ["welcome", "live"]
    assert sorted(one.names()) == sorted(other.names()) == ["Ann", "Bob", "Eve"]


def test_who_is_not_named_in_time_in_a_new_epoch_has_left(pair: Pair) -> None:
    """Their process has ended together with the database."""
    one, other, arbiter = pair
    ann = one.join("Ann")
    other.join("Bob")
    ann.heard()
    arbiter.empty()
    one.keep()
    eve = one.enter("Eve")
    one.work()
    for _ in range(8):
        one.pass_time(1.0)
        one.work()

    assert [(it["type"], it["userName"]) for it in ann.heard()] == [
        ("left", "Bob"),
        ("joined", "Eve"),
    ]
    assert kinds(eve) == ["welcome", "live"]
    assert one.names() == ["Ann", "Eve"]


def test_a_room_that_is_forgotten_hears_nothing_more(pair: Pair) -> None:
    one, other, _ = pair
    ann = one.join("Ann")
    other.enter("Bob")
    other.work()
    ann.leave()
    settle(one, other)
    one.pass_time()
    settle(one, other)

    assert one.club.rooms() == []
    assert one.club.server._entrance._mirrors._ahead == {}


def test_a_crowd_that_is_no_more_is_forgotten_and_the_next_one_heard_of(pair: Pair) -> None:
    """The room is open for a plain user; whoever was there is gone for long."""
    one, other, arbiter = pair
    one.club.join("a plain client")
    other.join("Bob").leave()
    settle(one, other)
    other.pass_time()
    settle(one, other)
    del arbiter.crowds["lobby"]
    one.keep()
    settle(one, other)
    one.keep()
    assert (one.names(), one.crier.is_busy) == ([], True)
    one.work()
    assert not one.crier.is_busy, "nothing has changed since"
    other.join("Eve")

    assert one.names() == ["Eve"]


def test_people_whose_processes_are_forgotten_with_them_are_gone(pair: Pair) -> None:
    one, other, arbiter = pair
    one.club.join("a plain client")
    other.join("Bob")
    assert one.names() == ["Bob"]
    arbiter.empty()
    one.keep()
    settle(one)

    assert one.names() == []
