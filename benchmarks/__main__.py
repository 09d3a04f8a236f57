"""``python -m benchmarks``: compares the chat room with its peers. See README.md."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import machine, places
from benchmarks.charts.drawing import draw
from benchmarks.figures import written
from benchmarks.install import install
from benchmarks.report import report
from benchmarks.results import Result
from benchmarks.rounds import Round, Rounds
from benchmarks.scenarios import crowd, history, joining, rooms, slow, standstill
from benchmarks.scenarios.case import FULL, QUICK, Case
from benchmarks.subjects import BY_NAME, SUBJECTS

SCENARIOS = (
    *("saturated", "paced", "joining", "crowd"),
    *("history", "growth", "slow", "standstill"),
)
MODULES = (rooms, standstill, joining, crowd, history, slow)
SHOWN = (
    ("deliveries_per_s", "deliveries/s"),
    ("cpu_us_per_delivery", "CPU µs/delivery"),
    ("p99_ms", "ms p99"),
    ("users_per_s", "users/s"),
    ("cpu_ms_per_user", "CPU ms/user"),
    ("memory_kb_per_user", "kB/user"),
    ("goes_on_after", "messages, then a join: goes on"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, save, draw and report."""
    options = _parse(arguments)
    if options.show:
        print(report(Result.load(options.show)))
        print("\n".join(str(path) for path in draw(Result.load(options.show), places.RESULTS)))
        return 0
    size = QUICK if options.quick else FULL
    missing = install()
    shutil.rmtree(places.RUNS, ignore_errors=True)  # left behind by an interrupted run
    cases: list[Case] = []
    for module in MODULES:
        cases += module.cases(size, set(options.scenarios))
    result = Result(machine.describe(machine.versions()), "quick" if options.quick else "full")
    rounds = Rounds(cases, options.subjects, missing, options.budget or size.budget)
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.default_int_handler)
    try:
        for found in rounds.run():
            result.add(found)
            print(_line(rounds.elapsed, found), flush=True)
    except KeyboardInterrupt:
        print("Stopped: results so far follow.")
    if not result.rows:
        return 1
    print(f"\n{report(result)}\n")
    print(result.save(options.name))
    # The charts of the documentation are those of a full run.
    prefix = "" if options.name == "full" else f"{options.name}-"
    for path in draw(result, places.RESULTS, prefix):
        print(path)
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="everything in small, in two minutes")
    parser.add_argument(
        "--only",
        metavar="NAMES",
        default="",
        help=f"scenarios ({', '.join(SCENARIOS)}) and subjects ({', '.join(BY_NAME)}), "
        "separated by commas",
    )
    parser.add_argument("--name", help="name of the result file; default: quick, full or partial")
    parser.add_argument(
        "--budget", type=float, help="seconds after which no new measurement begins"
    )
    parser.add_argument("--show", type=Path, metavar="JSON", help="print and draw an earlier run")
    options = parser.parse_args(arguments)
    words = [word for word in options.only.split(",") if word]
    for word in words:
        if word not in SCENARIOS and word not in BY_NAME:
            parser.error(f"--only {word}: neither a scenario nor a subject")
    options.scenarios = [word for word in SCENARIOS if word in words] or list(SCENARIOS)
    options.subjects = [s for s in SUBJECTS if s.name in words] or list(SUBJECTS)
    options.name = options.name or ("partial" if words else "quick" if options.quick else "full")
    return options


def _line(seconds: float, found: Round) -> str:
    """One measurement, as it comes."""
    number, outcome = found
    figures = outcome.figures
    told = [
        f"{written(figures[key])} {unit}" for key, unit in SHOWN if figures.get(key) is not None
    ]
    words = outcome.failure or ", ".join(told)
    clock = f"{int(seconds // 60)}:{int(seconds % 60):02d}"
    where = f"{outcome.scenario} {outcome.case}"
    return f"{clock:>6}  {number}  {where:<26} {outcome.subject:<15} {words}"


if __name__ == "__main__":
    sys.exit(main())
