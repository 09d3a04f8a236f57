"""What was measured, and what the simulation makes of the same: see ``scenarios.two``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.results import Result, newest_file
from benchmarks.scenarios.rooms import PACES, WINDOW
from benchmarks.scenarios.two import PACE, PHASES, SENDERS, SINGLE
from benchmarks.simulation.costs import Costs
from benchmarks.simulation.room import Setting, simulate
from benchmarks.subjects import BY_NAME

SPEED = ("messages_per_s",)
PARTS = ("process_us_per_message", "engine_us_per_message")
TIMES = ("own_p50_ms", "other_p50_ms")


@dataclass(frozen=True)
class Point:
    """One figure, as it was measured and as it is simulated."""

    subject: str
    scenario: str
    case: str
    key: str
    measured: float
    simulated: float

    @property
    def ratio(self) -> float:
        """1 is perfect."""
        return self.simulated / self.measured


@dataclass(frozen=True)
class Case:
    """Something that was measured, and what is simulated to be compared with it."""

    scenario: str
    name: str
    subject: str
    setting: Setting


def cases() -> Iterator[Case]:
    """One process with SQLite in rooms of all sizes; and what two processes were measured with."""
    for users, rate in PACES.items():
        name = f"N={users}"
        paced = Setting(1, users, rate=rate, has_engine=False)
        full = Setting(1, users, under_way=WINDOW * SENDERS, has_engine=False)
        yield Case("paced", name, SINGLE, paced)
        yield Case("saturated", name, SINGLE, full)
    for users, phases in PHASES.items():
        for scenario, name, _, under_way in phases:
            for subject in (SINGLE, "us-one", "us-two"):
                setting = Setting(
                    BY_NAME[subject].processes,
                    users,
                    SENDERS,
                    under_way,
                    rate=0 if under_way else PACE,
                    has_engine=bool(BY_NAME[subject].engine),
                )
                yield Case(scenario, name, subject, setting)


def measured() -> Result:
    """The newest full run."""
    return Result.load(newest_file("full"))


def points(result: Result, costs: Costs) -> list[Point]:
    """Each figure that both have."""
    found = []
    for case in cases():
        real = _figures(result, case)
        made = simulate(case.setting, costs)
        times = TIMES if case.setting.processes > 1 else TIMES[:1]  # "other" is another process
        for key in (*PARTS, *(SPEED if case.setting.under_way else times)):
            value = real.get(key)
            if value:
                found.append(Point(case.subject, case.scenario, case.name, key, value, made[key]))
    return found


def _figures(result: Result, case: Case) -> dict[str, float]:
    def median(key: str) -> float:
        return result.median(case.scenario, case.name, case.subject, key) or 0.0

    users = case.setting.users
    engine = median("engine_us_per_message")
    return {
        "messages_per_s": median("deliveries_per_s") / users,
        "process_us_per_message": median("cpu_us_per_delivery") * users - engine,
        "engine_us_per_message": engine,
        "own_p50_ms": median("own_p50_ms") or median("p50_ms"),
        "other_p50_ms": median("other_p50_ms"),
    }
