"""The last changes of a room's messages: for those who come back, or are being caught up."""

from __future__ import annotations

from typing import NamedTuple

from chatroom.message import Message
from chatroom.wire import typed


class _Change(NamedTuple):
    rev: int
    frame: bytes
    is_removal: bool


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
        self._changes: dict[int, _Change] = {}  # by seq, in the order of rev
        self._size = 0
        self._limit = limit
        self._max_bytes = max_bytes

    def add(self, message: Message) -> bytes:
        """The message has changed just now; returns the frame for everybody."""
        frame = typed.changed(message)
        self.rev = message.rev
        self._drop(message.seq)
        self._changes[message.seq] = _Change(message.rev, frame, bool(message.removed))
        self._size += len(frame)
        while len(self._changes) > self._limit or self._size > self._max_bytes:
            oldest = next(iter(self._changes))
            self._after = self._changes[oldest].rev
            self._drop(oldest)
        return frame

    def since(self, rev: int) -> list[bytes] | None:
        """Frames of what has changed after this rev; None if not all of it is remembered."""
        if rev < self._after:
            return None
        return [change.frame for change in self._changes.values() if change.rev > rev]

    def has_removed(self, seq: int) -> bool:
        """Whether this one was removed lately."""
        return seq in self._changes and self._changes[seq].is_removal

    def forget(self, first: int) -> None:
        """Drop the texts of messages before this seq: they are not stored any more. That one was
        removed is still to be told: whoever comes back may have it."""
        old = [seq for seq, it in self._changes.items() if seq < first and not it.is_removal]
        for seq in old:
            self._drop(seq)

    def _drop(self, seq: int) -> None:
        change = self._changes.pop(seq, None)
        if change:
            self._size -= len(change.frame)
