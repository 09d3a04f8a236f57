"""When people last said something, in rooms that ask for some time between two messages."""

from __future__ import annotations

from collections import OrderedDict

MOST_PEOPLE = 10_000
"""Beyond that, whoever has said nothing for the longest time is forgotten, and may speak again."""


class LastSaid(OrderedDict[tuple[str, str], int]):
    """By room and person, in Unix milliseconds, oldest first: outlives the room, which is forgotten
    whenever nobody is in it. Owned by the Server thread."""

    def note(self, room: str, who: str, now: int) -> None:
        """Somebody says something."""
        self[room, who] = now
        self.move_to_end((room, who))
        if len(self) > MOST_PEOPLE:
            self.popitem(last=False)
