"""Waiting for a fact, with a deadline."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from typing import TypeVar

DEADLINE = 20.0
"""Seconds in which whatever a test waits for must have come true."""

A_MINUTE = 60.0
"""In which what is removed is overwritten: whatever does that looks every ten seconds, and may
have to look twice."""

SHORTEST, LONGEST = 0.01, 0.05
"""Seconds between two looks: the longer it takes, the longer, since each look costs something."""

T = TypeVar("T")


def wait_for(fact: Callable[[], T], what: str, timeout: float = DEADLINE) -> T:
    """Wait until ``fact()`` is true and return it; fail with ``what`` was missing."""
    deadline = time.monotonic() + timeout
    pause = SHORTEST
    while not (found := fact()):
        assert time.monotonic() < deadline, f"not within {timeout:.0f} s: {what}"
        select.select([], [], [], pause)
        pause = min(pause * 1.5, LONGEST)
    return found
