"""``python -m benchmarks``: compares the chat room with its peers. See README.md."""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import machine, places
from benchmarks.charts.drawing import draw
from benchmarks.figures import written
from benchmarks.filling import FILL
from benchmarks.install import install
from benchmarks.report import report
from benchmarks.results import Result
from benchmarks.rounds import Round, Rounds
from benchmarks.scenarios import (
    crowd,
    events,
    hall,
    history,
    joining,
    posts,
    returning,
    rooms,
    slow,
    standstill,
    two,
    upload,
)
from benchmarks.scenarios.case import FULL, QUICK, Case
from benchmarks.subjects import BY_NAME, SUBJECTS, TWO, is_of_two, with_before

SCENARIOS = (
    *("saturated", "paced", "joining", "crowd", "returning"),
    *("posts", "events", "hall", "history", "growth", "slow", "upload", "standstill"),
    *("two-saturated", "two-paced", "two-joining", "two-idle"),
)
MODULES = (
    *(rooms, two, standstill, joining, crowd, returning, posts, events),
    *(hall, history, slow, upload),
)
SHOWN = (
    ("messages_per_s", "messages/s"),
    ("deliveries_per_s", "deliveries/s"),
    ("cpu_us_per_delivery", "CPU µs/delivery"),
    ("p99_ms", "ms p99"),
    ("users_per_s", "users/s"),
    ("cpu_ms_per_user", "CPU ms/user"),
    ("memory_kb_per_user", "kB/user"),
    ("other_p50_ms", "ms p50 to the other process"),
    ("process_percent", "% of a core for a process"),
    ("engine_percent", "% for the engine"),
    ("posts_per_s", "posts/s"),
    ("seconds", "s"),
    ("goes_on_after", "messages, then a join: goes on"),
)

WAY_OUT = "make one with git worktree add --detach DIRECTORY COMMIT"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, save, draw and report."""
    options = _parse(arguments)
    if options.show:
        _tell(Result.load(options.show), re.sub(r"^\d+-\d+-\d+-", "", options.show.stem))
        return 0
    size = QUICK if options.quick else FULL
    missing = install({thing for subject in options.subjects for thing in subject.things})
    shutil.rmtree(places.RUNS, ignore_errors=True)  # left behind by an interrupted run
    cases: list[Case] = []
    for module in MODULES:
        cases += module.cases(size, set(options.scenarios))
    if options.rounds:
        cases = [replace(case, rounds=options.rounds) for case in cases]
    described = machine.describe(machine.versions(), options.before)
    result = Result(described, "quick" if options.quick else "full")
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
    print()
    path = result.save(options.name)  # first: it took long
    _tell(result, options.name)
    print(path)
    return 0


def _tell(result: Result, name: str) -> None:
    """Print the tables, and draw the charts; those of the documentation are a full run's."""
    print(f"{report(result)}\n")
    for path in draw(result, places.RESULTS, "" if name == "full" else f"{name}-"):
        print(path)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="everything in small, in two minutes")
    parser.add_argument(
        "--only",
        metavar="NAMES",
        default="",
        help=f"scenarios ({', '.join(SCENARIOS)}; two: all that begin so) "
        f"and subjects ({', '.join(BY_NAME)}), separated by commas",
    )
    parser.add_argument(
        "--before",
        type=_checkout,
        metavar="DIRECTORY",
        help="compare the chat room with the one in this checkout; peers only as --only names them",
    )
    parser.add_argument("--rounds", type=_count, help="how often each case is measured")
    parser.add_argument(
        "--budget", type=float, help="seconds after which no new measurement begins"
    )
    parser.add_argument(
        "--name", help="name of the result file; default: full, quick, partial, before, ..."
    )
    parser.add_argument("--show", type=Path, metavar="JSON", help="print and draw an earlier run")
    options = parser.parse_args(arguments)
    words = [word for word in options.only.split(",") if word]
    if "two" in words:
        words += [name for name in SCENARIOS if is_of_two(name)]
    for word in words:
        if word not in SCENARIOS and word not in BY_NAME and word != "two":
            parser.error(f"--only {word}: neither a scenario nor a subject")
    options.scenarios = [word for word in SCENARIOS if word in words] or list(SCENARIOS)
    every = [*SUBJECTS, *TWO]
    default = [s for s in SUBJECTS if s.is_ours] if options.before else every
    options.subjects = [s for s in every if s.name in words] or default
    if options.before:
        if not any(subject.is_ours for subject in options.subjects):
            ours = ", ".join(subject.name for subject in default)
            parser.error(f"--before compares the chat room: let --only name some of {ours}, too")
        options.subjects = with_before(options.subjects, options.before)
    options.name = options.name or _name(options, partial=bool(words))
    return options


def _checkout(text: str) -> Path:
    path = Path(text).resolve()
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a directory: {WAY_OUT}")
    for part in ("app.py", "chatroom", str(FILL)):
        if not (path / part).exists():
            raise argparse.ArgumentTypeError(f"{text} is no chat room (no {part}): {WAY_OUT}")
    return path


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text}: use a whole number, 1 or more")
    return int(text)


def _name(options: argparse.Namespace, *, partial: bool) -> str:
    # Only a full run may be called so: the documentation shows the newest.
    if options.before:
        return "before-quick" if options.quick else "before"
    if options.only == "two":
        return "two-quick" if options.quick else "two"
    return "partial" if partial else "quick" if options.quick else "full"


def _line(seconds: float, found: Round) -> str:
    """One measurement, as it comes."""
    number, outcome = found
    figures = outcome.figures
    shown = (it for it in SHOWN if it[0] != "other_p50_ms" or outcome.scenario.startswith("two-"))
    told = [f"{written(figures[k])} {unit}" for k, unit in shown if figures.get(k) is not None]
    words = outcome.failure or ", ".join(told)
    clock = f"{int(seconds // 60)}:{int(seconds % 60):02d}"
    where = f"{outcome.scenario} {outcome.case}"
    return f"{clock:>6}  {number}  {where:<26} {outcome.subject:<16} {words}"


if __name__ == "__main__":
    sys.exit(main())
