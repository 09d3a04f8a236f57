"""The rooms' door: users come in, get the past messages, and leave."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from functools import partial

from chatroom.errors import HistoryError, HistoryUnavailable, Refusal, UserError
from chatroom.log import printable
from chatroom.matching import assert_never
from chatroom.rooms import register
from chatroom.rooms.active_rooms import ActiveRooms
from chatroom.rooms.charter import Charter, Door, WatchedAddress
from chatroom.rooms.crowd import UNKNOWN, Known
from chatroom.rooms.fallen import Fallen
from chatroom.rooms.faults import Faults
from chatroom.rooms.greeter import Greeter
from chatroom.rooms.knocking import KnockSeen
from chatroom.rooms.mirrors import AboutPeople, Mirrors
from chatroom.rooms.news import News
from chatroom.rooms.policy import NOT_INSIDE, Policy, removed
from chatroom.rooms.reactions import Reactions
from chatroom.rooms.register import MOST_ATTEMPTS, Answer, Away, Enter, Gone, Leave, Register
from chatroom.rooms.replay import Replay
from chatroom.rooms.room import Room
from chatroom.rooms.rules import Rules
from chatroom.rooms.subscriber import Subscribed, Subscriber
from chatroom.rooms.timers import Timers
from chatroom.tally import Tally
from chatroom.users.proof import NOTHING, Proof
from chatroom.users.requests import (
    Arrival,
    CaughtUp,
    Change,
    Join,
    Joining,
    Leaving,
    Ruling,
    Said,
    Wish,
)
from chatroom.users.speaker import Participant, Speaker, TypedParticipant
from chatroom.users.typed_user import MAX_BAD_FRAMES
from chatroom.wire import typed
from chatroom.wire.acts import Act, BeCalled, UseLink, UseOperatorLink
from chatroom.wire.reactions import React
from chatroom.wire.typed import Rename, Typing
from chatroom.wire.websocket import CloseCode

log = logging.getLogger(__name__)

NO_ENTRY = Refusal("no-entry", "A host has not let you in.")

REVOKED = Refusal("no-entry", "A host has revoked the key that you came in with.")

ADMITTED, REFUSED, GONE = "admitted", "refused", "gone"
"""What has become of somebody who knocked."""

AHEAD_SECONDS = 0.5
"""When there is another look at what somebody has read, after one that has failed."""

REMOVED = "removed"
"""Why somebody has left whom a host has removed; others read it, too."""


class Entrance:
    """Owned by the Server thread.

    Args:
        rooms: the Server's.
        policy: says who has to knock.
        register: decides about names.
        greeter: tells a room of its people.
        news: of other rooms.
        replay: reads a long past from the history.
        reactions: of people to messages.
        timers: the Server's.
        faults: the Server's.
        fallen: those who are too slow.
        rules: the Server's.
        tally: the Server's.
    """

    def __init__(
        self,
        rooms: ActiveRooms,
        policy: Policy,
        register: Register,
        greeter: Greeter,
        news: News,
        replay: Replay,
        reactions: Reactions,
        timers: Timers,
        faults: Faults,
        fallen: Fallen,
        rules: Rules,
        tally: Tally,
    ) -> None:
        self._rooms = rooms
        self._policy = policy
        self._register = register
        self._greeter = greeter
        self._news = news
        self._replay = replay
        self._reactions = reactions
        self._timers = timers
        self._faults = faults
        self._fallen = fallen
        self._rules = rules
        self._tally = tally
        self._mirrors = Mirrors(
            rooms, greeter, register, timers, self._settle, self._put_out, self._see_knocks
        )
        # Who waits for an answer of the register, and what came from them meanwhile.
        self._held: dict[Speaker, list[Said | Change | Ruling | Wish | Leaving]] = {}
        self._judged_by: dict[Speaker, Charter] = {}  # what the room had decided when they asked
        self.look: Callable[[str], None] = lambda room: None
        """Finds out what was decided elsewhere; "" for the whole server."""
        self.released: list[Said | Change | Ruling | Wish | Leaving] = []
        """What has waited long enough, in order; whoever handles it takes it out."""

    # -- coming in --------------------------------------------------------------------------------

    def add(self, joining: Joining) -> None:
        """Handle an item of the channel ``add``."""
        match joining:
            case Join(user, proof):
                self._join(user, proof)
            case Arrival():
                if self._arrive(joining):
                    joining.user.answered += 1
            case CaughtUp(user, seq, rev):
                if user.inside and not self._is_ahead(joining):  # otherwise it has left meanwhile
                    user.rev = rev
                    self._bridge(self._rooms[user.room], user, seq, resumes=True)
            case _:
                assert_never(joining)

    def _waits_for_room(self, name: str, joining: Join | Arrival) -> bool:
        """Whether the room has to be read first. What comes from the user meanwhile waits, too."""
        user = joining.user

        def then() -> None:
            behind = self._held.pop(user, [])
            self.add(joining)
            if user in self._held:  # it waits for the register now
                self._held[user] += behind
            else:
                self.released += behind

        if not self._rooms.wait_for(name, then, joining.proof):
            return False
        self._held[user] = []
        return True

    def _join(self, user: Participant, proof: Proof) -> None:
        """A plain user: it is in, and live, with its first frame."""
        if self._waits_for_room(user.room, Join(user, proof)):
            return
        room = self._opened(user, user.room, "", proof)
        if room is None:
            return
        user.proof = proof
        room.let_in(user)
        room.go_live(user)
        self._tally.joins_plain += 1
        _log_joining(room, user)
        first = max(0, room.seq - (self._rules.replay_limit or room.seq))
        if first + 1 < room.first_remembered:
            user.connection.replay(self._replay.pages(room.name, first, room.seq))
        else:
            self._fallen.send_one(user, room.replay())

    def _arrive(self, arrival: Arrival) -> bool:
        """A typed user; whether it has its answer. If not, it waits for the room to be read, for
        the register, which decides whether it may have its name, or for a host."""
        user = arrival.user
        if user.inside or user in self._held or user.knocks:
            detail = "You are already in a room; open another socket."
            user.refuse(Refusal("already-inside", detail))
            return True
        if self._waits_for_room(arrival.room, arrival):
            return False
        room = self._opened(user, arrival.room, arrival.identity.user_id, arrival.proof)
        if room is None:
            self._count_refusal(user, "too many refused hellos")
            return True
        watched = room.watched(user.address)
        if watched and self._must_knock(room, arrival, watched):
            return not self._knock(room, arrival, watched)
        self._let_through(room, arrival)
        return False

    def _let_through(self, room: Room, arrival: Arrival) -> None:
        arrival = self._named(room, arrival)
        room.awaited += 1
        self._held[arrival.user] = []
        self._judged_by[arrival.user] = room.charter
        if _is_early(room, arrival):
            room.early.append(arrival)
        else:
            self._ask(room, Enter(arrival))

    def _named(self, room: Room, arrival: Arrival) -> Arrival:
        """The same, under the name that it has to come in with: ``welcome`` says which."""
        user_id, now = arrival.identity.user_id, time.time_ns() // 1_000_000
        ban = room.charter.quiet.get(user_id)
        if not ban or not self._policy.keeps_name(
            room.charter, room.rank_of(user_id), user_id, now
        ):
            return arrival
        name = room.name_of(user_id, ban.name) or arrival.name
        max_length = self._rules.max_name_length
        return arrival._replace(name=register.free_for(user_id, name, room, max_length))

    def _opened(self, user: Participant, name: str, user_id: str, proof: Proof) -> Room | None:
        """The room; None if the user cannot come in, and was told."""
        try:
            return self._rooms.enter(name, user.address, user_id, proof=proof)
        except HistoryError as error:
            self._give_up(user, error)
        except Refusal as refusal:
            user.turn_away(refusal)
        return None

    def _give_up(self, user: Participant, error: HistoryError) -> None:
        self._faults.note_failure(f"{user} cannot join", error)
        user.failed = True
        user.end(CloseCode.SERVER_ERROR, "history unavailable")

    def _ask(self, room: Room, request: register.Request) -> None:
        try:
            answer = self._register.attend(room, request)
            if answer is not None:
                self.take(answer)
        except Exception:
            self._faults.note_bug()
            self._release(room, request)

    def take(self, word: AboutPeople) -> None:
        """What the register has decided, here or elsewhere."""
        room = self._rooms.get(word.room)
        if room is None:  # nobody here needs to know
            self._mirrors.forget(word.room)
        elif isinstance(word, Answer) and word.version is None:
            self._settle(room, word)
        else:
            self._mirrors.hear(room, word)
            self._rooms.forget_if_empty(room.name)

    def _settle(self, room: Room, answer: Answer) -> None:
        """Do what the answer says: the room has heard of all that was before."""
        if answer.decided and isinstance(answer.request, Enter):
            self._judge_later(room, answer.request.arrival, answer.decided)
            return
        if answer.is_taken:
            answer = answer._replace(refusal=self._taken(room, answer.request))
        try:
            self._greeter.carry_out(room, answer.events)
            self._conclude(room, answer)
            self._keep_name(room, answer)
        finally:  # also after a fault of ours: nobody waits for an answer that has come
            self._release(room, answer.request)

    def _judge_later(self, room: Room, arrival: Arrival, decided: tuple[int, ...]) -> None:
        """Hosts have decided something elsewhere of which the room is yet to hear."""
        attempts = arrival.attempts + 1
        room.early.append(arrival._replace(decided=decided, attempts=attempts))
        self.let_early_in(room)
        if room.early:
            self.look("")
            self.look(room.name)

    def let_early_in(self, room: Room, *, all_of_them: bool = False) -> None:
        """The room has heard of something: those who have waited for that come in now.

        Args:
            all_of_them: what they wait for never comes.
        """
        early, room.early = room.early, []
        for arrival in early:
            if all_of_them:
                self._ask(room, Enter(arrival._replace(attempts=MOST_ATTEMPTS)))
            elif _is_early(room, arrival):
                room.early.append(arrival)
            else:
                self._arrive_again(room, arrival)

    def _arrive_again(self, room: Room, arrival: Arrival) -> None:
        """As if it had just come, and before what came from the user meanwhile."""
        user = arrival.user
        room.awaited -= 1
        self._judged_by.pop(user, None)
        behind = self._held.pop(user)
        self.add(arrival)
        if user in self._held:
            self._held[user] += behind
        else:
            self.released += behind
        self._rooms.forget_if_empty(room.name)

    def _taken(self, room: Room, request: register.Request) -> Refusal | None:
        assert isinstance(request, Enter | register.Rename)
        user_id, name = register.wanted(request)
        max_length = self._rules.max_name_length
        suggestion = register.another_for(user_id, name, room, max_length)
        return self._policy.may_be_called(name, suggestion)

    def _release(self, room: Room, request: register.Request) -> None:
        """Whoever waited for this waits no longer. Idempotent."""
        match request:
            case Enter(arrival) if arrival.user in self._held:
                room.awaited -= 1
                self._judged_by.pop(arrival.user, None)
                arrival.user.answered += 1
                self.released += self._held.pop(arrival.user)
            case register.Rename(user):
                self.released += self._held.pop(user, [])
            case _:
                pass
        self._rooms.forget_if_empty(room.name)

    def _conclude(self, room: Room, answer: Answer) -> None:
        match answer.request:
            case Enter(arrival):
                if answer.error:
                    self._fail(room, arrival, answer.error)
                elif answer.refusal:
                    self._refuse_name(arrival.user, answer.refusal)
                else:
                    refusal = self._judged_anew(room, arrival)
                    self._let_in(room, arrival)
                    if refusal:
                        self._turn_out(arrival.user, refusal)
                    else:
                        self._welcome(room, arrival)
            case register.Rename(user):
                if answer.error:
                    user.refuse(Refusal("not-stored", "You keep your name: try again."))
                elif answer.refusal:
                    self._refuse_name(user, answer.refusal)
            case Leave() as leave:
                for event in answer.events:
                    if isinstance(event, Away):
                        self._await_return(room, event)
                        break
                else:  # the person has other sockets
                    room.presence.forget(leave.user_id)
            case Gone(user_id, absence):
                person = room.presence.get(user_id)
                if person and person.absences == absence:  # they are back, elsewhere
                    room.presence.forget(user_id)
            case _:
                assert_never(answer.request)

    def _fail(self, room: Room, arrival: Arrival, error: HistoryUnavailable) -> None:
        """Nobody knows whether they are in: so they are to be out."""
        self._give_up(arrival.user, error)
        self._ask(room, Leave(arrival.user, "lost", arrival.identity.user_id))

    def _keep_name(self, room: Room, answer: Answer) -> None:
        """The room keeps a host's name for them: it has to be the last one."""
        match answer.request:
            case Enter(arrival):
                user, name = arrival.user, arrival.name
            case register.Rename(user, name):
                pass
            case _:
                return
        host = room.charter.hosts.get(user.user_id)
        if answer.refusal or answer.error:
            return
        if host and user.inside and host.name != name:
            self.released.append(Ruling(user, BeCalled(name)))

    def _refuse_name(self, user: TypedParticipant, refusal: Refusal) -> None:
        user.refuse(refusal)
        self._count_refusal(user, "too many requests for taken names")

    @staticmethod
    def _count_refusal(user: TypedParticipant, reason: str) -> None:
        """Each costs the room's thread a look, or a suggestion."""
        user.names_refused += 1
        if user.names_refused >= MAX_BAD_FRAMES:
            user.end(CloseCode.POLICY, reason)

    def _let_in(self, room: Room, arrival: Arrival) -> None:
        user, identity = arrival.user, arrival.identity
        user.room, user.name, user.user_id = room.name, arrival.name, identity.user_id
        user.hears_rooms, user.proof = arrival.hears_rooms, arrival.proof
        user.rev = arrival.knows_up_to(room.changes.rev)
        if self._rules.everybody_makes_rooms and room.is_new and room.crowd.version == UNKNOWN:
            # Else the register has said who has made it.
            self._greeter.note_maker(room, Known(user.user_id, user.name))
        if self._rooms.needs_link(room, user.address, user.user_id, arrival.proof):
            room.coming_by[user] = arrival.proof.link
        room.let_in_typed(user, identity.tab)
        self._tally.joins_typed += 1
        self._rooms.house.whereabouts.note(room.name, user.user_id, user.address)

    def _welcome(self, room: Room, arrival: Arrival) -> None:
        user = arrival.user
        user.knows = self._greeter.told(room)
        welcome = self._greeter.welcome(room, arrival)
        _log_joining(room, user)
        if arrival.seen is not None and arrival.seen >= 0:
            self._bridge(room, user, arrival.seen, welcome, resumes=True)
        else:
            wanted = arrival.wants(room.seq, self._rules.replay_limit or room.seq)
            self._bridge(room, user, max(0, room.seq - wanted), welcome, resumes=False)

    def _bridge(
        self, room: Room, user: TypedParticipant, seen: int, first: bytes = b"", *, resumes: bool
    ) -> None:
        """Send a typed user ``first``, what came after ``seen``, and what has changed, and make it
        live; if the room does not remember all of it, its writer thread reads the history first."""
        frames = room.frames_after(seen)
        changes = room.changes.since(user.rev)
        if frames is None or changes is None:
            pages = self._replay.catch_up(user, room.name, seen, resumes=resumes)
            if first:
                user.write(first)
            user.connection.replay(pages)
            return
        room.go_live(user)
        told = b"".join([first, *frames, *changes, self._greeter.go_live(room, user)])
        self._fallen.send_one(user, told)

    def _is_ahead(self, caught_up: CaughtUp) -> bool:
        """Whether a user has read what others have said or changed elsewhere, and the room is yet
        to hear of that, which would tell it again: then it comes again once the room has."""
        room = self._rooms[caught_up.user.room]

        def is_ahead() -> bool:
            return caught_up.seq > room.seq or caught_up.rev > room.changes.rev

        def go_on() -> None:
            self._timers.after(AHEAD_SECONDS if is_ahead() else 0.0, partial(self.add, caught_up))

        if self._rooms.find_out is None or not is_ahead():
            return False
        self._rooms.find_out(room.name, go_on)
        return True

    # -- at the door ------------------------------------------------------------------------------

    def _must_knock(self, room: Room, arrival: Arrival, watched: WatchedAddress) -> bool:
        user_id, now = arrival.identity.user_id, time.time_ns() // 1_000_000
        is_known = arrival.user.admitted == room.name or self._was_in(room, arrival, now)
        rank = room.rank_of(user_id) or self._rooms.house.rank_by(arrival.proof.operator_link)
        return self._policy.must_knock(rank, watched, now, is_known=is_known)

    def _was_in(self, room: Room, arrival: Arrival, now: int) -> bool:
        """Whether somebody, whose token is good, has been in the room before, or was asked to."""
        # Others may be what the one who was removed came by.
        if room.charter.good_link(arrival.proof.link, self._rooms.house.charter, now):
            return True
        user_id, proof, house = arrival.identity.user_id, arrival.proof, self._rooms.house
        return user_id in room.crowd or house.has_met(user_id, proof, room.name, room.charter)

    def _knock(self, room: Room, arrival: Arrival, watched: WatchedAddress) -> bool:
        """Whether it may wait there."""
        user = arrival.user
        try:
            key = self._rooms.house.whereabouts.key(user.address)
            is_news = room.knocks.add(arrival, key, watched)
        except Refusal as refusal:
            user.turn_away(refusal)
            self._rooms.forget_if_empty(room.name)
            return False
        user.knocks = room.name
        user.write(typed.knocking(host_is_here=room.has_host))
        knock = room.knocks[arrival.identity.user_id]
        if is_news:
            room.tell_hosts(knock.frame)
        self._register.note_knock(room.name, knock, user.id)
        return True

    def admit(self, room: Room, user_id: str) -> None:
        """A host lets somebody in who knocks; in all their tabs."""
        if user_id in room.knocks:  # they may have just gone
            self._register.note_outcome(room.name, user_id, ADMITTED)
            self._let_in_from_the_door(room, user_id)

    def _let_in_from_the_door(self, room: Room, user_id: str) -> None:
        knock = room.knocks.pop(user_id)
        room.tell_hosts(typed.knocked(user_id, ADMITTED))
        for arrival in knock.arrivals.values():
            self._register.note_end_of_knock(room.name, user_id, arrival.user.id)
            arrival.user.knocks, arrival.user.admitted = "", room.name
            self._let_through(room, arrival)

    def turn_back(self, room: Room, user_id: str, refusal: Refusal = NO_ENTRY) -> None:
        """A host does not let somebody in who knocks."""
        if user_id in room.knocks:
            self._register.note_outcome(room.name, user_id, REFUSED)
            self._send_away_from_the_door(room, user_id, refusal)

    def _send_away_from_the_door(self, room: Room, user_id: str, refusal: Refusal) -> None:
        knock = room.knocks.pop(user_id)
        room.tell_hosts(typed.knocked(user_id, REFUSED))
        for arrival in knock.arrivals.values():
            self._register.note_end_of_knock(room.name, user_id, arrival.user.id)
            arrival.user.knocks = ""
            arrival.user.refuse(refusal)
            arrival.user.end(CloseCode.NO_ENTRY, "no entry")
        self._rooms.forget_if_empty(room.name)

    def _see_knocks(self, room: Room, seen: Iterable[KnockSeen]) -> None:
        """Who waits at the door, in whichever process; some have an answer, which a host has given
        in another one."""
        now = {it.knock.user_id: it for it in seen}
        for user_id, (knock, outcome) in now.items():
            if user_id not in room.knocks and not outcome:
                room.knocks[user_id] = knock
                room.tell_hosts(knock.frame)
            elif user_id in room.knocks and outcome == ADMITTED:
                self._let_in_from_the_door(room, user_id)
            elif user_id in room.knocks and outcome:
                self._send_away_from_the_door(room, user_id, NO_ENTRY)
        for user_id, knock in list(room.knocks.items()):
            if user_id not in now and not knock.arrivals:
                del room.knocks[user_id]
                room.tell_hosts(typed.knocked(user_id, GONE))

    def turn_out_guest(self, user: Speaker, act: Act) -> None:
        """If this was the use of a link, it is not to be: whoever came by it alone has to go."""
        room = self._rooms.get(user.room)
        is_use = isinstance(act, UseLink | UseOperatorLink)
        guest = room.has_come(user) if room and is_use else None
        if guest:
            guest.end(CloseCode.NO_ENTRY, "no entry")
            self.remove(guest, "no entry")

    def look_after(self, room: Room) -> None:
        """The room has decided something, or something is over: answer those who knock, and need
        not any more, or are removed. The door may have been shut since they came."""
        now = time.time_ns() // 1_000_000
        for user_id, knock in list(room.knocks.items()):
            if not knock.arrivals:
                continue  # seen to where they wait
            watched = room.charter.watched.get(knock.address_key)
            if ban := room.ban_on(user_id, now):
                self.turn_back(room, user_id, removed(ban, now))
            elif not self._policy.must_knock(room.rank_of(user_id), watched, now, is_known=False):
                refusals = (self._refusal(room, arrival) for arrival in knock.arrivals.values())
                if refusal := next(filter(None, refusals), None):
                    self.turn_back(room, user_id, refusal)
                else:
                    self.admit(room, user_id)

    def _stop_knocking(self, user: Participant) -> None:
        """It has gone while it waited at a door."""
        room, user.knocks = self._rooms[user.knocks], ""
        knock = room.knocks.of(user)
        if knock:
            self._register.note_end_of_knock(room.name, knock.user_id, user.id)
            del knock.arrivals[user]
            if not knock.arrivals:
                del room.knocks[knock.user_id]
                room.tell_hosts(typed.knocked(knock.user_id, GONE))
        self._rooms.forget_if_empty(room.name)

    # -- meanwhile --------------------------------------------------------------------------------

    def grant(self, wish: Wish) -> None:
        """Handle a typed user's request other than a message; the user is inside, and not held."""
        user = wish.user
        room = self._rooms[user.room]
        match wish.request:
            case Rename(name):
                self._held[user] = []
                self._ask(room, register.Rename(user, name))
            case Typing():
                self._greeter.tell_of_typing(room, user)
            case React():
                self._reactions.click(user, wish.request)
            case _:
                assert_never(wish.request)

    def has_inside(self, wish: Wish) -> bool:
        """Whether whoever has it is in a room; otherwise they are told, if they wait for it."""
        if not wish.user.inside and isinstance(wish.request, React):
            wish.user.refuse(NOT_INSIDE.about(wish.request.cmid))
        return wish.user.inside

    def let_wait(self, batch: list[Said]) -> list[Said]:
        """Without what comes from somebody who waits for the register: that has to wait, too."""
        return [said for said in batch if not self.waits(said)] if self._held else batch

    def waits(self, item: Said | Change | Ruling | Wish) -> bool:
        """Whether it comes from somebody who waits for the register; then it has to wait, too."""
        behind = self._held.get(item.user)
        if behind is None:
            return False
        behind.append(item)
        return True

    def awaits_answers(self) -> bool:
        """The register owes somebody an answer; those who wait for a message are not asked for."""
        return len(self._held) > sum(len(room.early) for room in self._rooms.values())

    def committed(self, room: Room) -> None:
        """The room has new messages: others hear of that, and those come in who know of them."""
        self._news.note(room)
        if room.early:
            self.let_early_in(room)

    def show_out(self, room: Room, user_id: str) -> None:
        """A host has removed somebody: they have to go, and whatever came in as theirs."""
        now = time.time_ns() // 1_000_000
        ban = room.ban_on(user_id, now)
        if ban is None:
            return
        refusal = removed(ban, now)
        for user in _everybody(room):
            if user_id in (user.user_id, user.proof.user_id):
                self._turn_out(user, refusal)
        for subscriber, proof in list(room.subscribers.items()):
            if proof.user_id == user_id:
                subscriber.end(CloseCode.REMOVED, "removed by a host")

    def show_script_out(self, room: Room, key: str) -> None:
        """A host has revoked this key."""
        for user in _everybody(room):
            if user.proof.key == key:
                self._turn_out(user, REVOKED)
        for subscriber, proof in list(room.subscribers.items()):
            if proof.key == key:
                subscriber.end(CloseCode.NO_ENTRY, "a host has revoked this key")

    def _judged_anew(self, room: Room, arrival: Arrival) -> Refusal | None:
        """The room may have shut its door, or removed somebody, while they were on the way in:
        before they are told anything, such as a pass that would be good."""
        user, user_id = arrival.user, arrival.identity.user_id
        now = time.time_ns() // 1_000_000
        if ban := room.ban_on(user_id, now):
            return removed(ban, now)
        return None if self._judged_by.get(user) is room.charter else self._refusal(room, arrival)

    def _refusal(self, room: Room, arrival: Arrival) -> Refusal | None:
        """Why somebody cannot come in now, whose token is good."""
        user_id, address = arrival.identity.user_id, arrival.user.address
        try:
            self._rooms.enter(room.name, address, user_id, proof=arrival.proof)
        except Refusal as refusal:
            return refusal
        return None

    def show_all_out(self, room: Room) -> None:
        """Everybody but hosts has to go."""
        way_back = {
            Door.OPEN: "You can come back.",
            Door.CODE: "With the code, you can come back.",
            Door.SHUT: "Nobody can come back now.",
        }
        detail = f"A host has shown everybody out. {way_back[room.charter.door]}"
        for user in _everybody(room):
            if not room.rank_of(user.user_id or user.proof.user_id).is_host:
                self._turn_out(user, Refusal("everybody-out", detail))
        for subscriber in list(room.subscribers):
            subscriber.end(CloseCode.NO_ENTRY, "a host has shown everybody out")

    def _turn_out(self, user: Participant, refusal: Refusal) -> None:
        if user.inside:
            user.refuse(refusal)
            if refusal.code == REMOVED:
                user.end(CloseCode.REMOVED, "removed by a host")
            else:
                user.end(CloseCode.NO_ENTRY, "no entry")
            user.failed = True  # nothing that is still on its way is said here
            self.remove(user, REMOVED if refusal.code == REMOVED else "shown out")

    def part(self, room: Room) -> bool:
        """What is known of it is not there any more: everybody has to come back, and sees then what
        there is. False if that has to wait for what is on its way."""
        if room.awaited:
            return False
        present = [socket for person in room.presence.values() for socket in person.sockets]
        for user in _everybody(room):
            code = CloseCode.GAP if user.user_id else CloseCode.SERVER_ERROR
            user.failed = True
            user.end(code, "gap: messages are lost here", drop=True)
            room.remove(user)
            self._news.leave(user)
        for subscriber in list(room.subscribers):
            subscriber.end(CloseCode.GAP, "messages are lost here")
        del self._rooms[room.name]
        for user in present:
            self._register.attend(room, Leave(user, "lost"))
        log.error('error: room "%s" has lost messages that people have seen', printable(room.name))
        return True

    def hide(self, room: Room) -> None:
        """Its door is shut, or it is in no list any more: others do not hear what is new there."""
        self._news.forget(room)

    # -- going ------------------------------------------------------------------------------------

    def remove(self, user: Participant, cause: str) -> None:
        """Remove the user from its room. Idempotent."""
        if user in self._held:
            self._held[user].append(Leaving(user, cause))
            return
        if user.knocks:
            self._stop_knocking(user)
            return
        room = self._rooms.get(user.room)
        if room is None or not room.remove(user):
            return  # already removed, as too slow or replaced, or never let in
        self._news.leave(user)
        if user.user_id:
            self._rooms.house.whereabouts.note(room.name, user.user_id, user.address)
        name = printable(room.name)
        log.info('left: %s room "%s", now %d: %s', user, name, len(room.users), printable(cause))
        if user.user_id in room.presence:
            self._ask(room, Leave(user, _reason(cause)))
        self._rooms.forget_if_empty(user.room)

    def _await_return(self, room: Room, away: Away) -> None:
        def give_up() -> None:
            if room is self._rooms.get(room.name):
                self._ask(room, Gone(*away))

        if person := room.presence.get(away.user_id):
            person.absences = away.absence
        is_final = away.reason == REMOVED  # nobody waits for those who cannot come back
        self._timers.after(0.0 if is_final else self._rules.leave_grace, give_up)

    def _put_out(self, room: Room, user: TypedParticipant, code: CloseCode, reason: str) -> None:
        """The register says that this socket is in the room no longer."""
        user.end(code, reason, drop=code is CloseCode.REPLACED)
        room.remove(user)
        self._news.leave(user)
        self._ask(room, Leave(user, "lost"))  # in case that it knows of it, after all

    def see_off_fallen(self) -> None:
        """Remove those who were too slow."""
        while self._fallen:
            user = next(iter(self._fallen))  # the first to come in is the first to leave
            del self._fallen[user]
            self.remove(user, "slow")
            self._tally.slow += 1
            self._faults.note(UserError(user.id, "slow"))

    # -- without a socket -------------------------------------------------------------------------

    def present(self, name: str) -> list[Known]:
        """The people in a room: users of the typed protocol only."""
        return self._rooms[name].crowd.known() if name in self._rooms else []

    def subscribe(
        self, name: str, subscriber: Subscriber, address: str, proof: Proof = NOTHING
    ) -> Subscribed:
        """Hand a subscriber everything from now on; returns what was the last before."""
        room = self._rooms.enter(name, address, proof=proof)
        room.subscribers[subscriber] = proof
        return Subscribed(room.last, self._reactions.mark(room))

    def unsubscribe(self, name: str, subscriber: Subscriber) -> None:
        """Hand the subscriber nothing more. Idempotent."""
        if name in self._rooms:
            self._rooms[name].subscribers.pop(subscriber, None)
            self._rooms.forget_if_empty(name)


def _is_early(room: Room, arrival: Arrival) -> bool:
    """Whether the user knows of a message, or has to be judged by an act, that the room is yet to
    hear of."""
    if (arrival.seen or 0) > room.seq:
        return True
    known = room.house.decided, room.decided
    return any(now < its for now, its in zip(known, arrival.decided, strict=False))


def _everybody(room: Room) -> list[Participant]:
    """All with a socket there, of either protocol, also those who are still told the past."""
    typed = (socket for person in room.presence.values() for socket in person.sockets)
    return list(dict.fromkeys([*room.users, *typed]))


def _log_joining(room: Room, user: Participant) -> None:
    now = max(len(room.users), len(room.crowd))
    log.info('joined: %s room "%s", now %d', user, printable(room.name), now)


def _reason(cause: str) -> str:
    """A word that everybody may see; the cause itself may quote the client's Close."""
    if cause.startswith(("close 1000", "close 1001")):
        return "closed"
    return cause if cause in ("slow", REMOVED) else "lost"
