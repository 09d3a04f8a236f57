"""The lock that lets one process at a time write a history."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import time
from contextlib import suppress
from pathlib import Path

from chatroom import private_files

POLL_SECONDS = 0.05


class LockHeld(Exception):
    """Another process holds the lock; ``args[0]`` says which, such as ``process 4711``."""


class FileLock:
    """A ``flock`` on a file of its own, which stays when the lock is released.

    Unlinking it would be a race that lets two processes in: one that locks the old file just
    as another creates and locks a new one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, patience: float) -> None:
        """Take the lock, for as long as the process lives or until ``release``.

        Args:
            patience: seconds to wait for another process to release it.

        Raises:
            LockHeld: it didn't.
            OSError: the file can't be created or locked, or has another program's content.
        """
        deadline = time.monotonic() + patience
        descriptor = private_files.opener(str(self.path), os.O_RDWR | os.O_CREAT)
        try:
            while not locked(descriptor):
                if time.monotonic() >= deadline:
                    raise LockHeld(holder(descriptor))
                time.sleep(POLL_SECONDS)
            demand_ours(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        with suppress(OSError):  # for people only: a full disk must not keep us from starting
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)

    def share(self) -> None:
        """Keep writers out as long as others read; creates no file, and needs none.

        Raises:
            LockHeld: a process that writes holds the lock.
            OSError: the file can't be read or locked.
        """
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return
        if not locked(descriptor, fcntl.LOCK_SH):
            held = LockHeld(holder(descriptor))
            os.close(descriptor)
            raise held
        self._descriptor = descriptor

    def renew(self) -> None:
        """Lock the file that is there now, instead of one that was deleted; creates it.

        Raises:
            LockHeld: another process locked it.
            OSError: the file can't be created or locked.
        """
        old = self._descriptor
        self.acquire(0)
        if old is not None:
            os.close(old)

    def test(self) -> None:
        """Raise as ``acquire`` would; takes it only for a moment, and creates no file."""
        try:
            descriptor = os.open(self.path, os.O_RDWR)
        except FileNotFoundError:
            return
        try:
            if not locked(descriptor):
                raise LockHeld(holder(descriptor))
            demand_ours(descriptor)
        finally:
            os.close(descriptor)

    def release(self) -> None:
        """Release it; idempotent."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def locked(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Whether the lock is ours now."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def demand_ours(descriptor: int) -> None:
    """Make sure that nothing but a process id is overwritten: it may be a link to another file."""
    if not re.fullmatch(rb"[0-9]*\n?", os.pread(descriptor, 20, 0)):
        raise FileExistsError(errno.EEXIST, "the lock is another program's file")


def holder(descriptor: int) -> str:
    """The process named in the file: the holder, or a previous one."""
    pid = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
    return f"process {pid}" if pid else "another process"
