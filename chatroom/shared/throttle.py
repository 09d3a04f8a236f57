"""What would be logged too often."""

from __future__ import annotations

import logging
import math
import time

INTERVAL = 60.0
"""Seconds between two lines about the same."""


class Throttle:
    """One kind of line, logged at once, and then once in an interval at most. Used by one thread.

    Args:
        log: where it goes.
    """

    def __init__(self, log: logging.Logger, interval: float = INTERVAL) -> None:
        self._log = log
        self._interval = interval
        self._logged_at = -math.inf
        self._kept_back = 0

    def warning(self, text: str, *values: object) -> None:
        """Log it, with how many lines were kept back; or keep it back."""
        now = time.monotonic()
        if now < self._logged_at + self._interval:
            self._kept_back += 1
            return
        if self._kept_back:
            text, values = f"{text} (%d more since the last line)", (*values, self._kept_back)
        self._log.warning(text, *values)
        self._logged_at, self._kept_back = now, 0
