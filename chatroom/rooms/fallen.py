"""Users who are too slow: noted where something is sent to them, and seen off later."""

from __future__ import annotations

import time

from chatroom.sockets.connection import Connection
from chatroom.sockets.sending import broadcast
from chatroom.tally import Tally
from chatroom.users.speaker import Participant


class Fallen(dict[Participant, None]):
    """Whose sockets were closed for it. Owned by the Server thread, which sees them off before it
    waits again: so that whoever sends can go on, and nobody who sends has to know the way out.

    Args:
        tally: counts what was sent; None where nobody reads it.
    """

    def __init__(self, tally: Tally | None = None) -> None:
        super().__init__()
        self._tally = tally or Tally()

    def send(self, users: dict[Participant, Connection], frames: bytes, messages: int = 0) -> None:
        """Send frames to all, and note those who are too slow.

        Args:
            messages: how many of the frames are new messages: all of them, or none.
        """
        began = time.monotonic()
        behind = broadcast(users.values(), frames)
        reached = len(users) - len(behind)
        if not messages:
            self._tally.notices += reached
        elif users:  # otherwise there was nothing to do
            self._tally.fanned_out(messages * reached, time.monotonic() - began)
        if behind:  # hardly ever: and otherwise nothing else is touched
            slow = set(behind)
            self.update((user, None) for user, line in users.items() if line in slow)

    def send_one(self, user: Participant, frames: bytes) -> None:
        """Send frames to one user, and note if it is too slow."""
        if not user.write(frames):
            self[user] = None
