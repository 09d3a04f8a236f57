"""The Makefile: what it says of itself, and which Python it takes. Nothing is installed here."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import CHECKOUT
from tests.support.deadline import DEADLINE

PYTHON = """#!/bin/sh
# As much of a Python {version} as the Makefile asks for.
case "$*" in
    --version) echo "Python {version}.1" ;;
    *version_info\\[:2\\]*) echo {version} ;;
    "-m venv --clear .venv")
        rm -rf .venv
        mkdir -p .venv/bin
        cp "$0" .venv/bin/python
        echo "version = {version}.1" > .venv/pyvenv.cfg ;;
    app.py) echo "served by {version}" ;;
esac
"""


def make_python(path: Path, version: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PYTHON.format(version=version))
    path.chmod(0o755)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout with nothing but a Makefile, where python3 is 3.11."""
    shutil.copy(CHECKOUT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").touch()
    make_python(tmp_path / "bin" / "python3", "3.11")
    make_python(tmp_path / "bin" / "python3.13", "3.13")
    return tmp_path


def make(folder: Path, *arguments: str) -> str:
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environ = {k: v for k, v in os.environ.items() if k not in ("PYTHON", "MAKEFLAGS", "MAKELEVEL")}
    done = subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env={**environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


INSTALLING = "Installing requirements.txt into .venv ...\n"


def test_without_a_target_it_says_what_there_is(folder: Path) -> None:
    said = make(folder)
    assert said == make(folder, "help")
    phony = (CHECKOUT / "Makefile").read_text().partition(".PHONY: ")[2].partition("\n")[0]
    assert [target for target in phony.split() if target not in said] == []
    assert not (folder / ".venv").exists()


def test_the_environment_is_made_once(folder: Path) -> None:
    assert make(folder, "run") == f"{INSTALLING}served by 3.11\n"
    assert make(folder, "run") == "served by 3.11\n"


def test_another_python_that_is_named_gets_an_environment_of_its_own(folder: Path) -> None:
    make(folder, "run")

    said = make(folder, "run", "PYTHON=python3.13")

    anew = ".venv is of Python 3.11: making it anew with Python 3.13.1 ...\n"
    assert said == f"{anew}{INSTALLING}served by 3.13\n"
    assert make(folder, "run", "PYTHON=python3.13") == "served by 3.13\n"
    assert make(folder, "run") == "served by 3.13\n"  # nothing names another


def test_a_python_that_is_not_the_same_any_more_gets_a_new_one(folder: Path) -> None:
    """As where the distribution goes on to a newer one: the packages are not there for it."""
    make(folder, "run")
    make_python(folder / "bin" / "python3", "3.13")
    make_python(folder / ".venv" / "bin" / "python", "3.13")

    anew = ".venv is of Python 3.11: making it anew with Python 3.13.1 ...\n"
    assert make(folder, "run") == f"{anew}{INSTALLING}served by 3.13\n"


def test_a_python_that_is_gone_is_replaced(folder: Path) -> None:
    make(folder, "run", "PYTHON=python3.13")
    (folder / ".venv" / "bin" / "python").unlink()

    anew = ".venv is of Python 3.13: making it anew with Python 3.11.1 ...\n"
    assert make(folder, "run") == f"{anew}{INSTALLING}served by 3.11\n"
