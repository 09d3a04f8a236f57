"""The gate: how many sockets may be open, and which ones are."""

from __future__ import annotations

import threading

from chatroom.connection import Connection
from chatroom.errors import HandshakeRefused
from chatroom.protocol import CloseCode


class Gate:
    """Counts every socket under ``/chat``, joined or not, from before its upgrade to its end.

    Called by reader threads, and by the thread that stops the server.

    Args:
        capacity: sockets at the same time. Each holds one of gunicorn's threads for life.
    """

    # Rule: _changed's lock guards _inside and _shut.

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._inside: set[Connection] = set()
        self._shut = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._inside)

    def enter(self, connection: Connection) -> None:
        """Take a place.

        Raises:
            HandshakeRefused: all are taken, or the server stops.
        """
        with self._changed:
            if self._shut:
                raise HandshakeRefused(503, "The server stops.", {"Retry-After": "5"})
            if len(self._inside) >= self.capacity:
                reason = f"The chat is full: all {self.capacity} places are taken. Try later."
                raise HandshakeRefused(503, reason, {"Retry-After": "30"})
            self._inside.add(connection)

    def leave(self, connection: Connection) -> None:
        """Give the place back. Idempotent."""
        with self._changed:
            self._inside.discard(connection)
            if not self._inside:
                self._changed.notify_all()

    def shut(self, timeout: float) -> None:
        """Let nobody in, tell everybody that the server stops, and wait until they have left.

        Whoever is still there after ``timeout`` seconds is cut off.
        """
        with self._changed:
            self._shut = True
            inside = list(self._inside)
        for connection in inside:
            connection.end(CloseCode.GOING_AWAY, "server stops")
        with self._changed:
            self._changed.wait_for(lambda: not self._inside, timeout)
            inside = list(self._inside)
        for connection in inside:
            connection.cut()
