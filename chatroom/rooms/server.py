"""The Server: one thread that owns the rooms and selects over its channels."""

from __future__ import annotations

import logging
import queue
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar, cast

from chatroom.channel import Channel, Ready, select
from chatroom.errors import (
    ChannelClosed,
    HistoryError,
    TooManyRooms,
    UserError,
)
from chatroom.history import History
from chatroom.log import printable
from chatroom.message import Draft, Message, MessageId
from chatroom.rooms.active_rooms import ActiveRooms
from chatroom.rooms.broadcaster import Broadcaster, too_many
from chatroom.rooms.greeter import Greeter
from chatroom.rooms.news import News
from chatroom.rooms.presence import Known
from chatroom.rooms.questions import Question, await_answer
from chatroom.rooms.replay import Replay
from chatroom.rooms.room import Room, Subscriber
from chatroom.rooms.timers import Timers
from chatroom.rooms.trimmer import Trimmer
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.users.typed_user import Arrival, TypedUser
from chatroom.users.user import ADDED_BYTES, CaughtUp, Channels, Leaving, Said, User, Wish
from chatroom.wire.websocket import CloseCode

log = logging.getLogger(__name__)

T = TypeVar("T")

BROADCAST_SLOTS = 1024
"""Frames that may wait for the Server; then readers wait, and TCP makes their clients wait."""

BATCH_BYTES = 256 * 1024
"""About how much is committed and written at once: a part of what a user's queue holds."""


class Server:
    """Joins, leaves and messages, in one order. Nothing here ever waits for a user.

    Args:
        history: opened; written by this thread alone.
        replay_limit: past messages that a joiner gets; 0 for all.
        tail_bytes: bytes of recent frames that each room keeps at hand for joiners.
        batch_bytes: about how many bytes of frames are committed and written at once.
        max_rooms: rooms that can be made.
        leave_grace: see ``Greeter``, as the next two.
        presence_limit: people.
        limits: names and numbers.
        keep_messages: the newest so many of each room are kept; 0 for all.
        keep_days: messages of the last so many days are kept; 0 for all.
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
        self.errors = 0
        """How many users failed or were dropped; counted by the Server thread."""
        self._history = history
        self._replay_limit = replay_limit
        self._batch_bytes = batch_bytes
        self._rooms = ActiveRooms(
            history, replay_limit=replay_limit, tail_bytes=tail_bytes, max_rooms=max_rooms
        )
        self._timers = Timers()
        self._replay = Replay(history, self.add)
        news = News(self._timers, self._drop_all)
        self._greeter = Greeter(
            self._timers,
            news,
            self._drop_all,
            lambda room: self._rooms.forget_if_empty(room.name),
            leave_grace=leave_grace,
            presence_limit=presence_limit,
            limits=limits or {"maxNameLength": 64},
        )
        self._trimmer = Trimmer(history, self._timers, keep_messages, keep_days)
        self._broadcaster = Broadcaster(
            history,
            self._rooms,
            self._greeter,
            news,
            drop=self._drop_all,
            remove=self._remove,
            log_failure=self._log_failure,
        )
        self._thread: threading.Thread | None = None  # not made before a fork: Python 3.13

    # -- any thread -------------------------------------------------------------------------

    def start(self) -> None:
        """Start the Server thread."""
        self._thread = threading.Thread(target=self.listen, name="server")
        self._thread.start()

    def stop(self) -> None:
        """Commit and deliver all that was put before, then end the thread. Idempotent."""
        if self._thread and self._thread.is_alive():
            self._ready.put(None)
            self._thread.join()

    def ask(self, question: Callable[[], T], timeout: float) -> T:
        """Let the Server thread answer, in its turn in the select loop.

        Raises:
            ChatError: it did not answer within ``timeout`` seconds, or has stopped.
            Whatever ``question`` raises.
        """
        answer: Future[T] = Future()
        self.ask_channel.put(Question(question, answer))
        return await_answer(answer, timeout)

    def check(self, timeout: float) -> None:
        """Prove within ``timeout`` seconds that messages can be taken.

        Raises:
            ChatError: the Server thread does not answer, or the history does not work.
        """
        self.ask(self._broadcaster.prove, timeout)

    def say(self, room: str, draft: Draft, *, cmid: str = "", timeout: float) -> Message:
        """Say something without a socket, and wait until it is stored.

        Returns:
            The message; where the same cmid came before with the same body, that one.

        Raises:
            TypedRefusal: ``cmid-reused``, with another body; ``too-many-rooms``.
            ChatError: it is not stored, or not within ``timeout`` seconds.
        """
        speaker = HttpSpeaker(room, draft.user_name)
        cost = len(draft.body.encode()) + ADDED_BYTES
        self.broadcast.put(Said(cast(User, speaker), draft, cost, cmid))
        return await_answer(speaker.outcome, timeout)

    def present(self, room: str, timeout: float) -> list[Known]:
        """Who is in the room, of those who speak the typed protocol."""

        def known() -> list[Known]:
            return self._rooms[room].presence.known() if room in self._rooms else []

        return self.ask(known, timeout)

    def subscribe(self, room: str, subscriber: Subscriber, timeout: float) -> MessageId:
        """Let somebody hear all that is said in a room from now on.

        Returns:
            The id of the room's last message: what comes behind it, the subscriber hears.

        Raises:
            ChatError: as ``ask``.
        """

        def join() -> MessageId:
            found = self._rooms.enter(room)
            found.subscribers.append(subscriber)
            return found.last

        return self.ask(join, timeout)

    def unsubscribe(self, room: str, subscriber: Subscriber) -> None:
        """Let it hear nothing more. Waits for nothing; fine where it never heard anything."""

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
        self._ready.put(None)  # behind what was put until the channels closed
        self._step_until_none()

    def _step_until_none(self) -> None:
        going_on = True
        while going_on:
            try:
                going_on = self.step()
            except Exception:  # no user's fault, and no fault of ours, ends the room
                self.errors += 1
                log.exception("error: the Server goes on")

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
            # Behind the drain: what it took may have overtaken its own sender's joining.
            for joining in self.add.drain(sys.maxsize, lambda joining: 1):
                self._add(joining)
            self._broadcaster.handle(batch)
        elif channel is self.add:
            self._add(item)
        elif channel is self.delete:
            self._remove(item.user, item.cause)
        elif channel is self.error:
            self._error(item)
        elif channel is self.ask_channel:
            item.answer_it()
        return True

    # -- coming and going

    def _add(self, joining: User | Arrival | CaughtUp) -> None:
        if isinstance(joining, CaughtUp):
            self._bridge(joining.user, joining.seq, resumes=True)
        elif isinstance(joining, Arrival):
            self._join(joining.user, joining.room, joining)
        else:
            self._join(joining, joining.room)

    def _join(self, user: User, name: str, arrival: Arrival | None = None) -> None:
        try:
            room = self._rooms.enter(name)
        except HistoryError as error:
            self._fail([user], "history unavailable", f"{user} cannot join", error)
        except TooManyRooms as error:
            self._turn_away(user, error)
        else:
            if arrival is None or self._greeter.greet(room, arrival):
                self._let_in(room, user, arrival)
            self._rooms.forget_if_empty(name)

    def _let_in(self, room: Room, user: User, arrival: Arrival | None) -> None:
        seen = arrival.seen if arrival else None
        wanted = self._replay_limit or room.seq
        if arrival:
            wanted = arrival.wants(room.seq, wanted)
        first = max(0, room.seq - wanted)
        if not arrival:
            room.users[user] = user.connection
        now = max(len(room.users), len(room.presence))
        log.info('joined: %s room "%s", now %d', user, printable(room.name), now)
        if arrival and seen is not None and seen >= 0:
            self._bridge(user, seen, resumes=True)
        elif arrival:
            self._bridge(user, first, resumes=False)
        elif first + 1 < room.first_remembered:
            user.connection.replay(self._replay.pages(room.name, first, room.seq))
        elif not user.write(room.replay()):
            self._drop(user)

    def _turn_away(self, user: User, error: TooManyRooms) -> None:
        if isinstance(user, TypedUser):
            user.refuse(too_many(error))
        else:
            user.end(CloseCode.POLICY, "too many rooms; use one that is there")

    def _bridge(self, user: User, seen: int, *, resumes: bool) -> None:
        """Send a typed user what came behind ``seen``, and let it hear what is said from now on;
        where that is too much for the room's tail, its writer thread reads it first."""
        room = self._rooms.get(user.room)
        if room is None or not isinstance(user, TypedUser) or not user.inside:
            return  # gone meanwhile
        frames = room.frames_after(seen)
        if frames is None:
            pages = self._replay.catch_up(user, room.name, seen, resumes=resumes)
            user.connection.replay(pages)
            return
        room.users[user] = user.connection
        if not user.write(b"".join(frames) + self._greeter.go_live(room, user)):
            self._drop(user)

    def _remove(self, user: User, cause: str) -> None:
        room = self._rooms.get(user.room)
        if room is None:
            return
        if isinstance(user, TypedUser):
            if not user.inside:
                return  # removed before, as too slow or replaced, or never let in
            self._greeter.see_off(room, user, cause)
        elif room.users.pop(user, None) is None:
            return
        name = printable(room.name)
        log.info('left: %s room "%s", now %d: %s', user, name, len(room.users), printable(cause))
        self._rooms.forget_if_empty(user.room)

    # -- what goes wrong

    def _drop_all(self, slow: Iterable[User]) -> None:
        # Not through self.delete: this thread is its only reader, so a put on a full channel
        # would wait for itself, for ever.
        for user in slow:
            self._drop(user)

    def _drop(self, user: User) -> None:
        user.end(CloseCode.SLOW, "slow", drop=True)
        self._remove(user, "slow")
        self._error(UserError(user.id, "slow"))

    def _fail(self, users: list[User], reason: str, what: str, error: Exception) -> None:
        """Tell the users that the history failed them: none of them waits in vain."""
        self._log_failure(what, error)
        for user in users:
            user.failed = True
            user.end(CloseCode.SERVER_ERROR, reason)
            self._remove(user, reason)
            self._rooms.forget_if_empty(user.room)

    def _log_failure(self, what: str, error: Exception) -> None:
        self.errors += 1
        unexpected = None if isinstance(error, HistoryError) else error
        log.error("error: %s: %s", what, error, exc_info=unexpected)

    def _error(self, error: UserError) -> None:
        self.errors += 1
        log.warning("error: %s", error)
