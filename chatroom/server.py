"""The Server: one thread that owns the rooms and selects over its channels."""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout  # Python 3.10: not the builtin one

from chatroom import protocol
from chatroom.channel import Channel, Ready, select
from chatroom.connection import broadcast
from chatroom.errors import ChatError, HistoryError, UserError
from chatroom.history import History
from chatroom.log import printable
from chatroom.message import Message
from chatroom.protocol import CloseCode
from chatroom.room import Room
from chatroom.user import Channels, Leaving, Said, User

log = logging.getLogger(__name__)

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
    """

    def __init__(
        self,
        history: History,
        *,
        replay_limit: int,
        tail_bytes: int,
        batch_bytes: int = BATCH_BYTES,
    ) -> None:
        self._ready: Ready = queue.SimpleQueue()
        self.add: Channel[User] = Channel("add", self._ready)
        self.delete: Channel[Leaving] = Channel("delete", self._ready)
        self.broadcast: Channel[Said] = Channel("broadcast", self._ready, BROADCAST_SLOTS)
        self.error: Channel[UserError] = Channel("error", self._ready)
        self.health: Channel[Future[None]] = Channel("health", self._ready)
        self.channels = Channels(self.add, self.delete, self.broadcast, self.error)
        self.errors = 0
        """How many users failed or were dropped; counted by the Server thread."""
        self._history = history
        self._replay_limit = replay_limit
        self._tail_bytes = tail_bytes
        self._batch_bytes = batch_bytes
        self._rooms: dict[str, Room] = {}
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

    def check(self, timeout: float) -> None:
        """Send a question through the select loop, and wait ``timeout`` seconds for the answer.

        Raises:
            ChatError: the Server thread does not answer, or the history does not work.
        """
        answer: Future[None] = Future()
        self.health.put(answer)
        try:
            answer.result(timeout)
        except FutureTimeout:
            raise ChatError(f"the Server thread did not answer within {timeout:.0f} s") from None

    # -- the Server thread --------------------------------------------------------------------

    def listen(self) -> None:
        """The Server thread's whole life."""
        self._step_until_none()
        for channel in (*self.channels, self.health):
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
        """Handle what the next ready channel holds; False once the server is to stop."""
        selected = select(self._ready)
        if selected is None:
            return False
        channel, item = selected
        if channel is self.broadcast:
            batch = [item, *self.broadcast.drain(self._batch_bytes, lambda said: said.cost)]
            # Behind the drain: what it took may have overtaken its own sender's joining.
            for user in self.add.drain(sys.maxsize, lambda user: 1):
                self._add(user)
            self._broadcast(batch)
        elif channel is self.add:
            self._add(item)
        elif channel is self.delete:
            self._delete(item)
        elif channel is self.error:
            self._error(item)
        elif channel is self.health:
            self._answer(item)
        return True

    def _add(self, user: User) -> None:
        try:
            room = self._room(user.room)
        except HistoryError as error:
            self._fail([user], "history unavailable", f"{user} cannot join", error)
            return
        room.users[user] = user.connection
        log.info('joined: %s room "%s", now %d', user, printable(room.name), len(room.users))
        if not self._replay(room, user):
            self._drop(user)

    def _room(self, name: str) -> Room:
        room = self._rooms.get(name)
        if room is None:
            length = self._replay_limit or _ALL
            seq, _nonce = self._history.head(name)
            tail = self._history.tail(name, length, self._tail_bytes)
            frames = [protocol.text_frame(protocol.to_json(message)) for message in tail]
            room = Room(name, seq, frames, tail_length=length, tail_bytes=self._tail_bytes)
            self._rooms[name] = room
        return room

    def _replay(self, room: Room, user: User) -> bool:
        """Send the past: from the room's tail, and where that is too short, from the history.

        Returns:
            False when the user is too slow, as ``User.write``.
        """
        first = max(0, room.seq - self._replay_limit) + 1 if self._replay_limit else 1
        if first >= room.first_remembered:
            return user.write(room.replay())
        user.connection.replay(self._pages(room.name, first, room.seq))
        return True

    def _pages(self, room: str, first: int, last: int) -> Iterator[bytes]:
        """Frames from the history, made as a writer thread asks for them."""
        for page in self._history.pages(room, first - 1, last):
            yield b"".join(protocol.text_frame(protocol.to_json(message)) for message in page)

    def _delete(self, leaving: Leaving) -> None:
        self._remove(leaving.user, leaving.cause)

    def _remove(self, user: User, cause: str) -> None:
        room = self._rooms.get(user.room)
        if room is None or user not in room.users:
            return  # removed before, as too slow
        del room.users[user]
        name = printable(room.name)
        log.info('left: %s room "%s", now %d: %s', user, name, len(room.users), printable(cause))
        self._forget_if_empty(user.room)

    def _forget_if_empty(self, name: str) -> None:
        room = self._rooms.get(name)
        if room and not room.users:
            del self._rooms[name]

    def _broadcast(self, batch: list[Said]) -> None:
        """Commit the batch as one transaction, then write it to the users of each room."""
        # Once told 1011, a user gets nothing stored behind the message that was not.
        batch = [said for said in batch if not said.user.failed]
        if not batch:  # else it would count as a write that worked
            return
        try:
            said_in = self._commit(batch)
        except Exception as error:
            reason = "not stored: history unavailable"
            users = [said.user for said in batch]
            self._fail(users, reason, f"{len(batch)} messages not stored", error)
            return
        for room, messages in said_in.items():
            room.seq = messages[-1].seq
        for room, messages in said_in.items():
            frames = [protocol.text_frame(protocol.to_json(message)) for message in messages]
            room.remember(frames)
            self._send_all(room, b"".join(frames))
            self._forget_if_empty(room.name)

    def _commit(self, batch: list[Said]) -> dict[Room, list[Message]]:
        sent_at = time.time_ns() // 1_000_000
        nonces = os.urandom(8 * len(batch)).hex()
        messages: list[Message] = []
        said_in: dict[Room, list[Message]] = {}
        for i, (user, draft, _cost) in enumerate(batch):
            room = self._room(user.room)
            said = said_in.setdefault(room, [])
            seq = room.seq + len(said) + 1
            nonce = nonces[16 * i : 16 * i + 16]
            message = Message(room.name, seq, nonce, *draft, sent_at=sent_at)
            said.append(message)
            messages.append(message)
        self._proved_at = -PROOF_AGE
        self._history.append(messages)
        self._proved_at = time.monotonic()
        return said_in

    def _send_all(self, room: Room, frames: bytes) -> None:
        behind = set(broadcast(room.users.values(), frames))
        slow = [user for user, connection in room.users.items() if connection in behind]
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
        self.errors += 1
        unexpected = None if isinstance(error, HistoryError) else error
        log.error("error: %s: %s", what, error, exc_info=unexpected)
        for user in users:
            user.failed = True
            user.end(CloseCode.SERVER_ERROR, reason)
            self._remove(user, reason)
            self._forget_if_empty(user.room)

    def _error(self, error: UserError) -> None:
        self.errors += 1
        log.warning("error: %s", error)

    def _answer(self, answer: Future[None]) -> None:
        try:
            if time.monotonic() - self._proved_at > PROOF_AGE:
                self._history.probe()
                self._proved_at = time.monotonic()
        except HistoryError as error:
            answer.set_exception(error)
        else:
            answer.set_result(None)


_ALL = 1 << 40
