"""What a run has found: every round as it came, and medians over them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import places
from benchmarks.figures import Spread, spread
from benchmarks.rounds import NO_TIME, Round


def newest_file(name: str) -> Path:
    """The last run of this kind; the names of files begin with the date."""
    return max(places.RESULTS.glob(f"*-{name}.json"))


class Result:
    """A run's head and rows; ``rows`` are dictionaries, as in the file."""

    def __init__(self, machine: dict[str, Any], size: str) -> None:
        self.machine = machine
        self.size = size
        self.rows: list[dict[str, Any]] = []

    def add(self, found: Round) -> None:
        """One more measurement."""
        number, outcome = found
        self.rows.append({"round": number, **asdict(outcome)})

    @classmethod
    def load(cls, path: Path) -> Result:
        """Read what ``save`` wrote."""
        data = json.loads(path.read_text())
        result = cls(data["machine"], data["size"])
        result.rows = data["rows"]
        return result

    def save(self, name: str) -> Path:
        """Write ``results/DATE-NAME.json``; the newest of a day and name stays."""
        places.RESULTS.mkdir(exist_ok=True)
        path = places.RESULTS / f"{str(self.machine['date'])[:10]}-{name}.json"
        data = {"machine": self.machine, "size": self.size, "rows": self.rows}
        text = json.dumps(data, indent=None, default=str)
        text = text.replace('{"round"', '\n{"round"')  # a line for each row: diffs stay readable
        path.write_text(text + "\n")
        return path

    def cases(self, scenario: str) -> list[str]:
        """Their names, in the order of measuring."""
        return list(dict.fromkeys(r["case"] for r in self.rows if r["scenario"] == scenario))

    def subjects(self, scenario: str, case: str) -> list[str]:
        """The names of those who took part or could not."""
        found = (r for r in self.rows if r["scenario"] == scenario and r["case"] == case)
        return list(dict.fromkeys(row["subject"] for row in found))

    def spread(self, scenario: str, case: str, subject: str, key: str) -> Spread | None:
        """Of one figure over the rounds; None where there is none."""
        values = self.by_round(scenario, case, subject, key).values()
        return spread([*values]) if values else None

    def by_round(self, scenario: str, case: str, subject: str, key: str) -> dict[int, float]:
        """One figure of each round that has it."""
        rows = self._rows(scenario, case, subject)
        found = {row["round"]: row["figures"].get(key) for row in rows}
        return {number: value for number, value in found.items() if value is not None}

    def median(self, scenario: str, case: str, subject: str, key: str) -> float | None:
        """Over the rounds."""
        found = self.spread(scenario, case, subject, key)
        return found.median if found else None

    def failures(self, scenario: str, case: str, subject: str) -> int:
        """How many rounds gave nothing, except for lack of time."""
        rows = self._rows(scenario, case, subject)
        return sum(row["failure"] not in ("", NO_TIME) for row in rows)

    def remarks(self, scenario: str, case: str, subject: str) -> list[str]:
        """Failures and notes, each once."""
        rows = self._rows(scenario, case, subject)
        words = [row["failure"] for row in rows if row["failure"]]
        words += [note for row in rows for note in row["figures"].get("notes", [])]
        return list(dict.fromkeys(words))

    def figure(self, scenario: str, case: str, subject: str, key: str) -> Any:
        """One figure of the last round, where it is no number."""
        rows = self._rows(scenario, case, subject)
        return rows[-1]["figures"].get(key) if rows else None

    def _rows(self, scenario: str, case: str, subject: str) -> list[dict[str, Any]]:
        wanted = (scenario, case, subject)
        return [r for r in self.rows if (r["scenario"], r["case"], r["subject"]) == wanted]
