"""The threads that requests run on: as many as are needed, gone again when they are not.

The executors of ``concurrent.futures`` keep each thread for good: after a crowd of ten thousand,
that many stay, with a third of a gigabyte. And they keep a Future for each task, which here may
run for days.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable

Task = Callable[[], None]

IDLE_SECONDS = 30.0
"""Seconds that a thread waits for its next task, before it ends."""


class Pool:
    """Runs tasks on up to ``size`` threads; further tasks wait, and none is lost.

    The thread that was busy last gets the next task, so that those not needed are idle for long.

    Args:
        size: threads at most. They have the stack size of ``threading.stack_size()``.
        idle_seconds: see ``IDLE_SECONDS``.
    """

    # Rule: _lock guards everything below. A thread whose box is not in _idle has been promised a
    # task, or the end, through that box.

    def __init__(self, size: int, idle_seconds: float = IDLE_SECONDS) -> None:
        self._size = size
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._idle: list[queue.SimpleQueue[Task | None]] = []
        self._waiting: deque[Task] = deque()
        self._started = 0
        self._threads = 0
        self._closed = False

    def __len__(self) -> int:
        """How many threads there are."""
        return self._threads

    def submit(self, task: Task) -> None:
        """Run the task, which must not raise, on a thread of the pool. Any thread; never waits.

        Raises:
            RuntimeError: the machine allows no more threads; the task will not run.
        """
        with self._lock:
            if self._idle:
                self._idle.pop().put(task)
            elif self._threads < self._size:
                self._start(task, "request", stays=True)
            else:
                self._waiting.append(task)

    def run_apart(self, task: Task) -> None:
        """Run the task, which must not raise, on a new thread, which ends with it: one that lives
        for days begins with a stack on which nothing else has been. Any thread; never waits.

        Raises:
            RuntimeError: there are as many threads as may be, or as the machine allows; the task
                will not run.
        """
        with self._lock:
            if self._threads >= self._size:
                raise RuntimeError("all threads are taken")
            self._start(task, "reader", stays=False)

    def shutdown(self, wait: bool = False) -> None:
        """Let each thread end once it has nothing to do. Never waits, whatever ``wait`` is."""
        with self._lock:
            self._closed = True
            self._threads -= len(self._idle)
            while self._idle:
                self._idle.pop().put(None)

    def _start(self, task: Task, kind: str, *, stays: bool) -> None:
        box: queue.SimpleQueue[Task] = queue.SimpleQueue()
        box.put(task)  # a Thread keeps its arguments, and with them what they hold
        name = f"{kind}-{self._started}"
        # Daemons: before Python 3.13, each start looks at the locks of all threads that are none.
        # With nine thousand users, that was a fifth of what it cost to let in another one.
        threading.Thread(target=self._work, args=(box, stays), name=name, daemon=True).start()
        self._started += 1
        self._threads += 1

    def _work(self, box: queue.SimpleQueue[Task], stays: bool) -> None:
        task: Task | None = box.get()
        while task is not None:
            task()
            task = None  # the next one may be a while away, and this one holds its connection
            task = self._next(stays)

    def _next(self, stays: bool) -> Task | None:
        """The next task; None if the thread is to end, and no longer counted.

        Args:
            stays: it waits for one.
        """
        box: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            if self._closed or not stays:
                self._threads -= 1
                return None
            self._idle.append(box)
        try:
            return box.get(timeout=self._idle_seconds)
        except queue.Empty:
            pass
        with self._lock:
            if box in self._idle:
                self._idle.remove(box)
                self._threads -= 1
                return None
        return box.get()  # promised in the meantime
