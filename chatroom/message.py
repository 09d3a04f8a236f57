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

    @property
    def id(self) -> str:
        """``seq-nonce``: for clients an opaque text, and their cursor."""
        return f"{self.seq}-{self.nonce}"

    def __str__(self) -> str:
        return f"{self.user_name} at {self.timestamp} says {self.body}"
