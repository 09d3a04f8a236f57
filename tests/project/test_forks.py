"""Forked processes: they begin, hear and end as those that are started do."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.support.deadline import DEADLINE
from tests.support.forks import Forked, forker

REPORT = """
import json, os, resource, sys
found = [sys.argv[1:], sys.path[:2], os.getcwd(), dict(os.environ), input(), os.getsid(0)]
print(json.dumps(found))
"""


def forked(folder: Path, program: str, *arguments: str, **environ: str) -> Forked:
    (folder / "program.py").write_text(program)
    (folder / "input").write_text("hello\n")
    with (folder / "input").open() as its_input, (folder / "output").open("w") as output:
        standard = (its_input, output, output)
        return forker.fork("program", *arguments, cwd=folder, environ=environ, standard=standard)


def test_it_has_a_place_variables_words_and_a_session_of_its_own(tmp_path: Path) -> None:
    process = forked(tmp_path, REPORT, "-a", "b", PYTHONPATH="/nowhere", ONLY="this")

    assert process.wait(DEADLINE) == 0
    words, path, folder, environ, heard, session = json.loads((tmp_path / "output").read_text())
    assert (words, path, folder) == (["-a", "b"], [str(tmp_path), "/nowhere"], str(tmp_path))
    assert environ == {"PYTHONPATH": "/nowhere", "ONLY": "this"}
    assert (heard, session) == ("hello", process.pid)


@pytest.mark.parametrize(
    ("program", "code"),
    [("", 0), ("raise SystemExit(3)", 3), ("import os; os._exit(4)", 4), ("1 / 0", 1)],
)
def test_its_exit_code_is_told(tmp_path: Path, program: str, code: int) -> None:
    process = forked(tmp_path, program)

    assert process.wait(DEADLINE) == process.poll() == process.returncode == code
    assert ("ZeroDivisionError" in (tmp_path / "output").read_text()) == (code == 1)


def test_a_signal_ends_it_and_is_told(tmp_path: Path) -> None:
    process = forked(tmp_path, "import time; time.sleep(1000)")
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)

    assert process.wait(DEADLINE) == -signal.SIGKILL
    process.send_signal(signal.SIGKILL)  # which nobody gets
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
