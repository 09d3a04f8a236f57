"""What something costs the processor, which a busy machine does not change, as it does a clock."""

from __future__ import annotations

import time
from collections.abc import Callable


def is_linear(work: Callable[[int], object], size: int) -> bool:
    """Whether work of eight times the size costs about eight times as much, and not 64 times."""
    return _seconds(work, 8 * size) < 24 * _seconds(work, size)


def _seconds(work: Callable[[int], object], size: int) -> float:
    """Of this thread on a processor, at best."""
    taken = []
    for _ in range(5):
        begin = time.thread_time()
        work(size)
        taken.append(time.thread_time() - begin)
    return min(taken)
