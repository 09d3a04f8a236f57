"""Token buckets: what somebody may spend at once, and how fast that grows back."""

from __future__ import annotations

import math
import time

from chatroom.addresses import neighbourhood

TIDY_AT = 1000
"""Addresses at which those are forgotten that have spent nothing lately."""


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

    def spend(self, units: float, patience: float = math.inf) -> float:
        """Spend them, unless it would take more than ``patience`` seconds to pay the debt.

        Returns:
            These seconds; 0 for no debt.
        """
        now = time.monotonic()
        paid_until = max(self._paid_until, now) + units / self._rate
        seconds = max(0.0, paid_until - now - self._burst)
        if seconds <= patience:
            self._paid_until = paid_until
        return seconds

    def covers(self, units: float) -> bool:
        """Whether they can be spent without making a debt."""
        return self.seconds_until(units) <= 0

    def seconds_until(self, units: float) -> float:
        """Until they can; 0 or less for now."""
        now = time.monotonic()
        return max(self._paid_until, now) + units / self._rate - now - self._burst

    def give_back(self, units: float) -> None:
        """They were not spent after all."""
        self._paid_until -= units / self._rate

    def try_to_spend(self, units: float) -> bool:
        """Spend them, unless that would make a debt."""
        return not self.spend(units, patience=0.0)


class Budgets:
    """One budget for each address. Owned by one thread, or its owner locks.

    Args:
        rate: as for ``Budget``, like the next one.
        burst: see there.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._known: dict[str, Budget] = {}
        self._tidy_at = TIDY_AT

    def __len__(self) -> int:
        return len(self._known)

    def of(self, address: str) -> Budget:
        """The budget of a client there."""
        return self.of_key(neighbourhood(address))

    def of_key(self, key: str) -> Budget:
        """The budget of whatever is called so."""
        if key not in self._known:
            if len(self._known) >= self._tidy_at:
                self._tidy()
            self._known[key] = Budget(self._rate, self._burst)
        return self._known[key]

    def _tidy(self) -> None:
        self._known = {key: one for key, one in self._known.items() if not one.is_whole}
        self._tidy_at = max(TIDY_AT, 2 * len(self._known))
