"""What people call their files: for reading, and never a path on this machine."""

from __future__ import annotations

import re
import unicodedata

MAX_LENGTH = 120
"""Characters; a longer name loses some of its middle, and keeps its ending."""

MAX_BYTES = 200
"""As UTF-8: most systems take 255, and an archive has the file's id before its name."""

ENDING = 16
"""Characters at the end that are kept of a long one."""

NAMELESS = "file"

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode's categories of what is not seen, or turns what follows around: ``exe.gpj`` would read
``jpg.exe``."""

_NO_NAME = re.compile(r'[<>:"|?*]')
"""What Windows cannot have in a name."""


def cleaned(name: str) -> str:
    """A name that can be shown to anybody, and saved by any system."""
    name = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    name = "".join(c for c in name if unicodedata.category(c) not in _HIDDEN)
    name = " ".join(_NO_NAME.sub("_", name).split()).strip(". ")
    return _shortened(name) or NAMELESS


def _shortened(name: str) -> str:
    short, length = name, MAX_LENGTH
    while len(short) > MAX_LENGTH or len(short.encode()) > MAX_BYTES:
        short = f"{name[: length - ENDING - 1].rstrip()}…{name[-ENDING:]}"
        length -= 1
    return short
