"""The package: built from a checkout, installed, typed, and served in an empty folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from chatroom import __version__
from tests.support import CHECKOUT
from tests.support.deadline import wait_for
from tests.support.server_process import Running

pytestmark = pytest.mark.takes(seconds=24)

SOURCES = ("chatroom", "static", "templates", "LICENSE", "README.md")
SOURCES += ("pyproject.toml", "setup.cfg", "setup.py")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was made from the sdist."""
    source = tmp_path_factory.mktemp("source")  # a copy: setuptools leaves files of its own
    ignored = shutil.ignore_patterns("__pycache__", "node_modules")
    for name in SOURCES:
        if (CHECKOUT / name).is_dir():
            shutil.copytree(CHECKOUT / name, source / name, ignore=ignored)
        else:
            shutil.copy(CHECKOUT / name, source)
    command = [sys.executable, "-m", "build", "--no-isolation", str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return source / "dist"


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the wheel is installed into."""
    (wheel,) = built.glob("*.whl")
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, "--target", str(folder), str(wheel)], check=True)
    return folder


class Installed(Running):
    """``chatroom serve`` from the installed package, without settings of its own."""

    def __init__(self, folder: Path, package: Path) -> None:
        super().__init__(folder)
        self.cwd = folder
        self.command = (sys.executable, str(package / "bin" / "chatroom"), "serve")
        self.environ = {"PYTHONPATH": str(package), "PORT": str(self.port)}

    def launch(self, *arguments: str) -> Running:
        environ = {k: v for k, v in os.environ.items() if k != "CHATROOM_CONFIG"}
        self.output = self.folder / "output.txt"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [*self.command, *arguments],
                cwd=self.cwd,
                env={**environ, **self.environ},
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        return self


def test_sdist_and_wheel_have_every_file_of_the_package_and_of_the_page(built: Path):
    code = [path for kind in ("py", "sql") for path in (CHECKOUT / "chatroom").rglob(f"*.{kind}")]
    wanted = {str(path.relative_to(CHECKOUT)) for path in code}
    for folder in ("static", "templates"):
        paths = [path for path in (CHECKOUT / folder).rglob("*") if path.is_file()]
        wanted |= {f"chatroom/{path.relative_to(CHECKOUT)}" for path in paths}
    wanted.add("chatroom/py.typed")

    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {name for name in names if ".dist-info/" not in name} == wanted
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        assert any(name.endswith("/static/chat.js") for name in archive.getnames())


def test_what_is_installed_serves_from_an_empty_folder(installed: Path, tmp_path: Path):
    """Settings are the defaults; history and log are in that folder, and there they stay."""
    folder = tmp_path / "room"
    server = Installed(folder, installed)
    server.start()
    try:
        html = server.get("/")[2].decode()
        parts = set(re.findall(r'"/static/([^"]+)"', html))
        assert {part.rpartition("/")[2] for part in parts} >= {"chat.css", "chat.js", "early.js"}
        assert all(server.get(f"/static/{part}")[0] == 200 for part in parts)
        assert json.loads(server.get("/healthz")[2])["version"] == __version__
        with server.join("Ann") as ann:
            ann.say("kept")
            ann.hear()
        assert server.stop() == 0
        server.start()
        assert [message["body"] for message in server.history()] == ["kept"]
    finally:
        server.kill()

    names = {path.name for path in folder.iterdir()}
    assert {"chat.db", "logs.log"} <= names
    assert "config.json" not in names
    assert f"started: chatroom {__version__}" in server.log()


def test_python_files_in_the_current_folder_are_not_run(installed: Path, tmp_path: Path):
    """Such as a class's exercises, or whatever has been downloaded."""
    server = Installed(tmp_path / "room", installed)
    for name in ("app", "chatroom", "flask", "gunicorn", "gunicorn.conf", "queue", "random"):
        (server.folder / f"{name}.py").write_text("raise SystemExit('not yours')\n")
    server.start()
    try:
        assert b"<!doctype html>" in server.get("/")[2].lower()
    finally:
        server.kill()

    assert "not yours" not in server.said()
    assert f"no config.json in {server.folder}: all settings are defaults" in server.said()


def test_a_hup_brings_the_settings_of_the_current_folder(installed: Path, tmp_path: Path):
    """What gunicorn has as its configuration is read again, and not only imported once."""
    server = Installed(tmp_path / "room", installed)
    server.start()
    try:
        (server.folder / "config.json").write_text('{"maxNameLength": 7}')
        assert server.process
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: b'data-max-name-length="7"' in server.get("/")[2], "the new setting")
    finally:
        server.kill()


def test_doctor_finds_nothing_wrong_in_an_empty_folder_and_leaves_it_so(
    installed: Path, tmp_path: Path
):
    environ = {k: v for k, v in os.environ.items() if k != "CHATROOM_CONFIG"}
    done = subprocess.run(
        [sys.executable, str(installed / "bin" / "chatroom"), "doctor"],
        cwd=tmp_path,
        env={**environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )

    assert "threads in one worker" in done.stdout, done.stdout + done.stderr
    assert f"the defaults: {tmp_path / 'config.json'}" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_python_without_the_packages_says_which_one_to_use(tmp_path: Path):
    """As ``python -m chatroom`` in a checkout, where the venv's Python was meant."""
    venv.create(tmp_path / "bare")
    bare = tmp_path / "bare" / "bin" / "python"
    done = subprocess.run(
        [str(bare), "-m", "chatroom", "--help"], cwd=CHECKOUT, capture_output=True, text=True
    )

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"chatroom: {bare} has no ")
    assert ".venv/bin/python" in line


def test_scripts_find_the_names_that_they_need_where_mypy_does(tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(
        "from chatroom import __version__, create_app\n"
        "from chatroom.client import ChatClient, ClientClosed, ClientError, Event, Message\n"
        "from chatroom.client import Receipt, ServerRefused, ServerUnreachable, Undelivered\n"
        'def talk(chat: ChatClient) -> Receipt:\n    return chat.say("hi")\n'
    )
    command = [sys.executable, "-m", "mypy", "--strict", str(script)]
    done = subprocess.run(  # where mypy remembers what it has found of the package
        command, cwd=CHECKOUT, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
