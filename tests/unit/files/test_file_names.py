"""Names of files are for reading: whatever they are, they are no path and turn nothing around."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.files.file_names import MAX_BYTES, MAX_LENGTH, NAMELESS, cleaned


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("photo.jpg", "photo.jpg"),
        ("Übung 3, Lösung.pdf", "Übung 3, Lösung.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ann\\photo.jpg", "photo.jpg"),
        (".bashrc", "bashrc"),
        ("..", NAMELESS),
        ("", NAMELESS),
        ("a\r\nSet-Cookie: x=1", "aSet-Cookie_ x=1"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("a\0b\x1b[31m", "ab[31m"),
        ('"quoted".txt', "_quoted_.txt"),
        ("  a   b .txt ", "a b .txt"),
        ("\ud800.txt", "txt"),
    ],
)
def test_a_name_is_cleaned(name: str, wanted: str) -> None:
    assert cleaned(name) == wanted


def test_a_long_name_keeps_its_ending() -> None:
    name = cleaned("x" * 500 + ".jpeg")

    assert len(name) == MAX_LENGTH
    assert name.endswith(".jpeg")
    assert "…" in name


@pytest.mark.parametrize("letter", ["\u00e4", "\u5716", "\U0001f408"])
def test_a_long_name_fits_into_any_folder(letter: str) -> None:
    """Systems count bytes, most of them 255; with the file's id before it, as in an archive."""
    name = cleaned(letter * 119 + ".png")

    assert len(f"{'0' * 32}-{name}".encode()) <= 255
    assert name.startswith(letter * 20)
    assert name.endswith(letter * 12 + ".png")


@given(st.text())
def test_no_name_is_a_path_or_hides_anything(name: str) -> None:
    told = cleaned(name)

    assert 1 <= len(told) <= MAX_LENGTH
    assert len(told.encode()) <= MAX_BYTES
    assert not {"/", "\\", '"', "\0", "\n"} & set(told)
    assert not told.startswith((".", " "))
    assert all(unicodedata.category(c) not in {"Cc", "Cf", "Cs"} for c in told)
    told.encode()
