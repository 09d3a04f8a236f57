"""What a picture shows, as one line of text."""

from __future__ import annotations

import pytest

from chatroom.files.alt_text import cleaned


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("A red bicycle", "A red bicycle"),
        ("  A\r\n red\t bicycle\u2028", "A red bicycle"),
        ("nul\x00, bell\x07 and \x85half a pair \ud83d", "nul, bell and half a pair"),
        (
            "\N{WOMAN}\u200d\N{PERSONAL COMPUTER} <b>&amp;\\u0000",
            "\N{WOMAN}\u200d\N{PERSONAL COMPUTER} <b>&amp;\\u0000",
        ),
        ("one \x00 two", "one two"),
        (" \n\x00 ", ""),
    ],
)
def test_it_is_one_line_without_what_no_text_has(given: str, line: str) -> None:
    assert cleaned(given) == line
    assert cleaned(line) == line
