"""Finds out what other processes have done, for the Server thread, which must not wait; and keeps
the history in order, one process at a time."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial

from chatroom.errors import HistoryError
from chatroom.history.shared import SharedHistory, Version
from chatroom.message import Held
from chatroom.rooms.elsewhere import Differing, Elsewhere, NotLooked, NotOpened, Opened, Word
from chatroom.rooms.eraser import Eraser
from chatroom.rooms.rules import Rules
from chatroom.rooms.timers import Timers
from chatroom.rooms.trimmer import Trimmer
from chatroom.rooms.verdicts import Looked
from chatroom.wire.message_json import frame_of

INTERVAL = 5.0
"""Seconds until it looks again whether the one that keeps the history in order is gone."""

log = logging.getLogger(__name__)


class Keeper(Elsewhere):
    """Asked by the Server thread; its own is called ``keeper``.

    Args:
        history: opened before it starts, and written by this thread alone.
        rules: the Server's.
        taken: as of ``Ear``.
    """

    def __init__(self, history: SharedHistory, rules: Rules, taken: Callable[[int], None]) -> None:
        self.is_keeping = False
        """This process keeps the history in order. Any thread may read it."""
        self.looks = 0
        """How often a room was read anew, because it was behind what others had done."""
        self.forks = 0
        """How often its last message was found to be there no more."""
        self.lag = 0.0
        """For how many seconds some room here has been behind the database, as compared last."""
        self._behind: dict[str, tuple[Version, float]] = {}
        self._history = history
        self._taken = taken
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._answer: Callable[[Word], None]
        self._has_to_compare = False
        self._thread: threading.Thread | None = None
        self._timers = Timers()
        self._trimmer = Trimmer(history, _trimmed, self._timers, rules, _refused)
        self._eraser = Eraser(history, self._timers, rules)

    def start(self, answer: Callable[[Word], None]) -> None:
        """Start the thread.

        Args:
            answer: takes what the Server thread is to hear.
        """
        self._answer = answer
        self._thread = threading.Thread(target=self._run, name="keeper")
        self._thread.start()

    def stop(self) -> None:
        """End it, once everything is answered. Idempotent."""
        if self._thread:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def look(self, room: str, known: Version) -> None:
        """Have it read by the thread."""
        self._jobs.put(partial(self._look, room, known))

    def open(self, room: str, limit: int, max_bytes: int) -> None:
        """Likewise."""
        self._jobs.put(partial(self._open, room, limit, max_bytes))

    def compare(self, versions: Mapping[str, Version]) -> None:
        """Likewise; unless the one before has to wait, since the history does not answer."""
        if not self._has_to_compare:
            self._has_to_compare = True
            self._jobs.put(partial(self._compare, versions))

    def taken(self, size: int) -> None:
        """Tells the ear."""
        self._taken(size)

    def _try_to_keep(self) -> None:
        """Once it does, it does for good: somebody else may besides, if the connection is lost."""
        try:
            if self._history.keeps():
                self.is_keeping = True
                self._trimmer.start()
                self._eraser.start()
                return
        except HistoryError:
            pass  # whoever speaks is told of that
        self._timers.after(INTERVAL, self._try_to_keep)

    def _run(self) -> None:
        self._try_to_keep()
        while True:
            try:
                job = self._jobs.get(timeout=self._timers.run())
                if job is None:
                    return
                job()
            except queue.Empty:
                pass
            except Exception:  # no fault of ours ends the room
                log.exception("error: the keeper goes on")

    def _look(self, room: str, known: Version) -> None:
        self.looks += 1
        try:
            missed = self._history.missed(room, known)
            self.forks += missed.is_fork
            self._answer(Looked(missed, list(map(frame_of, missed.messages))))
        except Exception as error:
            self._answer(NotLooked(room, error))

    def _open(self, room: str, limit: int, max_bytes: int) -> None:
        try:
            opening = self._history.opening(room, limit, max_bytes)
            self._answer(Opened(opening, list(map(frame_of, opening.tail))))
        except Exception as error:
            self._answer(NotOpened(room, error))

    def _compare(self, versions: Mapping[str, Version]) -> None:
        self._has_to_compare = False
        try:
            rooms = self._history.changed(versions)
        except HistoryError:
            return  # it comes again in a moment; a look that fails is told of
        if rooms:
            self._answer(Differing(rooms))
        self._note_behind({room: versions[room] for room in rooms})

    def _note_behind(self, rooms: Mapping[str, Version]) -> None:
        """A room that was behind the last time as well, but has come on since, is being told."""
        now, before = time.monotonic(), self._behind
        self._behind = {
            room: before[room] if before.get(room, (None,))[0] == known else (known, now)
            for room, known in rooms.items()
        }
        self.lag = now - min([now, *(since for _, since in self._behind.values())])


def _trimmed(room: str) -> None:
    """Rooms hear of it by a look, as in every other process."""


def _refused(held: Held) -> None:
    """Likewise."""
