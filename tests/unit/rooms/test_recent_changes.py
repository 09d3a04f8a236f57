"""RecentChanges: what a room remembers of the last changes, and what it no longer does."""

from __future__ import annotations

import json

from chatroom.message import Message, Remover
from chatroom.rooms.recent_changes import RecentChanges
from tests.support.histories import said


def changes(rev: int = 0, *, limit: int = 100, max_bytes: int = 100_000) -> RecentChanges:
    return RecentChanges(rev, limit=limit, max_bytes=max_bytes)


def edited(seq: int, rev: int, body: str = "better") -> Message:
    (message,) = said("lobby", seq)
    return message.edited(body, rev, 7)


def removed(seq: int, rev: int) -> Message:
    (message,) = said("lobby", seq)
    return message.taken_back(Remover.HOST, rev)


def revs(frames: list[bytes] | None) -> list[int] | None:
    """Of frames below 64 KiB: two or four bytes come before the JSON."""
    if frames is None:
        return None
    return [json.loads(frame[frame.index(b"{") :])["rev"] for frame in frames]


def test_who_has_seen_the_last_one_misses_nothing():
    assert revs(changes(3).since(3)) == []


def test_what_was_before_it_is_not_known():
    assert revs(changes(3).since(2)) is None


def test_each_message_is_told_once_as_it_now_is():
    recent = changes()
    for message in (edited(1, 1), edited(2, 2), removed(1, 3)):
        recent.add(message)

    assert recent.rev == 3
    assert revs(recent.since(0)) == [2, 3]
    assert revs(recent.since(2)) == [3]


def test_only_so_many_are_remembered():
    recent = changes(limit=2)
    for number in (1, 2, 3):
        recent.add(edited(number, number))

    assert revs(recent.since(0)) is None
    assert revs(recent.since(1)) == [2, 3]


def test_only_so_many_bytes_are_remembered():
    recent = changes(max_bytes=1000)
    recent.add(edited(1, 1, "x" * 600))
    recent.add(edited(2, 2, "x" * 600))
    assert revs(recent.since(0)) is None
    assert revs(recent.since(1)) == [2]

    recent.add(edited(3, 3, "x" * 2000))
    assert revs(recent.since(2)) is None
    assert revs(recent.since(3)) == []


def test_a_text_that_is_trimmed_is_not_told_any_more_but_that_one_is_gone_is():
    recent = changes()
    for message in (edited(1, 1), removed(2, 2), edited(3, 3)):
        recent.add(message)

    recent.forget(3)

    assert revs(recent.since(0)) == [2, 3]
