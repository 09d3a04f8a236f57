"""What an ``Order`` answers: what became of what was said, asked for or decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chatroom.errors import HistoryError, Refusal
from chatroom.history.host_log import LogEntry
from chatroom.history.shared import Missed
from chatroom.message import Held, Message, MessageId
from chatroom.rooms.charter import Charter
from chatroom.rooms.ruling import Decision
from chatroom.rooms.sweeper import Sweeping
from chatroom.users.requests import Change, Ruling, Said
from chatroom.wire.acts import Settling


@dataclass(slots=True)
class Placed:
    """New messages of one room, in order, without holes: lists of the same length."""

    said: list[Said]
    messages: list[Message]
    frames: list[bytes]

    @property
    def last(self) -> MessageId:
        """The newest one's id."""
        newest = self.messages[-1]
        return MessageId(newest.seq, newest.nonce)

    def after(self, seq: int) -> Placed:
        """Those that the room does not have yet, if its last one has this seq.

        It may have heard of some before their outcome: who has said them still wants to know.
        """
        known = seq + 1 - self.messages[0].seq
        if not known:
            return self
        new = slice(known, None)
        return Placed(self.said[new], self.messages[new], self.frames[new])


class Stored(NamedTuple):
    """These are committed, all at once."""

    rooms: dict[str, Placed]
    charters: Mapping[str, str]
    """By room, those that were stored with them: see ``History.append``."""


class Recognised(NamedTuple):
    """This one was stored before, under the same cmid and with the same body."""

    said: Said
    message: Message


class HeldBack(NamedTuple):
    """This one waits for a host's approval."""

    said: Said
    held: Held
    is_new: bool
    """It was sent just now; otherwise before, under the same cmid."""


class Settled(NamedTuple):
    """A host, or its author, has ended the waiting of this one. If it is a message now, that is
    told before."""

    ruling: Ruling
    act: Settling
    held: Held
    entry: LogEntry | None
    """What the host log has of it; None if its author has withdrawn it."""


class Changed(NamedTuple):
    """A message is another one now, or is as it was asked to be already."""

    change: Change
    message: Message
    is_new: bool
    """It was changed just now."""
    entry: LogEntry | None = None
    """What the host log has of it, if a host did it."""


class Enacted(NamedTuple):
    """A host has acted."""

    ruling: Ruling
    room: str
    before: Charter
    decision: Decision
    entry: LogEntry | None
    """What the host log has of it; None if there was nothing to do."""
    changed: list[Message]
    """The messages that came back with it, or what is left of those that went."""
    refused: Sequence[Held] = ()
    """What waited for approval, and went with it."""
    log: Sequence[LogEntry] | HistoryError = ()
    """The host log, newest first, if somebody has looked at it."""


class Swept(NamedTuple):
    """More of what an act of a host removes, erases or restores is done."""

    room: str
    charter: Charter
    changed: list[Message]
    entry: LogEntry | None
    """Once all are done."""


class Declined(NamedTuple):
    """This one is not stored, or not done, whenever it is sent."""

    said: Said | Change | Ruling
    refusal: Refusal


class NotStored(NamedTuple):
    """These are not stored, for this reason; what their speakers said after them isn't either."""

    batch: list[Said]
    error: Exception


class NotChanged(NamedTuple):
    """Everything is as it was, for this reason."""

    change: Change | Ruling
    error: Exception


class NotSwept(NamedTuple):
    """For this reason it has to be tried again."""

    room: str
    error: Exception


class Again(NamedTuple):
    """Not a thing of this is done, since the room is another one by now: it is to be judged anew,
    once that is told."""

    what: list[Said] | Change | Ruling | Sweeping


class Looked(NamedTuple):
    """What other processes have done in a room; for the room ``""``, in all of them."""

    missed: Missed
    frames: list[bytes]
    """One for each new message; an empty one for what was removed since."""


Verdict = (
    Stored
    | Recognised
    | HeldBack
    | Settled
    | Changed
    | Enacted
    | Swept
    | Declined
    | NotStored
    | NotChanged
    | NotSwept
    | Again
    | Looked
)

Outcome = list[Verdict]
"""What became of a batch, in the order in which it is told."""
