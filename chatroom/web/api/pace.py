"""How fast one address may post long messages, and one person any: as fast as over a socket."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from chatroom.errors import Problem
from chatroom.sockets.budget import Budgets
from chatroom.sockets.pace import FREE_BYTES, byte_limits
from chatroom.users.speaking_pace import SpeakingPace

PATIENCE = 2.0
"""Seconds that a request waits here, on one of the threads for plain HTTP."""


def demand_turn(pace: SpeakingPace | None, who: str) -> None:
    """Count one more message of somebody.

    Args:
        pace: None for any.
        who: see ``speaking_pace.whose``.

    Raises:
        Problem: it has to come later; the headers say when.
    """
    if pace and (seconds := pace.seconds_to_wait(who)):
        detail = "Too many messages, changes or acts at a time; send fewer."
        raise Problem("too-fast", detail, {"Retry-After": str(math.ceil(seconds))})


@contextmanager
def place_among(places: threading.Semaphore, reason: str) -> Iterator[None]:
    """One of a few places for what holds one of the threads for plain HTTP.

    Raises:
        Problem: all are taken.
    """
    if not places.acquire(blocking=False):
        raise Problem("busy", reason)
    try:
        yield
    finally:
        places.release()


class PostPace:
    """Called by any thread.

    Args:
        max_message_bytes: of one message.
    """

    # Rule: _lock guards _budgets and what is in it.

    def __init__(self, max_message_bytes: int) -> None:
        self._budgets = Budgets(*byte_limits(max_message_bytes))
        self._lock = threading.Lock()

    def await_bytes(self, address: str, size: int) -> None:
        """Wait until a message of this size may follow the previous ones from there.

        Raises:
            Problem: that would take longer than ``PATIENCE``.
        """
        if size <= FREE_BYTES:
            return
        with self._lock:
            seconds = self._budgets.of(address).spend(size - FREE_BYTES, PATIENCE)
        if seconds > PATIENCE:
            detail = "too many long messages from your address; send fewer at a time"
            raise Problem("unavailable", detail, {"Retry-After": str(round(seconds))})
        time.sleep(seconds)
