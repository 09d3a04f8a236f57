"""JSON objects as clients send them: parsed within bounds, and their text fields checked.

Every way in reads its fields here: both protocols, the HTTP API and the client. Each says in
its own words what is wrong, so ``text`` takes a function that makes the error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from chatroom.errors import FrameRefused
from chatroom.wire.websocket import CloseCode

MAX_DEPTH = 32
"""Levels of nested JSON. The parser recurses in C, on a thread with a small stack."""


class Flaw(Enum):
    """What can be wrong with a text field."""

    MISSING = "missing"
    NOT_TEXT = "not text"
    SURROGATE = "half a surrogate pair"
    """JSON can write one, as an escape; no UTF-8 frame could carry it on."""


def parse(text: str, wanted: str = "a JSON object") -> dict[str, Any]:
    """The one JSON object that a frame or a body holds.

    Args:
        text: already within ``maxMessageBytes``.
        wanted: what the client is told it should have been.

    Raises:
        FrameRefused: it isn't JSON, isn't an object, or is nested too deeply.
    """
    if _is_too_deep(text):
        raise FrameRefused(CloseCode.BAD_DATA, f"JSON nested deeper than {MAX_DEPTH} levels")
    try:
        fields = _decoder.decode(text)
    except ValueError as error:
        raise FrameRefused(CloseCode.BAD_DATA, f"not JSON: {error}") from None
    if type(fields) is not dict:
        raise FrameRefused(CloseCode.BAD_DATA, f"not {wanted}")
    return fields


def text(
    fields: Mapping[str, Any],
    key: str,
    refuse: Callable[[Flaw], Exception],
    default: str | None = None,
) -> str:
    """A field that has to be text that UTF-8 can carry.

    Args:
        fields: of one JSON object.
        key: the field's name.
        refuse: makes the error that is raised where the field has a flaw.
        default: stands for a field that is missing; None where it must not be.
    """
    value = fields.get(key, default)
    if type(value) is not str:
        raise refuse(Flaw.NOT_TEXT if key in fields else Flaw.MISSING)
    if not is_utf8(value):
        raise refuse(Flaw.SURROGATE)
    return value


def is_utf8(value: str) -> bool:
    """Whether UTF-8 can carry the text: it holds no half of a surrogate pair."""
    if value.isascii():  # nearly always, and a flag that the string has: nothing is encoded
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse_constant(name: str) -> None:
    raise FrameRefused(CloseCode.BAD_DATA, f"{name} is not JSON")


def _bounded_int(digits: str) -> int:
    """The number; one of more than 15 digits as 10**15 or its negative.

    An int of 60,000 digits costs more than the rest of its frame, and no field needs one.
    """
    if len(digits) <= 15:
        return int(digits)
    return -(10**15) if digits[0] == "-" else 10**15


_decoder = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_bounded_int)

# A string, closed or not, or a bracket. Matching an open string to the end keeps it linear.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[][{}]', re.DOTALL)


def _is_too_deep(text: str) -> bool:
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return False
    depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif token[0] in "]}":
            depth -= 1
    return False
