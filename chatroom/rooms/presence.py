"""Which of our sockets are whose: the people of a room, however many sockets each has here."""

from __future__ import annotations

from dataclasses import dataclass, field

from chatroom.users.speaker import Participant, TypedParticipant


@dataclass(slots=True)
class Person:
    """Somebody with sockets here, or whose last one has ended."""

    sockets: dict[TypedParticipant, str] = field(default_factory=dict)
    """Each one's tab; empty during the grace period."""
    absences: int = 0
    """How often the person has been away, so that an absence's timer cannot end a later one."""
    typed_at: float = 0.0
    """When others were last notified that the person is typing: monotonic seconds."""


class Presence(dict[str, Person]):
    """By user id, and how they are told of each other. Owned by the Server thread."""

    def __init__(self) -> None:
        super().__init__()
        self.is_large = False
        """Too many people in the room to name: its typed users get their count."""
        self.counted_at = 0.0
        """When they last got one: monotonic seconds."""
        self.counts_later = False
        """The next count is scheduled."""

    def enter(self, user: TypedParticipant, tab: str) -> None:
        """Another socket of its person, or the first one."""
        if user.user_id not in self:
            self[user.user_id] = Person()
        self[user.user_id].sockets[user] = tab

    def leave(self, user: Participant) -> None:
        """The socket is not in the room any more; its person may have others. Idempotent."""
        person = self.get(user.user_id)
        if person:
            person.sockets = {one: tab for one, tab in person.sockets.items() if one is not user}

    def forget(self, user_id: str) -> None:
        """Nobody here needs to know of the person any more, unless they have sockets here."""
        if user_id in self and not self[user_id].sockets:
            del self[user_id]

    def addresses_of(self, user_id: str) -> set[str]:
        """Where the person's sockets come from."""
        person = self.get(user_id)
        return {user.address for user in person.sockets} if person else set()

    def of_tab(self, user_id: str, tab: str) -> list[TypedParticipant]:
        """The sockets of one tab."""
        person = self.get(user_id)
        return [user for user, its in person.sockets.items() if its == tab] if person else []
