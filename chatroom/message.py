"""A draft that a client asks to say, and the message that the room has committed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

ID_PATTERN = "0-0|[1-9][0-9]{0,11}-[0-9a-f]{16}"
"""A message's id as this program writes it. Twelve digits: no room has more messages."""

_READABLE = re.compile(r"([0-9]{1,15})-([0-9a-f]{1,64})")


class MessageId(NamedTuple):
    """Identifies one message of a room; a client's cursor is the last one it has seen.

    As text it is ``seq-nonce``, opaque to clients.
    """

    seq: int
    """Counts up from 1 in each room, without holes."""
    nonce: str
    """16 random hex digits: distinguish this message from another that once had the same seq."""

    def __str__(self) -> str:
        return f"{self.seq}-{self.nonce}"

    @classmethod
    def parse(cls, text: str) -> MessageId:
        """The id that the text represents, whoever wrote it: also a converter, or a later version.

        Raises:
            ValueError: the text is not an id.
        """
        found = _READABLE.fullmatch(text)
        if not found:
            raise ValueError(f"id is {text!r}; wanted: an id such as 42-664c976f9a047975, or 0-0")
        return cls(int(found[1]), found[2])


BEGINNING = MessageId(0, "0")
"""``0-0``: before the first message of a room, and the last id of a room without messages."""


class Draft(NamedTuple):
    """What a client asks to say: checked, but not yet part of any history."""

    user_name: str
    body: str
    timestamp: str
    """The client's own text, such as ``10:42 AM``; passed on unchanged."""
    reply_to: str = ""
    """The id of the message that it answers, as text; empty for none."""


class Remover(Enum):
    """Who has taken a message back."""

    AUTHOR = "author"
    HOST = "host"


class Message(NamedTuple):
    """One message as it is now: a change makes another one, with the same id and the next rev."""

    room: str
    seq: int
    nonce: str
    """See ``MessageId``, also for ``seq``."""
    user_name: str
    body: str
    timestamp: str
    """The client's own text, such as ``10:42 AM``."""
    sent_at: int
    """Unix time in milliseconds, by the server's clock."""
    user_id: str = ""
    """The author's, in the typed protocol; empty for a user of the plain one."""
    cmid: str = ""
    """The client's own id for it, 1 to 64 characters; empty if it gave none."""
    by: str = ""
    """``host`` or ``script``, if its author spoke as one."""
    reply_to: str = ""
    """As of its ``Draft``. Whether there is such a message is for whoever shows it to find out."""
    edited_at: int = 0
    """When its text was last changed: Unix time in milliseconds; 0 for never."""
    rev: int = 0
    """Which change of its room brought it into this state; 0 for none."""
    removed: str = ""
    """A ``Remover``, if it was removed: then its texts are empty, and readers leave it out."""
    file: str = ""
    """What it carries, by ``StoredFile.to_json``; empty for nearly all."""

    @property
    def id(self) -> str:
        """Its ``MessageId`` as text: opaque to clients, and their cursor."""
        return f"{self.seq}-{self.nonce}"  # without a MessageId: runs for every message

    def __str__(self) -> str:
        return f"{self.user_name} at {self.timestamp} says {self.body}"

    def edited(self, body: str, rev: int, now: int) -> Message:
        """The message with another text."""
        return self._replace(body=body, edited_at=now, rev=rev)

    def taken_back(self, remover: Remover, rev: int) -> Message:
        """What is left of the message, so that its room has no hole."""
        left = self._replace(user_name="", body="", timestamp="", file="")
        return left._replace(rev=rev, removed=remover.value)


def visible(messages: Iterable[Message]) -> list[Message]:
    """Without those that were removed."""
    return [message for message in messages if not message.removed]


class Evidence(NamedTuple):
    """What a removed message was: kept for a while, so that it can be restored."""

    message: Message
    removed_at: int
    """Unix time in milliseconds."""


class Held(NamedTuple):
    """What somebody wants to say, and a host has not approved yet: it is no message of the room,
    and has no seq."""

    room: str
    id: str
    """16 random hex digits."""
    user_name: str
    body: str
    timestamp: str
    """The client's own text, such as ``10:42 AM``."""
    held_at: int
    """Since when it waits: Unix time in milliseconds."""
    user_id: str = ""
    """As of a message, like the next three."""
    cmid: str = ""
    reply_to: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class RoomSummary:
    """A snapshot of one room in a history."""

    name: str
    first: int
    """The seq of the oldest message that is still stored; 0 if none is."""
    seq: int
    """The seq of the last message, and so how many there have ever been."""
    nonce: str
    """The last message's."""
    sent_at: int
    """The last message's: Unix time in milliseconds, by the server's clock."""

    @property
    def last(self) -> MessageId:
        """The last message's id."""
        return MessageId(self.seq, self.nonce)
