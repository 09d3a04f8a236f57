"""The gate: how many sockets may be open, and which ones are."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Protocol

from chatroom.addresses import neighbourhood
from chatroom.errors import HandshakeRefused
from chatroom.wire.websocket import CloseCode

LEAVING_AT_ONCE = 100
"""Users whose threads end at the same time, when the server stops."""


class Occupant(Protocol):
    """What holds a place: a ``Connection``, or the ``Listener`` of an event stream."""

    @property
    def waiting_bytes(self) -> int:
        """About so many wait for the client. Any thread."""

    def hold(self) -> None:
        """Keep its thread asleep, until ``release``."""

    def release(self) -> None:
        """Wake its thread."""

    def end(self, code: int, reason: str) -> None:
        """Ask it to leave. Never waits."""

    def cut(self) -> None:
        """Force it to leave."""


class Gate:
    """Counts every socket under ``/chat``, joined or not, from before its upgrade to its end;
    and every event stream.

    Called by reader threads, and by the thread that stops the server.

    Args:
        capacity: sockets at the same time. Each holds one of gunicorn's threads for life.
        per_address: how many of these one address may have; 0 for all.
    """

    # Rule: _changed's lock guards _inside, _addresses and _shut.

    def __init__(self, capacity: int, per_address: int = 0) -> None:
        self.capacity = capacity
        self._per_address = per_address
        self._inside: dict[Occupant, str] = {}
        self._addresses: Counter[str] = Counter()
        self._shut = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._inside)

    def occupants(self) -> list[Occupant]:
        """Who has a place at this moment. Any thread."""
        with self._changed:
            return list(self._inside)

    def enter(self, connection: Occupant, address: str = "") -> None:
        """Take a place.

        Raises:
            HandshakeRefused: all are taken, or all that an address may have; or the server is
                stopping.
        """
        address = neighbourhood(address)
        with self._changed:
            if self._shut:
                raise HandshakeRefused(503, "The server is shutting down.", {"Retry-After": "5"})
            if len(self._inside) >= self.capacity:
                reason = f"The chat is full: all {self.capacity} places are taken. Try again later."
                raise HandshakeRefused(503, reason, {"Retry-After": "30"})
            if 0 < self._per_address <= self._addresses[address]:
                reason = f"Your address has all its {self._per_address} places. Try again later."
                raise HandshakeRefused(503, reason, {"Retry-After": "30"})
            self._inside[connection] = address
            self._addresses[address] += 1

    def leave(self, connection: Occupant) -> None:
        """Give the place back. Idempotent."""
        with self._changed:
            address = self._inside.pop(connection, None)
            if address is not None:
                self._addresses[address] -= 1
                if not self._addresses[address]:
                    del self._addresses[address]
            self._changed.notify_all()

    def shut(self, timeout: float) -> None:
        """Let nobody in, send everybody a Close, and see them out.

        All get it at once, with their readers held: otherwise the first thousand to answer
        would keep the GIL from the rest. Then they leave, a few at a time, for ``timeout``
        seconds. Those who remain have the Close frame, and end with the process.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            self._shut = True
            inside = list(self._inside)
        for connection in inside:
            connection.hold()
        for connection in inside:
            connection.end(CloseCode.GOING_AWAY, "server shutting down")
        for connection in self._see_out(inside, deadline):
            connection.cut()

    def _see_out(self, held: list[Occupant], deadline: float) -> set[Occupant]:
        """Release the held ones as others leave; return those released who have not left."""
        released: set[Occupant] = set()
        with self._changed:
            while self._inside and (seconds := deadline - time.monotonic()) > 0:
                released &= self._inside.keys()
                while held and len(released) < LEAVING_AT_ONCE:
                    connection = held.pop()
                    connection.release()
                    if connection in self._inside:  # otherwise nothing would signal its leaving
                        released.add(connection)
                self._changed.wait(seconds)
            return released & self._inside.keys()
