"""Who is in charge of a room."""

from __future__ import annotations

from enum import IntEnum


class Rank(IntEnum):
    """Each may do what those before it may."""

    EVERYONE = 0
    HOST = 1
    MAKER = 2
    """Has made the room: a host whom other hosts cannot unmake."""
    OPERATOR = 3
    """Has the server: a host of every room."""

    @property
    def is_host(self) -> bool:
        """Whether this person is in charge."""
        return self >= Rank.HOST
