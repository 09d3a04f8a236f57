"""The kernel's table of threads that wait: large enough, where there is one."""

from __future__ import annotations

import ctypes
import sys
import threading

import pytest

from chatroom.serving import futexes


@pytest.fixture(scope="module", autouse=True)
def second_thread() -> None:
    """The kernel makes the table with a process's second thread."""
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


def has_table() -> bool:
    """Whether this kernel has one for each process: it says how large it is."""
    if sys.platform != "linux":
        return False
    return int(ctypes.CDLL(None).prctl(futexes.PR_FUTEX_HASH, futexes.GET_SLOTS, 0, 0, 0)) > 0


def test_ten_thousand_threads_get_thousands_of_slots() -> None:
    assert futexes.spread(10_000) == (8192 if has_table() else 0)


def test_a_table_that_is_large_enough_stays_as_it_is() -> None:
    before = futexes.spread(1000)
    assert futexes.spread(10) == before


def test_a_python_that_cannot_ask_goes_on_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(futexes, "ctypes", None)
    assert futexes.spread(10_000) == 0
