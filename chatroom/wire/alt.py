"""What a picture shows, in words: comes with the file of a message, and goes with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chatroom.files.alt_text import MOST_CHARACTERS, cleaned
from chatroom.wire import fields as wire_fields

FIELD = "alt"

WANTED = f"what the file shows, {MOST_CHARACTERS} characters at most, or no such field"


def alt_text(fields: Mapping[str, Any], file: str, refuse: Callable[[str], Exception]) -> str:
    """The text, cleaned; empty if there is no such field, or nothing in it.

    Args:
        fields: of one JSON object.
        file: the id of the file that comes with it; empty for none.
        refuse: creates the error that is raised if it is no such text, or about nothing, from a
            sentence without its full stop.
    """
    if FIELD not in fields:
        return ""
    wrong = {
        wire_fields.Flaw.NOT_TEXT: "must be a string",
        wire_fields.Flaw.SURROGATE: "contains a lone surrogate",
    }
    text = wire_fields.text(fields, FIELD, lambda flaw: refuse(f"{FIELD} {wrong[flaw]}"))
    if len(text) > MOST_CHARACTERS:
        raise refuse(f"{FIELD} has {len(text)} characters; wanted: {WANTED}")
    if text and not file:
        raise refuse(f"{FIELD} says what a file shows, and there is none; wanted: file, too")
    return cleaned(text)
