"""Who is here, over all processes: what is asked for as the functions take it, and their answers.

Each method is one call, which may be repeated if its answer was lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from chatroom.history.postgresql.exact import from_stored, to_stored

APPEAR = "SELECT appear(%s, %s)"

BEAT = "SELECT beat(%s)"

ATTEND = "SELECT * FROM attend(%s, %s, %s)"

DEPART = "SELECT depart(%s, %s, %s, %s::int, %s)"

REAP = "SELECT * FROM reap(%s, %s::int, %s)"

CROWD = "SELECT * FROM crowd(%s, %s, %s)"

CHANGED = "SELECT * FROM crowds_changed(%s, %s, %s)"

NOBODY, MORE, OUTDATED = "nobody", "more", "outdated"

LOST = "lost"
"""Why the people of a process have left that is not there any more."""

MOST_ROOMS = 100
"""Rooms whose people are seen to in one call: nobody can come or go there meanwhile."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

Fields = tuple[str, ...]
"""Of an event: what has happened, to whom, and more; ``door`` alone: somebody knocks, or does not
any more, or has an answer."""


class TableLink(Protocol):
    """A connection: see ``DatabaseLink``."""

    def call(self, query: str, values: Sequence[Any], deadline: float) -> list[tuple[Any, ...]]:
        """Run one statement; its rows."""

    def server_time(self, moment: float) -> float:
        """When a moment of ``time.monotonic`` is by the server's clock."""


class Verdict(NamedTuple):
    """What became of one act."""

    word: str
    """``done``, ``taken``, ``outdated``, ``unknown`` or ``away``: see ``attending.sql``."""
    absence: int
    epoch: int
    version: int
    """Of the crowd, after the act."""
    events: list[Fields]
    decided: tuple[int, ...] = ()
    """If it was judged by less: of the whole server, and of the room. See ``Version``."""


class Departures(NamedTuple):
    """Those who are gone from one room."""

    room: str
    epoch: int
    version: int
    """Of the crowd, after they have."""
    events: list[Fields]


class People(NamedTuple):
    """Of a room, at one moment."""

    epoch: int
    """0 if nobody has ever come."""
    version: int
    people: list[Fields]
    """User ids and names, in the order in which they came."""
    missing: list[int]
    """Those of the sockets that are not in the room any more."""
    knocks: list[Fields]
    """User ids of those at the door, what hosts have to know, and the answer, if there is one."""
    maker: str = ""
    """The user id of whoever was the first there, while nothing is stored of the room."""


class Attendance:
    """The tables, through a link that is used by one thread at a time.

    Args:
        link: open; what it raises goes through.
        deadline: until when calls may take, by ``time.monotonic``.
    """

    def __init__(self, link: TableLink, deadline: float) -> None:
        self._link = link
        self._deadline = deadline

    def appear(self, process: int, name: str) -> None:
        """A process is somebody from now on, for as long as it says so in time.

        Args:
            process: a random number of 62 bits, not 0.
            name: for whoever looks.
        """
        self._link.call(APPEAR, [process, to_stored(name)], self._deadline)

    def beat(self, process: int) -> bool:
        """Whether the process is still somebody; then it is for another 15 seconds."""
        return bool(self._link.call(BEAT, [process], self._deadline)[0][0])

    def attend(self, process: int, acts: Sequence[Mapping[str, Any]]) -> list[Verdict] | None:
        """Do what the process asks for, in this order.

        Args:
            acts: as ``attending.sql`` says, at least one.

        Returns:
            What became of each; None if the process is nobody, or not any more: nothing is done.
        """
        values = [process, _encode([*map(_stored, acts)]), self._until]
        rows = self._link.call(ATTEND, values, self._deadline)
        if rows[0][0] == NOBODY:
            return None
        return [
            Verdict(
                word,
                absence,
                epoch,
                version,
                [*map(_fields, events)],
                tuple(decided) if word == OUTDATED else (),
            )
            for word, absence, epoch, version, events, decided in rows
        ]

    def depart(self, process: int, grace: float) -> bool:
        """The process is nobody from now on, and its people are away.

        Args:
            grace: seconds until they are gone.

        Returns:
            Whether that was all; otherwise it is to be called again.
        """
        values = [process, grace, LOST, MOST_ROOMS, self._until]
        return bool(self._link.call(DEPART, values, self._deadline)[0][0])

    def reap(self, grace: float) -> tuple[list[Departures], bool]:
        """See to processes that have fallen silent, and to people whose absence nobody has ended.

        Args:
            grace: seconds until the people of such a process are gone.

        Returns:
            Who is gone; and whether there may be more to do.
        """
        rows = self._link.call(REAP, [grace, MOST_ROOMS, self._until], self._deadline)
        gone = [
            Departures(from_stored(room), epoch, version, [*map(_fields, events)])
            for _, room, epoch, version, events in rows
            if room is not None
        ]
        return gone, any(row[0] == MORE for row in rows)

    def crowd(self, room: str, process: int, sockets: Sequence[int]) -> People:
        """A room's people, and which of these sockets of the process are not in it any more."""
        values = [to_stored(room), process, [*sockets]]
        (row,) = self._link.call(CROWD, values, self._deadline)
        epoch, version, people, missing, knocks, maker = row
        who, waiting = [*map(_fields, people)], [*map(_fields, knocks)]
        return People(epoch, version, who, missing, waiting, from_stored(maker))

    def changed(self, known: Mapping[str, tuple[int, int]]) -> list[tuple[str, int, int]]:
        """Those of these rooms whose crowd is another one, with its epoch and version.

        Args:
            known: epoch and version, by room.
        """
        if not known:
            return []
        epochs, versions = zip(*known.values(), strict=True)
        values = [[*map(to_stored, known)], [*epochs], [*versions]]
        rows = self._link.call(CHANGED, values, self._deadline)
        return [(from_stored(room), epoch, version) for room, epoch, version in rows]

    @property
    def _until(self) -> float:
        """By the server's clock."""
        return self._link.server_time(self._deadline)


def _stored(act: Mapping[str, Any]) -> dict[str, Any]:
    return {field: _exact(value) for field, value in act.items()}


def _exact(value: Any) -> Any:
    if isinstance(value, str):
        return to_stored(value)
    return [*map(_exact, value)] if isinstance(value, list) else value


def _fields(stored: Sequence[str]) -> Fields:
    return tuple(map(from_stored, stored))
