"""What a history can do, besides, that several processes write to."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from chatroom.history.host_log import LogEntry
from chatroom.history.interface import History
from chatroom.message import BEGINNING, Held, Message, MessageId
from chatroom.reactions import Reacted


class Version(NamedTuple):
    """How far somebody knows a room."""

    last: MessageId = BEGINNING
    """The last message."""
    rev: int = 0
    """Of the last change of a message."""
    decided: int = 0
    """How often its charter, its evidence or what waits there has changed."""
    logged: int = 0
    """The number of the host log's last entry."""
    mark: int = 0
    """Of the last change of reactions, also if those are gone."""

    def is_behind(self, other: Version) -> bool:
        """Whether something is not known that is known there."""
        return (
            self.last.seq < other.last.seq or self.rev < other.rev or self.decided < other.decided
        )


class Saying(NamedTuple):
    """What is to be said in a room, and what whoever says it knows of the room."""

    room: str
    known: Version
    drafts: list[Message]
    """Without seq and time; each with a nonce, which it keeps however often it is tried."""
    charter: str | None = None
    """To be stored with the first message."""
    is_exact: bool = False
    """Nothing is to be said if something else was said there meanwhile."""


class Verdict(Enum):
    """What became of what was to be said in one room."""

    STORED = "stored"
    OUTDATED = "outdated"
    """Something else was decided, or said, meanwhile."""
    BEHIND = "behind"
    """Too much was missed: look at it first."""
    FORK = "fork"
    """What is known is not there."""


class SaidThere(NamedTuple):
    """All of it is stored, or nothing is."""

    verdict: Verdict
    missed: list[Message]
    """What others have said before, after the known message; none of it if it was stored by an
    attempt before, of which the answer was lost."""
    recognised: dict[int, Message]
    """Drafts, by their place among them, that were stored before under the same cmid."""
    placed: dict[int, Message]
    """All other drafts, likewise."""

    def comes_after(self, seq: int) -> bool:
        """Whether all between this seq and what is placed is here."""
        first = min((message.seq for message in self.placed.values()), default=0)
        return not first or first == seq + 1 + len(self.missed)


class Decided(NamedTuple):
    """What a room has decided by now."""

    charter: str
    held: list[Held]
    entries: list[LogEntry]
    """Of the host log, that were missed; oldest first."""


class Missed(NamedTuple):
    """What somebody has missed of a room, or a part of that."""

    room: str
    known: Version
    """As whoever asked knew it."""
    version: Version
    """As far as this brings them."""
    is_all: bool
    """Otherwise there is more: ask again from there."""
    is_fork: bool = False
    """What they know is not there any more, or what came after it: the room is another one."""
    first: int = 0
    """The seq of the oldest message that is stored."""
    messages: Sequence[Message] = ()
    changes: Sequence[Message] = ()
    """Messages as they are now, by rev. They come after all new ones."""
    decided: Decided | None = None
    """If it is another decision."""
    reactions: Sequence[Reacted] = ()
    """To messages, as they are now, where they have changed, in the order of the changes; none of a
    message that is not here."""


class Opening(NamedTuple):
    """A room as it is at one moment."""

    room: str
    version: Version
    tail: list[Message]
    charter: str
    held: list[Held]


class Addresses(NamedTuple):
    """Where somebody has been, in whichever process."""

    keys: frozenset[str] = frozenset()
    """Of where they came from to the room within an hour, as of ``Whereabouts.key``."""
    sharing: int | None = None
    """How many others are there now from where they are; None if nobody can tell."""


class Attended(NamedTuple):
    """What there is over all processes."""

    processes: int
    rooms: int
    """In which people are."""
    people: int
    """In two rooms, they count twice."""


class SharedHistory(History):
    """Several processes write to it. In each, one thread does."""

    is_alone = False
    """Nobody else may use it while it is open; set before that."""
    patience = 5.0
    """Seconds that a write may take, with all its attempts."""
    known: dict[str, Version] | None = None
    """By room, what whoever writes knows: where ``decided`` is another one, ``enact``, ``rewrite``,
    ``hold`` and ``settle`` raise ``Outdated``, and nothing is done. What they change of it is noted
    here. None: they do it in any case. The writing thread's."""

    @abstractmethod
    def say(self, sayings: Sequence[Saying], house: int) -> list[SaidThere]:
        """Commit what is said, behind what others have said, as one transaction. The writing
        thread.

        Args:
            house: the ``decided`` of the whole server that is known.

        Returns:
            What became of each.

        Raises:
            HistoryUnavailable: none of it is known to be stored; but it may be, if the answer was
                lost.
        """

    @abstractmethod
    def hurry(self, until: float) -> None:
        """Any thread: nothing is tried any longer than until then, by ``time.monotonic``."""

    @abstractmethod
    def keeps(self) -> bool:
        """Whether this one keeps it in order, by ``trim``, ``erase`` and ``clean``: one at a time
        does, over all processes. The writing thread.

        Raises:
            HistoryUnavailable: nobody can now.
        """

    def files_mark(self, mark: str) -> str:
        """Commit by which mark the folder of files is known; unless one is known, or this is "".
        The writing thread.

        Returns:
            The one that is known now.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        return mark

    @abstractmethod
    def missed(self, room: str, known: Version) -> Missed:
        """What has come after what is known, all of one moment; any thread.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def opening(self, room: str, limit: int, max_bytes: int) -> Opening:
        """All that a room is opened with, of one moment; any thread. Without messages and
        decisions, there is none of that name.

        Args:
            limit: as of ``tail``, like the next one.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def addresses(self, room: str, user_id: str) -> Addresses:
        """Where somebody in the room has come from; any thread.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def attended(self) -> Attended:
        """How many there are, in whichever process; any thread.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def changed(self, versions: Mapping[str, Version]) -> list[str]:
        """The rooms among these that are not as they are known; any thread.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
