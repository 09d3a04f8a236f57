"""Files that only their owner may read or write, whatever the umask: messages, secrets, logs."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

MODE = 0o600

GROUP, OTHERS = 0o070, 0o007
"""Permissions beyond the owner's."""


def opener(path: str, flags: int) -> int:
    """For ``open``: a file that it creates is private; one that is there stays as it is."""
    return os.open(path, flags, MODE)


def create(path: Path) -> None:
    """Create the file, empty and private, if there is none; what opens it next reports errors."""
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, MODE))


def permissions(path: Path) -> int:
    """Of group and others; 0 if they have none, or there is no such file."""
    with suppress(OSError):
        return path.stat().st_mode & (GROUP | OTHERS)
    return 0
