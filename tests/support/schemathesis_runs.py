"""Schemathesis, run once for each line of standard input: to load its parts takes seconds.

A line is a list of arguments, as JSON. Ends with the number of runs that have found something.
"""

from __future__ import annotations

import json
import sys

from schemathesis.cli import schemathesis


def main() -> None:
    """Run them, one after the other."""
    sys.exit(sum(map(finds_something, map(json.loads, sys.stdin))))


def finds_something(arguments: list[str]) -> bool:
    """Whether a run has."""
    try:
        return bool(schemathesis.main(arguments, standalone_mode=False))
    except SystemExit as end:
        return bool(end.code)


if __name__ == "__main__":
    main()
