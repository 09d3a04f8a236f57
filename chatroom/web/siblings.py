"""The workers of one machine, which share a port: whichever is asked has the numbers of all.

Each listens on a Unix socket of Linux' abstract namespace (unix(7)), which is gone with the process
whatever happens to it. Elsewhere than on Linux, each worker answers for itself.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from typing import Any

from chatroom.engine import Engine
from chatroom.settings import MOST_WORKERS
from chatroom.tally import Histogram
from chatroom.web.measures import UP, Family, families

ANSWER_SECONDS = 4.5
"""How long the others may take, which need four if their Server thread hangs."""

TAKING_SECONDS = 2.0
"""How long one that has asked may take to read the answer."""

PAUSE = 0.1
"""Seconds until the next one is answered, after one that could not be."""

MOST = 2 * MOST_WORKERS
"""While new ones take over from old ones."""

log = logging.getLogger(__name__)


class Siblings:
    """Any thread may ask.

    Args:
        engine: this worker's.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._family = ""
        self._listener: socket.socket | None = None
        self.number = 0
        """Of this worker, from 1; the lowest that is free. 0 for one that answers for itself."""

    def open(self, family: str) -> None:
        """Answer the others from now on, after the fork.

        Args:
            family: the same for the workers of one master, and for no others.
        """
        if not sys.platform.startswith("linux"):
            return
        self._family = family
        listener = socket.socket(socket.AF_UNIX)
        for number in range(1, MOST + 1):
            with suppress(OSError):  # it is another one's
                listener.bind(self._name(number))
                listener.listen()
                self.number = number
                break
        else:
            listener.close()
            return
        self._listener = listener
        threading.Thread(target=self._serve, args=[listener], name="numbers", daemon=True).start()

    def close(self) -> None:
        """Answer nobody any more. Idempotent; a process that ends need not."""
        self.number = 0
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)

    def numbers(self) -> dict[int, list[Family]]:
        """Everybody's, by their number."""
        asked = dict(self._ask())
        known = {self.number: list(families(self._engine))}
        deadline = time.monotonic() + ANSWER_SECONDS
        for number, other in asked.items():
            with closing(other):
                try:
                    known[number] = _answer_of(other, deadline)
                except (OSError, ValueError):  # it hangs, or has just ended
                    known[number] = [Family(*UP, 0)]
        return dict(sorted(known.items()))

    def _name(self, number: int) -> str:
        return f"\0chatroom {self._family} {number}"

    def _ask(self) -> Iterator[tuple[int, socket.socket]]:
        for number in range(1, MOST + 1):
            if number == self.number:
                continue
            other = socket.socket(socket.AF_UNIX)
            other.settimeout(ANSWER_SECONDS)
            try:
                other.connect(self._name(number))
            except OSError:  # there is none
                other.close()
                continue
            if _is_ours(other):
                yield number, other
            else:
                other.close()

    # -- the thread -------------------------------------------------------------------------------

    def _serve(self, listener: socket.socket) -> None:
        with closing(listener):
            while self.number:
                try:
                    other, _ = listener.accept()
                    with closing(other):
                        if _is_ours(other):
                            other.settimeout(TAKING_SECONDS)
                            told = [_told(family) for family in families(self._engine)]
                            other.sendall(json.dumps(told).encode())
                except OSError:  # whoever has asked is gone; or there are no descriptors left
                    time.sleep(PAUSE)
                except Exception:
                    log.exception("error: other workers are told nothing this time")


def _is_ours(other: socket.socket) -> bool:
    """Whether it is a process of the same user: every user can see the name, and use it."""
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", other.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return bool(uid == os.getuid())


def _answer_of(other: socket.socket, deadline: float) -> list[Family]:
    answer = bytearray()
    while True:
        other.settimeout(max(0.001, deadline - time.monotonic()))
        piece = other.recv(1 << 16)
        if not piece:
            return [_read(*told) for told in json.loads(answer)]
        answer += piece


def _told(family: Family) -> list[Any]:
    """As JSON can have it."""
    value = family.value
    if isinstance(value, Histogram):
        return [family.name, family.help, [value.bounds, value.counts, value.sum], ""]
    number = dict(value) if isinstance(value, Mapping) else float(value)
    return [family.name, family.help, number, family.label]


def _read(name: str, help: str, value: Any, label: str) -> Family:
    if not isinstance(value, list):
        return Family(name, help, value, label)
    histogram = Histogram(value[0])
    _, histogram.counts, histogram.sum = value
    return Family(name, help, histogram)
