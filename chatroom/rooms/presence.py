"""Who is in a room: people, however many sockets each has. Owned by the Server thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from chatroom.names import keys
from chatroom.users.typed_user import TypedUser


class Known(NamedTuple):
    """A person as others see it."""

    user_id: str
    user_name: str


@dataclass(slots=True)
class Person:
    """Somebody who is here, or away within the grace period."""

    user_id: str
    name: str
    sockets: set[TypedUser] = field(default_factory=set)
    """Empty during the grace period."""
    absences: int = 0
    """How often the person has been away, so that an absence's timer cannot end a later one."""
    typed_at: float = 0.0
    """When others were last notified that the person is typing: monotonic seconds."""

    @property
    def known(self) -> Known:
        """The person as others see it."""
        return Known(self.user_id, self.name)


class Presence:
    """The people of one room."""

    def __init__(self) -> None:
        self._people: dict[str, Person] = {}
        self._names: dict[str, str] = {}  # every key of every name -> user id

    def __len__(self) -> int:
        return len(self._people)

    def __contains__(self, user_id: str) -> bool:
        return user_id in self._people

    def __getitem__(self, user_id: str) -> Person:
        return self._people[user_id]

    def get(self, user_id: str) -> Person | None:
        """The person, if here or away within the grace period."""
        return self._people.get(user_id)

    def known(self) -> list[Known]:
        """Everybody, in the order in which they came."""
        return [person.known for person in self._people.values()]

    def is_free(self, name: str, user_id: str = "") -> bool:
        """Whether this user may have the name: no other has one that looks the same. Somebody who
        is away within the grace period keeps it."""
        return all(self._names.get(key, user_id) == user_id for key in keys(name))

    def enter(self, user_id: str, name: str, socket: TypedUser) -> Person:
        """Let somebody in, again or for the first time. The name is free."""
        person = self._people.get(user_id)
        if person is None:
            person = self._people[user_id] = Person(user_id, name)
            self._take(person)
        person.sockets.add(socket)
        return person

    def rename(self, person: Person, name: str) -> None:
        """Give the person a name that is free."""
        self._release(person)
        person.name = name
        self._take(person)

    def forget(self, person: Person) -> None:
        """The person is gone for good."""
        del self._people[person.user_id]
        self._release(person)

    def _take(self, person: Person) -> None:
        self._names.update(dict.fromkeys(keys(person.name), person.user_id))

    def _release(self, person: Person) -> None:
        for key in keys(person.name):
            del self._names[key]
