"""``python -m benchmarks.simulation``: first what was measured, then what was not."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.figures import written
from benchmarks.results import Result
from benchmarks.simulation.costs import Costs
from benchmarks.simulation.fit import fit
from benchmarks.simulation.people import Habits, needs
from benchmarks.simulation.points import measured, points
from benchmarks.simulation.room import Setting, simulate
from benchmarks.subjects import title_of
from benchmarks.tables import aligned

CROWDS = (10_000, 100_000, 1_000_000)
SPEAKING = (1, 2, 4, 8, 16)
"""Processes of which somebody speaks in the same room."""
COMMITS = (("disk here", 0.0), ("1 ms away", 0.001), ("30 ms away", 0.030))
"""What a commit takes besides the disk: nothing, the next machine, a standby far away."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description=__doc__)
    parser.add_argument("--fit", action="store_true", help="find the costs anew")
    parser.add_argument("--results", type=Path, help="a run's file; default: the newest")
    options = parser.parse_args(arguments)
    result = Result.load(options.results) if options.results else measured()
    costs = Costs()
    if options.fit:
        costs = fit(result, costs)
        print("\n".join(f"{name}: {value:.3g}" for name, value in asdict(costs).items()))
    print("\n\n".join(tables(result, costs).values()))
    return 0


def tables(result: Result, costs: Costs) -> dict[str, str]:
    """By name, as the documentation shows them."""
    return {
        "points": points_table(result, costs),
        "people": people_table(costs),
        "hot room": hot_room_table(costs),
    }


def points_table(result: Result, costs: Costs) -> str:
    """Measured and simulated, side by side."""
    rows = [["Measured, and simulated", "figure", "measured", "simulated", "ratio"]]
    for point in points(result, costs):
        where = f"{title_of(point.subject)}, {point.case}"
        numbers = [written(point.measured), written(point.simulated), f"{point.ratio:.2f}"]
        rows.append([where, point.key.replace("_", " "), *numbers])
    return aligned(rows)


def people_table(costs: Costs) -> str:
    """What so many people need, with and without affinity."""
    heads = ["People", "databases", "processes", "cores", "engines' cores", "GB", "messages/s"]
    heads += ["commits/s each", "NOTIFY/s each", "of at most", "connections each"]
    rows = [heads]
    for affinity in (False, True):
        for people in CROWDS:
            found = needs(people, costs, affinity=affinity)
            rows.append(
                [
                    f"{people:,}" + (", a room at one process" if affinity else ""),
                    str(found.databases),
                    str(found.processes),
                    f"{found.cores:.1f}",
                    f"{found.engine_cores:.1f}",
                    f"{found.memory_gb:.1f}",
                    written(found.messages_per_s),
                    written(found.commits_per_s),
                    written(found.notifications_per_s),
                    written(found.notifications_at_most),
                    str(found.connections),
                ]
            )
    return f"{aligned(rows)}\n{habits_words(Habits())}"


def habits_words(habits: Habits) -> str:
    """What was assumed."""
    return (
        f"Assumed: {habits.room} people in a room, each says something every "
        f"{habits.says_every:.0f} s and comes anew every {habits.stays:.0f} s; "
        f"the worst minute has {habits.peak:g} times as much."
    )


def hot_room_table(costs: Costs) -> str:
    """What one room can carry, however many processes and cores there are."""
    heads = ["One room, 256 messages under way", *(f"messages/s, {x}" for x, _ in COMMITS)]
    heads += [f"own p50 ms, {x}" for x, _ in COMMITS]
    rows = [heads]
    for processes in SPEAKING:
        found = [
            simulate(
                Setting(
                    processes,
                    users=16 * processes,
                    senders=32,
                    under_way=256,
                    cores=2 * processes + 8,
                    far=far,
                    has_load=False,
                    seconds=1.0 + 60 * far,
                ),
                costs,
            )
            for _, far in COMMITS
        ]
        label = f"{processes} process{'es' if processes > 1 else ''}"
        rates = [written(x["messages_per_s"]) for x in found]
        rows.append([label, *rates, *(written(x["own_p50_ms"]) for x in found)])
    return aligned(rows)


if __name__ == "__main__":
    sys.exit(main())
