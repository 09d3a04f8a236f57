"""A token bucket: what somebody may spend at once, and how fast that grows back."""

from __future__ import annotations

import time


class Budget:
    """Owned by one thread. Kept as one time, the way the generic cell rate algorithm does.

    Args:
        rate: units that grow back in a second.
        burst: units that can be spent at once.
    """

    __slots__ = ("_burst", "_paid_until", "_rate")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst / rate  # seconds
        self._paid_until = 0.0  # monotonic; in the past: the budget is whole

    @property
    def is_whole(self) -> bool:
        """Nothing is spent, or all of it has grown back."""
        return self._paid_until <= time.monotonic()

    def spend(self, units: float) -> float:
        """Spend them; returns the seconds until the debt that this makes is paid, 0 for none."""
        now = time.monotonic()
        self._paid_until = max(self._paid_until, now) + units / self._rate
        return max(0.0, self._paid_until - now - self._burst)

    def try_to_spend(self, units: float) -> bool:
        """Spend them, unless that would make a debt."""
        now = time.monotonic()
        paid_until = max(self._paid_until, now) + units / self._rate
        if paid_until - now > self._burst:
            return False
        self._paid_until = paid_until
        return True
