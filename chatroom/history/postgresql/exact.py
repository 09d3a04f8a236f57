"""Any text as PostgreSQL can store it, and back: its texts have no NUL.

One escape for all texts of all tables, instead of a second column where one of them has a NUL:
names of rooms and people, cmids and charters stay exact, too, can be compared and be unique in an
index, and are still readable with psql. A lone surrogate, which UTF-8 does not have, goes the same
way.
"""

from __future__ import annotations

import re

ESCAPE = "␛"
"""Before the four hexadecimal digits of a character that stands there instead of itself."""

_UNFIT = re.compile(f"[\0\ud800-\udfff{ESCAPE}]")

_ESCAPED = re.compile(f"{ESCAPE}([0-9a-f]{{4}})")


def to_stored(text: str) -> str:
    """The text as it is stored: nearly always itself."""
    if text.isascii():
        return text.replace("\0", f"{ESCAPE}0000") if "\0" in text else text
    return _UNFIT.sub(_escaped, text)


def from_stored(text: str) -> str:
    """The text that ``to_stored`` was given."""
    return _ESCAPED.sub(_unescaped, text) if ESCAPE in text else text


def _escaped(found: re.Match[str]) -> str:
    return f"{ESCAPE}{ord(found[0]):04x}"


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))
