"""What a file is, by its first bytes: what its sender says of it counts for nothing."""

from __future__ import annotations

from chatroom.files.pixels import UNKNOWN, pixels_of

HEAD_BYTES = 64 * 1024
"""So many are looked at: what a camera writes before the size of a picture has room in them."""

MOST_PIXELS = 100_000_000
"""Of a picture that is shown by itself: 400 MB in a browser. A few kilobytes can be two gigabytes,
in the page of everybody in the room."""

ANY = "application/octet-stream"
"""Whatever a browser is to save, and never to show: it may be a page, a script, or a drawing with a
script in it."""

HIDERS = ("image/jpeg", "image/gif")
"""Pictures that may have anything before their size."""

INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""Pictures that every browser shows, and that can have no script."""


def type_of(head: bytes) -> str:
    """One of ``INLINE``, or ``ANY``: also for a picture that is too large to be shown, or whose
    size is not in its head.

    Args:
        head: the file's first ``HEAD_BYTES``, or all of it.
    """
    kind = kind_of(head)
    if kind == ANY:
        return ANY
    width, height = size = pixels_of(kind, head)
    is_hidden = kind in HIDERS and size == UNKNOWN and len(head) >= HEAD_BYTES
    return ANY if is_hidden or width * height > MOST_PIXELS else kind


def kind_of(head: bytes) -> str:
    """Likewise by the very first bytes alone, whatever its size.

    Source: https://mimesniff.spec.whatwg.org, section 6.1.
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:14] == b"WEBPVP":
        return "image/webp"
    return ANY
