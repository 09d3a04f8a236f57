"""Go's channels and its ``select``, built on ``queue.Queue``.

Several channels share one ``Ready`` queue, which holds one entry per item, in order of
arrival. The reader waits on that queue, and so on all channels at once.
"""

from __future__ import annotations

import math
import queue
from collections.abc import Callable
from typing import Protocol, TypeVar

from chatroom.errors import ChannelClosed

T = TypeVar("T")


class Selectable(Protocol):
    """A channel of whatever items, as ``select`` sees it."""

    def has_item(self) -> bool:
        """Whether the next entry on ``ready`` has an item, which ``item`` then is."""


Ready = queue.SimpleQueue[Selectable | None]
"""Channels that hold something, once per item; None ends the wait for good."""


class Channel(queue.Queue[T]):
    """A ``queue.Queue`` that ``select`` can wait on, and that can be closed.

    Args:
        name: what errors call it.
        ready: the queue that the channel announces its items on.
        maxsize: the number of items at which ``put`` blocks; 0 for no limit.
    """

    item: T
    """What ``select`` has found. Owned by the thread that selects, like the next two."""

    def __init__(self, name: str, ready: Ready, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self.name = name
        self._ready = ready
        self._closed = False
        self._paused = False
        self._skipped = 0  # entries on ``ready`` that came while it was paused
        self._drained = 0  # entries on ``ready`` whose items drain() has taken

    def put(self, item: T, block: bool = True, timeout: float | None = None) -> None:
        """As any queue's; where there is room, no ``get`` is woken: who selects waits elsewhere."""
        with self.mutex:
            if not 0 < self.maxsize <= len(self.queue):
                self._put(item)
                return
        super().put(item, block, timeout)

    def _put(self, item: T) -> None:  # with the mutex held
        if self._closed:
            raise ChannelClosed(self.name)
        self.queue.append(item)
        self._ready.put(self)

    def drain(self, budget: int, cost: Callable[[T], int]) -> list[T]:
        """Take queued items, oldest first, until their costs use up ``budget``; never blocks."""
        taken: list[T] = []
        with self.mutex:
            while budget > 0 and self.queue:
                item = self.queue.popleft()
                taken.append(item)
                budget -= cost(item)
            self._drained += len(taken)
            if self.maxsize:
                self.not_full.notify(len(taken))  # shares the mutex, which is held
        return taken

    def has_item(self) -> bool:
        """See ``Selectable``.

        Items and entries are in the same order, so a drain takes those of the next entries.
        Without this, such an entry would serve a much later item, ahead of other channels; and
        under load they would pile up without bound.
        """
        if self._paused:
            self._skipped += 1
            return False
        if self._drained:
            self._drained -= 1
            return False
        with self.mutex:
            if self.maxsize:
                self.not_full.notify()
            self.item = self.queue.popleft()
            return True

    def pause(self) -> None:
        """Keep the items from ``select`` until ``resume``: in order, and within ``maxsize``."""
        self._paused = True

    def resume(self) -> None:
        """Announce again what ``select`` has skipped."""
        self._paused = False
        skipped, self._skipped = self._skipped, 0
        for _ in range(skipped):
            self._ready.put(self)

    def close(self) -> None:
        """Refuse later puts, and those blocked on a full channel; its items can still be taken.

        Refused puts raise ChannelClosed. Idempotent.
        """
        with self.mutex:
            self._closed = True
            # put() blocks while the size is at least maxsize; then it calls _put, which refuses.
            self.maxsize = math.inf  # type: ignore[assignment]
            self.not_full.notify_all()


def select(ready: Ready, timeout: float | None = None) -> Selectable | None:
    """Wait for the next item of any channel, in order of arrival across all of them.

    Args:
        timeout: seconds, or None to wait indefinitely.

    Returns:
        The channel, whose ``item`` it is; None once None was put on ``ready``.

    Raises:
        queue.Empty: nothing came within ``timeout``.
    """
    while (channel := ready.get(timeout=timeout)) is not None:
        if channel.has_item():
            return channel
    return None
