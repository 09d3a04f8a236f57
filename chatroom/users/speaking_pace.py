"""How many messages a second one person may say, over however many sockets and requests.

Whoever says more is kept waiting: over a socket the reader thread reads no further, so that nothing
is refused or lost, and TCP makes the client wait. Over HTTP, a request is told when to come back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import lru_cache

from chatroom.addresses import neighbourhood
from chatroom.sockets.budget import TIDY_AT, Budgets
from chatroom.users.speaker import Speaker

SECONDS_AT_ONCE = 5
"""Of messages that can be said at once: a burst."""

ACTS_PER_SECOND = 10
"""Of a host, who otherwise has no pace; and of anybody's changes of messages. Each is a transaction
of its own, so that a thousand a second would keep all rooms waiting."""

NAP = 0.25
"""Seconds between two looks whether the one who waits is still there."""


class SpeakingPace:
    """Called by any thread.

    Args:
        per_second: messages, or acts.
    """

    # Rule: _lock guards _budgets and what is in it.

    def __init__(self, per_second: int) -> None:
        # A little more: rounding errors are nobody's fault.
        self._budgets = Budgets(per_second, per_second * SECONDS_AT_ONCE + 0.001)
        self._lock = threading.Lock()

    def wait(self, who: str, is_gone: Callable[[], bool]) -> None:
        """Wait until somebody may say one more, or is gone."""
        with self._lock:
            seconds = self._budgets.of_key(who).spend(1)
        until = time.monotonic() + seconds
        while seconds > 0 and not is_gone():
            time.sleep(min(seconds, NAP))
            seconds = until - time.monotonic()

    def seconds_to_wait(self, who: str) -> float:
        """Count one more message if it may be said now; otherwise, in how many seconds."""
        with self._lock:
            return self._budgets.of_key(who).spend(1, patience=0.0)


def whose(user_id: str, address: str, room: str) -> str:
    """Whose messages are counted together: a person's or, of those whom nobody knows, all that
    come from one address into one room."""
    return user_id or _from(address, room)


def whose_is(speaker: Speaker) -> str:
    """Likewise, of what they say."""
    return whose(speaker.user_id, speaker.address, speaker.room)


@lru_cache(maxsize=TIDY_AT)  # reading an address takes 8 µs
def _from(address: str, room: str) -> str:
    return f"{neighbourhood(address)} {room}"
