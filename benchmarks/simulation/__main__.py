"""``python -m benchmarks.simulation``: first what was measured, then what was not."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks.simulation.costs import Costs
from benchmarks.simulation.fit import fit
from benchmarks.simulation.points import measured
from benchmarks.simulation.report import tables


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description=__doc__)
    parser.add_argument("--fit", action="store_true", help="find the costs anew")
    options = parser.parse_args(arguments)
    result = measured()
    costs = Costs()
    if options.fit:
        costs = fit(result, costs)
        print("\n".join(f"{name}: {value:.3g}" for name, value in asdict(costs).items()))
    print("\n\n".join(tables(result, costs).values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
