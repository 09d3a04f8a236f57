"""The commands, run as a person runs them: as processes, with a server of their own."""

from __future__ import annotations

import os
import pty
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from types import MappingProxyType
from typing import IO, NamedTuple

import pytest

from tests.support import CHECKOUT
from tests.support.deadline import DEADLINE
from tests.support.forks import Forked, forker
from tests.support.server_process import Running

PROGRAM = (sys.executable, "-m", "chatroom")


class Done(NamedTuple):
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Shell:
    """Somebody at a terminal: a login name, a home, and a server in mind."""

    def __init__(self, home: Path, url: str = "http://127.0.0.1:1", name: str = "ann") -> None:
        home.mkdir(exist_ok=True)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CHATROOM_")}
        self.environ = {
            **inherited,
            "LOGNAME": name,
            "XDG_STATE_HOME": str(home / "state"),
            "CHATROOM_URL": url,
            "PYTHONPATH": str(CHECKOUT),
        }
        self.environ.pop("PORT", None)
        self.home = home

    def run(
        self,
        *arguments: str | bytes,
        input: str | bytes = b"",
        encoding: str = "utf-8",
        **environ: str,
    ) -> Done:
        """Run it to its end; ``encoding`` is that of its output."""
        words = [argument for argument in arguments if isinstance(argument, str)]
        if len(words) < len(arguments) or any(k.startswith(("LC_", "PYTHON")) for k in environ):
            return self._run([*PROGRAM, *arguments], input, encoding, environ)
        with TemporaryFile() as its_input, TemporaryFile() as out, TemporaryFile() as err:
            its_input.write(input.encode() if isinstance(input, str) else input)
            its_input.seek(0)
            process = forker.fork(
                *PROGRAM[2:],
                *words,
                cwd=self.home,
                environ={**self.environ, **environ},
                standard=(its_input, out, err),
            )
            try:
                code = process.wait(DEADLINE)
            finally:
                process.send_signal(signal.SIGKILL)
            out.seek(0)
            err.seek(0)
            return Done(code, out.read().decode(encoding), err.read().decode(encoding))

    def run_with(self, redirection: str, *arguments: str) -> Done:
        """Run it in a shell with a redirection, such as ``> /dev/full`` or ``| head -1``."""
        command = f'exec "$@" {redirection}'
        return self._run(["sh", "-c", command, "sh", *PROGRAM, *arguments])

    def _run(
        self,
        command: list[str | bytes],
        input: str | bytes = b"",
        encoding: str = "utf-8",
        environ: Mapping[str, str] = MappingProxyType({}),
    ) -> Done:
        done = subprocess.run(
            command,
            input=input.encode() if isinstance(input, str) else input,
            capture_output=True,
            cwd=self.home,
            env={**self.environ, **environ},
            timeout=DEADLINE,
        )
        return Done(done.returncode, done.stdout.decode(encoding), done.stderr.decode(encoding))

    def start(self, *arguments: str) -> Started:
        """Start it; the test ends it."""
        (out, its_out), (err, its_err) = os.pipe(), os.pipe()
        with (
            open(os.devnull) as nothing,
            open(its_out, "w") as standard_output,
            open(its_err, "w") as standard_error,
        ):
            process = forker.fork(
                *PROGRAM[2:],
                *arguments,
                cwd=self.home,
                environ=self.environ,
                standard=(nothing, standard_output, standard_error),
            )
        return Started(process, open(out), open(err))

    def start_unheard(self, *arguments: str) -> Started:
        """Start it with a standard output that nobody reads any more."""
        process = subprocess.Popen(
            [*PROGRAM, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            cwd=self.home,
            env=self.environ,
            text=True,
        )
        assert process.stdout and process.stderr
        process.stdout.close()
        return Started(process, process.stdout, process.stderr)


class Started:
    """A command that goes on by itself, and what it has printed."""

    def __init__(
        self, process: Forked | subprocess.Popen[str], output: IO[str], errors: IO[str]
    ) -> None:
        self.process = process
        self._output = output
        self._errors = errors
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, name="reader of a command")
        self._reader.start()

    def __enter__(self) -> Started:
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.send_signal(signal.SIGKILL)
        self._reader.join(DEADLINE)
        self._output.close()
        self._errors.close()
        self.process.wait(DEADLINE)

    def _read(self) -> None:
        if not self._output.closed:
            for line in self._output:
                self._lines.put(line.rstrip("\n"))

    def line(self) -> str:
        """The next line of data, in time."""
        return self._lines.get(timeout=DEADLINE)

    def note(self, words: str) -> str:
        """The next line on standard error that has these words, or its end."""
        return next((line for line in self._errors if words in line), "")

    def interrupt(self) -> tuple[int, str]:
        """Ctrl-C; the exit code, and what was on standard error."""
        self.process.send_signal(signal.SIGINT)
        return self.end()

    def end(self) -> tuple[int, str]:
        """Wait for its end: the exit code, and what was on standard error."""
        try:
            code = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            pytest.fail(f"it does not end; there it stands:\n{self._errors.read()}")
        return code, self._errors.read()


def at(server: Running, home: Path, name: str = "ann") -> Shell:
    """Somebody who has this server in mind."""
    return Shell(home, f"http://127.0.0.1:{server.port}", name)


class Terminal:
    """A terminal with ``chatroom chat`` in it, or with another command."""

    def __init__(self, person: Shell, *arguments: str, command: str = "chat") -> None:
        self.screen = ""
        self._master, slave = pty.openpty()
        with open(slave, "rb", buffering=0) as terminal:
            self.process = forker.fork(
                *PROGRAM[2:],
                command,
                *arguments,
                cwd=person.home,
                environ={**person.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
                standard=(terminal,) * 3,
            )

    def type(self, line: str) -> None:
        self.send(line.encode() + b"\r")

    def send(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def rest(self) -> str:
        """What comes on the screen until the process has gone."""
        deadline = time.monotonic() + DEADLINE
        shown = bytearray(self.screen.encode())
        while select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))[0]:
            try:
                shown += os.read(self._master, 65536)
            except OSError:  # EIO: it has gone
                return shown.decode("utf-8", "replace")
        raise AssertionError(f"it goes on: {shown!r}")

    def wait_for(self, text: str) -> str:
        """Until the text has been on the screen since the last time; returns what came before."""
        deadline = time.monotonic() + DEADLINE
        while text not in self.screen:
            left = deadline - time.monotonic()
            readable, _, _ = select.select([self._master], [], [], max(0.0, left))
            assert readable, f"no {text!r} on the screen: {self.screen!r}"
            try:
                self.screen += os.read(self._master, 65536).decode("utf-8", "replace")
            except OSError:  # EIO: the process has gone
                raise AssertionError(f"no {text!r} on the screen: {self.screen!r}") from None
        before, _, self.screen = self.screen.partition(text)
        return before

    def close(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(DEADLINE)
        os.close(self._master)
