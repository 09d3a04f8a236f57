"""Who may bear which name, and who is here: decided in the database, for all processes."""

from __future__ import annotations

import itertools
import json
import os
import platform
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

from chatroom.channel import Channel
from chatroom.errors import HistoryUnavailable, Refusal
from chatroom.history.postgresql.attendance import Attendance, Fields, TableLink, Verdict
from chatroom.matching import assert_never
from chatroom.names import keys
from chatroom.rooms.bus import CrowdNews
from chatroom.rooms.charter import WatchedAddress
from chatroom.rooms.crowd import CrowdVersion, Known
from chatroom.rooms.elsewhere import Word
from chatroom.rooms.entrance import REMOVED
from chatroom.rooms.knocking import Knock, KnockSeen
from chatroom.rooms.mirrors import AboutPeople, CrowdRead, Displaced
from chatroom.rooms.order import Later
from chatroom.rooms.policy import NOT_INSIDE, Policy
from chatroom.rooms.register import (
    MOST_ATTEMPTS,
    Answer,
    Away,
    Enter,
    Event,
    Gone,
    Leave,
    Look,
    Register,
    Rename,
    Request,
    free_for,
    wanted,
)
from chatroom.rooms.room import Room
from chatroom.rooms.verdicts import Outcome
from chatroom.shared.hints import CrowdEvent, event_of

T = TypeVar("T")

Job = Callable[[TableLink, float], T]
"""Gets a link, and until when it may take; may be done again, if the link breaks meanwhile."""

MOST_ACTS = 200
"""That are asked for in one call: others wait for the locks that it holds."""

DEPARTURE_GRACE = 15.0
"""Seconds for which the people of a process that stops are waited for: so long it may take until
their clients try again."""

BEAT = 5.0
"""Seconds between two times that we say that we are there; after 15, we are nobody."""

MOST_REAPED = 20
"""Calls in a row that see to what others have left behind."""

BROKEN = "what this process says is refused again and again"


class JobCaller(Protocol):
    """A thread that talks to the database: see ``Crier``."""

    def call(self, job: Job[T], done: Callable[[T | HistoryUnavailable], None]) -> None:
        """Have a job done, behind those that were asked for before; from any thread.

        Args:
            done: gets what the job returns, or why it was not done. On the thread that does the
                jobs; on the caller's own, once that has stopped.
        """


class _Asked(NamedTuple):
    """Something that the Server thread wants to know, or have known."""

    room: str
    act: dict[str, Any]
    request: Request | None = None
    """None for what is not answered."""

    @property
    def has_to_be_done(self) -> bool:
        """Whether it is asked for again if it fails: the Server does not ask again."""
        return self.request is None or isinstance(self.request, Leave)


@dataclass
class _Person:
    """Somebody who is in a room with sockets of ours, as the register knows."""

    name: str
    tabs: dict[int, tuple[str, str]] = field(default_factory=dict)
    """By the socket's id; each with what is stored of its address."""
    is_maker: bool = False
    """They were the first in a new room."""


class SharedRegister(Register):
    """Hands what is asked for to the crier, all that waits in one call, and answers to the Server.

    A process is known to the register for as long as it says that it is there. When it is not,
    since it was stopped for too long or the database has forgotten everybody, it begins anew: as
    another process, and with all of its sockets.

    Args:
        policy: says who may be called what.
        max_name_length: characters, of a name that it suggests.
        leave_grace: seconds until somebody who has left is gone.
        crier: asks the database.
        tell: passes hints on to other processes; any thread, never waits.
        tables: the database's, through a link.
        everybody_makes_rooms: whoever is the first in a new room has made it.
    """

    def __init__(
        self,
        policy: Policy,
        max_name_length: int,
        leave_grace: float,
        crier: JobCaller,
        tell: Callable[[CrowdNews], None],
        tables: Callable[[TableLink, float], Attendance] = Attendance,
        *,
        everybody_makes_rooms: bool = True,
    ) -> None:
        self._policy = policy
        self._max_length = max_name_length
        self._leave_grace = leave_grace
        self._crier = crier
        self._tell = tell
        self._tables = tables
        self._makes_rooms = everybody_makes_rooms
        self._heard: Channel[Outcome | Later | AboutPeople | Word]
        self._name = ""  # for whoever looks into the database
        self.process = 0
        """Who we are to the register; 0 for nobody. Set by the crier."""
        self._has_departed = False
        # Held wherever what waits is touched, and for nothing that takes time.
        self._lock = threading.Lock()
        self._waiting: deque[_Asked] = deque()
        self._is_called = False
        self._is_kept = False
        # The crier's: what is under way, how often that was tried, and who is here by user id.
        self._asked: list[_Asked] = []
        self._attempts = 0
        self._beat_at = 0.0
        self._people: dict[tuple[str, str], _Person] = {}
        self._knocks: dict[int, Mapping[str, Any]] = {}  # by the socket's id

    def start(self, heard: Channel[Outcome | Later | AboutPeople | Word]) -> None:
        """Begin, after the fork; before the Server does.

        Args:
            heard: the Server's.
        """
        self._heard = heard
        self._name = f"{platform.node()} {os.getpid()}"

    # -- the Server thread -------------------------------------------------------------------------

    def attend(self, room: Room, request: Request) -> Answer | None:
        """Ask; but for names that are kept for hosts, which the room itself knows."""
        if self._has_departed:
            error = None if isinstance(request, Leave | Gone) else _stopping()
            return Answer(room.name, request, error=error)
        if isinstance(request, Enter | Rename):
            user_id, name = wanted(request)
            if room.charter.keeps_from(user_id, name):
                suggestion = free_for(user_id, name, room, self._max_length)
                refusal = self._policy.may_be_called(name, suggestion)
                return Answer(room.name, request, (), refusal)
        act = self._act(request)
        if isinstance(request, Enter):
            arrival = request.arrival
            act["address"] = room.house.whereabouts.key(arrival.user.address)
            act["makes"] = self._makes_rooms and room.is_new
            if arrival.attempts < MOST_ATTEMPTS:
                act["known"] = [room.house.decided, room.decided]
        self._ask(room.name, act, request)
        return None

    def look(self, look: Look) -> None:
        """Have the crier do it."""

        def tell(read: CrowdRead | HistoryUnavailable) -> None:
            if isinstance(read, HistoryUnavailable):
                read = CrowdRead(look.room, look.number, error=read)
            self._heard.put(read)

        self._crier.call(partial(self._look, look), tell)

    def keep(self, known: Mapping[str, CrowdVersion]) -> None:
        """Have the crier do it, unless it is still at the last time's."""
        if self._is_kept or self._has_departed:
            return
        self._is_kept = True
        self._call()  # for what has failed, and has to be done
        self._crier.call(partial(self._keep, known), self._kept)

    def note_knock(self, room: str, knock: Knock, socket: int) -> None:
        """Have it known."""
        what = json.dumps([knock.name, knock.address_key, *knock.like])
        act = {"act": "knock", "user_id": knock.user_id, "socket": socket, "what": what}
        self._ask(room, act)

    def note_end_of_knock(self, room: str, user_id: str, socket: int) -> None:
        """Have it known."""
        self._ask(room, {"act": "unknock", "user_id": user_id, "socket": socket})

    def note_outcome(self, room: str, user_id: str, outcome: str) -> None:
        """Have it known."""
        self._ask(room, {"act": "answer", "user_id": user_id, "what": outcome})

    def _ask(self, room: str, act: dict[str, Any], request: Request | None = None) -> None:
        if not self._has_departed:
            with self._lock:
                self._waiting.append(_Asked(room, act | {"room": room}, request))
            self._call()

    def _act(self, request: Request) -> dict[str, Any]:
        match request:
            case Enter(arrival):
                user_id, tab = arrival.identity
                return _entering(user_id, arrival.user.id, tab, arrival.name) | {
                    "comes_back": arrival.comes_back
                }
            case Rename(user, name):
                named = {"name": name, "keys": sorted(keys(name))}
                return {"act": "rename", "user_id": user.user_id} | named
            case Leave(user, reason):
                grace = 0.0 if reason == REMOVED else self._leave_grace
                why = {"grace": grace, "reason": reason}
                return {"act": "leave", "user_id": request.user_id, "socket": user.id} | why
            case Gone(user_id, absence, reason):
                which = {"user_id": user_id, "absence": absence, "reason": reason}
                return {"act": "gone"} | which
            case _:
                assert_never(request)

    # -- any thread --------------------------------------------------------------------------------

    def present(self, room: str) -> Future[list[Known]]:
        """Have the crier ask."""
        answer: Future[list[Known]] = Future()

        def tell(read: CrowdRead | HistoryUnavailable) -> None:
            if isinstance(read, HistoryUnavailable):
                answer.set_exception(read)
            else:
                answer.set_result([*read.people])

        self._crier.call(partial(self._look, Look(room, (), 0)), tell)
        return answer

    def depart(self) -> None:
        """We stop: nobody of ours comes, and they are waited for elsewhere. Call it before their
        sockets are closed."""
        self._has_departed = True
        self._crier.call(self._depart, _nothing)

    def _call(self) -> None:
        with self._lock:
            if self._is_called or not self._waiting:
                return
            self._is_called = True
        self._crier.call(self._attend, self._answer)

    def _note(self, news: CrowdNews) -> None:
        """Of what we have not asked for ourselves."""
        self._heard.put(news)
        self._tell(news)

    # -- the crier ---------------------------------------------------------------------------------

    def _attend(self, link: TableLink, deadline: float) -> list[Verdict]:
        with self._lock:
            while self._waiting and len(self._asked) < MOST_ACTS and not self._attempts:
                self._asked.append(self._waiting.popleft())
        self._attempts += 1
        tables, acts = self._tables(link, deadline), [asked.act for asked in self._asked]
        for _ in range(3 if acts else 0):
            verdicts = tables.attend(self.process, acts) if self.process else None
            if verdicts is not None:
                return verdicts
            self._appear(tables)
        if acts:
            raise HistoryUnavailable("the register", BROKEN, "report it with the log")
        return []  # whoever asked was told meanwhile that it failed

    def _answer(self, verdicts: list[Verdict] | HistoryUnavailable) -> None:
        """On the Server thread, perhaps, once the crier has stopped."""
        asked, self._asked = self._asked, []
        is_repeated, self._attempts = self._attempts > 1, 0
        with self._lock:
            self._is_called = False
        if isinstance(verdicts, HistoryUnavailable):
            self._fail(asked, verdicts)
            return
        pairs = list(zip(asked, verdicts, strict=True))
        for one, verdict in pairs:
            self._remember(one, verdict)
            if one.request:
                self._heard.put(_answered(one, one.request, verdict))
            elif verdict.events:
                self._heard.put(_news(one.room, *verdict[2:5]))
        for news in _hints(pairs, is_repeated=is_repeated):
            self._tell(news)
        self._call()

    def _fail(self, asked: list[_Asked], error: HistoryUnavailable) -> None:
        """Nothing is known of what was asked for. Whoever has left is to be out at last."""
        with self._lock:
            asked += self._waiting
            self._waiting = deque(one for one in asked if one.has_to_be_done)
        for one in asked:
            if one.request and not one.has_to_be_done:
                self._heard.put(Answer(one.room, one.request, error=error))

    def _remember(self, asked: _Asked, verdict: Verdict) -> None:
        """Who is here, in case that we have to say so anew."""
        match asked.request:
            case Enter(arrival) if verdict.word == "done":
                user_id, tab = arrival.identity
                person = self._people.setdefault((asked.room, user_id), _Person(arrival.name))
                if arrival.comes_back:
                    person.tabs = {one: its for one, its in person.tabs.items() if its[0] != tab}
                person.is_maker |= any(event[0] == "made" for event in verdict.events)
                person.name = arrival.name
                person.tabs[arrival.user.id] = tab, asked.act["address"]
            case Rename(user, name) if verdict.word == "done":
                if renamed := self._people.get((asked.room, user.user_id)):
                    renamed.name = name
            case Leave(user) as leave:
                key = asked.room, leave.user_id
                if left := self._people.get(key):
                    left.tabs.pop(user.id, None)
                    if not left.tabs:
                        del self._people[key]
            case None if asked.act["act"] == "knock":
                self._knocks[asked.act["socket"]] = asked.act
            case None if asked.act["act"] == "unknock":
                self._knocks.pop(asked.act["socket"], None)
            case _:
                pass

    # -- being there -------------------------------------------------------------------------------

    def _keep(self, known: Mapping[str, CrowdVersion], link: TableLink, deadline: float) -> None:
        tables = self._tables(link, deadline)
        if time.monotonic() >= self._beat_at:
            if not self.process or not tables.beat(self.process):
                self._appear(tables)
            self._reap(tables)
            self._beat_at = time.monotonic() + BEAT
        for news in tables.changed(known):
            self._heard.put(CrowdNews(*news))

    def _reap(self, tables: Attendance) -> None:
        """See to what others have left behind."""
        for _ in range(MOST_REAPED):
            gone, has_more = tables.reap(self._leave_grace)
            for one in gone:
                self._note(_news(*one))
            if not has_more:
                break

    def _kept(self, _: object) -> None:
        """The crier has logged what went wrong; it will be asked again."""
        self._is_kept = False

    def _look(self, look: Look, link: TableLink, deadline: float) -> CrowdRead:
        read = self._tables(link, deadline).crowd(look.room, self.process, look.sockets)
        return CrowdRead(
            look.room,
            look.number,
            CrowdVersion(read.epoch, read.version),
            tuple(itertools.starmap(Known, read.people)),
            frozenset(read.missing),
            tuple(itertools.starmap(_seen, read.knocks)),
            read.maker,
        )

    def _depart(self, link: TableLink, deadline: float) -> None:
        process = self.process
        while process and not self._tables(link, deadline).depart(process, DEPARTURE_GRACE):
            pass

    def _appear(self, tables: Attendance) -> None:
        """Begin as another process, and have all of our people known."""
        if self._has_departed:
            raise _stopping()
        process, self.process = secrets.randbits(62) | 1, 0
        tables.appear(process, self._name)
        acts, lost = self._acts_of_all(), []
        while some := list(itertools.islice(acts, MOST_ACTS)):
            verdicts = tables.attend(process, some)
            if verdicts is None:
                return  # too slow, or forgotten again: whoever asks next begins anew
            for act, verdict in zip(some, verdicts, strict=True):
                if verdict.word == "taken":
                    lost.append(act)
                elif verdict.events:
                    self._note(_news(act["room"], *verdict[2:5]))
        for act in lost:
            self._people.pop((act["room"], act["user_id"]), None)
            self._heard.put(Displaced(act["room"], frozenset([act["socket"]])))
        self.process = process

    def _acts_of_all(self) -> Iterator[Mapping[str, Any]]:
        for (room, user_id), person in self._people.items():
            for socket, (tab, address) in person.tabs.items():
                act = _entering(user_id, socket, tab, person.name)
                more = {"stays": True, "address": address, "makes": person.is_maker}
                yield act | {"room": room} | more
        yield from self._knocks.values()


def _entering(user_id: str, socket: int, tab: str, name: str) -> dict[str, Any]:
    names = {"name": name, "keys": sorted(keys(name)), "comes_back": False, "stays": False}
    return {"act": "enter", "user_id": user_id, "socket": socket, "tab": tab} | names


def _answered(asked: _Asked, request: Request, verdict: Verdict) -> Answer:
    events: tuple[Event, ...] = _events(verdict.events)
    if verdict.word == "away" and isinstance(request, Leave):
        events = (*events, Away(request.user_id, verdict.absence, request.reason))
    return Answer(
        asked.room,
        request,
        events,
        refusal=_refusal(verdict),
        version=CrowdVersion(verdict.epoch, verdict.version),
        is_taken=verdict.word == "taken",
        decided=verdict.decided,
    )


def _refusal(verdict: Verdict) -> Refusal | None:
    return NOT_INSIDE if verdict.word == "unknown" else None


def _hints(pairs: Iterable[tuple[_Asked, Verdict]], *, is_repeated: bool) -> Iterator[CrowdNews]:
    """What others want to hear of it: of each room, all in one.

    If it was asked for before, what has come of that is not known: so others have to look.
    """
    last: dict[str, Verdict] = {}
    for asked, verdict in pairs:
        if verdict.events or is_repeated:
            before = last[asked.room].events if asked.room in last else []
            last[asked.room] = verdict._replace(events=before + verdict.events)
    for room, verdict in last.items():
        yield _news(room, *verdict[2:5])


def _news(room: str, epoch: int, version: int, events: list[Fields]) -> CrowdNews:
    return CrowdNews(room, epoch, version, _events(events))


def _seen(user_id: str, what: str, outcome: str) -> KnockSeen:
    name, address_key, *like = json.loads(what)
    return KnockSeen(Knock(user_id, name, address_key, WatchedAddress(*like)), outcome)


def _events(all_fields: Iterable[Fields]) -> tuple[CrowdEvent, ...]:
    return tuple(event_of(*fields) for fields in all_fields)


def _stopping() -> HistoryUnavailable:
    return HistoryUnavailable("the register", "this process stops", "come back in a moment")


def _nothing(_: object) -> None:
    """The crier has logged what went wrong; it will be asked again."""
