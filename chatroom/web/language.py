"""Which language people get what the server writes for reading: English or German."""

from __future__ import annotations

from flask import request

LANGUAGES = ("en", "de")


def preferred_language() -> str:
    """The first language of the browser that the server speaks, as in the page's language.js."""
    tags = [tag[:2].lower() for tag in request.accept_languages.values()]
    return next((tag for tag in tags if tag in LANGUAGES), LANGUAGES[0])
