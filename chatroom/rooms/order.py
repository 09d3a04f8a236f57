"""What is said gets its place: numbered and committed, in one place for each room."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Protocol, TypeVar

from chatroom.errors import CmidTaken, Refusal
from chatroom.history import History
from chatroom.message import Message
from chatroom.rooms.charter import House
from chatroom.rooms.deciding import Decider, known
from chatroom.rooms.policy import Policy
from chatroom.rooms.questions import Question
from chatroom.rooms.room import Room
from chatroom.rooms.steps import at_once
from chatroom.rooms.verdicts import NotStored, Outcome, Placed, Stored
from chatroom.tally import Tally
from chatroom.users.requests import Change, Ruling, Said
from chatroom.users.speaker import Speaker
from chatroom.wire.message_json import to_json
from chatroom.wire.websocket import text_frame

T = TypeVar("T")

PROOF_AGE = 1.0
"""Seconds for which a successful write proves that the history works."""

CMID_TWICE = ("order", "a cmid came twice, and the first was not stored", "send it again")


class Later(Protocol):
    """An order of which a part is done, and the rest is the Server thread's."""

    def go_on(self) -> Outcome | None:
        """Called by the Server thread; the outcome, or None if it still comes later."""


class Order(ABC):
    """Asked by the Server thread."""

    @abstractmethod
    def say(self, batch: list[Said], rooms: Mapping[str, Room]) -> Outcome | None:
        """Give each draft its place behind the last message of its room; never waits for others.

        Args:
            batch: in the order in which it was said.
            rooms: with all the rooms in which it was.

        Returns:
            The outcome; None if it will come later, on ``Server.heard``. Until then, nothing more
            is said.
        """

    @abstractmethod
    def hold(self, said: Said, refusal: Refusal | None, room: Room) -> Outcome | None:
        """Keep a draft until a host approves it, if the policy allows it, or refuse it; unless it
        was sent before: then that stands. Never waits for others.

        Args:
            refusal: None if a host may approve it.

        Returns:
            As ``say``.
        """

    @abstractmethod
    def change(self, change: Change, room: Room) -> Outcome | None:
        """Give a message its next state, if the policy allows it; never waits for others.

        Returns:
            As ``say``.
        """

    @abstractmethod
    def rule(self, ruling: Ruling, room: Room, house: House) -> Outcome | None:
        """Let a host act, if the policy allows it; never waits for others.

        Returns:
            As ``say``.
        """

    @abstractmethod
    def sweep(self, room: Room) -> Outcome | None:
        """Go on with what the room's charter says is left to do, or forget what is over; never
        waits for others.

        Returns:
            As ``say``.
        """

    @abstractmethod
    def prove(self) -> Future[None]:
        """Prove that messages can be stored: by a recent write, or by a new one. It is a
        HistoryUnavailable if they cannot.
        """

    @abstractmethod
    def write(self, act: Callable[[History], T]) -> Future[T]:
        """Have the history written by whoever writes it; never waits for others.

        Returns:
            What the act returns, or raises, once it is done.
        """


class OwnOrder(Order):
    """For one process: the Server thread numbers and commits.

    Args:
        history: opened; written by this thread alone.
        policy: says who may change what.
        tally: counts what is stored; None where nobody reads it.
    """

    def __init__(self, history: History, policy: Policy, tally: Tally | None = None) -> None:
        self._history = history
        self._decider = Decider(policy)
        self._tally = tally or Tally()
        self._proved_at = -PROOF_AGE

    def say(self, batch: list[Said], rooms: Mapping[str, Room]) -> Outcome:
        """Commit the batch as one transaction."""
        try:
            return [self._commit(batch, rooms)]
        except CmidTaken:
            return self._say_each_once(batch, rooms)
        except Exception as error:
            return [NotStored(batch, error)]

    def _commit(self, batch: list[Said], rooms: Mapping[str, Room]) -> Stored:
        sent_at = time.time_ns() // 1_000_000
        nonces = os.urandom(8 * len(batch)).hex()
        messages: list[Message] = []
        stored: dict[str, Placed] = {}
        charters: dict[str, str] = {}
        for i, said in enumerate(batch):
            user, draft, _, cmid = said
            room = rooms[user.room]
            placed = stored.get(room.name)
            if placed is None:
                placed = stored[room.name] = Placed([], [], [])
                if not room.charter_is_stored:  # its first message: who has made it
                    charters[room.name] = room.charter.to_json()
            message = Message(
                room.name,
                room.last.seq + len(placed.said) + 1,
                nonces[16 * i : 16 * i + 16],
                draft.user_name or user.name,
                draft.body,
                draft.timestamp,
                sent_at,
                user.user_id,
                cmid,
                room.speaks_as(user.user_id) if user.user_id else "",
                draft.reply_to,
            )
            placed.said.append(said)
            placed.messages.append(message)
            # Before it is stored: what is stored has to be told.
            placed.frames.append(text_frame(to_json(message)))
            messages.append(message)
        self._proved_at = -PROOF_AGE
        began = time.monotonic()
        self._history.append(messages, charters)
        self._proved_at = time.monotonic()
        self._tally.committed(len(messages), self._proved_at - began)
        return Stored(stored, charters)

    def _say_each_once(self, batch: list[Said], rooms: Mapping[str, Room]) -> Outcome:
        """Deduplicate what clients resent for lack of an ack: store only what is not stored yet."""
        outcome: Outcome = []
        fresh: list[Said] = []
        twins: list[Said] = []
        asked: set[tuple[str, str, str]] = set()
        failed: set[Speaker] = set()
        for said in batch:
            key = (said.user.room, said.user.user_id, said.cmid)
            if not said.cmid:
                fresh.append(said)
            elif key in asked:
                twins.append(said)
            elif verdict := known(self._history, said):
                outcome.append(verdict)
                if isinstance(verdict, NotStored):
                    failed.add(said.user)
            else:
                asked.add(key)
                fresh.append(said)
        fresh = [said for said in fresh if said.user not in failed]
        if fresh:  # an empty commit would count as a successful write
            try:
                outcome.append(self._commit(fresh, rooms))
            except Exception as error:
                outcome.append(NotStored(fresh, error))
                failed.update(said.user for said in fresh)
        for said in twins:  # duplicates in the batch: stored by now, if their first was
            if said.user not in failed:
                outcome.append(
                    known(self._history, said) or NotStored([said], CmidTaken(*CMID_TWICE))
                )
        return outcome

    def hold(self, said: Said, refusal: Refusal | None, room: Room) -> Outcome:
        """Commit it by itself."""
        return at_once(self._decider.hold(said, refusal, room), self._history)

    def change(self, change: Change, room: Room) -> Outcome:
        """Commit it by itself."""
        outcome = at_once(self._decider.change(change, room), self._history)
        self._tally.stored += any(isinstance(verdict, Stored) for verdict in outcome)  # with a file
        return outcome

    def rule(self, ruling: Ruling, room: Room, house: House) -> Outcome:
        """Commit it by itself."""
        outcome = at_once(self._decider.rule(ruling, room, house), self._history)
        self._tally.stored += any(isinstance(verdict, Stored) for verdict in outcome)  # approved
        return outcome

    def sweep(self, room: Room) -> Outcome:
        """Commit the next step of what was begun first or, without that, forget what is over."""
        return at_once(self._decider.sweep(room), self._history)

    def prove(self) -> Future[None]:
        """Write, unless that has just been done."""
        proof: Future[None] = Future()
        if time.monotonic() - self._proved_at > PROOF_AGE:
            self._history.probe()
            self._proved_at = time.monotonic()
        proof.set_result(None)
        return proof

    def write(self, act: Callable[[History], T]) -> Future[T]:
        """At once."""
        written: Future[T] = Future()
        Question(partial(act, self._history), written).run()
        return written
