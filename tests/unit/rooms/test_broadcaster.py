"""Broadcaster: whatever goes wrong, each speaker is told once, and the others are heard."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import pytest

from chatroom.errors import HistoryUnavailable, Refusal
from chatroom.message import Draft, Message
from chatroom.rooms import order
from chatroom.rooms.policy import Policy
from chatroom.rooms.subscriber import Heard
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.users.requests import Said
from chatroom.wire.websocket import text_frame
from tests.support.histories import said
from tests.support.in_memory_room import InMemoryServer, TypedGuest


def enter(club: InMemoryServer, name: str, room: str = "lobby", **hello: str) -> TypedGuest:
    return TypedGuest(club, name, room, {}, **hello)


def put(club: InMemoryServer, room: str, body: str) -> HttpSpeaker:
    """A script speaks; the Server has not looked yet."""
    speaker = HttpSpeaker(room, "script")
    club.server.broadcast.put(Said(speaker, Draft("script", body, "10:42 AM"), len(body)))
    return speaker


def bodies(guest: TypedGuest) -> list[str]:
    return [frame["body"] for frame in guest.heard() if "body" in frame]


# -- a history that fails -------------------------------------------------------------------------


def test_where_a_room_cannot_be_opened_each_speaker_is_told_once(
    make: Callable[..., InMemoryServer],
) -> None:
    club = make(policy=Policy(max_rooms=0, edit_minutes=15))
    club.disk.append(said("stored", 1))
    club.server._rooms._stored = {"stored"}
    club.disk.failing.add("tail")
    refused = put(club, "one too many", "hello")
    unlucky = put(club, "stored", "hello")
    club.settle()

    assert isinstance(refused.outcome.exception(0), Refusal)
    assert isinstance(unlucky.outcome.exception(0), HistoryUnavailable)


def test_whoever_is_refused_keeps_its_socket_though_a_room_cannot_be_opened(
    club: InMemoryServer,
) -> None:
    """Saying hello comes first, whatever happens to others."""
    ann = enter(club, "Ann")
    ann.leave()
    ann.heard()
    club.disk.failing.add("tail")
    unlucky = put(club, "garden", "hello")
    ann.say("hello?")

    assert isinstance(unlucky.outcome.exception(0), HistoryUnavailable)
    assert [frame["code"] for frame in ann.heard()] == ["hello-first"]
    assert not ann.user.failed


def test_a_room_opened_for_nothing_is_forgotten(club: InMemoryServer) -> None:
    tail = club.disk.tail

    def tail_unless_it_is_the_other(room: str, limit: int, max_bytes: int) -> list[Message]:
        if room == "other":
            raise HistoryUnavailable(club.disk.name, "disk full", "make room")
        return tail(room, limit, max_bytes)

    club.disk.tail = tail_unless_it_is_the_other  # type: ignore[method-assign]
    put(club, "garden", "hello")
    put(club, "other", "hello")
    club.settle()

    assert club.rooms() == []


def test_one_failure_is_reported_once_though_a_message_came_twice(
    club: InMemoryServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = enter(club, "Ann")
    ann.send("message", cmid="a", body="one")
    append = club.disk.append

    def append_once(messages: Sequence[Message]) -> None:
        """The batch has twins; without them it meets a full disk."""
        if len(messages) == 1:
            raise HistoryUnavailable(club.disk.name, "disk full", "make room")
        append(messages)

    monkeypatch.setattr(club.disk, "append", append_once)
    caplog.clear()
    for _ in range(2):
        club.server.broadcast.put(Said(ann.user, Draft("", "two", ""), 1, "b"))
    club.settle()

    assert club.server.errors == 1
    assert len([r for r in caplog.records if r.levelno == logging.ERROR]) == 1


# -- slow users -----------------------------------------------------------------------------------


def test_slow_users_leave_in_the_order_in_which_they_came(
    club: InMemoryServer, caplog: pytest.LogCaptureFixture
) -> None:
    for name in "Ann", "Bob", "Carl":
        club.join(name, queue_bytes=1, buffers=4096)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            club.said_over_http("lobby", "x" * 30_000)

    left = [record.getMessage() for record in caplog.records if "left" in record.getMessage()]
    assert [next(name for name in ("Ann", "Bob", "Carl") if name in line) for line in left] == [
        *("Ann", "Bob", "Carl")
    ]


# -- faults of ours -------------------------------------------------------------------------------


def test_what_cannot_be_encoded_is_not_stored_and_the_next_is_heard(
    club: InMemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    bob.heard()

    def encode(text: str) -> bytes:
        if "poison" in text:
            raise ValueError("a fault of ours")
        return text_frame(text)

    monkeypatch.setattr(order, "text_frame", encode)
    ann.say("poison")
    bob.say("hello")

    assert club.disk.stored() == bodies(bob) == ["hello"]


class Faulty(Policy):
    """Has a fault of ours that shows once."""

    def __init__(self) -> None:
        super().__init__(max_rooms=1000, edit_minutes=15)
        self.faulty_about = "Nick"

    def may_be_called(self, name: str, suggestion: str) -> Refusal | None:
        if name == self.faulty_about:
            raise ValueError("a fault of ours")
        return super().may_be_called(name, suggestion)


def test_a_fault_about_one_wish_costs_nobody_a_message(
    make: Callable[..., InMemoryServer],
) -> None:
    club = make(policy=Faulty())
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    ann.user._receive('{"type":"rename","userName":"Nick"}')
    bob.user._receive('{"type":"message","cmid":"1","body":"hello"}')
    club.settle()
    ann.say("and I am still here")

    assert club.disk.stored() == ["hello", "and I am still here"]
    assert club.server.errors == 1
    ann.leave()
    assert not ann.user.inside


def test_a_fault_about_a_hello_lets_its_user_try_again(
    make: Callable[..., InMemoryServer],
) -> None:
    club = make(policy=Faulty())
    ann = enter(club, "Nick")
    assert club.rooms() == []
    ann.send("hello", userName="Ann")

    assert [frame["type"] for frame in ann.heard()] == ["welcome", "live"]


class FaultySubscriber:
    """A subscriber with a fault of ours."""

    def take(self, batch: Sequence[Heard]) -> None:
        raise ValueError("a fault of ours")


def test_after_a_fault_with_a_late_outcome_people_still_talk(
    make: Callable[..., InMemoryServer],
) -> None:
    club = make(late={"order"})
    ann, broken = enter(club, "Ann"), FaultySubscriber()
    club.server._entrance.subscribe("lobby", broken, "")
    ann.say("one")
    ann.say("two")
    club.order.commit()
    club.order.tell()
    with pytest.raises(ValueError, match="a fault of ours"):  # its thread goes on
        club.server.step()
    club.settle()
    club.server.unsubscribe("lobby", broken)
    club.settle()
    club.order.commit()
    club.order.tell()
    club.settle()

    assert club.disk.stored() == ["one", "two"]
    assert bodies(ann) == ["two"]
