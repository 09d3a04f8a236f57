"""One arena of malloc for all threads.

glibc makes more of them, up to eight for each processor, so that threads need not wait for each
other. Here they wait for the interpreter anyway, and what is freed in one arena is of no use to the
threads of another. Source: man 3 mallopt, M_ARENA_MAX.
"""

from __future__ import annotations

import os

try:
    import ctypes
except ImportError:  # a Python that was built where libffi was missing
    ctypes = None  # type: ignore[assignment]

M_ARENA_MAX = -8  # malloc.h

VARIABLE = "MALLOC_ARENA_MAX"
"""By which whoever starts the program can have more."""


def share() -> bool:
    """Call it before there are threads.

    Returns:
        Whether it is so; False where malloc is not glibc's, or has its orders.
    """
    if ctypes is None or VARIABLE in os.environ:
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(M_ARENA_MAX, 1) == 1
