"""Reactions in rooms that other processes have, too: whoever writes the history stores them, and a
look brings what has changed, here and elsewhere, in the order of the marks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from weakref import WeakKeyDictionary

from chatroom.history import History
from chatroom.message import MessageId
from chatroom.reactions import Reacted, in_parts, sparingly_named
from chatroom.rooms.active_rooms import ActiveRooms
from chatroom.rooms.bus import Bus, ReactionNews
from chatroom.rooms.faults import Faults
from chatroom.rooms.order import Later, Order
from chatroom.rooms.policy import Policy
from chatroom.rooms.reactions import Reactions, RoomReactions, Waiting, clicks_of
from chatroom.rooms.room import Room
from chatroom.rooms.timers import Timers
from chatroom.users.speaker import Speaker
from chatroom.wire import typed
from chatroom.wire.reactions import React

MOST_AT_ONCE = 1000
"""Clicks that are stored in one transaction: some 40 ms in which the room waits."""

Shared = tuple[Order, Bus, Callable[[Later], None]]
"""Who has the history written; who tells the other processes; and what takes, from any thread, what
the Server thread is to hear."""


@dataclass
class _SharedRoomReactions(RoomReactions):
    """Of one room, which is known up to its own mark; ``mark`` is as far as it was told."""

    fresh: dict[MessageId, Reacted] = field(default_factory=dict)
    """What the room is to be told next."""
    answers: list[tuple[Waiting, bool]] = field(default_factory=list)
    """Whom it concerns, once that is told; and whether their message is there."""
    is_to_look: bool = False
    """Others have reacted."""
    is_storing: bool = False


class _Done:
    """The history has answered.

    Args:
        go_on: called by the Server thread.
    """

    def __init__(self, go_on: Callable[[], None]) -> None:
        self.go_on = go_on


class SharedReactions(Reactions):
    """Owned by the Server thread, which reads and writes nothing.

    At most four times a second, as in one process, a room is told of reactions, wherever they were
    made; looks for what others have made, which all their hints together make due; and has its
    clicks stored. An answer comes after the change that it is about.

    Args:
        history: as of ``Reactions``, like all up to ``faults``.
        shared: see there.
    """

    def __init__(
        self,
        history: History,
        rooms: ActiveRooms,
        policy: Policy,
        timers: Timers,
        faults: Faults,
        shared: Shared,
    ) -> None:
        super().__init__(history, rooms, policy, timers, faults)
        self._order, self._bus, self._hear = shared
        self._of_room: WeakKeyDictionary[Room, _SharedRoomReactions] = WeakKeyDictionary()

    def mark(self, room: Room) -> int:
        """As far as the room is known; what it was not told of yet, it will be."""
        return room.mark

    def click(self, speaker: Speaker, request: React) -> None:
        """Likewise; over HTTP, the room may have to be read first."""
        click = partial(super().click, speaker, request)
        if not self._rooms.wait_for(speaker.room, click):
            click()

    def note(self, room: Room) -> None:
        """Likewise."""
        known = self._known(room)
        known.is_to_look = True
        self._tell_soon(room, known)

    def forget(self, room: Room, user_id: str) -> None:
        """Likewise."""
        self._refuse_those_of(user_id, self._known(room))
        self.note(room)

    def hear_of(self, news: ReactionNews) -> None:
        """Another process says that there are more."""
        room = self._rooms.get(news.room)
        if room and room.mark < news.mark:
            self.note(room)

    def hear(self, room: Room, states: Sequence[Reacted], mark: int) -> None:
        """A look has brought all that has changed after the room's mark, up to this one."""
        known = self._known(room)  # what was known before is told
        room.mark = mark
        if states:
            known.fresh.update((state.id, state) for state in states)
            self._tell_now_or_soon(room, known)

    def _known(self, room: Room) -> _SharedRoomReactions:
        if room not in self._of_room:
            self._of_room[room] = _SharedRoomReactions(room.mark)
        return self._of_room[room]

    def _tell_now_or_soon(self, room: Room, known: _SharedRoomReactions) -> None:
        if time.monotonic() >= known.next_at:
            self._tell_all_of(room, known)
        else:
            self._tell_soon(room, known)

    def _tell(self, room: Room) -> None:
        known = self._known(room)
        known.is_due = False
        try:
            self._tell_all_of(room, known)
            if known.waiting and not known.is_storing:
                self._store_all_of(room, known)  # a look follows
            elif known.is_to_look:
                self._look(room, lambda: None)
        finally:
            self._let_go(room)

    def _tell_all_of(self, room: Room, known: _SharedRoomReactions) -> None:
        fresh, known.fresh = known.fresh.values(), {}
        answers, known.answers = known.answers, []
        if fresh or answers:
            known.next_at = self._next_at(room)
        # What was removed meanwhile has none any more.
        states = [state for state in fresh if not room.changes.has_removed(state.id.seq)]
        if room.presence.is_large:
            states = [state._replace(people={}) for state in states]
        for mark, part in in_parts(states):
            before, known.mark = known.mark, max(known.mark, mark)
            part.sort(key=lambda state: state.id.seq)
            room.tell_all(typed.reactions(known.mark, sparingly_named(part)))
            self._hand_on(room, before, known.mark, part)
        for one, is_there in answers:
            self._answer(room, one, is_there=is_there)

    # -- on its way -------------------------------------------------------------------------------

    def _store_all_of(self, room: Room, known: _SharedRoomReactions) -> None:
        waiting, known.waiting = known.waiting[:MOST_AT_ONCE], known.waiting[MOST_AT_ONCE:]
        known.is_storing = True
        room.awaited += 1
        clicks, mark = clicks_of(room, waiting), room.mark
        stored = self._order.write(lambda history: history.react(clicks))
        stored.add_done_callback(
            lambda done: self._hear(_Done(partial(self._stored, room, waiting, mark, done)))
        )

    def _stored(
        self, room: Room, waiting: list[Waiting], mark: int, done: Future[list[bool]]
    ) -> None:
        try:
            answers = list(zip(waiting, done.result(), strict=True))
        except Exception as error:  # also a fault of ours: they are waiting
            for speaker, request, _ in waiting:
                self._not_stored(speaker, request, error)
            self._go_on(room)
        else:
            self._look(room, partial(self._looked, room, answers, mark))

    def _looked(self, room: Room, answers: list[tuple[Waiting, bool]], mark: int) -> None:
        known = self._known(room)
        if room.mark > mark:
            self._bus.tell(ReactionNews(room.name, room.mark))
        known.answers += answers
        if not known.fresh:  # it is told already, or nothing has changed
            self._tell_all_of(room, known)
        self._go_on(room)

    def _go_on(self, room: Room) -> None:
        known = self._known(room)
        known.is_storing = False
        if known.waiting or known.is_to_look:
            self._tell_soon(room, known)
        self._let_go(room)

    def _look(self, room: Room, then: Callable[[], None]) -> None:
        assert self._rooms.find_out
        self._known(room).is_to_look = False
        self._rooms.find_out(room.name, then)

    def _let_go(self, room: Room) -> None:
        room.awaited -= 1
        self._rooms.forget_if_empty(room.name)


def reactions_of(
    history: History,
    rooms: ActiveRooms,
    policy: Policy,
    timers: Timers,
    faults: Faults,
    shared: Shared | None,
) -> Reactions:
    """The Server's.

    Args:
        shared: None if nobody else has these rooms.
    """
    if shared:
        return SharedReactions(history, rooms, policy, timers, faults, shared)
    return Reactions(history, rooms, policy, timers, faults)
