"""Room: the end of its conversation, in frames."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.history.shared import Version
from chatroom.message import Message, MessageId, Remover
from chatroom.rooms.charter import NO_CHARTER, Charter, Host, House
from chatroom.rooms.crowd import Joined, Known
from chatroom.rooms.fallen import Fallen
from chatroom.rooms.policy import Standing
from chatroom.rooms.ranks import Rank
from chatroom.rooms.room import HOST_GRACE_MS, Room
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.wire.message_json import to_json
from chatroom.wire.websocket import text_frame
from tests.support.histories import said


def room(seq: int = 0, tail: tuple[bytes, ...] = (), *, length: int = 3, size: int = 100) -> Room:
    last = MessageId(seq, "0")
    return Room("lobby", Version(last), tail, tail_length=length, tail_bytes=size, fallen=Fallen())


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

    lobby.change([messages[1].edited("better", 1, 7)])

    assert lobby.replay().count(b"better") == 1
    assert lobby.replay().count(b'"hi"') == 2
    assert b"".join(lobby.frames_after(1) or []).count(b"better") == 1


def test_joiners_do_not_get_what_was_removed_and_nothing_moves():
    lobby, messages = with_past(3)

    lobby.change([messages[1].taken_back(Remover.AUTHOR, 1)])

    assert lobby.first_remembered == 1
    assert lobby.replay() == b"".join(text_frame(to_json(m)) for m in (messages[0], messages[2]))


def test_longer_messages_do_not_make_the_tail_longer_than_it_may_be():
    """Otherwise, what is sent to joiners would fill their queues, and they would be dropped."""
    lobby, messages = with_past(10, size=5_000)

    for rev, message in enumerate(messages, 1):
        lobby.change([message.edited("x" * 2_000, rev, 7)])

    assert 0 < len(lobby.replay()) <= 5_000
    assert len(lobby.frames_after(lobby.first_remembered - 1) or []) == 2
    assert lobby._tail._size == len(lobby.replay())


def test_what_the_tail_does_not_have_is_told_all_the_same():
    lobby, messages = with_past(3)
    lobby.forget(3)
    before = lobby.replay()

    lobby.change([messages[0].edited("better", 1, 7)])

    assert lobby.replay() == before
    assert len(lobby.changes.since(0) or []) == 1


def test_a_changed_text_that_is_trimmed_is_not_told_to_those_who_come_back():
    lobby, messages = with_past(3)
    lobby.change([messages[0].edited("better", 1, 7)])
    lobby.change([messages[2].edited("best", 2, 7)])

    lobby.forget(2)

    (frame,) = lobby.changes.since(0) or []
    assert b"best" in frame


# -- who is in charge ------------------------------------------------------------------------------

NOW = 1_700_000_000_000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> WallClock:
    """The room's, in Unix milliseconds."""
    clock = WallClock()
    monkeypatch.setattr("chatroom.rooms.room.time", clock)
    return clock


class WallClock:
    now = NOW

    def time_ns(self) -> int:
        return self.now * 1_000_000


class Socket:
    """What a room needs of somebody's."""

    inside = False

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id


def classroom(charter: Charter = NO_CHARTER, house: House | None = None) -> Room:
    last = MessageId(0, "")
    options = {"tail_length": 3, "tail_bytes": 100, "fallen": Fallen()}
    return Room("class", Version(last), (), **options, charter=charter, house=house)  # type: ignore[arg-type]


def come(to: Room, user_id: str) -> Any:
    socket: Any = Socket(user_id)
    to.let_in_typed(socket, "t1")
    return socket


def speaker(user_id: str = "", address: str = "192.0.2.1") -> HttpSpeaker:
    return HttpSpeaker("class", "", address, user_id)


TAUGHT = Charter({"u1": Host("Ann", Rank.MAKER)}, needs_host=True)


def test_a_persons_standing_is_that_of_this_moment():
    house = House(Charter({"u3": Host("Zoe", Rank.OPERATOR)}))
    room = classroom(TAUGHT, house)

    ranks = [room.standing_of(speaker(user_id), NOW).rank for user_id in ("u1", "u2", "u3", "")]
    assert ranks == [Rank.MAKER, Rank.EVERYONE, Rank.OPERATOR, Rank.EVERYONE]

    room.charter = NO_CHARTER
    assert room.standing_of(speaker("u1"), NOW) == Standing(
        NO_CHARTER, Rank.EVERYONE, NOW, host_is_here=False, house=house.charter
    )


def test_a_room_knows_who_said_something_when():
    room = classroom()
    room.note_said(speaker("u1"), NOW)
    room.note_said(speaker("", "192.0.2.1"), NOW + 1)

    def said(who: HttpSpeaker) -> int:
        return room.standing_of(who, NOW).said_at

    assert said(speaker("u1", "192.0.2.9")) == NOW
    assert said(speaker("", "192.0.2.1")) == NOW + 1
    assert said(speaker("u2")) == said(speaker("", "192.0.2.9")) == 0


def test_slow_people_stay_slow_though_the_room_was_forgotten_meanwhile():
    house = House()
    classroom(house=house).note_said(speaker("u1"), NOW)

    assert classroom(house=house).standing_of(speaker("u1"), NOW).said_at == NOW


def is_taught(room: Room, now: int) -> bool:
    return room.standing_of(speaker("u2"), now).host_is_here


def test_a_host_who_has_gone_counts_as_here_for_a_minute(clock: WallClock):
    """From the moment of going, whoever has said something before."""
    room = classroom(TAUGHT)
    assert not is_taught(room, NOW)

    ann = come(room, "u1")
    assert is_taught(room, NOW)
    assert is_taught(room, NOW + 10 * HOST_GRACE_MS)

    clock.now = NOW + 20 * HOST_GRACE_MS
    room.remove(ann)
    assert is_taught(room, clock.now + HOST_GRACE_MS - 1)
    assert not is_taught(room, clock.now + HOST_GRACE_MS)


def test_after_a_start_hosts_have_a_minute_to_come_back(clock: WallClock):
    room = classroom(TAUGHT, House(began_at=NOW))

    assert is_taught(room, NOW + HOST_GRACE_MS - 1)
    assert not is_taught(room, NOW + HOST_GRACE_MS)


def test_a_clock_that_is_set_back_does_not_keep_a_host_here(clock: WallClock):
    """They counted as here until it had caught up."""
    room = classroom(TAUGHT, House(began_at=NOW))
    room.remove(come(room, "u1"))

    assert not is_taught(room, NOW - 10 * HOST_GRACE_MS)


def test_a_host_of_two_tabs_is_here_as_long_as_one_is(clock: WallClock):
    room = classroom(TAUGHT)
    first, second = come(room, "u1"), come(room, "u1")

    room.remove(first)
    assert is_taught(room, NOW + 2 * HOST_GRACE_MS)
    room.remove(second)
    assert not is_taught(room, NOW + 2 * HOST_GRACE_MS)


def test_an_operator_is_a_host_here_too(clock: WallClock):
    room = classroom(TAUGHT, House(Charter({"u3": Host("Zoe", Rank.OPERATOR)})))

    come(room, "u3")

    assert is_taught(room, NOW)


def test_others_do_not_count_as_hosts(clock: WallClock):
    room = classroom(TAUGHT)
    bob = come(room, "u2")

    room.remove(bob)

    assert not is_taught(room, NOW)


def test_the_grace_outlives_a_room_that_all_have_left_and_is_then_forgotten(clock: WallClock):
    """The line of a whole classroom drops, and a pupil is back first."""
    house = House()
    room = classroom(TAUGHT, house)
    room.remove(come(room, "u1"))

    again = classroom(TAUGHT, house)

    assert is_taught(again, NOW + HOST_GRACE_MS - 1)
    clock.now = NOW + HOST_GRACE_MS
    other = Room(
        "other", Version(MessageId(0, "")), (), tail_length=3, tail_bytes=9, fallen=Fallen(),
        charter=TAUGHT, house=house,
    )  # fmt: skip
    other.remove(come(other, "u1"))
    assert list(house.host_seen_at) == ["other"]


def test_people_are_known_by_their_names_here_or_as_the_charter_has_them():
    room = classroom(TAUGHT, House(Charter({"u3": Host("Zoe", Rank.OPERATOR)})))
    room.crowd.apply(Joined(Known("u2", "Bob")))

    names = [room.name_of(user_id, "somebody") for user_id in ("u1", "u2", "u3", "u4")]

    assert names == ["Ann", "Bob", "Zoe", "somebody"]
    room.crowd.apply(Joined(Known("u1", "Anna")))
    assert room.name_of("u1") == "Anna"
    assert room.known() == [("u2", "Bob", ""), ("u1", "Anna", "maker")]


@pytest.mark.parametrize(
    ("name", "seq", "charter", "is_new"),
    [
        ("class", 0, NO_CHARTER, True),
        ("class", 1, NO_CHARTER, False),
        ("class", 0, TAUGHT, False),
        ("lobby", 0, NO_CHARTER, False),
    ],
)
def test_only_a_room_of_which_nothing_is_known_can_still_be_made(
    name: str, seq: int, charter: Charter, *, is_new: bool
):
    made = Room(
        name,
        Version(MessageId(seq, "")),
        (),
        tail_length=3,
        tail_bytes=9,
        fallen=Fallen(),
        charter=charter,
    )

    assert made.is_new is is_new
