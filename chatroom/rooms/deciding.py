"""What becomes of what waits for approval, of changes and of hosts' acts: decided here, for every
``Order``."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from functools import partial
from typing import TypeGuard

from chatroom.errors import HistoryError, Outdated, Refusal
from chatroom.files.stored import carried
from chatroom.history import History
from chatroom.history.host_log import LogEntry
from chatroom.history.shared import Addresses, SharedHistory
from chatroom.matching import assert_never
from chatroom.message import Draft, Evidence, Held, Message, Remover
from chatroom.rooms.charter import MOST_SWEEPS, House, Sweep
from chatroom.rooms.crowd import Known
from chatroom.rooms.person import forgotten, wiping
from chatroom.rooms.policy import HOLD, Policy
from chatroom.rooms.ranks import Rank
from chatroom.rooms.register import free_for
from chatroom.rooms.room import Room
from chatroom.rooms.ruling import (
    BEING_REMOVED,
    WRONG_LINK,
    Decision,
    ForAll,
    link_key,
    restored,
    rule,
    rule_for_all,
    with_sweep,
    with_watch,
)
from chatroom.rooms.steps import Steps, ask
from chatroom.rooms.sweeper import Sweeping
from chatroom.rooms.sweeping import (
    Step,
    begun,
    in_words,
    moment_of_its_own,
    next_step,
    refused_by,
    sparing,
    sweep_of,
)
from chatroom.rooms.verdicts import (
    Again,
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
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.users.requests import Change, Ruling, Said
from chatroom.users.speaker import Speaker
from chatroom.users.tokens import new_identity
from chatroom.wire.acts import (
    WORDS,
    Admit,
    Approve,
    Bar,
    BeCalled,
    Charting,
    Clear,
    Forget,
    Look,
    RestoreAll,
    Settling,
    TurnBack,
    UnmakeHost,
    UseLink,
    UseOperatorLink,
    Withdraw,
)
from chatroom.wire.message_json import to_json
from chatroom.wire.typed import Bring, Edit, Remove, Restore
from chatroom.wire.websocket import text_frame

LEAST_SUGGESTED = 16
"""Characters that another name may have, however short the one is that is taken."""

NOT_FREE = (
    "There is no such file of yours in this room. Upload it first, with the same token; within an "
    "hour, say one message with it."
)


def known(history: History, said: Said) -> Recognised | Declined | NotStored | None:
    """What is to be said of a message that is stored already, or cannot be looked up."""
    try:
        stored = history.find(said.user.room, said.user.user_id, said.cmid)
    except HistoryError as error:
        return NotStored([said], error)
    return recognised(said, stored) if stored else None


def recognised(said: Said, stored: Message) -> Recognised | Declined:
    """What is to be said of a message that is stored already, under this cmid."""
    if stored.body == said.draft.body or stored.rev:  # it may have changed since
        return Recognised(said, stored)
    return Declined(said, _reused(said.cmid))


def _is_for_all(act: Charting, rank: Rank, house: House) -> TypeGuard[ForAll]:
    """Whether it holds in all rooms, if somebody of this rank does it."""
    if isinstance(act, UnmakeHost):
        return act.user_id in house.charter.hosts
    return isinstance(act, UseOperatorLink) or (isinstance(act, Bar) and rank is Rank.OPERATOR)


def _forget_in_log(room: str, user_id: str, stranger: str, history: History) -> None:
    history.forget_in_log(room, user_id, stranger)


def _forget_reactions(history: History, room: str, user_id: str) -> None:
    history.forget_reactions(room, user_id)


def _may_carry(verdict: Verdict, brought: Bring) -> bool:
    """Whether what was sent before, under this cmid, may have had this file, and said the same of
    it."""
    match verdict:
        case Recognised(_, message):
            text = message.file
        case HeldBack(_, held, _):
            text = held.file
        case _:
            return True
    if isinstance(verdict, Recognised) and verdict.message.removed:
        return True
    had = carried(text) if text else {}
    return (had.get("id"), had.get("alt", "")) == (brought.file, brought.alt)


def _reused(cmid: str) -> Refusal:
    detail = "This cmid was used for another message; use a new one."
    return Refusal("cmid-reused", detail, cmid)


def _logged(act: str, now: int, who: Known, message: Message) -> LogEntry:
    return LogEntry(now, act, *who, message.user_id, message.user_name, message.id)


def _log_for(room: Room, rank: Rank) -> Steps[list[LogEntry] | HistoryError]:
    """The host log, newest first; operators see who is one, and who has become one."""
    try:
        log = yield from ask(lambda history: history.host_log(room.name))
        if rank is Rank.OPERATOR:
            log += yield from ask(lambda history: history.host_log(""))
    except HistoryError as error:
        return error
    return sorted(log, key=lambda it: it.at, reverse=True)


def _addresses(room: Room, user_id: str) -> Steps[Addresses]:
    """Where somebody is as other processes know."""

    def look(history: History) -> Addresses:
        if isinstance(history, SharedHistory):
            return history.addresses(room.name, user_id)
        return Addresses()

    return (yield from ask(look))


class Decider:
    """Used by the Server thread: the rooms are its, and so is each decision between two questions.

    Args:
        policy: says who may do what.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def hold(self, said: Said, refusal: Refusal | None, room: Room) -> Steps[Outcome]:
        """As ``Order.hold``."""
        try:
            return [(yield from self._held(said, refusal, room))]
        except Outdated:
            return [Again([said])]
        except Exception as error:
            return [NotStored([said], error)]

    def _sent_before(self, said: Said, room: Room) -> Steps[Verdict | None]:
        """What became of it then."""
        user, cmid = said.user, said.cmid
        if cmid and (verdict := (yield from ask(partial(known, said=said)))):
            return verdict
        if waiting := room.queue.find(user.user_id, cmid):
            if waiting.body != said.draft.body:  # it may be another script's without a user id
                return Declined(said, _reused(cmid))
            return HeldBack(said, waiting, is_new=False)
        return None

    def _brought(self, said: Said, brought: Bring, room: Room, now: int) -> Steps[Verdict]:
        """Say something that carries a file, as soon as it may be said."""
        user, draft, cmid = said.user, said.draft, said.cmid
        if verdict := (yield from self._sent_before(said, room)):
            return verdict if _may_carry(verdict, brought) else Declined(said, _reused(cmid))
        judged = self._policy.may_show(user, cmid, room.standing_of(user, now))
        if isinstance(judged, Refusal):
            return Declined(said, judged)
        if refusal := self._signed(user, draft.user_name, room):
            return Declined(said, refusal.about(cmid))
        file = yield from ask(lambda history: history.file(brought.file))
        if file is None or not file.is_free_for(room.name, user.user_id, now):
            return Declined(said, Refusal("no-such-file", NOT_FREE, cmid))
        if judged is HOLD:
            return (yield from self._held(said, None, room, file.to_json(brought.alt)))
        if not room.lets_all_speak:
            room.note_said(user, now)
        message = Message(
            room.name,
            room.seq + 1,
            os.urandom(8).hex(),
            draft.user_name or user.name,
            draft.body,
            draft.timestamp,
            now,
            user.user_id,
            cmid,
            room.speaks_as(user.user_id),
            draft.reply_to,
            file=file.to_json(brought.alt),
        )
        charters = {} if room.charter_is_stored else {room.name: room.charter.to_json()}
        yield from ask(lambda history: history.append([message], charters))
        placed = Placed([said], [message], [text_frame(to_json(message))])
        return Stored({room.name: placed}, charters)

    def _signed(self, user: Speaker, name: str, room: Room) -> Refusal | None:
        """Whether somebody whom the room knows, and who is not in it by a socket, may say something
        under a name: everybody takes it for checked."""
        if not name or user.proof.key:  # that is its own; and a key's was checked
            return None
        free = free_for(user.user_id, name, room, max(len(name), LEAST_SUGGESTED))
        return self._policy.may_be_called(name, "" if free == name else free)

    def _held(
        self, said: Said, refusal: Refusal | None, room: Room, file: str = ""
    ) -> Steps[Verdict]:
        user, draft, cmid = said.user, said.draft, said.cmid
        if verdict := (yield from self._sent_before(said, room)):
            return verdict
        held = Held(
            room.name,
            os.urandom(8).hex(),
            draft.user_name or user.name,
            draft.body,
            draft.timestamp,
            time.time_ns() // 1_000_000,
            user.user_id,
            cmid,
            draft.reply_to,
            file,
        )
        if refusal := refusal or self._policy.may_wait(held, room.queue):
            return Declined(said, refusal)
        yield from ask(lambda history: history.hold(held))
        return HeldBack(said, held, is_new=True)

    def change(self, change: Change, room: Room) -> Steps[Outcome]:
        """As ``Order.change``."""
        try:
            return [(yield from self._changed(change, room))]
        except Outdated:
            return [Again(change)]
        except Exception as error:
            return [NotChanged(change, error)]

    def _changed(self, change: Change, room: Room) -> Steps[Verdict]:
        speaker, request = change.user, change.request
        now = time.time_ns() // 1_000_000
        if isinstance(request, Bring):
            said = Said(speaker, request.draft, change.cost, request.cmid)
            return (yield from self._brought(said, request, room, now))
        message = yield from ask(lambda history: history.one(room.name, request.id))
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
                    of = partial(moment_of_its_own, room=room.name, seq=room.seq, now=now)
                    now = yield from ask(of)
                    remover, evidence = Remover.HOST, Evidence(message, now)
                    entry = _logged("remove", now, room.known_as(speaker), message)
                message = message.taken_back(remover, rev)
            case Restore():
                if not message.removed:
                    return Changed(change, message, is_new=False)
                was = yield from ask(lambda it: it.evidence(room.name, request.id.seq))
                if was is None:
                    detail = "This message was erased."
                    return Declined(change, Refusal("gone", detail, change.cmid))
                message = was.message._replace(rev=rev)
                entry = _logged("restore", now, room.known_as(speaker), message)
            case _:
                assert_never(request)
        now_reads = message
        yield from ask(lambda history: history.rewrite(now_reads, evidence, entry))
        return Changed(change, message, is_new=True, entry=entry)

    def rule(self, ruling: Ruling, room: Room, house: House) -> Steps[Outcome]:
        """As ``Order.rule``."""
        try:
            return (yield from self._ruled(ruling, room, house))
        except Refusal as refusal:
            return [Declined(ruling, refusal.about(ruling.cmid))]
        except Outdated:
            return [Again(ruling)]
        except Exception as error:
            return [NotChanged(ruling, error)]

    def _ruled(self, ruling: Ruling, room: Room, house: House) -> Steps[Outcome]:
        ranks = house.ranks(room.charter, ruling.user)
        if refusal := self._policy.may_rule(ruling.user.user_id, ruling.act, ranks):
            raise refusal
        if isinstance(ruling.act, Settling):
            return (yield from self._settled(ruling, ruling.act, room))
        if isinstance(ruling.act, BeCalled):
            return [(yield from self._called(ruling, ruling.act, room))]
        if isinstance(ruling.act, Forget):
            return [(yield from self._forgotten(ruling, room, house))]
        return [(yield from self._enacted(ruling, ruling.act, room, house))]

    def _forgotten(self, ruling: Ruling, room: Room, house: House) -> Steps[Enacted]:
        user_id, before = ruling.user.user_id, room.charter
        now = time.time_ns() // 1_000_000
        stranger = new_identity().user_id
        for name in ("", room.name):  # before the rest, after which nobody asks again
            yield from ask(partial(_forget_in_log, name, user_id, stranger))
        yield from ask(lambda history: history.disown_files(room.name, user_id))
        yield from ask(partial(_forget_reactions, room=room.name, user_id=user_id))
        sweeps = [it for it in before.sweeps if not (it.wipes and it.user_id == user_id)]
        # Also what they have just said elsewhere, of which the room is yet to hear.
        last = yield from ask(lambda history: history.head(room.name).seq)
        step = yield from self._step(room, wiping(user_id, last), now)
        if step.rest:
            if len(sweeps) >= MOST_SWEEPS:
                raise Refusal("too-many", BEING_REMOVED)
            # The first: nothing comes back before that is to go.
            sweeps = [step.rest, *(sparing(it, [step.rest]) for it in sweeps)]
        without_them = replace(before.at(now), sweeps=tuple(sweeps))
        after = forgotten(without_them, user_id, stranger)
        after_house = forgotten(house.charter, user_id, stranger)
        decision = Decision(after, house=None if after_house == house.charter else after_house)
        refused = room.queue.of(user_id)
        if not (step.done or refused or decision.house or after != before.at(now)):
            return Enacted(ruling, room.name, before, Decision(before), None, [])
        effects = step.effects(decision.house.to_json() if decision.house else None, refused)
        yield from ask(lambda it: it.enact(room.name, after.to_json(), None, effects))
        return Enacted(ruling, room.name, before, decision, None, step.changed, refused)

    def _called(self, ruling: Ruling, act: BeCalled, room: Room) -> Steps[Enacted]:
        now = time.time_ns() // 1_000_000
        decision = rule(room.charter, act, room.known_as(ruling.user), room.name_of, now)
        if room.charter_is_stored:  # otherwise it will be, with the first message
            charter = decision.charter.to_json()
            yield from ask(lambda history: history.enact(room.name, charter, None))
        return Enacted(ruling, room.name, room.charter, decision, None, [])

    def _settled(self, ruling: Ruling, act: Settling, room: Room) -> Steps[Outcome]:
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
                held.reply_to,
                file=held.file,
            )
            nobody = HttpSpeaker(room.name, held.user_name)  # who has said it may be gone
            said = Said(nobody, Draft(held.user_name, held.body, held.timestamp), 0)
            placed = Placed([said], [message], [text_frame(to_json(message))])
            outcome.append(Stored({room.name: placed}, {}))
        if not isinstance(act, Withdraw):
            who, whom = room.known_as(ruling.user), (held.user_id, held.user_name)
            entry = LogEntry(now, WORDS[type(act)], *who, *whom, message.id if message else "")
        yield from ask(lambda history: history.settle(held, message, entry))
        return [*outcome, Settled(ruling, act, held, entry)]

    def _enacted(self, ruling: Ruling, act: Charting, room: Room, house: House) -> Steps[Verdict]:
        now = time.time_ns() // 1_000_000
        if isinstance(act, Bar | Clear):
            now = yield from ask(partial(moment_of_its_own, room=room.name, seq=room.seq, now=now))
        who, before = room.known_as(ruling.user), room.charter
        if isinstance(act, UseLink):
            key = link_key(act.secret)
            link = before.links.get(key)
            is_spent = link is None or not link.uses or who.user_id in before.hosts
            if not is_spent and not before.good_link(key, house.charter, now):
                raise Refusal("wrong-link", WRONG_LINK)
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
        sweep = yield from ask(lambda it: sweep_of(it, room.name, room.seq, act, now))
        if sweep:
            sweep = sparing(sweep, before.sweeps)
            sweep = begun(sweep, WORDS[type(act)], who, decision.whom, now)
            step = yield from self._step(room, sweep, now)
            decision = with_sweep(decision, act, step, now)
            if isinstance(act, RestoreAll) and not step.done and decision.charter == before.at(now):
                yield from self._demand_restored(room, act)
        if isinstance(act, Bar):
            addresses = room.presence.addresses_of(act.user_id)
            keys = house.whereabouts.keys_of(room.name, act.user_id, addresses)
            keys |= (yield from _addresses(room, act.user_id)).keys
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
            yield from self._store(room, act, decision, entry, step, refused)
        if isinstance(act, Look) and act.user_id:
            sharing = (yield from _addresses(room, act.user_id)).sharing
            if sharing is not None:
                decision = decision._replace(told={"sharing": sharing})
        log = (yield from _log_for(room, rank)) if isinstance(act, Look) else []
        return Enacted(ruling, room.name, before, decision, entry, step.changed, refused, log)

    @staticmethod
    def _demand_restored(room: Room, act: RestoreAll) -> Steps[None]:
        """Nothing of it is there any more: then it was asked for before, or is erased."""
        log = yield from ask(lambda history: history.host_log(room.name))
        if not any(WORDS[RestoreAll] == it.act and restored(act) in it.what for it in log):
            raise Refusal("gone", "Nothing of it is left to bring back: it is erased.")

    def _store(
        self,
        room: Room,
        act: Charting,
        decision: Decision,
        entry: LogEntry,
        step: Step,
        refused: list[Held],
    ) -> Steps[None]:
        house = decision.house.to_json() if decision.house else None
        if isinstance(act, UseOperatorLink):  # the room has decided nothing
            yield from ask(lambda history: history.enact("", house or "", entry))
        else:
            effects = step.effects(house, refused)
            charter = decision.charter.to_json()
            yield from ask(lambda history: history.enact(room.name, charter, entry, effects))

    def sweep(self, room: Room) -> Steps[Outcome]:
        """As ``Order.sweep``."""
        try:
            return [(yield from self._swept(room))]
        except Outdated:
            return [Again(Sweeping(room.name))]
        except Exception as error:
            return [NotSwept(room.name, error)]

    def _swept(self, room: Room) -> Steps[Swept]:
        now = time.time_ns() // 1_000_000
        if not room.charter.sweeps:  # then something is over
            charter = room.charter.at(now)
            if charter != room.charter:
                yield from ask(lambda it: it.enact(room.name, charter.to_json(), None))
            return Swept(room.name, charter, [], None)
        first, *others = room.charter.sweeps
        step = yield from self._step(room, first, now)
        rest = (step.rest, *others) if step.rest else tuple(others)
        left, entry = replace(room.charter.at(now), sweeps=rest), None
        if first.wipes and not step.rest:  # whoever has acted since may have noted them anew
            stranger = new_identity().user_id
            yield from ask(partial(_forget_in_log, room.name, first.user_id, stranger))
        if not (step.rest or first.wipes):  # what people do with their own is in no log
            what = f"{in_words(first.done + step.done)} in all"
            whose = first.act, first.by_id, first.by_name, first.whom_id, first.whom_name
            entry = LogEntry(now, *whose, what)
        effects = step.effects()
        yield from ask(lambda it: it.enact(room.name, left.to_json(), entry, effects))
        return Swept(room.name, left, step.changed, entry)

    @staticmethod
    def _step(room: Room, sweep: Sweep, now: int) -> Steps[Step]:
        rev = room.changes.rev
        return (yield from ask(lambda it: next_step(it, room.name, rev, sweep, now)))
