"""Processes that begin with everything imported, which is most of what a start takes.

One process imports it and makes an application, and forks a server or a command whenever a test
wants one. For tests that do not ask how a process starts; others start it as usual.
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import gc
import json
import os
import resource
import runpy
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from tests.support import CHECKOUT

PACKAGES = (
    *("click", "flask", "flask_sock", "gunicorn.app.wsgiapp", "gunicorn.workers.gthread"),
    *("h11", "itsdangerous", "segno", "simple_websocket", "sqlite3", "wsproto"),
    *("concurrent.futures", "http.client", "importlib.metadata", "logging.handlers"),
    *("csv", "html", "shutil", "tempfile", "urllib.request", "uuid"),
    *("chatroom.application", "chatroom.client", "chatroom.commands", "chatroom.serving.gunicorn"),
)
READ_AT_IMPORT = {"PORT", "WEB_CONCURRENCY", "PYTHONPATH"}
"""Variables that are not the packages' business here: each process has its own."""

ORDER_BYTES = 1 << 17


class Forked:
    """What tests do with a ``subprocess.Popen``, of a process that is no child of theirs."""

    def __init__(self, life: socket.socket) -> None:
        self.pid = int(life.recv(16))
        self.returncode: int | None = None
        self._life = life

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return code

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._life], [], [], timeout)[0]:
            with self._life:
                self.returncode = int(self._life.recv(16))
        return self.returncode

    def send_signal(self, signum: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended since
                os.kill(self.pid, signum)


class Forker:
    """The process that has imported them; started when the first is wanted. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None

    def _start(self) -> socket.socket:
        environ = {k: v for k, v in os.environ.items() if k not in READ_AT_IMPORT}
        control, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                cwd=CHECKOUT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        atexit.register(process.wait)
        atexit.register(control.close)  # which comes first, and ends it
        return control

    def fork(
        self, *command: str, cwd: Path, environ: Mapping[str, str], standard: tuple[IO[Any], ...]
    ) -> Forked:
        """Start ``python -m`` with the command, in a session of its own.

        Args:
            standard: input, output and error.
        """
        with self._lock:
            self._control = self._control or self._start()
        order = {
            "command": command,
            "cwd": str(cwd),
            "environ": dict(environ),
            "files": resource.getrlimit(resource.RLIMIT_NOFILE),
        }
        life, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with theirs:
            descriptors = [theirs.fileno(), *(file.fileno() for file in standard)]
            socket.send_fds(self._control, [json.dumps(order).encode()], descriptors)
        return Forked(life)


forker = Forker()


# -- in the process that forks -----------------------------------------------------------------


def main(control: socket.socket) -> None:
    """Import it all, and fork whatever is ordered, until nobody is left to order anything."""
    # Not at the top: pytest's processes need this module, and none of these.
    from chatroom.application import create_app
    from chatroom.configuration import load_configuration
    from tests.support.made_once import made_once

    for name in PACKAGES:
        import_module(name)
    with made_once():
        create_app(load_configuration({}))
        gc.collect()
        gc.freeze()  # so that no child's collector touches it, which would copy its memory
        while take_order(control):
            pass


def take_order(control: socket.socket) -> bool:
    """Fork what is ordered next; False once nobody is left to do it."""
    order, descriptors, _flags, _address = socket.recv_fds(control, ORDER_BYTES, 4)
    if not order:
        return False
    if not os.fork():
        control.close()
        keep(json.loads(order), *descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    with suppress(ChildProcessError):  # those that kept the processes which have ended
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return True


def keep(order: dict[str, Any], life: int, *standard: int) -> None:
    """Be the parent of the process: tell its id, and how it has ended."""
    pid = os.fork()
    if not pid:
        os.close(life)
        begin(order, *standard)
    for descriptor in standard:
        os.close(descriptor)
    os.write(life, b"%d" % pid)
    _pid, status = os.waitpid(pid, 0)
    with suppress(BrokenPipeError):  # nobody asks any more
        os.write(life, b"%d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def begin(order: dict[str, Any], *standard: int) -> None:
    """Be the process, to its end."""
    os.setsid()
    for number, descriptor in enumerate(standard):
        os.dup2(descriptor, number)
        os.close(descriptor)
    # Those of before take what they are for a file, which can be sought in.
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    faulthandler.enable()  # for a test that gives it up by SIGABRT
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environ"])
    resource.setrlimit(resource.RLIMIT_NOFILE, tuple(order["files"]))
    further = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:1] = [order["cwd"], *filter(None, further)]
    module, *sys.argv[1:] = order["command"]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
