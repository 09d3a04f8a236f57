"""How fast one address may post long messages, and one person any: as fast as over a socket."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from chatroom.addresses import is_loopback, neighbourhood
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


RETRY_AFTER = "2"
"""Seconds, where one of several places is soon free: most files are small."""


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


class Places:
    """As many for what is long: nobody keeps all of them, however slowly they send or take it. Any
    thread.

    Args:
        count: how many there are.
        most_of_one: how many of them one address may have.
    """

    # Rule: _lock guards _free and _taken.

    def __init__(self, count: int, most_of_one: int) -> None:
        self._free = count
        self._most_of_one = most_of_one
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def one_for(self, address: str, reason: str) -> Iterator[None]:
        """One of them.

        Args:
            address: the client's. At that of this machine there may be a proxy, and everybody.

        Raises:
            Problem: all are taken, or all that this address may have.
        """
        whose = neighbourhood(address)
        with self._lock:
            is_one = address not in ("", "unix") and not is_loopback(address)
            if not self._free or (is_one and self._taken[whose] >= self._most_of_one):
                raise Problem("busy", reason, {"Retry-After": RETRY_AFTER})
            self._free -= 1
            self._taken[whose] += 1
        try:
            yield
        finally:
            with self._lock:
                self._free += 1
                self._taken[whose] -= 1
                if not self._taken[whose]:
                    del self._taken[whose]


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
