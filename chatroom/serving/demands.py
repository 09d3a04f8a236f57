"""What the room requires of gunicorn's options, whoever sets them.

The start refuses options that would break the room (``gunicorn.on_starting``); ``chatroom doctor``
reports them beforehand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

RESERVE = 32
"""Threads beyond ``maxUsers``, so that plain HTTP is still served when the room is full."""


_GTHREAD = re.compile(r"(^|\.)gthread(\.ThreadWorker)?('>)?$")
"""The worker's class by its short name, its full one, or as Python prints it."""


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
    if not _GTHREAD.search(str(options["worker_class"])):
        yield f"worker_class is {options['worker_class']}; wanted: gthread"
    if int(options["max_requests"]):
        yield (
            f"max_requests is {options['max_requests']}; wanted: 0. Each restart would "
            "disconnect everyone"
        )
    least = users + RESERVE
    for name in ("threads", "worker_connections"):
        if int(options[name]) < least:
            yield (
                f"{name} is {options[name]}; wanted: at least {least}, which is "
                f"maxUsers and {RESERVE} more. Lower maxUsers in config.json"
            )
