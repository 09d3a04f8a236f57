"""What the room requires of gunicorn's options, whoever sets them.

The start refuses options that would break the room (``gunicorn.on_starting``); ``chatroom doctor``
reports them beforehand.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

RESERVE = 32
"""Threads beyond ``maxUsers``, so that plain HTTP is still served when the room is full."""

LEAST_WAITING = 64
"""Places for connections that wait: with an incomplete request, or between two requests."""

MOST_WAITING = 1024
"""Such places, where the limit on descriptors admits them: a newcomer's request may take a second
to arrive, and strangers may open a thousand connections in that time."""

_WORKER = re.compile(r"(^|\.)(gthread(\.ThreadWorker)?|serving\.worker\.Worker)('>)?$")
"""The room's worker by its full name, or as Python prints it; or gunicorn's threaded one, which the
room replaces by its own."""


def worker_asked_for(arguments: Sequence[str]) -> str:
    """The worker's class that gunicorn's command line asks for; "" if none."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("-k", "--worker-class", default="")
    known, _rest = parser.parse_known_args(list(arguments))
    return str(known.worker_class)


def wrong_worker(name: str) -> str:
    """What is wrong with this class."""
    return f"worker_class is {name}; wanted: gthread, or no such option"


def unmet(options: Mapping[str, Any], users: int) -> Iterator[str]:
    """One message for each unmet demand: what is wrong, and the way out.

    Args:
        options: gunicorn's, as values or as text; ``worker_class`` is the name of the class.
        users: how many this machine can carry, at most ``maxUsers``.
    """
    if int(options["workers"]) != 1:
        yield (
            f"workers is {options['workers']}; wanted: 1. The room lives in one process; "
            "raise maxUsers, not workers"
        )
    if not _WORKER.search(str(options["worker_class"])):
        yield wrong_worker(options["worker_class"])
    if int(options["max_requests"]):
        yield (
            f"max_requests is {options['max_requests']}; wanted: 0. Each restart would "
            "disconnect everyone"
        )
    for name in ("certfile", "keyfile"):
        if str(options[name] or None) != "None":
            yield (
                f"{name} is {options[name]}; wanted: none. WebSockets would be refused; "
                "let a proxy in front terminate TLS (docs/deployment.md)"
            )
            break
    least = users + RESERVE
    for name in ("threads", "worker_connections"):
        if int(options[name]) < least:
            yield (
                f"{name} is {options[name]}; wanted: at least {least}, which is "
                f"maxUsers and {RESERVE} more. Lower maxUsers in config.json"
            )
