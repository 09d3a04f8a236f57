"""Names: which ones are names at all, which two are the same, and what else is free."""

from __future__ import annotations

import unicodedata

import pytest

from chatroom import names
from chatroom.errors import BadName, BadRoomName
from chatroom.names import checked, folded, free_name, is_unseen, keys, room_name

pytestmark = pytest.mark.takes(seconds=2)

DEFAULT_IGNORABLE = """
    00AD 034F 061C 115F..1160 17B4..17B5 180B..180F 200B..200F 202A..202E 2060..206F 3164 FE00..FE0F
    FEFF FFA0 FFF0..FFF8 1BCA0..1BCA3 1D173..1D17A E0000..E0FFF
"""
"""Source: Unicode 17.0, DerivedCoreProperties.txt, Default_Ignorable_Code_Point."""


def default_ignorable() -> list[str]:
    found = []
    for line in DEFAULT_IGNORABLE.split():
        first, _, last = line.partition("..")
        found += map(chr, range(int(first, 16), int(last or first, 16) + 1))
    return found


@pytest.mark.parametrize(
    "name",
    [
        "Ann",
        "Ann Lee",
        "Ångström",
        "安娜",
        "آنا",
        "👩‍🚀",
        "❤\ufe0f",
        "1\ufe0f\u20e3",
        "O'Neil",
        "a",
    ],
)
def test_what_people_call_themselves_is_a_name(name: str) -> None:
    assert checked(name, 64) == name


def test_the_space_around_a_name_is_not_part_of_it() -> None:
    assert checked("  Ann\u3000", 64) == "Ann"


@pytest.mark.parametrize(
    ("name", "detail"),
    {
        "nothing": ("", "at least one character"),
        "space": (" \u3000 ", "at least one character"),
        "a line end": ("Ann\nBob", "U+000A"),
        "a tab": ("Ann\tBob", "U+0009"),
        "an escape": ("\x1b[31mAnn", "U+001B"),
        "a line separator": ("Ann\u2028Bob", "U+2028"),
        "half a pair": ("Ann\ud800", "U+D800"),
        "an override": ("\u202eAnn", "U+202E"),
        "an isolate": ("Ann\u2066", "U+2066"),
        "zero width": ("\u200b\u200d", "no visible character"),
        "a filler": ("\u3164", "no visible character"),
        "a blank braille": ("\u2800", "no visible character"),
        "marks alone": ("\u0301", "no visible character"),
        "65 characters": ("x" * 65, "65 characters; at most 64"),
    }.values(),
)
def test_what_is_no_name_is_refused_with_the_reason(name: str, detail: str) -> None:
    with pytest.raises(BadName, match=detail.replace("+", r"\+")):
        checked(name, 64)


@pytest.mark.parametrize(
    "other", ["ANN", "ann", "\uff21\uff4e\uff4e", "A\u200bnn", "Ann\ufeff", "An\u00adn", "\u1d2cnn"]
)
def test_names_that_people_take_for_the_same_are_the_same(other: str) -> None:
    assert folded(other) == folded("Ann")


def test_nothing_that_is_drawn_as_nothing_makes_another_name() -> None:
    ignorable = default_ignorable()
    formats = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) == "Cf"]
    assert len(ignorable) == 4174
    assert [c for c in (*ignorable, *formats) if folded(f"An{c}n") != folded("Ann")] == []
    assert [c for c in (*ignorable, *formats) if not is_unseen(c)] == []


def test_letters_digits_marks_and_emoji_are_seen() -> None:
    drawn = {"L", "M", "N", "P", "S"}
    shown = {c for c in map(chr, range(0x110000)) if unicodedata.category(c)[0] in drawn}
    unseen = {c for c in shown - set(default_ignorable()) if is_unseen(c)}
    assert unseen <= set("\u2800\U00013441\U00013442\U00016fe4\U0001d159")


@pytest.mark.parametrize("other", ["Anna", "Ann 2", "Änn", "An n"])
def test_names_that_look_different_are_different(other: str) -> None:
    assert folded(other) != folded("Ann")


def test_spaces_of_any_width_and_number_are_one_space() -> None:
    assert folded("Ann  Lee") == folded("Ann\u3000Lee") == folded("ann lee")


def test_the_suggestion_is_the_first_number_that_is_free() -> None:
    taken = {"Ann 2", "Ann 3"}
    assert free_name("Ann", 64, lambda name: name not in taken) == "Ann 4"


def test_among_many_of_one_name_a_suggestion_is_found_soon() -> None:
    asked = []

    def is_free(name: str) -> bool:
        asked.append(name)
        return int(name.split()[1]) >= 10_000

    assert int(free_name("Ann", 64, is_free).split()[1]) >= 10_000
    assert len(asked) < 100


def test_a_suggestion_is_not_longer_than_a_name_may_be() -> None:
    assert free_name("x" * 10, 10, lambda name: True) == "x" * 8 + " 2"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann", "\u0410nn"),
        ("Ann", "ANN"),
        ("Bob", "\u0412\u043eb"),
        ("Max", "\u041c\u0430\u0445"),
        ("Nick", "\u039dick"),
        ("eve", "e\u03bde"),
        ("Zo\u00eb", "Zo\u0435\u0308"),
        ("Ian", "lan"),
        ("Ian", "\u0406an"),
        ("Al", "A1"),
        ("Bob", "B0b"),
        ("Ann", "\uff21nn"),
        ("Sam", "\u13daam"),
        ("Sam", "Sam\u200b"),
    ],
)
def test_names_that_look_alike_share_a_key(one: str, other: str) -> None:
    assert keys(one) & keys(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann", "Anna"),
        ("Zoe", "Zo\u00eb"),
        ("Ivan", "\u0418\u0432\u0430\u043d"),
        ("Arno", "Amo"),
        ("ian", "lan"),
        ("\u0410\u043d\u043d\u0430", "Anna"),
        ("\u0414\u0438\u043c\u0430", "\u0422\u0438\u043c\u0430"),
        ("\u039d\u03af\u03ba\u03bf\u03c2", "Niko"),
        ("\u5b89\u5a1c", "\u5b89"),
    ],
)
def test_names_that_look_different_share_none(one: str, other: str) -> None:
    assert not keys(one) & keys(other)


# -- rooms ----------------------------------------------------------------------------------------


def test_a_rooms_name_counts_as_it_is_composed() -> None:
    assert room_name("e\u0301" * 64) == "\u00e9" * 64


def test_no_name_is_composed_that_is_too_long_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hello may have 64 KiB of marks, which would keep every thread waiting for a second."""
    monkeypatch.setattr(names, "unicodedata", None)

    with pytest.raises(BadRoomName):
        room_name("a" + "\u0301\u0323" * 16_000)
