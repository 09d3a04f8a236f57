"""Where a server gets its port, and what is raised where it does not start."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
from collections.abc import Iterator
from pathlib import Path


class StartError(Exception):
    """A subject does not start; says why."""


def free_port() -> int:
    """A port that nobody listens on, outside the range that clients get theirs from.

    Another one each time, so that no client's port meets its own past in TIME_WAIT.
    """
    for port in _ports:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise StartError("no port is free")


def _below_client_ports() -> Iterator[int]:
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = [*range(low - 1, low // 2, -1)]
    first = os.getpid() * 101 % len(ports)  # or two of us would look for one at the same place
    return itertools.cycle(ports[first:] + ports[:first])


_ports = _below_client_ports()
