"""What is said gets its place: numbered and committed, in one place for each room."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeGuard

from chatroom.errors import CmidTaken, HistoryError, Refusal
from chatroom.history import History
from chatroom.history.effects import Effects
from chatroom.history.host_log import LogEntry
from chatroom.matching import assert_never
from chatroom.message import Draft, Evidence, Held, Message, Remover
from chatroom.rooms.charter import House
from chatroom.rooms.crowd import Known
from chatroom.rooms.policy import Policy
from chatroom.rooms.ranks import Rank
from chatroom.rooms.room import Room
from chatroom.rooms.ruling import (
    Decision,
    ForAll,
    link_key,
    rule,
    rule_for_all,
    with_sweep,
    with_watch,
)
from chatroom.rooms.sweeping import Step, begun, in_words, next_step, refused_by, sweep_of
from chatroom.rooms.verdicts import (
    Changed,
    Declined,
    Enacted,
    HeldBack,
    NotChanged,
    NotStored,
    NotSwept,
    Outcome,
    Placed,
    Recognised,
    Settled,
    Stored,
    Swept,
    Verdict,
)
from chatroom.tally import Tally
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.users.requests import Change, Ruling, Said
from chatroom.users.speaker import Speaker
from chatroom.wire.acts import (
    WORDS,
    Admit,
    Approve,
    Bar,
    BeCalled,
    Charting,
    Settling,
    TurnBack,
    UnmakeHost,
    UseLink,
    UseOperatorLink,
    Withdraw,
)
from chatroom.wire.message_json import to_json
from chatroom.wire.typed import Edit, Remove, Restore
from chatroom.wire.websocket import text_frame

PROOF_AGE = 1.0
"""Seconds for which a successful write proves that the history works."""

CMID_TWICE = ("order", "a cmid came twice, and the first was not stored", "send it again")


def _first_charters(rooms: Mapping[str, Room], names: Iterable[str]) -> dict[str, str]:
    """Of rooms that get their first message: who has made them."""
    return {
        name: rooms[name].charter.to_json() for name in names if not rooms[name].charter_is_stored
    }


def _is_for_all(act: Charting, rank: Rank, house: House) -> TypeGuard[ForAll]:
    """Whether it holds in all rooms, if somebody of this rank does it."""
    if isinstance(act, UnmakeHost):
        return act.user_id in house.charter.hosts
    return isinstance(act, UseOperatorLink) or (isinstance(act, Bar) and rank is Rank.OPERATOR)


def _reused(cmid: str) -> Refusal:
    detail = "This cmid was used for another message; use a new one."
    return Refusal("cmid-reused", detail, cmid)


def _logged(act: str, now: int, who: Known, message: Message) -> LogEntry:
    return LogEntry(now, act, *who, message.user_id, message.user_name, message.id)


class Order(ABC):
    """Asked by the Server thread."""

    @abstractmethod
    def say(self, batch: list[Said], rooms: Mapping[str, Room]) -> Outcome | None:
        """Give each draft its place behind the last message of its room; never waits for others.

        Args:
            batch: in the order in which it was said.
            rooms: with all the rooms in which it was.

        Returns:
            The outcome; None if it will come later, on ``Server.heard``. Until then, nothing more
            is said.
        """

    @abstractmethod
    def hold(self, said: Said, refusal: Refusal | None, room: Room) -> Outcome | None:
        """Keep a draft until a host approves it, if the policy allows it, or refuse it; unless it
        was sent before: then that stands. Never waits for others.

        Args:
            refusal: None if a host may approve it.

        Returns:
            As ``say``.
        """

    @abstractmethod
    def change(self, change: Change, room: Room) -> Outcome | None:
        """Give a message its next state, if the policy allows it; never waits for others.

        Returns:
            As ``say``.
        """

    @abstractmethod
    def rule(self, ruling: Ruling, room: Room, house: House) -> Outcome | None:
        """Let a host act, if the policy allows it; never waits for others.

        Returns:
            As ``say``.
        """

    @abstractmethod
    def sweep(self, room: Room) -> Outcome | None:
        """Go on with what the room's charter says is left to do, or forget what is over; never
        waits for others.

        Returns:
            As ``say``.
        """

    @abstractmethod
    def prove(self) -> None:
        """Prove that messages can be stored: by a recent write, or by a new one.

        Raises:
            HistoryUnavailable: they cannot.
        """


class OwnOrder(Order):
    """For one process: the Server thread numbers and commits.

    Args:
        history: opened; written by this thread alone.
        policy: says who may change what.
        tally: counts what is stored; None where nobody reads it.
    """

    def __init__(self, history: History, policy: Policy, tally: Tally | None = None) -> None:
        self._history = history
        self._policy = policy
        self._tally = tally or Tally()
        self._proved_at = -PROOF_AGE

    def say(self, batch: list[Said], rooms: Mapping[str, Room]) -> Outcome:
        """Commit the batch as one transaction."""
        try:
            return [self._commit(batch, rooms)]
        except CmidTaken:
            return self._say_each_once(batch, rooms)
        except Exception as error:
            return [NotStored(batch, error)]

    def _commit(self, batch: list[Said], rooms: Mapping[str, Room]) -> Stored:
        sent_at = time.time_ns() // 1_000_000
        nonces = os.urandom(8 * len(batch)).hex()
        messages: list[Message] = []
        stored: dict[str, Placed] = {}
        for i, said in enumerate(batch):
            user, draft = said.user, said.draft
            room = rooms[user.room]
            placed = stored.get(room.name)
            if placed is None:
                placed = stored[room.name] = Placed([], [], [])
            message = Message(
                room.name,
                room.last.seq + len(placed.said) + 1,
                nonces[16 * i : 16 * i + 16],
                draft.user_name or user.name,
                draft.body,
                draft.timestamp,
                sent_at,
                user.user_id,
                said.cmid,
                room.speaks_as(user.user_id) if user.user_id else "",
            )
            placed.said.append(said)
            placed.messages.append(message)
            # Before it is stored: what is stored has to be told.
            placed.frames.append(text_frame(to_json(message)))
            messages.append(message)
        self._proved_at = -PROOF_AGE
        charters = _first_charters(rooms, stored)
        began = time.monotonic()
        self._history.append(messages, charters)
        self._proved_at = time.monotonic()
        self._tally.committed(len(messages), self._proved_at - began)
        return Stored(stored, charters)

    def _say_each_once(self, batch: list[Said], rooms: Mapping[str, Room]) -> Outcome:
        """Deduplicate what clients resent for lack of an ack: store only what is not stored yet."""
        outcome: Outcome = []
        fresh: list[Said] = []
        twins: list[Said] = []
        asked: set[tuple[str, str, str]] = set()
        failed: set[Speaker] = set()
        for said in batch:
            key = (said.user.room, said.user.user_id, said.cmid)
            if not said.cmid:
                fresh.append(said)
            elif key in asked:
                twins.append(said)
            elif verdict := self._known(said):
                outcome.append(verdict)
                if isinstance(verdict, NotStored):
                    failed.add(said.user)
            else:
                asked.add(key)
                fresh.append(said)
        fresh = [said for said in fresh if said.user not in failed]
        if fresh:  # an empty commit would count as a successful write
            try:
                outcome.append(self._commit(fresh, rooms))
            except Exception as error:
                outcome.append(NotStored(fresh, error))
                failed.update(said.user for said in fresh)
        for said in twins:  # duplicates in the batch: stored by now, if their first was
            if said.user not in failed:
                outcome.append(self._known(said) or NotStored([said], CmidTaken(*CMID_TWICE)))
        return outcome

    def _known(self, said: Said) -> Recognised | Declined | NotStored | None:
        """What is to be said of a message that is stored already, or cannot be looked up."""
        try:
            known = self._history.find(said.user.room, said.user.user_id, said.cmid)
        except HistoryError as error:
            return NotStored([said], error)
        if known is None:
            return None
        if known.body == said.draft.body or known.rev:  # it may have changed since
            return Recognised(said, known)
        return Declined(said, _reused(said.cmid))

    def hold(self, said: Said, refusal: Refusal | None, room: Room) -> Outcome:
        """Commit it by itself."""
        try:
            return [self._held(said, refusal, room)]
        except Exception as error:
            return [NotStored([said], error)]

    def _held(self, said: Said, refusal: Refusal | None, room: Room) -> Verdict:
        user, draft, cmid = said.user, said.draft, said.cmid
        if cmid and (verdict := self._known(said)):
            return verdict
        if known := room.queue.find(user.user_id, cmid):
            if known.body != draft.body:  # it may be another script's, who has no user id either
                return Declined(said, _reused(cmid))
            return HeldBack(said, known, is_new=False)
        held = Held(
            room.name,
            os.urandom(8).hex(),
            draft.user_name or user.name,
            draft.body,
            draft.timestamp,
            time.time_ns() // 1_000_000,
            user.user_id,
            cmid,
        )
        if refusal := refusal or self._policy.may_wait(held, room.queue):
            return Declined(said, refusal)
        self._history.hold(held)
        return HeldBack(said, held, is_new=True)

    def change(self, change: Change, room: Room) -> Outcome:
        """Commit it by itself."""
        try:
            return [self._changed(change, room)]
        except Exception as error:
            return [NotChanged(change, error)]

    def _changed(self, change: Change, room: Room) -> Verdict:
        speaker, request = change.user, change.request
        now = time.time_ns() // 1_000_000
        message = self._history.one(room.name, request.id)
        if message is None:
            return Declined(change, Refusal("gone", "There is no such message.", change.cmid))
        standing = room.standing_of(speaker, now)
        if refusal := self._policy.may_change(speaker, standing, request, message):
            return Declined(change, refusal)
        rev, evidence, entry = room.changes.rev + 1, None, None
        match request:
            case Edit(_, _, body):
                if message.body == body:
                    return Changed(change, message, is_new=False)
                message = message.edited(body, rev, now)
            case Remove():
                if message.removed:
                    return Changed(change, message, is_new=False)
                if speaker.user_id and speaker.user_id == message.user_id:
                    remover = Remover.AUTHOR
                else:
                    remover, evidence = Remover.HOST, Evidence(message, now)
                    entry = _logged("remove", now, room.known_as(speaker), message)
                message = message.taken_back(remover, rev)
            case Restore():
                if not message.removed:
                    return Changed(change, message, is_new=False)
                known = self._history.evidence(room.name, request.id.seq)
                if known is None:
                    detail = "This message was erased."
                    return Declined(change, Refusal("gone", detail, change.cmid))
                message = known.message._replace(rev=rev)
                entry = _logged("restore", now, room.known_as(speaker), message)
            case _:
                assert_never(request)
        self._history.rewrite(message, evidence, entry)
        return Changed(change, message, is_new=True, entry=entry)

    def rule(self, ruling: Ruling, room: Room, house: House) -> Outcome:
        """Commit it by itself."""
        try:
            ranks = house.ranks(room.charter, ruling.user)
            if refusal := self._policy.may_rule(ruling.user.user_id, ruling.act, ranks):
                raise refusal
            if isinstance(ruling.act, Settling):
                return self._settled(ruling, ruling.act, room)
            if isinstance(ruling.act, BeCalled):
                return [self._called(ruling, ruling.act, room)]
            return [self._enacted(ruling, ruling.act, room, house)]
        except Refusal as refusal:
            return [Declined(ruling, refusal.about(ruling.cmid))]
        except Exception as error:
            return [NotChanged(ruling, error)]

    def _called(self, ruling: Ruling, act: BeCalled, room: Room) -> Enacted:
        now = time.time_ns() // 1_000_000
        decision = rule(room.charter, act, room.known_as(ruling.user), room.name_of, now)
        if room.charter_is_stored:  # otherwise it will be, with the first message
            self._history.enact(room.name, decision.charter.to_json(), None)
        return Enacted(ruling, room.name, room.charter, decision, None, [])

    def _settled(self, ruling: Ruling, act: Settling, room: Room) -> Outcome:
        now = time.time_ns() // 1_000_000
        if isinstance(act, Withdraw):
            held = room.queue.find(ruling.user.user_id, act.cmid)
        else:
            held = room.queue.get(act.id)
        if held is None:
            raise Refusal("gone", "This message does not wait any more.")
        outcome: Outcome = []
        message = entry = None
        if isinstance(act, Approve):
            message = Message(
                room.name,
                room.seq + 1,
                os.urandom(8).hex(),
                held.user_name,
                held.body,
                held.timestamp,
                now,
                held.user_id,
                held.cmid,
                room.speaks_as(held.user_id),
            )
            nobody = HttpSpeaker(room.name, held.user_name)  # who has said it may be gone
            said = Said(nobody, Draft(held.user_name, held.body, held.timestamp), 0)
            placed = Placed([said], [message], [text_frame(to_json(message))])
            outcome.append(Stored({room.name: placed}, {}))
        if not isinstance(act, Withdraw):
            who, whom = room.known_as(ruling.user), (held.user_id, held.user_name)
            entry = LogEntry(now, WORDS[type(act)], *who, *whom, message.id if message else "")
        self._history.settle(held, message, entry)
        self._tally.stored += message is not None
        return [*outcome, Settled(ruling, act, held, entry)]

    def _enacted(self, ruling: Ruling, act: Charting, room: Room, house: House) -> Verdict:
        now = time.time_ns() // 1_000_000
        who, before = room.known_as(ruling.user), room.charter
        if isinstance(act, UseLink):
            link = before.links.get(link_key(act.secret))
            if link and link.is_for_guests and ruling.user not in room.coming_by:
                return Enacted(ruling, room.name, before, Decision(before), None, [])
        rank = house.ranks(before, ruling.user)(ruling.user.user_id)
        if _is_for_all(act, rank, house):
            decision = rule_for_all(house.charter, before, act, who, room.name_of, now)
        else:
            decision = rule(before, act, who, room.name_of, now)
            if isinstance(act, Bar) and act.seconds == 0:
                house_ban = house.charter.at(now).barred.get(act.user_id)
                if refusal := self._policy.may_let_back(rank, house_ban):
                    raise refusal
        step, entry = Step([], [], None), None
        if sweep := sweep_of(self._history, room.name, room.seq, act, now):
            sweep = begun(sweep, WORDS[type(act)], who, decision.whom)
            step = next_step(self._history, room.name, room.changes.rev, sweep, now)
            decision = with_sweep(decision, step)
        if isinstance(act, Bar):
            addresses = room.presence.addresses_of(act.user_id)
            keys = house.whereabouts.keys_of(room.name, act.user_id, addresses)
            decision = with_watch(decision, act, keys, now)
        if isinstance(act, Admit | TurnBack) and act.user_id:
            if act.user_id not in room.knocks:
                raise Refusal("gone", "This person does not knock any more.")
            decision = decision._replace(whom=Known(act.user_id, room.knocks[act.user_id].name))
        if decision.house == house.charter.at(now):
            decision = decision._replace(house=None)
        refused = refused_by(act, room.queue, now)
        is_news = decision.is_done or step.done or decision.house or refused
        if is_news or decision.charter != before.at(now):
            entry = LogEntry(now, WORDS[type(act)], *who, *decision.whom, decision.what)
            self._store(room, act, decision, entry, step, refused)
        removed = [message for message, _ in step.removed]
        return Enacted(ruling, room.name, before, decision, entry, removed, refused)

    def _store(
        self,
        room: Room,
        act: Charting,
        decision: Decision,
        entry: LogEntry,
        step: Step,
        refused: list[Held],
    ) -> None:
        house = decision.house.to_json() if decision.house else None
        if isinstance(act, UseOperatorLink):  # the room has decided nothing
            self._history.enact("", house or "", entry)
        else:
            effects = Effects(house, step.removed, step.erased, refused)
            self._history.enact(room.name, decision.charter.to_json(), entry, effects)

    def sweep(self, room: Room) -> Outcome:
        """Commit the next step of what was begun first or, without that, forget what is over."""
        try:
            return [self._swept(room)]
        except Exception as error:
            return [NotSwept(room.name, error)]

    def _swept(self, room: Room) -> Swept:
        now = time.time_ns() // 1_000_000
        if not room.charter.sweeps:  # then something is over
            charter = room.charter.at(now)
            if charter != room.charter:
                self._history.enact(room.name, charter.to_json(), None)
            return Swept(room.name, charter, [], None)
        first, *others = room.charter.sweeps
        step = next_step(self._history, room.name, room.changes.rev, first, now)
        rest = (step.rest, *others) if step.rest else tuple(others)
        charter, entry = replace(room.charter.at(now), sweeps=rest), None
        if not step.rest:
            what = f"{in_words(first.done + step.done)} in all"
            whose = first.act, first.by_id, first.by_name, first.whom_id, first.whom_name
            entry = LogEntry(now, *whose, what)
        effects = Effects(None, step.removed, step.erased)
        self._history.enact(room.name, charter.to_json(), entry, effects)
        return Swept(room.name, charter, [message for message, _ in step.removed], entry)

    def prove(self) -> None:
        """Write, unless that has just been done."""
        if time.monotonic() - self._proved_at > PROOF_AGE:
            self._history.probe()
            self._proved_at = time.monotonic()
