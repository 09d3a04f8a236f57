"""What was measured, and what the simulation makes of the same: see ``scenarios.two``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.publish import newest_file
from benchmarks.results import Result
from benchmarks.scenarios.two import PACE, PHASES, SENDERS, SINGLE
from benchmarks.simulation.costs import Costs
from benchmarks.simulation.room import Setting, simulate
from benchmarks.subjects import BY_NAME

SUBJECTS = (SINGLE, "us-one", "us-two")

SPEED = ("messages_per_s",)
PARTS = ("process_us_per_message", "engine_us_per_message")
TIMES = ("own_p50_ms", "other_p50_ms")


@dataclass(frozen=True)
class Point:
    """One figure, as it was measured and as it is simulated."""

    subject: str
    case: str
    key: str
    measured: float
    simulated: float

    @property
    def ratio(self) -> float:
        """1 is perfect."""
        return self.simulated / self.measured


def settings() -> Iterator[tuple[str, str, str, Setting]]:
    """Scenario, case, subject and setting of all that is compared."""
    for users, phases in PHASES.items():
        for scenario, case, _, under_way in phases:
            for name in SUBJECTS:
                subject = BY_NAME[name]
                yield (
                    scenario,
                    case,
                    name,
                    Setting(
                        subject.processes,
                        users,
                        SENDERS,
                        under_way,
                        rate=0 if under_way else PACE,
                        has_engine=bool(subject.engine),
                    ),
                )


def measured() -> Result:
    """The newest run with two processes."""
    return Result.load(newest_file("two"))


def points(result: Result, costs: Costs) -> list[Point]:
    """Each figure that both have."""
    found = []
    for scenario, case, subject, setting in settings():
        real = _figures(result, scenario, case, subject)
        if not real:
            continue
        made = simulate(setting, costs)
        keys = (*SPEED, *PARTS) if setting.under_way else (*PARTS, *TIMES)
        for key in keys:
            value = real.get(key)
            if value:
                found.append(Point(subject, case, key, value, made[key]))
    return found


def _figures(result: Result, scenario: str, case: str, subject: str) -> dict[str, float]:
    where = (scenario, case, subject)
    keys = (*SPEED, *TIMES, "cpu_us_per_message", "engine_us_per_message")
    found = {key: value for key in keys if (value := result.median(*where, key)) is not None}
    if "cpu_us_per_message" in found:
        engine = found.get("engine_us_per_message", 0.0)
        found["process_us_per_message"] = found["cpu_us_per_message"] - engine
    return found
