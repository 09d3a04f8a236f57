"""Who is where: counted on the Server thread, a few rooms in each of its turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from chatroom.rooms.room import Room

ROOMS_AT_ONCE = 500
"""Rooms that are counted in one turn, which takes a fifth of a millisecond (measured)."""


Ask = Callable[[Callable[[], Any], float], Any]
"""As ``Server.ask``."""


class Headcount(NamedTuple):
    """Of a moment; or of a few, where there are many rooms."""

    rooms: int
    """In which anybody is, or has just been."""
    plain: int
    """Users that get what is said."""
    typed: int
    """Likewise."""
    people: int
    """Of the typed protocol, also those who have just lost their connection; in two rooms, they
    count twice. Not those who are in a room by way of another process alone."""
    busy_seconds: float
    """For which the Server thread has used a processor since it was started."""
    answer_seconds: float
    """In which it gave its first answer: so long, a message would have waited for its turn."""


class Census:
    """Any thread may ask.

    Args:
        rooms: the Server's; looked at by its thread alone.
        ask: see ``Server.ask``.
    """

    def __init__(self, rooms: Mapping[str, Room], ask: Ask) -> None:
        self._rooms = rooms
        self._ask = ask

    def take(self, timeout: float) -> Headcount:
        """Count everybody.

        Raises:
            ChatError: the Server thread did not answer within ``timeout`` seconds, or has stopped.
        """
        began = time.monotonic()
        rooms, busy_seconds = self._ask(self._begin, timeout)
        answer_seconds = time.monotonic() - began
        plain = typed = people = 0
        for first in range(0, len(rooms), ROOMS_AT_ONCE):
            some = rooms[first : first + ROOMS_AT_ONCE]
            left = max(0.0, began + timeout - time.monotonic())
            counted = self._ask(partial(_count, some), left)
            plain, typed, people = plain + counted[0], typed + counted[1], people + counted[2]
        return Headcount(len(rooms), plain, typed, people, busy_seconds, answer_seconds)

    def _begin(self) -> tuple[list[Room], float]:
        return list(self._rooms.values()), time.thread_time()


def _count(rooms: list[Room]) -> tuple[int, int, int]:
    """Plain users, typed ones and people; none of rooms that were forgotten meanwhile."""
    users = typed = people = 0
    for room in rooms:
        users += len(room.users)
        typed += len(room.typed)
        people += len(room.presence)
    return users - typed, typed, people
