"""Who may bear which name, and who is here: decided in one place for each room."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import NamedTuple

from chatroom.errors import HistoryUnavailable, Refusal
from chatroom.matching import assert_never
from chatroom.names import free_name
from chatroom.rooms.crowd import Change, CrowdVersion, Joined, Known, Left, Renamed
from chatroom.rooms.knocking import Knock
from chatroom.rooms.policy import Policy
from chatroom.rooms.room import Room
from chatroom.users.requests import Arrival
from chatroom.users.speaker import Participant, TypedParticipant

MOST_ATTEMPTS = 3
"""How often somebody is judged anew who wants to come in, where hosts decide all the time."""


class Enter(NamedTuple):
    """A user wants to come in."""

    arrival: Arrival


class Rename(NamedTuple):
    """A user who is in wants another name."""

    user: TypedParticipant
    name: str


class Leave(NamedTuple):
    """A user's socket has ended."""

    user: Participant
    reason: str
    coming_as: str = ""
    """The user id of somebody who is not in yet."""

    @property
    def user_id(self) -> str:
        """Whose it was."""
        return self.user.user_id or self.coming_as


class Gone(NamedTuple):
    """Somebody's grace period is over."""

    user_id: str
    absence: int
    reason: str


Request = Enter | Rename | Leave | Gone


class Replaced(NamedTuple):
    """The older sockets of this tab are to be closed, whoever has them."""

    user_id: str
    tab: str


class Away(NamedTuple):
    """Somebody has no socket any more; who asked has to say when that is ``Gone``."""

    user_id: str
    absence: int
    reason: str


class AtTheDoor(NamedTuple):
    """Somebody knocks, or does not any more, or has an answer: who does has to be read."""


class Made(NamedTuple):
    """Somebody is the first in a room of which nothing is stored, in whichever process."""

    who: Known


Event = Change | Replaced | Away | AtTheDoor | Made


class Answer(NamedTuple):
    """What became of a request."""

    room: str
    request: Request
    events: tuple[Event, ...] = ()
    """In order. Everything that has come before them is in the room by then."""
    refusal: Refusal | None = None
    version: CrowdVersion | None = None
    """Of the crowd, after the events; None where it is in one process only."""
    is_taken: bool = False
    """The name is somebody else's, of whom the room may not have heard yet."""
    error: HistoryUnavailable | None = None
    """Why nothing was decided."""
    decided: tuple[int, ...] = ()
    """Nothing has happened: whoever wants to come in was judged by less than this, which is how
    often something was decided in the whole server, and in the room."""

    @property
    def is_done(self) -> bool:
        """It may be wrong only if the answer is an error."""
        return not (self.is_taken or self.decided)


class Look(NamedTuple):
    """What the Server thread wants to know of a room's crowd."""

    room: str
    sockets: tuple[int, ...]
    """The ids of ours that are in the room, as far as it knows."""
    number: int
    """Comes back with the answer."""


class Register(ABC):
    """Asked by the Server thread."""

    @abstractmethod
    def attend(self, room: Room, request: Request) -> Answer | None:
        """Decide; never waits.

        Returns:
            The answer; None if it will come later, on ``Server.heard``. Until then, nothing else
            is asked for the same user.
        """

    @abstractmethod
    def look(self, look: Look) -> None:
        """Have a room's crowd read anew; it comes on ``Server.heard``, as a ``CrowdRead``."""

    @abstractmethod
    def keep(self, known: Mapping[str, CrowdVersion]) -> None:
        """Each second: say that we are there, and find out what we have missed.

        Args:
            known: the crowds of the rooms that are open.
        """

    @abstractmethod
    def present(self, room: str) -> Future[list[Known]] | None:
        """Any thread may ask: the people in a room, in whichever process; None if the room itself
        knows all of them."""

    @abstractmethod
    def note_knock(self, room: str, knock: Knock, socket: int) -> None:
        """Somebody waits at a room's door. Hosts in other processes have to know, like of the next
        two; none of these is answered."""

    @abstractmethod
    def note_end_of_knock(self, room: str, user_id: str, socket: int) -> None:
        """This socket of theirs does not any more."""

    @abstractmethod
    def note_outcome(self, room: str, user_id: str, outcome: str) -> None:
        """A host has answered, who need not know where they wait.

        Args:
            outcome: as of ``knocked``.
        """


class LocalRegister(Register):
    """For one process: nobody else has to know, or does what is to be found out."""

    def look(self, look: Look) -> None:
        """Never asked for, like the next one."""

    def keep(self, known: Mapping[str, CrowdVersion]) -> None:
        """Likewise."""

    def present(self, room: str) -> None:
        """The room knows."""

    def note_knock(self, room: str, knock: Knock, socket: int) -> None:
        """The room knows, here and in the next two."""

    def note_end_of_knock(self, room: str, user_id: str, socket: int) -> None:
        """Likewise."""

    def note_outcome(self, room: str, user_id: str, outcome: str) -> None:
        """Likewise."""


class OwnRegister(LocalRegister):
    """For one process: the room's own crowd is all that there is to know.

    Args:
        policy: says who may be called what.
        max_name_length: characters, of a name that it suggests.
    """

    def __init__(self, policy: Policy, max_name_length: int) -> None:
        self._policy = policy
        self._max_length = max_name_length

    def attend(self, room: Room, request: Request) -> Answer:
        """Decide, at once."""
        match request:
            case Enter(arrival):
                user_id = arrival.identity.user_id
                refusal = self._judged(room, arrival.name, user_id)
                events = () if refusal else _entering(room, arrival)
                return Answer(room.name, request, events, refusal)
            case Rename(user, name):
                refusal = self._judged(room, name, user.user_id)
                events = () if refusal else (Renamed(Known(user.user_id, name)),)
                return Answer(room.name, request, events, refusal)
            case Leave(user, reason):
                return Answer(room.name, request, _leaving(room, user.user_id, reason))
            case Gone(user_id, absence, reason):
                person = room.presence.get(user_id)
                if person is None or person.sockets or person.absences != absence:
                    return Answer(room.name, request)
                return Answer(room.name, request, (Left(room.crowd[user_id], reason),))
            case _:
                assert_never(request)

    def _judged(self, room: Room, name: str, user_id: str) -> Refusal | None:
        has_it = user_id in room.crowd and room.crowd[user_id].user_name == name
        free = name if has_it else free_for(user_id, name, room, self._max_length)
        suggestion = "" if free == name else free
        return self._policy.may_be_called(name, suggestion)


def wanted(request: Enter | Rename) -> tuple[str, str]:
    """Whose name is asked for, and the name."""
    if isinstance(request, Enter):
        return request.arrival.identity.user_id, request.arrival.name
    return request.user.user_id, request.name


def free_for(user_id: str, name: str, room: Room, max_length: int) -> str:
    """The name, if the person may have it; else another one like it, which is nobody's in the
    room, and kept for no host."""

    is_free = _free_in(room, user_id)
    return name if is_free(name) else free_name(name, max_length, is_free)


def another_for(user_id: str, name: str, room: Room, max_length: int) -> str:
    """Likewise, of a name that the person cannot have."""
    return free_name(name, max_length, _free_in(room, user_id))


def _free_in(room: Room, user_id: str) -> Callable[[str], bool]:
    def is_free(name: str) -> bool:
        return room.crowd.is_free(name, user_id) and not room.charter.keeps_from(user_id, name)

    return is_free


def _entering(room: Room, arrival: Arrival) -> tuple[Event, ...]:
    who = Known(arrival.identity.user_id, arrival.name)
    if who.user_id not in room.crowd:
        return (Joined(who),)
    events: list[Event] = []
    if arrival.comes_back:
        events.append(Replaced(who.user_id, arrival.identity.tab))
    if room.crowd[who.user_id] != who:
        events.append(Renamed(who))
    return tuple(events)


def _leaving(room: Room, user_id: str, reason: str) -> tuple[Event, ...]:
    person = room.presence.get(user_id)
    if person is None or person.sockets:
        return ()
    person.absences += 1
    return (Away(user_id, person.absences, reason),)
