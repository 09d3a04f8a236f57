"""The frames of a room's last messages, at hand for joiners. Owned by the Server thread."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice


class Tail:
    """One frame for each message; an empty one for a message that was removed.

    Args:
        frames: oldest first.
        length: the number of frames to remember.
        max_bytes: about how many bytes of frames to remember.
    """

    def __init__(self, frames: Iterable[bytes], *, length: int, max_bytes: int) -> None:
        self._frames: deque[bytes] = deque()
        self._size = 0
        self._length = length
        self._max_bytes = max_bytes
        self._joined: bytes | None = None
        self.append(list(frames))

    def __len__(self) -> int:
        return len(self._frames)

    def append(self, frames: Sequence[bytes]) -> None:
        """Add the newest frames, and drop the oldest beyond the limits."""
        self._joined = None
        self._frames.extend(frames)
        self._size += sum(map(len, frames))
        while len(self._frames) > self._length or self._size > self._max_bytes:
            self._size -= len(self._frames.popleft())

    def replace(self, index: int, frame: bytes) -> None:
        """A message is another one now, if it is among these."""
        if 0 <= index < len(self._frames):
            self._size += len(frame) - len(self._frames[index])
            self._frames[index] = frame
            self.append([])  # it may be longer now

    def drop(self, count: int) -> None:
        """Drop so many of the oldest, or all of them."""
        for _ in range(min(count, len(self._frames))):
            self._size -= len(self._frames.popleft())
        self._joined = None

    def joined(self) -> bytes:
        """All of them; cached until the next change."""
        if self._joined is None:
            self._joined = b"".join(self._frames)
        return self._joined

    def after(self, index: int) -> list[bytes]:
        """Those from this one on."""
        return list(islice(self._frames, index, sys.maxsize))
