"""The rooms' door: users join, get the past messages, leave, and are turned away or dropped."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from chatroom.errors import HistoryError, TooManyRooms, TypedRefusal, UserError
from chatroom.log import printable
from chatroom.rooms.active_rooms import ActiveRooms
from chatroom.rooms.faults import Faults
from chatroom.rooms.greeter import Greeter
from chatroom.rooms.news import News
from chatroom.rooms.replay import Replay
from chatroom.rooms.room import Room
from chatroom.rooms.timers import Timers
from chatroom.users.typed_user import Arrival, TypedUser
from chatroom.users.user import CaughtUp, User
from chatroom.wire.websocket import CloseCode

log = logging.getLogger(__name__)


class Entrance:
    """Owned by the Server thread.

    Args:
        rooms: the Server's.
        replay: reads a long past from the history.
        timers: the Server's.
        faults: the Server's.
        replay_limit: past messages that a joiner gets; 0 for all.
        leave_grace: see ``Greeter``, also for the next two.
        presence_limit: people.
        limits: names and numbers.
    """

    def __init__(
        self,
        rooms: ActiveRooms,
        replay: Replay,
        timers: Timers,
        faults: Faults,
        *,
        replay_limit: int,
        leave_grace: float,
        presence_limit: int,
        limits: dict[str, int],
    ) -> None:
        self._rooms = rooms
        self._replay = replay
        self._faults = faults
        self._replay_limit = replay_limit
        self.news = News(timers, self.drop_all)
        self.greeter = Greeter(
            timers,
            self.news,
            self.drop_all,
            lambda room: rooms.forget_if_empty(room.name),
            leave_grace=leave_grace,
            presence_limit=presence_limit,
            limits=limits,
        )

    # -- coming and going -------------------------------------------------------------------------

    def add(self, joining: User | Arrival | CaughtUp) -> None:
        """Handle an item of the channel ``add``."""
        if isinstance(joining, CaughtUp):
            self._bridge(joining.user, joining.seq, resumes=True)
        elif isinstance(joining, Arrival):
            self._join(joining.user, joining.room, joining)
        else:
            self._join(joining, joining.room)

    def _join(self, user: User, name: str, arrival: Arrival | None = None) -> None:
        try:
            room = self._rooms.enter(name, user.address)
        except HistoryError as error:
            self._fail([user], "history unavailable", f"{user} cannot join", error)
        except TooManyRooms as error:
            self._turn_away(user, error)
        else:
            if arrival is None or self.greeter.greet(room, arrival):
                self._let_in(room, user, arrival)
            self._rooms.forget_if_empty(name)

    def _let_in(self, room: Room, user: User, arrival: Arrival | None) -> None:
        seen = arrival.seen if arrival else None
        wanted = self._replay_limit or room.seq
        if arrival:
            wanted = arrival.wants(room.seq, wanted)
        first = max(0, room.seq - wanted)
        if not arrival:
            room.users[user] = user.connection
        now = max(len(room.users), len(room.presence))
        log.info('joined: %s room "%s", now %d', user, printable(room.name), now)
        if arrival and seen is not None and seen >= 0:
            self._bridge(user, seen, resumes=True)
        elif arrival:
            self._bridge(user, first, resumes=False)
        elif first + 1 < room.first_remembered:
            user.connection.replay(self._replay.pages(room.name, first, room.seq))
        elif not user.write(room.replay()):
            self._drop(user)

    def _turn_away(self, user: User, error: TooManyRooms) -> None:
        if isinstance(user, TypedUser):
            user.refuse(too_many(error))
        else:
            user.end(CloseCode.POLICY, "too many rooms; use an existing one")

    def _bridge(self, user: User, seen: int, *, resumes: bool) -> None:
        """Send a typed user what came after ``seen``, and make it live; if the room's tail does
        not reach back that far, its writer thread reads the history first."""
        room = self._rooms.get(user.room)
        if room is None or not isinstance(user, TypedUser) or not user.inside:
            return  # it has left meanwhile
        frames = room.frames_after(seen)
        if frames is None:
            pages = self._replay.catch_up(user, room.name, seen, resumes=resumes)
            user.connection.replay(pages)
            return
        room.users[user] = user.connection
        if not user.write(b"".join(frames) + self.greeter.go_live(room, user)):
            self._drop(user)

    def remove(self, user: User, cause: str) -> None:
        """Remove the user from its room. Idempotent."""
        room = self._rooms.get(user.room)
        if room is None:
            return
        if isinstance(user, TypedUser):
            if not user.inside:
                return  # already removed, as too slow or replaced, or never let in
            self.greeter.see_off(room, user, cause)
        elif room.users.pop(user, None) is None:
            return
        name = printable(room.name)
        log.info('left: %s room "%s", now %d: %s', user, name, len(room.users), printable(cause))
        self._rooms.forget_if_empty(user.room)

    # -- what goes wrong --------------------------------------------------------------------------

    def drop_all(self, slow: Iterable[User]) -> None:
        """Disconnect users who are too slow, and remove them."""
        # Not through the channel delete: this thread is its only reader, so a put on a full
        # channel would deadlock.
        for user in slow:
            self._drop(user)

    def _drop(self, user: User) -> None:
        user.end(CloseCode.SLOW, "slow", drop=True)
        self.remove(user, "slow")
        self._faults.note(UserError(user.id, "slow"))

    def _fail(self, users: list[User], reason: str, what: str, error: Exception) -> None:
        """Disconnect the users whom the history failed, so that none of them waits in vain."""
        self._faults.note_failure(what, error)
        for user in users:
            user.failed = True
            user.end(CloseCode.SERVER_ERROR, reason)
            self.remove(user, reason)
            self._rooms.forget_if_empty(user.room)


def too_many(error: TooManyRooms) -> TypedRefusal:
    """The error as a typed user gets it."""
    return TypedRefusal("too-many-rooms", f"{error}; use an existing one.")
