"""What other processes do to the same rooms: how the Server thread asks for it, and what it hears.

Whoever is alone has nobody elsewhere, and asks nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

from chatroom.history.shared import Opening, Version
from chatroom.rooms.bus import IsTyping, ReactionNews, RoomNews
from chatroom.rooms.verdicts import Looked


class Opened(NamedTuple):
    """A room as it is, for whoever waits to come in."""

    opening: Opening
    frames: list[bytes]
    """One for each message of its tail; an empty one for what was removed."""


class NotOpened(NamedTuple):
    """It cannot be read now."""

    room: str
    error: Exception


class NotLooked(NamedTuple):
    """It has to be asked again."""

    room: str
    error: Exception


class Differing(NamedTuple):
    """These rooms are not as they were known to be; ``""`` for the whole server."""

    rooms: list[str]


class Missing(NamedTuple):
    """Hints may have been missed: all rooms are to be compared."""


Word = (
    Looked
    | NotLooked
    | Opened
    | NotOpened
    | Differing
    | Missing
    | RoomNews
    | ReactionNews
    | IsTyping
)
"""What the Server thread hears from elsewhere."""


class Elsewhere(ABC):
    """Asked by the Server thread, which never waits: a ``Word`` comes, later, on its ``heard``."""

    @abstractmethod
    def look(self, room: str, known: Version) -> None:
        """What has the room missed? ``Looked`` or ``NotLooked``."""

    @abstractmethod
    def open(self, room: str, limit: int, max_bytes: int) -> None:
        """Read all that a room is opened with: ``Opened`` or ``NotOpened``.

        Args:
            limit: as of ``History.tail``, like the next one.
        """

    @abstractmethod
    def taken(self, size: int) -> None:
        """So many characters of texts, of ``RoomNews``, have been dealt with."""

    @abstractmethod
    def compare(self, versions: Mapping[str, Version]) -> None:
        """Which of these rooms are not as they are known? ``Differing``, if any."""
