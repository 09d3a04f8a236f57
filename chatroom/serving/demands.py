"""What the room requires of gunicorn's options, whoever sets them.

The start refuses options that would break the room (``gunicorn.on_starting``); ``chatroom doctor``
reports them beforehand.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chatroom.settings import MOST_WORKERS

RESERVE = 56
"""Threads beyond ``maxUsers``, so that plain HTTP is still served when the room is full: 24 for
files in both directions, as many for what else takes long, and some."""

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
    return str(_known(arguments).worker_class)


def workers_asked_for(arguments: Sequence[str]) -> int | None:
    """How many workers gunicorn's command line asks for; None if it leaves that to the settings, or
    is no number: gunicorn says that."""
    asked = str(_known(arguments).workers)
    return int(asked) if re.fullmatch("[0-9]{1,9}", asked) else None


def _known(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("-k", "--worker-class", default="")
    parser.add_argument("-w", "--workers", default="")
    known, _rest = parser.parse_known_args(list(arguments))
    return known


def wrong_worker(name: str) -> str:
    """What is wrong with this class."""
    return f"worker_class is {name}; wanted: gthread, or no such option"


def unmet(
    options: Mapping[str, Any], users: int, workers: int = 1, *, is_shared: bool = False
) -> Iterator[str]:
    """One message for each unmet demand: what is wrong, and the way out.

    Args:
        options: gunicorn's, as values or as text; ``worker_class`` is the name of the class.
        users: how many each worker can carry here, at most ``maxUsers``.
        workers: how many there are to be, by the settings or by gunicorn's command line.
        is_shared: whether several processes can share the history.
    """
    given = int(options["workers"])
    if given != 1 and not is_shared:
        yield (
            f"workers is {given}; wanted: 1. The room lives in one process, unless its history is "
            "in PostgreSQL (docs/postgresql.md); raise maxUsers, not workers"
        )
    elif not 1 <= given <= MOST_WORKERS:
        yield f"workers is {given}; wanted: 1 to {MOST_WORKERS}"
    elif given != workers:
        yield f"workers is {given}; wanted: {workers}, as in config.json: change it there"
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
