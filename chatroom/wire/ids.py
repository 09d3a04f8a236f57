"""Ids of messages as clients send them: one rule for sockets and HTTP.

Every message has an id of this form, since the first version of this program: 16 random hex digits,
or 16 that an import has derived. What another program may have written into a file is read by
``MessageId.parse``, which takes more.
"""

from __future__ import annotations

import re

from chatroom.message import ID_PATTERN, MessageId

_ID = re.compile(ID_PATTERN)


def message_id(text: str) -> MessageId:
    """The id, or ``0-0``.

    Raises:
        ValueError: no message of this program is called so.
    """
    if not _ID.fullmatch(text):
        raise ValueError(f"id is {text!r}; wanted: an id such as 42-664c976f9a047975, or 0-0")
    return MessageId.parse(text)


def is_id(text: str) -> bool:
    """Whether a message can be called so."""
    return text != "0-0" and _ID.fullmatch(text) is not None
