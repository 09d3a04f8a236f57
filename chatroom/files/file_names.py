"""What people call their files: for reading, and never a path on this machine."""

from __future__ import annotations

import re
import unicodedata

MAX_LENGTH = 120
"""Characters; a longer name loses some of its middle, and keeps its ending."""

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
    if len(name) > MAX_LENGTH:
        name = f"{name[: MAX_LENGTH - ENDING - 1].rstrip()}…{name[-ENDING:]}"
    return name or NAMELESS
