"""What the kernel knows of processes, and does for them: CPU, memory, threads, their end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import time
from collections.abc import Iterable
from pathlib import Path

KIB = 1024


def tree(pid: int) -> list[int]:
    """The process and all below it, as far as they were started by main threads."""
    pids = [pid]
    for parent in pids:
        try:
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        except OSError:
            continue
        pids += map(int, children.split())
    return pids


def cpu_ns(pids: list[int]) -> int:
    """Nanoseconds of CPU that all threads of these processes have used, ended ones as well.

    utime + stime of /proc/PID/stat come in steps of 10 ms; the process's own clock is the
    same sum, exact. Its number: include/linux/posix-timers.h, MAKE_PROCESS_CPUCLOCK.
    """
    return sum(clocks(pids).values())


def clocks(pids: Iterable[int]) -> dict[int, int]:
    """The same for each of them that is still there."""
    found = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            found[pid] = time.clock_gettime_ns(~pid << 3 | 2)
    return found


def die_with_parent() -> None:
    """Let this process be killed when its parent ends: kill -9 of the harness leaves nothing."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def memory(pids: list[int]) -> int:
    """Resident bytes: the proportional ones, since forked processes share pages."""
    return sum(_field(f"/proc/{pid}/smaps_rollup", "Pss") for pid in pids)


def peak_memory(pids: list[int]) -> int:
    """The most bytes that were resident at once since ``forget_peak``; sum of the processes."""
    return sum(_field(f"/proc/{pid}/status", "VmHWM") for pid in pids)


def forget_peak(pids: list[int]) -> None:
    """Let the peak start from what is resident now."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def threads(pids: list[int]) -> int:
    """How many threads they have."""
    return sum(len(os.listdir(f"/proc/{pid}/task")) for pid in pids)


def threads_on_machine() -> int:
    """Threads of all processes that this one can see."""
    return int(Path("/proc/loadavg").read_text().split()[3].split("/")[1])


def pid_max() -> int:
    """How many threads the kernel has numbers for."""
    return int(Path("/proc/sys/kernel/pid_max").read_text())


def _field(path: str, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path(path).read_text(), re.MULTILINE)
    return int(found[1]) * KIB if found else 0
