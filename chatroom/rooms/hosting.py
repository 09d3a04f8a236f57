"""What follows from an act of a host: the room is told, and who was removed has to go."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from chatroom.errors import HistoryError, Refusal
from chatroom.history import History
from chatroom.history.host_log import LogEntry
from chatroom.history.shared import Decided
from chatroom.message import Held, Message
from chatroom.rooms.active_rooms import ActiveRooms
from chatroom.rooms.charter import Ban, Charter, Door, Host
from chatroom.rooms.doors import charter_in
from chatroom.rooms.entrance import Entrance
from chatroom.rooms.faults import Faults
from chatroom.rooms.ranks import Rank
from chatroom.rooms.reactions import Reactions
from chatroom.rooms.room import Room
from chatroom.rooms.sweeper import PATIENCE, PAUSE, Sweeper
from chatroom.rooms.verdicts import Enacted, Settled, Swept
from chatroom.users.requests import Ruling
from chatroom.users.speaker import Speaker
from chatroom.wire import typed
from chatroom.wire.acts import (
    WORDS,
    Act,
    Admit,
    Approve,
    Bar,
    BeCalled,
    EverybodyOut,
    Forget,
    Look,
    Refuse,
    Settling,
    TurnBack,
    UseOperatorLink,
    Withdraw,
)
from chatroom.wire.message_json import held_fields, iso_time

OUTCOMES: Mapping[type[Settling], str] = {
    Approve: "approved",
    Refuse: "refused",
    Withdraw: "withdrawn",
}
"""What becomes of something that was held."""

CROWD = 100
"""People who can be told of a step of what comes back, and are ready for the next one soon."""


class Hosting:
    """Owned by the Server thread.

    Args:
        history: has the host log.
        rooms: the Server's.
        entrance: lets those out who were removed.
        sweeper: goes on with what takes longer.
        reactions: tells of those that are erased.
        faults: the Server's.
    """

    def __init__(
        self,
        history: History,
        rooms: ActiveRooms,
        entrance: Entrance,
        sweeper: Sweeper,
        reactions: Reactions,
        faults: Faults,
    ) -> None:
        self._sweeper = sweeper
        self._reactions = reactions
        self._faults = faults
        self._history = history
        self._rooms = rooms
        self._entrance = entrance

    def take(self, enacted: Enacted) -> None:
        """A host has acted, and that is committed."""
        room, before = self._rooms[enacted.room], enacted.before
        ruling, decision = enacted.ruling, enacted.decision
        room.has_come(ruling.user)
        if isinstance(ruling.act, BeCalled):  # all have heard of that
            room.charter = decision.charter
            return
        house_before = self._rooms.house.charter
        house = decision.house or house_before
        has_forgotten = isinstance(ruling.act, Forget) and decision.charter is not before
        if enacted.entry or has_forgotten:
            if house is not house_before:
                self._adopt_for_all(house_before, house)
            if not isinstance(ruling.act, UseOperatorLink):
                self._adopt(room, before, decision.charter)
        if enacted.entry:
            self.tell_hosts(room, enacted.entry)
        for held in enacted.refused:
            self._drop(room, held, OUTCOMES[Refuse])
        if isinstance(ruling.act, Forget):
            self._reactions.forget(room, ruling.user.user_id)
        elif _has_restored(enacted.changed):
            self._reactions.note(room)
        self._go_on(room)
        told: dict[str, object] = {"link": decision.secret} if decision.secret else {}
        told |= decision.told
        if isinstance(ruling.act, Look):
            self._show(room, ruling, ruling.act, enacted.log, decision.told)
        else:
            ruling.user.ruled(ruling.cmid, told)
        is_for_all = isinstance(ruling.act, EverybodyOut)
        self._see_out(room, before, decision.charter, everybody=is_for_all)
        self._see_out_of_all(house_before, house)
        self._answer(room, ruling.act)

    def _adopt(self, room: Room, before: Charter, after: Charter) -> None:
        room.charter = after
        room.charter_is_stored = True
        self._rooms.count_as_stored(room.name)
        room.pace_hosts()
        self._tell(room, before, after)

    def _adopt_for_all(self, before: Charter, after: Charter) -> None:
        self._rooms.house.charter = after
        others = _differing(before.hosts, after.hosts)
        for one in self._rooms.values():
            if any(user_id in one.crowd for user_id in others):
                one.pace_hosts()
                self._tell(one, before, after)

    def _see_out(self, room: Room, before: Charter, after: Charter, *, everybody: bool) -> None:
        """Those who may not be there any more."""
        if room.charter.door is not Door.OPEN or not room.charter.listed:
            self._entrance.hide(room)
        if everybody:
            self._entrance.show_all_out(room)
        for user_id in _differing(before.barred, after.barred):
            self._entrance.show_out(room, user_id)
        for key in before.keys.keys() - after.keys.keys():
            self._entrance.show_script_out(room, key)

    def _see_out_of_all(self, before: Charter, after: Charter) -> None:
        for user_id in _differing(before.barred, after.barred):
            for one in list(self._rooms.values()):
                self._entrance.show_out(one, user_id)

    # -- in other processes -----------------------------------------------------------------------

    def hear(self, room: Room, decided: Decided) -> None:
        """Hosts have acted there.

        Raises:
            HistoryUnavailable: a later version of this program has, in a way of its own.
        """
        before, after = room.charter, charter_in(self._history, decided.charter)
        self._adopt(room, before, after)
        for entry in decided.entries:
            self.tell_hosts(room, entry)
        self._hear_what_waits(room, decided)
        self._see_out(room, before, after, everybody=before.epoch != after.epoch)
        self._entrance.look_after(room)
        self._note_end(room)

    def hear_house(self, decided: Decided) -> None:
        """Operators have acted there; raises as ``hear``."""
        before = self._rooms.house.charter
        after = charter_in(self._history, decided.charter)
        self._adopt_for_all(before, after)
        self._see_out_of_all(before, after)

    def _hear_what_waits(self, room: Room, decided: Decided) -> None:
        waiting = {held.id: held for held in decided.held}
        ends = [(entry.act, entry.whom_id, entry.whom_name) for entry in decided.entries]
        for held in [one for one in room.queue if one.id not in waiting]:
            whose = held.user_id, held.user_name
            acts = [act for act in (Approve, Refuse) if (WORDS[act], *whose) in ends]
            self._drop(room, held, OUTCOMES[acts[0] if acts else Withdraw])
        for held in waiting.values():
            if not room.queue.get(held.id):
                room.queue.add(held)
                self._tell_concerned(room, held, typed.held(held))

    def _answer(self, room: Room, act: Act) -> None:
        """Those who knock."""
        match act:
            case Admit(user_id):
                for one in [user_id] if user_id else list(room.knocks):
                    self._entrance.admit(room, one)
            case TurnBack(user_id):
                self._entrance.turn_back(room, user_id)
            case _:
                self._entrance.look_after(room)
        if isinstance(act, Bar):
            self._note_end(room)

    def take_more(self, swept: Swept) -> None:
        """More of what an act removes is gone, and that is committed."""
        room = self._rooms[swept.room]
        room.charter = swept.charter
        if swept.entry:
            self.tell_hosts(room, swept.entry)
        if _has_restored(swept.changed):
            self._reactions.note(room)
        self._entrance.look_after(room)
        self._note_end(room)
        self._go_on(room)

    def _go_on(self, room: Room) -> None:
        """With what is left to do. A crowd, of whom each is told of each message that comes back,
        needs longer for that."""
        if not room.charter.sweeps:
            return
        crowds = len(room.users) / CROWD if room.charter.sweeps[0].restores else 1
        self._sweeper.note(room.name, PAUSE * max(1, crowds))

    def _note_end(self, room: Room) -> None:
        """Of the first watch that ends; after that one, of the next."""
        ends = [watched.until for watched in room.charter.watched.values()]
        if ends:
            self._sweeper.note_end(room.name, min(ends))

    def try_again(self, room: str) -> None:
        """Something is left to do there, but the history has failed; or another process has begun
        it, which goes on unless it is gone."""
        self._sweeper.note(room, PATIENCE)

    def hold(self, held: Held, speaker: Speaker) -> None:
        """Something waits for a host's approval; its speaker hears of it by itself."""
        room = self._rooms[held.room]
        room.queue.add(held)
        self._tell_concerned(room, held, typed.held(held), speaker)

    def settle(self, settled: Settled) -> None:
        """It waits no longer."""
        room, ruling = self._rooms[settled.held.room], settled.ruling
        self._drop(room, settled.held, OUTCOMES[type(settled.act)])
        if settled.entry:
            self.tell_hosts(room, settled.entry)
        ruling.user.ruled(ruling.cmid, {})

    def forget(self, held: Held) -> None:
        """It has waited for too long, and is gone."""
        if room := self._rooms.get(held.room):
            self._drop(room, held, OUTCOMES[Refuse])

    def _drop(self, room: Room, held: Held, outcome: str) -> None:
        room.queue.drop(held)
        self._tell_concerned(room, held, typed.settled(held, outcome))

    @staticmethod
    def _tell_concerned(room: Room, held: Held, frame: bytes, but: Speaker | None = None) -> None:
        """Hosts, and whoever has sent it, in all their tabs."""
        for user_id in {**room.hosts, held.user_id: None}:
            for socket in room.sockets_of(user_id):
                if socket is not but:
                    room.tell_one(socket, frame)

    def note(self, room: Room, entry: LogEntry) -> None:
        """A host has changed somebody's message, and everybody was told."""
        self.tell_hosts(room, entry)
        if entry.act == "restore":
            self._reactions.note(room)

    @staticmethod
    def tell_hosts(room: Room, entry: LogEntry) -> None:
        """Of what one of them has done."""
        room.tell_hosts(typed.frame("log", **_logged(entry)))

    def _tell(self, room: Room, before: Charter, after: Charter) -> None:
        if before.rules != after.rules:
            room.tell_all(typed.frame("rules", **after.rules))
        for user_id in _differing(before.hosts, after.hosts):
            role = room.rank_of(user_id).word
            name = room.name_of(user_id, before.name_of(user_id))
            room.tell_all(typed.frame("host", userId=user_id, userName=name, role=role))
            if user_id in after.hosts and user_id not in before.hosts:
                for socket in room.sockets_of(user_id):
                    room.tell_one(socket, room.held_for(user_id))
        for user_id in _differing(before.quiet, after.quiet):
            ban = after.quiet.get(user_id)
            now = time.time_ns() // 1_000_000
            frame = typed.muted(ban.ends, ban.seconds_left(now)) if ban else typed.UNMUTED
            for socket in room.sockets_of(user_id):
                room.tell_one(socket, frame)

    def _show(
        self,
        room: Room,
        ruling: Ruling,
        look: Look,
        log: Sequence[LogEntry] | HistoryError,
        found: Mapping[str, object],
    ) -> None:
        if isinstance(log, HistoryError):
            self._faults.note_failure("the host log cannot be read", log)
            detail = "The host log cannot be read now; try again."
            ruling.user.refuse(Refusal("not-stored", detail, ruling.cmid))
            return
        rank_of = self._rooms.house.ranks(room.charter, ruling.user)
        seen = self._seen(room, look, rank_of(ruling.user.user_id), log)
        ruling.user.ruled(ruling.cmid, {**seen, **found})

    def _seen(
        self, room: Room, look: Look, rank: Rank, log: Sequence[LogEntry]
    ) -> dict[str, object]:
        charter, sharing, hosts = room.charter, None, room.charter.hosts
        house, now = self._rooms.house.charter, time.time_ns() // 1_000_000
        if rank is Rank.OPERATOR:  # they see who is one, too
            hosts = {**hosts, **self._rooms.house.charter.hosts}
        if look.user_id in room.presence:
            addresses = {user_id: room.presence.addresses_of(user_id) for user_id in room.presence}
            sharing = self._rooms.house.whereabouts.sharing(look.user_id, addresses)
        return (
            ({} if sharing is None else {"sharing": sharing})
            | {
                "rules": charter.rules,
                "hosts": [
                    {"userId": user_id, "userName": host.name, "role": host.rank.word}
                    for user_id, host in hosts.items()
                ],
                "quiet": _bans(charter.quiet),
                "knocks": [knock.fields for knock in room.knocks.values()],
                "barred": [
                    *_bans(charter.barred),
                    *_bans(self._rooms.house.charter.barred, everywhere=True),
                ],
                "links": [
                    {"link": key, "until": iso_time(link.until), "uses": link.uses}
                    | ({"makes": "guest"} if link.is_for_guests else {})
                    for key, link in charter.links.items()
                    if charter.good_link(key, house, now)
                ],
                "held": list(map(held_fields, room.queue)),
                "log": list(map(_logged, log)),
                "keys": [
                    {"name": key.name, "userId": key.user_id, "say": key.may_say}
                    for key in charter.keys.values()
                ],
            }
            | _code(charter)
        )


def _code(charter: Charter) -> dict[str, object]:
    """Of a code that somebody has made up, only that there is one."""
    if charter.code:
        return {"code": charter.code}
    return {"typedCode": True} if charter.code_hash else {}


def _has_restored(changed: Iterable[Message]) -> bool:
    """Whether some are back, without the reactions that they had, of which some still know."""
    return any(not message.removed for message in changed)


def _differing(
    before: Mapping[str, Host] | Mapping[str, Ban], after: Mapping[str, Host] | Mapping[str, Ban]
) -> list[str]:
    return [key for key in {**before, **after} if before.get(key) != after.get(key)]


def _bans(bans: Mapping[str, Ban], **more: object) -> list[dict[str, object]]:
    told: list[dict[str, object]] = []
    for user_id, ban in bans.items():
        until = {"until": ban.ends} if ban.ends else {}
        told.append({"userId": user_id, "userName": ban.name, **until, **more})
    return told


def _logged(entry: LogEntry) -> dict[str, object]:
    is_about_somebody = entry.whom_id or entry.whom_name
    whom = {"userId": entry.whom_id, "userName": entry.whom_name} if is_about_somebody else None
    fields = {
        "at": iso_time(entry.at),
        "act": entry.act,
        "by": {"userId": entry.by_id, "userName": entry.by_name},
        "whom": whom,
        "what": entry.what or None,
    }
    return {key: value for key, value in fields.items() if value is not None}
