"""All threads allocate from one arena, where malloc has several."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from chatroom.serving import arenas

COUNT = """
import ctypes, sys, threading
from chatroom.serving import arenas

if "share" in sys.argv:
    arenas.share()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
all_here = threading.Barrier(4)


def allocate():
    libc.malloc(1000)
    all_here.wait(20)


threads = [threading.Thread(target=allocate) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.stdout.flush()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""
"""Prints what malloc says of itself: one <heap> for each arena."""

IS_GLIBC = platform.libc_ver()[0] == "glibc"


def count_arenas(*arguments: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", COUNT, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.count("<heap nr=")


@pytest.mark.skipif(not IS_GLIBC, reason="another malloc")
def test_threads_share_one_arena(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(arenas.VARIABLE, raising=False)
    assert count_arenas("share") == 1
    assert count_arenas() > 1


def test_whoever_starts_the_program_may_want_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(arenas.VARIABLE, "4")
    assert not arenas.share()


def test_a_python_that_cannot_ask_goes_on_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(arenas.VARIABLE, raising=False)
    monkeypatch.setattr(arenas, "ctypes", None)
    assert not arenas.share()
