"""What the tests of the histories share; run as a program, one that appends for ever."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from chatroom.history import History, make_history
from chatroom.history.sqlite.history import SqliteHistory
from chatroom.message import Message
from tests.support import CHECKOUT
from tests.support.deadline import DEADLINE


def said(room: str, first: int, count: int = 1, body: str = "hi") -> list[Message]:
    """Messages of the room, with the seqs from ``first`` on."""
    return [
        Message(room, seq, f"{seq:016x}", "Ann", body, "10:42 AM", 1_700_000_000_000 + seq)
        for seq in range(first, first + count)
    ]


def typed(room: str, seq: int, user_id: str, cmid: str, body: str = "hi") -> Message:
    """A message of the room from a user of the typed protocol."""
    (message,) = said(room, seq, body=body)
    return message._replace(user_id=user_id, cmid=cmid)


def at(path: Path) -> SqliteHistory:
    return SqliteHistory(f"sqlite:{path.name}", path)


def left_behind(path: Path, count: int = 0) -> Path:
    """A database that was closed in peace, with ``count`` messages."""
    with closing(at(path)) as history:
        history.open()
        history.append(said("lobby", 1, count))
    return path


def everything(history: History, room: str) -> list[Message]:
    return [message for page in history.pages(room, 0, sys.maxsize) for message in page]


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file of the folder, byte by byte."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def remember(folder: Path, **counts: int) -> None:
    """Write so many messages into each room of ``sqlite:chat.db`` in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    history = make_history("sqlite:chat.db", folder)
    history.open()
    try:
        for room, count in counts.items():
            for start in range(1, count + 1, 5000):
                seqs = range(start, min(start + 5000, count + 1))
                history.append([past_message(room, seq) for seq in seqs])
    finally:
        history.close()


def past_message(room: str, seq: int) -> Message:
    sent_at = 1_700_000_000_000 + seq
    return Message(room, seq, f"{seq:016x}", "Past", f"{room} {seq}", "10:42 AM", sent_at)


@contextmanager
def appending(database: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that appends to the lobby, and prints each seq once it's committed."""
    child = subprocess.Popen(
        [sys.executable, __file__, str(database)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(DEADLINE, child.kill)
    watchdog.start()
    try:
        yield child
    finally:
        watchdog.cancel()
        child.kill()
        child.communicate()


def killed_while_appending(database: Path) -> int:
    """The last seq that a process, killed with -9 at once, said was committed."""
    with appending(database) as child:
        assert child.stdout
        for line in child.stdout:
            if int(line) >= 200:
                break
        child.kill()
        return max(map(int, [line, *child.stdout.read().splitlines()]))


class FullWriter:
    """A history's writing connection, on a disk that says it's full as long as it's told to."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.is_full = False
        self._connection = connection

    def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
        if self.is_full and sql.startswith(("COMMIT", "PRAGMA user_version")):
            raise sqlite3.OperationalError("database or disk is full")
        return self._connection.execute(sql, *arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class HistoryDisk:
    """A disk of ``size`` of its own, where this process may mount one; else only a folder."""

    def __init__(self, folder: Path, size: str, *, real: bool = True) -> None:
        folder.mkdir()
        self.folder = folder
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
        self.is_real = real and not subprocess.call(command, stderr=subprocess.DEVNULL)
        self._writer: FullWriter | None = None

    def fill(self, history: Any) -> None:
        """Leave no free block; on a mere folder, let the history's own connection say so."""
        if self.is_real:
            with (self.folder / "ballast").open("wb", buffering=0) as ballast:
                try:
                    while ballast.write(bytes(4096)):
                        pass
                except OSError:
                    return
        self._writer = history._writer = FullWriter(history._writer)
        self._writer.is_full = True

    def free(self) -> None:
        if self._writer:
            self._writer.is_full = False
        (self.folder / "ballast").unlink(missing_ok=True)

    def make_read_only(self) -> None:
        subprocess.run(["mount", "-o", "remount,ro", str(self.folder)], check=True)

    def close(self) -> None:
        if self.is_real:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


if __name__ == "__main__":
    endless = make_history(f"sqlite:{sys.argv[1]}", Path())
    endless.open()
    seq, _ = endless.head("lobby")
    while True:
        seq += 1
        endless.append(said("lobby", seq))
        print(seq, flush=True)
