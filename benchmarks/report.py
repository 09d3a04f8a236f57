"""A run's tables on the screen."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.comparison import comparison
from benchmarks.figures import TIMES, Spread, written
from benchmarks.results import Result
from benchmarks.rounds import NO_TIME
from benchmarks.subjects import REFERENCE, REFERENCE_OF_TWO, is_of_two, reference_of, title_of
from benchmarks.tables import TABLES, Column, aligned
from benchmarks.targets import verdicts


def report(result: Result) -> str:
    """The whole report."""
    return "\n\n".join(part for part in sections(result).values() if part)


def sections(result: Result) -> dict[str, str]:
    """The parts of the report by name: ``head``, each scenario, ``before``, ``targets``."""
    parts = {"head": _head(result)}
    for scenario in TABLES:
        tables = [_table(result, scenario, case) for case in result.cases(scenario)]
        parts[scenario] = "\n\n".join(tables)
    parts["standstill"] = "\n\n".join(_standstill(result))
    parts["before"] = comparison(result)
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
        f"{TIMES}: relative to {'; of two processes, to '.join(_references(result))}."
    )


def _references(result: Result) -> list[str]:
    about_two = {is_of_two(row["scenario"]) for row in result.rows}
    one = [f"the {title_of(REFERENCE)}"] if about_two != {True} else []
    return one + ([title_of(REFERENCE_OF_TWO)] if True in about_two else [])


def _table(result: Result, scenario: str, case: str) -> str:
    title, columns = TABLES[scenario]
    rows = [[f"{title}, {case}", *(column.title for column in columns)]]
    remarks = []
    for subject in result.subjects(scenario, case):
        where = (scenario, case, subject)
        words = result.remarks(*where)
        cells = [_cell(result, where, column) for column in columns]
        if all(cell == "-" for cell in cells):
            remarks.append(f"  {title_of(subject)}: {'; '.join(words)}")
            continue
        # Some rounds were measured: that there is no spread says enough of the others.
        words = [word for word in words if word != NO_TIME]
        mark = "*" if words else ""
        rows.append([f"  {title_of(subject)}{mark}", *cells])
        remarks += [f"  * {title_of(subject)}: {word}" for word in words]
    return "\n".join([aligned(rows), *remarks])


def _cell(result: Result, where: tuple[str, str, str], column: Column) -> str:
    scenario, case, _ = where
    found = result.spread(*where, column.key)
    if not found:
        return "-"
    text = written(found.median)
    if column.spread and found.least != found.most:
        text += f" ({in_brackets(found)})"
    reference = result.median(scenario, case, reference_of(scenario), column.key)
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
            lines += [f"  {title_of(subject)}: {line}" for line in _verdict(result, where)]
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
