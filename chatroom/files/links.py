"""A second place for files, as a backup needs it: no copies, where the disk is the same."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from chatroom.files.folder import FOLDER_MODE, FolderFiles, sync, thumbnail_name

PIECE = 256 * 1024
"""Bytes of a file that are in memory at once."""

NO_LINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES}
"""Another disk, or one without hard links, or others' files, as some systems protect them."""


def link_all(folder: Path, target: Path, ids: Iterable[str], kept_free: int) -> int:
    """Put these files into another folder, too, with their thumbnails: as hard links, which take
    no space, since a file never changes once it is there; where that cannot be, as copies.

    Args:
        target: does not exist yet. It is on disk at the end.
        kept_free: bytes of its disk that copies leave free.

    Returns:
        How many were not there any more.

    Raises:
        Refusal: ``no-space``.
        OSError: something cannot be read or written.
    """
    source, copies = FolderFiles(folder), FolderFiles(target, kept_free)
    target.mkdir(mode=FOLDER_MODE)
    missing = 0
    for id in ids:
        try:
            _link(folder, target, id, source, copies)
        except FileNotFoundError:
            missing += 1
            continue
        with suppress(FileNotFoundError):  # there may be none
            _link_thumbnail(folder, target, id, source, copies)
    sync(target)
    return missing


def _link(folder: Path, target: Path, id: str, source: FolderFiles, copies: FolderFiles) -> None:
    if not _is_linked(folder, target, id):
        with closing(source.open(id)) as stream:
            copies.demand_space(os.fstat(stream.fileno()).st_size)
            copies.put(id, iter(partial(stream.read, PIECE), b""))


def _link_thumbnail(
    folder: Path, target: Path, id: str, source: FolderFiles, copies: FolderFiles
) -> None:
    if not _is_linked(folder, target, thumbnail_name(id)):
        with closing(source.open_thumbnail(id)) as stream:
            copies.demand_space(os.fstat(stream.fileno()).st_size)
            copies.put_thumbnail(id, stream.read())


def _is_linked(folder: Path, target: Path, name: str) -> bool:
    """Whether it is in both now."""
    try:
        os.link(folder / name, target / name, follow_symlinks=False)
    except OSError as error:
        if error.errno not in NO_LINK:
            raise
        return False
    return True
