"""What waits in a room for a host's approval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chatroom.message import Held

MOST_OF_ONE = 5
"""That one person can have waiting."""

MOST = 100
"""That a room can have."""

MOST_BYTES = 1024 * 1024
"""That the texts of all of them can take: hosts get them at once when they come."""


class ApprovalQueue:
    """Oldest first. Owned by the Server thread.

    Args:
        held: by the history.
    """

    def __init__(self, held: Iterable[Held] = ()) -> None:
        self.held = {one.id: one for one in held}
        """By id."""

    def __iter__(self) -> Iterator[Held]:
        return iter(self.held.values())

    def __len__(self) -> int:
        return len(self.held)

    def add(self, held: Held) -> None:
        """It waits from now on."""
        self.held[held.id] = held

    def drop(self, held: Held) -> None:
        """It waits no longer."""
        self.held.pop(held.id, None)

    def get(self, id: str) -> Held | None:
        """What has this id, if it still waits."""
        return self.held.get(id)

    def find(self, user_id: str, cmid: str) -> Held | None:
        """What its author sent under this cmid, if it still waits."""
        return next((one for one in self.of(user_id) if cmid and one.cmid == cmid), None)

    def of(self, user_id: str) -> list[Held]:
        """What a person has waiting; with an empty id, all those whom nobody knows."""
        return [one for one in self if one.user_id == user_id]

    def is_full_for(self, user_id: str, name: str) -> bool:
        """Whether somebody has too many waiting; those whom nobody knows count by their names, and
        leave half of the room to the others."""
        theirs = self.of(user_id)
        if user_id:
            return len(theirs) >= MOST_OF_ONE
        by_name = [one for one in theirs if one.user_name == name]
        return len(by_name) >= MOST_OF_ONE or len(theirs) >= MOST // 2

    def is_full(self, body: str) -> bool:
        """Whether the room has too many waiting for this text to wait, too."""
        size = sum(len(one.body.encode()) for one in self) + len(body.encode())
        return len(self) >= MOST or size > MOST_BYTES
