"""Room: the end of its conversation, in frames."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatroom.message import Message, MessageId, Remover
from chatroom.rooms.fallen import Fallen
from chatroom.rooms.room import Room
from chatroom.wire.message_json import to_json
from chatroom.wire.websocket import text_frame
from tests.support.histories import said


def room(seq: int = 0, tail: tuple[bytes, ...] = (), *, length: int = 3, size: int = 100) -> Room:
    last = MessageId(seq, "0")
    return Room("lobby", last, tail, tail_length=length, tail_bytes=size, fallen=Fallen())


def add(to: Room, *frames: bytes) -> None:
    """As the Server does it."""
    to.last = MessageId(to.seq + len(frames), "0")
    to.remember(frames)


def test_a_new_room_has_no_past():
    lobby = room()

    assert lobby.replay() == b""
    assert lobby.first_remembered == 1


def test_a_room_with_a_past_begins_with_its_end():
    lobby = room(10, (b"nine", b"ten"))

    assert lobby.replay() == b"nineten"
    assert lobby.first_remembered == 9


def test_the_tail_holds_the_last_frames():
    lobby = room()
    add(lobby, b"1", b"2")
    add(lobby, b"3", b"4", b"5")

    assert lobby.replay() == b"345"
    assert lobby.first_remembered == 3


def test_the_tail_holds_so_many_bytes_at_most():
    lobby = room(size=10)
    add(lobby, b"x" * 6, b"y" * 6)

    assert lobby.replay() == b"y" * 6
    assert lobby.first_remembered == 2


def test_a_frame_larger_than_the_tail_leaves_it_empty():
    """Then joiners get it from the history."""
    lobby = room(size=10)
    add(lobby, b"x", b"y" * 11)

    assert lobby.replay() == b""
    assert lobby.first_remembered == 3


def test_the_replay_is_made_once_for_all_who_join_before_the_next_message():
    lobby = room()
    add(lobby, b"1", b"2")
    before = lobby.replay()
    assert lobby.replay() is before

    add(lobby, b"3")

    assert lobby.replay() == b"123"


@given(
    st.lists(st.lists(st.binary(max_size=30), min_size=1), max_size=20),
    st.integers(1, 10),
    st.integers(0, 100),
)
def test_the_tail_is_always_the_end_of_what_was_said(
    batches: list[list[bytes]], length: int, size: int
):
    lobby = room(length=length, size=size)
    said: list[bytes] = []
    for batch in batches:
        add(lobby, *batch)
        said += batch

        kept = said[lobby.first_remembered - 1 :]
        assert lobby.replay() == b"".join(kept)
        assert len(kept) <= length
        assert len(b"".join(kept)) <= size


# -- what is changed -------------------------------------------------------------------------------


def with_past(count: int, size: int = 10_000) -> tuple[Room, list[Message]]:
    messages = said("lobby", 1, count)
    frames = tuple(text_frame(to_json(message)) for message in messages)
    return room(count, frames, length=100, size=size), messages


def test_joiners_get_a_changed_message_as_it_now_is():
    lobby, messages = with_past(3)
    assert b"better" not in lobby.replay()

    lobby.change(messages[1].edited("better", 1, 7))

    assert lobby.replay().count(b"better") == 1
    assert lobby.replay().count(b'"hi"') == 2
    assert b"".join(lobby.frames_after(1) or []).count(b"better") == 1


def test_joiners_do_not_get_what_was_removed_and_nothing_moves():
    lobby, messages = with_past(3)

    lobby.change(messages[1].taken_back(Remover.AUTHOR, 1))

    assert lobby.first_remembered == 1
    assert lobby.replay() == b"".join(text_frame(to_json(m)) for m in (messages[0], messages[2]))


def test_longer_messages_do_not_make_the_tail_longer_than_it_may_be():
    """Otherwise, what is sent to joiners would fill their queues, and they would be dropped."""
    lobby, messages = with_past(10, size=5_000)

    for rev, message in enumerate(messages, 1):
        lobby.change(message.edited("x" * 2_000, rev, 7))

    assert 0 < len(lobby.replay()) <= 5_000
    assert len(lobby.frames_after(lobby.first_remembered - 1) or []) == 2
    assert lobby._tail_size == len(lobby.replay())


def test_what_the_tail_does_not_have_is_told_all_the_same():
    lobby, messages = with_past(3)
    lobby.forget(3)
    before = lobby.replay()

    lobby.change(messages[0].edited("better", 1, 7))

    assert lobby.replay() == before
    assert len(lobby.changes.since(0) or []) == 1


def test_a_changed_text_that_is_trimmed_is_not_told_to_those_who_come_back():
    lobby, messages = with_past(3)
    lobby.change(messages[0].edited("better", 1, 7))
    lobby.change(messages[2].edited("best", 2, 7))

    lobby.forget(2)

    (frame,) = lobby.changes.since(0) or []
    assert b"best" in frame
