"""Numbers of one kind: quantiles, medians, spread, and how they are written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

TIMES = "\N{MULTIPLICATION SIGN}"


class Spread(NamedTuple):
    """Of one figure over the rounds."""

    median: float
    least: float
    most: float


def spread(values: Sequence[float]) -> Spread:
    """The median, and from where to where the rounds went."""
    return Spread(median(values), min(values), max(values))


def likely(values: Sequence[float]) -> Spread:
    """The median, and from where to where it is with a confidence of 90 %.

    By the sign test, which leaves out as many of the lowest and of the highest values as it may,
    so that one disturbed round of many hides nothing. Of four values or fewer none may be left
    out, and the confidence is lower.
    """
    ordered, count, out = sorted(values), len(values), 0
    while 2 * sum(math.comb(count, k) for k in range(out + 2)) <= 0.1 * 2**count:
        out += 1
    return Spread(median(ordered), ordered[out], ordered[-1 - out])


def quantiles(values: Sequence[float], *parts: float) -> list[float]:
    """The value that ``part`` of them do not exceed, for each part; 0 where there are none."""
    ordered = sorted(values)
    if not ordered:
        return [0.0] * len(parts)
    return [ordered[max(0, math.ceil(part * len(ordered)) - 1)] for part in parts]


def written(value: float) -> str:
    """Three digits that count, and a letter for thousands and millions."""
    for size, letter in ((1e6, " M"), (1e4, " k")):
        if abs(value) >= size:
            return f"{_three(value / (1e6 if letter == ' M' else 1e3))}{letter}"
    return _three(value)


def _three(value: float) -> str:
    if value == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    return f"{value:,.{min(max(digits, 0), 3)}f}"
