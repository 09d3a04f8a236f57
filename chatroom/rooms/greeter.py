"""Greets typed users, and notifies a room of who joins, leaves, types and is renamed.

All of it happens on the Server thread, so that names and presence need no lock.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

from chatroom.errors import TypedRefusal
from chatroom.names import free_name
from chatroom.rooms.news import News
from chatroom.rooms.presence import Person
from chatroom.rooms.room import Room
from chatroom.rooms.timers import Timers
from chatroom.users.typed_user import MAX_BAD_FRAMES, TYPING_INTERVAL, Arrival, TypedUser
from chatroom.users.user import User
from chatroom.wire import typed
from chatroom.wire.websocket import CloseCode

log = logging.getLogger(__name__)

COUNT_INTERVAL = 1.0
"""Minimum seconds between two counts that are sent to a large room."""


class Greeter:
    """Owned by the Server thread.

    Args:
        timers: the Server's.
        news: of other rooms.
        drop: disconnects users who are too slow.
        forget: called with a room that may be empty now.
        leave_grace: seconds without a connection, after which a user has left.
        presence_limit: people, beyond which a room gets their count instead of their names.
        limits: the server's limits, as ``welcome`` reports them.
    """

    def __init__(
        self,
        timers: Timers,
        news: News,
        drop: Callable[[list[User]], None],
        forget: Callable[[Room], None],
        *,
        leave_grace: float,
        presence_limit: int,
        limits: dict[str, int],
    ) -> None:
        self._timers = timers
        self._news = news
        self._drop = drop
        self._forget = forget
        self._leave_grace = leave_grace
        self._presence_limit = presence_limit
        self._limits = limits

    # -- coming -----------------------------------------------------------------------------------

    def greet(self, room: Room, arrival: Arrival) -> bool:
        """Let a user in, or refuse it with the reason; the past messages come next.

        Returns:
            Whether it is in.
        """
        user = arrival.user
        user_id = arrival.identity.user_id
        if user.inside:
            user.refuse(
                TypedRefusal("already-inside", "You are already in a room; open another socket.")
            )
            return False
        if not self._is_free(room, user, arrival.name, user_id):
            return False
        user.room, user.name, user.inside = room.name, arrival.name, True
        user.user_id, user.tab = user_id, arrival.identity.tab
        user.hears_rooms = arrival.hears_rooms
        is_new = user_id not in room.presence
        if arrival.comes_back and not is_new:
            self._replace(room, room.presence[user_id], user.tab)
        person = room.presence.enter(user_id, arrival.name, user)
        if is_new:
            self._tell_of(room, "joined", person)
        elif person.name != arrival.name:
            self._rename(room, person, arrival.name)
        user.knows = self._people(room)
        user.tell(self._welcome(room, arrival))
        return True

    def _is_free(self, room: Room, user: TypedUser, name: str, user_id: str) -> bool:
        if room.presence.is_free(name, user_id):
            return True
        suggestion = free_name(name, self._limits["maxNameLength"], room.presence.is_free)
        detail = f"Somebody here is called {name} already. {suggestion} is free."
        user.refuse(TypedRefusal("name-taken", detail, suggestion=suggestion))
        user.names_refused += 1
        if user.names_refused >= MAX_BAD_FRAMES:  # each costs the room's thread a suggestion
            user.end(CloseCode.POLICY, "too many requests for taken names")
        return False

    def _replace(self, room: Room, person: Person, tab: str) -> None:
        for old in [user for user in person.sockets if user.tab == tab]:
            old.end(CloseCode.REPLACED, "replaced", drop=True)
            self.take_out(room, old)

    def take_out(self, room: Room, user: User) -> None:
        """Remove the socket from the room; the person may have others."""
        room.users.pop(user, None)
        room.typed.pop(user, None)
        if isinstance(user, TypedUser):
            user.inside = False
            self._news.leave(user)
            if user.user_id in room.presence:
                room.presence[user.user_id].sockets.discard(user)

    def _welcome(self, room: Room, arrival: Arrival) -> bytes:
        return typed.frame(
            "welcome",
            room=room.name,
            userId=arrival.identity.user_id,
            userName=arrival.user.name,
            token=arrival.token,
            users=[] if room.is_large else typed.people(room.presence.known()),
            count=len(room.presence),
            last=str(room.last),
            recovered=None if arrival.seen is None else arrival.seen >= 0,
            limits=self._limits,
        )

    @staticmethod
    def _people(room: Room) -> dict[str, str] | int:
        return len(room.presence) if room.is_large else dict(room.presence.known())

    def go_live(self, room: Room, user: TypedUser) -> bytes:
        """From here on the user gets news of people and, if it asked for that, of other rooms.

        Returns:
            Frames: the changes of people that it missed, and ``live``.
        """
        room.typed[user] = user.connection
        if user.hears_rooms:
            self._news.enter(user)
        knew, now = user.knows, self._people(room)
        user.knows = 0
        if knew == now:
            return typed.LIVE
        if isinstance(now, int):
            return self._count_frame(room) + typed.LIVE
        if isinstance(knew, int):
            return self._users_frame(room) + typed.LIVE
        return b"".join(_news(knew, now)) + typed.LIVE

    # -- going ------------------------------------------------------------------------------------

    def see_off(self, room: Room, user: TypedUser, cause: str) -> None:
        """The user's socket has ended: the user leaves unless it returns within leave_grace."""
        self.take_out(room, user)
        if user.user_id not in room.presence:
            return
        person = room.presence[user.user_id]
        if not person.sockets:
            person.absences += 1
            absence, reason = person.absences, _reason(cause)

            def leave() -> None:
                if room.presence.get(person.user_id) is not person:
                    return
                if not person.sockets and person.absences == absence:
                    self._left(room, person, reason)
                    self._forget(room)

            self._timers.after(self._leave_grace, leave)

    def _left(self, room: Room, person: Person, reason: str) -> None:
        room.presence.forget(person)
        self._tell_of(room, "left", person, reason)

    # -- meanwhile --------------------------------------------------------------------------------

    def grant(self, room: Room, user: TypedUser, request: object) -> None:
        """Handle a user's request other than a message."""
        person = room.presence[user.user_id]
        if isinstance(request, typed.Rename):
            if self._is_free(room, user, request.user_name, user.user_id):
                self._rename(room, person, request.user_name)
        elif isinstance(request, typed.Typing):
            now = time.monotonic()
            if now - person.typed_at >= TYPING_INTERVAL and not room.is_large:
                person.typed_at = now
                self._drop(room.tell(typed.person_frame("typing", *person.known)))

    def _rename(self, room: Room, person: Person, name: str) -> None:
        room.presence.rename(person, name)
        for socket in person.sockets:
            socket.name = name
        frame = typed.person_frame("renamed", *person.known)
        if room.is_large:
            for socket in person.sockets & room.typed.keys():  # never before its welcome
                socket.write(frame)
        else:
            self._drop(room.tell(frame))

    def _tell_of(self, room: Room, kind: str, person: Person, reason: str | None = None) -> None:
        """Somebody has come or gone: send who, or how many there are now, or the whole list."""
        if room.is_large and len(room.presence) <= self._presence_limit * 9 // 10:
            room.is_large = False  # hysteresis: at the limit, every coming and going costs a list
            self._drop(room.tell(self._users_frame(room)))
        elif not room.is_large and len(room.presence) <= self._presence_limit:
            self._drop(room.tell(typed.person_frame(kind, *person.known, reason)))
        else:
            room.is_large = True
            self._count_soon(room)

    def _count_soon(self, room: Room) -> None:
        if not room.counts_later:
            room.counts_later = True
            wait = max(0.0, room.counted_at + COUNT_INTERVAL - time.monotonic())
            self._timers.after(wait, lambda: self._count(room))

    def _count(self, room: Room) -> None:
        room.counts_later = False
        if room.is_large:
            room.counted_at = time.monotonic()
            self._drop(room.tell(self._count_frame(room)))

    @staticmethod
    def _count_frame(room: Room) -> bytes:
        return typed.frame("count", users=len(room.presence))

    @staticmethod
    def _users_frame(room: Room) -> bytes:
        return typed.frame("users", users=typed.people(room.presence.known()))


def _news(knew: dict[str, str], now: dict[str, str]) -> Iterator[bytes]:
    """Frames that turn an outdated list of people into the current one."""
    for user_id in knew.keys() - now.keys():
        yield typed.person_frame("left", user_id, knew[user_id], "gone")
    for user_id, name in now.items():
        if user_id not in knew:
            yield typed.person_frame("joined", user_id, name)
        elif knew[user_id] != name:
            yield typed.person_frame("renamed", user_id, name)


def _reason(cause: str) -> str:
    """A word that everybody may see; the cause itself may quote the client's Close."""
    if cause.startswith(("close 1000", "close 1001")):
        return "closed"
    return "slow" if cause == "slow" else "lost"
