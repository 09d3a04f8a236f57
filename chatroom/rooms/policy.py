"""What may be done: judged here, and nowhere else.

Every way into a room, every way to read it and every way to speak asks the ``Policy``, with what
is known of who asks and of the room. It is pure: it neither counts, waits nor remembers. Whoever
asks does what the answer says.
"""

from __future__ import annotations

from typing import NamedTuple

from chatroom.errors import Refusal
from chatroom.message import Message
from chatroom.names import DEFAULT_ROOM
from chatroom.rooms.ranks import Rank
from chatroom.users.speaker import Speaker
from chatroom.wire.typed import Alteration, Remove, Restore


class Visitor(NamedTuple):
    """Somebody who wants to come in, or to read."""

    address: str


ANYBODY = Visitor("")
"""Who has nothing to show: what goes to all alike is for those, too."""


class Place(NamedTuple):
    """The room that somebody wants to come into."""

    name: str
    exists: bool
    """It has messages, or somebody is in it."""
    others: int = 0
    """How many others there are, besides the lobby: counted if it does not exist."""
    is_paid: bool = True
    """The visitor's address has not created too many lately."""


class Policy:
    """Any thread may ask.

    Args:
        max_rooms: rooms that can exist besides the lobby, which is always there.
        edit_minutes: for which an author may edit a message.
    """

    def __init__(self, max_rooms: int, edit_minutes: int) -> None:
        self._max_rooms = max_rooms
        self._edit_minutes = edit_minutes

    # -- ways in ----------------------------------------------------------------------------------

    def may_enter(self, visitor: Visitor, place: Place) -> Refusal | None:
        """Whether somebody may come into a room: to hear it, or to say one thing over HTTP.

        None is ever dropped to make place for another: whoever floods the server with rooms could
        then have others' deleted, such as one with a single announcement.
        """
        if place.exists or place.name == DEFAULT_ROOM:
            return None
        if place.others >= self._max_rooms:
            return _too_many(place, f"there are already {self._max_rooms} (maxRooms)")
        if not place.is_paid:
            return _too_many(place, "your address has created too many; try again in a minute")
        return None

    def may_read(self, visitor: Visitor, room: str) -> Refusal | None:
        """Whether somebody may read what was said in a room, or who is there, without being in it:
        over HTTP, also by searching, or as news in another room."""
        return None

    # -- ways to speak ----------------------------------------------------------------------------

    def may_say(self, speaker: Speaker, cmid: str) -> Refusal | None:
        """Whether somebody may say something. Plain users cannot be told, so that what they said
        before they were dropped is still theirs to say."""
        if speaker.inside or not speaker.acknowledged:
            return None
        return Refusal("hello-first", "You are not in a room; say hello.", cmid)

    def may_change(
        self, speaker: Speaker, rank: Rank, request: Alteration, message: Message, now: int
    ) -> Refusal | None:
        """Whether somebody may change a message, take it back, or bring it back.

        Args:
            rank: of whoever asks, in the room.
            message: as it now is.
            now: Unix time in milliseconds.
        """
        if refusal := self.may_say(speaker, request.cmid):
            return refusal
        is_author = bool(speaker.user_id) and speaker.user_id == message.user_id
        if isinstance(request, Restore):
            return None if rank.is_host else _not_yours(request.cmid, "Only a host can restore it.")
        if isinstance(request, Remove):
            if is_author or rank.is_host:
                return None
            return _not_yours(request.cmid, "Only its author or a host can remove it.")
        if not is_author:
            return _not_yours(request.cmid, "Only its author can edit it.")
        if message.removed:
            return Refusal("gone", "This message was removed.", request.cmid)
        if request.body == message.body:  # sent again, as its answer was lost
            return None
        if now - message.sent_at > self._edit_minutes * 60_000:
            detail = f"It can be edited for {self._edit_minutes} minutes, and that is over."
            return Refusal("too-late", detail, request.cmid)
        return None

    def may_be_called(self, name: str, suggestion: str) -> Refusal | None:
        """Whether somebody may come in under a name, or take it.

        Args:
            suggestion: another name, if this one belongs to somebody else.
        """
        if not suggestion:
            return None
        detail = f"Somebody here is called {name} already. {suggestion} is free."
        return Refusal("name-taken", detail, suggestion=suggestion)

    def may_type(self, speaker: Speaker, *, is_large: bool) -> bool:
        """Whether others see that somebody is typing: not in a room with too many to name."""
        return speaker.inside and not is_large


def _not_yours(cmid: str, detail: str) -> Refusal:
    return Refusal("not-yours", detail, cmid)


def _too_many(place: Place, cause: str) -> Refusal:
    detail = f"room {place.name!r} cannot be created: {cause}; use an existing one."
    return Refusal("too-many-rooms", detail)
