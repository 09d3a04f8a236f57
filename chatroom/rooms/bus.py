"""Hints to other processes that serve the same rooms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from chatroom.rooms.crowd import Known


class IsTyping(NamedTuple):
    """Somebody is typing in a room."""

    room: str
    who: Known


Hint = IsTyping
"""May be lost without harm."""


class Bus(ABC):
    """Told by the Server thread what others may want to know."""

    @abstractmethod
    def tell(self, hint: Hint) -> None:
        """Pass it on; never waits, never raises."""


class Alone(Bus):
    """For one process: there is nobody else."""

    def tell(self, hint: Hint) -> None:
        """Do nothing."""
