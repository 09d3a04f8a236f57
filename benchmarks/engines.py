"""What two processes share: a PostgreSQL or a Redis that only this measurement knows."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from benchmarks import places, proc
from benchmarks.starting import StartError, free_port

START_SECONDS = 20.0
STOP_SECONDS = 8.0

POSTGRESQL = {
    "listen_addresses": "127.0.0.1",
    "autovacuum": "off",  # its workers come and go, and a run is too short for them
    "checkpoint_timeout": "1h",
}
"""All else is PostgreSQL's default: it waits for the disk at each commit."""


class Engine:
    """A context: a process in a folder of its own, which answers.

    Args:
        kind: one of ``subjects.KINDS``.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.port = free_port()
        # PostgreSQL refuses to be root's, and others may not come to where a checkout is; this is
        # on the disk, unlike /tmp on some machines.
        self.folder = Path(mkdtemp(prefix=f"chatroom-benchmark-{kind}-", dir="/var/tmp"))
        self._who: dict[str, Any] = {}
        self._output = self.folder / "output.txt"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Engine:
        try:
            self._launch(self._postgresql() if self.kind == "postgresql" else self._redis())
            self._wait_until_it_answers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process:
            # PostgreSQL: at once, with nothing saved; Redis has nothing to save.
            process.send_signal(signal.SIGQUIT if self.kind == "postgresql" else signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """For clients."""
        if self.kind == "redis":
            return f"redis://127.0.0.1:{self.port}/0"
        return f"postgresql://chat@127.0.0.1:{self.port}/postgres"

    @property
    def pids(self) -> list[int]:
        """Its processes: PostgreSQL has one for each connection."""
        assert self._process
        return proc.tree(self._process.pid)

    def _postgresql(self) -> list[str]:
        if os.geteuid() == 0:
            account = _account("postgres", "nobody")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self._who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        data, programs = self.folder / "data", places.POSTGRESQL.resolve()
        make = [str(programs / "initdb"), "--pgdata", str(data), "--no-sync", "--auth=trust"]
        make += ["--encoding=UTF8", "--locale=C", "--username=chat"]
        done = subprocess.run(make, capture_output=True, text=True, cwd="/", **self._who)
        if done.returncode:
            raise StartError(f"initdb: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
        options = POSTGRESQL | {
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
        }
        command = [str(programs / "postgres"), "-D", str(data)]
        return command + [f"--{name}={value}" for name, value in options.items()]

    def _redis(self) -> list[str]:
        # It keeps nothing: its peers ask it to carry messages, not to store them.
        command = [str(places.REDIS), "--port", str(self.port), "--bind", "127.0.0.1"]
        return [*command, "--save", "", "--appendonly", "no", "--dir", str(self.folder)]

    def _launch(self, command: list[str]) -> None:
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=proc.die_with_parent,
                **self._who,
            )

    def _wait_until_it_answers(self) -> None:
        assert self._process
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self._output.read_text(errors="replace").strip().splitlines()
                raise StartError(f"{self.kind} does not start: {(said or ['no words'])[-1]}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), 1) as one,
        ):
            if self.kind == "redis":
                one.sendall(b"PING\r\n")
                return one.recv(16).startswith(b"+PONG")
            # It takes connections before it lets anybody in: it says so in its log.
            return "ready to accept connections" in self._output.read_text(errors="replace")
        return False


def _account(*names: str) -> pwd.struct_passwd:
    for name in names:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise StartError(f"PostgreSQL does not run as root, and nobody is called {' or '.join(names)}")
