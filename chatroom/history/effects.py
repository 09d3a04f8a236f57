"""What an act of a host brings about besides its room's charter, in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chatroom.message import Evidence, Held, Message


class Effects(NamedTuple):
    """Of one act."""

    house: str | None = None
    """What the whole server has decided, if that is new."""
    removed: Sequence[tuple[Message, Evidence]] = ()
    """Of each message, what is left of it, with the room's next revs, and what it was."""
    erased: Sequence[int] = ()
    """The seqs of messages whose evidence is dropped."""
    refused: Sequence[Held] = ()
    """What waits for approval no longer, and is never said."""
    restored: Sequence[Message] = ()
    """Messages that come back, with the room's next revs; their evidence is dropped."""
    wiped: Sequence[Message] = ()
    """What is left of messages that are removed without evidence, with the room's next revs."""
    disowned: Sequence[int] = ()
    """The seqs of those among the wiped and the erased that are nobody's from now on: without a
    user id and a cmid."""

    @property
    def changes(self) -> list[tuple[Message, Evidence | None]]:
        """Each message as it is now, with the evidence that is kept of it."""
        return [*self.removed, *((message, None) for message in (*self.restored, *self.wiped))]


NO_EFFECTS = Effects()
