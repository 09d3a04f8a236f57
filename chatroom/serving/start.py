"""The start: the settings are loaded, what cannot work is refused, and gunicorn takes over."""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NoReturn

from chatroom.configuration import Configuration, load_configuration
from chatroom.errors import ChatError
from chatroom.log import set_up_logging
from chatroom.serving.demands import RESERVE
from chatroom.serving.machine import (
    Carried,
    Limit,
    affordable_users,
    machine_limits,
    raise_descriptor_limit,
)

log = logging.getLogger(__name__)

CHECKOUT = Path(__file__).resolve().parents[2]
"""The folder of ``app.py``, unless the package is installed."""

ADDRESS_PATIENCE = 3.0
"""Seconds in which a program that was killed just now lets go of its port."""

REFUSED = 2
"""Exit code of a start that the settings or the history forbid."""


def run(folder: Path | None = None) -> NoReturn:
    """Become gunicorn.

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
    """What serves the room from the current folder.

    In a checkout, its own ``app.py`` and ``gunicorn.conf.py``, which somebody may have edited;
    elsewhere the same from the package.
    """
    command = [sys.executable, "-m", "gunicorn", *options]
    if Path.cwd() == CHECKOUT and Path("app.py").exists():
        return [*command, "app:app"]
    # By its path: a module's name would be imported once, and SIGHUP would load nothing new.
    config = str(Path(__file__).with_name("gunicorn_conf.py"))
    return [*command, "--config", config, "chatroom.serving.wsgi:app"]


def configure(folder: Path | None = None) -> Configuration:
    """Load the settings and set up the log.

    Where that fails, say so in a line and exit; but once the room is open, after SIGHUP, say
    so and keep the settings that it has.

    Args:
        folder: of the ``config.json`` that holds where ``CHATROOM_CONFIG`` names none.
    """
    global _configuration
    if folder:
        os.environ.setdefault("CHATROOM_CONFIG", str(folder / "config.json"))
    try:
        loaded = load_configuration()
        set_up_logging(loaded)
    except ChatError as error:
        if not _configuration:
            refuse(error)
        log.error("refused: new settings: %s", error)
        print(f"chatroom: settings unchanged: {error}", file=sys.stderr, flush=True)
    else:
        _configuration = replace(loaded, max_users=carry(loaded.max_users).users)
    return _configuration


_configuration: Configuration | None = None  # the master's; its workers inherit it


def refuse(error: ChatError | str) -> NoReturn:
    """End the start with one line on standard error."""
    print(f"chatroom: {error}", file=sys.stderr, flush=True)
    sys.exit(REFUSED)


def carry(max_users: int) -> Carried:
    """How many of these users the machine carries, under the limits that held at the start."""
    return affordable_users(max_users, RESERVE, _limits())


@cache
def _limits() -> list[Limit]:
    # Read once: after SIGHUP the worker before this one still has its threads.
    raise_descriptor_limit()
    return machine_limits()


def await_address(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on, after a while for a predecessor to go."""
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
