"""The words of texts and searches: one folding for everything that is indexed or searched for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from operator import add

MAX_TEXT = 1000
"""Characters of a search that are used."""

MAX_WORDS = 32

MAX_TERMS = 32
"""Terms that the index is asked for; the words are compared with the messages anyway."""

PIECE = 256
"""Characters that are normalised at once, at most."""

MAX_CACHED = 20_000
"""Characters whose folding is remembered: about 3 MB."""

STROKES = dict(zip("ƀđǥħɨıɉłøɍŧʉɏƶðŋɓɗƙƴ", "bdghiijlortuyzdnbdky", strict=True)) | {
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
}
"""Letters that Unicode doesn't decompose, as people without that keyboard type them."""

SPACELESS = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"  # Myanmar
    "\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\uac00-\ud7a3"  # Hangul
    "\u1780-\u17ff"  # Khmer
    "\u1950-\u19df\u1a20-\u1aaf\uaa80-\uaadf"  # Tai Le, New Tai Lue, Tai Tham, Tai Viet
    "\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u31f0-\u31ff"  # kana, Bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff"  # more of kana and Han
)
"""Scripts whose words can't be told apart by spaces: ideographic ones, and those of line
breaking class SA (https://www.unicode.org/reports/tr14/). In Hangul, endings follow a word
without a space. Each of their characters is a token."""

_SPACELESS = re.compile(f"[{SPACELESS}]")

_PIECES = re.compile(
    rf".{{1,{PIECE}}}(?=\s|\Z)"
    rf"|.{{1,{PIECE}}}(?![\u0300-\u036f\u1160-\u11ff\u3099\u309a])"
    rf"|.{{{PIECE}}}",
    re.DOTALL,
)
"""They end before white space or, where there is none, not within an accented letter or a syllable
of Hangul; but among marks without end, anywhere."""

_BETWEEN = re.compile("\n *\n")
"""What stands between two characters of spaceless scripts: see ``_as_token``."""

# Letters and marks without an appearance of their own that aren't of category Cf: the grapheme
# joiner, Hangul fillers, Khmer inherent vowels, variation selectors.
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u3164\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\uffa0]")


def words_of(text: str) -> list[str]:
    """The words of a search, each as its ``tokens``: at least one.

    All of them must match; the last one also as a prefix, since the user may still be typing.
    ``well-known`` is one word: its parts as a phrase.
    """
    words = map(tokens, text[:MAX_TEXT].split())
    return [word for word in words if word][:MAX_WORDS]


def matcher(words: Sequence[str]) -> Callable[[str], bool]:
    """A predicate: whether a body contains the words."""
    needles = [f" {word} " for word in words]
    needles[-1] = needles[-1].rstrip()

    def matches(body: str) -> bool:
        line = f" {tokens(body)} "
        return all(needle in line for needle in needles)

    return matches


def tokens(text: str) -> str:
    """The text's letters and digits, folded, each run of them separated by a space.

    Folded: without case, accents, invisible characters and the forms that are there for looks or
    for old encodings (NFKC), so that people find what they mean whatever keyboard they have.
    """
    return " ".join(_folded(text).split())


def terms(text: str) -> str:
    """What is indexed of a text: its tokens, but of spaceless scripts each with its neighbour.

    Single ones would be in nearly every message. As a prefix of its pair, each is found as well.
    """
    folded = _folded(text)
    if "\n" not in folded:
        return folded
    pieces = _BETWEEN.sub("", folded).split("\n")
    for n, run in enumerate(pieces):
        if n % 2:
            pieces[n] = " ".join([*map(add, run, run[1:]), run[-1]])
    return " ".join(pieces)


def fts_query(words: Sequence[str]) -> str:
    """FTS5's query for messages that may contain the words: https://sqlite.org/fts5.html, 3.

    It doesn't ask for the order of a word's tokens: so whatever is found has to be compared.
    """
    asked = [term for word in words for term in _terms_of(word)]
    starred = [is_spaceless(term) for term in asked[:-1]] + [True]
    quoted = [f'"{term}"' + " *" * star for term, star in zip(asked, starred, strict=True)]
    return " AND ".join(list(dict.fromkeys(quoted))[:MAX_TERMS])


def _terms_of(word: str) -> list[str]:
    """The terms of every message that has the word."""
    *before, last = terms(word).split()
    # The end of a run is alone, and also in the pair before.
    is_implied = before and is_spaceless(last) and before[-1].endswith(last)
    return before if is_implied else [*before, last]


def _folded(text: str) -> str:
    # In pieces: it sorts runs of marks by insertion, 1.5 s for 60 KiB, and keeps the GIL meanwhile.
    pieces = _PIECES.findall(text) if len(text) > PIECE else (text,)
    return "".join(unicodedata.normalize("NFKC", piece) for piece in pieces).translate(_LETTERS)


def is_spaceless(token: str) -> bool:
    """Whether the token is a single character of a spaceless script."""
    return bool(_SPACELESS.fullmatch(token))


class _Letters(dict[int, str]):
    """A table for ``str.translate``, filled as characters occur; each after NFKC."""

    def __missing__(self, code: int) -> str:
        folded = _fold(chr(code))
        if len(self) < MAX_CACHED:
            self[code] = folded
        return folded


def _fold(char: str) -> str:
    decomposed = unicodedata.normalize("NFD", char)
    kept = "".join(part for part in decomposed if not _is_ignored(part))
    folded = unicodedata.normalize("NFC", kept.casefold())
    return "".join(map(_as_token, folded))


def _is_ignored(char: str) -> bool:
    """Whether the character counts as not being there: accents, and what nobody sees.

    A mark of combining class 0 to 9 or 84 to 132 (vowels, voicing, tones) is a part of its letter:
    https://www.unicode.org/reports/tr44/#Canonical_Combining_Class_Values
    """
    category = unicodedata.category(char)
    accent = unicodedata.combining(char)
    is_accent = category == "Me" or accent == 1 or 10 <= accent <= 36 or accent >= 202
    return is_accent or category == "Cf" or bool(_INVISIBLE.match(char))


def _as_token(char: str) -> str:
    """A letter or digit as it is, between line ends if its script is spaceless; else a space."""
    char = STROKES.get(char, char)
    if unicodedata.category(char[0])[0] not in "LNM":
        return " "
    return f"\n{char}\n" if is_spaceless(char) else char


_LETTERS = _Letters()
