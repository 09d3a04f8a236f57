"""The Server: one thread that owns the rooms and selects over its channels."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar, cast

from chatroom.channel import Channel, Ready, select
from chatroom.errors import ChannelClosed, UserError
from chatroom.history import History
from chatroom.message import Draft, MessageId
from chatroom.rooms.active_rooms import ActiveRooms
from chatroom.rooms.broadcaster import Broadcaster
from chatroom.rooms.entrance import Entrance
from chatroom.rooms.faults import Faults
from chatroom.rooms.presence import Known
from chatroom.rooms.questions import Question, await_answer
from chatroom.rooms.replay import Replay
from chatroom.rooms.room import Subscriber
from chatroom.rooms.timers import Timers
from chatroom.rooms.trimmer import Trimmer
from chatroom.users.http_speaker import HttpSpeaker, Spoken
from chatroom.users.user import ADDED_BYTES, Channels, Leaving, Said, User, Wish

T = TypeVar("T")

BROADCAST_SLOTS = 1024
"""Frames that may wait for the Server; beyond that, readers block, and TCP slows their clients."""

BATCH_BYTES = 256 * 1024
"""About how much is committed and written at once: a fraction of a user's queue."""


class Server:
    """Joins, leaves and messages, in one order. Nothing here ever waits for a user.

    Args:
        history: opened; written by this thread alone.
        replay_limit: past messages that a joiner gets; 0 for all.
        tail_bytes: bytes of recent frames that each room keeps at hand for joiners.
        batch_bytes: about how many bytes of frames are committed and written at once.
        max_rooms: rooms that can exist.
        leave_grace: see ``Greeter``, also for the next two.
        presence_limit: people.
        limits: names and numbers.
        keep_messages: how many of the newest to keep in each room; 0 for all.
        keep_days: how many days to keep messages; 0 for all.
    """

    def __init__(
        self,
        history: History,
        *,
        replay_limit: int,
        tail_bytes: int,
        batch_bytes: int = BATCH_BYTES,
        max_rooms: int = 1000,
        leave_grace: float = 5.0,
        presence_limit: int = 200,
        limits: dict[str, int] | None = None,
        keep_messages: int = 0,
        keep_days: int = 0,
    ) -> None:
        self._ready: Ready = queue.SimpleQueue()
        self.add: Channel[Any] = Channel("add", self._ready)
        self.delete: Channel[Leaving] = Channel("delete", self._ready)
        self.broadcast: Channel[Said | Wish] = Channel("broadcast", self._ready, BROADCAST_SLOTS)
        self.error: Channel[UserError] = Channel("error", self._ready)
        self.ask_channel: Channel[Question] = Channel("ask", self._ready)
        self.channels = Channels(self.add, self.delete, self.broadcast, self.error)
        self._batch_bytes = batch_bytes
        self._faults = Faults()
        self._rooms = ActiveRooms(
            history, replay_limit=replay_limit, tail_bytes=tail_bytes, max_rooms=max_rooms
        )
        self._timers = Timers()
        self._trimmer = Trimmer(history, self._rooms, self._timers, keep_messages, keep_days)
        self._entrance = Entrance(
            self._rooms,
            Replay(history, self.add),
            self._timers,
            self._faults,
            replay_limit=replay_limit,
            leave_grace=leave_grace,
            presence_limit=presence_limit,
            limits=limits or {"maxNameLength": 64},
        )
        self._broadcaster = Broadcaster(history, self._rooms, self._entrance, self._faults)
        self._thread: threading.Thread | None = None  # not created before a fork: Python 3.13

    # -- any thread -------------------------------------------------------------------------

    @property
    def errors(self) -> int:
        """How many users failed or were dropped, plus whatever else went wrong."""
        return self._faults.count

    def start(self) -> None:
        """Start the Server thread."""
        self._thread = threading.Thread(target=self.listen, name="server")
        self._thread.start()

    def stop(self) -> None:
        """Commit and deliver everything put before, then end the thread. Idempotent."""
        if self._thread and self._thread.is_alive():
            self._ready.put(None)
            self._thread.join()

    def ask(self, question: Callable[[], T], timeout: float) -> T:
        """Have the Server thread answer, when its turn in the select loop comes.

        Raises:
            ChatError: it did not answer within ``timeout`` seconds, or has stopped.
            Whatever ``question`` raises.
        """
        answer: Future[T] = Future()
        self.ask_channel.put(Question(question, answer))
        return await_answer(answer, timeout)

    def check(self, timeout: float) -> None:
        """Prove within ``timeout`` seconds that messages can be accepted.

        Raises:
            ChatError: the Server thread does not answer, or the history does not work.
        """
        self.ask(self._broadcaster.prove, timeout)

    def say(
        self, room: str, draft: Draft, *, cmid: str = "", address: str = "", timeout: float
    ) -> Spoken:
        """Say something without a socket, and wait until it is stored.

        Returns:
            The message; if the same cmid came before with the same body, the earlier one.

        Raises:
            TypedRefusal: ``cmid-reused``, with another body; ``too-many-rooms``.
            ChatError: it is not stored, or not within ``timeout`` seconds.
        """
        speaker = HttpSpeaker(room, draft.user_name, address)
        cost = len(draft.body.encode()) + ADDED_BYTES
        self.broadcast.put(Said(cast(User, speaker), draft, cost, cmid))
        return await_answer(speaker.outcome, timeout)

    def present(self, room: str, timeout: float) -> list[Known]:
        """The people in the room: users of the typed protocol only."""
        rooms = self._rooms
        return self.ask(lambda: rooms[room].presence.known() if room in rooms else [], timeout)

    def subscribe(self, room: str, who: Subscriber, address: str, timeout: float) -> MessageId:
        """Hand a subscriber all messages of a room from now on.

        Returns:
            The id of the room's last message: the subscriber gets those after it.

        Raises:
            ChatError: as ``ask``.
        """

        def join() -> MessageId:
            found = self._rooms.enter(room, address)
            found.subscribers.append(who)
            return found.last

        return self.ask(join, timeout)

    def unsubscribe(self, room: str, subscriber: Subscriber) -> None:
        """Hand the subscriber nothing more. Never waits; idempotent."""

        def leave() -> None:
            if room in self._rooms:
                others = [one for one in self._rooms[room].subscribers if one is not subscriber]
                self._rooms[room].subscribers = others
                self._rooms.forget_if_empty(room)

        with suppress(ChannelClosed):
            self.ask_channel.put(Question(leave, Future()))

    # -- the Server thread --------------------------------------------------------------------

    def listen(self) -> None:
        """The Server thread's whole life."""
        self._trimmer.start()
        self._step_until_none()
        for channel in (*self.channels, self.ask_channel):
            channel.close()
        self._ready.put(None)  # after everything put before the channels closed
        self._step_until_none()

    def _step_until_none(self) -> None:
        going_on = True
        while going_on:
            try:
                going_on = self.step()
            except Exception:  # no user's fault, and no fault of ours, ends the room
                self._faults.note_bug()

    def step(self) -> bool:
        """Handle what the next ready channel holds, or what is due; False once it is to stop."""
        self._timers.run()
        try:
            selected = select(self._ready, self._timers.seconds())
        except queue.Empty:
            return True
        if selected is None:
            return False
        channel, item = selected
        if channel is self.broadcast:
            batch = [item, *self.broadcast.drain(self._batch_bytes, lambda said: said.cost)]
            # After the drain: a message in it may have overtaken its own sender's joining.
            for joining in self.add.drain(sys.maxsize, lambda joining: 1):
                self._entrance.add(joining)
            self._broadcaster.handle(batch)
        elif channel is self.add:
            self._entrance.add(item)
        elif channel is self.delete:
            self._entrance.remove(item.user, item.cause)
        elif channel is self.error:
            self._faults.note(item)
        elif channel is self.ask_channel:
            item.answer_it()
        return True
