"""What follows from an act of a host: the room is told, and who was removed has to go."""

from __future__ import annotations

import time
from collections.abc import Mapping

from chatroom.errors import HistoryError, Refusal
from chatroom.history import History
from chatroom.history.host_log import LogEntry
from chatroom.message import Held
from chatroom.rooms.active_rooms import ActiveRooms
from chatroom.rooms.charter import Ban, Charter, Door, Host
from chatroom.rooms.entrance import Entrance
from chatroom.rooms.faults import Faults
from chatroom.rooms.ranks import Rank
from chatroom.rooms.room import Room
from chatroom.rooms.sweeper import PATIENCE, Sweeper
from chatroom.rooms.verdicts import Enacted, Settled, Swept
from chatroom.users.requests import Ruling
from chatroom.users.speaker import Speaker
from chatroom.wire import typed
from chatroom.wire.acts import (
    Act,
    Admit,
    Approve,
    Bar,
    BeCalled,
    EverybodyOut,
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


class Hosting:
    """Owned by the Server thread.

    Args:
        history: has the host log.
        rooms: the Server's.
        entrance: lets those out who were removed.
        sweeper: goes on with what takes longer.
        faults: the Server's.
    """

    def __init__(
        self,
        history: History,
        rooms: ActiveRooms,
        entrance: Entrance,
        sweeper: Sweeper,
        faults: Faults,
    ) -> None:
        self._sweeper = sweeper
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
        if enacted.entry:
            if house is not house_before:
                self._rooms.house.charter = house
                others = _differing(house_before.hosts, house.hosts)
                for one in self._rooms.values():
                    if any(user_id in one.crowd for user_id in others):
                        one.pace_hosts()
                        self._tell(one, house_before, house)
            if not isinstance(ruling.act, UseOperatorLink):
                room.charter = decision.charter
                room.charter_is_stored = True
                self._rooms.count_as_stored(room.name)
                room.pace_hosts()
                self._tell(room, before, decision.charter)
            self.tell_hosts(room, enacted.entry)
        for held in enacted.refused:
            self._drop(room, held, OUTCOMES[Refuse])
        if room.charter.sweeps:
            self._sweeper.note(room.name)
        told: dict[str, object] = {"link": decision.secret} if decision.secret else {}
        told |= decision.told
        if isinstance(ruling.act, Look):
            self._show(room, ruling, ruling.act)
        else:
            ruling.user.ruled(ruling.cmid, told)
        if room.charter.door is not Door.OPEN or not room.charter.listed:
            self._entrance.hide(room)
        if isinstance(ruling.act, EverybodyOut):
            self._entrance.show_all_out(room)
        for user_id in _differing(before.barred, decision.charter.barred):
            self._entrance.show_out(room, user_id)
        for user_id in _differing(house_before.barred, house.barred):
            for one in list(self._rooms.values()):
                self._entrance.show_out(one, user_id)
        for key in before.keys.keys() - decision.charter.keys.keys():
            self._entrance.show_script_out(room, key)
        self._answer(room, ruling.act)

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
        self._entrance.look_after(room)
        self._note_end(room)
        if room.charter.sweeps:
            self._sweeper.note(room.name)

    def _note_end(self, room: Room) -> None:
        """Of the first watch that ends; after that one, of the next."""
        ends = [watched.until for watched in room.charter.watched.values()]
        if ends:
            self._sweeper.note_end(room.name, min(ends))

    def try_again(self, room: str) -> None:
        """Something is left to do there, but the history has failed."""
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

    def _show(self, room: Room, ruling: Ruling, look: Look) -> None:
        rank_of = self._rooms.house.ranks(room.charter, ruling.user)
        try:
            seen = self._seen(room, look, rank_of(ruling.user.user_id))
        except HistoryError as error:
            self._faults.note_failure("the host log cannot be read", error)
            detail = "The host log cannot be read now; try again."
            ruling.user.refuse(Refusal("not-stored", detail, ruling.cmid))
        else:
            ruling.user.ruled(ruling.cmid, seen)

    def _seen(self, room: Room, look: Look, rank: Rank) -> dict[str, object]:
        charter, sharing = room.charter, None
        hosts, log = charter.hosts, self._history.host_log(room.name)
        if rank is Rank.OPERATOR:  # they see who is one, too, and who has become one
            hosts = {**hosts, **self._rooms.house.charter.hosts}
            log = sorted([*log, *self._history.host_log("")], key=lambda it: it.at, reverse=True)
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
                    if link.uses
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
