"""Which charts there are, and what of a run they show."""

from __future__ import annotations

from pathlib import Path

from benchmarks.charts.panels import Chart, Panel, Row
from benchmarks.results import Result
from benchmarks.subjects import BY_NAME, SUBJECTS

KINDS = {
    "us-full": "us",
    "us-normal": "us2",
    "us-memory": "us3",
    "us-pace": "us",
    "us-typed": "us2",
    "go-hub": "go",
    "go-hub-pooled": "go2",
    "floor": "peer",
}

Keys = tuple[str, ...]


def draw(result: Result, folder: Path, prefix: str = "") -> list[Path]:
    """Write the charts that the run has figures for; return where."""
    charts = {
        "saturated": _chart(
            result,
            "saturated",
            "As fast as it goes: deliveries per second",
            "closed loop, 8 senders with 16 messages under way each; more is better",
            ("deliveries_per_s",),
            without=("floor",),
        ),
        "paced": _paced(result),
        "latency": _chart(
            result,
            "paced",
            "At a steady pace: latency, p50 to p99",
            "milliseconds from a send to a delivery, on a logarithmic scale; less is better",
            ("p50_ms", "p99_ms"),
            without=("floor",),
        ),
        "joining": _chart(
            result,
            "joining",
            "Joining: server CPU milliseconds per user",
            "ours with 500 past messages for each, the others without; less is better",
            ("cpu_ms_per_user",),
        ),
        "crowd": _chart(
            result,
            "crowd",
            "A crowd in one process: kilobytes per user",
            "memory with all connected, less the empty server's; less is better",
            ("memory_kb_per_user",),
        ),
        "growth": _growth(result),
    }
    folder.mkdir(exist_ok=True)
    written = []
    for name, chart in charts.items():
        if any(row.values for panel in chart.panels for row in panel.rows):
            path = folder / f"{prefix}{name}.svg"
            path.write_text(chart.draw())
            written.append(path)
    return written


def _chart(
    result: Result, scenario: str, title: str, subtitle: str, keys: Keys, without: Keys = ()
) -> Chart:
    """A row for each subject with figures or an excuse, a panel for each case."""
    cases = result.cases(scenario)
    taking_part = {name for case in cases for name in result.subjects(scenario, case)}
    names = [s.name for s in SUBJECTS if s.name in taking_part and s.name not in without]
    names = [name for name in names if scenario not in BY_NAME[name].cannot]
    panels = tuple(
        Panel(_title(case), tuple(_row(result, scenario, case, name, keys) for name in names))
        for case in cases
    )
    labels = tuple((BY_NAME[name].title, KINDS.get(name, "peer")) for name in names)
    return Chart(title, subtitle, labels, panels, bands=len(keys) == 2)


def _row(result: Result, scenario: str, case: str, name: str, keys: Keys) -> Row:
    values = [result.spread(scenario, case, name, key) for key in keys]
    found = tuple(value for value in values if value)
    if len(found) == len(keys):
        return Row(found)
    return Row(excuse=_excuse("; ".join(result.remarks(scenario, case, name))))


def _paced(result: Result) -> Chart:
    """The floor is a line here, since nobody can go below it."""
    chart = _chart(
        result,
        "paced",
        "At a steady pace: server CPU microseconds per delivery",
        "500, 200 and 20 messages a second; less is better",
        ("cpu_us_per_delivery",),
        without=("floor",),
    )
    panels = []
    for panel, case in zip(chart.panels, result.cases("paced"), strict=True):
        floor = result.median("paced", case, "floor", "cpu_us_per_delivery")
        panels.append(Panel(panel.title, panel.rows, floor, "bare send()" if floor else ""))
    return Chart(chart.title, chart.subtitle, chart.labels, tuple(panels), may_cut=True)


def _growth(result: Result) -> Chart:
    """One panel for each subject, a row for each length of the history."""
    cases = result.cases("growth")
    names = [name for name in ("us-full", "us-normal") if cases]
    panels = tuple(
        Panel(
            BY_NAME[name].title,
            tuple(_row(result, "growth", case, name, ("cpu_us_per_message",)) for case in cases),
        )
        for name in names
    )
    return Chart(
        "A long history: server CPU microseconds per message",
        "10 users at 500 messages a second; equal bars are what is wanted",
        tuple((f"{case.removesuffix(' stored')} messages stored", "us") for case in cases),
        panels,
    )


def _title(case: str) -> str:
    users, comma, rest = case.removeprefix("N=").partition(",")
    return f"{int(users):,} users{comma}{rest}" if case.startswith("N=") else case


def _excuse(remark: str) -> str:
    if "stands still" in remark:
        return "stands still"
    if "connections ended" in remark:
        return "drops users"
    if "too slow" in remark:
        return "too slow"
    return "not measured" if "time was up" in remark else "no result"
