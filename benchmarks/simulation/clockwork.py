"""A clock that jumps from event to event, and what has to be waited for.

An activity is a generator. It yields seconds, to let them pass, or a ``Resource``, to hold a place
of it from then on, until ``release``.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Generator

Activity = Generator["float | Resource", None, None]


class Resource:
    """Places that are given out in the order in which they were asked for.

    Args:
        clockwork: wakes whoever waits.
        places: how many there are.
    """

    def __init__(self, clockwork: Clockwork, places: int = 1) -> None:
        self._clockwork = clockwork
        self._free = places
        self._waiting: deque[Activity] = deque()

    def ask(self, activity: Activity) -> None:
        """Let the activity go on as soon as it holds a place."""
        if self._free:
            self._free -= 1
            self._clockwork.wake(activity)
        else:
            self._waiting.append(activity)

    def release(self) -> None:
        """Give a place back, or on to whoever has waited longest."""
        if self._waiting:
            self._clockwork.wake(self._waiting.popleft())
        else:
            self._free += 1


class Clockwork:
    """Runs activities; ``now`` is in seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Activity]] = []
        self._order = itertools.count()

    def wake(self, activity: Activity, after: float = 0.0) -> None:
        """Let it begin, or go on, so many seconds from now."""
        heapq.heappush(self._due, (self.now + after, next(self._order), activity))

    def run(self, until: float) -> None:
        """Let time pass up to then."""
        while self._due and self._due[0][0] <= until:
            self.now, _, activity = heapq.heappop(self._due)
            for wanted in activity:
                if isinstance(wanted, Resource):
                    wanted.ask(activity)
                else:
                    self.wake(activity, wanted)
                break
        self.now = until
