"""Calls that are due later, in a heap. Owned by one thread, which sleeps until the next."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable


class Timers:
    """Owned by one thread."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()  # calls due at the same time keep their order

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Schedule a call for so many seconds from now, or a little later."""
        heapq.heappush(self._heap, (time.monotonic() + seconds, next(self._numbers), call))

    def run(self) -> float | None:
        """Make the calls that are due by now.

        Returns:
            Seconds until the next one is; None if there is none.
        """
        now = time.monotonic()
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)[2]()
        return max(0.0, self._heap[0][0] - time.monotonic()) if self._heap else None
