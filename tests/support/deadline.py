"""Waiting for a fact, with a deadline."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from typing import TypeVar

DEADLINE = 20.0
"""Seconds in which whatever a test waits for must have come true."""

PAUSE = 0.02
"""Seconds between two looks."""

T = TypeVar("T")


def wait_for(fact: Callable[[], T], what: str, timeout: float = DEADLINE) -> T:
    """Wait until ``fact()`` is true and return it; fail with ``what`` was missing."""
    deadline = time.monotonic() + timeout
    while not (found := fact()):
        assert time.monotonic() < deadline, f"not within {timeout:.0f} s: {what}"
        select.select([], [], [], PAUSE)
    return found
