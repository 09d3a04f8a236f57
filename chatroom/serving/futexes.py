"""How the kernel finds the thread that it has to wake, among the thousands that wait.

Since Linux 6.16, each process has a hash table of its own for that, by default with four slots for
each processor, 16 at least: with ten thousand users, each slot would hold six hundred threads, and
whoever gives up the interpreter would wait until the kernel has looked through them. Source:
kernel/futex/core.c; man 2 PR_FUTEX_HASH.
"""

from __future__ import annotations

import sys

try:
    import ctypes
except ImportError:  # a Python that was built where libffi was missing
    ctypes = None  # type: ignore[assignment]

PR_FUTEX_HASH, SET_SLOTS, GET_SLOTS = 78, 1, 2  # include/uapi/linux/prctl.h


def spread(threads: int) -> int:
    """Give this process's table a slot for nearly each of so many threads that wait.

    A slot takes 64 bytes of the kernel's memory. Other threads may run meanwhile.

    Returns:
        How many slots there are now; 0 where the kernel has no such table, and all processes have
        one in common, of 256 slots for each processor; or where nobody can ask it.
    """
    if sys.platform != "linux" or ctypes is None:
        return 0
    prctl = ctypes.CDLL(None).prctl
    wanted = 1 << max(threads, 2).bit_length() - 1  # a power of two
    if prctl(PR_FUTEX_HASH, GET_SLOTS, 0, 0, 0) < wanted:
        prctl(PR_FUTEX_HASH, SET_SLOTS, wanted, 0, 0)
    return max(0, int(prctl(PR_FUTEX_HASH, GET_SLOTS, 0, 0, 0)))
