"""When people last said something, in rooms that ask for some time between two messages."""

from __future__ import annotations

from chatroom.wire.acts import SLOWEST

TIDY_AT = 10_000
"""People at whom those are forgotten who may speak again in any room."""


class LastSaid(dict[tuple[str, str], int]):
    """By room and person, in Unix milliseconds: outlives the room, which is forgotten whenever
    nobody is in it. Owned by the Server thread."""

    def note(self, room: str, who: str, now: int) -> None:
        """Somebody says something."""
        if len(self) >= TIDY_AT:
            for key in [key for key, at in self.items() if now - at > SLOWEST * 1000]:
                del self[key]
        self[room, who] = now
