"""Rooms' crowds as the register of several processes has them: what it decides, put in order.

It decides one thing after the other, and numbers what happens; but its answers come one way, what
it has answered to others another one, and that may be late, or lost. So whatever is not the next
waits for the rest a moment; then the crowd is read anew, and the members are told the difference.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from chatroom.errors import HistoryUnavailable
from chatroom.matching import assert_never
from chatroom.rooms.bus import CrowdNews
from chatroom.rooms.crowd import UNKNOWN, CrowdVersion, Known, Renamed
from chatroom.rooms.greeter import Greeter
from chatroom.rooms.knocking import KnockSeen
from chatroom.rooms.register import Answer, AtTheDoor, Away, Enter, Event, Look, Register, Replaced
from chatroom.rooms.room import Room
from chatroom.rooms.timers import Timers
from chatroom.users.speaker import TypedParticipant
from chatroom.wire.websocket import CloseCode

GAP_SECONDS = 0.1
"""How long what is missing may be on its way: another process has committed, and is to tell."""

RETRY_SECONDS = 1.0
"""When a crowd is asked for again that could not be read, or was read too early."""

NAMING_SECONDS = 5.0
"""How long somebody may be missing when the database has forgotten who was here: each process says
it anew as soon as it has a connection again."""

INTERVAL = 1.0
"""Seconds between two comparisons of all crowds: so late is what no hint told of."""

MOST_NEWS = 1000
"""That wait; beyond that, the oldest are left out: the crowd is read in any case."""


REPLACED = CloseCode.REPLACED, "replaced"

DISPLACED = CloseCode.NAME_TAKEN, "name taken meanwhile"


class CrowdRead(NamedTuple):
    """A room's crowd as it was a moment ago."""

    room: str
    look: int
    """Its number."""
    version: CrowdVersion = UNKNOWN
    people: tuple[Known, ...] = ()
    """In the order in which they came."""
    missing: frozenset[int] = frozenset()
    """The ids of those of our sockets that are not in the room any more: their tabs have come back
    elsewhere."""
    knocks: tuple[KnockSeen, ...] = ()
    """Who waits at the door, and who has just been answered."""
    maker: str = ""
    """The user id of whoever was the first there, while nothing is stored of the room."""
    error: HistoryUnavailable | None = None
    """Why it could not be read."""


class Displaced(NamedTuple):
    """While the register knew nothing of us, somebody else came by the name of one of ours."""

    room: str
    sockets: frozenset[int]
    """The ids of ours that have to go."""


AboutPeople = Answer | CrowdNews | CrowdRead | Displaced
"""What the Server thread hears of people, later than it has asked or without having asked."""


class Ahead:
    """What has been decided about one room, and is not the next.

    Args:
        room: open.
    """

    def __init__(self, room: Room) -> None:
        self.room = room
        self.items: list[Answer | CrowdNews] = []
        """In the order in which they came."""
        self.look = 0
        """The number of the look for which the crowd is being read, if it is."""
        self.is_due = False
        """It will be, unless what is missing comes."""
        self.replaced: dict[tuple[str, str], int] = {}
        """While somebody is on their way in: which tabs were replaced, and in which version."""
        self.displaced: frozenset[int] = frozenset()
        """Likewise: whose name was taken meanwhile."""
        self.naming = 0
        """The epoch in which not everybody may have been named yet."""
        self.named = 0
        """The one in which everybody must have been."""
        self.has_to_look = False
        """For what is only to be read: who is at the door."""
        self._covered = 0  # so many of the items had come when the crowd was asked for

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to remember."""
        if self.items or self.look or self.is_due:
            return True
        return bool(self.room.awaited and (self.replaced or self.displaced))

    def add(self, item: Answer | CrowdNews) -> None:
        """Something has come."""
        self.items.append(item)
        if len(self.items) > MOST_NEWS and isinstance(self.items[0], CrowdNews):
            del self.items[0]
            self._covered = max(0, self._covered - 1)

    def take_next(self) -> Answer | CrowdNews | None:
        """One of which the room can hear now, since it has heard of all that was before."""
        for index, item in enumerate(self.items):
            if _follows(item, self.room.crowd.version):
                del self.items[index]
                self._covered -= index < self._covered
                return item
        return None

    def begin(self, look: int) -> None:
        """What has come so far is in the crowd that will be read."""
        self.look, self.has_to_look, self._covered = look, False, len(self.items)

    def take_covered(self) -> list[Answer | CrowdNews]:
        """What had come when the crowd was asked for, which has just been read."""
        covered, self.items = self.items[: self._covered], self.items[self._covered :]
        self.look, self._covered = 0, 0
        return covered


class Mirrors:
    """Owned by the Server thread.

    Args:
        rooms: the Server's.
        greeter: tells a room of its people.
        register: reads a crowd anew.
        timers: the Server's.
        settle: does what an answer says, once the room has heard of all that was before.
        turn_out: closes a socket that is in the room no longer, with a code and a reason.
        see_knocks: hears of those at the door.
    """

    def __init__(
        self,
        rooms: Mapping[str, Room],
        greeter: Greeter,
        register: Register,
        timers: Timers,
        settle: Callable[[Room, Answer], None],
        turn_out: Callable[[Room, TypedParticipant, CloseCode, str], None],
        see_knocks: Callable[[Room, Iterable[KnockSeen]], None],
    ) -> None:
        self._rooms = rooms
        self._greeter = greeter
        self._register = register
        self._timers = timers
        self._settle = settle
        self._turn_out = turn_out
        self._see_knocks = see_knocks
        self._ahead: dict[str, Ahead] = {}
        self._numbers = itertools.count(1)
        self._is_keeping = False

    def hear(self, room: Room, word: AboutPeople) -> None:
        """Something was decided about an open room, or its crowd was read."""
        if not self._is_keeping:  # whoever is alone never gets here
            self._is_keeping = True
            self._keep()
        ahead = self._of(room)
        match word:
            case CrowdNews() if _version(word) == UNKNOWN and not len(room.crowd):
                room.crowd.version = UNKNOWN  # it has been empty for long, and is no more
            case Answer() | CrowdNews():
                ahead.add(word)
            case CrowdRead():
                if word.look == ahead.look:  # else of a room that was forgotten meanwhile
                    self._level(ahead, word)
            case Displaced(_, sockets):
                self._turn_all_out(room, sockets, *DISPLACED)
                ahead.displaced |= sockets
            case _:
                assert_never(word)
        self._go_on(ahead)

    def _keep(self) -> None:
        known = {name: room.crowd.version for name, room in self._rooms.items()}
        self._register.keep(known)
        self._timers.after(INTERVAL, self._keep)

    def forget(self, room: str) -> None:
        """It is not open any more."""
        self._ahead.pop(room, None)

    # -- one after the other ----------------------------------------------------------------------

    def _go_on(self, ahead: Ahead) -> None:
        room = ahead.room
        while item := ahead.take_next():
            self._apply(ahead, item)
        if ahead.has_to_look and not ahead.look:
            self._ask(ahead)
        elif ahead.items and not ahead.look and not ahead.is_due:
            if any(_version(item).epoch != room.crowd.version.epoch for item in ahead.items):
                self._ask(ahead)
            else:
                self._ask_in(GAP_SECONDS, ahead)
        if not ahead.is_needed:
            self._drop(ahead)

    def _apply(self, ahead: Ahead, item: Answer | CrowdNews) -> None:
        crowd, version = ahead.room.crowd, _version(item)
        known = crowd.version.number - (version.number - _count(item))
        is_old = version.number <= crowd.version.number
        if not is_old:
            crowd.version = version
        if isinstance(item, Answer):
            self._conclude(ahead, item, is_old=is_old)
        elif not is_old:
            self._carry_out(ahead, item, item.events[known:])
        if not len(crowd):  # whoever comes next makes the room, if it is still new
            self._greeter.note_maker(ahead.room, None)

    def _carry_out(self, ahead: Ahead, news: CrowdNews, events: Iterable[Event]) -> None:
        room = ahead.room
        for event in events:
            if isinstance(event, AtTheDoor):
                ahead.has_to_look = True
            if not isinstance(event, Replaced):
                self._greeter.carry_out(room, [event])
                if isinstance(event, Renamed) and _has_made(room, event.who.user_id):
                    self._greeter.note_maker(room, event.who)
                continue
            if room.awaited:  # one of this tab may be among those who are on their way in
                ahead.replaced[event.user_id, event.tab] = news.version
            for socket in room.presence.of_tab(event.user_id, event.tab):
                self._turn_out(room, socket, *REPLACED)

    def _conclude(self, ahead: Ahead, answer: Answer, *, is_old: bool) -> None:
        """Tell whoever has asked.

        Args:
            is_old: what has happened is in the crowd already, and perhaps more.
        """
        room, request = ahead.room, answer.request
        if is_old:
            events = (event for event in answer.events if isinstance(event, Away | Replaced))
            answer = answer._replace(events=tuple(events))
        if not isinstance(request, Enter):
            self._settle(room, answer)
            return
        arrival = request.arrival
        user_id, tab = arrival.identity
        if is_old and user_id in room.crowd and answer.is_done:  # perhaps renamed since
            arrival = arrival._replace(name=room.crowd[user_id].user_name)
            answer = answer._replace(request=Enter(arrival))
        self._settle(room, answer)
        socket = frozenset([arrival.user.id])
        if ahead.replaced.get((user_id, tab), 0) > _version(answer).number:
            self._turn_all_out(room, socket, *REPLACED)
        self._turn_all_out(room, socket & ahead.displaced, *DISPLACED)
        if not room.awaited:
            ahead.replaced, ahead.displaced = {}, frozenset()

    # -- anew -------------------------------------------------------------------------------------

    def _ask_in(self, seconds: float, ahead: Ahead) -> None:
        def ask() -> None:
            ahead.is_due = False
            is_open = self._rooms.get(ahead.room.name) is ahead.room
            if is_open and ahead.items and not ahead.look:
                self._ask(ahead)
            elif not ahead.is_needed or not is_open:
                self._drop(ahead)

        ahead.is_due = True
        self._timers.after(seconds, ask)

    def _ask(self, ahead: Ahead) -> None:
        room = ahead.room
        sockets = [socket.id for person in room.presence.values() for socket in person.sockets]
        for item in ahead.items:
            if isinstance(item, Answer) and isinstance(item.request, Enter) and item.is_done:
                sockets.append(item.request.arrival.user.id)
        ahead.begin(next(self._numbers))
        self._register.look(Look(room.name, tuple(sockets), ahead.look))

    def _level(self, ahead: Ahead, read: CrowdRead) -> None:
        room, covered = ahead.room, ahead.take_covered()
        if read.error:
            ahead.items = [*(it for it in covered if isinstance(it, CrowdNews)), *ahead.items]
            self._ask_in(RETRY_SECONDS, ahead)
        elif self._is_early(ahead, read):
            # What waits for it goes on waiting; if nothing does, this takes its place.
            ahead.items = [*covered, *ahead.items] or [CrowdNews(room.name, *read.version)]
            self._ask_in(RETRY_SECONDS, ahead)
            return
        elif _is_newer(read.version, room.crowd.version) or (
            # They were elsewhere: ours are soon there again.
            read.version == UNKNOWN and not any(one.sockets for one in room.presence.values())
        ):
            self._greeter.renew(room, read.people, read.version)
            is_here = read.maker in room.crowd
            self._greeter.note_maker(room, room.crowd[read.maker] if is_here else None)
        for item in covered:
            if isinstance(item, Answer):
                self._conclude(ahead, item._replace(error=read.error), is_old=True)
        self._turn_all_out(room, read.missing, *REPLACED)
        if read.version == room.crowd.version:
            self._see_knocks(room, read.knocks)

    def _is_early(self, ahead: Ahead, read: CrowdRead) -> bool:
        """Whether those who are missing may only not have been named yet, in an epoch that has just
        begun: then nobody is told that they have left."""
        epoch, crowd = read.version.epoch, ahead.room.crowd
        if crowd.version == UNKNOWN or epoch in (0, crowd.version.epoch, ahead.named):
            return False
        if crowd.names().keys() <= {who.user_id for who in read.people}:
            return False
        if ahead.naming != epoch:
            ahead.naming = epoch

            def be_over() -> None:
                ahead.named = epoch

            self._timers.after(NAMING_SECONDS, be_over)
        return True

    def _turn_all_out(self, room: Room, ids: frozenset[int], code: CloseCode, reason: str) -> None:
        if ids:
            everybody = [socket for person in room.presence.values() for socket in person.sockets]
            for socket in everybody:
                if socket.id in ids:
                    self._turn_out(room, socket, code, reason)

    def _of(self, room: Room) -> Ahead:
        ahead = self._ahead.get(room.name)
        if ahead is None or ahead.room is not room:  # it was forgotten, and opened again
            ahead = self._ahead[room.name] = Ahead(room)
        return ahead

    def _drop(self, ahead: Ahead) -> None:
        if self._ahead.get(ahead.room.name) is ahead:
            del self._ahead[ahead.room.name]


def _has_made(room: Room, user_id: str) -> bool:
    """Whether that is so, and nothing of it is stored yet."""
    return not room.charter_is_stored and user_id in room.charter.hosts


def _version(item: Answer | CrowdNews) -> CrowdVersion:
    version = CrowdVersion(*item[1:3]) if isinstance(item, CrowdNews) else item.version
    assert version
    return version


def _count(item: Answer | CrowdNews) -> int:
    """The events that have a number: all hear of them."""
    return sum(not isinstance(event, Away) for event in item.events)


def _follows(item: Answer | CrowdNews, at: CrowdVersion) -> bool:
    """Whether a crowd that is this far has heard of all that was before."""
    version = _version(item)
    first = version.number - _count(item)
    if version.epoch == at.epoch:
        return first <= at.number
    return at == UNKNOWN and first == 0  # nobody had come


def _is_newer(read: CrowdVersion, known: CrowdVersion) -> bool:
    if read.epoch == known.epoch:
        return read.number > known.number
    return read != UNKNOWN  # or it was read before somebody came
