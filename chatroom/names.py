"""Names of people and of rooms: which are valid, which look the same, and free alternatives.

The rules for people's names hold in the typed protocol and the HTTP API; the plain protocol
takes a name as it comes, as the original does.
"""

from __future__ import annotations

import itertools
import re
import secrets
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from chatroom.errors import BadName, BadRoomName

DEFAULT_ROOM = "lobby"

_ROOM_LENGTH = 64  # characters
_LONGEST = 4 * _ROOM_LENGTH  # before they are composed: normalising 64 KiB of marks takes a second
_IN_ROOM = re.compile(r"[\w.-]")  # and marks, which re does not know

# Controls that change the direction of the text around them. The marks U+200E, U+200F and U+061C
# are allowed: people who write from right to left need them.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

# Invisible characters. First Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt,
# 4,174 of them, some unassigned), which unicodedata does not know; then letters and symbols that
# are nevertheless blank. text.js has the same list.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\u2800\U00013430-\U0001343f\U00013441\U00013442\U00016fe4\U0001d159]"
)


# Letters of other scripts, and what they look like in Latin. From Unicode's confusables.txt (TR39):
# only single letters that most fonts draw alike, so that as few names as possible clash.
_LOOK_ALIKES = (
    ("0O1I|ǀ", "oollll"),  # noqa: RUF001
    ("ıɩɡɑᴄᴏᴠᴡᴢꜱ", "iigacovwzs"),  # noqa: RUF001
    ("АВСЕНІЈКМОРЅТУҮХԚԜӀѴЗҺԀЬ", "abcehljkmopstyyxqwlv3hdb"),  # Cyrillic
    ("асԁеҽһіјӏкорԛѕуүѵԝхԍ", "acdeehijlkopqsyyvwxg"),
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abezhlkmnoptyx"),  # noqa: RUF001 - Greek
    ("αογηικνρσυχ", "aoynikvpoux"),
    ("ՕՍԼՏօսոհզց", "oulsounhqg"),  # Armenian
    ("ᎠᎡᎢᎪᎫᎬᎳᎷᎻᎽᏀᏃᏔᏙᏚᏟᏢᏦᏞᏴ", "drtajewmhygzwvscpklb"),  # noqa: RUF001 - Cherokee
    ("ꓐꓑꓓꓔꓖꓗꓙꓚꓜꓝꓟꓠꓡꓢꓣꓦꓧꓪꓫꓬꓮꓰꓲꓳꓴ", "bpdtgkjczfmnlsrvhwxyaelou"),  # noqa: RUF001 - Lisu
)
_LATIN = {ord(one): latin for row in _LOOK_ALIKES for one, latin in zip(*row, strict=True)}


def checked(name: str, max_length: int) -> str:
    """The valid name, without surrounding space.

    Args:
        name: what the client asks for.
        max_length: characters.

    Raises:
        BadName: empty, too long, with control or bidi characters, or with only invisible ones.
    """
    name = name.strip()
    if not name:
        raise BadName("A name needs at least one character.")
    if len(name) > max_length:
        raise BadName(f"The name has {len(name)} characters; at most {max_length} are allowed.")
    for character in name:
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _BIDI:
            shown = f"U+{ord(character):04X}"
            raise BadName(
                f"The name contains {shown}, which breaks or reverses the line; leave it out."
            )
    if all(is_unseen(c) or unicodedata.category(c) in ("Mn", "Me", "Zs") for c in name):
        raise BadName("The name has no visible character.")
    return name


def is_unseen(character: str) -> bool:
    """Whether the character is invisible, wherever it appears."""
    return bool(_UNSEEN.match(character)) or unicodedata.category(character) == "Cf"


def folded(name: str) -> str:
    """A key that is equal for names that look the same to people.

    NFKC, case-folded, without invisible characters.
    """
    if name.isascii() and name.isprintable():  # nearly always; and all of this is C
        return " ".join(name.casefold().split())
    text = unicodedata.normalize("NFKC", name).casefold()
    seen = "".join(c for c in text if not is_unseen(c))
    return " ".join(unicodedata.normalize("NFKC", seen).split())


@lru_cache(maxsize=256)  # it is asked thrice of each name that comes in
def keys(name: str) -> frozenset[str]:
    """Keys of which two names share one if they look the same: ``folded``, and a skeleton.

    The skeleton has Latin letters in place of their look-alikes in other scripts, so that nobody
    can be Ann with a Cyrillic A next to the real one. It is made before case is folded: ``I``
    looks like ``l``, but ``i`` does not.
    """
    letters = unicodedata.normalize("NFKD", name).translate(_LATIN)
    return frozenset((folded(name), folded(letters)))


def free_name(name: str, max_length: int, is_free: Callable[[str], bool]) -> str:
    """The name followed by a number that makes it free: ``Ann 2``.

    Random from ``Ann 10`` on: a thousand Anns trying one number after another would keep the
    room busy with nothing else.
    """
    for attempt in itertools.count(2):
        number = attempt if attempt < 10 else 10 + secrets.randbelow(1 << attempt)
        ending = f" {number}"
        suggestion = name[: max(1, max_length - len(ending))].rstrip() + ending
        if is_free(suggestion):
            return suggestion
    raise AssertionError("numbers do not end")


# -- rooms ----------------------------------------------------------------------------------------


def room_name(text: str) -> str:
    """The room's name in NFC, so that two names that look alike are one room.

    Raises:
        BadRoomName: not 1 to 64 letters, digits, ``_``, ``-`` or ``.``.
    """
    if len(text) > _LONGEST:
        raise BadRoomName(text)
    name = unicodedata.normalize("NFC", text)
    begins = name[:1] and not _is_mark(name[0])
    if not (begins and len(name) <= _ROOM_LENGTH and all(map(_may_be_in_room, name))):
        raise BadRoomName(text)
    return name


def _may_be_in_room(character: str) -> bool:
    named = _IN_ROOM.match(character) or _is_mark(character)
    return bool(named) and not is_unseen(character)


def _is_mark(character: str) -> bool:
    """Many scripts write vowels as marks on letters."""
    return unicodedata.category(character).startswith("M")
