"""``python -m benchmarks.simulation --fit``: finds the costs behind the newest measurements."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

from benchmarks.results import Result
from benchmarks.simulation.costs import Costs
from benchmarks.simulation.points import points

STEPS = (1.6, 1.25, 1.1, 1.04)
"""By which each cost is made larger and smaller in turn, until nothing comes out better."""

ROUNDS = 3


def error(result: Result, costs: Costs) -> float:
    """How far off all points are: 0.1 is about 10 %, the larger ones counting for more."""
    logarithms = [math.log(point.ratio) for point in points(result, costs)]
    return math.sqrt(sum(x * x for x in logarithms) / len(logarithms))


def fit(result: Result, costs: Costs) -> Costs:
    """One cost after the other, always in the better direction."""
    best = error(result, costs)
    for step in STEPS:
        for _ in range(ROUNDS):
            before = best
            for name in asdict(costs):
                for factor in (step, 1 / step):
                    tried = replace(costs, **{name: getattr(costs, name) * factor})
                    found = error(result, tried)
                    if found < best:
                        best, costs = found, tried
                        break
            print(f"{step:.2f}: {best:.3f}", flush=True)
            if best > before * 0.995:
                break
    return costs
