"""Workers that are replaced one after the other: how many serve at any moment."""

from __future__ import annotations

import itertools
import signal
from types import SimpleNamespace
from typing import Any

import pytest

from chatroom.serving import rolling
from chatroom.serving.rolling import Rolling


class Master:
    """gunicorn's, as far as a reload goes: see ``gunicorn.arbiter.Arbiter.reload``."""

    def __init__(self, workers: int, are_slow: bool = False) -> None:
        self.WORKERS: dict[int, Any] = {}
        self.worker_age = 0
        self.cfg = SimpleNamespace(workers=workers)
        self.ended: list[int] = []
        self.serving_at_each_end: list[int] = []
        self.rolling = Rolling()
        self._are_slow = are_slow
        for _ in range(workers):
            self.spawn_worker()

    def spawn_worker(self) -> None:
        self.worker_age += 1
        # The time of a file: at first its making, then as the worker's loop sets it.
        times = itertools.repeat(0.0) if self._are_slow else itertools.count()
        tmp = SimpleNamespace(last_update=lambda: next(times))
        worker = SimpleNamespace(age=self.worker_age, tmp=tmp)
        self.rolling.pre_fork(self, worker)
        self.WORKERS[1000 + worker.age] = worker

    def kill_worker(self, pid: int, signum: int) -> None:
        assert signum == signal.SIGTERM
        self.ended.append(pid - 1000)
        self.serving_at_each_end.append(len(self.WORKERS) - len(self.ended))

    def reload(self, workers: int) -> None:
        self.cfg.workers = workers
        self.rolling.begin(self)
        for _ in range(workers):
            self.spawn_worker()


def test_workers_that_start_end_nobody():
    assert Master(3).ended == []


def test_each_new_one_but_the_last_takes_the_place_of_an_old_one():
    """The last ones are ended by gunicorn itself, once all new ones have begun."""
    master = Master(3)
    master.reload(3)

    assert master.ended == [1, 2]
    assert master.serving_at_each_end == [3, 3]


@pytest.mark.parametrize(("before", "after", "ended"), [(1, 1, []), (3, 2, [1]), (2, 4, [1, 2])])
def test_more_or_fewer_may_come(before: int, after: int, ended: list[int]):
    master = Master(before)
    master.reload(after)

    assert master.ended == ended


def test_a_worker_that_comes_later_ends_nobody():
    """In place of one that has died, or with SIGTTIN."""
    master = Master(2)
    master.reload(2)
    ended = list(master.ended)
    master.spawn_worker()

    assert master.ended == ended


def test_a_worker_that_does_not_serve_does_not_hold_up_the_others_for_long(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(rolling, "SERVING_SECONDS", 0.05)
    master = Master(2, are_slow=True)
    master.reload(2)

    assert master.ended == [1]
