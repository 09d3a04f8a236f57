"""The plain protocol, the Go original's: decodes a client's frames.

``message_json`` encodes the messages that clients get, the same for both protocols.
"""

from __future__ import annotations

from typing import NamedTuple

from chatroom.errors import FrameRefused
from chatroom.message import Draft
from chatroom.wire import fields
from chatroom.wire.message_json import local_time
from chatroom.wire.websocket import CloseCode

ANONYMOUS = "Anonymous"


class Frame(NamedTuple):
    """What one frame from a client says."""

    draft: Draft
    silent: bool
    """It has no ``body`` key: as the first frame of a socket, it joins and says nothing."""


def decode(text: str, *, max_name_length: int) -> Frame:
    """Read a frame of the plain protocol. Called by reader threads.

    Args:
        text: the frame's payload, already within ``maxMessageBytes``.
        max_name_length: characters.

    Raises:
        FrameRefused: the text is not JSON, not an object, or a field is invalid.
    """
    found = fields.parse(text, "a JSON object with userName, body, timestamp")
    user_name = _text(found, "userName") or ANONYMOUS
    if len(user_name) > max_name_length:
        wanted = f"wanted: {max_name_length} at most"
        raise FrameRefused(
            CloseCode.BAD_DATA, f"userName has {len(user_name)} characters; {wanted}"
        )
    body = _text(found, "body")
    timestamp = _text(found, "timestamp") or local_time()
    return Frame(Draft(user_name, body, timestamp), silent="body" not in found)


def _text(found: dict[str, object], key: str) -> str:
    return fields.text(found, key, lambda flaw: _refusal(key, flaw), "")


def _refusal(key: str, flaw: fields.Flaw) -> FrameRefused:
    holds = "contains a lone surrogate" if flaw is fields.Flaw.SURROGATE else "is not text"
    return FrameRefused(CloseCode.BAD_DATA, f"{key} {holds}")
