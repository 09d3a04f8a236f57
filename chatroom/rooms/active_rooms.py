"""The rooms that somebody is in: created on entry, forgotten when empty."""

from __future__ import annotations

from chatroom.errors import TooManyRooms
from chatroom.history import History
from chatroom.names import DEFAULT_ROOM
from chatroom.rooms.new_rooms import new_rooms
from chatroom.rooms.room import Room
from chatroom.wire import message_json, websocket

_ALL = 1 << 40


class ActiveRooms(dict[str, Room]):
    """By name. Owned by the Server thread.

    Args:
        history: read when a room is created.
        replay_limit: past messages that a joiner gets; 0 for all.
        tail_bytes: bytes of recent frames that each room keeps at hand for joiners.
        max_rooms: rooms that can exist besides the lobby, which is always there.
    """

    def __init__(
        self, history: History, *, replay_limit: int, tail_bytes: int, max_rooms: int
    ) -> None:
        super().__init__()
        self._history = history
        self._tail_length = replay_limit or _ALL
        self._tail_bytes = tail_bytes
        self._max_rooms = max_rooms
        self._new_rooms = new_rooms()
        self._stored: set[str] | None = None  # rooms with messages; read on first use

    def enter(self, name: str, address: str) -> Room:
        """The room, loaded from the history if nobody is in it yet.

        Args:
            address: of whoever enters: if the room is new, this address creates it.

        Raises:
            HistoryUnavailable: it cannot be read now.
            TooManyRooms: it does not exist, and there are ``max_rooms`` already, or this address
                has created too many.
        """
        room = self.get(name)
        if room is None:
            self._demand_place_for(name, address)
            last = self._history.head(name)
            tail = self._history.tail(name, self._tail_length, self._tail_bytes)
            frames = [websocket.text_frame(message_json.to_json(message)) for message in tail]
            room = self[name] = Room(
                name, last, frames, tail_length=self._tail_length, tail_bytes=self._tail_bytes
            )
        return room

    def _demand_place_for(self, name: str, address: str) -> None:
        """Refuse to create one room too many; a room with messages already exists.

        None is ever dropped to make place: whoever floods the server with rooms could then have
        others' deleted, such as one with a single announcement.
        """
        if self._stored is None:
            self._stored = {room.name for room in self._history.rooms()}
        if name in self._stored or name == DEFAULT_ROOM:
            return
        others = self._stored | self.keys()
        if len(others - {DEFAULT_ROOM}) >= self._max_rooms:
            raise TooManyRooms(name, f"there are already {self._max_rooms} (maxRooms)")
        if not self._new_rooms.of(address).try_to_spend(1):
            raise TooManyRooms(name, "your address has created too many; try again in a minute")

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
