"""Texts as they are stored: all of them, exactly, and no two alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.history.postgresql.exact import ESCAPE, from_stored, to_stored

TEXTS = st.text() | st.text(st.sampled_from(f"a0d8{ESCAPE}\0\ud800\udfff␀"), max_size=12)


@given(text=TEXTS)
def test_every_text_comes_back_as_it_was(text: str) -> None:
    stored = to_stored(text)

    assert from_stored(stored) == text
    assert "\0" not in stored
    stored.encode()  # no lone surrogate


@given(one=TEXTS, other=TEXTS)
def test_texts_that_differ_are_stored_differently(one: str, other: str) -> None:
    assert (to_stored(one) == to_stored(other)) == (one == other)


@pytest.mark.parametrize("text", ["", "hello", "日本語 🎉", "a\n\tb\x01", "'\\%"])
def test_what_people_say_is_stored_as_it_is(text: str) -> None:
    assert to_stored(text) == text


def test_what_cannot_be_stored_is_readable() -> None:
    assert to_stored("a\0b") == f"a{ESCAPE}0000b"
    assert to_stored("é\ud800") == f"é{ESCAPE}d800"
