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

SHORTEST = 0.002
"""Seconds. With less, whoever speaks as fast as it can is interrupted amid what would have been one
batch: 0.5 ms cost 90 users 3 to 9 % of their deliveries, 2 ms nothing."""

WAKING = 200_000
"""Threads that may wake in a second, when those of all users wait."""

MANY = 1000
"""Connections from which on they wake less often. With 10,000 and half a second, as measured, these
have left within 7 s."""


def switch_interval(connections: int) -> float:
    """Seconds to wait before asking, when there are so many users."""
    return max(SHORTEST, connections / WAKING * max(1.0, connections / MANY))


def share(connections: int) -> None:
    """Have all threads wait so long; any thread, as often as it likes."""
    sys.setswitchinterval(switch_interval(connections))
