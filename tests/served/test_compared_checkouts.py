"""``python -m benchmarks --before``: each server runs the code of its own checkout."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import places
from benchmarks.filling import filled
from benchmarks.server import Server, StartError
from benchmarks.subjects import BY_NAME, Subject, with_before
from tests.support import CHECKOUT

PARTS = ("chatroom", "benchmarks", "static", "templates", "app.py", "gunicorn.conf.py")


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Subject]:
    """After and before, which calls itself version 0.0."""
    monkeypatch.setattr(places, "RUNS", tmp_path / "runs")
    older = tmp_path / "older"
    older.mkdir()
    for part in PARTS:
        source, ignored = CHECKOUT / part, shutil.ignore_patterns(".build", "__pycache__")
        if source.is_dir():
            shutil.copytree(source, older / part, symlinks=True, ignore=ignored)
        else:
            shutil.copy(source, older)
    with (older / "chatroom" / "__init__.py").open("a") as module:
        module.write('\n__version__ = "0.0"\n')
    command = (sys.executable, "-m", "gunicorn", "app:app")
    return [replace(s, command=command) for s in with_before([BY_NAME["us-full"]], older)]


def version(subject: Subject) -> str:
    with Server(subject) as server, server.get("/healthz", 5) as reply:
        return str(json.load(reply)["version"])


def test_before_runs_the_other_checkouts_code(both: list[Subject]):
    after, before = map(version, both)
    assert before == "0.0" != after


def test_code_from_elsewhere_is_refused(both: list[Subject], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GUNICORN_CMD_ARGS", f"--chdir {CHECKOUT}")
    with pytest.raises(StartError, match=r"instead of .*older: unset GUNICORN_CMD_ARGS"):
        version(both[1])


def test_a_history_is_filled_by_the_code_that_will_read_it(both: list[Subject]):
    checkout = both[1].checkout
    with (checkout / "chatroom" / "history" / "__init__.py").open("a") as module:
        module.write('\nraise RuntimeError("the older code")\n')
    with pytest.raises(StartError, match="the older code"):
        filled(1, checkout, Path(sys.executable))
