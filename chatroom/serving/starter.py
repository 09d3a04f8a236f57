"""The start of a room whose database may be away: it is tried until it works.

gunicorn ends the whole server when one of its workers does not start. So a worker starts in any
case; until it has its database, it answers with 503, and ``/healthz`` says why.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable

from chatroom.engine import Engine
from chatroom.errors import ChatError

FIRST_SECONDS = 5.0
"""How long the worker waits for the first attempt, before it lets people in; less than
``rolling.SERVING_SECONDS``."""

PAUSE, JITTER = 0.5, 1.0
"""Seconds between two attempts, and at most so much longer: all workers try at once."""

QUIET_ATTEMPTS = 60
"""So many that fail alike are one line in the log."""

log = logging.getLogger(__name__)


class Starter:
    """Starts an engine, by a thread of its own.

    Args:
        engine: made, and not started.
        then: called by that thread, once it is.
    """

    def __init__(self, engine: Engine, then: Callable[[], None]) -> None:
        self._engine = engine
        self._then = then
        self._has_tried = threading.Event()
        self._said, self._attempts = "", 0  # the last error, and how often it came

    def start(self) -> None:
        """Begin, and wait a moment for the first attempt."""
        self._engine.waits_for = ChatError("the room is being opened")
        threading.Thread(target=self._run, name="starter", daemon=True).start()
        self._has_tried.wait(FIRST_SECONDS)

    def _run(self) -> None:
        while not self._engine.is_over.is_set():
            try:
                self._engine.start()
            except ChatError as error:
                self._note(error)
            except Exception:  # no fault of ours ends the attempts
                log.exception("error: the start is tried again")
            else:
                self._then()
                return
            finally:
                self._has_tried.set()
            self._engine.is_over.wait(PAUSE + random.uniform(0, JITTER))

    def _note(self, error: ChatError) -> None:
        self._engine.waits_for = error
        if str(error) != self._said or self._attempts % QUIET_ATTEMPTS == 0:
            log.error("waiting: %s", error)
            self._said, self._attempts = str(error), 0
        self._attempts += 1
