"""``python -m benchmarks.publish``: puts the newest results into the documentation.

Its pages hold a block for each table, behind a comment that names the run and the table:

    <!-- full: saturated -->
    ```text
    ...
    ```

Everything outside these blocks is written by hand.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import cache

from benchmarks import places
from benchmarks.page.report import sections as page_sections
from benchmarks.report import sections
from benchmarks.results import Result, newest_file
from benchmarks.simulation.costs import Costs
from benchmarks.simulation.points import measured
from benchmarks.simulation.report import tables

PAGES = tuple(places.CHECKOUT / "docs" / name for name in ("performance.md", "scaling.md"))

REPORTS: dict[str, Callable[[Result], dict[str, str]]] = {
    "full": sections,
    "page": page_sections,
    "upload": sections,
}
"""How each kind of run is reported."""

RUNS = tuple(name for name in REPORTS if any(places.RESULTS.glob(f"*-{name}.json")))
"""Those that there are results of: the documentation has to show them."""

_BLOCK = re.compile(r"(<!-- (\w+): ([\w -]+) -->\n```text\n)(?:(?!```).*\n)*")


def published(markdown: str) -> str:
    """A page with the newest results in its blocks.

    Raises:
        KeyError: a block names a run or a table that doesn't exist.
    """
    return _BLOCK.sub(lambda block: f"{block[1]}{_parts(block[2])[block[3]]}\n", markdown)


@cache
def _parts(run: str) -> dict[str, str]:
    if run == "simulation":
        return tables(measured(), Costs())
    return REPORTS[run](Result.load(newest_file(run)))


def main() -> int:
    """Rewrite the pages."""
    for page in PAGES:
        page.write_text(published(page.read_text()))
        print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
