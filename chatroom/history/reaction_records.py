"""The part of the interface of a history that keeps reactions."""

from __future__ import annotations

import sys
from abc import ABC
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from chatroom.errors import HistoryUnavailable
from chatroom.message import Message, MessageId
from chatroom.reactions import EVERYTHING, MOST_TOLD, Click, Person, Place, Reacted, Span

NEAR = 2048
"""Messages of which one question asks, with those between them: as many as a page has at most."""


class ReactionRecords(ABC):
    """Who has reacted to what. A history that keeps no reactions need not do anything.

    They go with their message, in the same transaction, whether it is removed, trimmed, evicted or
    deleted. One that is removed has none, with a new mark, if it had any: so if it is restored,
    whoever was away all the while hears that they are gone.
    """

    name: str
    keeps_reactions = False
    """It does all of this."""

    def react(self, clicks: Sequence[Click]) -> list[bool]:
        """Commit them, all or none, in order. The owner's thread.

        Returns:
            Of each, whether its message is there.

        Raises:
            HistoryUnavailable: none of them is stored.
        """
        raise HistoryUnavailable(self.name, "it keeps no reactions", "use a history in SQLite")

    def reacted(
        self, room: str, span: Span = EVERYTHING, *, people: int = 0, user_id: str = ""
    ) -> list[Reacted]:
        """The reactions to the room's messages in the span, also to those that have none any more,
        oldest message first: of the newest ``reactions.MOST_TOLD`` at most. Any thread.

        Args:
            people: how many are named with each kind; where they would be more than
                ``reactions.MOST_NAMED`` in all, only with the newest messages.
            user_id: whoever asks.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        return []

    def reacted_in_order(
        self, room: str, place: Place, last: int, *, people: int = 0
    ) -> list[Reacted]:
        """The next changes behind this place, in their order, as the reactions are now:
        ``reactions.MOST_TOLD`` at most. Any thread.

        Args:
            last: only to messages up to this seq.
            people: as of ``reacted``.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        return []

    def reacted_after(
        self, room: str, mark: int, last: int = sys.maxsize, *, people: int = 0
    ) -> Iterator[tuple[int, list[Reacted]]]:
        """All changes after a mark, in their order, in parts; and with each, up to which mark there
        are no others. Any thread.

        Raises:
            HistoryUnavailable: as ``reacted_in_order``; may come between two parts.
        """
        read = partial(self.reacted_in_order, room, last=last, people=people)
        for states in one_after_the_other(read, mark):
            is_last = len(states) < MOST_TOLD
            yield states[-1].mark - (not is_last), states  # others may have the same mark

    def reactions_to(self, messages: Sequence[Message]) -> dict[MessageId, Reacted]:
        """The reactions to some messages, of those that have any. Any thread.

        A page of messages is one question, unless people have reacted to more than
        ``reactions.MOST_TOLD`` of them.

        Args:
            messages: of one room, oldest first.

        Raises:
            HistoryUnavailable: they cannot be read now.
        """
        if not self.keeps_reactions:
            return {}
        found: dict[MessageId, Reacted] = {}
        for first, last in _near_each_other(message.seq for message in messages):
            span = Span(first=first, last=last)
            while states := self.reacted(messages[0].room, span):
                found |= {state.id: state for state in states if state.counts}
                if len(states) < MOST_TOLD:
                    break
                span = span._replace(last=states[0].id.seq - 1)
        return found

    def last_mark(self, room: str) -> int:
        """The highest mark among the room's messages; 0 if nobody has reacted to any. Any thread.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        return 0

    def who_reacted(self, room: str) -> list[Person]:
        """Everybody who has a reaction to a message of the room, each once, under one of the names
        that they had then; "" if none is known. Any thread.

        Looks at all the room's reactions.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        return []

    def reactions_of(self, room: str, user_id: str) -> list[tuple[MessageId, str]]:
        """A person's reactions in a room: to which message, and the kind. Any thread.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        return []

    def forget_reactions(self, room: str, user_id: str) -> int:
        """Commit that the person has no reactions in the room any more; how many they were. The
        owner's thread.

        Raises:
            HistoryUnavailable: they are still there.
        """
        return 0


def one_after_the_other(
    read: Callable[[Place], list[Reacted]], mark: int
) -> Iterator[list[Reacted]]:
    """All changes after a mark, in their order, in parts.

    Args:
        read: the next ``reactions.MOST_TOLD`` behind a place, or as many as there are.
    """
    place = Place.behind(mark)
    while states := read(place):
        yield states
        if len(states) < MOST_TOLD:
            return
        place = Place(states[-1].mark, states[-1].id.seq)


def _near_each_other(seqs: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The first and last of each few that lie within ``NEAR``; ascending."""
    first = last = 0
    for seq in seqs:
        if first and seq - first >= NEAR:
            yield first, last
            first = 0
        first, last = first or seq, seq
    if first:
        yield first, last
