"""What is asked of a history besides its pages: one suite over every History."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatroom.errors import CmidTaken
from chatroom.history import History, make_history
from chatroom.history.memory.history import MemoryHistory
from chatroom.message import BEGINNING, Message, RoomSummary
from tests.support.histories import KINDS, everything, open_history_of, said, typed

MEGABYTE = 1 << 20


@pytest.fixture(params=KINDS)
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    with open_history_of(request.param, tmp_path) as history:
        yield history


def seqs(messages: list[Message]) -> list[int]:
    return [message.seq for message in messages]


# -- cmids -----------------------------------------------------------------------------------


def test_a_message_is_found_by_its_user_and_cmid(history: History) -> None:
    message = typed("lobby", 1, "u1", "c1")
    history.append([message, *said("lobby", 2)])

    assert history.find("lobby", "u1", "c1") == message
    assert everything(history, "lobby") == [message, *said("lobby", 2)]


@pytest.mark.parametrize(
    ("room", "user_id", "cmid"),
    [
        ("lobby", "u1", "c2"),
        ("lobby", "u2", "c1"),
        ("other", "u1", "c1"),
        ("nowhere", "u1", "c1"),
        ("lobby", "u1", "C1"),
        ("lobby", "u1", ""),
        ("lobby", "", ""),
    ],
)
def test_nothing_is_found_by_another(history: History, room: str, user_id: str, cmid: str) -> None:
    history.append([typed("lobby", 1, "u1", "c1"), *said("lobby", 2), *said("other", 1)])

    assert history.find(room, user_id, cmid) is None


def test_a_cmid_is_stored_once_and_nothing_of_the_second_batch(history: History) -> None:
    history.append([typed("lobby", 1, "u1", "c1")])

    with pytest.raises(CmidTaken, match="find"):
        history.append([*said("new", 1), typed("lobby", 2, "u1", "c1", body="again")])

    assert everything(history, "lobby") == [typed("lobby", 1, "u1", "c1")]
    assert everything(history, "new") == []
    history.append([*said("new", 1), typed("lobby", 2, "u1", "c2")])
    assert history.head("new")[0] == 1


def test_a_cmid_twice_in_a_batch_stores_nothing_of_it(history: History) -> None:
    with pytest.raises(CmidTaken):
        history.append([typed("lobby", 1, "u1", "c1"), typed("lobby", 2, "u1", "c1")])

    assert history.head("lobby") == BEGINNING
    assert history.find("lobby", "u1", "c1") is None


def test_a_cmid_may_be_used_by_others_and_in_other_rooms(history: History) -> None:
    messages = [
        typed("lobby", 1, "u1", "c1"),
        typed("lobby", 2, "u2", "c1"),
        typed("other", 1, "u1", "c1"),
    ]
    history.append(messages)

    assert [history.find(m.room, m.user_id, m.cmid) for m in messages] == messages


def test_an_empty_cmid_is_never_taken(history: History) -> None:
    history.append([typed("lobby", seq, "u1", "") for seq in (1, 2)])
    history.append([typed("lobby", 3, "u1", "")])

    assert seqs(everything(history, "lobby")) == [1, 2, 3]


@pytest.mark.parametrize("cmid", ["\0", "a\0b", "日本語", "'; DROP TABLE rooms; --", "x" * 64])
def test_any_text_is_a_cmid(history: History, cmid: str) -> None:
    history.append([typed("lobby", 1, cmid, cmid)])

    assert history.find("lobby", cmid, cmid) == typed("lobby", 1, cmid, cmid)
    with pytest.raises(CmidTaken):
        history.append([typed("lobby", 2, cmid, cmid)])


# -- cursors and pages -----------------------------------------------------------------------


def test_only_exactly_that_message_is_there(history: History) -> None:
    history.append([*said("lobby", 1, 3), *said("other", 1, 9)])
    nonce = said("lobby", 3)[0].nonce

    assert history.has("lobby", 3, nonce)
    assert not history.has("lobby", 3, "f" * 16)
    assert not history.has("lobby", 2, nonce)
    assert not history.has("nowhere", 3, nonce)


@pytest.mark.parametrize("seq", [0, -1, 4, 1 << 40, (1 << 40) + 1, 1 << 64, -(1 << 64)])
def test_a_seq_that_never_was_is_not_there(history: History, seq: int) -> None:
    """(1 << 40) + 1 is what the next room's first message would have as its key."""
    history.append([*said("lobby", 1, 3), *said("other", 1)])

    for message in said("lobby", 1, 3):
        assert not history.has("lobby", seq, message.nonce)
    assert not history.has("lobby", seq, "")


def test_the_first_message_of_a_room_is_its_first(history: History) -> None:
    history.append([*said("other", 1, 3), *said("lobby", 1, 7)])
    history.trim("lobby", 3, 0, 100)

    assert history.first("lobby") == 5
    assert history.first("other") == 1
    assert history.first("nowhere") == 0


@pytest.mark.parametrize(
    ("seq", "limit", "expected"),
    [
        (sys.maxsize, 3, [8, 9, 10]),
        (11, 1, [10]),
        (10, 3, [7, 8, 9]),
        (3, 9, [1, 2]),
        (1, 9, []),
        (0, 9, []),
        (-5, 9, []),
        (5, 0, []),
        (1 << 70, 1, [10]),
        (-(1 << 70), 1, []),
    ],
)
def test_before_gives_the_newest_below_oldest_first(
    history: History, seq: int, limit: int, expected: list[int]
) -> None:
    history.append([*said("before", 1, 9), *said("lobby", 1, 10), *said("behind", 1, 9)])

    assert seqs(history.before("lobby", seq, limit, MEGABYTE)) == expected


def test_before_ends_soon_after_its_bytes_are_reached(history: History) -> None:
    history.append(said("lobby", 1, 20, body="é" * 5000))

    assert seqs(history.before("lobby", 11, 20, 25_000)) == [8, 9, 10]
    assert seqs(history.before("lobby", 11, 20, 1)) == [10]
    assert history.before("lobby", 11, 20, 0) == []


def test_walking_back_meets_every_message_once(history: History) -> None:
    history.append(said("lobby", 1, 100))
    walked: list[Message] = []
    seq = sys.maxsize

    while page := history.before("lobby", seq, 7, MEGABYTE):
        walked = page + walked
        seq = page[0].seq

    assert walked == said("lobby", 1, 100)


# -- rooms and the secret --------------------------------------------------------------------


def test_rooms_are_summed_up_by_name(history: History) -> None:
    history.append([*said("b", 1, 3), *said("ä", 1), *said("B", 1, 5)])
    history.trim("B", 2, 0, 100)

    def last(room: str, first: int, seq: int) -> RoomSummary:
        (message,) = said(room, seq)
        return RoomSummary(room, first, seq, message.nonce, message.sent_at)

    assert history.rooms() == [last("B", 4, 5), last("b", 1, 3), last("ä", 1, 1)]


def test_a_new_history_has_no_rooms(history: History) -> None:
    assert history.rooms() == []


def test_the_secret_is_32_bytes_and_always_the_same(history: History, tmp_path: Path) -> None:
    secret = history.secret()

    assert len(secret) == 32
    assert history.secret() == secret
    other = make_history("memory:", tmp_path)
    other.open()
    assert other.secret() != secret


# -- memory ----------------------------------------------------------------------------------


def test_memory_forgets_a_cmid_with_its_message_but_keeps_the_room() -> None:
    history = MemoryHistory(limit_bytes=50_000)
    history.open()
    history.append([typed("quiet", 1, "u1", "c1")])
    assert history.find("quiet", "u1", "c1")

    history.append(said("busy", 1, 100, body="x" * 1000))

    assert history.find("quiet", "u1", "c1") is None
    assert not history.has("quiet", 1, said("quiet", 1)[0].nonce)
    assert history.first("quiet") == 0
    assert [(room.name, room.seq) for room in history.rooms()] == [("busy", 100), ("quiet", 1)]
    assert history.first("busy") > 50


def test_memory_holds_as_little_with_cmids_as_without() -> None:
    """What is found by its cmid counts as well."""
    counts = []
    for user_id, cmid in (("", ""), ("u" * 16, "c" * 400)):
        history = MemoryHistory(limit_bytes=200_000)
        history.open()
        for seq in range(1, 1001):
            history.append([typed("lobby", seq, user_id, f"{cmid}{seq}" if cmid else "")])
        counts.append(len(everything(history, "lobby")))

    assert counts[1] < counts[0] * 0.7
