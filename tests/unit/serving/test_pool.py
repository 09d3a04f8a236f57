"""The pool's threads: as many as are needed, none held back, and gone after a while."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from functools import partial

import pytest

from chatroom.serving.pool import Pool
from tests.support.deadline import DEADLINE, wait_for


class Work:
    """Tasks that last until they are let go."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.end = threading.Event()
        self.names: list[str] = []

    def __call__(self) -> None:
        self.names.append(threading.current_thread().name)
        self.begun.release()
        assert self.end.wait(DEADLINE)

    def has_begun(self, count: int = 1) -> bool:
        return all(self.begun.acquire(timeout=DEADLINE) for _ in range(count))


@pytest.fixture
def work() -> Iterator[Work]:
    work = Work()
    yield work
    work.end.set()


def do_and_rest(pool: Pool) -> None:
    """Something, after which its thread waits for more."""
    done = threading.Event()
    pool.submit(done.set)
    assert done.wait(DEADLINE)
    wait_for(lambda: pool._idle, "its rest")


def test_each_task_that_lasts_has_a_thread_of_its_own(work: Work):
    pool = Pool(10)
    for _ in range(10):
        pool.submit(work)

    assert work.has_begun(10)
    assert len(set(work.names)) == len(pool) == 10
    pool.shutdown()


def test_a_task_for_which_there_is_no_thread_waits_for_one(work: Work):
    """And no thread is promised twice: the next task has one too, though the last never ends."""
    pool, more = Pool(2), Work()
    pool.submit(work)
    pool.submit(work)
    assert work.has_begun(2)
    pool.submit(more)
    pool.submit(more)
    assert not more.names

    work.end.set()

    assert more.has_begun(2)
    more.end.set()
    pool.shutdown()


def test_a_thread_serves_again_before_another_is_started():
    pool = Pool(10)
    for _ in range(20):
        do_and_rest(pool)

    assert len(pool) == 1
    pool.shutdown()


def test_threads_that_have_nothing_to_do_end(work: Work):
    pool = Pool(50, idle_seconds=0.01)
    for _ in range(50):
        pool.submit(work)
    assert work.has_begun(50)

    work.end.set()

    wait_for(lambda: len(pool) == 0, "the end of all")
    done = threading.Event()
    pool.submit(done.set)
    assert done.wait(DEADLINE)


def test_tasks_that_come_while_threads_end_are_all_done():
    pool, done = Pool(3, idle_seconds=0.0), threading.Semaphore(0)
    for _ in range(300):
        pool.submit(done.release)

    assert all(done.acquire(timeout=DEADLINE) for _ in range(300))
    pool.shutdown()


def test_without_another_thread_a_task_is_refused_and_does_not_run(
    work: Work, monkeypatch: pytest.MonkeyPatch
):
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    pool, other = Pool(2), Work()
    pool.submit(work)
    assert work.has_begun()
    with monkeypatch.context() as machine, pytest.raises(RuntimeError):
        machine.setattr(threading.Thread, "start", refuse)
        pool.submit(other)

    done = threading.Event()
    pool.submit(done.set)
    assert done.wait(DEADLINE)
    assert not other.names
    pool.shutdown()


def test_a_task_that_runs_apart_begins_on_a_thread_that_nothing_else_was_on(work: Work):
    """However many have nothing to do; and the thread ends with it."""
    pool = Pool(10)
    do_and_rest(pool)

    pool.run_apart(work)
    pool.run_apart(work)
    assert work.has_begun(2)
    assert (len(pool), len(set(work.names))) == (3, 2)
    work.end.set()

    wait_for(lambda: len(pool) == 1, "the end of both")
    pool.shutdown()


def test_tasks_that_run_apart_count_and_whoever_waits_for_a_thread_gets_theirs(work: Work):
    pool, more = Pool(2), Work()
    pool.run_apart(work)
    pool.run_apart(work)
    assert work.has_begun(2)
    with pytest.raises(RuntimeError, match="all threads are taken"):
        pool.run_apart(more)
    for _ in range(2):
        pool.submit(more)
    assert not more.names

    work.end.set()

    assert more.has_begun(2)
    more.end.set()
    pool.shutdown()


def test_a_thread_that_waits_holds_nothing_of_its_last_task():
    """That would be a connection and its request, for each thread."""
    pool, done = Pool(1), threading.Event()
    task = partial(done.set)
    gone = weakref.ref(task)
    pool.submit(task)
    del task
    assert done.wait(DEADLINE)

    wait_for(lambda: gone() is None or gc.collect() < 0, "the end of the task")
    pool.shutdown()


def test_the_threads_end_when_the_pool_does(work: Work):
    pool = Pool(2)
    do_and_rest(pool)
    pool.submit(work)
    pool.submit(work)
    assert work.has_begun(2)

    pool.shutdown()
    work.end.set()

    wait_for(lambda: len(pool) == 0, "the end of all")
