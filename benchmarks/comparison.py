"""The chat room before and after: how a run with ``--before`` is reported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from benchmarks.figures import Spread, likely, written
from benchmarks.results import Result
from benchmarks.subjects import BEFORE, title_of
from benchmarks.tables import TABLES, Column, aligned

MARGIN = 1.03
"""A change up to this ratio is none."""

FEWEST = 3
"""Rounds that a verdict takes."""

WORSE = "WORSE"
BETTER = "better"


@dataclass(frozen=True)
class Change:
    """One figure before and after, over the rounds that have both."""

    before: float
    after: float
    ratio: Spread
    """Of the rounds' own ratios, after to before: what disturbs a whole round cancels out."""
    rounds: int

    def verdict(self, more_is_better: bool) -> str:
        """``WORSE`` or ``better`` where the whole range is, beyond the margin; or nothing."""
        if self.rounds < FEWEST:
            return ""
        if self.ratio.least > MARGIN:
            return BETTER if more_is_better else WORSE
        if self.ratio.most < 1 / MARGIN:
            return WORSE if more_is_better else BETTER
        return ""

    def cells(self) -> list[str]:
        """Before, after, their ratio with its range, rounds."""
        ratio = f"{self.ratio.median:.2f}"
        if self.rounds > 1:
            ratio += f" ({self.ratio.least:.2f}..{self.ratio.most:.2f})"
        return [written(self.before), written(self.after), ratio, str(self.rounds)]


def change(result: Result, scenario: str, case: str, variant: str, key: str) -> Change | None:
    """Of one figure; None where no round has both, or a ratio makes no sense."""
    after = result.by_round(scenario, case, variant, key)
    before = result.by_round(scenario, case, variant + BEFORE, key)
    both = [n for n in after if n in before and before[n] > 0 and after[n] > 0]
    if not both:
        return None
    return Change(
        median(before[n] for n in both),
        median(after[n] for n in both),
        likely([after[n] / before[n] for n in both]),
        len(both),
    )


def comparison(result: Result) -> str:
    """The tables of all scenarios, and how many figures got worse; empty without ``--before``."""
    tables, verdicts = [], []
    for scenario, (title, columns) in TABLES.items():
        for case in result.cases(scenario):
            rows = [*_rows(result, scenario, case, columns)]
            if rows:
                heads = [f"{title}, {case}", "before", "after", "after/before", "rounds", ""]
                tables.append(aligned([heads, *rows]))
                verdicts += [row[-1] for row in rows]
    if not tables:
        return ""
    count = f"{verdicts.count(WORSE)} worse, {verdicts.count(BETTER)} better, of {len(verdicts)}."
    return "\n\n".join([_head(result), *tables, count])


def _head(result: Result) -> str:
    before, after = (result.machine.get(key) or "?" for key in ("commit_before", "commit"))
    return (
        f"Before ({before}) and after ({after}): medians, and the median of the rounds' ratios.\n"
        "In parentheses the range of these; from eight rounds on, the range that holds their "
        f"median with a confidence of 90 %.\n{WORSE}, {BETTER}: the whole range is more than "
        f"{MARGIN - 1:.0%} away, in at least {FEWEST} rounds."
    )


def _rows(
    result: Result, scenario: str, case: str, columns: tuple[Column, ...]
) -> Iterator[list[str]]:
    names = result.subjects(scenario, case)
    variants = dict.fromkeys(n.removesuffix(BEFORE) for n in names if n.endswith(BEFORE))
    for variant in variants:
        before, after = (result.failures(scenario, case, n) for n in (variant + BEFORE, variant))
        if before != after:
            verdict = WORSE if after > before else BETTER
            if abs(after - before) < FEWEST:
                verdict = ""
            name = f"  {title_of(variant)}: failed rounds"
            yield [name, str(before), str(after), "-", "", verdict]
        for column in columns:
            found = change(result, scenario, case, variant, column.key) if column.compared else None
            if found:
                name = f"  {title_of(variant)}: {column.title}"
                yield [name, *found.cells(), found.verdict(column.more_is_better)]
