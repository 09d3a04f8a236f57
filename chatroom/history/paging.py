"""How much history is handed over at once."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from chatroom.message import Message

PAGE_BYTES = 256 * 1024
"""About what a page holds: small against a thread's stack, large against a query's cost."""

PAGE_LENGTH = 2048
"""Messages in a page at most: bounds the Python objects around short texts."""

FRAME_BYTES = 150
"""What a frame has in addition to its texts: braces, keys, id, room, sentAt."""


def weight(message: Message) -> int:
    """Approximate bytes on the wire."""
    texts = message.user_name, message.body, message.timestamp, message.file
    return FRAME_BYTES + sum(map(utf8_length, texts))


def utf8_length(text: str) -> int:
    """Bytes of ``text`` in UTF-8, without encoding it if it's ASCII."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def take(messages: Iterable[Message], limit: int, max_bytes: int) -> list[Message]:
    """The first messages: ``limit`` at most, and no more once ``max_bytes`` are reached.

    The one that crosses ``max_bytes`` is still taken, so that a page is never empty
    while there are messages.
    """
    taken: list[Message] = []
    if max_bytes <= 0:
        return taken
    for message in islice(messages, limit):
        taken.append(message)
        max_bytes -= weight(message)
        if max_bytes <= 0:
            break
    return taken
