"""A run's tables on the screen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.figures import TIMES, Spread, written
from benchmarks.results import Result
from benchmarks.rounds import NO_TIME
from benchmarks.subjects import BY_NAME, REFERENCE
from benchmarks.targets import verdicts


@dataclass(frozen=True)
class Column:
    """One figure, as a table shows it."""

    key: str
    title: str
    ratio: bool = False
    """With its ratio to the Go hub's."""
    spread: bool = False
    """With the minimum and maximum of the rounds."""


RATE = Column("deliveries_per_s", "deliveries/s", ratio=True, spread=True)
CPU = Column("cpu_us_per_delivery", "CPU µs/delivery", ratio=True, spread=True)
P50 = Column("p50_ms", "p50 ms")
P99 = Column("p99_ms", "p99 ms", ratio=True)

TABLES: dict[str, tuple[str, tuple[Column, ...]]] = {
    "saturated": ("1 Saturated: closed loop", (RATE, CPU, P50, P99)),
    "paced": ("2 Paced", (CPU, P50, Column("p95_ms", "p95 ms"), P99)),
    "joining": (
        "3 Joining",
        (
            Column("users_per_s", "users/s", ratio=True, spread=True),
            Column("cpu_ms_per_user", "CPU ms/user", ratio=True, spread=True),
            Column("seconds", "complete after, s"),
        ),
    ),
    "crowd": (
        "4 Crowd",
        (
            Column("memory_kb_per_user", "kB/user", ratio=True),
            Column("threads", "threads"),
            Column("p50_ms", "p50 ms"),
            Column("p99_ms", "p99 ms", ratio=True),
            Column("max_ms", "last delivery, ms"),
        ),
    ),
    "history": (
        "5 History: /getAllMessages",
        (
            Column("seconds", "s", spread=True),
            Column("megabytes", "MB"),
            Column("peak_mb", "extra memory, MB"),
            Column("p99_ms_alone", "chat p99 ms alone"),
            Column("p99_ms", "chat p99 ms during"),
        ),
    ),
    "growth": (
        "5 Growth: N=10 at 500/s",
        (
            Column("cpu_us_per_message", "CPU µs/message", spread=True),
            Column("p99_ms", "p99 ms"),
            Column("memory_mb", "memory MB"),
        ),
    ),
    "slow": (
        "6 Slow readers, messages of 16 kB",
        (
            Column("p99_ms_alone", "p99 ms without"),
            Column("p99_ms", "p99 ms with", spread=True),
            Column("p99_ratio", "with/without"),
            Column("dropped", "dropped, of 9"),
            Column("memory_mb_grown", "extra memory, MB"),
        ),
    ),
}


def report(result: Result) -> str:
    """The whole report."""
    return "\n\n".join(part for part in sections(result).values() if part)


def sections(result: Result) -> dict[str, str]:
    """The parts of the report by name: ``head``, each scenario's tables, ``targets``."""
    parts = {"head": _head(result)}
    for scenario in TABLES:
        tables = [_table(result, scenario, case) for case in result.cases(scenario)]
        parts[scenario] = "\n\n".join(tables)
    parts["standstill"] = "\n\n".join(_standstill(result))
    rows = [verdict.cells() for verdict in verdicts(result)]
    heads = ["Target", "measured", "at least", "aim", ""]
    parts["targets"] = aligned([heads, *rows])
    return parts


def _head(result: Result) -> str:
    machine = result.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"{machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}, "
        f"{machine['date']}, size: {result.size}\n{versions}\n"
        f"Medians, with the minimum and maximum of the rounds in parentheses; "
        f"{TIMES}: relative to the {_title(REFERENCE)}."
    )


def _title(name: str) -> str:
    return BY_NAME[name].title if name in BY_NAME else name


def _table(result: Result, scenario: str, case: str) -> str:
    title, columns = TABLES[scenario]
    rows = [[f"{title}, {case}", *(column.title for column in columns)]]
    remarks = []
    for subject in result.subjects(scenario, case):
        where = (scenario, case, subject)
        words = result.remarks(*where)
        cells = [_cell(result, where, column) for column in columns]
        if all(cell == "-" for cell in cells):
            remarks.append(f"  {_title(subject)}: {'; '.join(words)}")
            continue
        # Some rounds were measured: that there is no spread says enough of the others.
        words = [word for word in words if word != NO_TIME]
        mark = "*" if words else ""
        rows.append([f"  {_title(subject)}{mark}", *cells])
        remarks += [f"  * {_title(subject)}: {word}" for word in words]
    return "\n".join([aligned(rows), *remarks])


def _cell(result: Result, where: tuple[str, str, str], column: Column) -> str:
    scenario, case, _ = where
    found = result.spread(*where, column.key)
    if not found:
        return "-"
    text = written(found.median)
    if column.spread and found.least != found.most:
        text += f" ({in_brackets(found)})"
    reference = result.median(scenario, case, REFERENCE, column.key)
    if column.ratio and reference:
        text += f" {found.median / reference:5.2f}{TIMES}"
    return text


def in_brackets(found: Spread) -> str:
    """The minimum and maximum of the rounds."""
    return f"{written(found.least)}..{written(found.most)}"


def _standstill(result: Result) -> Iterator[str]:
    for case in result.cases("standstill"):
        lines = ["The original's shape: one more user joins after this many messages"]
        for subject in result.subjects("standstill", case):
            where = ("standstill", case, subject)
            lines += [f"  {_title(subject)}: {line}" for line in _verdict(result, where)]
        yield "\n".join(lines)


def _verdict(result: Result, where: tuple[str, str, str]) -> list[str]:
    stands = result.figure(*where, "stands_still_after")
    if words := result.remarks(*where):
        return words
    good = f"goes on after {result.figure(*where, 'goes_on_after')}"
    if stands is None:
        return [good]
    found = [good + f", deadlocks after {stands}"]
    if why := result.figure(*where, "why"):
        waits = " <- ".join(call.removeprefix("main.") for call in why[1:-1])
        found.append(f"{why[0]}: {waits}; {why[-1]}")
    return found


def aligned(rows: list[list[str]]) -> str:
    """A table: the first row is its head, the first column its names."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]
        lines.append("  ".join(cells).rstrip())
        if number == 0:
            lines.append("-" * len(lines[0]))
    return "\n".join(lines)
