"""Panels side by side, the same rows in each: bars from nought, or bands from p50 to p99."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from benchmarks.charts import svg
from benchmarks.figures import Spread, written

LABELS = 216.0
PANEL = 252.0
GAP = 34.0
ROW = 25.0
BAR = 15.0
CUT = 1.02
"""Of the room for the longest bar: so far goes a bar that is cut."""
TOP = 84.0
VALUE = 52.0
"""Of a panel's width: kept free for the value behind the longest bar."""
LONGEST = 4.0
"""Bars end at so many times the median one, where they may be cut: a single outlier would leave
the others too short to compare."""


@dataclass(frozen=True)
class Row:
    """One subject in one panel."""

    values: tuple[Spread, ...] = ()
    """One for a bar, two for a band; none where there is nothing to show."""
    excuse: str = ""
    """Why there is nothing."""


@dataclass(frozen=True)
class Panel:
    """One column of the chart."""

    title: str
    rows: tuple[Row, ...]
    mark: float | None = None
    """A value to draw a line at."""
    mark_words: str = ""


@dataclass(frozen=True)
class Chart:
    """What it shows, and of whom."""

    title: str
    subtitle: str
    labels: tuple[tuple[str, str], ...]
    """Of each row: the words, and the kind, which gives the colour."""
    panels: tuple[Panel, ...] = field(default=())
    bands: bool = False
    """Bands on a logarithmic scale, instead of bars."""
    may_cut: bool = False
    """Bars much longer than the others are cut."""

    def draw(self) -> str:
        """The SVG."""
        width = LABELS + len(self.panels) * PANEL + (len(self.panels) - 1) * GAP + 10
        width = max(width, 620)
        bottom = TOP + len(self.labels) * ROW
        parts = [svg.text(0, 20, self.title, "title"), svg.text(0, 42, self.subtitle, "sub")]
        for i, (words, kind) in enumerate(self.labels):
            weight = "ours" if kind.startswith("us") else ""
            parts.append(svg.text(LABELS - 12, TOP + i * ROW + 17, words, weight, "end"))
        for i, panel in enumerate(self.panels):
            parts += self._panel(panel, LABELS + i * (PANEL + GAP), bottom)
        return svg.document(width, bottom + 24, self.title, parts)

    def _panel(self, panel: Panel, left: float, bottom: float) -> list[str]:
        parts = [svg.text(left, TOP - 12, panel.title, "panel")]
        at, grid = self._scale(panel)
        for value in grid:
            x = left + at(value)
            parts.append(svg.line(x, TOP, x, bottom, "grid"))
            if self.bands:
                parts.append(
                    svg.text(x, bottom + 15, f"{written_short(value)} ms", "note", "middle")
                )
        for i, row in enumerate(panel.rows):
            y, kind = TOP + i * ROW, self.labels[i][1]
            if not row.values:
                parts.append(svg.text(left + 4, y + 17, row.excuse, "note"))
            elif self.bands:
                parts += _band(row, left, y, at, kind)
            else:
                parts += _bar(row.values[0], left, y, at, kind)
        if panel.mark is not None:
            x = left + at(panel.mark)
            parts.append(svg.line(x, TOP - 4, x, bottom, "mark"))
            parts.append(svg.text(x, bottom + 15, panel.mark_words, "marked", "middle"))
        return parts

    def _scale(self, panel: Panel) -> tuple[Callable[[float], float], list[float]]:
        """From a value to its distance from the panel's left edge; and where the grid is."""
        room = PANEL - VALUE
        values = [s.median for row in panel.rows for s in row.values]
        values += [panel.mark] if panel.mark else []
        most = max(values, default=1.0)
        if not self.bands:
            if self.may_cut and values:
                most = min(most, LONGEST * median(values))
            return lambda value: min(value / most, CUT) * room, [0]
        low = math.floor(math.log10(max(min(values, default=1.0), 1e-3)))
        high = math.ceil(math.log10(most) + 1e-9)
        high += high == low
        grid = [10.0**power for power in range(low, high + 1)]
        return lambda value: (math.log10(max(value, 1e-3)) - low) / (high - low) * room, grid


def _bar(
    value: Spread, left: float, y: float, at: Callable[[float], float], kind: str
) -> list[str]:
    middle = y + ROW / 2
    end = left + at(value.median)
    parts = [svg.bar(left, middle - BAR / 2, end - left, BAR, kind)]
    if value.most > value.least:
        reach = left + at(value.most)
        parts.append(svg.line(left + at(value.least), middle, reach, middle, "whisker"))
        end = max(end, reach)
    if at(value.median) == at(math.inf):
        parts += [
            svg.line(end - 16 + i, middle + 10, end - 10 + i, middle - 10, "cut") for i in (0, 5)
        ]
    parts.append(svg.text(end + 6, middle + 4.5, written(value.median), "value"))
    return parts


def _band(row: Row, left: float, y: float, at: Callable[[float], float], kind: str) -> list[str]:
    middle = y + ROW / 2
    first, last = (left + at(value.median) for value in row.values)
    return [
        svg.thick(first, last, middle, kind),
        svg.dot(first, middle, 4, kind),
        svg.dot(last, middle, 5.5, kind),
        svg.text(last + 10, middle + 4.5, written(row.values[-1].median), "value"),
    ]


def written_short(value: float) -> str:
    """Without noughts behind."""
    return f"{value:g}"
