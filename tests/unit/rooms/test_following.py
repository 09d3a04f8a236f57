"""What is heard of other processes, where it is not what was expected."""

from __future__ import annotations

from contextlib import ExitStack

from tests.support.in_memory_room import TypedGuest
from tests.support.shared_memory import SharedMemory, SharingProcess, level


def test_whoever_waits_for_a_message_that_is_lost_keeps_nobody_from_hearing_of_that() -> None:
    """They have read it at another process; then a standby took over that did not have it."""
    with ExitStack() as stack:
        history = SharedMemory()
        one, other = (SharingProcess(stack, history, leave_grace=0.0) for _ in range(2))
        bob = TypedGuest(one.club, "Bob", "class", {})
        eve = TypedGuest(other.club, "Eve", "class", {})
        level([one, other])
        eve.send("message", cmid="c1", body="one")
        level([one, other])
        eve.send("message", cmid="c2", body="two")
        other.write()
        ann = TypedGuest(one.club, "Ann", "class", {}, since=str(history.head("class")))
        assert ann.heard() == [], "the room here has not heard of it"

        history.delete("class")
        level([one, other])

        for guest in (ann, bob, eve):
            assert guest.line.peer.closed_with()[0] == 4009
        assert one.club.rooms() == other.club.rooms() == []
