"""Huge pages for the program's memory.

Until the next message comes, the processor has forgotten where the pages are that it needs, and
looks up each of them again: hundreds of 4 KiB, and on a virtual machine twice over. A huge page, of
2 MiB, is looked up once.

The kernel makes them of pages that are in use already, as far as this is asked for; the few that
are not in use are all that they take in addition. Source: man 2 madvise, ``MADV_COLLAPSE`` (since
Linux 6.1); docs.kernel.org, "Transparent Hugepage Support" and "Examining Process Page Tables".
"""

from __future__ import annotations

import mmap
import os
import re
import threading
import time
from contextlib import suppress
from pathlib import Path

try:
    import ctypes
except ImportError:  # a Python that was built where libffi was missing
    ctypes = None  # type: ignore[assignment]

MADV_COLLAPSE = 25  # include/uapi/asm-generic/mman-common.h

KERNEL = Path("/sys/kernel/mm/transparent_hugepage")

PROCESS = Path("/proc/self")

OWN = 0x81
"""The highest byte of a page's entry in ``pagemap``, if it is in memory, and nobody shares it."""

LEAST_OWN = 7 / 8
"""The part of a huge page that has to be in use before. What several processes share is left to
them: each would have a copy."""

LOOK = 2.0
"""Seconds between two looks at whether there is more memory."""

PAUSE = 0.05
"""Seconds between two pages, in which others can speak: each takes the kernel up to 7 ms."""

MOST = 128 << 20
"""Bytes in memory with which it is left as it is. What a thousand users take, and hear for a tenth
less CPU, is less; with ten thousand, messages came no sooner, and later while it was done."""

ARENA = 1 << 20
"""Bytes that Python takes at once for small objects. Source: Objects/obmalloc.c."""

PIECE = 512
"""Bytes of the largest small object."""

_MAPPING = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) rw-p 0+ 00:00 0 *(?:\[heap\])?$")
_reserved: list[bytes] = []


def reserve(size: int) -> None:
    """Have Python take so many bytes for small objects that come later, as one piece of memory.

    Otherwise it takes a little at a time, among libraries and threads that come meanwhile, and
    hardly any two pieces are neighbours that make a huge page. What is never used is wasted.
    """
    objects = [bytes(PIECE - b"".__sizeof__()) for _ in range(size // PIECE)]
    _reserved.extend(objects[:: ARENA // PIECE // 2])  # for which Python keeps the rest of each


def gather(pause: float = 0.0) -> int:
    """Put this process's memory into huge pages, as far as it is in use. Other threads may run.

    Args:
        pause: seconds behind each page, for the others: it takes the kernel up to 7 ms.

    Returns:
        How many bytes are in huge pages now; 0 where there are none, or nobody can ask for them.
    """
    if ctypes is None or not KERNEL.exists():
        return 0
    gathered = 0
    with suppress(OSError, AttributeError):  # no Linux, or a libc without madvise
        huge = int((KERNEL / "hpage_pmd_size").read_text())
        madvise = ctypes.CDLL(None).madvise
        madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        with (PROCESS / "maps").open("rb") as maps, (PROCESS / "pagemap").open("rb") as pagemap:
            for line in maps:  # thousands, with a crowd; each read lets go of the interpreter
                if mapping := _MAPPING.match(line):
                    first, end = int(mapping[1], 16), int(mapping[2], 16)
                    for start in range(-(-first // huge) * huge, end - huge + 1, huge):
                        if _is_in_use(pagemap.fileno(), start, huge):
                            gathered += huge * (madvise(start, huge, MADV_COLLAPSE) == 0)
                            time.sleep(pause)
    return gathered


def _is_in_use(pagemap: int, start: int, size: int) -> bool:
    pages = size // mmap.PAGESIZE
    entries = os.pread(pagemap, 8 * pages, 8 * (start // mmap.PAGESIZE))
    return entries[7::8].count(OWN) >= LEAST_OWN * pages


def keep_gathering() -> threading.Thread | None:
    """Gather now and, on a thread of its own, whenever memory has grown and stays as it is.

    Returns:
        The thread; None where the machine's administrator, or its kernel, has no huge pages.
    """
    try:
        if "[never]" in (KERNEL / "enabled").read_text():
            return None
        huge = int((KERNEL / "hpage_pmd_size").read_text())
    except OSError:
        return None
    thread = threading.Thread(target=_keep_gathering, args=(huge,), name="pages", daemon=True)
    thread.start()
    return thread


def _keep_gathering(huge: int) -> None:
    gathered_at, before = 0, MOST  # at once
    while True:
        with suppress(OSError, MemoryError):  # short of descriptors, or of memory: the next time
            resident = _resident()
            if gathered_at + huge <= resident < min(before + huge, MOST):
                gather(PAUSE)
                resident = gathered_at = _resident()
            before = resident
        time.sleep(LOOK)


def _resident() -> int:
    """Bytes of this process that are in memory."""
    return int((PROCESS / "statm").read_text().split()[1]) * mmap.PAGESIZE
