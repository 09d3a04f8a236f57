"""Who the Server thread deals with, as it sees them: whatever has these attributes may speak, or be
in a room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from chatroom.errors import Refusal
from chatroom.message import Held, Message
from chatroom.sockets.connection import Connection
from chatroom.users.proof import Proof


class Speaker(Protocol):
    """Whoever may stand behind a message: a user of either protocol, or a script over HTTP.

    Owned by the Server thread, which alone calls the methods.
    """

    room: str
    name: str
    address: str
    user_id: str
    """Empty for those who have none: plain users, scripts."""
    operator_link: str
    """The nonce of the operator's link that it proved to have, without using it up; mostly empty.
    Then it has no ``user_id``."""
    proof: Proof
    """What it has shown at its room's door."""
    is_visiting: bool
    """It is in no room, and judged at the door each time."""
    acknowledged: bool
    """It is told what became of each message; others see it come back, or their socket close."""
    inside: bool
    """It is in its room; a script always may be."""
    knocks: str
    """The room at whose door it waits; empty for nearly everyone."""
    failed: bool
    """The history failed it, or it has to go, and it was told: nothing more of it is stored."""

    def committed(self, message: Message) -> None:
        """Its message is stored. Only if it is ``acknowledged``, like the next two."""

    def recognised(self, message: Message) -> None:
        """Its message was stored before, under the same cmid."""

    def held_back(self, held: Held) -> None:
        """Its message waits for a host's approval, now or since it was sent before."""

    def altered(self, cmid: str, message: Message) -> None:
        """The message that it wanted changed is as it wants it, and everybody was told."""

    def ruled(self, cmid: str, told: Mapping[str, object]) -> None:
        """Its act as a host is done, and everybody was told; ``told`` is for it alone."""

    def send_acks(self) -> None:
        """All its messages of a batch are stored, and sent to the room."""

    def refuse(self, refusal: Refusal) -> None:
        """Its message, or what else it wants, is refused; a plain user is not told."""

    def not_stored(self, cmid: str, reason: str) -> Participant | None:
        """Its message could not be stored; returns who loses its socket over it."""


class Participant(Speaker, Protocol):
    """Who is in a room, with a socket."""

    id: int
    connection: Connection
    is_paced: bool
    """It may only say so many messages a second. Read by its reader thread."""

    def write(self, frames: bytes) -> bool:
        """Send whole frames, or close the socket of one who is too slow: see ``Sender.write``."""

    def end(self, code: int, reason: str, *, drop: bool = False) -> None:
        """Close its socket: see ``Sender.end``."""

    def turn_away(self, refusal: Refusal) -> None:
        """It cannot come into the room."""


class Named(NamedTuple):
    """Somebody was told who is in the room."""

    people: dict[str, str]
    """User ids and names."""


class Counted(NamedTuple):
    """Somebody was told how many are in the room."""

    people: int


class TypedParticipant(Participant, Protocol):
    """Who speaks the typed protocol: has a name that is nobody else's, and hears of people."""

    knows: Named | Counted
    """What its ``welcome`` said of people: until it is live."""
    rev: int
    """The last change of a message that it knows of: until it is live."""
    hears_rooms: bool
    """It gets news of other rooms, once it is live."""
    admitted: str
    """The room that a host has let it into: it need not knock there again."""
    names_refused: int
    answered: int
    """How many of its hellos have led to something. Read by its reader thread."""

    def pass_for(self, epoch: int) -> str:
        """Lets it come back into its room: see ``Tokens``."""
