"""Deletes files that nothing has any more, one by one, as the history says. A thread of its own:
where the files are may be far away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from chatroom.errors import ChatError
from chatroom.files.interface import Files
from chatroom.files.stored import GRACE_MS, UNCLAIMED_MS
from chatroom.history import History
from chatroom.rooms.questions import await_answer
from chatroom.rooms.uploads import Uploads

log = logging.getLogger(__name__)

INTERVAL = 10.0
"""Seconds between two looks: for so long, a file that is gone may still be on the disk."""

PAUSE = 5.0
"""Seconds until it looks again whether it may delete."""

PATIENCE = 50
"""So many times as long as a look took, there is no other: of a hundred thousand files, it takes
half a second."""

STEP = 100
"""Files that are forgotten in one transaction."""

TIMEOUT = 5.0
"""Seconds that the Server thread has to answer, and as many that whoever writes has."""


class Forgetter:
    """Begins with the engine and ends with it.

    Args:
        history: says which files are lost.
        files: has their bytes.
        uploads: the Server's.
        ask: ``Server.ask``.
        may: whether this process deletes: of those that share a history, one does at a time. Two
            would do no harm: what is deleted twice is gone.
    """

    def __init__(
        self,
        history: History,
        files: Files,
        uploads: Uploads,
        ask: Callable[[Callable[[], Future[int]], float], Future[int]],
        may: Callable[[], bool] = lambda: True,
    ) -> None:
        self._history = history
        self._files = files
        self._uploads = uploads
        self._ask = ask
        self._may = may
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._over.clear()
        self._thread = threading.Thread(target=self._run, name="forgetter")
        self._thread.start()

    def stop(self) -> None:
        """End it; idempotent. While the Server thread still answers."""
        self._over.set()
        if self._thread:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        wait, is_failing = 0.0, False
        while not self._over.wait(wait):
            if not self._may():
                wait = PAUSE
                continue
            began = time.monotonic()
            try:
                is_all = self.step()
                wait = INTERVAL if is_all else 0.1
                is_failing = False
            except (ChatError, OSError) as error:
                if not is_failing:
                    log.error("error: removed files may still be there: %s", error)
                wait, is_failing = INTERVAL, True
            wait = max(wait, PATIENCE * (time.monotonic() - began))

    def step(self) -> bool:
        """Delete some; whether that were all.

        Raises:
            OSError: one of them cannot be deleted.
            ChatError: what is lost cannot be read, or that it is gone is not noted.
        """
        now = time.time_ns() // 1_000_000
        lost = self._history.lost_files(now - UNCLAIMED_MS - GRACE_MS, STEP)
        for id in lost:
            self._files.forget(id)
        if lost:
            await_answer(self._ask(partial(self._uploads.drop, lost), TIMEOUT), TIMEOUT)
        return len(lost) < STEP
