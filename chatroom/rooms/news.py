"""News of other rooms: which of them have new messages, for the users who ask for it."""

from __future__ import annotations

import time

from chatroom.message import MessageId
from chatroom.rooms.charter import Charter
from chatroom.rooms.fallen import Fallen
from chatroom.rooms.policy import ANYBODY, Place, Policy
from chatroom.rooms.room import Room
from chatroom.rooms.timers import Timers
from chatroom.sockets.connection import Connection
from chatroom.users.speaker import Participant
from chatroom.wire import typed

INTERVAL = 1.0
"""Minimum seconds between two frames of news."""

TOLD_A_SECOND = 1000
"""Receivers beyond which the interval grows. Each costs the Server thread 8 µs (measured: 9,000
over loopback, news of up to 100 rooms), so that news takes less than a hundredth of its time."""


FRAME_BYTES = 8192
"""About how many bytes of rooms a frame has, at most. The others wait for the next one: otherwise
one client that speaks in a thousand rooms could use up everybody's bandwidth."""

ENTRY_BYTES = 60
"""Of a room in a frame, in addition to its name."""


class News:
    """Owned by the Server thread.

    Args:
        policy: says of which rooms others may hear.
        timers: the Server's.
        fallen: those who are too slow.
    """

    def __init__(self, policy: Policy, timers: Timers, fallen: Fallen) -> None:
        self._policy = policy
        self._timers = timers
        self._fallen = fallen
        self._hearers: dict[str, dict[Participant, Connection]] = {}  # by the room that they are in
        # room -> the id of its newest message; the room that has waited longest comes first
        self._news: dict[str, str] = {}
        self._is_due = False
        self._next_at = 0.0

    def enter(self, user: Participant) -> None:
        """Send news to the user from now on."""
        self._hearers.setdefault(user.room, {})[user] = user.connection

    def leave(self, user: Participant) -> None:
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
        self.note_elsewhere(room.name, room.last, room.charter)

    @property
    def is_wanted(self) -> bool:
        """Somebody hears of other rooms."""
        return bool(self._hearers)

    def note_elsewhere(self, name: str, last: MessageId, charter: Charter) -> None:
        """As ``note``, for a room in which nobody may be here.

        Args:
            charter: what it has decided.
        """
        place = Place(name, exists=True, charter=charter)
        if self._policy.may_read(ANYBODY, place) or not self._policy.may_name(ANYBODY, place):
            self._news.pop(name, None)
            return
        self._news[name] = str(last)
        self._tell_soon()

    def forget(self, room: Room) -> None:
        """Nobody in other rooms is to hear of it what they have not heard yet."""
        self._news.pop(room.name, None)

    def _tell_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            # Not at once: one batch may have news of many rooms.
            self._timers.after(max(0.0, self._next_at - time.monotonic()), self._tell)

    def _tell(self) -> None:
        self._is_due = False
        if not self._news:  # their rooms have shut their doors meanwhile
            return
        news = self._take()
        theirs = [
            users for room, users in self._hearers.items() if len(news) > 1 or room not in news
        ]
        if not theirs:  # the users in other rooms have left meanwhile
            self._news.clear()
            return
        told = sum(map(len, theirs))
        self._next_at = time.monotonic() + max(INTERVAL, told / TOLD_A_SECOND)
        rooms = [{"name": name, "last": last} for name, last in news.items()]
        frame = typed.frame("rooms", rooms=rooms)
        everybody: dict[Participant, Connection] = {}
        for users in theirs:
            everybody.update(users)
        self._fallen.send(everybody, frame)
        if self._news:
            self._tell_soon()

    def _take(self) -> dict[str, str]:
        """As much of the news as a frame may have, oldest first; the rest stays."""
        size = 0
        names: list[str] = []
        for name in self._news:
            size += len(name.encode()) + ENTRY_BYTES
            if size > FRAME_BYTES and names:
                break
            names.append(name)
        return {name: self._news.pop(name) for name in names}
