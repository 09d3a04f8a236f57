"""A user who says one message over HTTP, without a socket, and waits for the outcome."""

from __future__ import annotations

from concurrent.futures import Future

from chatroom.errors import HistoryUnavailable, TypedRefusal
from chatroom.message import Message
from chatroom.users.user import Said


class HttpSpeaker:
    """Stands in for a User in a ``Said``; lives as long as one request.

    Args:
        room: where it speaks.
        name: unverified, as in the plain protocol.
        address: the client's.
    """

    user_id = ""
    acknowledged = True

    def __init__(self, room: str, name: str, address: str = "") -> None:
        self.room = room
        self.name = name
        self.address = address
        self.failed = False
        self.outcome: Future[Message] = Future()
        """The stored message; or a ChatError: not stored, or the cmid was used before."""

    def committed(self, said: Said, message: Message) -> None:
        """Called by the Server thread."""
        self.outcome.set_result(message)

    def refuse(self, refusal: TypedRefusal) -> None:
        """Called by the Server thread."""
        self.outcome.set_exception(refusal)

    def not_stored(self, said: Said, reason: str) -> None:
        """Called by the Server thread."""
        self.outcome.set_exception(HistoryUnavailable(self.room, reason, "try again later"))

    def send_acks(self) -> None:
        """Do nothing: the outcome is already set."""
