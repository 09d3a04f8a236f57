"""Memory that is in use comes into huge pages, and takes hardly more room there.

Each test has a process of its own, as all of a process's memory is gathered.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chatroom.serving import huge_pages
from tests.support.pages import needs_huge_pages

MIB = 1 << 20

PROCESS = """
import ctypes, json, mmap, os, re, sys
from pathlib import Path
from chatroom.serving import huge_pages

def take(mebibytes, of=1):
    "Private memory; of each so many pages, one is in use."
    memory = mmap.mmap(-1, mebibytes << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for at in range(0, len(memory), of * mmap.PAGESIZE):
        memory[at] = 1
    return memory

def sizes(memory):
    "KiB of this memory, as the kernel has it."
    begin = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    fields = {}
    for line in Path("/proc/self/smaps").read_text().splitlines():
        mapping = re.match("([0-9a-f]+)-([0-9a-f]+) ", line)
        if mapping:
            is_it = int(mapping[1], 16) <= begin < int(mapping[2], 16)
        elif is_it:
            name, value = line.split(":")
            fields[name] = value.split()[0]
    return {name: int(fields[name]) for name in ("Rss", "AnonHugePages", "Shared_Dirty")}

def tell(**facts):
    print(json.dumps(facts), flush=True)
"""


def run(script: str) -> dict[str, Any]:
    """What the process tells."""
    command = [sys.executable, "-c", PROCESS + script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@needs_huge_pages
def test_memory_in_use_is_in_huge_pages_afterwards():
    told = run("""
memory = take(16)
before = sizes(memory)
gathered = huge_pages.gather()
tell(before=before, gathered=gathered, after=sizes(memory), whole=set(memory[::4096]) == {1})
""")
    assert told["before"]["AnonHugePages"] == 0
    assert told["after"]["AnonHugePages"] >= 12 * 1024  # the first and last may be cut
    assert told["gathered"] >= 12 * MIB
    assert told["whole"]


@needs_huge_pages
def test_memory_that_is_hardly_in_use_takes_no_more():
    told = run("""
memory = take(16, of=2)
before = sizes(memory)
huge_pages.gather()
tell(before=before, after=sizes(memory))
""")
    assert told["before"]["Rss"] >= 8 * 1024
    assert told["after"]["Rss"] < 9 * 1024  # what the interpreter takes next to it counts, too
    assert told["after"]["AnonHugePages"] == 0


@needs_huge_pages
def test_what_a_process_shares_with_its_parent_stays_shared():
    told = run("""
memory = take(16)
child = os.fork()
if child == 0:
    huge_pages.gather()
    tell(**sizes(memory))
    os._exit(0)
os.waitpid(child, 0)
""")
    assert told["AnonHugePages"] == 0
    assert told["Shared_Dirty"] >= 15 * 1024


def test_objects_that_come_later_lie_in_one_piece_that_was_taken_for_them():
    """Others map something in between, as threads and libraries do."""
    told = run("""
def part_in_one_piece(reserved):
    huge_pages.reserve(reserved << 20)
    objects, others = [], []
    for _ in range(6):
        objects += [bytes(400) for _ in range(2000)]
        others.append(mmap.mmap(-1, 1 << 20, prot=mmap.PROT_READ))
    maps = re.findall("(?m)^([0-9a-f]+)-([0-9a-f]+)", Path("/proc/self/maps").read_text())
    pieces = [range(int(begin, 16), int(end, 16)) for begin, end in maps]
    return max(sum(id(it) in piece for it in objects) for piece in pieces) / len(objects)
tell(without=part_in_one_piece(0), together=part_in_one_piece(8))
""")
    assert told["together"] > 0.6
    assert told["without"] < 0.5


@pytest.mark.parametrize(
    ("resident", "gathered"),
    [
        pytest.param([100, 101, 101, 102, 102, 102], [100, 102], id="a page's worth more"),
        pytest.param([100, 103, 106, 109, 109, 109], [100, 109], id="once a crowd is in"),
        pytest.param([50, 500, 500, 500, 500], [50], id="not with many thousands"),
    ],
)
def test_it_is_done_when_memory_has_grown_and_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch, resident: list[int], gathered: list[int]
):
    done: list[int] = []
    monkeypatch.setattr(huge_pages, "_resident", lambda: resident[0] * MIB)
    monkeypatch.setattr(huge_pages, "gather", lambda _: done.append(resident[0]))
    monkeypatch.setattr(huge_pages.time, "sleep", lambda _: resident.pop(0))

    with pytest.raises(IndexError):  # at the end of what is resident at each look, in MiB
        huge_pages._keep_gathering(2 * MIB)
    assert done == gathered


def test_an_administrator_who_wants_no_huge_pages_gets_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(huge_pages, "KERNEL", tmp_path)
    monkeypatch.setattr(huge_pages, "_keep_gathering", lambda _: None)
    (tmp_path / "hpage_pmd_size").write_text("2097152\n")
    (tmp_path / "enabled").write_text("always [madvise] never\n")
    assert huge_pages.keep_gathering()

    (tmp_path / "enabled").write_text("always madvise [never]\n")
    assert huge_pages.keep_gathering() is None


def test_a_system_without_them_goes_on_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(huge_pages, "KERNEL", tmp_path / "missing")
    assert huge_pages.keep_gathering() is None
    assert huge_pages.gather() == 0


def test_a_container_that_hides_a_process_from_itself_goes_on_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(huge_pages, "PROCESS", tmp_path)
    assert huge_pages.gather() == 0


def test_a_python_that_cannot_ask_goes_on_without(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(huge_pages, "ctypes", None)
    assert huge_pages.gather() == 0
