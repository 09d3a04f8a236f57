"""Those who want a socket, and for whom it is not their turn yet. Owned by the main thread.

When a crowd comes at once, such as everybody after a restart, all could begin at once. None of them
would be in any sooner: there is one interpreter. And each thread that wants it has its turn, the
Server's as well, which lets people in: next to hundreds that shake hands, it gets a hundredth of
the time. So only a few do, and nobody begins before the room has let in those who have.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from chatroom.serving.incoming import Incoming

SHAKING_AT_ONCE = 4
"""Handshakes at the same time. None of them waits for its client: each takes a millisecond."""

ASKING_AT_ONCE = 32
"""Users who wait for the room to let them in, at most, before another one begins."""


class Doorway:
    """A line: whoever came first is first.

    Args:
        asking: how many wait for the room to let them in.
    """

    def __init__(self, asking: Callable[[], int] = lambda: 0) -> None:
        self.asking = asking
        self._line: deque[Incoming] = deque()
        self._shaking: list[Incoming] = []

    def __len__(self) -> int:
        """How many are in line. Any thread."""
        return len(self._line)

    def add(self, conn: Incoming) -> None:
        """Somebody wants a socket."""
        self._line.append(conn)

    def next(self) -> Incoming | None:
        """The one whose turn it is: it shakes hands from now on, until ``shakes_hands`` is False
        again. None if it is nobody's."""
        if not self._line:
            return None
        self._shaking = [conn for conn in self._shaking if conn.shakes_hands]
        if len(self._shaking) >= SHAKING_AT_ONCE or self.asking() >= ASKING_AT_ONCE:
            return None
        conn = self._line.popleft()
        conn.shakes_hands = True
        self._shaking.append(conn)
        return conn
