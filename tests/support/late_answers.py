"""An Order and a Register that answer when the test says, as those of a shared history do."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TypeVar

from chatroom.channel import Channel
from chatroom.errors import Refusal
from chatroom.history import History
from chatroom.rooms.charter import House
from chatroom.rooms.crowd import Crowd, Joined, Known, Left, Renamed
from chatroom.rooms.mirrors import AboutPeople
from chatroom.rooms.order import Order, OwnOrder
from chatroom.rooms.policy import Policy
from chatroom.rooms.register import (
    Answer,
    Away,
    Enter,
    Event,
    Gone,
    Leave,
    LocalRegister,
    Rename,
    Replaced,
    Request,
)
from chatroom.rooms.room import Room
from chatroom.rooms.verdicts import Outcome
from chatroom.users.requests import Change, Ruling, Said

T = TypeVar("T")


class LateOrder(Order):
    """Commits, and later tells; one batch at a time.

    Args:
        history: opened.
        policy: says who may change what.
    """

    heard: Channel[Outcome | AboutPeople]

    def __init__(self, history: History, policy: Policy) -> None:
        self._own = OwnOrder(history, policy)
        self._asked: list[Callable[[], Outcome]] = []
        self._outcomes: list[Outcome] = []

    @property
    def is_busy(self) -> bool:
        """Something is asked and not answered."""
        return bool(self._asked or self._outcomes)

    def say(self, batch: list[Said], rooms: Mapping[str, Room]) -> None:
        """Note it."""
        assert not self.is_busy, "a batch before the last one's outcome"
        self._asked.append(lambda: self._own.say(batch, rooms))

    def hold(self, said: Said, refusal: Refusal | None, room: Room) -> None:
        """Note it."""
        assert not self.is_busy, "a draft before the last one's outcome"
        self._asked.append(lambda: self._own.hold(said, refusal, room))

    def change(self, change: Change, room: Room) -> None:
        """Note it."""
        assert not self.is_busy, "a change before the last one's outcome"
        self._asked.append(lambda: self._own.change(change, room))

    def rule(self, ruling: Ruling, room: Room, house: House) -> None:
        """Note it."""
        assert not self.is_busy, "an act before the last one's outcome"
        self._asked.append(lambda: self._own.rule(ruling, room, house))

    def sweep(self, room: Room) -> None:
        """Note it."""
        assert not self.is_busy, "removals before the last one's outcome"
        self._asked.append(lambda: self._own.sweep(room))

    def commit(self) -> None:
        """Store what was asked for: whoever reads the history can see it."""
        while self._asked:
            self._outcomes.append(self._asked.pop()())

    def tell(self) -> None:
        """Let the Server know what was committed."""
        while self._outcomes:
            self.heard.put(self._outcomes.pop())

    def prove(self) -> None:
        """As its own does."""
        self._own.prove()

    def write(self, act: Callable[[History], T]) -> Future[T]:
        """Likewise."""
        return self._own.write(act)


class LateCrowd:
    """What an arbiter knows of a room: people, and all of their sockets."""

    def __init__(self) -> None:
        self.crowd = Crowd()
        self.tabs: dict[str, dict[int, str]] = defaultdict(dict)  # user id -> socket -> tab
        self.absences: dict[str, int] = defaultdict(int)


class LateRegister(LocalRegister):
    """Decides by what it alone knows, and tells later, in the order of the decisions.

    Args:
        policy: the Server's.
        max_name_length: of a suggestion.
    """

    heard: Channel[Outcome | AboutPeople]

    def __init__(self, policy: Policy, max_name_length: int) -> None:
        self._policy = policy
        self._max_name_length = max_name_length
        self._asked: deque[tuple[str, Request]] = deque()
        self._answers: deque[Answer] = deque()
        self._rooms: dict[str, LateCrowd] = defaultdict(LateCrowd)

    @property
    def is_busy(self) -> bool:
        """Something is asked and not answered."""
        return bool(self._asked or self._answers)

    def attend(self, room: Room, request: Request) -> None:
        """Note it."""
        self._asked.append((room.name, request))

    def decide(self) -> None:
        """Decide the oldest request, if there is one."""
        if self._asked:
            self._answers.append(self._decide(*self._asked.popleft()))

    def tell(self) -> None:
        """Let the Server know the oldest decision, if there is one."""
        if self._answers:
            self.heard.put(self._answers.popleft())

    def _decide(self, name: str, request: Request) -> Answer:
        room = self._rooms[name]
        events: list[Event] = []
        match request:
            case Enter(arrival):
                user_id, tab = arrival.identity
                suggestion = room.crowd.suggestion(arrival.name, user_id, self._max_name_length)
                if refusal := self._policy.may_be_called(arrival.name, suggestion):
                    return Answer(name, request, (), refusal)
                events = self._enter(room, Known(user_id, arrival.name), tab, arrival.comes_back)
                room.tabs[user_id][arrival.user.id] = tab
            case Rename(user, wanted):
                suggestion = room.crowd.suggestion(wanted, user.user_id, self._max_name_length)
                if refusal := self._policy.may_be_called(wanted, suggestion):
                    return Answer(name, request, (), refusal)
                events = [Renamed(Known(user.user_id, wanted))]
            case Leave(user, reason):
                room.tabs[user.user_id].pop(user.id, None)
                if user.user_id in room.crowd and not room.tabs[user.user_id]:
                    room.absences[user.user_id] += 1
                    events = [Away(user.user_id, room.absences[user.user_id], reason)]
            case Gone(user_id, absence, reason):
                is_away = user_id in room.crowd and not room.tabs[user_id]
                if is_away and room.absences[user_id] == absence:
                    events = [Left(room.crowd[user_id], reason)]
        for event in events:
            if isinstance(event, (Joined, Renamed, Left)):
                room.crowd.apply(event)
        return Answer(name, request, tuple(events))

    @staticmethod
    def _enter(room: LateCrowd, who: Known, tab: str, comes_back: bool) -> list[Event]:
        if who.user_id not in room.crowd:
            return [Joined(who)]
        events: list[Event] = []
        if comes_back:
            mine = room.tabs[who.user_id]
            room.tabs[who.user_id] = {socket: its for socket, its in mine.items() if its != tab}
            events.append(Replaced(who.user_id, tab))
        if room.crowd[who.user_id] != who:
            events.append(Renamed(who))
        return events
