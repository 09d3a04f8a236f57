"""What users put on the Server's channels."""

from __future__ import annotations

from typing import NamedTuple

from chatroom.channel import Channel
from chatroom.errors import Refusal, UserError
from chatroom.message import Draft
from chatroom.tally import Counts
from chatroom.users.proof import NOTHING, Proof
from chatroom.users.speaker import Participant, Speaker, TypedParticipant
from chatroom.users.tokens import Identity
from chatroom.wire.acts import Act
from chatroom.wire.reactions import React
from chatroom.wire.typed import Alteration, Bring, Rename, Typing

ADDED_BYTES = 200
"""Bytes that an outgoing frame has in addition to the incoming one: id, room, sentAt."""


class Said(NamedTuple):
    """A draft on its way to the room."""

    user: Speaker
    draft: Draft
    cost: int
    """The approximate bytes of its outgoing frame."""
    cmid: str = ""
    """The client's own id for it, if any: stored once, however often it is sent."""


class Unsaid(NamedTuple):
    """A draft that may not be said now, unless it was before."""

    said: Said
    refusal: Refusal | None
    """None: a host has to approve it."""


class Change(NamedTuple):
    """Somebody wants a message changed, or said with a file; it keeps its place among what is
    said."""

    user: Speaker
    request: Alteration | Bring
    """With a ``Bring``, a new message comes of it; like the others, it is decided in steps."""
    cost: int

    @property
    def cmid(self) -> str:
        """The client's own id for the request."""
        return self.request.cmid


class Ruling(NamedTuple):
    """Somebody wants to act as a host; it keeps its place among what is said."""

    user: Speaker
    act: Act
    cmid: str = ""
    cost: int = 0


class Wish(NamedTuple):
    """A typed user's request other than a message; it keeps its place among the messages."""

    user: TypedParticipant
    request: Rename | Typing | React
    cost: int = 0


BY_THE_WAY = Typing, React
"""Wishes that come after whatever is said with them."""


class Join(NamedTuple):
    """A plain user wants to come in."""

    user: Participant
    proof: Proof = NOTHING


class Arrival(NamedTuple):
    """A typed user wants to come in."""

    user: TypedParticipant
    name: str
    room: str
    identity: Identity
    token: str
    """Proves the identity; for the client to keep."""
    comes_back: bool
    """It is the same tab as before: an old connection of that tab is to be closed."""
    seen: int | None
    """The seq of the last message it saw, if that message is still stored; -1 if it is not; None
    if it did not ask."""
    past: int | None
    """Past messages that it wants at most, unless it resumes after ``seen``."""
    read: int | None
    """The seq of the last message that its user has read."""
    hears_rooms: bool
    """It wants news of other rooms."""
    rev: int | None
    """The last change of a message that it has seen; None if it does not say."""
    proof: Proof = NOTHING
    """What opens the door."""
    attempts: int = 0
    """How often it was judged in vain, as something else was decided meanwhile."""
    decided: tuple[int, ...] = ()
    """What has to be known first: of the whole server, and of the room. See ``Version``."""

    def knows_up_to(self, rev: int) -> int:
        """Of which change on it has to be told, if this is the room's last one: all that comes
        after the past that it gets or, if it resumes, after the one that it has seen."""
        resumes = self.seen is not None and self.seen >= 0
        return min(rev, self.rev) if resumes and self.rev is not None else rev

    def wants(self, newest: int, limit: int) -> int:
        """How many of a room's messages it gets; ``newest`` is the last one's seq."""
        if self.past is None:
            return limit
        back_to_read = newest - self.read + 1 if self.read is not None and self.read >= 0 else 0
        return min(limit, max(self.past, back_to_read))


class CaughtUp(NamedTuple):
    """A user has the past messages up to ``seq``, and the changes up to ``rev``; the room sends
    the rest, and what comes live."""

    user: TypedParticipant
    seq: int
    rev: int


class Leaving(NamedTuple):
    """A user's socket has ended, and why."""

    user: Participant
    cause: str


Joining = Join | Arrival | CaughtUp


class Channels(NamedTuple):
    """The channels that users put on, and the Server selects over."""

    add: Channel[Joining]
    delete: Channel[Leaving]
    broadcast: Channel[Said | Change | Ruling | Wish]
    error: Channel[UserError]
    refused: Counts
    """Not a channel: how often users were refused, by the code."""
