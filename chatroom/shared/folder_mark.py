"""Whether the folder of files is the one that all processes have: it bears a mark, which the
database knows.

Otherwise a folder that is not mounted, or is each machine's own, would be found out by what people
miss; and whatever one machine deletes would stay on the others.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from chatroom.errors import HistoryRefused
from chatroom.history.shared import SharedHistory
from chatroom.private_files import opener

NAME = ".chatroom"
"""Of the file with the mark. No file of people is called that: see ``FileIds``."""

ANOTHER = "mount the folder that the others use; or write that into this one, if it takes its place"


def demand_mark(history: SharedHistory, folder: Path) -> None:
    """Make sure of it; the first process of all makes the mark. The thread that writes the history.

    Raises:
        HistoryRefused: it is another folder, or cannot be used.
        HistoryUnavailable: the mark cannot be read now.
    """
    try:
        found = _read(folder) or (history.files_mark("") or _made(folder))
        known, found = history.files_mark(found), _read(folder)
    except OSError as error:
        cause = f"filesFolder {folder} cannot be used: {error.strerror or error}"
        way_out = "create it for this user alone (mkdir -m 700), or mount it"
        raise HistoryRefused(history.name, cause, way_out) from error
    if not known:
        cause = f"filesFolder {folder}: {NAME} is empty"
        way_out = "if another process is not about to fill it, delete it"
        raise HistoryRefused(history.name, cause, way_out)
    if found != known:
        has = f"has {found}" if found else "has nothing"
        cause = f"filesFolder {folder} {has} in {NAME}, and that of the others {known}"
        raise HistoryRefused(history.name, cause, ANOTHER)


def _read(folder: Path) -> str:
    try:
        return (folder / NAME).read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return ""


def _made(folder: Path) -> str:
    """A new one; if another process was quicker, its, which may not be written yet."""
    mark = secrets.token_hex(16)
    try:  # no link: not every file system that is shared has these
        with open(folder / NAME, "x", encoding="ascii", opener=opener) as file:
            file.write(f"{mark}\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        return _read(folder)
    return mark
