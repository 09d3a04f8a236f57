"""A line of chat: what a client asks to say, and what the room has committed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Draft(NamedTuple):
    """What a client asks to say: checked, but not yet part of any history."""

    user_name: str
    body: str
    timestamp: str
    """The client's own text, such as ``10:42 AM``; passed on as it came."""


@dataclass(frozen=True, slots=True)
class Message:
    """One line of chat: whole when made, never changed after."""

    room: str
    seq: int
    """Counts up from 1 in each room, without holes."""
    nonce: str
    """16 random hex digits: tells this message from another that once had the same seq."""
    user_name: str
    body: str
    timestamp: str
    """The client's own text, such as ``10:42 AM``."""
    sent_at: int
    """Unix time in milliseconds, by the server's clock."""
    user_id: str = ""
    """Who said it, in the typed protocol; empty for a user of the plain one."""
    cmid: str = ""
    """The client's own id for it, 1 to 64 characters; empty where it gave none."""

    @property
    def id(self) -> str:
        """``seq-nonce``: for clients an opaque text, and their cursor."""
        return f"{self.seq}-{self.nonce}"

    def __str__(self) -> str:
        return f"{self.user_name} at {self.timestamp} says {self.body}"


@dataclass(frozen=True, slots=True)
class RoomSummary:
    """What a history knows of one room, at one moment."""

    name: str
    first: int
    """The seq of the oldest message that is still stored; 0 where none is."""
    seq: int
    """The seq of the last message, and so how many there ever were."""
    nonce: str
    """The last message's."""
    sent_at: int
    """The last message's: Unix time in milliseconds, by the server's clock."""
