"""Entrance: who makes a room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatroom.errors import HistoryUnavailable
from chatroom.rooms.charter import Charter
from chatroom.rooms.ranks import Rank
from tests.support.in_memory_room import InMemoryServer, TypedGuest


def enter(club: InMemoryServer, name: str, room: str = "class", **hello: Any) -> TypedGuest:
    return TypedGuest(club, name, room, {}, **hello)


def role(guest: TypedGuest) -> str | None:
    """As its welcome says."""
    (welcome,) = [frame for frame in guest.heard() if frame.get("type") == "welcome"]
    return welcome.get("role")


def stored(club: InMemoryServer, room: str = "class") -> dict[str, Rank]:
    """The hosts that a kill would leave."""
    hosts = Charter.parse(club.disk.charter(room)).hosts
    return {user_id: host.rank for user_id, host in hosts.items()}


def test_the_first_person_in_a_new_room_makes_it(club: InMemoryServer) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")

    assert (role(ann), role(bob)) == ("maker", None)


def test_a_maker_is_stored_with_the_rooms_first_message_and_not_before(
    club: InMemoryServer,
) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    assert stored(club) == {}

    bob.say("hello")

    assert stored(club) == {ann.user.user_id: Rank.MAKER}
    assert club.disk.messages("class")[0].by == ""
    ann.say("hello")
    assert club.disk.messages("class")[1].by == "host"


def test_of_a_message_that_is_not_stored_the_maker_is_not_either(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")
    club.disk.failing.add("append")
    ann.say("hello")
    assert stored(club) == {}

    club.disk.failing.clear()
    enter(club, "Bob").say("hello")

    assert stored(club) == {ann.user.user_id: Rank.MAKER}


def test_a_maker_is_stored_with_what_they_decide_first(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")

    ann.send("host", cmid="h", act="rules", speak="hosts")

    assert stored(club) == {ann.user.user_id: Rank.MAKER}
    ann.say("hello")
    assert stored(club) == {ann.user.user_id: Rank.MAKER}


def test_where_nobody_has_said_anything_the_next_one_makes_the_room(
    make: Callable[..., InMemoryServer],
) -> None:
    club = make(leave_grace=0)
    ann = enter(club, "Ann")
    ann.leave()
    club.settle()
    assert club.rooms() == []

    assert role(enter(club, "Bob")) == "maker"


def test_a_maker_who_comes_back_is_the_maker(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")
    (welcome, *_) = ann.heard()
    ann.say("hello")
    ann.leave()
    del club.server._rooms["class"]

    assert role(enter(club, "Bob")) is None
    assert role(enter(club, "Ann", token=welcome["token"])) == "maker"


def test_a_room_in_which_something_was_said_is_made_by_nobody(club: InMemoryServer) -> None:
    old = club.join("Old", "class")
    old.say("hello")
    club.settle()
    club.said_over_http("garden", "hello")
    club.remember(2, "kitchen")

    for room in ("class", "garden", "kitchen"):
        assert role(enter(club, "Ann", room)) is None


def test_plain_users_make_no_room_and_keep_nobody_from_making_it(club: InMemoryServer) -> None:
    club.join("Old", "class")

    assert role(enter(club, "Ann")) == "maker"


def test_the_lobby_has_no_maker(club: InMemoryServer) -> None:
    ann = enter(club, "Ann", "lobby")
    ann.say("hello")

    assert role(ann) is None
    assert stored(club, "lobby") == {}
    assert club.disk.messages()[0].by == ""


def test_where_operators_make_the_hosts_nobody_is_one_by_coming_first(
    make: Callable[..., InMemoryServer],
) -> None:
    club = make(everybody_makes_rooms=False)

    ann = enter(club, "Ann")
    ann.say("hello")

    assert role(ann) is None
    assert stored(club) == {}


def test_a_room_whose_charter_cannot_be_read_lets_nobody_in_and_is_not_open(
    club: InMemoryServer,
) -> None:
    """Better none than one without its rules."""
    club.disk.enact("class", '{"speak": "hosts"}', None)
    club.disk.failing.add("charter")
    enter(club, "Ann")
    assert club.rooms() == []
    refused = club.said_over_http("class", "hello")
    assert isinstance(refused.outcome.exception(0), HistoryUnavailable)

    club.disk.failing.clear()
    assert role(enter(club, "Ann")) is None
