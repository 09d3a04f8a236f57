"""The targets, and whether a run reaches them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.figures import TIMES, written
from benchmarks.results import Result
from benchmarks.subjects import is_of_two, reference_of

Value = Callable[[Result], float | None]


@dataclass(frozen=True)
class Target:
    """One row of the table of targets."""

    what: str
    value: Value
    at_least: float
    aim: float
    unit: str = TIMES
    higher_is_better: bool = False

    def reaches(self, value: float, wanted: float) -> bool:
        """Whether the value is as good as wanted."""
        return value >= wanted if self.higher_is_better else value <= wanted


def _ratio(key: str, scenario: str, case: str, subject: str, to: str = "") -> Value:
    def value(result: Result) -> float | None:
        ours = result.median(scenario, case, subject, key)
        theirs = result.median(scenario, case, to or reference_of(scenario), key)
        return ours / theirs if ours and theirs else None

    return value


def _plain(key: str, scenario: str, case: str, subject: str) -> Value:
    return lambda result: result.median(scenario, case, subject, key)


CPU = "cpu_us_per_delivery"
RATE = "deliveries_per_s"
SAID = "messages_per_s"
FLASK, CHANNELS = "flask-socketio-redis", "channels-redis"

TARGETS = (
    Target(
        "saturated deliveries/s, N=90, FULL",
        _ratio(RATE, "saturated", "N=90", "us-full"),
        1.5,
        2,
        higher_is_better=True,
    ),
    Target(
        "saturated deliveries/s, N=1000, FULL",
        _ratio(RATE, "saturated", "N=1000", "us-full"),
        5,
        6,
        higher_is_better=True,
    ),
    Target("paced CPU/delivery, N=90, FULL", _ratio(CPU, "paced", "N=90", "us-full"), 1, 0.9),
    Target(
        "paced CPU/delivery, N=90, NORMAL", _ratio(CPU, "paced", "N=90", "us-normal"), 1.1, 0.85
    ),
    Target(
        "paced CPU/delivery, N=1000, FULL", _ratio(CPU, "paced", "N=1000", "us-full"), 0.65, 0.6
    ),
    Target("paced CPU/delivery, N=10, NORMAL", _ratio(CPU, "paced", "N=10", "us-normal"), 1.3, 1.1),
    Target("paced latency p99, N=90, FULL", _ratio("p99_ms", "paced", "N=90", "us-full"), 2, 1),
    Target("paced latency p99, N=1000, FULL", _ratio("p99_ms", "paced", "N=1000", "us-full"), 2, 1),
    Target(
        "CPU/delivery over the C floor, N=1000 paced, FULL",
        _ratio(CPU, "paced", "N=1000", "us-full", to="floor"),
        1.5,
        1.2,
    ),
    Target(
        "memory per user, 10,000 connected, plain",
        _plain("memory_kb_per_user", "crowd", "N=10000", "us-full"),
        50,
        40,
        "kB",
    ),
    Target(
        "CPU per joining user, 500 past messages",
        _plain("cpu_ms_per_user", "joining", "N=1000", "us-full"),
        2.5,
        1,
        "ms",
    ),
    Target(
        "memory per user, 10,000 connected, typed",
        _plain("memory_kb_per_user", "crowd", "N=10000", "us-typed"),
        55,
        45,
        "kB",
    ),
    Target(
        "one message reaches 10,000 users, p99, FULL",
        _ratio("p99_ms", "crowd", "N=10000", "us-full"),
        2,
        1,
    ),
    *(
        Target(
            f"CPU per join over the bare two threads, {what}",
            _ratio("cpu_ms_per_user", "joining", "N=2000, nothing past", subject, to="bare-join"),
            at_least,
            aim,
        )
        for what, subject, at_least, aim in (
            ("plain", "us-full", 2.5, 1.7),
            ("typed", "us-typed", 3, 2),
        )
    ),
    Target(
        "10,000 typed users back after a restart",
        _plain("seconds", "returning", "N=10000", "us-typed"),
        20,
        10,
        "s",
    ),
    *(
        Target(
            f"saturated deliveries/s, {case}, typed to plain",
            _ratio(RATE, "saturated", case, "us-typed", to="us-full"),
            0.85,
            0.95,
            higher_is_better=True,
        )
        for case in ("N=90", "N=1000")
    ),
    *(
        Target(
            f"paced CPU/delivery, {case}, typed to plain",
            _ratio(CPU, "paced", case, "us-typed", to="us-full"),
            1.1,
            1.03,
        )
        for case in ("N=10", "N=90", "N=1000")
    ),
)


TARGETS_OF_TWO = (
    Target(
        "CPU/delivery, 25 clients each, saturated",
        _ratio(CPU, "two-saturated", "25 clients each, 128 under way", "us-two"),
        0.8,
        0.5,
    ),
    Target(
        "messages/s, 32 under way",
        _ratio(SAID, "two-saturated", "4 clients each, 32 under way", "us-two"),
        1,
        1.5,
        higher_is_better=True,
    ),
    Target(
        "messages/s, 256 under way",
        _ratio(SAID, "two-saturated", "4 clients each, 256 under way", "us-two"),
        1.3,
        2,
        higher_is_better=True,
    ),
    Target(
        "latency p50 to the other one, 200/s",
        _ratio("other_p50_ms", "two-paced", "4 clients each, 200/s", "us-two"),
        1.3,
        1,
    ),
    Target(
        "latency p99 to the other one, 200/s",
        _ratio("other_p99_ms", "two-paced", "4 clients each, 200/s", "us-two"),
        2,
        1,
    ),
    Target(
        "messages/s to Flask-SocketIO's, 32 under way",
        _ratio(SAID, "two-saturated", "4 clients each, 32 under way", "us-two", FLASK),
        4,
        6,
        higher_is_better=True,
    ),
    Target(
        "messages/s to Channels', 32 under way",
        _ratio(SAID, "two-saturated", "4 clients each, 32 under way", "us-two", CHANNELS),
        6,
        10,
        higher_is_better=True,
    ),
    Target(
        "users/s joining, to one process with SQLite",
        _ratio("users_per_s", "two-joining", "N=1000", "us-two", "us-full"),
        1.2,
        1.6,
        higher_is_better=True,
    ),
    Target(
        "four idle processes: CPU of each",
        _plain("process_percent", "two-idle", "4 processes", "us-two"),
        0.5,
        0.5,
        "%",
    ),
    Target(
        "four idle processes: CPU of PostgreSQL",
        _plain("engine_percent", "two-idle", "4 processes", "us-two"),
        1,
        1,
        "%",
    ),
)
"""Two processes that serve one room; where nothing else is said, ratios to socket.io's."""


@dataclass(frozen=True)
class Verdict:
    """A target, and how far a run came."""

    target: Target
    value: float | None

    @property
    def words(self) -> str:
        """For the table."""
        if self.value is None:
            return "not measured"
        if self.target.reaches(self.value, self.target.aim):
            return "aim reached"
        if self.target.reaches(self.value, self.target.at_least):
            return "reached"
        return "NOT REACHED"

    def cells(self) -> list[str]:
        """What, measured, at least, aim, verdict."""
        target = self.target
        sign = "≥" if target.higher_is_better else "≤"
        measured = "-" if self.value is None else f"{written(self.value)} {target.unit}"
        wanted = [f"{sign} {bound:g} {target.unit}" for bound in (target.at_least, target.aim)]
        return [target.what, measured, *wanted, self.words]


def verdicts(result: Result) -> list[Verdict]:
    """All targets of what the run was to measure."""
    scenarios = {str(row["scenario"]) for row in result.rows}
    has_two = any(is_of_two(name) for name in scenarios)
    has_one = any(not is_of_two(name) for name in scenarios)
    targets = [*(TARGETS if has_one else ()), *(TARGETS_OF_TWO if has_two else ())]
    return [Verdict(target, target.value(result)) for target in targets]
