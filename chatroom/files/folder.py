"""Files in a folder of this machine, next to the history."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import BinaryIO

from chatroom import private_files
from chatroom.errors import Refusal
from chatroom.files.file_ids import demand_id
from chatroom.files.interface import KEPT_FREE, Files, Put
from chatroom.files.magic import HEAD_BYTES

CHECKED_EACH = 4 * 1024 * 1024
"""Bytes after which the disk is looked at again: others fill it, too."""

SYNCED_EACH = 256 * 1024
"""Bytes after which the disk is waited for. All of a large file at once would keep it busy for
tens of milliseconds, in which no message is committed: docs/performance.md, "Files"."""

TEMPORARY = ".part"
"""At the end of a name, until the file is whole."""

THUMBNAIL = ".thumbnail"
"""Behind the name of the file that it belongs to."""

FOLDER_MODE = 0o700

NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class FolderFiles(Files):
    """Each file has its id for a name, and its thumbnail is next to it. The folder is created for
    the first one.

    Args:
        folder: None for a temporary one, which is deleted at the end.
        kept_free: bytes of the disk that are left for everything else.
    """

    def __init__(self, folder: Path | None, kept_free: int = KEPT_FREE) -> None:
        self._folder = folder
        self._is_temporary = folder is None
        self._kept_free = kept_free

    def start(self) -> None:
        """As the interface says."""
        if self._folder is None:
            self._folder = Path(mkdtemp(prefix="chatroom-"))

    def demand_space(self, size: int) -> None:
        """As the interface says."""
        folder = self._demand_folder()
        place = folder if folder.is_dir() else folder.parent
        if shutil.disk_usage(place).free - size < self._kept_free:
            raise _no_space()

    def put(self, id: str, pieces: Iterable[bytes | memoryview]) -> Put:
        """Under a temporary name first, then on the disk, then renamed."""
        return self._put(self._path(id), pieces)

    def put_thumbnail(self, id: str, picture: bytes) -> None:
        """As the interface says."""
        file, path = self._path(id), self._thumbnail(id)
        file.lstat()
        path.with_name(path.name + TEMPORARY).unlink(missing_ok=True)  # what a kill has left
        try:
            self._put(path, [picture])
        except (FileExistsError, FileNotFoundError) as error:  # whichever stays will be whole
            raise BlockingIOError(errno.EAGAIN, "another thumbnail comes at this time") from error
        try:
            file.lstat()
        except FileNotFoundError:  # it was forgotten, perhaps before this had its name
            path.unlink(missing_ok=True)
            raise

    def _put(self, path: Path, pieces: Iterable[bytes | memoryview]) -> Put:
        temporary = path.with_name(path.name + TEMPORARY)
        try:
            path.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
            put = self._write(temporary, pieces)
            temporary.rename(path)
            sync(path.parent)
        except BaseException as error:
            with suppress(OSError):
                temporary.unlink()
            if isinstance(error, OSError) and error.errno in NO_SPACE:
                raise _no_space() from error
            raise
        return put

    def _write(self, path: Path, pieces: Iterable[bytes | memoryview]) -> Put:
        size = unchecked = unsynced = 0
        head = b""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(path, "xb", buffering=0, opener=lambda name, _: _opened(name, flags)) as file:
            for piece in pieces:
                rest = memoryview(piece)
                while rest:
                    rest = rest[file.write(rest) :]
                size += len(piece)
                unchecked += len(piece)
                unsynced += len(piece)
                if unsynced >= SYNCED_EACH:
                    os.fdatasync(file.fileno())
                    unsynced = 0
                if len(head) < HEAD_BYTES:
                    head += bytes(piece[: HEAD_BYTES - len(head)])
                if unchecked >= CHECKED_EACH:
                    self.demand_space(0)
                    unchecked = 0
            os.fsync(file.fileno())
        return Put(size, head)

    def open(self, id: str) -> BinaryIO:
        """As the interface says."""
        return _reading(self._path(id))

    def open_thumbnail(self, id: str) -> BinaryIO:
        """As the interface says."""
        return _reading(self._thumbnail(id))

    def forget(self, id: str) -> None:
        """As the interface says."""
        # The file itself first: see put_thumbnail, which looks for it last.
        for path in (self._path(id), self._thumbnail(id)):
            path.unlink(missing_ok=True)
            path.with_name(path.name + TEMPORARY).unlink(missing_ok=True)

    def close(self) -> None:
        """As the interface says."""
        folder = self._folder
        if self._is_temporary and folder is not None:
            self._folder = None
            shutil.rmtree(folder, ignore_errors=True)

    def _path(self, id: str) -> Path:
        return self._demand_folder() / demand_id(id)

    def _thumbnail(self, id: str) -> Path:
        return self._demand_folder() / thumbnail_name(demand_id(id))

    def _demand_folder(self) -> Path:
        if self._folder is None:
            raise FileNotFoundError(errno.ENOENT, "the folder of files is not open")
        return self._folder


def thumbnail_name(id: str) -> str:
    """What the thumbnail of this file is called in the folder."""
    return id + THUMBNAIL


def _reading(path: Path) -> BinaryIO:
    """What is no regular file, such as a FIFO, is none: that would keep the thread until somebody
    writes to it."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    return open(path, "rb", buffering=0, opener=lambda name, _: _opened_whole(name, flags))


def _opened(path: str, flags: int) -> int:
    return private_files.opener(path, flags)


def _opened_whole(path: str, flags: int) -> int:
    descriptor = _opened(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise no_file(path)
    return descriptor


def no_file(path: Path | str) -> FileNotFoundError:
    """Something else is in its place: a FIFO, a socket, a device."""
    return FileNotFoundError(errno.ENOENT, "it is not a regular file", str(path))


def sync(folder: Path) -> None:
    """So that a power cut does not lose the names in it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _no_space() -> Refusal:
    detail = "The server's disk is nearly full: no file can be stored now. Messages still can."
    return Refusal("no-space", detail)
