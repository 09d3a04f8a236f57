"""What the Server thread counts on its way: each thing once, where it happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatroom.tally import Histogram
from tests.support.in_memory_room import InMemoryServer, TypedGuest


def enter(club: InMemoryServer, name: str, room: str = "garden", **hello: Any) -> TypedGuest:
    return TypedGuest(club, name, room, {}, **hello)


def observed(histogram: Histogram) -> int:
    return histogram.read()[0][-1]


# -- what is said ------------------------------------------------------------------------------


def test_a_batch_over_rooms_is_one_commit_and_goes_to_each_room_by_itself(club: InMemoryServer):
    ann, _bob, eve = club.join("Ann"), club.join("Bob"), club.join("Eve", "garden")
    ann.say("1", "2", "3")
    eve.say("a")
    club.settle()

    tally = club.tally
    assert (tally.stored, tally.deliveries) == (4, 3 * 2 + 1)
    assert (observed(tally.commits), observed(tally.batches), observed(tally.fan_outs)) == (1, 1, 2)
    assert tally.batches.read()[1] == 4


def test_what_is_said_where_nobody_is_goes_to_nobody(club: InMemoryServer):
    club.said_over_http("garden", "anybody?")

    assert (club.tally.stored, club.tally.deliveries) == (1, 0)
    assert observed(club.tally.fan_outs) == 0


def test_what_was_stored_before_is_not_stored_again(club: InMemoryServer):
    ann = enter(club, "Ann")
    for _ in range(2):
        ann.send("message", cmid="1", body="hello")

    assert (club.tally.stored, club.tally.deliveries) == (1, 1)
    assert observed(club.tally.commits) == 1


def test_what_a_history_refuses_is_counted_by_the_message(club: InMemoryServer):
    ann = club.join("Ann")
    club.disk.failing.add("append")
    ann.say("1", "2")
    club.settle()

    assert (club.tally.stored, club.tally.not_stored) == (0, 2)
    assert observed(club.tally.commits) == observed(club.tally.batches) == 0


def test_what_waits_for_approval_is_stored_once_it_is_a_message(club: InMemoryServer):
    ann = enter(club, "Ann")
    ann.send("host", cmid="h", act="rules", speak="approval")
    bob = enter(club, "Bob")
    bob.send("message", cmid="1", body="May I?")
    assert club.tally.stored == 0

    (held,) = club.server._rooms["garden"].queue
    ann.send("host", cmid="h2", act="approve", id=held.id)
    assert (club.tally.stored, club.tally.deliveries) == (1, 2)


# -- who comes and goes ------------------------------------------------------------------------


def test_joins_count_by_the_protocol(club: InMemoryServer):
    club.join("Ann")
    for name in ("Bob", "Eve"):
        enter(club, name)

    assert (club.tally.joins_plain, club.tally.joins_typed) == (1, 2)


def test_whoever_is_refused_has_not_joined(club: InMemoryServer):
    enter(club, "Ann")
    enter(club, "Ann")

    assert club.tally.joins_typed == 1
    assert club.server.channels.refused.read() == {"name-taken": 1}


def test_news_of_people_is_no_message(club: InMemoryServer):
    """Ann hears that Bob has joined, and both that Eve has."""
    for name in ("Ann", "Bob", "Eve"):
        enter(club, name)

    assert club.tally.notices == 1 + 2
    assert club.tally.deliveries == 0
    assert observed(club.tally.fan_outs) == 0


def test_whoever_does_not_read_is_slow_and_gets_nothing_more(
    make: Callable[..., InMemoryServer],
):
    club = make()
    ann = club.join("Ann")
    club.join("Bob", buffers=4096, queue_bytes=140_000)
    for _ in range(4):
        ann.say("x" * 60_000)
        club.settle()

    assert club.tally.slow == 1
    assert 4 < club.tally.deliveries < 8


# -- what is refused ---------------------------------------------------------------------------


def test_refusals_are_counted_whether_or_not_the_client_is_told(club: InMemoryServer):
    """The plain protocol has no words for them."""
    ann = enter(club, "Ann")
    ann.send("host", cmid="h", act="rules", speak="hosts")
    bob, eve = enter(club, "Bob"), club.join("Eve", "garden")
    bob.send("message", cmid="1", body="hello?")
    eve.say("hello?")
    club.settle()

    assert club.server.channels.refused.read() == {"paused": 2}


def test_what_nobody_understands_is_counted_and_not_repeated(club: InMemoryServer):
    ann = enter(club, "Ann")
    ann.send("dance")

    assert club.server.channels.refused.read() == {"unknown-type": 1}


def test_whoever_cannot_come_in_is_counted(make: Callable[..., InMemoryServer]):
    club = make(password="secret")
    club.join("Ann")

    assert club.server.channels.refused.read() == {"wrong-key": 1}
