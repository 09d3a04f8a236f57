"""The connections that the main thread waits for, and for how long."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Iterator

from chatroom.serving.body_input import BODY_SECONDS
from chatroom.serving.incoming import Incoming, Line

HEAD_SECONDS = 10.0
"""In which a head has to be complete: from the connection's beginning, or from the first byte of
a further request."""

LINGER_SECONDS = 2.0
"""In which a client should close a connection that has ended here. Closing it with bytes unread
would send a reset, which overtakes the response (RFC 9112, section 9.6)."""

MOST_BYTES = 64 << 20
"""Of all incomplete requests together."""


class WaitingRoom:
    """The connections that the main thread waits for. Each costs a descriptor, and what has arrived
    of its request.

    Args:
        places: for all of them together.
        keepalive: seconds that a connection is kept between two requests.
    """

    def __init__(self, places: int, keepalive: float) -> None:
        self.places = places
        self.held = 0
        """Bytes of incomplete requests."""
        self.heads = Line(HEAD_SECONDS)
        self.bodies = Line(BODY_SECONDS)
        self.idle = Line(keepalive)
        """Between two requests."""
        self.ending = Line(LINGER_SECONDS)
        self._lines = (self.heads, self.bodies, self.idle, self.ending)

    def __len__(self) -> int:
        return sum(map(len, self._lines))

    def put(
        self,
        conn: Incoming,
        line: Line,
        poller: selectors.BaseSelector,
        when_readable: Callable[[object], None],
    ) -> None:
        """Let the connection wait in ``line``, from now on.

        Raises:
            OSError: the poller takes no more.
        """
        if conn.line is None:
            poller.register(conn.sock, selectors.EVENT_READ, when_readable)
        else:
            del conn.line[conn]
        conn.line, conn.since = line, time.monotonic()
        line[conn] = None
        conn.noted = len(conn.arrived)
        self.count(conn)

    def take(self, conn: Incoming, poller: selectors.BaseSelector) -> None:
        """Let it wait no longer."""
        if conn.line is not None:
            del conn.line[conn]
            conn.line = None
            self.held -= conn.counted
            conn.counted = 0
            poller.unregister(conn.sock)

    def count(self, conn: Incoming) -> None:
        """Count what has arrived of its request."""
        self.held += len(conn.arrived) - conn.counted
        conn.counted = len(conn.arrived)

    def longest(self) -> Incoming | None:
        """The one that has waited longest, in the longest line; None if nobody waits."""
        line: Line = max(self._lines, key=len)
        return next(iter(line), None)

    def expired(self, patience: float) -> Iterator[Incoming]:
        """Those that have waited for too long, or for longer than ``patience`` seconds."""
        now = time.monotonic()
        for line in self._lines:
            while (conn := next(iter(line), None)) and (
                now - conn.since > min(line.patience, patience)
            ):
                yield conn  # the caller closes it
