"""A phase of a measurement, in one process of the load generator: speaking and listening."""

from __future__ import annotations

import gc
import select
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import proc
from benchmarks.load.receiving import Receiver, Sampler
from benchmarks.load.sending import Pace, Sender

LAG = 96
"""Messages by which any user may lag behind the first before all senders wait: a closed loop is
closed over everybody, else it measures whose buffers are the longest. Together with all windows
(128) it stays below the Go hub's 256 slots; beyond them, the hub drops the user."""


@dataclass(frozen=True)
class Plan:
    """One phase, the same for all processes. Times are CLOCK_MONOTONIC in ns."""

    start: int
    measure_from: int
    measure_to: int
    rate: float = 0.0
    """Messages a second of all senders together; 0: as many as the window admits."""
    window: int = 0
    """Messages that each sender has under way; 0 with rate 0: nobody speaks."""
    samples: int = 4
    """Sockets of each process whose deliveries are timed."""
    pids: tuple[int, ...] = ()
    """The server's, whose CPU clocks are read at the very moments of the counts."""
    engine_pids: tuple[int, ...] = ()
    """Those of what several servers share; likewise."""
    lag: int = LAG
    """See ``LAG``, for those that all have longer queues."""


class Phase:
    """One phase in one process.

    Args:
        plan: what to do, and when.
        index: of this process among the generator's.
        heard: shared by all: how many messages each process's last user has heard in this
            phase, then how many its first has.
        receiver: of this process's users.
        senders: those of them who speak.
    """

    def __init__(
        self,
        plan: Plan,
        index: int,
        heard: memoryview,
        receiver: Receiver,
        senders: Sequence[Sender],
    ) -> None:
        self._plan = plan
        self._index = index
        self._heard = heard
        self._workers = len(heard) // 2
        self._receiver = receiver
        self._senders = list(senders)
        self._samplers: list[Sampler] = []
        self._clocks: dict[int, int] = {}

    def run(self) -> dict[str, Any]:
        """One phase: speak and listen until its end, with a look at the clocks twice."""
        plan = self._plan
        self._watch()
        sent_before = sum(sender.sent for sender in self._senders)
        pace = Pace(plan.start, plan.rate, self._index, self._workers) if plan.rate else None
        looks: list[dict[str, int]] = []
        gc.collect()
        gc.disable()
        while len(looks) < 2:
            now = time.monotonic_ns()
            if now >= (plan.measure_to if looks else plan.measure_from):
                looks.append(self._look())
            if now < plan.start:
                self._wait(plan.start - now)
            elif pace:
                self._keep_pace(pace, now, plan.measure_to)
            else:
                if plan.window and self._lag() < plan.lag:
                    for sender in self._senders:
                        sender.fill(plan.window)
                self._receiver.pump(0.02)
        gc.enable()
        sent = sum(sender.sent for sender in self._senders) - sent_before
        return {
            "sent": sent,
            "looks": looks,
            "late": pace.lateness if pace else [],
        }

    def _watch(self) -> None:
        self._receiver.reset()
        self._heard[self._index] = self._heard[self._workers + self._index] = 0
        fds = self._receiver.spread(self._plan.samples)
        self._samplers = [Sampler() for _ in fds]
        self._receiver.watch(fds, self._samplers)
        if self._plan.window:
            for sender in self._senders:
                sender.watch(self._receiver)

    def _lag(self) -> int:
        """Messages that some user has heard and some other has not, in whichever process."""
        counts = self._receiver.counts.values()
        self._heard[self._index] = min(counts)
        self._heard[self._workers + self._index] = max(counts)
        return max(self._heard) - min(self._heard[: self._workers])

    def _look(self) -> dict[str, int]:
        return {
            "at": time.monotonic_ns(),
            "server_cpu": self._cpu(self._plan.pids),
            "engine_cpu": self._cpu(self._plan.engine_pids),
            "own_cpu": time.process_time_ns(),
            "deliveries": sum(self._receiver.counts.values()),
            "sent": sum(sender.sent for sender in self._senders),
        }

    def _cpu(self, pids: tuple[int, ...]) -> int:
        if self._index:
            return 0
        self._clocks |= proc.clocks(pids)  # one that has ended meanwhile keeps what it had
        return sum(self._clocks.get(pid, 0) for pid in pids)

    def _keep_pace(self, pace: Pace, now: int, end: int) -> None:
        while pace.take(now):
            sender = self._senders.pop(0)
            self._senders.append(sender)  # they take turns
            sender.say()
        for sender in self._senders:
            if sender.blocked:
                sender.flush()
        self._wait(min(pace.due, end) - time.monotonic_ns())

    def _wait(self, nanoseconds: int) -> None:
        """Read what comes, for so long at most; select() keeps to the microsecond."""
        select.select([self._receiver], [], [], min(max(nanoseconds / 1e9, 0), 0.05))
        self._receiver.pump(0)

    def drain(self, expected: int, patience: float, seconds: float) -> dict[str, Any]:
        """Afterwards: wait for what is under way, until nothing comes for ``patience``.

        Args:
            expected: messages that each user is to have heard in the phase.
            patience: seconds.
            seconds: in which it must be over.
        """
        last = time.monotonic()
        deadline = last + seconds
        while self._missing(expected) and time.monotonic() < min(deadline, last + patience):
            for sender in self._senders:
                sender.flush()
            if self._receiver.pump(0.05):
                last = time.monotonic()
        begin, end = self._plan.measure_from, self._plan.measure_to
        delays: dict[bool, list[int]] = {True: [], False: []}
        for sampler in self._samplers:
            for sent, delay, sender in zip(
                sampler.sent, sampler.delays, sampler.senders, strict=True
            ):
                if begin <= sent < end:
                    delays[sender % self._workers == self._index].append(delay)
        counts = self._receiver.counts.values()
        return {
            "missing": self._missing(expected),
            "going_on": time.monotonic() < last + patience,
            "doubled": sum(max(0, count - expected) for count in counts),
            "delays": delays[True],
            "delays_of_others": delays[False],
            "orders": sorted({sampler.order for sampler in self._samplers}),
        }

    def _missing(self, expected: int) -> int:
        return sum(max(0, expected - count) for count in self._receiver.counts.values())
