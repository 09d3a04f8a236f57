"""News of other rooms: which of them have new messages, for the users who ask for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import chain

from chatroom.rooms.room import Room
from chatroom.rooms.timers import Timers
from chatroom.sockets.connection import Connection
from chatroom.sockets.sending import broadcast
from chatroom.users.typed_user import TypedUser
from chatroom.users.user import User
from chatroom.wire import typed

INTERVAL = 1.0
"""Minimum seconds between two frames of news."""

TOLD_A_SECOND = 1000
"""Receivers beyond which the interval grows. Each costs the Server thread 8 µs (measured: 9,000
over loopback, news of up to 100 rooms), so that news takes less than a hundredth of its time."""


class News:
    """Owned by the Server thread.

    Args:
        timers: the Server's.
        drop: disconnects users who are too slow.
    """

    def __init__(self, timers: Timers, drop: Callable[[Iterable[User]], None]) -> None:
        self._timers = timers
        self._drop = drop
        self._hearers: dict[str, dict[TypedUser, Connection]] = {}  # by the room that they are in
        self._news: dict[str, str] = {}  # room -> the id of its newest message
        self._is_due = False
        self._next_at = 0.0

    def enter(self, user: TypedUser) -> None:
        """Send news to the user from now on."""
        self._hearers.setdefault(user.room, {})[user] = user.connection

    def leave(self, user: TypedUser) -> None:
        """Send no more news to the user. Idempotent."""
        theirs = self._hearers.get(user.room, {})
        theirs.pop(user, None)
        if not theirs:
            self._hearers.pop(user.room, None)

    def note(self, room: Room) -> None:
        """The room has new messages: notify users in other rooms, now or a little later."""
        if not self._hearers:  # if nobody wants news, this is all that it costs
            return
        if len(self._hearers) == 1 and room.name in self._hearers:  # they are all in this room
            return
        self._news[room.name] = str(room.last)
        if not self._is_due:
            self._is_due = True
            # Not at once: one batch may have news of many rooms.
            self._timers.after(max(0.0, self._next_at - time.monotonic()), self._tell)

    def _tell(self) -> None:
        self._is_due = False
        news, self._news = self._news, {}
        theirs = [
            users for room, users in self._hearers.items() if len(news) > 1 or room not in news
        ]
        if not theirs:  # the users in other rooms have left meanwhile
            return
        told = sum(map(len, theirs))
        self._next_at = time.monotonic() + max(INTERVAL, told / TOLD_A_SECOND)
        rooms = [{"name": name, "last": last} for name, last in news.items()]
        frame = typed.frame("rooms", rooms=rooms)
        behind = broadcast(chain.from_iterable(users.values() for users in theirs), frame)
        if behind:
            self._drop([user for users in theirs for user, line in users.items() if line in behind])
