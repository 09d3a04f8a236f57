"""The simulation's tables."""

from __future__ import annotations

from benchmarks.figures import written
from benchmarks.results import Result
from benchmarks.simulation.costs import Costs
from benchmarks.simulation.people import Habits, needs
from benchmarks.simulation.points import points
from benchmarks.simulation.room import Setting, simulate
from benchmarks.subjects import title_of
from benchmarks.tables import aligned

CROWDS = (10_000, 100_000, 1_000_000)
SPEAKING = (1, 2, 4, 8, 16)
"""Processes of which somebody speaks in the same room."""
COMMITS = (("disk here", 0.0), ("1 ms away", 0.001), ("30 ms away", 0.030))
"""What a commit takes besides the disk: nothing, the next machine, a standby far away."""


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
        kind = "saturated" if point.scenario.endswith("saturated") else "paced"
        where = f"{title_of(point.subject)}, {kind}, {point.case}"
        numbers = [written(point.measured), written(point.simulated), f"{point.ratio:.2f}"]
        rows.append([where, point.key.replace("_", " "), *numbers])
    return aligned(rows)


def people_table(costs: Costs) -> str:
    """What so many people need: wherever they connect, and where a room's people do at one."""
    found = [needs(people, costs, affinity=way) for way in (False, True) for people in CROWDS]
    heads = [f"{one.people:,}" for one in found[: len(CROWDS)]]
    rows = [
        ["People", *heads, *(f"{head}, rooms together" for head in heads)],
        ["messages/s", *(written(one.messages_per_s) for one in found)],
        ["databases", *(str(one.databases) for one in found)],
        ["processes", *(str(one.processes) for one in found)],
        ["their cores, busy", *(f"{one.cores:.1f}" for one in found)],
        ["their memory, GB", *(f"{one.memory_gb:.1f}" for one in found)],
        ["databases' cores, busy", *(f"{one.engine_cores:.1f}" for one in found)],
        ["each database: commits/s", *(written(one.commits_per_s) for one in found)],
        ["notifications/s", *(written(one.notifications_per_s) for one in found)],
        ["of at most", *(written(one.notifications_at_most) for one in found)],
        ["connections", *(str(one.connections) for one in found)],
    ]
    return f"{aligned(rows)}\n{habits_words(Habits())}"


def habits_words(habits: Habits) -> str:
    """What was assumed."""
    return (
        f"Assumed: {habits.room} people in a room, each says something every "
        f"{habits.says_every:.0f} s and reconnects every {habits.stays:.0f} s.\n"
        f"In the worst minute, which this is, {habits.peak:g} times as often."
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
