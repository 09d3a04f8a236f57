"""A history that lasts as long as the process: for trying out, and for tests."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import takewhile
from sys import getsizeof

from chatroom.errors import HistoryUnavailable
from chatroom.history import History
from chatroom.history.page import PAGE_BYTES, PAGE_LENGTH, take
from chatroom.message import Message

LIMIT_BYTES = 64 * 1024 * 1024
"""What the messages of all rooms together may take."""

OBJECT_BYTES = 400
"""What one message takes besides its three texts: itself, its nonce, its numbers, its places."""


class MemoryHistory(History):
    """Messages in memory, of all rooms together at most ``limit_bytes``.

    Over it, the oldest message of all is forgotten, whichever room it is in: so a busy
    room can push out a quiet one's past. A room's head is never forgotten, so seq never
    starts again.
    """

    def __init__(self, name: str = "memory:", *, limit_bytes: int = LIMIT_BYTES) -> None:
        self.name = name
        self._limit_bytes = limit_bytes
        # Held for every look at what follows: the Server's thread changes it while any
        # thread reads, and a deque that changes under an iteration raises.
        self._lock = threading.Lock()
        self._is_open = False
        self._rooms: dict[str, deque[Message]] = {}
        self._heads: dict[str, tuple[int, str]] = {}
        # The bytes are kept, not counted again: a str grows when its UTF-8 gets cached.
        self._arrivals: deque[tuple[str, int]] = deque()
        self._bytes = 0

    def check(self) -> None:
        """Nothing can be wrong with it."""

    def open(self, *, patience: float = 0.0) -> None:
        """Begin empty; ``patience`` is never needed."""
        with self._lock:
            self._is_open = True

    def append(self, messages: Sequence[Message]) -> None:
        """Keep the messages, all or none; forget the oldest where they don't fit."""
        with self._lock:
            self._demand_open()
            heads = self._heads_after(messages)
            for message in messages:
                self._keep(message)
            self._heads.update(heads)
            while self._bytes > self._limit_bytes:
                self._forget_oldest()

    def probe(self) -> None:
        """Memory is always there, while it is open."""
        with self._lock:
            self._demand_open()

    def head(self, room: str) -> tuple[int, str]:
        """The last seq and nonce, of a forgotten message too."""
        with self._lock:
            self._demand_open()
            return self._heads.get(room, (0, ""))

    def tail(self, room: str, limit: int, max_bytes: int) -> list[Message]:
        """The last messages that are still kept."""
        with self._lock:
            self._demand_open()
            return take(reversed(self._rooms.get(room, ())), limit, max_bytes)[::-1]

    def pages(self, room: str, after: int, upto: int) -> Iterator[list[Message]]:
        """The messages that are still kept when their page's turn comes."""
        while page := self._page(room, after, upto):
            yield page
            after = page[-1].seq

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._is_open = False
            self._rooms.clear()
            self._heads.clear()
            self._arrivals.clear()
            self._bytes = 0

    def _page(self, room: str, after: int, upto: int) -> list[Message]:
        with self._lock:
            self._demand_open()
            kept = self._rooms.get(room, deque())
            start = bisect_right(kept, after, key=lambda message: message.seq)
            wanted = takewhile(
                lambda message: message.seq <= upto,
                (kept[index] for index in range(start, len(kept))),
            )
            return take(wanted, PAGE_LENGTH, PAGE_BYTES)

    def _heads_after(self, messages: Sequence[Message]) -> dict[str, tuple[int, str]]:
        """The heads that the messages make; refuses all of them if a seq goes back."""
        assert self._lock.locked()
        heads: dict[str, tuple[int, str]] = {}
        for message in messages:
            seq, _ = heads.get(message.room) or self._heads.get(message.room, (0, ""))
            if message.seq <= seq:
                cause = f"message {message.seq} of room {message.room!r} isn't after {seq}"
                raise HistoryUnavailable(self.name, cause, "number it by head() and append again")
            heads[message.room] = message.seq, message.nonce
        return heads

    def _keep(self, message: Message) -> None:
        size = OBJECT_BYTES + sum(
            map(getsizeof, (message.user_name, message.body, message.timestamp))
        )
        self._rooms.setdefault(message.room, deque()).append(message)
        self._arrivals.append((message.room, size))
        self._bytes += size

    def _forget_oldest(self) -> None:
        room, size = self._arrivals.popleft()
        kept = self._rooms[room]
        kept.popleft()
        if not kept:
            del self._rooms[room]
        self._bytes -= size

    def _demand_open(self) -> None:
        assert self._lock.locked()
        if not self._is_open:
            raise HistoryUnavailable(self.name, "it isn't open", "start the program again")
