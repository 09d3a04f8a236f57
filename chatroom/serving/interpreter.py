"""How soon a thread that waits for the interpreter asks whoever has it to let go.

A request of HTTP can keep it for many milliseconds, above all where nobody has sent one for a
while and nothing of it is in the processor's caches; what is said meanwhile waits, once for its
reader, once for the Server thread, and again at each ``send``. So whoever waits should ask soon.
But then it wakes to ask again and again, and so do all others that wait: ten thousand users who
leave at once would keep the process busy for minutes with nothing else. Source:
docs.python.org/3/library/sys.html, ``setswitchinterval``; Python's own is 5 ms.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SHORTEST = 0.002
"""Seconds. With less, whoever speaks as fast as it can is interrupted amid what would have been one
batch: 0.5 ms cost 90 users 3 to 9 % of their deliveries, 2 ms nothing."""

SHORTEST_BESIDE_REQUESTS = 0.0004
"""Seconds, while a request of HTTP is answered: what is said meanwhile hardly waits then."""

WAKING = 200_000
"""Threads that may wake in a second, when those of all users wait."""

MANY = 1000
"""Connections from which on they wake less often. With 10,000 and half a second, as measured, these
have left within 7 s."""


def switch_interval(connections: int, requests: int = 0) -> float:
    """Seconds to wait before asking, with so many users, and requests that are being answered."""
    shortest = SHORTEST_BESIDE_REQUESTS if requests else SHORTEST
    return max(shortest, connections / WAKING * max(1.0, connections / MANY))


class Interpreter:
    """The one of this process. Any thread."""

    def __init__(self) -> None:
        # Rule: _lock guards all below, and Python's interval.
        self._lock = threading.Lock()
        self._connections = 0
        self._requests = 0

    def share(self, connections: int) -> None:
        """Have all threads wait as long as suits so many; as often as the caller likes."""
        with self._lock:
            self._connections = connections
            self._set()

    @contextmanager
    def beside_request(self) -> Iterator[None]:
        """As long as this thread answers a request of HTTP, the others ask sooner; also as long as
        it does no more than hand on events, which costs only those who speak without a pause."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        with self._lock:
            self._requests += more
            self._set()

    def _set(self) -> None:
        sys.setswitchinterval(switch_interval(self._connections, self._requests))
