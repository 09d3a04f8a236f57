"""What a file is, by its first bytes: what its sender says of it counts for nothing."""

from __future__ import annotations

HEAD_BYTES = 16
"""So many are looked at."""

ANY = "application/octet-stream"
"""Whatever a browser is to save, and never to show: it may be a page, a script, or a drawing with a
script in it."""

INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""Pictures that every browser shows, and that can have no script."""


def type_of(head: bytes) -> str:
    """One of ``INLINE``, or ``ANY``.

    Args:
        head: the file's first ``HEAD_BYTES``, or all of it.

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
