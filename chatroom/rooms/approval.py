"""What waits in a room for a host's approval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chatroom.message import Held
from chatroom.wire import typed

MOST_OF_ONE = 5
"""That one person can have waiting."""

MOST = 100
"""That a room can have."""

MOST_BYTES = 1024 * 1024
"""That the frames of all of them can take: hosts get them at once when they come."""

PART_OF_ONE = 4
"""One person's can take such a part of that, unless there is only one."""


class ApprovalQueue:
    """Oldest first. Owned by the Server thread.

    Args:
        held: by the history.
        max_bytes: that the frames can take.
    """

    def __init__(self, held: Iterable[Held] = (), *, max_bytes: int = MOST_BYTES) -> None:
        self.held: dict[str, Held] = {}
        """By id."""
        self._sizes: dict[str, int] = {}
        self._size = 0
        self._max_bytes = min(max_bytes, MOST_BYTES)
        for one in held:
            self.add(one)

    def __iter__(self) -> Iterator[Held]:
        return iter(self.held.values())

    def __len__(self) -> int:
        return len(self.held)

    def add(self, held: Held) -> None:
        """It waits from now on."""
        self.held[held.id] = held
        self._sizes[held.id] = size = _size(held)
        self._size += size

    def drop(self, held: Held) -> None:
        """It waits no longer."""
        if self.held.pop(held.id, None):
            self._size -= self._sizes.pop(held.id)

    def get(self, id: str) -> Held | None:
        """What has this id, if it still waits."""
        return self.held.get(id)

    def find(self, user_id: str, cmid: str) -> Held | None:
        """What its author sent under this cmid, if it still waits."""
        return next((one for one in self.of(user_id) if cmid and one.cmid == cmid), None)

    def of(self, user_id: str) -> list[Held]:
        """What a person has waiting; with an empty id, all those whom nobody knows."""
        return [one for one in self if one.user_id == user_id]

    def is_full_for(self, held: Held) -> bool:
        """Whether its author has too many waiting for this one to wait, too; those whom nobody
        knows count by their names, and leave half of the room to the others."""
        theirs = self.of(held.user_id)
        of_one = theirs if held.user_id else [it for it in theirs if it.user_name == held.user_name]
        if not held.user_id and len(theirs) >= MOST // 2:
            return True
        size = sum(self._sizes[one.id] for one in of_one) + _size(held)
        return len(of_one) >= MOST_OF_ONE or (
            size > self._max_bytes // PART_OF_ONE and bool(of_one)
        )

    def is_full(self, held: Held) -> bool:
        """Whether the room has too many waiting for this one to wait, too."""
        is_large = self._size + _size(held) > self._max_bytes
        return len(self) >= MOST or (is_large and bool(self))


def _size(held: Held) -> int:
    """Bytes of its frame: with the name and the timestamp, which can be as long as the text."""
    return len(typed.held(held))
