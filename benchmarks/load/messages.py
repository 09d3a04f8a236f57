"""What the clients say: JSON of a fixed length that carries its sender, number and send time.

``MARKER`` is in each message once and nowhere else, so that deliveries are counted with
``bytes.count``, whatever frames, batches and additions a server puts around them.
"""

from __future__ import annotations

import re

MARKER = b"|~^|~^|~"  # rare characters: the search for it skips nine bytes at a time

STAMP = re.compile(re.escape(MARKER) + rb"s(\d{3}) (\d{7}) (\d{19})")
STAMP_LENGTH = len(MARKER) + 4 + 1 + 7 + 1 + 19

PROBE = 998
"""The sender number of those messages that only ask whether everybody hears."""

LENGTH = 127
"""Bytes of a usual message. With the line end that the Go hub puts between two, 128: so gorilla,
which cuts what it writes into frames of 1024 bytes, never cuts through a marker."""

WORDS = "See you at eight, then. "


def _head(sender: int) -> bytes:
    return b'{"userName":"u%03d","body":"%s' % (sender, MARKER)


BODY = _head(0).index(b'"body"')
"""Where a message goes on behind the name of its sender."""
NUMBER = slice(len(_head(0)), len(_head(0)) + len(b"s000 0000000"))
"""Where its sender's and its own number are."""


def payload(sender: int, number: int, sent: int, length: int = LENGTH) -> bytes:
    """One message, as JSON.

    Args:
        sender: up to three digits.
        number: up to seven digits; counts the sender's messages.
        sent: CLOCK_MONOTONIC in nanoseconds.
        length: bytes in all; a power of two, less one.
    """
    head = _head(sender)
    stamp = b"s%03d %07d %019d " % (sender, number, sent)
    tail = b'","timestamp":"10:42 AM"}'
    room = length - len(head) - len(stamp) - len(tail)
    words = (WORDS * (room // len(WORDS) + 1))[:room]
    return head + stamp + words.encode() + tail


def tag(sender: int) -> bytes:
    """What is in each message of this sender once, and in nobody else's."""
    return MARKER + b"s%03d" % sender


def probe_tag(number: int) -> bytes:
    """What is in this probe once, and in no other."""
    return tag(PROBE) + b" %07d" % number
