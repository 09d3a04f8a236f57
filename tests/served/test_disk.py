"""Disks that fail and files that are not ours: the sender is told, and nothing is harmed."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from chatroom.history import make_history
from tests.support.deadline import wait_for
from tests.support.histories import past_message, remember
from tests.support.server_process import Launch, Running, serving

pytestmark = pytest.mark.takes(seconds=8)

SQLITE = {"history": "sqlite:disk/chat.db", "maxUsers": 20}


def mounted(folder: Path, *options: str) -> bool:
    """Mount a small disk on the folder; False where this user may not."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", *options, "none", str(folder)],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def unmount(folder: Path) -> None:
    def is_done() -> bool:  # a process that has just ended may still be on its way out
        return subprocess.run(["umount", str(folder)], capture_output=True).returncode == 0

    wait_for(is_done, "the disk is free")


class SmallDisk:
    """A server whose history is on a disk that can be full.

    Where nobody may mount one, the process may not let its files grow: that is an error of
    the operating system's as well.
    """

    def __init__(self, server: Running, is_mount: bool) -> None:
        self.server = server
        self.is_mount = is_mount
        self.filler = server.folder / "disk" / "filler"

    def fill(self) -> None:
        if self.is_mount:
            with self.filler.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
                while filler.write(bytes(4096)):
                    pass
        else:
            self.limit((self.server.folder / "disk" / "chat.db-wal").stat().st_size)

    def free(self) -> None:
        if self.is_mount:
            self.filler.unlink()
        else:
            self.limit(resource.RLIM_INFINITY)

    def limit(self, size: int) -> None:
        limit_files(self.server.worker, size)


def limit_files(pid: int, size: int) -> None:
    """Let no file of the process grow over ``size`` bytes."""
    hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    is_mount = mounted(folder)
    try:
        with serving(tmp_path, **SQLITE) as server:
            yield SmallDisk(server, is_mount)
    finally:
        if is_mount:
            unmount(folder)


def test_a_full_disk_is_told_to_the_sender_and_harms_nobody_else(disk: SmallDisk) -> None:
    """Close 1011, nothing half stored, 503 with the reason; all is well once there is space."""
    server = disk.server
    with server.join("Ann") as ann, server.join("Bob") as bob:
        ann.say("before")
        before = ann.hear()
        assert bob.hear() == before

        disk.fill()
        ann.say("lost")
        code, reason = ann.closed_with()
        assert (code, reason) == (1011, "not stored: history unavailable")
        status, _headers, body = server.get("/healthz")
        assert status == 503
        assert json.loads(body)["status"] == "failing"
        assert "disk" in json.loads(body)["reason"]
        assert server.history() == before
        with server.join("Cid") as cid:
            assert cid.hear() == before

        disk.free()
        wait_for(lambda: server.get("/healthz")[0] == 200, "health")
        with server.join("Ann") as ann_again:
            assert ann_again.hear() == before
            ann_again.say("after")
            (after,) = ann_again.hear()
        assert bob.hear() == [after]
        assert after["id"].startswith("2-")

    assert server.history() == [*before, after]
    log = server.log()
    assert "error: 1 messages not stored" in log
    assert "lost" not in log
    assert "Traceback" not in log + server.said()
    assert server.stop() == 0
    assert server.start().history() == [*before, after]


def test_a_disk_that_fails_under_load_stores_all_or_nothing(serve: Launch) -> None:
    """What was heard is kept, in its order; what was refused is not there."""
    server = serve(history="sqlite:chat.db")
    with server.join("Witness") as witness:
        for round_ in range(5):
            with server.join("Talker") as talker:
                limit_files(server.worker, (round_ + 2) * 200_000)
                with contextlib.suppress(ConnectionClosed):
                    for number in range(2000):
                        talker.say(f"{round_}.{number} " + "x" * 1000)
                assert talker.closed_with()[0] == 1011
                limit_files(server.worker, resource.RLIM_INFINITY)
            wait_for(lambda: server.get("/healthz")[0] == 200, "health")
            with server.join("Marker") as marker:
                marker.say(f"round {round_}")
                marker.hear_until(f"round {round_}")
        heard = witness.hear_until("round 4")
    assert server.history() == heard
    seqs = [int(message["id"].partition("-")[0]) for message in heard]
    assert seqs == list(range(1, len(heard) + 1))


def test_a_file_that_another_program_locks_costs_the_sender_and_nobody_else(
    serve: Launch,
) -> None:
    """A forgotten shell in a transaction: Close 1011 after SQLite's patience, then all is well."""
    server = serve(history="sqlite:chat.db")
    with server.join("Ann") as ann, server.join("Bob") as bob:
        with contextlib.closing(sqlite3.connect(server.folder / "chat.db")) as shell:
            shell.execute("BEGIN IMMEDIATE")
            ann.say("lost")
            wait_for(lambda: server.get("/healthz")[0] == 503, "a failing health")
            assert ann.closed_with()[0] == 1011
            shell.execute("ROLLBACK")
        wait_for(lambda: server.get("/healthz")[0] == 200, "health")
        bob.say("after")
        assert bob.bodies() == ["after"]
    assert "locked" in server.log()


def test_a_history_that_was_deleted_takes_no_message_and_says_so(serve: Launch) -> None:
    """Whatever would be stored now would be gone after a restart."""
    server = serve(history="sqlite:chat.db")
    path = server.folder / "chat.db"
    with server.join("Ann") as ann, server.join("Bob") as bob:
        ann.say("before")
        before = ann.hear()
        path.rename(path.with_name("away.db"))

        ann.say("lost")

        assert ann.closed_with() == (1011, "not stored: history unavailable")
        wait_for(lambda: server.get("/healthz")[0] == 503, "a failing health")
        reason = json.loads(server.get("/healthz")[2])["reason"]
        assert f"{path} was deleted, moved or replaced" in reason
        assert "put that file back, or restart the room" in reason
        assert f"error: 1 messages not stored: sqlite:chat.db: {path} was deleted" in server.log()

        path.with_name("away.db").rename(path)
        wait_for(lambda: server.get("/healthz")[0] == 200, "health")
        bob.say("after")
        assert [message["body"] for message in bob.hear_until("after")] == ["before", "after"]
    server.kill()
    assert server.start().history()[:1] == before
    assert [message["body"] for message in server.history()] == ["before", "after"]


# -- refusals at the start -----------------------------------------------------------------------


def damage(path: Path) -> None:
    """Overwrite the middle of the file."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2 // 4096 * 4096)
        file.write(b"\xff" * 8192)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def text(path: Path) -> None:
    path.write_text("These are my notes, not a database. " * 100)


def another_programs(path: Path) -> None:
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (note TEXT)")
        connection.commit()


def newer(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def tables_gone(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE messages")


@pytest.mark.parametrize("harm", [damage, cut, text, another_programs, newer, tables_gone])
def test_a_file_that_is_not_sound_or_not_ours_is_refused_and_left_alone(
    prepare: Launch, harm: Callable[[Path], None]
) -> None:
    """One line that names the file, exit code 2, and every byte as it was."""
    server = prepare(history="sqlite:chat.db", maxUsers=20)
    remember(server.folder, lobby=3000)
    path = server.folder / "chat.db"
    harm(path)
    before = path.read_bytes()

    line = server.refusal()

    assert line.startswith("chatroom: sqlite:chat.db: ")
    assert str(path) in line
    assert path.read_bytes() == before
    # -wal and -shm would be SQLite's traces of a file that it has opened for writing
    assert {p.name for p in server.folder.iterdir()} <= {
        *("chat.db", "chat.db.lock", "config.json", "logs.log", "output.txt")
    }


def test_a_second_process_on_the_same_file_is_refused(serve: Launch, prepare: Launch) -> None:
    """It names the file and who has it; the first one chats on."""
    first = serve(history="sqlite:chat.db")
    path = first.folder / "chat.db"
    with first.join("Ann") as ann:
        ann.say("before")
        ann.hear()
        line = prepare(history=f"sqlite:{path}", maxUsers=20).refusal()
        assert str(path) in line
        assert f"in use by process {first.worker}" in line
        ann.say("after")
        assert ann.bodies() == ["after"]


def test_a_read_only_disk_is_refused_at_the_start(prepare: Launch) -> None:
    server = prepare(**SQLITE)
    folder = server.folder / "disk"
    folder.mkdir()
    is_mount = mounted(folder)
    history = make_history("sqlite:chat.db", folder)
    history.open()
    history.append([past_message("lobby", 1)])
    history.close()
    try:
        with read_only(folder, is_mount):
            before = {path.name: path.read_bytes() for path in folder.iterdir()}
            line = server.refusal()
            assert str(folder) in line
            assert "read-only" in line.lower()
            assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
        assert [m["body"] for m in server_again(server)] == ["lobby 1"]
    finally:
        server.kill()
        if is_mount:
            unmount(folder)


def server_again(server: Running) -> list[dict[str, str]]:
    server.output.write_text("")
    return server.start().history()


@contextlib.contextmanager
def read_only(folder: Path, is_mount: bool) -> Iterator[None]:
    """By the mount; where nobody may mount, nobody is root either, and modes count."""
    if is_mount:
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        try:
            yield
        finally:
            subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
    else:
        folder.chmod(0o555)
        try:
            yield
        finally:
            folder.chmod(0o755)


def test_a_folder_that_is_not_there_is_refused(prepare: Launch) -> None:
    server = prepare(history="sqlite:no/such/folder/chat.db", maxUsers=20)
    line = server.refusal()
    assert str(server.folder / "no/such/folder") in line
    assert not (server.folder / "no").exists()
