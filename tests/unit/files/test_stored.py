"""What a message carries of its file, as JSON, and back."""

from __future__ import annotations

import json

import pytest

from chatroom.files.stored import StoredFile, alt_in, carried, id_in, text_of

FILE = StoredFile("0" * 32, "lobby", "a.png", "image/png", 100, 3, 2, "ann-id", 1)


@pytest.mark.parametrize("alt", ["", "A square", '"\\u0000" \N{PERSONAL COMPUTER}'])
def test_what_is_told_of_it_is_read_again(alt: str) -> None:
    text = FILE.to_json(alt)

    assert text_of(json.loads(text)) == text
    assert id_in(text) == FILE.id
    assert alt_in(carried(text)) == alt
    assert ("alt" in carried(text)) is bool(alt)


@pytest.mark.parametrize(
    ("alt", "kept"),
    [(7, None), (None, None), (" \n", None), ("a\nb\x00\ud800", "a b"), ("x" * 2000, "x" * 1000)],
)
def test_from_elsewhere_comes_what_could_be_said_here(alt: object, kept: str | None) -> None:
    found = json.loads(FILE.to_json()) | {"alt": alt, "more": 1}
    assert json.loads(text_of(found)).get("alt") == kept
    assert "more" not in text_of(found)
