"""What a file is, by its first bytes alone."""

from __future__ import annotations

import pytest

from chatroom.files.magic import ANY, HEAD_BYTES, type_of


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
        (b"GIF89a\x01\0", "image/gif"),
        (b"GIF87a\x01\0", "image/gif"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\x24\0\0\0WAVEfmt ", ANY),
        (b"<svg xmlns='http", ANY),
        (b"<!doctype html><", ANY),
        (b"%PDF-1.7\n", ANY),
        (b"PNG", ANY),
        (b"", ANY),
    ],
)
def test_only_four_kinds_of_pictures_are_shown(head: bytes, wanted: str) -> None:
    assert type_of(head[:HEAD_BYTES]) == wanted
