"""The last changes of a room's messages: for those who come back, or are being caught up."""

from __future__ import annotations

from chatroom.message import Message
from chatroom.wire import typed


class RecentChanges:
    """Each changed message once, as it now is. Owned by the Server thread.

    Args:
        rev: of the last change that was made before.
        limit: how many messages to remember.
        max_bytes: about how many bytes of frames to remember.
    """

    def __init__(self, rev: int, *, limit: int, max_bytes: int) -> None:
        self.rev = rev
        """Of the last change."""
        self._after = rev  # what changed after this one is here
        self._frames: dict[int, tuple[int, bytes]] = {}  # seq -> rev and frame, by rev
        self._size = 0
        self._limit = limit
        self._max_bytes = max_bytes

    def add(self, message: Message) -> bytes:
        """The message has changed just now; returns the frame for everybody."""
        frame = typed.changed(message)
        self.rev = message.rev
        self._drop(message.seq)
        self._frames[message.seq] = message.rev, frame
        self._size += len(frame)
        while len(self._frames) > self._limit or self._size > self._max_bytes:
            oldest = next(iter(self._frames))
            self._after, _ = self._frames[oldest]
            self._drop(oldest)
        return frame

    def since(self, rev: int) -> list[bytes] | None:
        """Frames of what has changed after this rev; None if not all of it is remembered."""
        if rev < self._after:
            return None
        return [frame for its_rev, frame in self._frames.values() if its_rev > rev]

    def _drop(self, seq: int) -> None:
        _, frame = self._frames.pop(seq, (0, b""))
        self._size -= len(frame)
