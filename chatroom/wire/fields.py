"""JSON objects as clients send them: parsed within bounds, and their text fields checked.

All input is parsed here: both protocols', the HTTP API's and the client's. Each words its own
errors, so ``text`` takes a function that creates them.
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
    SURROGATE = "a lone surrogate"
    """JSON can express one, as an escape; UTF-8 cannot encode it."""


def parse(text: str, wanted: str = "a JSON object") -> dict[str, Any]:
    """The one JSON object that a frame or a body holds.

    Args:
        text: already within ``maxMessageBytes``.
        wanted: what it should have been, for the error.

    Raises:
        FrameRefused: it isn't JSON, isn't an object, or is nested too deeply.
    """
    if _is_too_deep(text):
        raise FrameRefused(CloseCode.BAD_DATA, f"JSON nested deeper than {MAX_DEPTH} levels")
    try:
        fields = _decoded(text)
    except ValueError as error:
        raise FrameRefused(CloseCode.BAD_DATA, f"not JSON: {error}") from None
    if type(fields) is not dict:
        raise FrameRefused(CloseCode.BAD_DATA, f"not {wanted}")
    return fields


def _decoded(text: str) -> Any:
    """As ``_decoder.decode``, which looks for space on both sides: a third of its time."""
    if text[:1] == "{":
        value, end = _decoder.raw_decode(text)
        if end == len(text):
            return value
    return _decoder.decode(text)


def parse_unbounded(text: str | bytes) -> dict[str, Any]:
    """The JSON object that a server has sent, or that a file holds: on a thread with a large stack.

    Raises:
        ValueError: it isn't JSON, isn't an object, or is nested too deeply for the parser.
    """
    try:
        fields = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if type(fields) is not dict:
        raise ValueError("not a JSON object")
    return fields


def members(text: str) -> list[tuple[str, Any]]:
    """All members of the object in their order, also those whose key comes again; for a text that
    ``parse`` accepts. An object among the values is a list of its members, too."""
    found: list[tuple[str, Any]] = _pairs_decoder.decode(text)
    return found


def text(
    fields: Mapping[str, Any],
    key: str,
    refuse: Callable[[Flaw], Exception],
    default: str | None = None,
) -> str:
    """A string field that UTF-8 can encode.

    Args:
        fields: of one JSON object.
        key: the field's name.
        refuse: creates the error that is raised if the field has a flaw.
        default: for a missing field; None if the field is required.
    """
    value = fields.get(key, default)
    if type(value) is not str:
        raise refuse(Flaw.NOT_TEXT if key in fields else Flaw.MISSING)
    if not is_utf8(value):
        raise refuse(Flaw.SURROGATE)
    return value


def is_utf8(value: str) -> bool:
    """Whether UTF-8 can encode the text: it contains no lone surrogate."""
    if value.isascii():  # nearly always; the string has a flag for it, so nothing is encoded
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse_constant(name: str) -> None:
    raise FrameRefused(CloseCode.BAD_DATA, f"{name} is not JSON")


def _bounded_int(digits: str) -> int:
    """The number; clamped to ±10**15 if it has more than 15 digits.

    An int of 60,000 digits costs more than the rest of its frame, and no field needs one.
    """
    if len(digits) <= 15:
        return int(digits)
    return -(10**15) if digits[0] == "-" else 10**15


_decoder = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_bounded_int)
_pairs_decoder = json.JSONDecoder(parse_int=_bounded_int, object_pairs_hook=list)

# Everything but brackets. Matching an unterminated string keeps it linear.
_BETWEEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[^][{}"]+', re.DOTALL)


def _is_too_deep(text: str) -> bool:
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return False
    # Not bracket by bracket: 64 KiB of them would keep the interpreter for 15 ms.
    rest = _BETWEEN.sub("", text).replace("{", "[").replace("}", "]")
    for _ in range(MAX_DEPTH):
        rest = rest.replace("[]", "")  # the innermost level
    # What is left is deeper, or unbalanced: the parser refuses that, twice as deep at most.
    return "[]" in rest or rest.count("[") > MAX_DEPTH
