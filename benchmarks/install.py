"""Fetches and builds what the subjects need; what cannot be had is left out, with a reason."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection
from pathlib import Path

from benchmarks import places

NPM = {
    places.NODE_WS: ("ws@8.23.0",),
    places.NODE_SOCKETIO: (
        *("socket.io@4.8.4", "@socket.io/redis-adapter@8.3.0", "redis@6.3.1"),
        *("@socket.io/postgres-adapter@0.5.0", "pg@8.23.1"),
    ),
}
"""What each folder has from npm."""
GO_PACKAGES = Path("/usr/share/gocode")
GORILLA = GO_PACKAGES / "src/github.com/gorilla/websocket"
REQUIREMENTS = (places.CHECKOUT / "requirements.txt", places.HERE / "requirements.txt")
SECONDS = 600


class InstallError(Exception):
    """Something cannot be had; says why."""


def install(needed: Collection[Path]) -> dict[Path, str]:
    """Make what is missing of that.

    Returns:
        Of the things in ``Subject.things``, those that cannot be had, and why.
    """
    places.BUILD.mkdir(exist_ok=True)
    missing = {}
    for thing, make in MAKERS.items():
        if thing not in needed:
            continue
        try:
            make(thing)
        except InstallError as error:
            missing[thing] = str(error)
    return missing


def _venv(python: Path) -> None:
    stamp = python.parent.parent / "installed"
    wanted = "".join(path.read_text() for path in REQUIREMENTS)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    _say("Installing requirements.txt and benchmarks/requirements.txt")
    _run(sys.executable, "-m", "venv", "--clear", str(python.parent.parent))
    files = [word for path in REQUIREMENTS for word in ("-r", str(path))]
    _run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *files)
    stamp.write_text(wanted)


def _go(program: Path) -> None:
    source = places.PEERS / program.name / "main.go"
    if not _is_older(program, source):
        return
    if not shutil.which("go") or not GORILLA.exists():
        _apt("golang-go", "golang-github-gorilla-websocket-dev")
    _say(f"Building {program.name}")
    environ = {
        "GO111MODULE": "off",
        "GOPATH": str(GO_PACKAGES),
        "GOCACHE": str(places.BUILD / "go-cache"),
    }
    _run("go", "build", "-o", str(program), str(source), environ=environ)


def _floor(program: Path) -> None:
    source = places.HERE / "floor" / "floor.c"
    if not _is_older(program, source):
        return
    if not shutil.which("gcc"):
        _apt("gcc", "libc6-dev")
    _say("Building the floor")
    _run("gcc", "-O2", "-Wall", "-o", str(program), str(source))


def _node(script: Path) -> None:
    folder = script.parent
    if not shutil.which("node") or not shutil.which("npm"):
        _apt("nodejs", "npm")
    packages = NPM[folder]
    stamp, wanted = folder / "installed", " ".join(packages)
    if not (stamp.exists() and stamp.read_text() == wanted):
        _say(f"Installing {wanted} from npm")
        folder.mkdir(exist_ok=True)
        quiet = ("--silent", "--no-audit", "--no-fund", "--no-update-notifier")
        _run("npm", "install", *quiet, "--prefix", str(folder), *packages)
        stamp.write_text(wanted)
    shutil.copyfile(places.PEERS / folder.name / "chat.js", script)


def _postgresql(link: Path) -> None:
    if not _folder_of("postgres"):
        # Debian's package makes a database and starts it, unless it is told not to.
        settings = Path("/etc/postgresql-common/createcluster.d")
        if os.getuid() == 0 and not Path("/etc/postgresql-common/createcluster.conf").exists():
            settings.mkdir(parents=True, exist_ok=True)
            (settings / "chatroom.conf").write_text("create_main_cluster = false\n")
        _apt("postgresql")
    _link(link, _folder_of("postgres"), "postgres")


def _redis(link: Path) -> None:
    if not shutil.which("redis-server"):
        _apt("redis-server")
    _link(link, shutil.which("redis-server"), "redis-server")


def _folder_of(name: str) -> Path | None:
    """Where PostgreSQL's programs are: Debian has them outside of everybody's PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    if not found and (there := shutil.which(name)):
        found = [Path(there).resolve()]
    return found[0].parent if found else None


def _link(link: Path, target: Path | str | None, name: str) -> None:
    if not target:
        raise InstallError(f"{name} is not installed")
    link.unlink(missing_ok=True)
    link.symlink_to(target)


MAKERS: dict[Path, Callable[[Path], None]] = {
    places.VENV_PYTHON: _venv,
    places.GO_HUB: _go,
    places.GO_ORIGINAL: _go,
    places.FLOOR: _floor,
    places.NODE_WS / "chat.js": _node,
    places.NODE_SOCKETIO / "chat.js": _node,
    places.POSTGRESQL: _postgresql,
    places.REDIS: _redis,
}


def _apt(*packages: str) -> None:
    if os.getuid() != 0 or not shutil.which("apt-get"):
        raise InstallError(f"needs the Debian packages {' '.join(packages)}; run once as root")
    _say(f"Installing {' '.join(packages)}")
    environ = {"DEBIAN_FRONTEND": "noninteractive"}
    _run("apt-get", "update", "--quiet", environ=environ)
    _run("apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *packages,
         environ=environ)  # fmt: skip


def _run(*command: str, environ: dict[str, str] | None = None) -> None:
    try:
        done = subprocess.run(
            command,
            env=os.environ | (environ or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallError(f"{command[0]}: {error}") from None
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no words"]
        raise InstallError(f"{' '.join(command[:3])} failed: {last[0]}")


def _is_older(made: Path, source: Path) -> bool:
    return not made.exists() or made.stat().st_mtime < source.stat().st_mtime


def _say(text: str) -> None:
    print(f"{text} ...", flush=True)
