"""``python -m benchmarks.publish``: puts the newest results into docs/performance.md.

The page holds a block for each table, behind a comment that names the run and the table:

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
from pathlib import Path

from benchmarks import places
from benchmarks.page.report import sections as page_sections
from benchmarks.report import sections
from benchmarks.results import Result

PAGE = places.CHECKOUT / "docs" / "performance.md"

RUNS: dict[str, Callable[[Result], dict[str, str]]] = {
    "full": sections,
    "page": page_sections,
    "two": sections,
}
"""How each kind of run is reported."""

_BLOCK = re.compile(r"(<!-- (\w+): ([\w -]+) -->\n```text\n)(?:(?!```).*\n)*")


def published(markdown: str) -> str:
    """The page with the newest results in its blocks.

    Raises:
        KeyError: a block names a run or a table that doesn't exist.
    """
    found = {name: report(Result.load(newest_file(name))) for name, report in RUNS.items()}
    return _BLOCK.sub(lambda block: f"{block[1]}{found[block[2]][block[3]]}\n", markdown)


def newest_file(name: str) -> Path:
    """The last run of this kind; the names of files begin with the date."""
    return max(places.RESULTS.glob(f"*-{name}.json"))


def main() -> int:
    """Rewrite the page."""
    PAGE.write_text(published(PAGE.read_text()))
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
