"""A run's tables on the screen."""

from __future__ import annotations

from benchmarks.figures import Spread, written
from benchmarks.report import in_brackets
from benchmarks.results import Result
from benchmarks.tables import Column, aligned

TABLES: dict[str, tuple[str, tuple[Column, ...]]] = {
    "start": (
        "1 Start",
        (
            Column("paint_ms", "first paint ms"),
            Column("typing_ms", "can type ms", spread=True),
            Column("scripts_ms", "scripts there ms"),
            Column("newest_ms", "newest message ms", spread=True),
            Column("kilobytes", "kB"),
            Column("requests", "requests"),
            Column("busy_ms", "main thread ms"),
        ),
    ),
    "stutter": (
        "2 Stutter: 50 messages/s",
        (
            Column("missed_percent", "frames missed %", spread=True),
            Column("missed_percent_before", "before, in silence %"),
            Column("gap_ms", "longest gap ms", spread=True),
            Column("long_tasks", "tasks > 50 ms"),
            Column("longest_ms", "longest task ms"),
        ),
    ),
    "keys": (
        "3 Key to character: 50 messages/s",
        (
            Column("p50_ms", "p50 ms"),
            Column("p98_ms", "p98 ms", spread=True),
            Column("max_ms", "worst ms"),
        ),
    ),
    "long room": (
        "4 A long room, by the wheel",
        (
            Column("items_most", "items at most"),
            Column("heap_before_mb", "heap MB before"),
            Column("heap_mb", "heap MB after", spread=True),
            Column("jumps", "jumps", spread=True),
            Column("longest_ms", "longest task ms", spread=True),
            Column("missed_percent", "frames missed %"),
        ),
    ),
    "picture": (
        "5 A photo",
        (
            Column("photo_mb", "photo MB"),
            Column("sent_kb", "sent kB"),
            Column("prepared_ms", "made smaller ms", spread=True),
            Column("arrived_ms", "sent and seen ms", spread=True),
            Column("whole_ms", "chosen to seen ms", spread=True),
        ),
    ),
}


def report(result: Result) -> str:
    """The whole report."""
    return "\n\n".join(sections(result).values())


def sections(result: Result) -> dict[str, str]:
    """The parts of the report by name: ``head``, and each scenario's table."""
    measured = [scenario for scenario in TABLES if result.cases(scenario)]
    return {"head": _head(result)} | {name: _table(result, name) for name in measured}


def _head(result: Result) -> str:
    machine = result.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"{machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}, "
        f"{machine['date']}, load before: {machine['load_before']:.1f}\n{versions}\n"
        f"Medians, with the minimum and maximum of the rounds in parentheses."
    )


def _table(result: Result, scenario: str) -> str:
    title, columns = TABLES[scenario]
    rows = [[title, *(column.title for column in columns)]]
    remarks = []
    for case in result.cases(scenario):
        for device in result.subjects(scenario, case):
            found = [(c, result.spread(scenario, case, device, c.key)) for c in columns]
            cells = [_cell(column, spread) for column, spread in found]
            rows.append([f"  {device}, {case}", *cells])
            words = result.remarks(scenario, case, device)
            remarks += [f"  * {device}, {case}: {word}" for word in words]
    return "\n".join([aligned(rows), *remarks])


def _cell(column: Column, found: Spread | None) -> str:
    if not found:
        return "-"
    text = written(found.median)
    spread = column.spread and found.least != found.most
    return f"{text} ({in_brackets(found)})" if spread else text
