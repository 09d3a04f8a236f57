"""Reactions: what people think of a message, in one of six ways; values that never change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from chatroom.message import MessageId

KINDS = ("like", "love", "laugh", "wow", "question", "done")
"""Words, which do for URLs and for every terminal."""

PICTURES = dict(zip(KINDS, ("👍", "❤️", "😂", "😮", "❓", "✅"), strict=True))
"""What people see in their place, on the page and in a transcript."""

MOST_PEOPLE = 20
"""Who are named with each kind, at most: the others count."""

FEW_PEOPLE = 3
"""Likewise, in an answer about many messages."""

MOST_TOLD = 1000
"""Messages whose reactions are told at once, at most: the newest."""


MOST_NAMED = 2000
"""Likewise, with all messages that are told at once: about 100 KB. Whoever was sent megabytes could
not take them before the next message, and would be disconnected as slow."""


class Person(NamedTuple):
    """Somebody who has reacted."""

    user_id: str
    user_name: str
    """What they were called then."""


class Click(NamedTuple):
    """Somebody has a reaction to a message, or has it no more."""

    room: str
    id: MessageId
    who: Person
    kind: str
    """One of ``KINDS``."""
    on: bool


class Reacted(NamedTuple):
    """The reactions to one message, as they now are."""

    id: MessageId
    mark: int
    """Grows with each change of any message's reactions: of two states, the higher is the newer."""
    counts: Mapping[str, int]
    """People, by kind, in the order of ``KINDS``; without kinds that nobody has."""
    people: Mapping[str, Sequence[Person]]
    """Likewise, some of them: as many as were asked for."""
    mine: Sequence[str] | None = None
    """The kinds that whoever asks has; None if nobody in particular does."""


class Span(NamedTuple):
    """Of which messages somebody asks for the reactions."""

    after: int = 0
    """Those that have changed after this mark."""
    first: int = 0
    """Those from this seq on."""
    last: int | None = None
    """And up to this one; None: to the newest."""


EVERYTHING = Span()


class Place(NamedTuple):
    """Between two changes of reactions, in their order: by mark, and then by message."""

    mark: int
    seq: int
    """With this mark, those to messages up to this seq come before."""

    @classmethod
    def behind(cls, mark: int) -> Place:
        """All with this mark come before."""
        return cls(mark + 1, 0)


def in_parts(states: Iterable[Reacted]) -> Iterator[tuple[int, list[Reacted]]]:
    """All of these changes in their order, ``MOST_TOLD`` at most at once; and with each part, up to
    which mark there are no others."""
    ordered = sorted(states, key=lambda state: (state.mark, state.id.seq))
    for begin in range(0, len(ordered), MOST_TOLD):
        part = ordered[begin : begin + MOST_TOLD]
        is_last = begin + MOST_TOLD >= len(ordered)
        yield part[-1].mark - (not is_last), part  # others may have the same mark


def sparingly_named(states: Sequence[Reacted]) -> list[Reacted]:
    """The same states; where too many people are named, only with the newest messages.

    Args:
        states: oldest message first.
    """
    left, told = MOST_NAMED, []
    for state in reversed(states):
        left -= sum(map(len, state.people.values()))
        told.append(state if left >= 0 else state._replace(people={}))
    return told[::-1]
