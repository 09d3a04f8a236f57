"""A listener without a WebSocket: queues a room's new messages until they are sent."""

from __future__ import annotations

import select
import socket
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from typing import NamedTuple

from chatroom.rooms.subscriber import Heard, HeardChange, Hearing

BACKLOG = 8
"""Batches queued for a listener that is slower than the room; older ones are dropped, and later
read from the history. A batch holds 256 KiB at most."""


class Missed(NamedTuple):
    """The last of what was dropped from the backlog: 0 where nothing was."""

    seq: int
    """A message's."""
    rev: int
    """A change's."""
    after: int | None = None
    """Reactions that have changed after this mark; None if nothing of them was dropped since the
    last look."""
    mark: int = 0
    """Up to this one."""

    def and_of(self, batch: Sequence[Hearing]) -> Missed:
        """This, and the batch as well."""
        seq, rev, after, mark = self
        for one in batch:
            if isinstance(one, Heard):
                seq = max(seq, one.id.seq)
            elif isinstance(one, HeardChange):
                rev = max(rev, one.rev)
            else:
                after = one.after if after is None else min(after, one.after)
                mark = max(mark, one.mark)
        return Missed(seq, rev, after, mark)


class Listener:
    """Hands batches from the Server thread to the thread that sends them.

    To the gate, it takes a place like a ``Connection``.

    Args:
        sock: the client's, to cut the connection; None if the WSGI server does not expose it.
    """

    # Rule: _changed's lock guards _batches, _dropped, _reason and _is_nudged.

    waiting_bytes = 0
    """To the gate: what it has not read yet is in the history."""

    def __init__(self, sock: socket.socket | None) -> None:
        self._socket = sock
        self._changed = threading.Condition()
        self._batches: deque[Sequence[Hearing]] = deque()
        self._dropped = Missed(0, 0)
        self._reason = ""
        self._is_nudged = False
        self.missed = Missed(0, 0)
        """What is missing in what was ``heard`` last. Owned by the thread that sends."""

    # -- the Server thread ---------------------------------------------------------------------

    def take(self, batch: Sequence[Hearing]) -> None:
        """Queue what was committed. Never blocks."""
        with self._changed:
            if len(self._batches) == BACKLOG:
                self._dropped = self._dropped.and_of(self._batches.popleft())
            self._batches.append(batch)
            self._changed.notify()

    # -- the gate ------------------------------------------------------------------------------

    def hold(self) -> None:
        """Do nothing: nobody reads from this client."""

    def release(self) -> None:
        """Do nothing, like ``hold``."""

    def end(self, code: int, reason: str) -> None:
        """Let the stream end after what is being sent. Never blocks."""
        with self._changed:
            self._reason = reason
            self._changed.notify()

    def cut(self) -> None:
        """Shut the socket down, which unblocks a thread stuck in sending to a client."""
        if self._socket:
            with suppress(OSError):  # it was gone already
                self._socket.shutdown(socket.SHUT_RDWR)

    # -- the thread that watches sockets --------------------------------------------------------

    @property
    def descriptor(self) -> int:
        """The client's socket; -1 if there is none."""
        return self._socket.fileno() if self._socket else -1

    def is_cut(self) -> bool:
        """Whether the connection is gone in both directions."""
        poll = select.poll()
        poll.register(self.descriptor, 0)
        return bool(poll.poll(0))

    def nudge(self) -> None:
        """Let the stream send something soon, however silent the room is."""
        with self._changed:
            self._is_nudged = True
            self._changed.notify()

    # -- the thread that sends -----------------------------------------------------------------

    @property
    def reason(self) -> str:
        """Why the stream is to end; "" until then."""
        return self._reason

    def heard(self, timeout: float) -> list[Hearing]:
        """What has arrived since the last call; waits up to ``timeout`` seconds for something.

        Nothing, if the time is over, the stream is to end, or something has to be sent now.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._batches or self._reason or self._is_nudged, timeout
            )
            self._is_nudged = False
            self.missed, self._dropped = self._dropped, self._dropped._replace(after=None)
            heard = list(chain.from_iterable(self._batches))
            self._batches.clear()
            return heard
