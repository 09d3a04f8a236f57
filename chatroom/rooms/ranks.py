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
    """Runs the server: a host of every room."""

    @property
    def is_host(self) -> bool:
        """Whether this person is in charge."""
        return self is not Rank.EVERYONE

    @property
    def word(self) -> str:
        """On the wire and in a store; empty for everyone."""
        return self.name.lower() if self.is_host else ""

    @classmethod
    def named(cls, word: str) -> Rank:
        """The rank that this word stands for.

        Raises:
            ValueError: it stands for none.
        """
        for rank in cls:
            if rank.is_host and rank.word == word:
                return rank
        raise ValueError(f"rank is {word!r}; wanted: host, maker or operator")
