"""Users who are too slow: noted where something is sent to them, and seen off later."""

from __future__ import annotations

from chatroom.sockets.connection import Connection
from chatroom.sockets.sending import broadcast
from chatroom.users.speaker import Participant


class Fallen(dict[Participant, None]):
    """Whose sockets were closed for it. Owned by the Server thread, which sees them off before it
    waits again: so that whoever sends can go on, and nobody who sends has to know the way out."""

    def send(self, users: dict[Participant, Connection], frames: bytes) -> None:
        """Send frames to all, and note those who are too slow."""
        behind = broadcast(users.values(), frames)
        if behind:  # hardly ever: and otherwise nothing else is touched
            slow = set(behind)
            self.update((user, None) for user, line in users.items() if line in slow)

    def send_one(self, user: Participant, frames: bytes) -> None:
        """Send frames to one user, and note if it is too slow."""
        if not user.write(frames):
            self[user] = None
