"""What is counted, for ``/metrics``: plain numbers, so that counting costs next to nothing.

Whoever counts knows nothing of Prometheus, and takes no lock where one thread owns the number. The
thread that reads it (``web/exposition.py``) takes none, either: Python replaces an ``int`` or a
``float`` as a whole, so that what is read is at most a moment old.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

SECONDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
"""Upper bounds of buckets: from a commit to memory to one on a disk that is about to die."""

MESSAGES = tuple(2**power for power in range(11))
"""Likewise, for batches: the last is ``server.BROADCAST_SLOTS``."""


class Histogram:
    """How often values were in which range. One thread counts them; any thread may read.

    To count a value, add 1 to ``counts[bisect_left(bounds, value)]``, and the value to ``sum``: in
    place, as a call would cost as much as all the rest.

    Args:
        bounds: upper ones of its buckets, ascending; each belongs to its bucket.
    """

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """Of each bucket; the last one is for what is above all bounds."""
        self.sum = 0.0

    def read(self) -> tuple[list[int], float]:
        """For each bound, how many values were up to it, and lastly all; and the sum of all.

        What is being counted at this moment may be missing in one of the two.
        """
        return list(accumulate(list(self.counts))), self.sum


class Tally:
    """What the Server thread has counted since the start: it alone writes; any thread may read."""

    __slots__ = (
        "batches",
        "commits",
        "deliveries",
        "fan_outs",
        "joins_plain",
        "joins_typed",
        "not_stored",
        "notices",
        "slow",
        "stored",
    )

    def __init__(self) -> None:
        self.joins_plain = self.joins_typed = 0
        self.stored = self.not_stored = 0
        """Messages."""
        self.deliveries = 0
        """Messages that were put to users: each counts once for each user."""
        self.notices = 0
        """Likewise, whatever else was put to all users of a room at a time."""
        self.slow = 0
        """Users that were dropped because they did not read."""
        self.commits = Histogram(SECONDS)
        """Seconds of each transaction that stored messages."""
        self.batches = Histogram(MESSAGES)
        """Messages in each of these."""
        self.fan_outs = Histogram(SECONDS)
        """Seconds in which a room's part of a batch was put to its users."""

    def committed(self, messages: int, seconds: float) -> None:
        """So many messages were stored in one transaction."""
        self.stored += messages
        batches, commits = self.batches, self.commits
        batches.counts[bisect_left(MESSAGES, messages)] += 1
        batches.sum += messages
        commits.counts[bisect_left(SECONDS, seconds)] += 1
        commits.sum += seconds

    def fanned_out(self, deliveries: int, seconds: float) -> None:
        """A room's messages were put to its users."""
        self.deliveries += deliveries
        fan_outs = self.fan_outs
        fan_outs.counts[bisect_left(SECONDS, seconds)] += 1
        fan_outs.sum += seconds


class Counts:
    """How often each of a few things has happened. Any thread: for what is rare, or dear anyway.

    Args:
        known: those of which it is said that they have not happened yet.
    """

    # Rule: _lock guards _counts.

    def __init__(self, *known: str) -> None:
        self._counts = dict.fromkeys(known, 0)
        self._lock = threading.Lock()

    def put(self, what: str) -> None:
        """It has happened once more. ``what`` is one of few words, and never what a client says."""
        with self._lock:
            self._counts[what] = self._counts.get(what, 0) + 1

    def read(self) -> dict[str, int]:
        """How often each has happened."""
        with self._lock:
            return dict(self._counts)
