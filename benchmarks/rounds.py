"""Side by side: every round measures each case with each subject, in an order that rotates."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.load.generator import LoadError
from benchmarks.scenarios.case import Case, Outcome
from benchmarks.server import StartError
from benchmarks.subjects import Subject

Round = tuple[int, Outcome]

NO_TIME = "not measured: the time was up"
"""The failure of a measurement for which the run had no time left."""


class Rounds:
    """Runs the cases.

    Args:
        cases: what to measure.
        subjects: with whom.
        missing: what install.py could not have, and why.
        budget: seconds after which nothing more is begun.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        subjects: Sequence[Subject],
        missing: dict[Path, str],
        budget: float,
    ) -> None:
        self._cases = cases
        self._subjects = subjects
        self._unfit = {
            subject.name: missing[thing]
            for subject in subjects
            for thing in subject.things
            if thing in missing
        }
        self._began = time.monotonic()
        self._budget = budget

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def run(self) -> Iterator[Round]:
        """Measure; yields the number of the round and what came out, as it comes out.

        Whoever cannot be started once is not tried again.
        """
        for number in range(max((case.rounds for case in self._cases), default=0)):
            for case in self._cases:
                if number and self.elapsed > self._budget:
                    return  # the first round alone tells who is left out
                if number < case.rounds:
                    for subject in self._rotated(case, number):
                        for outcome in self._measure(case, subject):
                            yield number + 1, outcome

    def _rotated(self, case: Case, number: int) -> list[Subject]:
        # By a third each round, so that nobody always follows the same, heavy neighbour. A
        # variant before and after stays together, since machines change; each is first in turn.
        pairs: dict[str, list[Subject]] = {}
        for subject in self._subjects:
            # Those that share an engine take part only where they are named.
            if subject.variant in case.only if case.only else not subject.engine:
                pairs.setdefault(subject.variant, []).append(subject)
        if not pairs:
            return []
        by = number * (len(pairs) // 3 + 1) % len(pairs)
        order = [*pairs.values()][by:] + [*pairs.values()][:by]
        return [subject for pair in order for subject in pair[:: -1 if number % 2 else 1]]

    def _measure(self, case: Case, subject: Subject) -> list[Outcome]:
        why = self._unfit.get(subject.name, "")
        part = [name for name in case.scenarios if name not in subject.cannot]
        if not why and not part:
            why = subject.cannot[case.scenarios[0]]
        if not why and self.elapsed > self._budget:
            why = NO_TIME
        if not why:
            try:
                return case.measure(subject)
            except StartError as error:
                why = self._unfit[subject.name] = str(error)
            except (LoadError, OSError) as error:
                why = str(error)
        return case.failed(subject.name, why)
