"""After SIGHUP, several workers are replaced one after the other, so that somebody always serves.

gunicorn would start all new ones at once, and end the old ones before the first of those serves.
"""

from __future__ import annotations

import signal
import time
from typing import Any

SERVING_SECONDS = 10.0
"""How long one of them may take until it serves; then the next one has its turn all the same."""

POLL = 0.05


class Rolling:
    """In the master, called by its hooks."""

    def __init__(self) -> None:
        self._old_age = 0  # of the youngest worker that is to be replaced
        self._new_ages = range(0)

    def begin(self, arbiter: Any) -> None:
        """All workers that there are are to be replaced, by as many as the settings say."""
        self._old_age = arbiter.worker_age
        self._new_ages = range(self._old_age + 1, self._old_age + 1 + arbiter.cfg.workers)

    def pre_fork(self, arbiter: Any, worker: Any) -> None:
        """Before the second new worker, and each further one: wait until the one before serves, and
        end an old one. gunicorn ends the last ones itself."""
        if worker.age not in self._new_ages[1:]:
            return
        ages = {one.age: pid for pid, one in arbiter.WORKERS.items()}
        if before := ages.get(worker.age - 1):
            _await(arbiter.WORKERS[before])
        old = [ages[age] for age in sorted(ages) if age <= self._old_age]
        place = self._new_ages.index(worker.age) - 1
        for pid in old[place : place + 1]:
            arbiter.kill_worker(pid, signal.SIGTERM)


def _await(worker: Any) -> None:
    """Until it serves: its main loop shows at each turn that it lives."""
    begun = worker.tmp.last_update()
    deadline = time.monotonic() + SERVING_SECONDS
    while worker.tmp.last_update() == begun and time.monotonic() < deadline:
        time.sleep(POLL)
