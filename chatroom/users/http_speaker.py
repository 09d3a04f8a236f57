"""Somebody who asks for one thing over HTTP, without a socket, and waits for the outcome."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import NamedTuple

from chatroom.errors import HistoryUnavailable, Refusal
from chatroom.message import Held, Message
from chatroom.users.proof import NOTHING, Proof


class Spoken(NamedTuple):
    """What became of a draft."""

    message: Message
    is_new: bool
    """It was stored just now; otherwise before, under the same cmid."""


class Ruled(NamedTuple):
    """An act is done."""

    told: Mapping[str, object]
    """What only who acts is told."""


class HttpSpeaker:
    """A ``Speaker`` that lives as long as one request.

    Args:
        room: where it speaks.
        name: unverified, as in the plain protocol.
        address: the client's.
        user_id: proved by a token; empty for nobody that the room knows.
        operator_link: the nonce of an operator's link, if that is what the request proved to have.
        proof: what else it has shown.
    """

    acknowledged = True
    inside = True
    knocks = ""
    is_visiting = True

    def __init__(
        self,
        room: str,
        name: str,
        address: str = "",
        user_id: str = "",
        operator_link: str = "",
        proof: Proof = NOTHING,
    ) -> None:
        self.room = room
        self.name = name
        self.address = address
        self.user_id = user_id
        self.operator_link = operator_link
        self.proof = proof
        self.failed = False
        self.outcome: Future[Spoken | Held | Ruled] = Future()
        """What is stored or done; or a ChatError, which says why not."""

    def committed(self, message: Message) -> None:
        """Called by the Server thread."""
        self.outcome.set_result(Spoken(message, is_new=True))

    def recognised(self, message: Message) -> None:
        """Called by the Server thread."""
        self.outcome.set_result(Spoken(message, is_new=False))

    def held_back(self, held: Held) -> None:
        """Called by the Server thread."""
        self.outcome.set_result(held)

    def refuse(self, refusal: Refusal) -> None:
        """Called by the Server thread."""
        self.outcome.set_exception(refusal)

    def not_stored(self, cmid: str, reason: str) -> None:
        """Called by the Server thread."""
        self.outcome.set_exception(HistoryUnavailable(self.room, reason, "try again later"))

    def altered(self, cmid: str, message: Message) -> None:
        """Called by the Server thread."""
        self.outcome.set_result(Spoken(message, is_new=False))

    def ruled(self, cmid: str, told: Mapping[str, object]) -> None:
        """Called by the Server thread."""
        self.outcome.set_result(Ruled(told))

    def send_acks(self) -> None:
        """Do nothing: the outcome is already set."""
