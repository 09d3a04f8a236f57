"""Hints to other processes that serve the same rooms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from chatroom.rooms.crowd import Change, Known
from chatroom.rooms.register import AtTheDoor, Made, Replaced


class IsTyping(NamedTuple):
    """Somebody is typing in a room."""

    room: str
    who: Known


class RoomNews(NamedTuple):
    """A room is this far, or was."""

    room: str
    seq: int
    nonce: str
    """Of its last message, as ``seq``."""
    rev: int
    """How many changes of messages there were."""
    decided: int
    """How many acts that others have to hear of."""
    first: int = 0
    """The seq of the first of ``texts``."""
    texts: tuple[str, ...] = ()
    """Its last messages as JSON; none if they have to be read from the history."""
    before: str = ""
    """The nonce of the message before them."""

    @property
    def size(self) -> int:
        """Characters of its texts."""
        return sum(map(len, self.texts))

    def bare(self) -> RoomNews:
        """The same without texts."""
        return self._replace(first=0, texts=(), before="")


class CrowdNews(NamedTuple):
    """What the register has decided about the people of a room."""

    room: str
    epoch: int
    """See ``CrowdVersion``."""
    version: int
    """Of the crowd, after the last of the events."""
    events: tuple[Change | Replaced | AtTheDoor | Made, ...] = ()
    """In order; none if the crowd has to be read instead."""


class ReactionNews(NamedTuple):
    """Somebody has reacted to messages of a room."""

    room: str
    mark: int
    """The room's, by now. See ``Version``."""


Hint = IsTyping | RoomNews | CrowdNews | ReactionNews
"""May be lost without harm, doubled or late: it only makes others look."""


class Bus(ABC):
    """Told by the Server thread what others may want to know."""

    @abstractmethod
    def tell(self, hint: Hint) -> None:
        """Pass it on; never waits, never raises."""


class Alone(Bus):
    """For one process: there is nobody else."""

    def tell(self, hint: Hint) -> None:
        """Do nothing."""
