"""Who is in a room, and under which name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from chatroom.matching import assert_never
from chatroom.names import free_name, keys


class Known(NamedTuple):
    """A person as others see it."""

    user_id: str
    user_name: str


class Joined(NamedTuple):
    """Somebody has come into the room."""

    who: Known


class Renamed(NamedTuple):
    """Somebody in the room is called otherwise from now on."""

    who: Known


class Left(NamedTuple):
    """Somebody is gone, and did not come back in time."""

    who: Known
    reason: str
    """A word that everybody may see."""


Change = Joined | Renamed | Left
"""Everybody in a room hears of all of them, in one order."""


class CrowdVersion(NamedTuple):
    """How far a crowd is that several processes have in common."""

    epoch: int
    """Another one once the database has forgotten who was here; 0 for a crowd that is not known."""
    number: int
    """How many events there have been; of an epoch that has just begun, none."""


UNKNOWN = CrowdVersion(0, 0)


class Crowd:
    """The people of one room, whichever process their sockets are in. Owned by the Server thread.

    It changes by ``apply`` alone, so that it is the same wherever the same changes are applied in
    the same order.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}  # by user id, in the order in which they came
        self._holders: dict[str, str] = {}  # every key of every name -> user id
        self.version = UNKNOWN
        """It stays that where the room is in one process only."""

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, user_id: str) -> bool:
        return user_id in self._names

    def __getitem__(self, user_id: str) -> Known:
        return Known(user_id, self._names[user_id])

    def names(self) -> dict[str, str]:
        """Everybody's name, by user id, in the order in which they came."""
        return dict(self._names)

    def known(self) -> list[Known]:
        """Everybody, in the order in which they came."""
        return [Known(user_id, name) for user_id, name in self._names.items()]

    def is_free(self, name: str, user_id: str = "") -> bool:
        """Whether this user may have the name: no other has one that looks the same. Somebody who
        is away within the grace period keeps it."""
        return all(self._holders.get(key, user_id) == user_id for key in keys(name))

    def suggestion(self, name: str, user_id: str, max_length: int) -> str:
        """A name like this one that is free; empty if the name itself is."""
        return "" if self.is_free(name, user_id) else free_name(name, max_length, self.is_free)

    def apply(self, change: Change) -> None:
        """Let somebody come, be renamed or go; the name is free."""
        user_id, name = change.who
        match change:
            case Joined():
                self._take(user_id, name)
            case Renamed():
                self._release(user_id)
                self._take(user_id, name)
            case Left():
                self._release(user_id)
                del self._names[user_id]
            case _:
                assert_never(change)

    def become(self, people: Iterable[Known], version: CrowdVersion) -> None:
        """Be this crowd from now on.

        Args:
            people: in the order in which they came.
        """
        self._names, self._holders, self.version = {}, {}, version
        for who in people:
            self._take(*who)

    def _take(self, user_id: str, name: str) -> None:
        self._names[user_id] = name
        self._holders.update(dict.fromkeys(keys(name), user_id))

    def _release(self, user_id: str) -> None:
        for key in keys(self._names[user_id]):
            del self._holders[key]
