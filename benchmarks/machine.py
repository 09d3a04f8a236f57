"""What the figures were measured on, and with which versions."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from benchmarks import places
from benchmarks.install import GO_PACKAGES, NPM

PACKAGES = (
    *("flask", "flask-sock", "simple-websocket", "wsproto", "gunicorn"),
    *("Flask-SocketIO", "python-socketio", "python-engineio", "websockets", "tornado"),
    *("psycopg", "redis", "channels", "channels-redis", "daphne"),
)

_ASK_PYTHON = """
import importlib.metadata, json, sqlite3, sys
names = sys.argv[1:]
print(json.dumps({"python": sys.version.split()[0], "sqlite": sqlite3.sqlite_version,
    **{name: importlib.metadata.version(name) for name in names}}))
"""


def describe(versions: dict[str, str], before: Path | None = None) -> dict[str, object]:
    """For the head of a result; with the commit of an older checkout, if there is one."""
    cpu = re.search(r"model name\s*: (.*)", _read("/proc/cpuinfo"))
    memory = re.search(r"MemTotal:\s+(\d+)", _read("/proc/meminfo"))
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cpu": cpu[1] if cpu else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(int(memory[1]) / 1e6, 1) if memory else None,
        "kernel": platform.release(),
        "load_before": os.getloadavg()[0],
        "commit": _commit(places.CHECKOUT),
        **({"commit_before": _commit(before)} if before else {}),
        "versions": versions,
    }


def versions() -> dict[str, str]:
    """Of the chat room's packages and of its peers."""
    text = _ask(str(places.VENV_PYTHON), "-c", _ASK_PYTHON, *PACKAGES)
    found: dict[str, str] = json.loads(text) if text else {}
    go = _ask("go", "version").split()
    package = _ask(
        "dpkg-query", "--show", "--showformat", "${Version}", "golang-github-gorilla-websocket-dev"
    )
    found |= {
        "go": go[2].removeprefix("go") if len(go) > 2 else "",
        "gorilla/websocket": package or f"from {GO_PACKAGES}",
        "node": _ask("node", "--version").lstrip("v"),
        **{_npm(name): version for name, version in _from_npm()},
        "postgresql": _ask(str(places.POSTGRESQL / "postgres"), "--version")
        .partition(") ")[2]
        .split(" ")[0],
        "redis-server": _ask(str(places.REDIS), "--version").partition("v=")[2].split(" ")[0],
        "gcc": _ask("gcc", "-dumpfullversion"),
        "load generator's python": platform.python_version(),
    }
    return found


def _from_npm() -> Iterator[tuple[str, str]]:
    for packages in NPM.values():
        for package in packages:
            name, _, version = package.rpartition("@")
            yield name, version


def _npm(name: str) -> str:
    return f"{name} (npm)" if name in PACKAGES else name  # redis is one of PyPI, too


def _commit(checkout: Path) -> str:
    return _ask("git", "-C", str(checkout), "describe", "--always", "--dirty")


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
