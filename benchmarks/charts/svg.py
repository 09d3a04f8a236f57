"""A small SVG: a heading, panels of rows, and marks on them."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

STYLE = """
svg { color: #1f2328; font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
text { fill: currentColor; }
.title { font-size: 17px; font-weight: 650; }
.sub, .note { fill: #656d76; }
.panel { font-weight: 600; }
.note { font-style: italic; font-size: 12px; }
.value { font-variant-numeric: tabular-nums; font-size: 12px; }
.grid { stroke: #8b949e; stroke-opacity: .28; }
.mark { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 4 3; }
.marked { fill: #cf222e; font-size: 12px; }
.whisker { stroke: currentColor; stroke-opacity: .6; stroke-width: 1.5; }
.us { fill: #2f6feb; stroke: #2f6feb; }
.us2 { fill: #6ea1ff; stroke: #6ea1ff; }
.us3 { fill: #a5c6ff; stroke: #a5c6ff; }
.go { fill: #1a9c8c; stroke: #1a9c8c; }
.go2 { fill: #7cc9bf; stroke: #7cc9bf; }
.peer { fill: #9aa4af; stroke: #9aa4af; }
.cut { stroke: #fff; stroke-width: 2.5; }
.ours { font-weight: 600; }
@media (prefers-color-scheme: dark) {
  svg { color: #e6edf3; }
  .sub, .note { fill: #9198a1; }
  .cut { stroke: #0d1117; }
  .mark { stroke: #ff7b72; }
  .marked { fill: #ff7b72; }
  .us { fill: #4c8dff; stroke: #4c8dff; }
  .us2 { fill: #3567b8; stroke: #3567b8; }
  .us3 { fill: #29497c; stroke: #29497c; }
  .go { fill: #2bb3a3; stroke: #2bb3a3; }
  .go2 { fill: #1f7067; stroke: #1f7067; }
  .peer { fill: #6b747e; stroke: #6b747e; }
}
"""


def document(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    """The whole file."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{escape(title)}">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """A line of text; ``y`` is its baseline."""
    where = f'x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}"'
    return f"<text {where}>{escape(words)}</text>"


def bar(x: float, y: float, width: float, height: float, kind: str) -> str:
    """A filled bar, never too thin to be seen."""
    width = max(width, 1.5)
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2.5" '
        f'class="{kind}" stroke="none" style="stroke:none"/>'
    )


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def thick(x1: float, x2: float, y: float, kind: str) -> str:
    """A horizontal band between two dots."""
    return (
        f'<line x1="{x1:.1f}" y1="{y:.1f}" x2="{x2:.1f}" y2="{y:.1f}" class="{kind}" '
        'stroke-width="4" stroke-opacity=".55" stroke-linecap="round"/>'
    )


def dot(x: float, y: float, radius: float, kind: str) -> str:
    """A filled circle."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" class="{kind}" style="stroke:none"/>'
