"""The tables of who is here without a database, and whoever asks them when the test says so."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chatroom.errors import HistoryUnavailable
from chatroom.history.postgresql.attendance import (
    LOST,
    OUTDATED,
    Attendance,
    Departures,
    Fields,
    People,
    Verdict,
)
from chatroom.rooms.bus import CrowdNews
from chatroom.rooms.mirrors import AboutPeople


class RegisteredPerson:
    """In the table of people."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.keys: set[str] = set()
        self.absences = 0
        self.is_away = False
        self.reason = ""


class OneCrowd:
    """A room's row, and its people in the order in which they came."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.version = 0
        self.people: dict[str, RegisteredPerson] = {}
        self.maker = ""

    def holder(self, keys: Sequence[str], but: str) -> str | None:
        """RegisteredPerson else who has such a name."""
        return next(
            (
                user_id
                for user_id, one in self.people.items()
                if user_id != but and one.keys & set(keys)
            ),
            None,
        )


class Arbiter:
    """The tables; ``empty`` does to them what a crash of the server does."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.processes: set[int] = set()
        self.silent: set[int] = set()
        """Those of them that have said nothing for too long."""
        self.is_late = False
        """Whoever is away has been away for too long."""
        self.crowds: dict[str, OneCrowd] = {}
        self.sockets: dict[tuple[int, int], tuple[str, str, str]] = {}
        self.knocks: dict[tuple[str, str], tuple[str, str]] = {}
        self.knockers: dict[tuple[int, int], tuple[str, str]] = {}
        self.decided = 0, 0
        """In the whole server, and in each room."""

    def empty(self) -> None:
        """Nobody is known any more."""
        self.processes, self.crowds, self.sockets = set(), {}, {}
        self.knocks, self.knockers = {}, {}

    def crowd(self, room: str) -> OneCrowd:
        """The row; made if there is none."""
        if room not in self.crowds:
            self.crowds[room] = OneCrowd(next(self._numbers))
        return self.crowds[room]

    def has_sockets(self, room: str, user_id: str) -> bool:
        """Wherever they are."""
        return any(one[:2] == (room, user_id) for one in self.sockets.values())


class ArbiterTables(Attendance):
    """What ``attending.sql`` does.

    Args:
        arbiter: the tables.
    """

    def __init__(self, arbiter: Arbiter) -> None:
        self._of = arbiter

    def appear(self, process: int, name: str) -> None:
        self._of.processes.add(process)

    def beat(self, process: int) -> bool:
        return process in self._of.processes - self._of.silent

    def attend(self, process: int, acts: Sequence[Mapping[str, Any]]) -> list[Verdict] | None:
        if not self.beat(process):
            return None
        return [self._act(process, **act) for act in acts]

    def _act(self, process: int, *, act: str, room: str, user_id: str, **fields: Any) -> Verdict:
        crowd, events, absence = self._of.crowd(room), list[Fields](), 0
        match act:
            case "enter":
                word = self._come_in(process, crowd, events, room, user_id, **fields)
            case "rename":
                word = self._be_renamed(crowd, events, user_id, **fields)
            case "leave":
                self._of.sockets.pop((process, fields["socket"]), None)
                absence = self._go_out(crowd, room, user_id, fields["reason"])
                word = "away" if absence else "done"
            case "gone":
                word, one = "done", crowd.people.get(user_id)
                if one and one.is_away and one.absences == fields["absence"]:
                    del crowd.people[user_id]
                    events.append(("left", user_id, one.name, fields["reason"]))
            case _:
                word = "done"
                self._be_at_the_door(process, act, events, (room, user_id), **fields)
        crowd.version += len(events)
        decided = self._of.decided if word == OUTDATED else ()
        return Verdict(word, absence, crowd.epoch, crowd.version, events, decided)

    def _come_in(
        self,
        process: int,
        crowd: OneCrowd,
        events: list[Fields],
        room: str,
        user_id: str,
        *,
        socket: int,
        tab: str,
        name: str,
        keys: Sequence[str],
        comes_back: bool,
        stays: bool,
        address: str = "",
        makes: bool = False,
        known: Sequence[int] = (),
    ) -> str:
        sockets, one = self._of.sockets, crowd.people.get(user_id)
        if (process, socket) in sockets:
            return "done"
        if any(its < now for its, now in zip(known, self._of.decided, strict=False)):
            return OUTDATED
        if stays and one:
            name = one.name
        elif crowd.holder(keys, user_id):
            return "taken"
        if one is None:
            is_first = not (crowd.maker if stays else crowd.people)
            one = crowd.people[user_id] = RegisteredPerson(name)
            events.append(("joined", user_id, name))
            if makes and is_first:
                crowd.maker = user_id
                events.append(("made", user_id, name))
        else:
            olds = [which for which, of in sockets.items() if of == (room, user_id, tab)]
            if comes_back and olds:
                for which in olds:
                    del sockets[which]
                events.append(("replaced", user_id, tab))
            if one.name != name:
                events.append(("renamed", user_id, name))
        if not (stays and one.keys):
            one.name, one.keys = name, set(keys)
        one.is_away = False
        sockets[process, socket] = room, user_id, tab
        return "done"

    @staticmethod
    def _be_renamed(
        crowd: OneCrowd, events: list[Fields], user_id: str, *, name: str, keys: Sequence[str]
    ) -> str:
        one = crowd.people.get(user_id)
        if one is None:
            return "unknown"
        if crowd.holder(keys, user_id):
            return "taken"
        one.name, one.keys = name, set(keys)
        events.append(("renamed", user_id, name))
        return "done"

    def _go_out(self, crowd: OneCrowd, room: str, user_id: str, reason: str) -> int:
        one = crowd.people.get(user_id)
        if one is None or self._of.has_sockets(room, user_id):
            return 0
        if not one.is_away:
            one.absences, one.is_away, one.reason = one.absences + 1, True, reason
        return one.absences

    def _be_at_the_door(
        self,
        process: int,
        act: str,
        events: list[Fields],
        who: tuple[str, str],
        *,
        socket: int = 0,
        what: str = "",
    ) -> None:
        before = dict(self._of.knocks)
        if act == "knock":
            self._of.knocks[who] = (before[who][0] if who in before else what), ""
            self._of.knockers.setdefault((process, socket), who)
        elif act == "answer":
            if who in before and not before[who][1]:
                self._of.knocks[who] = before[who][0], what
        else:
            self._of.knockers.pop((process, socket), None)
            if who not in self._of.knockers.values():
                self._of.knocks.pop(who, None)
        if before != self._of.knocks:
            events.append(("door",))

    def depart(self, process: int, grace: float) -> bool:
        before = dict(self._of.knocks)
        theirs = [key for key in self._of.sockets if key[0] == process]
        left = [self._of.sockets.pop(key) for key in theirs]
        for room, user_id, _ in left:
            self._go_out(self._of.crowd(room), room, user_id, LOST)
        for key in [key for key in self._of.knockers if key[0] == process]:
            del self._of.knockers[key]
        for who in self._of.knocks.keys() - self._of.knockers.values():
            del self._of.knocks[who]
        for room in {room for room, _ in before.keys() - self._of.knocks.keys()}:
            self._of.crowd(room).version += 1
        self._of.processes.discard(process)
        return True

    def reap(self, grace: float) -> tuple[list[Departures], bool]:
        for process in self._of.processes & self._of.silent:
            self.depart(process, grace)
        gone: list[Departures] = []
        if not self._of.is_late:
            return gone, False
        for room, crowd in self._of.crowds.items():
            away = {user_id: one for user_id, one in crowd.people.items() if one.is_away}
            events: list[Fields] = []
            for user_id, one in away.items():
                del crowd.people[user_id]
                events.append(("left", user_id, one.name, one.reason))
            crowd.version += len(events)
            if events:
                gone.append(Departures(room, crowd.epoch, crowd.version, events))
        return gone, False

    def crowd(self, room: str, process: int, sockets: Sequence[int]) -> People:
        crowd = self._of.crowds.get(room)
        if crowd is None:
            return People(0, 0, [], [], [])
        people: list[Fields] = [(user_id, one.name) for user_id, one in crowd.people.items()]
        missing = [one for one in sockets if (process, one) not in self._of.sockets]
        knocks = [(who, *its) for (at, who), its in self._of.knocks.items() if at == room]
        missing = missing if self.beat(process) else []
        return People(crowd.epoch, crowd.version, people, missing, knocks, crowd.maker)

    def changed(self, known: Mapping[str, tuple[int, int]]) -> list[tuple[str, int, int]]:
        now = {room: self._of.crowds.get(room) for room in known}
        rows = [(room, it.epoch, it.version) if it else (room, 0, 0) for room, it in now.items()]
        return [row for row in rows if row[1:] != known[row[0]]]


class LateCrier:
    """Does the jobs when the test says, and tells what has come of them when it says that. Only the
    next one is done before that."""

    def __init__(self) -> None:
        self._jobs: deque[tuple[Callable[..., Any], Callable[[Any], None]]] = deque()
        self._done: deque[tuple[Callable[[Any], None], Any]] = deque()

    @property
    def is_busy(self) -> bool:
        """Something is asked and not answered."""
        return bool(self._jobs or self._done)

    def call(self, job: Callable[..., Any], done: Callable[[Any], None]) -> None:
        """Note it."""
        self._jobs.append((job, done))

    def work(self, *, attempts: int = 1) -> None:
        """Do the oldest job, if there is one; the answers to all attempts but the last are lost."""
        if self._jobs and not self._done:
            job, done = self._jobs.popleft()
            try:
                results = [job(None, 0.0) for _ in range(attempts)]
            except HistoryUnavailable as error:
                results = [error]
            self._done.append((done, results[-1]))

    def fail(self, *, after_work: bool) -> None:
        """The oldest job counts as not done, though perhaps it was."""
        if self._jobs and not self._done:
            if after_work:
                self.work()
                done, _ = self._done.popleft()
            else:
                _, done = self._jobs.popleft()
            self._done.append((done, HistoryUnavailable("tables", "gone", "wait")))

    def tell(self) -> None:
        """Of the oldest that was done."""
        if self._done:
            done, result = self._done.popleft()
            done(result)


class Wire:
    """Hints from one process to another one, which come when the test says, or not at all."""

    def __init__(self) -> None:
        self.waiting: list[CrowdNews] = []

    def tell(self, news: CrowdNews) -> None:
        """Note it."""
        self.waiting.append(news)

    def deliver(
        self, index: int, to: Callable[[AboutPeople], None], *, again: bool = False
    ) -> None:
        """One of them; it may come again."""
        if self.waiting:
            at = index % len(self.waiting)
            to(self.waiting[at] if again else self.waiting.pop(at))

    def lose(self, index: int) -> None:
        """One of them never comes."""
        if self.waiting:
            self.waiting.pop(index % len(self.waiting))
