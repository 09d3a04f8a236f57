"""Broadcasts: what is said gets its place as one batch, then goes to everyone in its rooms."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from chatroom.errors import HistoryError, Refusal
from chatroom.matching import assert_never
from chatroom.message import Message, MessageId
from chatroom.rooms.active_rooms import ActiveRooms
from chatroom.rooms.entrance import Entrance
from chatroom.rooms.faults import Faults
from chatroom.rooms.hosting import Hosting
from chatroom.rooms.order import Order
from chatroom.rooms.policy import HOLD, NOT_INSIDE, Hold, Policy
from chatroom.rooms.room import Room
from chatroom.rooms.subscriber import Heard, HeardChange
from chatroom.rooms.sweeper import Sweeping
from chatroom.rooms.verdicts import (
    Again,
    Changed,
    Declined,
    Enacted,
    HeldBack,
    Looked,
    NotChanged,
    NotStored,
    NotSwept,
    Outcome,
    Placed,
    Recognised,
    Settled,
    Stored,
    Swept,
)
from chatroom.users.requests import BY_THE_WAY, Change, Leaving, Ruling, Said, Unsaid, Wish
from chatroom.users.speaker import Participant, Speaker
from chatroom.wire.acts import Forget, Look
from chatroom.wire.typed import Rename
from chatroom.wire.websocket import text_of

NOT_STORED = "not stored: history unavailable"


class Broadcaster:
    """Owned by the Server thread.

    Args:
        order: gives what is said its place.
        policy: says who may speak.
        rooms: the Server's.
        entrance: removes users who cannot stay; grants wishes.
        hosting: does what follows from an act of a host.
        faults: the Server's.
    """

    def __init__(
        self,
        order: Order,
        policy: Policy,
        rooms: ActiveRooms,
        entrance: Entrance,
        hosting: Hosting,
        faults: Faults,
    ) -> None:
        self._order = order
        self._policy = policy
        self._rooms = rooms
        self._entrance = entrance
        self._hosting = hosting
        self._faults = faults
        self.follow: Callable[[Looked], None]
        """Does what others have done; where there are others."""
        self._waiting: deque[list[Said] | Unsaid | Change | Ruling | Wish | Leaving | Sweeping] = (
            deque()
        )
        self._under_way: list[Room] = []
        self._deserted: list[Room] = []  # rooms that may be empty once the batch is told

    def is_busy(self) -> bool:
        """A batch is on its way to the history; what is said meanwhile has to wait."""
        return bool(self._under_way)

    def is_busy_in(self, room: str) -> bool:
        """Whether that batch has something of this room."""
        return any(one.name == room for one in self._under_way)

    # -- the first half: to the history -----------------------------------------------------------

    def handle(self, batch: list[Said | Change | Ruling | Wish]) -> None:
        """Broadcast the batch; all but typing notices keep their place in it: those come last."""
        first = batch[0]
        is_idle = not (self._waiting or self._under_way or self._entrance.released)
        if is_idle and len(batch) == 1 and isinstance(first, Said):
            self._say([first])  # nearly always, where people talk one by one
            if not self._waiting:
                return
        else:
            self._line_up(batch)
        self.go_on()

    def sweep(self, room: str) -> None:
        """Go on with what its charter says is left to do, when its turn comes."""
        self._waiting.append(Sweeping(room))
        self.go_on()

    def go_on(self) -> None:
        """Handle what waits, as long as nothing is under way."""
        while not self._under_way:
            if self._entrance.released:
                later, self._waiting = self._waiting, deque()
                self._line_up(self._entrance.released)  # before what the same users have said since
                self._entrance.released = []
                self._waiting += later
            if not self._waiting:
                return
            try:
                match self._waiting.popleft():
                    case list() as said:
                        self._say(said)
                    case Unsaid(said, refusal):
                        self._hold(said, refusal)
                    case Change() as change:
                        self._change(change)
                    case Ruling() as ruling:
                        self._rule(ruling)
                    case Wish() as wish:
                        self._grant(wish)
                    case Leaving(user, cause):
                        self._entrance.remove(user, cause)
                    case Sweeping(name):
                        self._sweep(name)
            except Exception:  # the others in the batch still want to be heard
                self._faults.note_bug()

    def _line_up(self, items: Iterable[Said | Change | Ruling | Wish | Leaving]) -> None:
        said: list[Said] = []
        typing: list[Wish] = []
        for item in items:
            if isinstance(item, Said):  # one of many: match would look at more
                said.append(item)
            elif isinstance(item, Wish) and isinstance(item.request, BY_THE_WAY):
                typing.append(item)
            else:
                self._waiting += (said, item)
                said = []
        self._waiting += (said, *typing)

    def _say(self, batch: list[Said]) -> None:
        batch, unsaid, error = self._admitted(self._entrance.let_wait(batch))
        if unsaid:
            self._waiting.extendleft(reversed(unsaid))
        if not batch:  # an empty commit would count as a successful write
            self._tell([])
            return
        failed: Outcome = [NotStored(batch, error)] if error else []
        outcome = failed or self._order.say(batch, self._rooms)
        if outcome is not None:
            self._tell(outcome)
        else:
            self._await(None, {said.user.room for said in batch})

    def _hold(self, said: Said, refusal: Refusal | None) -> None:
        if not said.user.failed and self._is_open_for(said):
            room = self._rooms[said.user.room]
            self._await(self._order.hold(said, refusal, room), {room.name})

    def _change(self, change: Change) -> None:
        if not self._entrance.waits(change) and self._is_open_for(change):
            room = self._rooms[change.user.room]
            self._await(self._order.change(change, room), {room.name})

    def _rule(self, ruling: Ruling) -> None:
        if not self._entrance.waits(ruling) and self._is_open_for(ruling):
            room = self._rooms[ruling.user.room]
            self._await(self._order.rule(ruling, room, self._rooms.house), {room.name})

    def _sweep(self, name: str) -> None:
        if self._rooms.wait_for(name, partial(self._waiting.append, Sweeping(name))):
            return
        try:
            room = self._rooms.look_into(name)
        except HistoryError as error:
            self._tell([NotSwept(name, error)])
            return
        self._deserted.append(room)
        self._await(self._order.sweep(room), {name})

    def _is_open_for(self, item: Said | Change | Ruling) -> bool:
        """Whether its room is open to whoever wants something there; otherwise they were told."""
        user = item.user
        if not user.inside:
            if item.cmid:  # not a link: that comes with a hello, which was refused
                user.refuse(NOT_INSIDE.about(item.cmid))
            return False
        room = self._rooms.get(user.room)
        if room is None or not room.holds(user):  # over HTTP, or its user has just left
            if self._waits_at_the_door(item):
                return False
            try:
                self._deserted.append(self._entered(item))
            except Refusal as refusal:
                user.refuse(refusal.about(item.cmid))
                return False
            except Exception as error:
                self._tell([_failed(item, error)])
                return False
        return True

    def _waits_at_the_door(self, item: Said | Change | Ruling) -> bool:
        """Whether its room has to be read first: then it comes again."""
        again = partial(self._entrance.released.append, item)
        return self._rooms.wait_for(item.user.room, again, item.user.proof)

    def _entered(self, item: Said | Change | Ruling) -> Room:
        """An act that is refused makes no room, and neither does a look."""
        user = item.user
        if isinstance(item, Ruling) and isinstance(item.act, Forget):
            return self._rooms.look_into(user.room)
        if isinstance(item, Ruling) and self._rooms.would_be_new(user.room, user.address):
            refusal = self._policy.may_rule(user.user_id, item.act, self._rooms.ranks(user))
            if refusal:
                raise refusal
            if isinstance(item.act, Look):
                return self._rooms.look_into(user.room)
        return self._entered_by(user)

    def _entered_by(self, user: Speaker) -> Room:
        whose = user.user_id, user.operator_link, user.proof
        return self._rooms.enter(user.room, user.address, *whose)

    def _grant(self, wish: Wish) -> None:
        if self._entrance.waits(wish) or not self._entrance.has_inside(wish):
            return
        if isinstance(wish.request, Rename):
            room, now = self._rooms[wish.user.room], time.time_ns() // 1_000_000
            if refusal := self._policy.may_rename(wish.user, room.standing_of(wish.user, now)):
                wish.user.refuse(refusal)
                return
        self._entrance.grant(wish)

    def _await(self, outcome: Outcome | None, rooms: set[str]) -> None:
        if outcome is not None:
            self._tell(outcome)
            return
        self._under_way = [self._rooms[name] for name in rooms]
        for room in self._under_way:
            room.awaited += 1

    def _admitted(self, batch: list[Said]) -> tuple[list[Said], list[Unsaid], Exception | None]:
        """What may be said, and what may not. The rooms in which it is are open, or the error
        tells why not."""
        admitted: list[Said] = []
        unsaid: list[Unsaid] = []
        failure: Exception | None = None
        for said in batch:
            user = said.user
            if user.failed:  # nothing more of it is stored: it would follow what was not
                continue
            refusal, room = None, self._rooms.get(user.room)
            if user.is_visiting or room is None:
                if self._waits_at_the_door(said):
                    continue
                refusal = self._policy.may_say(user, said.cmid, None)
                if refusal is None:
                    try:  # it is spoken to over HTTP, or by somebody who has just left
                        room = self._entered_by(user)
                        self._deserted.append(room)
                    except Refusal as error:
                        refusal = error
                    except Exception as error:
                        failure = error
            verdict = refusal or self._judged(said, room)
            if verdict is None:
                admitted.append(said)
            elif verdict is HOLD:
                unsaid.append(Unsaid(said, None))
            elif refusal or not said.cmid:
                user.refuse(verdict)
            else:  # sent again, for lack of an answer, it is stored whatever the rules are now
                unsaid.append(Unsaid(said, verdict))
        return admitted, unsaid, failure

    def _judged(self, said: Said, room: Room | None) -> Refusal | Hold | None:
        user = said.user
        if room is None or (room.lets_all_speak and not room.queue.held):  # nearly always
            return self._policy.may_say(user, said.cmid, None)
        now = time.time_ns() // 1_000_000
        verdict = self._policy.may_say(user, said.cmid, room.standing_of(user, now))
        if verdict is None:
            if room.queue.find(user.user_id, said.cmid):
                return HOLD  # it waits since it was sent before, whatever the rules are now
            room.note_said(user, now)
        return verdict

    # -- the second half: to everybody ------------------------------------------------------------

    def take(self, outcome: Outcome) -> None:
        """What became of the batch that was under way."""
        for room in self._under_way:
            room.awaited -= 1
        self._deserted += self._under_way
        self._under_way = []
        self._tell(outcome)

    def _tell(self, outcome: Outcome) -> None:
        for verdict in outcome:
            match verdict:
                case Stored():
                    self._send_all(verdict)
                case Recognised(said, message):
                    if not said.user.failed:
                        said.user.recognised(message)
                        said.user.send_acks()
                case HeldBack(said, held, is_new):
                    if is_new:
                        self._hosting.hold(held, said.user)
                    if not said.user.failed:
                        said.user.held_back(held)
                case Settled():
                    self._hosting.settle(verdict)
                case Changed(change, message, is_new, entry):
                    room = self._rooms[message.room]
                    if is_new:
                        self._spread(room, [message])
                    if entry:
                        self._hosting.note(room, entry)
                    change.user.altered(change.cmid, message)
                case Enacted():
                    self._spread(self._rooms[verdict.room], verdict.changed)
                    self._hosting.take(verdict)
                case Swept():
                    self._spread(self._rooms[verdict.room], verdict.changed)
                    self._hosting.take_more(verdict)
                case NotSwept(room, error):
                    self._faults.note_failure("messages are not removed yet", error)
                    self._hosting.try_again(room)
                case NotChanged(change, error):
                    self._faults.note_failure("a change is not stored", error)
                    detail = "That could not be stored; try again."
                    change.user.refuse(Refusal("not-stored", detail, change.cmid))
                    if isinstance(change, Ruling):
                        self._entrance.turn_out_guest(change.user, change.act)
                case Declined(said, refusal):
                    if not said.user.failed:
                        said.user.refuse(refusal)
                    if isinstance(said, Ruling):
                        self._entrance.turn_out_guest(said.user, said.act)
                case NotStored(batch, error):
                    self._not_stored(batch, error)
                case Again(what):
                    self._waiting.appendleft(what)
                case Looked():
                    self.follow(verdict)
                case _:
                    assert_never(verdict)
        while self._deserted:
            self._rooms.forget_if_empty(self._deserted.pop().name)

    def _send_all(self, stored: Stored) -> None:
        new: list[tuple[Room, Placed]] = []
        # All of them first: a fault in one affects no other.
        for name, placed in stored.rooms.items():
            room = self._rooms[name]
            if placed.messages[0].seq <= room.last.seq:  # it has heard of some already
                placed = placed.after(room.last.seq)
            if placed.messages:
                room.last = placed.last
            if name in stored.charters:
                room.charter_is_stored = True
                room.decided += 1
            new.append((room, placed))
            if placed.messages and placed.messages[0].seq == 1:
                self._rooms.count_as_stored(name)
        for room, placed in new:
            room.remember(placed.frames)
            if room.subscribers:
                ids = (MessageId(message.seq, message.nonce) for message in placed.messages)
                room.hand_on(list(map(Heard, ids, map(text_of, placed.frames))))
            room.send(placed.frames)
            self._acknowledge(stored.rooms[room.name])
            self._entrance.committed(room)

    @staticmethod
    def _spread(room: Room, messages: Sequence[Message]) -> None:
        new = [it for it in messages if it.rev > room.changes.rev]  # it may have heard of some
        if new and max(it.seq for it in new) <= room.seq:  # else a look brings it, in order
            room.change(new)
            room.hand_on(list(map(HeardChange.of, new)) if room.subscribers else [])

    @staticmethod
    def _acknowledge(placed: Placed) -> None:
        speakers: dict[Speaker, None] = {}
        for said, message in zip(placed.said, placed.messages, strict=True):
            if said.user.acknowledged:
                said.user.committed(message)
                speakers[said.user] = None
        for speaker in speakers:
            speaker.send_acks()

    def _not_stored(self, batch: list[Said], error: Exception) -> None:
        self._faults.note_not_stored(len(batch), error)
        leaving: dict[Participant, None] = {}
        for said in batch:
            if not said.user.failed and (user := said.user.not_stored(said.cmid, NOT_STORED)):
                leaving[user] = None
        for said in batch:
            said.user.failed = True
        for user in leaving:
            self._entrance.remove(user, NOT_STORED)


def _failed(item: Said | Change | Ruling, error: Exception) -> NotStored | NotChanged:
    return NotStored([item], error) if isinstance(item, Said) else NotChanged(item, error)
