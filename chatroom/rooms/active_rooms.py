"""The rooms that somebody is in: created on entry, forgotten when empty."""

from __future__ import annotations

from chatroom.errors import TooManyRooms
from chatroom.history import History
from chatroom.rooms.room import Room
from chatroom.wire import message_json, websocket

_ALL = 1 << 40


class ActiveRooms(dict[str, Room]):
    """By name. Owned by the Server thread.

    Args:
        history: read when a room is created.
        replay_limit: past messages that a joiner gets; 0 for all.
        tail_bytes: bytes of recent frames that each room keeps at hand for joiners.
        max_rooms: rooms that can exist.
    """

    def __init__(
        self, history: History, *, replay_limit: int, tail_bytes: int, max_rooms: int
    ) -> None:
        super().__init__()
        self._history = history
        self._tail_length = replay_limit or _ALL
        self._tail_bytes = tail_bytes
        self._max_rooms = max_rooms
        self._stored: set[str] | None = None  # rooms with messages; read on first use

    def enter(self, name: str) -> Room:
        """The room, loaded from the history if nobody is in it yet.

        Raises:
            HistoryUnavailable: it cannot be read now.
            TooManyRooms: it does not exist, and there are ``max_rooms`` already.
        """
        room = self.get(name)
        if room is None:
            self._demand_place_for(name)
            last = self._history.head(name)
            tail = self._history.tail(name, self._tail_length, self._tail_bytes)
            frames = [websocket.text_frame(message_json.to_json(message)) for message in tail]
            room = self[name] = Room(
                name, last, frames, tail_length=self._tail_length, tail_bytes=self._tail_bytes
            )
        return room

    def _demand_place_for(self, name: str) -> None:
        """Refuse to create one room too many; a room with messages already exists."""
        if self._stored is None:
            self._stored = {room.name for room in self._history.rooms()}
        if name not in self._stored:
            unstored = self.keys() - self._stored
            if len(self._stored) + len(unstored) >= self._max_rooms:
                raise TooManyRooms(name, self._max_rooms)

    def count_as_stored(self, name: str) -> None:
        """The room has a message now: it exists even while nobody is in it."""
        assert self._stored is not None
        self._stored.add(name)

    def forget_trimmed(self, name: str) -> None:
        """Drop what the history no longer has from what joiners get.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        room = self.get(name)
        if room:
            room.forget(self._history.first(name) or room.seq + 1)

    def forget_if_empty(self, name: str) -> None:
        """Drop a room from memory if nobody is in it."""
        room = self.get(name)
        if room and room.is_empty:
            del self[name]
