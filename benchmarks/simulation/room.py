"""One room over several processes: messages, batches, commits and hints, one by one.

It follows docs/architecture.md: a process has one batch under way; what is said meanwhile is the
next one. A batch holds the room's row lock while it is committed. Then it is sent to the process's
own users, and the other processes are told.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import median

from benchmarks.simulation.clockwork import Activity, Clockwork, Resource
from benchmarks.simulation.costs import Costs

LOADS = 2
"""Processes of the load generator; see ``load.generator``."""

WARM_UP = 0.3
"""Of the simulated time: what happens before does not count."""


@dataclass(frozen=True)
class Setting:
    """Who is where, and how much is said."""

    processes: int
    users: int
    """At all processes together."""
    senders: int = 8
    under_way: int = 0
    """Messages of all senders; 0: at a pace."""
    rate: float = 0.0
    """Messages a second of all senders."""
    has_engine: bool = True
    """PostgreSQL; else SQLite, in the one process."""
    cores: int = 2
    """Of the machine that everything runs on, the load as well."""
    far: float = 0.0
    """Seconds that a commit takes besides: a network, a standby that is waited for."""
    has_load: bool = True
    """The load generator runs on the same cores."""
    seconds: float = 0.5


@dataclass
class Found:
    """What came out of it, once the warm-up was over."""

    seconds: float
    messages: int = 0
    commits: int = 0
    process_us: float = 0.0
    engine_us: float = 0.0
    load_us: float = 0.0
    own: list[float] = field(default_factory=list)
    """Seconds until the users of the same process had a message."""
    others: list[float] = field(default_factory=list)
    """And those of another one."""

    def figures(self) -> dict[str, float]:
        """By the names that the benchmark has for them."""
        each = 1 / max(1, self.messages)
        return {
            "messages_per_s": self.messages / self.seconds,
            "process_us_per_message": self.process_us * each,
            "engine_us_per_message": self.engine_us * each,
            "load_cores": self.load_us / 1e6 / self.seconds,
            "own_p50_ms": median(self.own) * 1e3 if self.own else 0.0,
            "other_p50_ms": median(self.others) * 1e3 if self.others else 0.0,
            "batch": self.messages / max(1, self.commits),
        }


@dataclass
class _Said:
    sender: int
    at: float


class _Process:
    def __init__(self, clockwork: Clockwork, index: int, users: int) -> None:
        self.index = index
        self.users = users
        self.lock = Resource(clockwork)  # Python's own: one thread at a time
        self.waiting: list[_Said] = []
        self.is_busy = False


class Room:
    """One run.

    Args:
        setting: what is simulated.
        costs: of its steps.
    """

    def __init__(self, setting: Setting, costs: Costs) -> None:
        self._setting = setting
        self._costs = costs
        self._clock = Clockwork()
        self._cores = Resource(self._clock, setting.cores)
        self._row = Resource(self._clock)
        self._loads = [Resource(self._clock) for _ in range(LOADS)]
        share = setting.users // setting.processes
        self._processes = [_Process(self._clock, i, share) for i in range(setting.processes)]
        self._found = Found(setting.seconds * (1 - WARM_UP))

    def run(self) -> dict[str, float]:
        """Let people talk; see ``Found.figures``."""
        setting = self._setting
        if setting.under_way:
            for sender in range(setting.senders):
                self._clock.wake(self._say(sender, setting.under_way // setting.senders))
        else:
            self._clock.wake(self._keep_pace())
        self._clock.run(setting.seconds)
        return self._found.figures()

    @property
    def _counts(self) -> bool:
        return self._clock.now >= self._setting.seconds * WARM_UP

    def _work(self, who: Resource | None, what: str, microseconds: float) -> Activity:
        """Hold a core, and whoever it is, for so long."""
        if who:
            yield who
        yield self._cores
        yield microseconds / 1e6
        self._cores.release()
        if who:
            who.release()
        if self._counts:
            setattr(self._found, what, getattr(self._found, what) + microseconds)

    # -- the load --------------------------------------------------------------------------------

    def _keep_pace(self) -> Activity:
        sender = 0
        while True:
            self._clock.wake(self._say(sender % self._setting.senders, 1))
            sender += 1
            yield 1 / self._setting.rate

    def _say(self, sender: int, count: int) -> Activity:
        said = [_Said(sender, self._clock.now)] * count
        if self._setting.has_load:
            load = self._loads[sender % LOADS]
            yield from self._work(load, "load_us", count * self._costs.load_say)
        process = self._processes[sender % len(self._processes)]
        yield from self._work(process.lock, "process_us", count * self._costs.take)
        process.waiting += said
        if not process.is_busy:
            process.is_busy = True
            self._clock.wake(self._serve(process))

    def _read(self, process: _Process, batch: list[_Said], part: int, parts: int) -> Activity:
        """One of the load's processes reads a batch for its users, and says more."""
        if self._setting.has_load:
            load = self._loads[(process.index + part) % LOADS]
            cost = self._costs.load_read * process.users / parts
            yield from self._work(load, "load_us", cost)
        more: Counter[int] = Counter()
        for said in batch:
            if parts > 1 and said.sender % parts != part:
                continue
            is_own = said.sender % len(self._processes) == process.index
            if self._counts:
                into = self._found.own if is_own else self._found.others
                into.append(self._clock.now - said.at)
                self._found.messages += is_own
            more[said.sender] += is_own
        if self._setting.under_way:
            for sender, count in more.items():
                if count:
                    self._clock.wake(self._say(sender, count))

    # -- a process -------------------------------------------------------------------------------

    def _serve(self, process: _Process) -> Activity:
        costs = self._costs
        while process.waiting:
            yield costs.wake / 1e6
            batch, process.waiting = process.waiting, []
            kind = costs.ask if self._setting.has_engine else costs.commit
            cost = costs.batch + kind + len(batch) * costs.place
            yield from self._work(process.lock, "process_us", cost)
            if self._setting.has_engine:
                yield self._row
                cost = costs.engine + len(batch) * costs.store
                yield from self._work(None, "engine_us", cost)
            yield costs.fsync / 1e6 + self._setting.far
            if self._setting.has_engine:
                self._row.release()
            self._found.commits += self._counts
            if len(self._processes) > 1:
                self._clock.wake(self._tell(process, batch))
            yield from self._deliver(process, batch)
        process.is_busy = False

    def _deliver(self, process: _Process, batch: list[_Said]) -> Activity:
        costs = self._costs
        yield costs.wake / 1e6
        cost = process.users * (costs.send + len(batch) * costs.deliver)
        yield from self._work(process.lock, "process_us", cost)
        parts = LOADS if len(self._processes) == 1 else 1
        for part in range(parts):
            self._clock.wake(self._read(process, batch, part, parts))

    def _tell(self, process: _Process, batch: list[_Said]) -> Activity:
        costs = self._costs
        yield from self._work(process.lock, "process_us", costs.tell / 2)
        for other in self._processes:
            if other is not process:
                self._clock.wake(self._hear(other, batch))

    def _hear(self, process: _Process, batch: list[_Said]) -> Activity:
        costs = self._costs
        yield from self._work(None, "engine_us", costs.notify)
        cost = costs.tell / 2 + len(batch) * costs.hear
        yield from self._work(process.lock, "process_us", cost)
        yield from self._deliver(process, batch)


def simulate(setting: Setting, costs: Costs) -> dict[str, float]:
    """One run, from the beginning."""
    return Room(setting, costs).run()
