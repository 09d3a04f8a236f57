"""A real server process for tests, and real clients for it."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from weakref import WeakSet

from websockets.sync.client import ClientConnection, connect

from tests.support import CHECKOUT
from tests.support.deadline import DEADLINE, wait_for
from tests.support.forks import Forked, forker
from tests.support.plain_client import PlainClient
from tests.support.ports import Port

Launch = Callable[..., "Running"]
"""What the fixtures ``serve`` and ``prepare`` are: settings in, a server out."""


LAST_WORDS = 3000
"""Characters."""

_addresses = map("192.0.2.{}".format, itertools.cycle(range(250)))


def from_another_address() -> dict[str, str]:
    """The header by which a request comes from another address than those before it."""
    return {"X-Forwarded-For": next(_addresses)}


launched: WeakSet[Running] = WeakSet()
"""All of which anybody still knows."""


class Running:
    """``gunicorn app:app`` (or another command) with a configuration of its own."""

    command: tuple[str, ...] = (sys.executable, "-m", "gunicorn", "app:app")
    cwd = CHECKOUT
    is_forked = True
    """It may be: see ``forks``. Another command or folder, or with Python's variables, as usual."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self._own = Port()
        self.port: int = settings.pop("port", self._own.number)
        # Tests say more in a second than people do.
        usual = {"port": self.port, "hostName": "127.0.0.1", "messagesPerSecond": 0}
        self.settings = usual | settings
        self.environ: dict[str, str] = {}
        self.process: subprocess.Popen[str] | Forked | None = None
        self.ended_at = float("inf")
        """Unix time."""
        folder.mkdir(parents=True, exist_ok=True)

    # -- the process ---------------------------------------------------------------------------

    def launch(self, *arguments: str) -> Running:
        """Start the process, and do not wait."""
        config = self.folder / "config.json"
        config.write_text(json.dumps(self.settings))
        environ = {k: v for k, v in os.environ.items() if k not in ("PORT", "WEB_CONCURRENCY")}
        environ |= {"CHATROOM_CONFIG": str(config), **self.environ}
        self.output = self.folder / "output.txt"
        command = (*self.command, *arguments)
        is_usual = self.command == Running.command and self.cwd == CHECKOUT
        is_usual = is_usual and not any(name.startswith("PYTHON") for name in self.environ)
        with self.output.open("a") as output:
            launched.add(self)
            self.ended_at = float("inf")
            if self.is_forked and is_usual:
                with open(os.devnull) as nothing:
                    self.process = forker.fork(
                        *command[2:],
                        cwd=self.cwd,
                        environ=environ,
                        standard=(nothing, output, output),
                    )
                return self
            self.process = subprocess.Popen(
                command,
                cwd=self.cwd,
                env=environ,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,  # so that kill() reaches master and worker
            )
        return self

    def start(self, *arguments: str) -> Running:
        """Start the process, and wait until it serves."""
        self.launch(*arguments)
        wait_for(self.is_healthy, "a healthy server")
        return self

    def is_healthy(self) -> bool:
        assert self.process and self.process.poll() is None, self.said()
        with contextlib.suppress(OSError):
            return self.get("/healthz")[0] == 200
        return False

    @property
    def worker(self) -> int:
        """The worker's process id, or the first one's."""
        return self.workers[0]

    @property
    def workers(self) -> list[int]:
        """The process ids of all workers, the oldest first."""
        assert self.process
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    @contextlib.contextmanager
    def answered_by(self, worker: int) -> Iterator[None]:
        """New connections go to this worker: the others are stopped for the length of a block."""
        others = [pid for pid in self.workers if pid != worker]
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        try:
            wait_for(lambda: all(map(_is_stopped, others)), "the others stand still")
            yield
        finally:
            for pid in others:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """Send the signal to the master, and return the exit code."""
        assert self.process
        self.process.send_signal(signum)
        return self.process.wait(DEADLINE)

    def refusal(self, *arguments: str, code: int = 2) -> str:
        """Start the process, which must refuse, and return the one line that it says."""
        self.launch(*arguments)
        assert self.process
        assert self.process.wait(DEADLINE) == code, self.said()
        (line,) = self.said().splitlines()
        return line

    def kill(self) -> None:
        """kill -9, master and worker at once."""
        self.ended_at = time.time()
        if self.process and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(DEADLINE)
            wait_for(lambda: not _session_lives(self.process.pid), "the end of the worker")

    def said(self) -> str:
        """What it wrote to the terminal."""
        return self.output.read_text()

    def log(self) -> str:
        """What it wrote to its log file."""
        path = self.folder / "logs.log"
        return path.read_text() if path.exists() else ""

    def last_words(self) -> str:
        """The end of both, for whoever wonders why a test has failed."""
        return f"{self.said()[-LAST_WORDS:]}\n{self.log()[-LAST_WORDS:]}".strip()

    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.worker}/task"))

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.worker}/fd"))

    def memory(self) -> int:
        """Resident bytes of the worker."""
        status = Path(f"/proc/{self.worker}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    def effort(self) -> float:
        """Seconds that the worker has had of the processors."""
        stat = Path(f"/proc/{self.worker}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    # -- HTTP ------------------------------------------------------------------------------------

    def get(
        self, path: str, headers: dict[str, str] | None = None, method: str = "GET"
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in lower case, and body."""
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, headers=headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE) as reply:
                return reply.status, {k.lower(): v for k, v in reply.headers.items()}, reply.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()

    def say_from_anywhere(self, room: str, body: str, name: str = "Ann") -> None:
        """Say something over HTTP, each time from another address: from one, long messages wait."""
        url = f"http://127.0.0.1:{self.port}/api/rooms/{room}/messages"
        headers = {"Content-Type": "application/json", **from_another_address()}
        data = json.dumps({"userName": name, "body": body}).encode()
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=DEADLINE):
            pass

    def history(self) -> list[dict[str, str]]:
        """What /getAllMessages gives."""
        messages: list[dict[str, str]] = json.loads(self.get("/getAllMessages")[2])["Messages"]
        return messages

    # -- WebSocket -------------------------------------------------------------------------------

    def connect(self, room: str | None = None, **options: Any) -> ClientConnection:
        """A socket that has not said anything yet."""
        query = f"?room={room}" if room else ""
        options = {"compression": None, "open_timeout": DEADLINE, "max_size": None} | options
        return connect(f"ws://127.0.0.1:{self.port}/chat{query}", **options)

    @contextlib.contextmanager
    def join(self, name: str, room: str | None = None, **options: Any) -> Iterator[PlainClient]:
        """A client that has joined without a word."""
        with self.connect(room, **options) as socket:
            client = PlainClient(name, socket)
            client.send({"userName": name})
            yield client


@contextlib.contextmanager
def serving(folder: Path, **settings: Any) -> Iterator[Running]:
    """A server for the length of a block."""
    running = Running(folder, **settings)
    try:
        yield running.start()
    finally:
        running.kill()


def _is_stopped(pid: int) -> bool:
    """Whether all its threads are: a process shows it when the last one is."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    states = [(task / "stat").read_text().rpartition(")")[2].split()[0] for task in tasks]
    return set(states) == {"T"}


def _session_lives(session: int) -> bool:
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # it may have ended just now
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                return True
    return False
