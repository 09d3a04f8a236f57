"""The words of a search, as people write them: never a query language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

MAX_TEXT = 1000
"""Characters of a search that are used."""

MAX_WORDS = 32

TOKEN = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """The words of a search; each has a letter or a digit, and no space, NUL or lone surrogate.

    All of them must match; the last one also as a prefix, since the user may still be typing.
    ``well-known`` is one word: its parts as a phrase.
    """
    text = text[:MAX_TEXT].replace("\0", " ").encode("utf-8", "replace").decode()
    return [word for word in text.split() if TOKEN.search(fold(word))][:MAX_WORDS]


def matcher(words: Sequence[str]) -> Callable[[str], bool]:
    """A predicate: whether a body contains the words. For a history without an index."""
    needles = [f" {tokens(word)} " for word in words]
    needles[-1] = needles[-1].rstrip()

    def matches(body: str) -> bool:
        line = f" {tokens(body)} "
        return all(needle in line for needle in needles)

    return matches


def fts_query(words: Sequence[str]) -> str:
    """The words in FTS5's language, each as a string: https://sqlite.org/fts5.html, section 3."""
    quoted = ['"' + word.replace('"', '""') + '"' for word in words]
    return " AND ".join(quoted) + " *"


def like_pattern(word: str) -> str:
    """The LIKE pattern that finds the word anywhere; for ``ESCAPE '!'``."""
    return "%" + re.sub("[!%_]", r"!\g<0>", word) + "%"


def tokens(text: str) -> str:
    """The text's letters and digits without case and accents, each run of them after a space."""
    return " ".join(TOKEN.findall(fold(text)))


def fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if unicodedata.category(letter) != "Mn")
