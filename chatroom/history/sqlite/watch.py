"""Whether the files are still those that were opened: SQLite goes on writing to deleted ones."""

from __future__ import annotations

import logging
import time

from chatroom.errors import HistoryUnavailable
from chatroom.history.sqlite.database import DatabaseFile, Identity, identity
from chatroom.history.sqlite.lock import FileLock, LockHeld

log = logging.getLogger(__name__)

INTERVAL = 1.0
"""Seconds between two looks at the other files. Each takes some microseconds, and without them no
restart loses anything: closing the history, and the first look, write the log back."""

RESTART = "restart the room: everything stored so far is kept"


class Watch:
    """Looks before every commit; at ``chat.db`` each time. Not thread-safe."""

    def __init__(self, file: DatabaseFile, lock: FileLock) -> None:
        self._file = file
        self._lock = lock
        # As text: a Path takes os.stat twice as long.
        self._log = str(file.beside("-wal"))
        self._memory = str(file.beside("-shm"))
        self._known: dict[str, Identity] = {}
        self._next = 0.0

    def begin(self) -> None:
        """From now on, the files should stay those that they are."""
        paths = (self._log, self._memory, str(self._lock.path))
        self._known = {path: identity(path) for path in paths}
        self._next = 0.0

    def demand_same(self) -> None:
        """Make sure that what is committed now will be there after a restart.

        Raises:
            HistoryUnavailable: one of the files was deleted, moved or replaced.
        """
        self._file.demand_same()
        if time.monotonic() >= self._next:
            self._demand(self._log)
            self._demand(self._memory)
            self._keep_lock()
            self._next = time.monotonic() + INTERVAL  # only now: else the next look would pass

    def is_log_lost(self) -> bool:
        """Whether what was committed since the last checkpoint is in a deleted file."""
        return identity(self._log) != self._known[self._log]

    def _demand(self, path: str) -> None:
        if identity(path) != self._known[path]:
            cause = f"{path} was deleted, moved or replaced while the room was open"
            raise HistoryUnavailable(self._file.name, cause, RESTART)

    def _keep_lock(self) -> None:
        """Lock a new file if the old one is gone: otherwise a second process could come in."""
        path = str(self._lock.path)
        if identity(path) == self._known[path]:
            return
        try:
            self._lock.renew()
        except (LockHeld, OSError) as error:
            cause = f"{path} was deleted, moved or replaced, and cannot be locked: {error}"
            way_out = "make sure that no other process uses the history, and restart the room"
            raise HistoryUnavailable(self._file.name, cause, way_out) from error
        self._known[path] = identity(path)
        log.warning("error: %s was deleted or replaced while the room was open; made anew", path)
