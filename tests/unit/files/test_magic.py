"""What a file is, by its first bytes alone."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.files.magic import ANY, HEAD_BYTES, INLINE, kind_of, type_of
from chatroom.files.pixels import HIDDEN, pixels_of


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


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\x08\2"


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + gif_frame(1, 1)


def gif_frame(width: int, height: int) -> bytes:
    return b"," + struct.pack("<HHHHB", 0, 0, width, height, 0)


def enlarged(width: int, height: int) -> bytes:
    """A GIF with a small screen, and a frame that is larger; before it, colours and a comment."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x81, 0, 0) + bytes(12)
    return screen + b"!\xfe\x03abc\x02de\0!\xf9\x04\0\0\0\0\0" + gif_frame(width, height)


def jpeg(width: int, height: int, before: bytes = b"") -> bytes:
    size = struct.pack(">HBHHB", 17, 8, height, width, 3)
    return b"\xff\xd8" + before + b"\xff\xc2" + size


def segment(length: int) -> bytes:
    return b"\xff\xe1" + struct.pack(">H", length + 2) + bytes(length)


def webp(form: bytes, size: bytes) -> bytes:
    return b"RIFF\x24\0\0\0WEBP" + form + b"\x18\0\0\0" + size


def extended(width: int, height: int) -> bytes:
    sides = ((side - 1).to_bytes(3, "little") for side in (width, height))
    return webp(b"VP8X", bytes(4) + b"".join(sides))


def lossless(width: int, height: int) -> bytes:
    return webp(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14))


def lossy(width: int, height: int) -> bytes:
    return webp(b"VP8 ", bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", width, height))


@pytest.mark.parametrize("make", [png, gif, enlarged, jpeg, extended, lossless, lossy])
def test_what_would_fill_a_browser_is_not_shown(make: Callable[[int, int], bytes]) -> None:
    """However small the file is; a panorama, or what the best phones take, is shown."""
    assert pixels_of(type_of(make(4000, 3000)), make(4000, 3000)) == (4000, 3000)
    for side, other in ((16_000, 6_000), (16_383, 1)):
        assert type_of(make(side, other)).startswith("image/")
        assert type_of(make(other, side)).startswith("image/")
    assert type_of(make(16_000, 12_000)) == ANY


def test_the_size_of_a_photo_is_behind_what_the_camera_says_of_it() -> None:
    lone = b"\xff\xd0\xff\x01" + segment(0) + b"rubbish\xff\0"
    for before in (segment(9), segment(300) + b"\xff" + segment(60_000), lone):
        assert type_of(jpeg(4000, 3000, before)[:HEAD_BYTES]) == "image/jpeg"
        assert type_of(jpeg(60_000, 60_000, before)[:HEAD_BYTES]) == ANY


def test_a_picture_that_hides_its_size_is_not_shown() -> None:
    assert type_of((jpeg(9, 9, 2 * segment(65_000)))[:HEAD_BYTES]) == ANY
    comments = b"GIF89a" + bytes(7) + b"!\xfe" + 300 * (b"\xff" + bytes(255)) + b"\0"
    assert type_of((comments + gif_frame(9, 9))[:HEAD_BYTES]) == ANY
    assert type_of((b"\xff\xd8\xff\xda" + bytes(HEAD_BYTES))[:HEAD_BYTES]) == ANY


@pytest.mark.parametrize(
    "hidden",
    [
        jpeg(9, 9, b"\xff" * 60_000),
        jpeg(9, 9, b"\xff\0" * 30_000),
        jpeg(9, 9, segment(0) * 15_000),
        b"GIF89a" + bytes(7) + b"!\xfe" + 30_000 * b"\1x" + b"\0" + gif_frame(9, 9),
        b"GIF89a" + bytes(7) + 20_000 * b"!\xfe\0" + gif_frame(9, 9),
    ],
    ids=["filled", "rubbish", "segments", "comment", "comments"],
)
def test_looking_for_a_size_has_an_end(hidden: bytes) -> None:
    """However it is hidden in a head, which others wait for meanwhile."""
    assert pixels_of(kind_of(hidden), hidden) == HIDDEN
    assert type_of(hidden) == ANY


MAGIC = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFFxxxxWEBPVP8"


@given(st.sampled_from(MAGIC), st.binary())
def test_any_head_is_something(magic: bytes, rest: bytes) -> None:
    """Whatever comes behind it, and however little."""
    assert type_of(magic + rest) in (*INLINE, ANY)
