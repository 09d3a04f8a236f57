"""What is said gets its place behind what others say elsewhere; the history is written by a thread
of its own."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple, TypeVar

from chatroom.errors import HistoryUnavailable, Outdated, Refusal
from chatroom.history import History
from chatroom.history.shared import Missed, SaidThere, Saying, SharedHistory, Verdict, Version
from chatroom.message import BEGINNING, Message, MessageId
from chatroom.rooms.bus import RoomNews
from chatroom.rooms.charter import House
from chatroom.rooms.deciding import Decider, recognised
from chatroom.rooms.order import PROOF_AGE, Later, Order
from chatroom.rooms.policy import Policy
from chatroom.rooms.questions import Question
from chatroom.rooms.room import Room
from chatroom.rooms.steps import Course, Errand, Steps, errand_failed
from chatroom.rooms.verdicts import (
    Again,
    Changed,
    Enacted,
    Looked,
    NotStored,
    Outcome,
    Placed,
    Stored,
    Swept,
)
from chatroom.tally import Tally
from chatroom.users.requests import Change, Ruling, Said
from chatroom.wire.message_json import frame_of
from chatroom.wire.websocket import text_of

log = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE = 15.0
"""Seconds that a batch may take; then those who spoke are told that it may not be stored."""

LOST = "what was said here is not there any more: a backup was restored, or a standby was behind"


class Talk:
    """A batch, by rooms.

    Args:
        batch: in the order in which it was said.
        rooms: the Server's; read while this is made.
    """

    def __init__(self, batch: list[Said], rooms: Mapping[str, Room]) -> None:
        self.batch = batch
        self._said: dict[str, list[Said]] = {}  # by room, in the order of the drafts
        self._twins: list[tuple[Said, Said]] = []  # what comes twice in the batch, and its first
        firsts: dict[tuple[str, str, str], Said] = {}
        for said in batch:
            key = (said.user.room, said.user.user_id, said.cmid)
            if said.cmid and key in firsts:
                self._twins.append((said, firsts[key]))
            else:
                firsts[key] = said
                self._said.setdefault(said.user.room, []).append(said)
        self.sayings = [_saying(rooms[name], its) for name, its in self._said.items()]
        self.news: list[RoomNews] = []
        """For other processes, once it is stored."""

    def outcome(self, answers: list[SaidThere], missed: list[Looked]) -> Outcome:
        """What became of it.

        Args:
            answers: of ``SharedHistory.say``.
            missed: what else has happened, in rooms that were not known well enough.
        """
        outcome: Outcome = [*missed]
        stored = Stored({}, {})
        stored_as: dict[int, Message] = {}
        charters: dict[str, str] = {}
        recognised_ones: Outcome = []
        again: set[int] = set()
        for saying, there in zip(self.sayings, answers, strict=True):
            its = self._said[saying.room]
            if there.verdict is Verdict.FORK:
                outcome.append(Looked(_fork(saying), []))
                outcome.append(NotStored(its, HistoryUnavailable(saying.room, LOST, "come back")))
                continue
            if there.verdict is not Verdict.STORED:
                again.update(map(id, its))
                continue
            if there.missed:
                outcome.append(_looked(saying, there.missed))
            for item, message in there.recognised.items():
                recognised_ones.append(recognised(its[item], message))
                stored_as[id(its[item])] = message
            if there.placed:
                placed = _placed(its, there.placed)
                stored.rooms[saying.room] = placed
                stored_as.update(zip(map(id, placed.said), placed.messages, strict=True))
                if saying.charter is not None:
                    charters[saying.room] = saying.charter
                self.news.append(_news(saying, there, placed))
        if stored.rooms:
            outcome.append(stored._replace(charters=charters))
        outcome += recognised_ones
        for twin, first in self._twins:
            if stored_twin := stored_as.get(id(first)):
                outcome.append(recognised(twin, stored_twin))
            elif id(first) in again:
                again.add(id(twin))
        if again:
            outcome.append(Again([said for said in self.batch if id(said) in again]))
        return outcome


def _saying(room: Room, its: list[Said]) -> Saying:
    nonces = os.urandom(8 * len(its)).hex()
    drafts = [
        Message(
            room.name,
            0,
            nonces[16 * i : 16 * i + 16],
            said.draft.user_name or said.user.name,
            said.draft.body,
            said.draft.timestamp,
            0,
            said.user.user_id,
            said.cmid,
            room.speaks_as(said.user.user_id) if said.user.user_id else "",
            said.draft.reply_to,
        )
        for i, said in enumerate(its)
    ]
    charter = None if room.charter_is_stored else room.charter.to_json()
    return Saying(room.name, room.version, drafts, charter, is_exact=not room.lets_all_speak)


def _placed(its: list[Said], placed: Mapping[int, Message]) -> Placed:
    items = sorted(placed, key=lambda item: placed[item].seq)
    messages = [placed[item] for item in items]
    # Not those of a moment ago, if they were changed since: others have seen that.
    return Placed([its[item] for item in items], messages, list(map(frame_of, messages)))


def _looked(saying: Saying, messages: list[Message]) -> Looked:
    last = MessageId(messages[-1].seq, messages[-1].nonce)
    version = saying.known._replace(last=last)
    missed = Missed(saying.room, saying.known, version, is_all=True, messages=messages)
    return Looked(missed, list(map(frame_of, messages)))


def _fork(saying: Saying) -> Missed:
    return Missed(saying.room, saying.known, saying.known, is_all=True, is_fork=True)


def _news(saying: Saying, there: SaidThere, placed: Placed) -> RoomNews:
    known, first = saying.known, placed.messages[0].seq
    before = there.missed[-1].nonce if there.missed else known.last.nonce
    decided = known.decided + (saying.charter is not None)
    news = RoomNews(saying.room, *placed.last, known.rev, decided)
    if not there.comes_after(known.last.seq) or b"" in placed.frames:
        return news
    return news._replace(first=first, before=before, texts=tuple(map(text_of, placed.frames)))


def _what_is_new(room: Room, outcome: Outcome) -> RoomNews:
    """Of a room, once this is done there."""
    last, rev = room.last, room.changes.rev
    for verdict in outcome:
        match verdict:
            case Stored(rooms):
                last = rooms[room.name].last
            case Changed(message=message):
                rev = max(rev, message.rev)
            case Enacted(changed=[*_, message]) | Swept(changed=[*_, message]):
                rev = max(rev, message.rev)
            case _:
                pass
    return RoomNews(room.name, *last, rev, room.decided)


class Carried:
    """An errand is done; the decision goes on.

    Args:
        go_on: called by the Server thread.
    """

    def __init__(self, go_on: Callable[[], Outcome | None]) -> None:
        self.go_on = go_on


class Decision(NamedTuple):
    """On its way, for a room that is known so far."""

    course: Course[Outcome]
    room: Room
    house: House
    known: dict[str, Version]
    """See ``SharedHistory.known``."""
    before: dict[str, Version]
    """The same, as it was at first."""


class SharedOrder(Order):
    """Asked by the Server thread, one thing at a time; done by a thread of its own, ``writer``.

    Args:
        history: opened, and written by that thread alone.
        policy: says who may do what.
        tally: counts what is stored.
        missed: as ``SharedHistory.missed``.
        tell: other processes; never waits.
    """

    def __init__(
        self,
        history: SharedHistory,
        policy: Policy,
        tally: Tally,
        missed: Callable[[str, Version], Missed],
        tell: Callable[[RoomNews], None],
    ) -> None:
        self._history = history
        self._decider = Decider(policy)
        self._tally = tally
        self._missed = missed
        self._tell = tell
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._answer: Callable[[Outcome | Later], None]
        self._house: House
        self._proved_at = -PROOF_AGE
        self._proof: Future[None] = Future()
        self._proof.set_result(None)
        self._thread: threading.Thread | None = None

    def start(self, house: House, answer: Callable[[Outcome | Later], None]) -> None:
        """Start the thread.

        Args:
            house: the Server's.
            answer: takes what the Server thread is to hear.
        """
        self._house = house
        self._answer = answer
        self._thread = threading.Thread(target=self._run, name="writer")
        self._thread.start()

    def stop(self) -> None:
        """End it, once everything is done. Idempotent."""
        if self._thread:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    # -- the Server thread ------------------------------------------------------------------------

    def say(self, batch: list[Said], rooms: Mapping[str, Room]) -> None:
        """Hand the batch over."""
        talk = Talk(batch, rooms)
        self._jobs.put(partial(self._say, talk, self._house.version))

    def hold(self, said: Said, refusal: Refusal | None, room: Room) -> Outcome | None:
        """Hand over what has to be looked up first, and so on."""
        return self._decide(self._decider.hold(said, refusal, room), room)

    def change(self, change: Change, room: Room) -> Outcome | None:
        """As ``hold``."""
        return self._decide(self._decider.change(change, room), room)

    def rule(self, ruling: Ruling, room: Room, house: House) -> Outcome | None:
        """As ``hold``."""
        return self._decide(self._decider.rule(ruling, room, house), room)

    def sweep(self, room: Room) -> Outcome | None:
        """As ``hold``."""
        return self._decide(self._decider.sweep(room), room)

    def prove(self) -> Future[None]:
        """Has it proved, unless that has just been done, or is about to be."""
        if time.monotonic() - self._proved_at <= PROOF_AGE:
            proof: Future[None] = Future()
            proof.set_result(None)
            return proof
        if self._proof.done():
            self._proof = Future()
            self._jobs.put(partial(self._prove, self._proof))
        return self._proof

    def write(self, act: Callable[[History], T]) -> Future[T]:
        """Hand it over."""
        written: Future[T] = Future()
        self._jobs.put(Question(partial(act, self._history), written).run)
        return written

    def _decide(self, steps: Steps[Outcome], room: Room) -> Outcome | None:
        known = {"": self._house.version, room.name: room.version}
        decision = Decision(Course(steps), room, self._house, known, dict(known))
        room.is_deciding = self._house.is_deciding = True
        return self._go_on(decision, None, [])

    def _go_on(
        self, decision: Decision, error: Exception | None, missed: list[Looked]
    ) -> Outcome | None:
        try:
            errand = decision.course.go_on(error)
        except BaseException:
            decision.room.is_deciding = decision.house.is_deciding = False
            raise
        if errand:
            self._jobs.put(partial(self._carry, decision, errand, missed))
            return None
        room, house, known = decision.room, decision.house, decision.known
        room.is_deciding = house.is_deciding = False
        for of, now in ((house, known[""]), (room, known[room.name])):
            of.decided, of.logged = now.decided, now.logged
        outcome = decision.course.decided
        is_stored = any(isinstance(verdict, Stored) for verdict in outcome)
        if is_stored:  # with a file, or approved
            self._jobs.put(self._count_one)
        if is_stored or known != decision.before:
            self._tell(_what_is_new(room, outcome))
            self._tell(RoomNews("", *BEGINNING, 0, house.decided))
        return [*missed, *outcome]

    # -- the writer thread ------------------------------------------------------------------------

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception:  # no fault of ours ends the room
                log.exception("error: the writer goes on")

    def _say(self, talk: Talk, house: Version) -> None:
        try:
            outcome = self._said(talk, house)
        except Exception as error:  # also a fault of ours: they are waiting
            outcome = [NotStored(talk.batch, error)]
        for news in talk.news:  # first, as it has the longer way
            self._tell(news)
        self._answer(outcome)

    def _said(self, talk: Talk, house: Version) -> Outcome:
        began = time.monotonic()
        answers = self._history.say(talk.sayings, house.decided)
        self._proved_at = time.monotonic()
        self._tally.committed(sum(len(it.placed) for it in answers), self._proved_at - began)
        missed: list[Looked] = []
        for saying, there in zip(talk.sayings, answers, strict=True):
            if there.verdict in (Verdict.OUTDATED, Verdict.BEHIND):
                missed.append(self._look(saying.room, saying.known))
            elif not there.comes_after(saying.known.last.seq):
                missed += self._all_up_to(saying, there)
        if any(there.verdict is Verdict.OUTDATED for there in answers):
            missed.append(self._look("", house))
        return talk.outcome(answers, missed)

    def _look(self, room: str, known: Version) -> Looked:
        missed = self._missed(room, known)
        return Looked(missed, list(map(frame_of, missed.messages)))

    def _all_up_to(self, saying: Saying, there: SaidThere) -> list[Looked]:
        """What others have said before, where the answer does not have that."""
        last = max(message.seq for message in there.placed.values())
        looks = [self._look(saying.room, saying.known)]
        while looks[-1].missed.version.last.seq < last and not looks[-1].missed.is_fork:
            looks.append(self._look(saying.room, looks[-1].missed.version))
        return looks

    def _count_one(self) -> None:
        self._tally.stored += 1

    def _carry(self, decision: Decision, errand: Errand, missed: list[Looked]) -> None:
        self._history.known = known = dict(decision.known)
        error = errand_failed(errand, self._history)
        self._history.known = None
        if error is None:  # otherwise what it may have done is still to be looked at
            decision.known.update(known)
        if isinstance(error, Outdated):
            try:
                version = decision.room.version  # others change it only once this is told
                missed = [
                    self._look(decision.room.name, version),
                    self._look("", decision.house.version),
                ]
            except Exception as failure:  # also a fault of ours: somebody waits for it
                error = failure
        self._answer(Carried(partial(self._go_on, decision, error, missed)))

    def _prove(self, proof: Future[None]) -> None:
        try:
            self._history.probe()
        except Exception as error:
            proof.set_exception(error)
        else:
            self._proved_at = time.monotonic()
            proof.set_result(None)
