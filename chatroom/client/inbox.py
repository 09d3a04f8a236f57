"""What a client has heard and its program has not yet read, in order and each once."""

from __future__ import annotations

from collections import deque

from chatroom.client.events import Event
from chatroom.client.outbox import Waiters
from chatroom.message import Message

LENGTH = 1000
"""Messages and events that wait for the program."""

REMEMBERED = 4096
"""Ids by which a message that comes twice is known."""


class Recent:
    """The last ids that went by. One thread's, or under a lock."""

    def __init__(self) -> None:
        self._order: deque[str] = deque()
        self._known: set[str] = set()

    def __contains__(self, id: str) -> bool:
        return id in self._known

    def add(self, id: str) -> None:
        if id not in self._known:
            self._known.add(id)
            self._order.append(id)
        if len(self._order) > REMEMBERED:
            self._known.discard(self._order.popleft())


class Inbox:
    """Between the thread that reads the connection and the program. Every call holds the lock.

    It is bounded without losing anything. When it is full, the connection is not read, and so the
    server waits. Only when nobody iterates, or a thread waits for an ack, is the connection read
    all the same, and what there is no room for is skipped; once the program has read the rest,
    the client asks the server for what came after it.

    Args:
        cursor: the id of the last message that the program has seen.
        keep: False for a program that only talks.
    """

    def __init__(self, waiters: Waiters, cursor: str | None, *, keep: bool) -> None:
        self.cursor = cursor
        self.readers = 0
        """How many iterators are at work."""
        self.is_behind = False
        """Something was passed over since this connection began."""
        self.is_shut = False
        self._keep = keep
        self._waiters = waiters
        self._items: deque[Message | Event] = deque()
        self._recent = Recent()

    def __bool__(self) -> bool:
        return bool(self._items)

    def put(self, item: Message | Event) -> None:
        """Add what was heard; the reader's thread only. May wait, with the lock let go of."""
        if self.is_behind or (isinstance(item, Message) and item.id in self._recent):
            return
        if self._keep:
            self._waiters.changed.wait_for(self._may_go_on)
            if len(self._items) >= LENGTH or self.is_shut:
                self.is_behind = True
                return
            self._items.append(item)
            self._waiters.changed.notify_all()
        if isinstance(item, Message):
            self._recent.add(item.id)
            self.cursor = item.id

    def _may_go_on(self) -> bool:
        has_room = len(self._items) < LENGTH
        return has_room or not self.readers or bool(self._waiters) or self.is_shut

    def take(self) -> Message | Event:
        """The next item; there is one."""
        self._waiters.changed.notify_all()
        return self._items.popleft()

    def begin_connection(self, *, afresh: bool) -> None:
        """A new connection goes on after the cursor, or starts ``afresh``."""
        self.is_behind = False
        if afresh:
            self._recent = Recent()
            self.put(Event("gap", {}))

    def shut(self) -> None:
        """Take nothing more."""
        self.is_shut = True
