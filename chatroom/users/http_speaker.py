"""Somebody who says one thing without a socket: over HTTP, and waits for the outcome."""

from __future__ import annotations

from concurrent.futures import Future

from chatroom.errors import HistoryUnavailable, TypedRefusal
from chatroom.message import Message
from chatroom.users.user import Said


class HttpSpeaker:
    """In the place of a User in a ``Said``; lives as long as one request.

    Args:
        room: where it speaks.
        name: who it says it is.
    """

    user_id = ""
    acknowledged = True

    def __init__(self, room: str, name: str) -> None:
        self.room = room
        self.name = name
        self.failed = False
        self.outcome: Future[Message] = Future()
        """The stored message; or ChatError: it is not stored, or its cmid was used before."""

    def committed(self, said: Said, message: Message) -> None:
        """The Server thread's call."""
        self.outcome.set_result(message)

    def refuse(self, refusal: TypedRefusal) -> None:
        """The Server thread's call."""
        self.outcome.set_exception(refusal)

    def not_stored(self, said: Said, reason: str) -> None:
        """The Server thread's call."""
        self.outcome.set_exception(HistoryUnavailable(self.room, reason, "try again later"))

    def send_acks(self) -> None:
        """Nothing more to say."""
