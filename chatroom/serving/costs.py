"""What a user, a thread for plain HTTP, and the program itself take of a limited resource."""

from __future__ import annotations

import os
from typing import NamedTuple

from chatroom.serving.demands import LEAST_WAITING

DESCRIPTORS_PER_USER = 1
THREADS_PER_USER = 2
MAPS_PER_USER = 6
"""Memory maps: 3 per thread. Its stack, the guard page below it, and from Python 3.11 on the first
16 KiB for its frames, which Linux since 6.7 no longer merges with a stack smaller than the default
8 MiB. Measured with 10000 threads: 2.0 on Python 3.10, 3.0 on 3.11
to 3.13 with a stack of 256 KiB, 2.0 on each with the default stack."""

DESCRIPTORS_PER_SPARE = 4
"""A thread kept for plain HTTP has a socket and a reader of the history: SQLite's three files."""
THREADS_PER_SPARE = 1
MAPS_PER_SPARE = 3

MEMORY_PER_USER = 95
"""KiB: 50 of the process, and 45 of the kernel for two threads and a socket, which a cgroup counts
as well. Measured with 10,000 users who had come back; their queues are not in it."""
MEMORY_PER_SPARE = 64
ADDRESSES_PER_USER = 552
"""KiB of address space: two stacks of 256, and what else an unused thread maps (see above)."""
ADDRESSES_PER_SPARE = 276

DESCRIPTOR_HEADROOM = 64
"""Standard streams, log, listening sockets, the writer of the history, gunicorn's pipes."""
THREAD_HEADROOM = 64
"""The Server, gunicorn's own, and whatever else starts on the machine."""
MAP_HEADROOM = 1024
"""Libraries, the heap, large messages."""
MAPS_PER_CORE = 16
"""glibc spreads threads over up to 8 arenas per core, of two maps each."""
MEMORY_HEADROOM = 128 * 1024
"""KiB: the program in both processes, its caches, and what is on its way. Counted once for each
worker, which allows for what several of them have of the master's."""
ADDRESS_HEADROOM = 256 * 1024
ADDRESSES_PER_CORE = 8 * 64 * 1024
"""glibc reserves 64 MiB for each arena."""


class Limit(NamedTuple):
    """One limit of the machine, and how much of it a user takes."""

    resource: str
    amount: int
    cause: str
    """What sets the amount, and where to change it."""
    taken: int
    """How much others have already."""
    headroom: int
    """How much the program needs without users; each of its workers does."""
    per_user: int
    per_spare: int
    """How much a thread kept for plain HTTP takes."""
    is_shared: bool = False
    """All workers take from it; otherwise, each has as much."""

    def users(self, spare: int, workers: int = 1) -> int:
        """How many users fit into each worker, next to ``spare`` threads for plain HTTP; 0 if not
        even those fit."""
        left = (self.amount - self.taken) // (workers if self.is_shared else 1)
        return max(0, (left - self.headroom - spare * self.per_spare) // self.per_user)


def descriptors(amount: int, cause: str) -> Limit:
    """A limit on this process's descriptors, of which each waiting connection takes one."""
    per = DESCRIPTORS_PER_USER, DESCRIPTORS_PER_SPARE
    return Limit("descriptors", amount, cause, 0, DESCRIPTOR_HEADROOM + LEAST_WAITING, *per)


def threads(amount: int, cause: str, taken: int = 0) -> Limit:
    """A limit on threads, of which ``taken`` run already."""
    per = THREADS_PER_USER, THREADS_PER_SPARE
    return Limit("threads", amount, cause, taken, THREAD_HEADROOM, *per, is_shared=True)


def maps(amount: int, cause: str, taken: int = 0) -> Limit:
    """A limit on this process's memory maps, of which it has ``taken`` already."""
    headroom = MAP_HEADROOM + MAPS_PER_CORE * (os.cpu_count() or 1)
    return Limit("memory maps", amount, cause, taken, headroom, MAPS_PER_USER, MAPS_PER_SPARE)


def memory(amount: int, cause: str) -> Limit:
    """A limit on memory, in KiB, the kernel's included."""
    per = MEMORY_PER_USER, MEMORY_PER_SPARE
    return Limit("memory", amount, cause, 0, MEMORY_HEADROOM, *per, is_shared=True)


def addresses(amount: int, cause: str) -> Limit:
    """A limit on this process's address space, in KiB."""
    headroom = ADDRESS_HEADROOM + ADDRESSES_PER_CORE * (os.cpu_count() or 1)
    per = ADDRESSES_PER_USER, ADDRESSES_PER_SPARE
    return Limit("address space", amount, cause, 0, headroom, *per)
