"""A subject's process: started, watched, and ended by its id."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from tempfile import mkdtemp

from benchmarks import places, proc
from benchmarks.starting import StartError, free_port
from benchmarks.subjects import Subject

START_SECONDS = 20.0
STOP_SECONDS = 8.0


def _copy_to_disk(source: Path, target: Path) -> None:
    """Copy, and wait for the disk: else the server's first checkpoint would wait in our place."""
    shutil.copyfile(source, target)
    with target.open("rb+") as copy:
        os.fsync(copy.fileno())


class Server:
    """A context: a fresh process in a fresh folder, which answers.

    Args:
        subject: what to run.
        database: a filled history to begin with; it is copied.
        engine: the URL of what it shares with others.
    """

    def __init__(self, subject: Subject, database: Path | None = None, engine: str = "") -> None:
        self.subject = subject
        self._engine = engine
        self.port = free_port()
        places.RUNS.mkdir(parents=True, exist_ok=True)
        self.folder = Path(mkdtemp(prefix=f"{subject.name}-", dir=places.RUNS))
        if database and subject.history:
            _copy_to_disk(database, self.folder / subject.history)
        self._output = self.folder / "output.txt"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        try:
            self._start()
            self._wait_until_it_answers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # children inherit it
        environ = {k: v for k, v in os.environ.items() if k not in ("PORT", "WEB_CONCURRENCY")}
        environ["ENGINE"] = self._engine
        if self.subject.config is not None:
            here = {"port": self.port, "hostName": "127.0.0.1", "messagesPerSecond": 0}
            config = {**here, **self.subject.config}
            config["history"] = config["history"].format(engine=self._engine)
            defaults = self.subject.checkout / "config.json"
            if defaults.exists():  # an older checkout refuses what it doesn't know
                known = json.loads(defaults.read_text())
                config = {key: value for key, value in config.items() if key in known}
            path = self.folder / "config.json"
            path.write_text(json.dumps(config))
            environ["CHATROOM_CONFIG"] = str(path)
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                self.subject.argv(self.port, self.folder, self._engine),
                cwd=self.subject.checkout if self.subject.is_ours else self.folder,
                env=environ | self.subject.environ,
                stdin=subprocess.PIPE if self.subject.driven else subprocess.DEVNULL,
                stdout=subprocess.PIPE if self.subject.driven else output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the harness, which then ends this
                preexec_fn=proc.die_with_parent,
            )

    def _wait_until_it_answers(self) -> None:
        assert self._process
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                last = self.said().strip().splitlines()[-1:] or ["it said nothing"]
                raise StartError(f"does not start: {last[0]}")
            time.sleep(0.02)
        if self.subject.is_ours:
            self._demand_its_own_code(Path(f"/proc/{self._process.pid}/cwd").resolve())

    def _demand_its_own_code(self, folder: Path) -> None:
        # gunicorn imports from its working directory first, which settings can change
        if folder != self.subject.checkout:
            raise StartError(
                f"runs the code in {folder} instead of {self.subject.checkout}: "
                "unset GUNICORN_CMD_ARGS"
            )

    def _answers(self) -> bool:
        try:
            if self.subject.is_ours:
                return self.get("/healthz", 2).status == 200
            if self.subject.driven:  # it would take a visitor for a user
                listens = f"0100007F:{self.port:04X} 00000000:0000 0A"
                return listens in Path("/proc/net/tcp").read_text()
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except (OSError, urllib.error.URLError):
            return False
        return True

    @property
    def pids(self) -> list[int]:
        """The server's processes; gunicorn's worker may come after its first answer."""
        assert self._process
        return proc.tree(self._process.pid)

    def get(self, path: str, seconds: float) -> urllib.request.addinfourl:
        """An HTTP reply, its body to be read."""
        url = f"http://127.0.0.1:{self.port}{path}"
        return urllib.request.urlopen(url, timeout=seconds)

    def tell(self, command: bytes) -> None:
        """Write to the standard input of a driven subject."""
        assert self._process and self._process.stdin
        self._process.stdin.write(command)
        self._process.stdin.flush()

    def hear(self, seconds: float) -> dict[str, float]:
        """The line of JSON with which a driven subject answers."""
        assert self._process and self._process.stdout
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            raise StartError(f"did not answer within {seconds:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            raise StartError(f"ended: {self.said().strip()}")
        return json.loads(line)

    def said(self) -> str:
        """What it wrote to the terminal."""
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    def signal(self, signum: int) -> None:
        """To its first process."""
        assert self._process
        self._process.send_signal(signum)

    def start_again(self) -> None:
        """After ``stop``: at the same port, in the same folder."""
        self._start()
        self._wait_until_it_answers()

    def stop(self) -> None:
        """End it: asked first, then at once. Each process by its own id."""
        process, self._process = self._process, None
        if not process:
            return
        pids = proc.tree(process.pid)
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait(STOP_SECONDS)
