"""What a picture shows, in its sender's words: for those who do not see it."""

from __future__ import annotations

import unicodedata

MOST_CHARACTERS = 1000
"""A sentence or two; a screen reader reads all of it before it goes on."""

_UNSAID = {"Cc", "Cs"}
"""Unicode's categories of what no text has: PostgreSQL takes no NUL, UTF-8 no half of a pair."""


def cleaned(text: str) -> str:
    """One line, as an attribute of a page has it; empty if there is nothing in it."""
    said = (c for c in text if c.isspace() or unicodedata.category(c) not in _UNSAID)
    return " ".join("".join(said).split())
