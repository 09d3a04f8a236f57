"""What a request under ``/api`` asks for: its texts, checked, as values."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from chatroom.errors import BadName, FrameRefused, Problem
from chatroom.message import Draft
from chatroom.names import checked
from chatroom.web.api import problems
from chatroom.wire import plain
from chatroom.wire.typed import MAX_CMID_LENGTH

MAX_QUERY_LENGTH = 200
"""Characters of what is searched for."""

MESSAGE_ID = "0-0|[1-9][0-9]{0,11}-[0-9a-f]{16}"
"""As a pattern. Twelve digits: no room has more messages."""


class Id(NamedTuple):
    """The id of a message, ``seq-nonce``, taken apart."""

    seq: int
    nonce: str

    def __str__(self) -> str:
        return f"{self.seq}-{self.nonce}"


BEGINNING = Id(0, "0")
"""``0-0``: before the first message; and the last id of a room that has none."""


def message_id(field: str, text: str) -> Id:
    """The id that the text is.

    Raises:
        Problem: it is none.
    """
    if not re.fullmatch(MESSAGE_ID, text):
        wanted = "a message's id, such as 42-664c976f9a047975, or 0-0"
        raise problems.refuse("bad-parameter", field, text, wanted)
    seq, _, nonce = text.partition("-")
    return Id(int(seq), nonce)


def number(field: str, text: str, low: int, high: int) -> int:
    """The number that the text is.

    Raises:
        Problem: it is none, or none from ``low`` to ``high``.
    """
    # not int() alone: it takes " 80", "8_0" and other alphabets' digits as well
    if re.fullmatch("[0-9]{1,9}", text) and low <= int(text) <= high:
        return int(text)
    wanted = f"a whole number from {low} to {high}"
    raise problems.refuse("bad-parameter", field, text, wanted)


class Post(NamedTuple):
    """What the body of a POST asks to say."""

    draft: Draft
    cmid: str


def post(data: bytes, *, max_name_length: int) -> Post:
    """Read the body of a POST.

    Args:
        data: within ``maxMessageBytes``.
        max_name_length: characters.

    Raises:
        Problem: it is no JSON object, or a field is not what it should be.
    """
    fields = _object(data)
    name = _text(fields, "userName", "who says it")
    try:
        name = checked(name, max_name_length)
    except BadName as error:
        value = problems.abridged(name)
        raise Problem("bad-field", error.detail, field="userName", value=value) from None
    body = _text(fields, "body", "what to say: a text of at least one character")
    timestamp = _text(fields, "timestamp", "a text, or no such field", default="")
    return Post(Draft(name, body, timestamp or plain.local_time()), _cmid(fields))


def _object(data: bytes) -> dict[str, Any]:
    try:
        return plain.parse(data.decode())
    except UnicodeDecodeError as error:
        cause = f"not UTF-8 (byte {error.start})"
    except FrameRefused as refusal:
        cause = refusal.reason
    wanted = '{"userName": "Ann", "body": "Good morning!"}'
    value = problems.abridged(data.decode(errors="replace"))
    raise Problem("bad-json", f"The body is {cause}; wanted: {wanted}", field="body", value=value)


def _cmid(fields: dict[str, Any]) -> str:
    wanted = f"a text of 1 to {MAX_CMID_LENGTH} characters, new for each message"
    cmid = _text(fields, "cmid", wanted, default="")
    if ("cmid" in fields and not cmid) or len(cmid) > MAX_CMID_LENGTH:
        raise problems.refuse("bad-field", "cmid", cmid, wanted)
    return cmid


def _text(fields: dict[str, Any], name: str, wanted: str, *, default: str | None = None) -> str:
    """The field; a field that is wanted is not empty."""
    if name not in fields and default is None:
        raise Problem("bad-field", f"{name} is missing; wanted: {wanted}", field=name)
    value = fields.get(name, default)
    if type(value) is not str or (default is None and not value):
        raise problems.refuse("bad-field", name, value, wanted)
    try:
        value.encode()
    except UnicodeEncodeError:  # JSON can write half a surrogate pair, as an escape
        raise problems.refuse("bad-field", name, value, "no lone surrogate in it") from None
    return value
