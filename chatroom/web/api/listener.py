"""Somebody who hears a room without a WebSocket: what is said waits here to be sent."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain

from chatroom.rooms.room import Heard

BACKLOG = 8
"""Batches that wait for a listener who is slower than the room; those before them are read from
the history in their turn. A batch holds 256 KiB at most."""


class Listener:
    """Between the Server thread, which hands batches over, and the thread that sends them.

    To the gate, it is somebody with a place, as a ``Connection`` is.

    Args:
        sock: the client's, to cut the line by; None where the WSGI server hands out none.
    """

    # Rule: _changed's lock guards _batches and _reason.

    def __init__(self, sock: socket.socket | None) -> None:
        self._socket = sock
        self._changed = threading.Condition()
        self._batches: deque[Sequence[Heard]] = deque(maxlen=BACKLOG)
        self._reason = ""

    # -- the Server thread ---------------------------------------------------------------------

    def take(self, batch: Sequence[Heard]) -> None:
        """Hear what was committed. Never waits for the client."""
        with self._changed:
            self._batches.append(batch)
            self._changed.notify()

    # -- the gate ------------------------------------------------------------------------------

    def hold(self) -> None:
        """Do nothing: nobody reads from this client."""

    def release(self) -> None:
        """Do nothing, as ``hold``."""

    def end(self, code: int, reason: str) -> None:
        """Let the stream end behind what is sent just now. Never waits."""
        with self._changed:
            self._reason = reason
            self._changed.notify()

    def cut(self) -> None:
        """End the connection: frees the thread that waits for a client who does not read."""
        if self._socket:
            with suppress(OSError):  # it was gone already
                self._socket.shutdown(socket.SHUT_RDWR)

    # -- the thread that sends -----------------------------------------------------------------

    @property
    def reason(self) -> str:
        """Why the stream is to end; empty while it is not."""
        return self._reason

    def heard(self, timeout: float) -> list[Heard]:
        """What has come since the last call; waits ``timeout`` seconds for something."""
        with self._changed:
            self._changed.wait_for(lambda: self._batches or self._reason, timeout)
            heard = list(chain.from_iterable(self._batches))
            self._batches.clear()
            return heard
