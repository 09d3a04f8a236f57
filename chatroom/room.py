"""A room: who is in it, and the end of its conversation."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from chatroom.connection import Connection
from chatroom.user import User


class Room:
    """Owned by the Server thread; nobody else touches it.

    Args:
        name: what clients call it.
        seq: of its last committed message, 0 for none.
        tail: the frames of its last messages, oldest first.
        tail_length: the number of frames to remember.
        tail_bytes: about how many bytes of frames to remember.
    """

    def __init__(
        self, name: str, seq: int, tail: Iterable[bytes], *, tail_length: int, tail_bytes: int
    ) -> None:
        self.name = name
        self.seq = seq
        self.users: dict[User, Connection] = {}
        """In the order of joining; a broadcast touches the connections only."""
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._tail_length = tail_length
        self._tail_bytes = tail_bytes
        self._replay: bytes | None = None
        self.remember(list(tail))

    @property
    def first_remembered(self) -> int:
        """The seq of the oldest message in the tail; ``seq + 1`` where the tail is empty."""
        return self.seq - len(self._tail) + 1

    def remember(self, frames: Sequence[bytes]) -> None:
        """Put the newest frames at the end of the tail, and forget what it cannot hold."""
        self._replay = None
        self._tail.extend(frames)
        self._tail_size += sum(map(len, frames))
        while len(self._tail) > self._tail_length or self._tail_size > self._tail_bytes:
            self._tail_size -= len(self._tail.popleft())

    def replay(self) -> bytes:
        """All frames of the tail as one; made once for all who join before the next message."""
        if self._replay is None:
            self._replay = b"".join(self._tail)
        return self._replay
