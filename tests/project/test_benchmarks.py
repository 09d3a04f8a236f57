"""``python -m benchmarks --before``: what is measured in which order, and what counts as worse."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as command
from benchmarks import places, proc
from benchmarks.figures import TIMES, likely
from benchmarks.report import report, sections
from benchmarks.results import Result
from benchmarks.rounds import Rounds
from benchmarks.scenarios import two
from benchmarks.scenarios.case import FULL, QUICK, Case, Outcome
from benchmarks.subjects import SUBJECTS, TWO, Subject, with_before
from tests.support import CHECKOUT

OURS = [subject for subject in SUBJECTS if subject.is_ours]
MACHINE = {
    **{"date": "2026-01-31", "cpu": "a fast one", "cores": 2, "kernel": "6.1", "versions": {}},
    **{"commit": "newer", "commit_before": "older"},
}


def measured(
    before: Sequence[float], after: Sequence[float], key: str = "cpu_us_per_delivery"
) -> Result:
    """A run with one case, and these figures in its rounds."""
    result = Result(MACHINE, "full")
    for name, values in (("us-full", after), ("us-full-before", before)):
        for number, value in enumerate(values, 1):
            result.add((number, Outcome("saturated", "N=90", name, {key: value})))
    return result


def row(result: Result) -> str:
    """The only one of the comparison, without its name."""
    (line,) = [x for x in sections(result)["before"].splitlines() if x.startswith("  chat room")]
    return " ".join(line.partition(": ")[2].split()[2:])


# -- what counts as worse --------------------------------------------------------------------


def test_a_figure_that_is_worse_in_every_round_is_marked():
    result = measured(before=[10, 11, 10], after=[11, 12.1, 11.5])
    assert row(result) == "10.0 11.5 1.10 (1.10..1.15) 3 WORSE"
    assert sections(result)["before"].endswith("1 worse, 0 better, of 1.")


def test_what_disturbs_whole_rounds_hides_no_loss():
    assert row(measured(before=[10, 30, 90], after=[11, 33, 99])).endswith("WORSE")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param([10, 10, 10], [12, 12, 10], id="not in every round"),
        pytest.param([10, 10, 10], [10.2, 10.2, 10.2], id="less than 3 %"),
        pytest.param([10, 10], [20, 20], id="two rounds"),
    ],
)
def test_other_differences_are_not_marked(before: list[float], after: list[float]):
    assert not row(measured(before, after)).endswith(("WORSE", "better"))


def test_of_rates_the_lower_one_is_worse():
    assert row(measured([10, 10, 10], [9, 9, 9], "deliveries_per_s")).endswith("WORSE")
    assert row(measured([9, 9, 9], [10, 10, 10], "deliveries_per_s")).endswith("better")


def test_one_disturbed_round_of_eight_hides_no_loss():
    assert row(measured([10] * 8, [12] * 7 + [5])).endswith("(1.20..1.20) 8 WORSE")


def test_a_round_that_only_one_of_them_has_does_not_count():
    result = measured([10, 10, 10], [12, 12, 12, 99])
    assert row(result) == "10.0 12.0 1.20 (1.20..1.20) 3 WORSE"


def test_failures_are_shown_and_marked_when_there_are_three_more_of_them():
    result = measured([10, 10, 10], [])
    for number, shown in enumerate(("0 1 - 0 worse", "0 2 - 0 worse", "0 3 - WORSE"), 1):
        result.add((number, Outcome("saturated", "N=90", "us-full", failure="users were lost")))
        assert f"failed rounds {shown}" in " ".join(sections(result)["before"].split())


@pytest.mark.parametrize(("count", "out"), [(1, 0), (3, 0), (7, 0), (8, 1), (11, 2)])
def test_the_likely_range_leaves_out_what_it_may(count: int, out: int):
    assert likely(range(count)) == (likely(range(count)).median, out, count - 1 - out)


def test_a_saved_run_shows_its_comparison_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(places, "RESULTS", tmp_path)
    result = measured([10, 10, 10], [12, 12, 12], "deliveries_per_s")
    saved = result.save("before")

    command.main(["--show", str(saved)])

    shown = capsys.readouterr().out
    assert report(result) in shown
    assert "Before (older) and after (newer)" in shown
    # never a chart of the documentation
    assert [path.name for path in tmp_path.glob("*.svg")] == ["before-saturated.svg"]


def test_a_run_without_before_has_no_comparison():
    result = Result(MACHINE, "full")
    result.add((1, Outcome("saturated", "N=90", "us-full", {"cpu_us_per_delivery": 1.0})))
    assert sections(result)["before"] == ""


# -- what is measured, and in which order ----------------------------------------------------


def order(subjects: Sequence[Subject], rounds: int, **more: Any) -> list[list[str]]:
    """The names as each round measures them."""

    def measure(subject: Subject) -> list[Outcome]:
        return [Outcome("paced", "N=10", subject.name)]

    cases = [Case(("paced",), "N=10", measure, rounds, **more)]
    found: list[list[str]] = [[] for _ in range(rounds)]
    for number, outcome in Rounds(cases, subjects, {}, budget=60).run():
        found[number - 1].append(outcome.subject)
    return found


def test_before_and_after_are_neighbours_and_each_goes_first_in_turn():
    for number, names in enumerate(order(with_before(OURS, CHECKOUT), rounds=4)):
        pairs = [names[i : i + 2] for i in range(0, len(names), 2)]
        assert sorted(min(pair) for pair in pairs) == sorted(subject.name for subject in OURS)
        for pair in pairs:
            assert pair == sorted(pair, reverse=bool(number % 2))


def test_a_case_of_one_variant_measures_it_before_and_after():
    assert order(with_before(OURS, CHECKOUT), rounds=2, only=("us-full",)) == [
        ["us-full", "us-full-before"],
        ["us-full-before", "us-full"],
    ]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--only", "paced"], [s.name for s in with_before(OURS, CHECKOUT)]),
        (["--only", "us-full,go-hub"], ["us-full", "us-full-before", "go-hub"]),
    ],
)
def test_peers_are_measured_only_if_they_are_named(arguments: list[str], names: list[str]):
    options = command._parse(["--before", str(CHECKOUT), *arguments])
    assert [subject.name for subject in options.subjects] == names
    assert options.name == "before"  # never taken for a full run, which the documentation shows


def test_what_is_no_checkout_is_refused_with_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "app.py").touch()
    for arguments, why in (
        (["--before", str(tmp_path / "nothing")], "nothing is not a directory: make one with git"),
        (["--before", str(tmp_path)], "is no chat room (no chatroom): make one with git"),
        (["--before", str(CHECKOUT), "--only", "go-hub"], "let --only name some of us-full, "),
        (["--rounds", "0"], "0: use a whole number, 1 or more"),
    ):
        with pytest.raises(SystemExit):
            command.main(arguments)
        assert why in capsys.readouterr().err


# -- two processes ---------------------------------------------------------------------------


SCENARIOS_OF_TWO = {"two-saturated", "two-paced", "two-joining", "two-idle"}


def of_two(**figures: dict[str, float]) -> Result:
    """A run with one case, and these subjects in it."""
    result = Result(MACHINE, "full")
    for name, found in figures.items():
        case = "4 clients each, 32 under way"
        result.add((1, Outcome("two-saturated", case, name.replace("_", "-"), found)))
    return result


def target(result: Result, words: str) -> str:
    (line,) = [x for x in sections(result)["targets"].splitlines() if x.startswith(words)]
    return " ".join(line.removeprefix(words).replace(TIMES, "x").split())


def test_those_who_share_an_engine_take_part_only_in_what_is_made_for_them():
    assert order([*SUBJECTS, *TWO], rounds=1)[0] == [subject.name for subject in SUBJECTS]
    for case in two.cases(FULL, SCENARIOS_OF_TWO):
        assert case.only
        assert set(case.only) <= {"us-full", *(subject.name for subject in TWO)}


def test_only_two_measures_all_that_is_about_two_processes():
    options = command._parse(["--only", "two"])
    assert set(options.scenarios) == SCENARIOS_OF_TWO
    assert {subject.name for subject in TWO} <= {s.name for s in options.subjects}
    assert options.name == "two"
    assert command._parse(["--only", "two", "--quick"]).name == "two-quick"
    # never taken for a whole run, which the documentation shows
    assert command._parse(["--only", "two,us-two"]).name == "partial"


def test_in_small_three_take_part():
    assert set(two.cases(QUICK, {"two-paced"})[0].only) == {"us-two", "us-full", "socketio-redis"}


def test_ratios_of_two_processes_are_to_socketio():
    result = of_two(us_two={"messages_per_s": 300.0}, socketio_redis={"messages_per_s": 200.0})

    assert "300 1.50x" in " ".join(sections(result)["two-saturated"].replace(TIMES, "x").split())
    assert "relative to socket.io, Redis adapter." in sections(result)["head"]
    assert target(result, "messages/s, 32 under way") == "1.50 x ≥ 1 x ≥ 1.5 x aim reached"


def test_targets_of_what_a_run_is_not_about_are_left_out():
    one = measured(before=[], after=[1.0])
    both = of_two(us_two={"messages_per_s": 300.0})
    assert "joining, to one process" not in sections(one)["targets"]
    assert "paced CPU/delivery" not in sections(both)["targets"]
    assert target(both, "messages/s, 256 under way") == "- ≥ 1.3 x ≥ 2 x not measured"


def test_a_process_that_has_ended_has_no_clock():
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
        assert list(proc.clocks([os.getpid(), ended.pid])) == [os.getpid()]
