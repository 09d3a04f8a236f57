"""Broadcasts: a batch is committed as one transaction, then written to everyone in its rooms."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress

from chatroom.errors import CmidTaken, HistoryError, TooManyRooms, TypedRefusal
from chatroom.history import History
from chatroom.message import Message, MessageId
from chatroom.rooms.active_rooms import ActiveRooms
from chatroom.rooms.entrance import Entrance, too_many
from chatroom.rooms.faults import Faults
from chatroom.rooms.room import Heard, Room
from chatroom.users.typed_user import TypedUser
from chatroom.users.user import Said, User, Wish
from chatroom.wire.message_json import to_json
from chatroom.wire.typed import Typing
from chatroom.wire.websocket import text_frame

PROOF_AGE = 1.0
"""Seconds for which a successful write proves that the history works."""

CMID_TWICE = ("broadcaster", "a cmid came twice, and the first was not stored", "send it again")

NOT_STORED = "not stored: history unavailable"


class Broadcaster:
    """Owned by the Server thread.

    Args:
        history: the Server's.
        rooms: the Server's.
        entrance: removes users who cannot stay; has the greeter and the news.
        faults: the Server's.
    """

    def __init__(
        self, history: History, rooms: ActiveRooms, entrance: Entrance, faults: Faults
    ) -> None:
        self._history = history
        self._rooms = rooms
        self._entrance = entrance
        self._greeter = entrance.greeter
        self._news = entrance.news
        self._faults = faults
        self._proved_at = -PROOF_AGE

    def handle(self, batch: list[Said | Wish]) -> None:
        """Broadcast the batch; renames keep their place in it, typing notices come last."""
        said: list[Said] = []
        typing: list[Wish] = []
        for item in batch:
            if isinstance(item, Said):
                said.append(item)
            elif isinstance(item.request, Typing):
                typing.append(item)
            else:
                self._broadcast(said)
                said = []
                self._grant(item)
        self._broadcast(said)
        for wish in typing:
            self._grant(wish)

    def _grant(self, wish: Wish) -> None:
        user = wish.user
        if isinstance(user, TypedUser) and user.inside:
            self._greeter.grant(self._rooms[user.room], user, wish.request)

    def _broadcast(self, batch: list[Said], *, is_checked: bool = False) -> None:
        """Commit the batch as one transaction, then write it to the users of each room.

        Args:
            is_checked: already deduplicated.
        """
        # After a 1011, nothing more of the user is stored: it would follow a message that was not.
        batch = [
            said
            for said in batch
            if not said.user.failed and (not said.user.acknowledged or self._may_speak(said))
        ]
        if not batch:  # an empty commit would count as a successful write
            return
        try:
            said_in = self._commit(batch)
        except Exception as error:
            if isinstance(error, CmidTaken) and not is_checked:
                self._say_each_once(batch)
            else:
                self._not_stored(batch, error)
        else:
            self._send_all(said_in)

    def _may_speak(self, said: Said) -> bool:
        user = said.user
        if isinstance(user, TypedUser) and not user.inside:
            user.refuse(TypedRefusal("hello-first", "You are not in a room; say hello.", said.cmid))
            return False
        if user.room not in self._rooms:  # over HTTP, one may speak to a room that nobody is in
            with suppress(HistoryError):  # the commit raises it again
                try:
                    self._rooms.enter(user.room, user.address)
                except TooManyRooms as error:
                    user.refuse(too_many(error))
                    return False
        return True

    def _commit(self, batch: list[Said]) -> dict[Room, list[tuple[Said, Message]]]:
        sent_at = time.time_ns() // 1_000_000
        nonces = os.urandom(8 * len(batch)).hex()
        messages: list[Message] = []
        said_in: dict[Room, list[tuple[Said, Message]]] = {}
        for i, said in enumerate(batch):
            user, draft = said.user, said.draft
            room = self._rooms.enter(user.room, user.address)
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
        for room, pairs in said_in.items():  # all of them first: a fault in one affects no other
            newest = pairs[-1][1]
            room.last = MessageId(newest.seq, newest.nonce)
            self._rooms.count_as_stored(room.name)
        for room, pairs in said_in.items():
            texts = [to_json(message) for _said, message in pairs]
            frames = [text_frame(text) for text in texts]
            room.remember(frames)
            if room.subscribers:
                ids = (MessageId(message.seq, message.nonce) for _said, message in pairs)
                room.hand_on(list(map(Heard, ids, texts)))
            self._entrance.drop_all(room.send(frames))
            if any(said.user.acknowledged for said, _message in pairs):
                self._acknowledge(pairs)
            self._news.note(room)
            self._rooms.forget_if_empty(room.name)

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
        """Deduplicate what clients resent for lack of an ack: store only what is not stored yet."""
        fresh: list[Said] = []
        twins: list[Said] = []
        asked: set[tuple[str, str, str]] = set()
        for said in batch:
            key = (said.user.room, said.user.user_id, said.cmid)
            if not said.cmid:
                fresh.append(said)
            elif key in asked:
                twins.append(said)
            elif not self._is_answered(said):
                asked.add(key)
                fresh.append(said)
        self._broadcast(fresh, is_checked=True)
        for said in twins:  # duplicates in the batch: stored by now, if their first was
            if not said.user.failed and not self._is_answered(said):
                self._not_stored([said], CmidTaken(*CMID_TWICE))

    def _is_answered(self, said: Said) -> bool:
        """Answer a message that is stored already, or cannot be looked up; whether that was so."""
        try:
            known = self._history.find(said.user.room, said.user.user_id, said.cmid)
        except HistoryError as error:
            self._not_stored([said], error)
            return True
        if known is None:
            return False
        if known.body == said.draft.body:
            said.user.recognised(said, known)
            said.user.send_acks()
        else:
            detail = "This cmid was used for another message; use a new one."
            said.user.refuse(TypedRefusal("cmid-reused", detail, said.cmid))
        return True

    def _not_stored(self, batch: list[Said], error: Exception) -> None:
        self._faults.note_failure(f"{len(batch)} messages not stored", error)
        for said in batch:
            if not said.user.failed:
                said.user.not_stored(said, NOT_STORED)
        for user in {said.user for said in batch}:
            user.failed = True
            self._entrance.remove(user, NOT_STORED)
            self._rooms.forget_if_empty(user.room)

    def prove(self) -> None:
        """Prove that messages can be stored: by a recent write, or by a new one.

        Raises:
            HistoryUnavailable: they cannot.
        """
        if time.monotonic() - self._proved_at > PROOF_AGE:
            self._history.probe()
            self._proved_at = time.monotonic()
