"""Hints: they come back as they were, fit into payloads, and nobody else can make one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chatroom.history.postgresql.exact import ESCAPE, to_stored
from chatroom.message import Message
from chatroom.rooms.bus import IsTyping, ReactionNews, RoomNews
from chatroom.rooms.crowd import Joined, Known, Left, Renamed
from chatroom.rooms.register import Replaced
from chatroom.shared import hints
from chatroom.shared.hints import (
    PAYLOAD_BYTES,
    Beat,
    CrowdNews,
    Hint,
    is_of_another_version,
    joined,
    key_from,
    pack,
    unpack,
)
from chatroom.wire.message_json import to_json
from tests.support.strategies import MESSAGES

KEY = key_from(b"secret")

TEXTS = st.text(max_size=20) | st.text(f'\0\n"a1,[]{ESCAPE}\ud800\udfff🎉', max_size=20)

NUMBERS = st.integers(0, 10**12)

KNOWN = st.builds(Known, TEXTS, TEXTS)

EVENTS = (
    st.builds(Joined, KNOWN)
    | st.builds(Renamed, KNOWN)
    | st.builds(Left, KNOWN, TEXTS)
    | st.builds(Replaced, TEXTS, TEXTS)
)

HINTS = (
    st.builds(
        RoomNews,
        room=TEXTS,
        seq=NUMBERS,
        nonce=TEXTS,
        rev=NUMBERS,
        decided=NUMBERS,
        first=NUMBERS,
        texts=st.lists(TEXTS, max_size=5).map(tuple),
        before=TEXTS,
    )
    | st.builds(CrowdNews, TEXTS, NUMBERS, NUMBERS, st.lists(EVENTS, max_size=5).map(tuple))
    | st.builds(IsTyping, TEXTS, KNOWN)
    | st.builds(ReactionNews, TEXTS, NUMBERS)
    | st.builds(Beat, st.integers(0, 2**63 - 1), st.booleans())
)


def news(*sizes: int, seq: int = 0, letter: str = "x") -> RoomNews:
    """Of messages whose bodies have so many letters; the last one is number ``seq``."""
    seq = seq or len(sizes)
    first = seq - len(sizes) + 1
    texts = tuple(
        to_json(Message("lobby", first + i, nonce(first + i), "Ann", letter * size, "9:05 AM", 0))
        for i, size in enumerate(sizes)
    )
    return RoomNews("lobby", seq, nonce(seq), 3, 1, first, texts, nonce(first - 1))


def nonce(seq: int) -> str:
    return f"{seq:016x}"


def unpacked(payloads: list[str], key: bytes = KEY) -> list[Hint]:
    """All hints, after a look whether PostgreSQL would take the payloads."""
    found: list[Hint] = []
    for payload in payloads:
        assert "\0" not in payload
        assert len(payload.encode()) <= PAYLOAD_BYTES < 8000
        read = unpack(payload, key)
        assert read and read[0] == 7
        found += read[1]
    return found


# -- there and back --------------------------------------------------------------------------------


@given(told=st.lists(HINTS, max_size=6))
def test_hints_come_back_as_they_were_and_in_order(told: list[Hint]) -> None:
    heard = unpacked(pack(told, 7, KEY))

    assert heard == told
    assert [type(hint) for hint in heard] == [type(hint) for hint in told]


@given(messages=st.lists(MESSAGES, min_size=1, max_size=5))
def test_texts_of_messages_are_carried_as_they_are(messages: list[Message]) -> None:
    texts = tuple(to_json(message) for message in messages)
    assume(len(to_stored("".join(texts)).encode()) < 7500)
    told = RoomNews("lobby", 5, "a", 0, 0, 1, texts, "0")

    (heard,) = unpacked(pack([told], 7, KEY))

    assert heard == told


def test_small_hints_share_a_payload() -> None:
    told = [IsTyping("lobby", Known(f"u{number}", "Ann")) for number in range(100)]

    assert len(pack(told, 7, KEY)) == 1
    assert pack([], 7, KEY) == []


def test_many_hints_fill_payloads_and_stay_in_order() -> None:
    told = [news(100 * (number % 40), seq=number + 1) for number in range(100)]

    payloads = pack(told, 7, KEY)

    assert unpacked(payloads) == told
    size = sum(hint.size for hint in told)
    assert len(payloads) < 2 * size / PAYLOAD_BYTES


# -- what is large ---------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", ["x", "é", "日", "🎉", "\0", ESCAPE])
@pytest.mark.parametrize("share", [0.3, 0.45, 0.7])
def test_news_that_one_payload_cannot_carry_come_in_two_halves(letter: str, share: float) -> None:
    # NUL is \u0000 in JSON; an escape is stored with four digits behind it
    size = {"\0": 6, ESCAPE: 7}.get(letter, len(letter.encode()))
    count = int(share * PAYLOAD_BYTES) // size
    told = news(count, count, seq=9, letter=letter)

    heard: Any = unpacked(pack([told], 7, KEY))

    if share < 0.5:
        assert heard == [told]
        return
    one, other = heard
    assert one.texts + other.texts == told.texts
    assert (one.seq, one.nonce, one.first, one.before) == (8, nonce(8), 8, nonce(7))
    assert (other.seq, other.nonce, other.first, other.before) == (9, nonce(9), 9, nonce(8))
    assert one[3:5] == other[3:5] == told[3:5]
    assert joined(one, other) == told


@pytest.mark.parametrize("sizes", [[8000], [3000, 8000], [5000, 5000, 5000], [200] * 200])
def test_news_that_two_payloads_cannot_carry_go_without_texts(sizes: list[int]) -> None:
    told = news(*sizes)

    (heard,) = unpacked(pack([told], 7, KEY))

    assert heard == told.bare()
    assert heard == RoomNews("lobby", len(sizes), nonce(len(sizes)), 3, 1)


def test_texts_that_do_not_say_which_message_they_are_come_whole_or_not_at_all() -> None:
    told = RoomNews("lobby", 2, "b", 0, 0, 1, ("x" * 5000, "y" * 5000), "0")

    assert unpacked(pack([told], 7, KEY)) == [told.bare()]


def test_a_crowd_of_which_there_is_too_much_to_tell_has_to_be_read() -> None:
    joined = tuple(Joined(Known(f"user {number}", "Ann")) for number in range(1000))
    told = CrowdNews("lobby", 1, 1000, joined)

    assert unpacked(pack([told], 7, KEY)) == [told._replace(events=())]


@given(told=st.lists(HINTS, max_size=2))
def test_a_hint_that_is_too_large_in_any_form_is_left_out(told: list[Hint]) -> None:
    endless = "x" * PAYLOAD_BYTES
    large: list[Hint] = [
        IsTyping(endless, Known("u", "Ann")),
        news(5)._replace(room=endless),
        CrowdNews(endless, 1, 1),
    ]

    assert unpacked(pack([*large, *told, *large], 7, KEY)) == told


# -- forged, and rubbish ---------------------------------------------------------------------------

(GOOD,) = pack([news(3, 4), IsTyping("lobby", Known("u1", "Zoë"))], 7, KEY)


@given(at=st.integers(0, len(GOOD) - 1), other=st.characters())
def test_a_payload_with_one_other_character_is_not_believed(at: int, other: str) -> None:
    assert unpack(GOOD, KEY)
    if GOOD[at] != other:
        assert unpack(GOOD[:at] + other + GOOD[at + 1 :], KEY) is None


@given(key=st.binary(max_size=64))
def test_a_payload_with_another_key_is_not_believed(key: bytes) -> None:
    assert key == KEY or unpack(GOOD, key) is None


@given(rubbish=st.text())
def test_rubbish_is_not_believed(rubbish: str) -> None:
    for payload in (rubbish, f"1 {rubbish}", f"1 {'0' * 32} {rubbish}", GOOD[:35] + rubbish):
        assert unpack(payload, KEY) is None
        is_of_another_version(payload)


@pytest.mark.parametrize("size", [10, 7000, 10**6])
def test_rubbish_of_any_size_costs_little(size: int) -> None:
    for payload in ("1" * size, "1 " + " " * size, "\ud800" * size, GOOD + "x" * size):
        assert unpack(payload, KEY) is None
        is_of_another_version(payload)


@given(body=st.text() | st.text('[]{},:"0123456789\n-', max_size=40))
def test_what_is_signed_and_not_understood_is_left_alone(body: str) -> None:
    """Such as by a program that has signed a format of its own with our number."""
    stored = to_stored(body)
    for lines in (stored, f"7\n{stored}\n", f'7\n["news",{stored}]\n', f'7\n["crowd",{stored}]\n'):
        unpack(hints._signed(lines, KEY), KEY)


def test_nothing_signed_is_nested_too_deeply() -> None:
    assert unpack(hints._signed("7\n" + "[" * 7000 + "\n", KEY), KEY) is None


def test_another_versions_payloads_are_told_from_forged_ones() -> None:
    newer = f"3{GOOD[1:]}"

    assert unpack(newer, KEY) is None
    assert is_of_another_version(newer)
    for payload in (GOOD, "", "hello", "-1 x", "² x", "1"):
        assert not is_of_another_version(payload)


def test_what_an_older_program_does_not_know_is_in_payloads_of_its_own() -> None:
    """It would take them for forged, and what is with them, too."""
    told = [Beat(1, True), ReactionNews("lobby", 3), ReactionNews("class", 4), news(5)]

    payloads = pack(told, 7, KEY)

    assert [payload[:2] for payload in payloads] == ["1 ", "2 ", "1 "]
    assert unpacked(payloads) == told
    assert unpack(f"1{payloads[1][1:]}", KEY) is None


def test_keys_differ_with_the_secret_and_do_not_tell_it() -> None:
    assert key_from(b"secret") != key_from(b"other")
    assert len(KEY) == 32
    assert b"secret" not in KEY


# -- news that wait --------------------------------------------------------------------------------


def test_news_that_follow_each_other_are_joined() -> None:
    assert joined(news(1, 2, seq=2), news(3, seq=3)) == news(1, 2, 3)
    assert joined(joined(news(1), news(2, seq=2)), news(3, seq=3)._replace(rev=9)) == news(
        1, 2, 3
    )._replace(rev=9)


@pytest.mark.parametrize(
    "newer",
    [
        news(4, seq=4),  # one is missing
        news(2, 3, seq=3),  # one is doubled
        news(3, seq=3)._replace(before="another"),
        news(3, seq=3).bare(),
        news(1, seq=1)._replace(nonce="restored"),
    ],
)
def test_news_that_do_not_follow_lose_their_texts(newer: RoomNews) -> None:
    assert joined(news(1, 2), newer) == newer.bare()


def test_news_that_follow_bare_ones_are_bare() -> None:
    assert joined(news(1, 2).bare(), news(3, seq=3)) == news(3, seq=3).bare()


def test_a_change_leaves_the_texts_before_it() -> None:
    changed = news(1, 2).bare()._replace(rev=9)

    assert joined(news(1, 2), changed) == news(1, 2)._replace(rev=9)
    assert joined(changed, news(1, 2)._replace(rev=10)) == news(1, 2)._replace(rev=10)


def test_news_that_no_two_payloads_would_carry_are_not_gathered() -> None:
    gathered = news(5)
    for seq in range(2, 200):
        gathered = joined(gathered, news(200, seq=seq))
        assert gathered.size <= 2 * PAYLOAD_BYTES
    assert gathered == news(200, seq=199).bare()
