"""Who reacts to what: clicks are collected, stored in one transaction, and told as a state.

Where others have the same rooms, ``shared_reactions.py`` does that.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from weakref import WeakKeyDictionary

from chatroom.errors import HistoryError, Refusal
from chatroom.history import History
from chatroom.reactions import (
    KINDS,
    MOST_PEOPLE,
    Click,
    Person,
    Reacted,
    sparingly_named,
)
from chatroom.rooms.active_rooms import ActiveRooms
from chatroom.rooms.bus import ReactionNews
from chatroom.rooms.faults import Faults
from chatroom.rooms.policy import Policy
from chatroom.rooms.room import Room
from chatroom.rooms.subscriber import HeardReactions
from chatroom.rooms.timers import Timers
from chatroom.users.speaker import Speaker
from chatroom.wire import typed
from chatroom.wire.reactions import React

INTERVAL = 0.25
"""Minimum seconds between two frames to a room."""

TOLD_A_SECOND = 10_000
"""Receivers beyond which the interval grows: each costs the Server thread 8 µs, as news does."""


class Waiting(NamedTuple):
    """Somebody waits for an answer."""

    speaker: Speaker
    request: React
    who: Person


def clicks_of(room: Room, waiting: Iterable[Waiting]) -> list[Click]:
    """What is to be stored of them, in order."""
    return [
        Click(room.name, it.request.id, it.who, it.request.kind, it.request.on) for it in waiting
    ]


@dataclass
class RoomReactions:
    """Of one room."""

    mark: int
    """What has changed up to this one was told."""
    waiting: list[Waiting] = field(default_factory=list)
    is_due: bool = False
    next_at: float = 0.0


class Reactions:
    """Owned by the Server thread.

    Args:
        history: the Server's.
        rooms: the Server's.
        policy: says who may react.
        timers: the Server's.
        faults: the Server's.
    """

    def __init__(
        self, history: History, rooms: ActiveRooms, policy: Policy, timers: Timers, faults: Faults
    ) -> None:
        self._history = history
        self._rooms = rooms
        self._policy = policy
        self._timers = timers
        self._faults = faults
        self._of: WeakKeyDictionary[Room, RoomReactions] = WeakKeyDictionary()

    @property
    def limits(self) -> dict[str, object]:
        """What ``welcome`` says of them: the kinds, if the history keeps reactions."""
        return {"reactions": KINDS} if self._history.keeps_reactions else {}

    def mark(self, room: Room) -> int:
        """The newest change of reactions that the room was told of; 0 if nobody has reacted."""
        if not self._history.keeps_reactions:
            return 0
        try:
            return self._known(room).mark
        except HistoryError as error:
            self._faults.note_failure("reactions cannot be read", error)
            return 0

    def click(self, speaker: Speaker, request: React) -> None:
        """Somebody who is in the room reacts; the answer comes once that is stored and told."""
        try:
            room = self._rooms.look_into(speaker.room)
            standing = room.standing_of(speaker, time.time_ns() // 1_000_000)
            keeps = self._history.keeps_reactions
            if refusal := self._policy.may_react(speaker, standing, keeps=keeps):
                speaker.refuse(refusal.about(request.cmid))
                self._rooms.forget_if_empty(room.name)
                return
            known = self._known(room)
        except HistoryError as error:
            self._not_stored(speaker, request, error)
            self._rooms.forget_if_empty(speaker.room)
            return
        name = speaker.name or room.name_of(speaker.user_id)
        known.waiting.append(Waiting(speaker, request, Person(speaker.user_id, name)))
        self._tell_soon(room, known)

    def note(self, room: Room) -> None:
        """Some may have changed otherwise."""
        if self._history.keeps_reactions and room in self._of:  # else nobody was told of any
            self._tell_soon(room, self._of[room])

    def forget(self, room: Room, user_id: str) -> None:
        """Somebody's were erased: so is what they have clicked just before, and is not stored."""
        if room in self._of:
            self._refuse_those_of(user_id, self._of[room])
        self.note(room)

    @staticmethod
    def _refuse_those_of(user_id: str, known: RoomReactions) -> None:
        theirs = [one for one in known.waiting if one.who.user_id == user_id]
        known.waiting = [one for one in known.waiting if one.who.user_id != user_id]
        for speaker, request, _ in theirs:
            speaker.refuse(Refusal("gone", "Your reactions were just erased.", request.cmid))

    def hear_of(self, news: ReactionNews) -> None:
        """Another process says that there are more; here, there is none."""

    def hear(self, room: Room, states: Sequence[Reacted], mark: int) -> None:
        """A look has brought all changes after the room's mark, up to this one; here, none does."""

    def _known(self, room: Room) -> RoomReactions:
        if room not in self._of:
            self._of[room] = RoomReactions(self._history.last_mark(room.name))
        return self._of[room]

    def _tell_soon(self, room: Room, known: RoomReactions) -> None:
        if not known.is_due:
            known.is_due = True
            room.awaited += 1  # so that it is not forgotten meanwhile
            wait = max(0.0, known.next_at - time.monotonic())
            self._timers.after(wait, lambda: self._tell(room))

    def _tell(self, room: Room) -> None:
        known = self._known(room)
        known.is_due = False
        known.next_at = self._next_at(room)
        waiting, known.waiting = known.waiting, []
        try:
            are_there = self._store(room, waiting)
            self._tell_all(room, known)
        except HistoryError as error:
            for speaker, request, _ in waiting:
                self._not_stored(speaker, request, error)
        else:
            for one, is_there in zip(waiting, are_there, strict=True):
                self._answer(room, one, is_there=is_there)
        finally:
            room.awaited -= 1
            self._rooms.forget_if_empty(room.name)

    @staticmethod
    def _next_at(room: Room) -> float:
        """When the room may be told again, if it is now; by ``time.monotonic``."""
        receivers = len(room.typed) + len(room.subscribers)
        return time.monotonic() + max(INTERVAL, receivers / TOLD_A_SECOND)

    def _store(self, room: Room, waiting: list[Waiting]) -> list[bool]:
        return self._history.react(clicks_of(room, waiting)) if waiting else []

    def _tell_all(self, room: Room, known: RoomReactions) -> None:
        people = 0 if room.presence.is_large else MOST_PEOPLE
        for mark, states in self._history.reacted_after(room.name, known.mark, people=people):
            # Whoever hears a part of it has heard up to this mark, and asks for the rest.
            before, known.mark = known.mark, max(known.mark, mark)
            states.sort(key=lambda state: state.id.seq)
            # What was removed has none any more, as everybody knows.
            there = [state for state in states if not room.changes.has_removed(state.id.seq)]
            if there:
                room.tell_all(typed.reactions(known.mark, sparingly_named(there)))
            self._hand_on(room, before, known.mark, there)

    @staticmethod
    def _hand_on(room: Room, after: int, mark: int, states: Sequence[Reacted]) -> None:
        if room.subscribers:
            room.hand_on([HeardReactions.of(after, mark, states)])

    def _answer(self, room: Room, one: Waiting, *, is_there: bool) -> None:
        speaker, request, who = one
        if not is_there:
            detail = "There is no such message any more."
            speaker.refuse(Refusal("gone", detail, request.cmid))
            return
        told = {"id": str(request.id), "kind": request.kind, "on": request.on}
        for socket in room.sockets_of(who.user_id):
            if socket is not speaker:
                room.tell_one(socket, typed.frame("reacted", **told))
        speaker.ruled(request.cmid, {})

    def _not_stored(self, speaker: Speaker, request: React, error: Exception) -> None:
        self._faults.note_failure("a reaction is not stored", error)
        detail = "That could not be stored; try again."
        speaker.refuse(Refusal("not-stored", detail, request.cmid))
