"""Tells a room of its people: who is there, joins, leaves, is renamed or types."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from chatroom.matching import assert_never
from chatroom.rooms.bus import Bus, IsTyping
from chatroom.rooms.charter import NO_CHARTER, Charter, Host
from chatroom.rooms.crowd import CrowdVersion, Joined, Known, Left, Renamed
from chatroom.rooms.news import TOLD_A_SECOND, News
from chatroom.rooms.policy import Policy
from chatroom.rooms.ranks import Rank
from chatroom.rooms.reactions import Reactions
from chatroom.rooms.register import AtTheDoor, Away, Event, Made, Replaced
from chatroom.rooms.room import Room
from chatroom.rooms.rules import Rules
from chatroom.rooms.timers import Timers
from chatroom.users.requests import Arrival
from chatroom.users.speaker import Counted, Named, TypedParticipant
from chatroom.users.typed_user import TYPING_INTERVAL
from chatroom.wire import typed
from chatroom.wire.websocket import CloseCode

COUNT_INTERVAL = 1.0
"""Minimum seconds between two counts that are sent to a large room; a very large one gets them
further apart, as it does news (``TOLD_A_SECOND``): otherwise a crowd that comes on a slow machine
is counted all the time, and comes in ever more slowly."""


class Greeter:
    """Owned by the Server thread.

    Args:
        policy: says of whose typing others hear.
        bus: passes that on to other processes.
        news: of other rooms.
        reactions: those to messages.
        timers: the Server's.
        rules: the Server's.
    """

    def __init__(
        self,
        policy: Policy,
        bus: Bus,
        news: News,
        reactions: Reactions,
        timers: Timers,
        rules: Rules,
    ) -> None:
        self._policy = policy
        self._bus = bus
        self._news = news
        self._reactions = reactions
        self._timers = timers
        self._presence_limit = rules.presence_limit
        self._limits = {**rules.limits, **reactions.limits}

    # -- to one who comes -------------------------------------------------------------------------

    def welcome(self, room: Room, arrival: Arrival) -> bytes:
        """The frames for a user who was let in just now; the past messages come next."""
        user_id = arrival.identity.user_id
        rank = room.rank_of(user_id)
        welcome = typed.frame(
            "welcome",
            room=room.name,
            userId=user_id,
            userName=arrival.name,
            token=arrival.token,
            users=[] if room.presence.is_large else typed.people(room.known()),
            role=rank.word or None,
            rules=room.charter.rules if room.charter.rules != NO_CHARTER.rules else None,
            count=len(room.crowd),
            last=str(room.last),
            rev=room.changes.rev,
            reactions=self._reactions.mark(room) or None,
            recovered=None if arrival.seen is None else arrival.seen >= 0,
            limits=self._limits,
            **_entry_pass(room, arrival),
        )
        ban, now = room.charter.quiet.get(user_id), time.time_ns() // 1_000_000
        if ban and ban.holds(now) and not rank.is_host:
            welcome += typed.muted(ban.ends, ban.seconds_left(now))
        return welcome + room.held_for(user_id)

    @staticmethod
    def told(room: Room) -> Named | Counted:
        """What ``welcome`` says of people."""
        return Counted(len(room.crowd)) if room.presence.is_large else Named(room.crowd.names())

    def go_live(self, room: Room, user: TypedParticipant) -> bytes:
        """From here on the user gets news of people and, if it asked for that, of other rooms.

        Returns:
            Frames: the changes of people that it missed, and ``live``.
        """
        if user.hears_rooms:
            self._news.enter(user)
        knew, now = user.knows, self.told(room)
        user.knows = Counted(0)
        if knew == now:
            return typed.LIVE
        if isinstance(now, Counted):
            return self._count_frame(room) + typed.LIVE
        if isinstance(knew, Counted):
            return self._users_frame(room) + typed.LIVE
        return b"".join(_changes(room, knew.people, now.people)) + typed.LIVE

    # -- to everybody -----------------------------------------------------------------------------

    def carry_out(self, room: Room, events: Iterable[Event]) -> None:
        """Do what the register has decided, and tell the room."""
        for event in events:
            match event:
                case Replaced(user_id, tab):
                    for old in room.presence.of_tab(user_id, tab):
                        old.end(CloseCode.REPLACED, "replaced", drop=True)
                        room.remove(old)
                        self._news.leave(old)
                case Joined(who):
                    room.crowd.apply(event)
                    self._tell_of(room, "joined", who)
                case Renamed(who):
                    room.crowd.apply(event)
                    self._tell_of_name(room, who)
                case Left(who, reason):
                    room.crowd.apply(event)
                    room.presence.forget(who.user_id)
                    self._tell_of(room, "left", who, reason)
                case Made(who):
                    self.note_maker(room, who)
                case Away() | AtTheDoor():
                    pass  # others do not hear of it
                case _:
                    assert_never(event)

    @staticmethod
    def note_maker(room: Room, who: Known | None) -> None:
        """Somebody has made the room, unless more is known of it, or nobody has: tell the room."""
        before = room.charter
        if room.decided or (room.charter_is_stored and before != NO_CHARTER):
            return
        maker = {who.user_id: Host(who.user_name, Rank.MAKER)} if who else {}
        room.charter = Charter(maker) if maker else NO_CHARTER
        room.charter_is_stored = not maker
        if before != room.charter:
            room.pace_hosts()
            for user_id in before.hosts.keys() ^ room.charter.hosts.keys():
                name = room.name_of(user_id, before.name_of(user_id))
                role = room.rank_of(user_id).word
                room.tell_all(typed.frame("host", userId=user_id, userName=name, role=role))

    def renew(self, room: Room, people: Iterable[Known], version: CrowdVersion) -> None:
        """The room's crowd is this one from now on: tell the room the difference."""
        knew = room.crowd.names()
        room.crowd.become(people, version)
        now = room.crowd.names()
        for user_id in knew.keys() - now.keys():
            room.presence.forget(user_id)
        for user_id, name in now.items():
            for socket in room.sockets_of(user_id):
                socket.name = name
        if knew == now:
            return
        if room.presence.is_large and len(now) <= self._presence_limit * 9 // 10:
            room.presence.is_large = False
            room.tell(self._users_frame(room))
        elif not room.presence.is_large and len(now) <= self._presence_limit:
            room.tell(b"".join(_changes(room, knew, now)))
        else:
            room.presence.is_large = True
            self._count_soon(room)

    def _tell_of(self, room: Room, kind: str, who: Known, reason: str | None = None) -> None:
        """Somebody has come or gone: send who, or how many there are now, or the whole list."""
        if room.presence.is_large and len(room.crowd) <= self._presence_limit * 9 // 10:
            # Hysteresis: at the limit, every coming and going would cost a list.
            room.presence.is_large = False
            room.tell(self._users_frame(room))
        elif not room.presence.is_large and len(room.crowd) <= self._presence_limit:
            role = room.rank_of(who.user_id).word if kind == "joined" else ""
            room.tell(typed.person_frame(kind, *who, reason, role))
        else:
            room.presence.is_large = True
            self._count_soon(room)

    @staticmethod
    def _tell_of_name(room: Room, who: Known) -> None:
        person = room.presence.get(who.user_id)
        sockets = list(person.sockets) if person else []
        for socket in sockets:
            socket.name = who.user_name
        frame = typed.person_frame("renamed", *who)
        if not room.presence.is_large:
            room.tell(frame)
            return
        for socket in sockets:
            if socket in room.typed:  # never before its welcome
                room.tell_one(socket, frame)

    def tell_of_typing(self, room: Room, user: TypedParticipant) -> None:
        """Tell the others that somebody is typing, unless they have just been told."""
        if not self._policy.may_type(user, is_large=room.presence.is_large):
            return
        person, now = room.presence[user.user_id], time.monotonic()
        if now - person.typed_at >= TYPING_INTERVAL and user.user_id in room.crowd:
            person.typed_at = now
            who = room.crowd[user.user_id]
            room.tell(typed.person_frame("typing", *who))
            self._bus.tell(IsTyping(room.name, who))

    def _count_soon(self, room: Room) -> None:
        if not room.presence.counts_later:
            room.presence.counts_later = True
            interval = max(COUNT_INTERVAL, len(room.typed) / TOLD_A_SECOND)
            wait = max(0.0, room.presence.counted_at + interval - time.monotonic())
            self._timers.after(wait, lambda: self._count(room))

    def _count(self, room: Room) -> None:
        room.presence.counts_later = False
        if room.presence.is_large:
            room.presence.counted_at = time.monotonic()
            room.tell(self._count_frame(room))

    @staticmethod
    def _count_frame(room: Room) -> bytes:
        return typed.frame("count", users=len(room.crowd))

    @staticmethod
    def _users_frame(room: Room) -> bytes:
        return typed.frame("users", users=typed.people(room.known()))


def _entry_pass(room: Room, arrival: Arrival) -> dict[str, str]:
    """Lets the user come back; but whoever came with a key can have it revoked."""
    if arrival.proof.key:
        return {}
    return {"pass": arrival.user.pass_for(room.charter.epoch)}


def _changes(room: Room, knew: dict[str, str], now: dict[str, str]) -> Iterator[bytes]:
    """Frames that turn an outdated list of people into the current one."""
    for user_id in knew.keys() - now.keys():
        yield typed.person_frame("left", user_id, knew[user_id], "gone")
    for user_id, name in now.items():
        if user_id not in knew:
            yield typed.person_frame("joined", user_id, name, role=room.rank_of(user_id).word)
        elif knew[user_id] != name:
            yield typed.person_frame("renamed", user_id, name)
