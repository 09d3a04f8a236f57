"""How many pixels a picture has, by its head: whatever shows it needs four bytes for each, however
small the file is."""

from __future__ import annotations

from struct import unpack_from

UNKNOWN = (0, 0)

HIDDEN = (1 << 32, 1 << 32)
"""Larger than any can be: whoever has made it does not want the size to be found."""

MOST_STEPS = 1000
"""Parts of a head that are looked at; cameras write some dozens before the size. 64 KiB of the
smallest ones would keep the interpreter for a tenth of a second."""

_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of JPEG behind which the size is: ``SOF0`` to ``SOF15``, without three others."""

_LONE = frozenset(range(0xD0, 0xD9)) | {0x00, 0x01}
"""Markers without a length; and what looks like one, within pixels."""

_SCAN = 0xDA
"""From here on, there are pixels."""

_FRAME, _EXTENSION = 0x2C, 0x21
"""What can be next in a GIF."""


def pixels_of(kind: str, head: bytes) -> tuple[int, int]:
    """Width and height; ``UNKNOWN`` where the head ends before, or no browser would know, either;
    ``HIDDEN`` where that is behind too much.

    Args:
        kind: one of ``magic.INLINE``, by its first bytes.
        head: as much of the file as is looked at.

    Source: https://www.w3.org/TR/png-3 (11.2.1), https://www.w3.org/Graphics/GIF/spec-gif89a.txt
    (18, 20), https://www.w3.org/Graphics/JPEG/itu-t81.pdf (B.1, B.2.2), RFC 9649 (section 2).
    """
    padded = head + bytes(32)  # what is not there is 0
    match kind:
        case "image/png" if head[12:16] == b"IHDR":
            width, height = unpack_from(">II", padded, 16)
            return width, height
        case "image/gif":
            return _of_gif(head)
        case "image/jpeg":
            return _of_jpeg(head)
        case "image/webp":
            return _of_webp(head[12:16], padded)
    return UNKNOWN


def _of_gif(head: bytes) -> tuple[int, int]:
    """Of the screen, or of the first frame: browsers enlarge the screen for it."""
    if len(head) < 13:
        return UNKNOWN
    width, height, flags = unpack_from("<HHB", head, 6)
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    is_extended = False
    for _ in range(MOST_STEPS):
        if at >= len(head):
            return UNKNOWN
        if is_extended:  # in blocks, of which the last is empty
            is_extended = head[at] > 0
            at += 1 + head[at]
        elif head[at] == _EXTENSION:
            is_extended = True
            at += 2
        else:
            if head[at] == _FRAME and at + 9 <= len(head):
                left, top, wide, high = unpack_from("<HHHH", head, at + 1)
                width, height = max(width, left + wide), max(height, top + high)
            return width, height
    return HIDDEN


def _of_jpeg(head: bytes) -> tuple[int, int]:
    at = 2
    for _ in range(MOST_STEPS):
        at = head.find(b"\xff", at)  # browsers skip what is between
        if not 0 <= at <= len(head) - 9:
            return UNKNOWN
        marker = head[at + 1]
        if marker in _SIZES:
            height, width = unpack_from(">HH", head, at + 5)
            return width, height
        if marker == _SCAN:
            return UNKNOWN
        if marker == 0xFF:  # to fill up
            at += 1
        elif marker in _LONE:
            at += 2
        else:
            at += 2 + max(2, int.from_bytes(head[at + 2 : at + 4], "big"))
    return HIDDEN


def _of_webp(form: bytes, padded: bytes) -> tuple[int, int]:
    if form == b"VP8X":
        width, height = (int.from_bytes(padded[at : at + 3], "little") for at in (24, 27))
        return width + 1, height + 1
    if form == b"VP8L":
        (bits,) = unpack_from("<I", padded, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if form == b"VP8 ":
        width, height = unpack_from("<HH", padded, 26)
        return width & 0x3FFF, height & 0x3FFF
    return UNKNOWN
