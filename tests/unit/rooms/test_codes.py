"""Codes: those that the server makes up, and hashes of others."""

from __future__ import annotations

import pytest

from chatroom.rooms.codes import LENGTH, LETTERS, fits, hashed, is_code, key_id, new_code


def test_codes_are_easy_to_read_out_and_never_the_same() -> None:
    codes = {new_code() for _ in range(100)}

    assert len(codes) == 100
    assert {len(code) for code in codes} == {LENGTH}
    assert set("".join(codes)) <= set(LETTERS)
    assert not set(LETTERS) & set("aeiou0l1")


@pytest.mark.parametrize(
    ("shown", "is_right"),
    [
        ("bcdfghjk", True),
        ("BCDF GHJK", True),
        (" bcdf-ghjk ", True),
        ("bcdfghjkm", False),
        ("bcdfghj", False),
        ("", False),
        ("\ud800", False),
        ("\uff42cdfghjk", False),
    ],
)
def test_a_code_of_the_servers_is_right_however_it_is_typed(shown: str, *, is_right: bool) -> None:
    assert is_code(shown, "bcdfghjk") is is_right


@pytest.mark.parametrize(
    ("shown", "is_right"),
    [
        ("Open sesame", True),
        ("  Open   sesame ", True),
        ("open sesame", False),
        ("Open sesam", False),
        ("", False),
        ("\ud800", False),
    ],
)
def test_a_code_that_somebody_made_up_is_right_as_they_wrote_it(
    shown: str, *, is_right: bool
) -> None:
    assert fits(shown, hashed("Open sesame")) is is_right


def test_letters_are_the_same_whatever_they_are_made_of() -> None:
    assert fits("Ku\u0308che", hashed("K\u00fcche"))


def test_a_hash_shows_nothing_of_its_code_and_is_another_one_each_time() -> None:
    first, second = hashed("Open sesame"), hashed("Open sesame")

    assert first != second
    assert "sesame" not in first


@pytest.mark.parametrize("rubbish", ["", ":", "zz:zz", "00:", "00", "00:é"])
def test_what_is_no_hash_fits_nothing(rubbish: str) -> None:
    assert not fits("Open sesame", rubbish)
    assert not fits("", rubbish)


def test_a_charter_knows_a_key_but_not_its_secret() -> None:
    assert key_id("one") == key_id("one") != key_id("two")
    assert "one" not in key_id("one")
