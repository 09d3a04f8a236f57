"""What a client has received and its program has not yet read, in order and deduplicated."""

from __future__ import annotations

from collections import deque

from chatroom.client.events import Changed, Event, Removed
from chatroom.client.outbox import Waiters
from chatroom.message import Message

LENGTH = 1000
"""Messages and events buffered for the program."""

REMEMBERED = 4096
"""Ids kept to recognise duplicates."""


class Recent:
    """The most recent ids. Not thread-safe: use it on one thread, or under a lock."""

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
    """Between the thread that reads the connection and the program. Every caller holds the lock.

    Bounded, but loses nothing. While it is full, the connection is not read, so the server waits.
    Only while nobody iterates, or a thread waits for an ack, is the connection read regardless,
    and whatever does not fit is skipped; once the program has read the rest, the client fetches
    the skipped part from the server.

    Args:
        cursor: the id of the last message that the program has seen.
        rev: the last change of a message that it has seen; None if that is not known.
        keep: False for a program that only sends.
    """

    def __init__(
        self, waiters: Waiters, cursor: str | None, rev: int | None, *, keep: bool
    ) -> None:
        self.cursor = cursor
        self.rev = rev
        self.readers = 0
        """How many iterators are running."""
        self.is_behind = False
        """Something was skipped since this connection began."""
        self.is_shut = False
        self._keep = keep
        self._waiters = waiters
        self._items: deque[Message | Event] = deque()
        self._recent = Recent()
        self._room_rev: int | None = None

    def __bool__(self) -> bool:
        return bool(self._items)

    def put(self, item: Message | Event) -> None:
        """Add what was received; the reader's thread only. May wait, releasing the lock."""
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
        elif isinstance(item, Changed | Removed):
            self.rev = item.rev
        elif item.type == "live" and self._room_rev is not None:  # all before it has come
            self.rev = max(self._room_rev, self.rev or 0)

    def pass_over(self, id: str) -> None:
        """Continue after a message that cannot be read; it is not fetched again."""
        if not self.is_behind:
            self.cursor = id

    def _may_go_on(self) -> bool:
        has_room = len(self._items) < LENGTH
        return has_room or not self.readers or bool(self._waiters) or self.is_shut

    def take(self) -> Message | Event:
        """Remove and return the next item; there must be one."""
        self._waiters.changed.notify_all()
        return self._items.popleft()

    def begin_connection(self, *, afresh: bool, rev: int | None) -> None:
        """A new connection resumes after the cursor, or starts ``afresh``.

        Args:
            rev: the room's last change; None if the server does not say.
        """
        self.is_behind = False
        self._room_rev = rev
        if afresh or self.rev is None:
            self.rev = rev  # what comes now is at least as new
        if afresh:
            self._recent = Recent()
            self.put(Event("gap", {}))

    def shut(self) -> None:
        """Accept nothing more."""
        self.is_shut = True
