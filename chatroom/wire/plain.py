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

_KEYS = {"username": "userName", "body": "body", "timestamp": "timestamp"}
_EXACT = frozenset(_KEYS.values())


class Frame(NamedTuple):
    """What one frame from a client says."""

    draft: Draft
    silent: bool
    """It has no ``body`` key: as the first frame of a socket, it joins and says nothing."""


def decode(text: str, *, max_name_length: int) -> Frame:
    """Read a frame of the plain protocol. Called by reader threads.

    As Go's encoding/json does, it takes keys in any case, and ``null`` as if it were absent.

    Args:
        text: the frame's payload, already within ``maxMessageBytes``.
        max_name_length: characters.

    Raises:
        FrameRefused: the text is not JSON, not an object, or a field is invalid.
    """
    found = fields.parse(text, "a JSON object with userName, body, timestamp")
    if not found.keys() <= _EXACT or None in found.values():
        found = _as_go_reads(found, text)
    user_name = _text(found, "userName") or ANONYMOUS
    if len(user_name) > max_name_length:
        wanted = f"wanted: {max_name_length} at most"
        raise FrameRefused(
            CloseCode.BAD_DATA, f"userName has {len(user_name)} characters; {wanted}"
        )
    body = _text(found, "body")
    timestamp = _text(found, "timestamp") or local_time()
    return Frame(Draft(user_name, body, timestamp), silent="body" not in found)


def _as_go_reads(found: dict[str, object], text: str) -> dict[str, object]:
    """The known fields. Of several keys that are one, the last counts that is not null."""
    if not any(value is None or _folded(key) in _KEYS for key, value in found.items()):
        return found
    known = ((_KEYS.get(_folded(key)), value) for key, value in fields.members(text))
    return {key: value for key, value in known if key and value is not None}


def _folded(key: str) -> str:
    """Unicode's simple folding, as far as it leads to ASCII: lower() does all but this letter."""
    return key.lower().replace("\u017f", "s")


def _text(found: dict[str, object], key: str) -> str:
    value = found.get(key, "")
    if type(value) is str and value.isascii():  # nearly always
        return value
    return fields.text(found, key, lambda flaw: _refusal(key, flaw), "")


def _refusal(key: str, flaw: fields.Flaw) -> FrameRefused:
    holds = "contains a lone surrogate" if flaw is fields.Flaw.SURROGATE else "is not text"
    return FrameRefused(CloseCode.BAD_DATA, f"{key} {holds}")
