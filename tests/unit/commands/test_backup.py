"""backup: a whole copy or none, and what keeps one from being made."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatroom.commands import chatroom
from chatroom.commands.backup import MADE, UNFINISHED
from chatroom.commands.exit_codes import Code
from chatroom.history import make_history
from chatroom.history.sqlite import backup
from tests.support.histories import at, everything, left_behind, said, snapshot

RLIMIT = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from chatroom.__main__ import main
main()
"""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(chatroom, ["backup", *map(str, arguments)])


def made(folder: Path, file: Path) -> Path:
    """The folder of a new backup."""
    done = run(folder, "--history", file)
    assert done.exit_code == 0, done.stderr
    return Path(done.stdout.rstrip("\n"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "room").mkdir()
    return left_behind(tmp_path / "room" / "chat.db", 300)


def test_a_backup_has_every_message_and_the_secret_and_only_its_owner_reads_it(
    tmp_path: Path, file: Path
) -> None:
    before = snapshot(file.parent)
    old = os.umask(0)
    try:
        copy = made(tmp_path / "backups", file)
    finally:
        os.umask(old)

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ", copy.name)
    assert [path.name for path in copy.iterdir()] == ["chat.db"]
    modes = [copy.parent, copy, copy / "chat.db"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in modes] == [0o700, 0o700, 0o600]
    assert snapshot(file.parent) == before
    with closing(at(file)) as history, closing(at(copy / "chat.db")) as copied:
        history.open()
        copied.open()
        assert everything(copied, "lobby") == said("lobby", 1, 300)
        assert copied.secret() == history.secret()


def test_several_backups_lie_side_by_side(tmp_path: Path, file: Path) -> None:
    folder = tmp_path / "backups"

    names = [made(folder, file).name for _ in range(3)]

    assert len(set(names)) == 3
    assert sorted(os.listdir(folder)) == sorted(names)
    assert all(MADE.fullmatch(name) for name in names)


def test_the_history_of_the_settings_is_copied_if_none_is_named(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = file.parent / "config.json"
    settings.write_text(json.dumps({"history": "sqlite:chat.db"}))
    monkeypatch.setenv("CHATROOM_CONFIG", str(settings))

    done = run(tmp_path / "backups")

    assert (Path(done.stdout.strip()) / "chat.db").is_file()


def test_what_is_written_meanwhile_is_not_in_it_and_never_begins_it_anew(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "STEP_PAGES", 1)
    steps: list[int] = []
    with closing(at(file)) as history:
        history.open()

        def go_on(left: int, pages: int) -> None:
            history.append(said("lobby", 301 + len(steps), 1, "x" * 9000))
            steps.append(left)

        backup.back_up(history._file, tmp_path / "copy.db", go_on)
        head = history.head("lobby").seq

    assert len(steps) > 10
    assert steps == sorted(steps, reverse=True)
    assert head == 300 + len(steps)
    with closing(at(tmp_path / "copy.db")) as copied:
        copied.open()
        assert copied.head("lobby").seq == 300


def test_a_server_that_stops_meanwhile_does_not_wait(tmp_path: Path, file: Path) -> None:
    history = at(file)
    history.open()
    history.append(said("lobby", 301))
    seconds: list[float] = []

    def stop(left: int, pages: int) -> None:
        began = time.monotonic()
        history.close()
        seconds.append(time.monotonic() - began)

    backup.back_up(history._file, tmp_path / "copy.db", stop)

    assert max(seconds) < 2
    for path in (file, tmp_path / "copy.db"):
        with closing(at(path)) as again:
            again.open()
            assert again.head("lobby").seq == 301


def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path, file: Path) -> None:
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / "letter.txt").write_text("dear")

    done = run(tmp_path / "backups", "--history", file)

    assert (done.exit_code, done.stdout) == (1, "")
    assert "has something else in it than backups, such as letter.txt" in done.stderr
    assert os.listdir(tmp_path / "backups") == ["letter.txt"]


def test_what_is_no_regular_file_is_refused_and_named(tmp_path: Path) -> None:
    """Instead of waiting until somebody writes to it."""
    os.mkfifo(tmp_path / "chat.db")

    done = run(tmp_path / "backups", "--history", tmp_path / "chat.db")

    assert (done.exit_code, done.stdout) == (Code.HISTORY, "")
    assert f"{tmp_path / 'chat.db'} is not a regular file" in done.stderr
    assert os.listdir(tmp_path / "backups") == []


def test_what_a_killed_backup_has_left_goes_with_the_next_one(tmp_path: Path, file: Path) -> None:
    left = tmp_path / "backups" / UNFINISHED
    left.mkdir(parents=True)
    (left / "chat.db").write_bytes(b"half")

    copy = made(tmp_path / "backups", file)

    assert os.listdir(tmp_path / "backups") == [copy.name]


def test_two_backups_at_once_do_not_disturb_each_other(tmp_path: Path, file: Path) -> None:
    folder = tmp_path / "backups"
    (folder / UNFINISHED).mkdir(parents=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)

        done = run(folder, "--history", file)
    finally:
        os.close(descriptor)

    assert (done.exit_code, done.stdout) == (1, "")
    assert "another backup" in done.stderr
    assert os.listdir(folder) == [UNFINISHED]


@contextmanager
def without_space(monkeypatch: pytest.MonkeyPatch, free: int) -> Iterator[None]:
    with monkeypatch.context() as patch:
        usage = shutil.disk_usage("/")
        patch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free))
        yield


def test_a_disk_without_space_is_not_filled(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with without_space(monkeypatch, file.stat().st_size):
        done = run(tmp_path / "backups", "--history", file)

    assert done.exit_code != 0
    assert "the copy needs 64 MB" in done.stderr
    assert os.listdir(tmp_path / "backups") == []


def test_a_disk_that_fails_midway_leaves_nothing(tmp_path: Path, file: Path) -> None:
    with closing(at(file)) as history:
        history.open()
        history.append(said("lobby", 301, 100, "x" * 9000))

    done = subprocess.run(
        [sys.executable, "-c", RLIMIT, "backup", tmp_path / "backups", "--history", file],
        capture_output=True,
        text=True,
    )

    assert done.returncode != 0
    assert "can't be written" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert os.listdir(tmp_path / "backups") == []


def test_a_damaged_history_makes_no_backup(tmp_path: Path, file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[8192:20000] = b"\xff" * (20000 - 8192)
    file.write_bytes(content)

    done = run(tmp_path / "backups", "--history", file)

    assert done.exit_code != 0
    assert "is damaged" in done.stderr
    assert os.listdir(tmp_path / "backups") == []


@pytest.mark.parametrize(
    ("history", "words"),
    [
        ("memory:", "the history is in memory"),
        ("postgresql://chat:secret@db.example/chat", "pg_dump --format=custom"),
        ("postgresql:", "pg_dump --format=custom"),
    ],
)
def test_what_is_in_no_file_is_refused_with_the_way_out(
    tmp_path: Path, history: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "config.json"
    settings.write_text(json.dumps({"history": history}))
    monkeypatch.setenv("CHATROOM_CONFIG", str(settings))
    monkeypatch.setenv("DATABASE_URL", "postgresql://chat@db.example/chat")

    done = run(tmp_path / "backups")

    assert done.exit_code == 5
    assert words in done.stderr
    assert "secret" not in done.stderr
    assert not (tmp_path / "backups").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "does not exist"), (b"", "is still empty"), (b"dear diary", "not an SQLite database")],
)
def test_a_file_that_is_no_history_is_refused(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "chat.db").write_bytes(content)

    done = run(tmp_path / "backups", "--history", tmp_path / "chat.db")

    assert done.exit_code == 5
    assert words in done.stderr
    assert os.listdir(tmp_path / "backups") == []


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path, file: Path) -> None:
    done = run(tmp_path / "not" / "there", "--history", file)

    assert done.exit_code == 1
    assert "cannot be used: No such file or directory" in done.stderr


def test_a_restored_backup_goes_on_where_it_ended(tmp_path: Path, file: Path) -> None:
    copy = made(tmp_path / "backups", file)
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(copy / "chat.db", tmp_path / "elsewhere")

    with closing(make_history("sqlite:chat.db", tmp_path / "elsewhere")) as history:
        history.open()
        assert all(history.has("lobby", m.seq, m.nonce) for m in said("lobby", 1, 300))
        history.append(said("lobby", 301))
        assert history.head("lobby").seq == 301
