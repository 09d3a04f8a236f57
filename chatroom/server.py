"""The Server: one thread that owns the rooms and selects over its channels."""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout  # Python 3.10: not the builtin one
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar, cast

from chatroom import protocol
from chatroom.channel import Channel, Ready, select
from chatroom.errors import (
    ChannelClosed,
    ChatError,
    CmidTaken,
    HistoryError,
    TooManyRooms,
    TypedRefusal,
    UserError,
)
from chatroom.history import History
from chatroom.host import Host
from chatroom.log import printable
from chatroom.member import Arrival, Member
from chatroom.message import Draft, Message
from chatroom.past import Past
from chatroom.poster import Poster
from chatroom.presence import Known
from chatroom.protocol import CloseCode
from chatroom.room import Listener, Room
from chatroom.timers import Timers
from chatroom.trimmer import Trimmer
from chatroom.user import ADDED_BYTES, CaughtUp, Channels, Leaving, Said, User, Wish

log = logging.getLogger(__name__)

T = TypeVar("T")

BROADCAST_SLOTS = 1024
"""Frames that may wait for the Server; then readers wait, and TCP makes their clients wait."""

BATCH_BYTES = 256 * 1024
"""About how much is committed and written at once: a part of what a user's queue holds."""

PROOF_AGE = 1.0
"""Seconds for which a write that worked proves that the history works."""


class Server:
    """Joins, leaves and messages, in one order. Nothing here ever waits for a user.

    Args:
        history: opened; written by this thread alone.
        replay_limit: past messages that a joiner gets; 0 for all.
        tail_bytes: bytes of recent frames that each room keeps at hand for joiners.
        batch_bytes: about how many bytes of frames are committed and written at once.
        max_rooms: rooms that can be made.
        leave_grace: see ``Host``, as the next two.
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
        self._tail_bytes = tail_bytes
        self._batch_bytes = batch_bytes
        self._max_rooms = max_rooms
        self._stored_rooms: set[str] | None = None  # read when first asked for
        self._rooms: dict[str, Room] = {}
        self._timers = Timers()
        self._past = Past(history, self.add)
        self._host = Host(
            self._timers,
            self._drop_all,
            lambda room: self._forget_if_empty(room.name),
            leave_grace=leave_grace,
            presence_limit=presence_limit,
            limits=limits or {"maxNameLength": 64},
        )
        self._trimmer = Trimmer(history, self._timers, keep_messages, keep_days)
        self._proved_at = -PROOF_AGE
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
        return _await(answer, timeout)

    def check(self, timeout: float) -> None:
        """Prove within ``timeout`` seconds that messages can be taken.

        Raises:
            ChatError: the Server thread does not answer, or the history does not work.
        """
        self.ask(self._prove, timeout)

    def say(self, room: str, draft: Draft, *, cmid: str = "", timeout: float) -> Message:
        """Say something without a socket, and wait until it is stored.

        Returns:
            The message; where the same cmid came before with the same body, that one.

        Raises:
            TypedRefusal: ``cmid-reused``, with another body; ``too-many-rooms``.
            ChatError: it is not stored, or not within ``timeout`` seconds.
        """
        poster = Poster(room, draft.user_name)
        cost = len(draft.body.encode()) + ADDED_BYTES
        self.broadcast.put(Said(cast(User, poster), draft, cost, cmid))
        return _await(poster.outcome, timeout)

    def present(self, room: str, timeout: float) -> list[Known]:
        """Who is in the room, of those who speak the typed protocol."""

        def known() -> list[Known]:
            return self._rooms[room].presence.known() if room in self._rooms else []

        return self.ask(known, timeout)

    def subscribe(self, room: str, after: int, listener: Listener, timeout: float) -> bool:
        """Let somebody hear a room: what came behind ``after``, then all that is said.

        Returns:
            False where the room's tail does not reach back so far: read the history first.

        Raises:
            ChatError: as ``ask``.
        """

        def join() -> bool:
            found = self._room(room)
            frames = found.frames_after(after)
            if frames is not None:
                listener.take(frames)
                found.listeners.append(listener)
            self._forget_if_empty(room)
            return frames is not None

        return self.ask(join, timeout)

    def unsubscribe(self, room: str, listener: Listener) -> None:
        """Tell it nothing more. Waits for nothing; fine where it was never told anything."""

        def leave() -> None:
            if room in self._rooms:
                listeners = self._rooms[room].listeners
                self._rooms[room].listeners = [one for one in listeners if one is not listener]
                self._forget_if_empty(room)

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
            self._handle(batch)
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
            room = self._room(name)
        except HistoryError as error:
            self._fail([user], "history unavailable", f"{user} cannot join", error)
        except TooManyRooms as error:
            self._turn_away(user, error)
        else:
            if arrival is None or self._host.greet(room, arrival):
                self._let_in(room, user, arrival)
            self._forget_if_empty(name)

    def _let_in(self, room: Room, user: User, arrival: Arrival | None) -> None:
        seen = arrival.seen if arrival else None
        first = max(0, room.seq - self._replay_limit) if self._replay_limit else 0
        if not arrival:
            room.users[user] = user.connection
        now = max(len(room.users), len(room.presence))
        log.info('joined: %s room "%s", now %d', user, printable(room.name), now)
        if arrival and seen is not None and seen >= 0:
            self._bridge(user, seen, resumes=True)
        elif arrival:
            self._bridge(user, first, resumes=False)
        elif first + 1 < room.first_remembered:
            user.connection.replay(self._past.pages(room.name, first, room.seq))
        elif not user.write(room.replay()):
            self._drop(user)

    def _turn_away(self, user: User, error: TooManyRooms) -> None:
        if isinstance(user, Member):
            user.refuse(_too_many(error))
        else:
            user.end(CloseCode.POLICY, "too many rooms; use one that is there")

    def _bridge(self, user: User, seen: int, *, resumes: bool) -> None:
        """Send a typed user what came behind ``seen``, and let it hear what is said from now on;
        where that is too much for the room's tail, its writer thread reads it first."""
        room = self._rooms.get(user.room)
        if room is None or not isinstance(user, Member) or not user.inside:
            return  # gone meanwhile
        frames = room.frames_after(seen)
        if frames is None:
            pages = self._past.catch_up(user, room.name, seen, resumes=resumes)
            user.connection.replay(pages)
            return
        room.users[user] = user.connection
        if not user.write(b"".join(frames) + self._host.go_live(room, user)):
            self._drop(user)

    def _room(self, name: str) -> Room:
        room = self._rooms.get(name)
        if room is None:
            self._demand_place_for(name)
            length = self._replay_limit or _ALL
            seq, nonce = self._history.head(name)
            tail = self._history.tail(name, length, self._tail_bytes)
            frames = [protocol.text_frame(protocol.to_json(message)) for message in tail]
            room = Room(name, seq, frames, tail_length=length, tail_bytes=self._tail_bytes)
            if seq:
                room.last_id = f"{seq}-{nonce}"
            self._rooms[name] = room
        return room

    def _demand_place_for(self, name: str) -> None:
        """Refuse to make a room too many; one that has messages is there already."""
        if self._stored_rooms is None:
            self._stored_rooms = {room.name for room in self._history.rooms()}
        if name not in self._stored_rooms:
            unstored = self._rooms.keys() - self._stored_rooms
            if len(self._stored_rooms) + len(unstored) >= self._max_rooms:
                raise TooManyRooms(name, self._max_rooms)

    def _remove(self, user: User, cause: str) -> None:
        room = self._rooms.get(user.room)
        if room is None:
            return
        if isinstance(user, Member):
            if not user.inside:
                return  # removed before, as too slow or replaced, or never let in
            self._host.see_off(room, user, cause)
        elif room.users.pop(user, None) is None:
            return
        name = printable(room.name)
        log.info('left: %s room "%s", now %d: %s', user, name, len(room.users), printable(cause))
        self._forget_if_empty(user.room)

    def _forget_if_empty(self, name: str) -> None:
        room = self._rooms.get(name)
        if room and room.is_empty:
            del self._rooms[name]

    # -- what is said

    def _handle(self, batch: list[Said | Wish]) -> None:
        """Say what is to be said; what users wish beside it comes in its turn."""
        said: list[Said] = []
        for item in batch:
            if isinstance(item, Said):
                said.append(item)
            elif isinstance(item.user, Member) and item.user.inside:
                self._broadcast(said)
                said = []
                self._host.grant(self._rooms[item.user.room], item.user, item.request)
        self._broadcast(said)

    def _broadcast(self, batch: list[Said]) -> None:
        """Commit the batch as one transaction, then write it to the users of each room."""
        # Once told 1011, a user gets nothing stored behind the message that was not.
        batch = [said for said in batch if not said.user.failed and self._may_speak(said)]
        if not batch:  # else it would count as a write that worked
            return
        try:
            said_in = self._commit(batch)
        except CmidTaken:
            self._say_each_once(batch)
        except Exception as error:
            self._not_stored(batch, error)
        else:
            self._send_all(said_in)

    def _may_speak(self, said: Said) -> bool:
        user = said.user
        if isinstance(user, Member) and not user.inside:
            user.refuse(TypedRefusal("hello-first", "You are not in a room; say hello.", said.cmid))
            return False
        if user.room not in self._rooms:  # over HTTP one may speak to a room that nobody is in
            with suppress(HistoryError):  # the commit meets it again
                try:
                    self._demand_place_for(user.room)
                except TooManyRooms as error:
                    user.refuse(_too_many(error))
                    return False
        return True

    def _commit(self, batch: list[Said]) -> dict[Room, list[tuple[Said, Message]]]:
        sent_at = time.time_ns() // 1_000_000
        nonces = os.urandom(8 * len(batch)).hex()
        messages: list[Message] = []
        said_in: dict[Room, list[tuple[Said, Message]]] = {}
        for i, said in enumerate(batch):
            user, draft = said.user, said.draft
            room = self._room(user.room)
            theirs = said_in.setdefault(room, [])
            message = Message(
                room.name,
                room.seq + len(theirs) + 1,
                nonces[16 * i : 16 * i + 16],
                draft.user_name or user.name,
                draft.body,
                draft.timestamp,
                sent_at,
                user.user_id,
                said.cmid,
            )
            theirs.append((said, message))
            messages.append(message)
        self._proved_at = -PROOF_AGE
        self._history.append(messages)
        self._proved_at = time.monotonic()
        return said_in

    def _send_all(self, said_in: dict[Room, list[tuple[Said, Message]]]) -> None:
        for room, pairs in said_in.items():  # all first: a fault in one room holds up no other
            room.seq, room.last_id = pairs[-1][1].seq, pairs[-1][1].id
            assert self._stored_rooms is not None
            self._stored_rooms.add(room.name)
        for room, pairs in said_in.items():
            frames = [protocol.text_frame(protocol.to_json(message)) for _said, message in pairs]
            room.remember(frames)
            self._drop_all(room.send(frames))
            self._acknowledge(pairs)
            self._forget_if_empty(room.name)

    @staticmethod
    def _acknowledge(pairs: Iterable[tuple[Said, Message]]) -> None:
        speakers: dict[User, None] = {}
        for said, message in pairs:
            if said.user.acknowledged:
                said.user.committed(said, message)
                speakers[said.user] = None
        for user in speakers:
            user.send_acks()

    def _say_each_once(self, batch: list[Said]) -> None:
        """A client sends again what it has no ack for; find out which of these are stored."""
        for said in batch:
            room, user_id = said.user.room, said.user.user_id
            try:
                known = self._history.find(room, user_id, said.cmid) if said.cmid else None
            except HistoryError as error:
                self._not_stored([said], error)
                continue
            if known is None:
                self._broadcast([said])
            elif known.body == said.draft.body:
                self._acknowledge([(said, known)])
            else:
                detail = "This cmid was used for another message; take a new one."
                said.user.refuse(TypedRefusal("cmid-reused", detail, said.cmid))

    def _not_stored(self, batch: list[Said], error: Exception) -> None:
        self._log_failure(f"{len(batch)} messages not stored", error)
        for said in batch:
            if not said.user.failed:
                said.user.not_stored(said, "not stored: history unavailable")
        for user in {said.user for said in batch}:
            user.failed = True
            self._remove(user, "not stored: history unavailable")
            self._forget_if_empty(user.room)

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
            self._forget_if_empty(user.room)

    def _log_failure(self, what: str, error: Exception) -> None:
        self.errors += 1
        unexpected = None if isinstance(error, HistoryError) else error
        log.error("error: %s: %s", what, error, exc_info=unexpected)

    def _error(self, error: UserError) -> None:
        self.errors += 1
        log.warning("error: %s", error)

    def _prove(self) -> None:
        if time.monotonic() - self._proved_at > PROOF_AGE:
            self._history.probe()
            self._proved_at = time.monotonic()


class Question(NamedTuple):
    """Something that the Server thread is asked, and the place for its answer."""

    question: Callable[[], Any]
    answer: Future[Any]

    def answer_it(self) -> None:
        """The Server thread's call."""
        try:
            self.answer.set_result(self.question())
        except Exception as error:
            self.answer.set_exception(error)


def _too_many(error: TooManyRooms) -> TypedRefusal:
    return TypedRefusal("too-many-rooms", f"{error}; use one that is there.")


def _await(answer: Future[T], timeout: float) -> T:
    try:
        return answer.result(timeout)
    except FutureTimeout:
        raise ChatError(f"the Server thread did not answer within {timeout:.0f} s") from None


_ALL = 1 << 40
