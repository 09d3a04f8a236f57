"""The start: loads the settings, refuses what cannot work, and hands over to gunicorn."""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
import tempfile
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NoReturn

from chatroom.configuration import Configuration, check_workers, load_configuration
from chatroom.errors import ChatError
from chatroom.log import set_up_logging
from chatroom.serving.costs import Limit
from chatroom.serving.demands import RESERVE
from chatroom.serving.machine import (
    Carried,
    affordable_users,
    machine_limits,
    raise_descriptor_limit,
)

log = logging.getLogger(__name__)

CHECKOUT = Path(__file__).resolve().parents[2]
"""The folder of ``app.py``, unless the package is installed."""

ADDRESS_PATIENCE = 3.0
"""Seconds in which a program that was just killed should release its port."""

REFUSED = 2
"""Exit code if the settings or the history prevent the start."""

AWAY = 75
"""Exit code if the history's database is not reached: whatever starts the program may try again
(EX_TEMPFAIL of sysexits.h)."""

WORKER_FAILED = 3
"""Exit code of a worker that should not be started again (``Arbiter.WORKER_BOOT_ERROR``)."""

WITHOUT_SETTINGS = (
    "gunicorn runs without the room's settings; leave out --config, or begin that file with: "
    "from chatroom.serving.gunicorn import load; globals().update(load())"
)


def run(folder: Path | None = None) -> NoReturn:
    """Replace this process with gunicorn.

    Args:
        folder: to change to first; None to stay in the current one.
    """
    if folder:
        if name := os.environ.get("CHATROOM_CONFIG"):
            os.environ["CHATROOM_CONFIG"] = str(Path(name).absolute())
        os.chdir(folder)
    command = gunicorn_command()
    os.execv(command[0], command)


def gunicorn_command(*options: str) -> list[str]:
    """The command that serves the room from the current folder.

    In a checkout, with its own ``app.py`` and ``gunicorn.conf.py``, which may have been edited;
    elsewhere, with the package's.
    """
    if is_checkout():
        return [sys.executable, "-m", "gunicorn", *options, "app:app"]
    here = Path(__file__)
    # By path: a module would be imported only once, and SIGHUP would load nothing new.
    config = ["--config", str(here.with_name("gunicorn_conf.py"))]
    command = [sys.executable, str(here.with_name("launch.py")), *options]
    return [*command, *config, "chatroom.serving.wsgi:app"]


def is_checkout() -> bool:
    """Whether the current folder is the checkout that this package is in."""
    return Path.cwd() == CHECKOUT and Path("app.py").exists()


def configure(folder: Path | None = None, workers: int | None = None) -> Configuration:
    """Load the settings and set up the log.

    If that fails, say so in one line and exit; but if the room is already open, after SIGHUP, say
    so and keep the current settings.

    Args:
        folder: of the ``config.json`` to use unless ``CHATROOM_CONFIG`` names one.
        workers: how many there are to be, if gunicorn's command line says so.
    """
    global _configuration
    if folder:
        os.environ.setdefault("CHATROOM_CONFIG", str(folder / "config.json"))
    try:
        loaded = load_configuration()
        if workers is not None:
            check_workers("gunicorn", "workers", workers, loaded.history)
            loaded = replace(loaded, workers=workers)
        if "--print-config" not in sys.argv:  # as doctor does: it must not create a log file
            set_up_logging(loaded)
    except ChatError as error:
        if not _configuration:
            refuse(error)
        log.error("refused: new settings: %s", error)
        print(f"chatroom: settings unchanged: {error}", file=sys.stderr, flush=True)
    else:
        users = carry(loaded.max_users, loaded.workers).users
        _configuration = replace(loaded, max_users=users)
    return _configuration


_configuration: Configuration | None = None  # the master's; its workers inherit it


def app_settings(folder: Path | None = None) -> Configuration:
    """The settings for the WSGI app: those that gunicorn was started with, or reloaded.

    Under another WSGI server, they are loaded now, for an application that explains itself.

    Args:
        folder: see ``configure``.
    """
    if _configuration:
        return _configuration
    if "gunicorn.arbiter" in sys.modules:
        refuse(WITHOUT_SETTINGS, WORKER_FAILED)
    return configure(folder)


def refuse(error: ChatError | str, code: int = REFUSED) -> NoReturn:
    """End the start with one line on standard error."""
    print(f"chatroom: {error}", file=sys.stderr, flush=True)
    sys.exit(code)


def carry(max_users: int, workers: int) -> Carried:
    """How many of these users each worker can carry, under the limits read at the start."""
    return affordable_users(max_users, RESERVE, _limits(), max(1, workers))


@cache
def _limits() -> list[Limit]:
    # Read once: after SIGHUP, the previous worker still has its threads.
    raise_descriptor_limit()
    return machine_limits()


def check_temporary_folder() -> None:
    """Refuse a machine without a writable temporary folder: gunicorn creates a file there."""
    try:
        tempfile.gettempdir()
    except OSError:
        refuse("no folder for temporary files is writable; name one in TMPDIR")


def await_address(host: str, port: int) -> None:
    """Refuse an address that cannot be bound, after giving a predecessor time to release it."""
    deadline = time.monotonic() + ADDRESS_PATIENCE
    while True:
        try:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
                return
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                way_out = "stop what uses it, or change port or hostName in config.json"
                refuse(f"cannot listen on {host}:{port}: {error.strerror}; {way_out}")
        time.sleep(0.1)
