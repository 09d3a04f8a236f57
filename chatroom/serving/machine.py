"""What this machine can carry: how many users fit under its limits.

A process that hits one of them later fails with "can't start new thread" or "Too many open
files". So they are read once at the start; if they are too low for the settings, the reason names
the limit and where to raise it.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from chatroom.serving.costs import Limit, addresses, descriptors, maps, memory, threads
from chatroom.serving.demands import LEAST_WAITING, MOST_WAITING

NO_LIMIT = sys.maxsize

UNLIMITED = 1 << 60
"""Bytes: version 1 of cgroups writes some number above that in place of no limit."""


class Carried(NamedTuple):
    """How many users the machine can carry; ``reason`` is empty if that's as many as wanted."""

    users: int
    reason: str


def affordable_users(
    wanted: int, reserve: int, limits: Sequence[Limit] | None = None, workers: int = 1
) -> Carried:
    """How many of the ``wanted`` users each worker can carry here, and why not all.

    Call it after ``raise_descriptor_limit``, before the first user's thread.

    Args:
        wanted: the setting ``maxUsers``.
        reserve: threads kept for plain HTTP, in addition to the users' own.
        limits: by default the machine's own.
        workers: how many there are to be.
    """
    if limits is None:
        limits = machine_limits()
    tightest = min(limits, key=lambda limit: limit.users(reserve, workers), default=None)
    if tightest is None or tightest.users(reserve, workers) >= wanted:
        return Carried(wanted, "")
    among = f", for {workers} workers" if tightest.is_shared and workers > 1 else ""
    reason = f"{tightest.resource}: {tightest.cause}{among}"
    return Carried(tightest.users(reserve, workers), reason)


def raise_descriptor_limit() -> int:
    """Raise this process's soft limit on descriptors as far as possible, and return it.

    ``NO_LIMIT`` if there is none. The limit applies to the whole process; children inherit it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS reports an infinite hard limit, but refuses to set it; Linux refuses anything above
    # fs.nr_open, even a hard limit that dates from before fs.nr_open was lowered.
    for amount in (hard, 1 << 20, 1 << 16, 10_240):
        if amount != resource.RLIM_INFINITY and amount <= soft:
            break
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (amount, hard))
        except (OSError, ValueError):
            continue
        soft = amount
        break
    return NO_LIMIT if soft == resource.RLIM_INFINITY else soft


def machine_limits(root: Path = Path("/")) -> list[Limit]:
    """The limits that apply to this process now; those that cannot be read are left out.

    Args:
        root: the folder that contains ``proc`` and ``sys``.
    """
    return [*_process_limits(root), *_kernel_limits(root), *_cgroup_limits(root)]


def _process_limits(root: Path) -> Iterator[Limit]:
    amount, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if amount != resource.RLIM_INFINITY:
        yield descriptors(amount, f"the {'hard ' * (amount == hard)}limit is {amount} (ulimit -n)")
    amount, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    # Only Linux counts threads here, others count processes; root is exempt.
    if sys.platform == "linux" and amount != resource.RLIM_INFINITY and os.getuid() != 0:
        taken = threads_of_user(root, os.getuid())
        yield threads(amount, f"this user's limit is {amount} (ulimit -u)", taken)
    amount, _ = resource.getrlimit(resource.RLIMIT_AS)
    if amount != resource.RLIM_INFINITY:
        yield addresses(amount // 1024, f"the limit is {amount >> 20} MiB (ulimit -v)")


def _kernel_limits(root: Path) -> Iterator[Limit]:
    kernel = root / "proc/sys/kernel"
    taken = _threads_on_machine(root)
    for name in "threads-max", "pid_max":
        amount = _number(kernel / name)
        if amount is not None:
            yield threads(amount, f"kernel.{name} is {amount} (sysctl)", taken)
    amount = _number(root / "proc/sys/vm/max_map_count")
    if amount is not None:
        taken = _text(root / "proc/self/maps").count("\n")
        yield maps(amount, f"vm.max_map_count is {amount} (sysctl)", taken)


def _cgroup_limits(root: Path) -> Iterator[Limit]:
    for folder in _cgroups(root, "pids"):
        amount = _number(folder / "pids.max")  # None for "max", which is no limit
        if amount is not None:
            taken = _number(folder / "pids.current") or 0
            cause = f"the cgroup's limit is {amount} (pids.max, systemd's TasksMax)"
            yield threads(amount, cause, taken)
    for folder in _cgroups(root, "memory"):
        for name in "memory.max", "memory.limit_in_bytes":  # versions 2 and 1
            amount = _number(folder / name)
            if amount is not None and amount < UNLIMITED:
                cause = f"the cgroup's limit is {amount >> 20} MiB ({name}, systemd's MemoryMax)"
                yield memory(amount // 1024, cause)


def _cgroups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of this process's cgroup and all its ancestors.

    A container may see its own cgroup as the root of the mount while ``proc/self/cgroup`` still
    has the host's path: hence all the way up from there, using whatever exists.
    """
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            mounts = [root / "sys/fs/cgroup", root / "sys/fs/cgroup/unified"]  # version 2
        elif controller in controllers.split(","):
            mounts = [root / "sys/fs/cgroup" / controller]
        else:
            continue
        for mount in mounts:
            own = mount / path.strip("/")
            yield from [own, *own.parents][: len(Path(path).parts)]


def waiting_places(users: int, spare: int) -> int:
    """How many connections may wait, next to so many users and threads for plain HTTP."""
    limit = descriptors(raise_descriptor_limit(), "")
    left = limit.amount - limit.headroom - users * limit.per_user - spare * limit.per_spare
    return max(LEAST_WAITING, min(LEAST_WAITING + left, MOST_WAITING))


def threads_of_user(root: Path, uid: int) -> int:
    """How many threads the user runs in all its processes; approximate, as they come and go."""
    count = 0
    for tasks in root.glob("proc/[0-9]*/task"):
        try:
            if tasks.stat().st_uid == uid:
                count += len(list(tasks.iterdir()))
        except OSError:  # the process has just ended
            continue
    return count


def _threads_on_machine(root: Path) -> int:
    """How many threads there are: the 4th field of loadavg is "running/all" (proc(5))."""
    fields = _text(root / "proc/loadavg").split()
    return int(fields[3].partition("/")[2]) if len(fields) > 3 else 0


def _number(path: Path) -> int | None:
    found = _text(path).strip()
    return int(found) if found.isdecimal() else None


def _text(path: Path) -> str:
    """The file's content; "" if it cannot be read (macOS, a restricted container)."""
    try:
        return path.read_text("utf-8", "surrogateescape")
    except OSError:
        return ""
