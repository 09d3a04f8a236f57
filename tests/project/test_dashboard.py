"""docs/grafana.json: what Grafana takes for a dashboard, and shows as it is meant.

That its expressions have something to show is tried with a real Prometheus: see
``served/test_watching.py``.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from tests.support import CHECKOUT

WIDTH = 24
"""Columns of Grafana's grid."""


@cache
def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CHECKOUT / "docs" / "grafana.json").read_text())
    return found


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def test_no_panel_covers_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        x, y, width, height = (panel["gridPos"][key] for key in "xywh")
        cells = {(x + column, y + row) for column in range(width) for row in range(height)}
        assert x + width <= WIDTH
        assert not cells & taken, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in dashboard()["panels"]]
    assert len(set(ids)) == len(ids)


def test_each_panel_says_what_it_means_and_has_a_unit() -> None:
    for panel in panels():
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["type"] in ("stat", "timeseries")


def test_it_asks_whatever_prometheus_its_reader_has_for_whatever_servers_there_are() -> None:
    variables = {variable["name"] for variable in dashboard()["templating"]["list"]}
    assert variables == {"datasource", "job", "instance"}
    for panel in panels():
        for target in panel["targets"]:
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert 'job=~"$job",instance=~"$instance"' in target["expr"]
