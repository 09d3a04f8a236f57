"""Who has reacted to what. Whoever has it guards it with a lock."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, takewhile

from chatroom.message import MessageId
from chatroom.reactions import KINDS, MOST_TOLD, Click, Person, Place, Reacted, Span

MOST = 200_000
"""Reactions that are kept at once: about 50 MB."""


class _Kept:
    """Of one message."""

    def __init__(self, id: MessageId) -> None:
        self.id = id
        self.mark = 0
        self.kinds: dict[str, dict[str, str]] = {}  # kind -> user id -> name


class ReactionsInMemory:
    """By room and seq."""

    def __init__(self) -> None:
        self._rooms: dict[str, dict[int, _Kept]] = {}  # in the order of the marks
        self._marks = 0
        self._count = 0

    @property
    def is_full(self) -> bool:
        """Nobody can react any more until somebody, or a message, takes reactions back."""
        return self._count >= MOST

    def note(self, click: Click) -> None:
        """The click's message is there."""
        kept = self._rooms.get(click.room, {}).get(click.id.seq) or _Kept(click.id)
        had = click.who.user_id in kept.kinds.get(click.kind, ())
        if click.on and not had:
            kept.kinds.setdefault(click.kind, {})[click.who.user_id] = click.who.user_name
            self._count += 1
            self._mark(click.room, kept)
        elif had and not click.on:
            self._take_back(click.room, kept, click.kind, click.who.user_id)

    def _take_back(self, room: str, kept: _Kept, kind: str, user_id: str) -> None:
        del kept.kinds[kind][user_id]
        self._count -= 1
        self._mark(room, kept)

    def _mark(self, room: str, kept: _Kept) -> None:
        self._marks += 1
        kept.mark = self._marks
        its = self._rooms.setdefault(room, {})
        its.pop(kept.id.seq, None)
        its[kept.id.seq] = kept  # at the end

    def empty(self, room: str, seq: int) -> None:
        """The message is removed: it has none any more, and that is a change."""
        kept = self._rooms.get(room, {}).get(seq)
        if kept:
            self._count -= sum(map(len, kept.kinds.values()))
            kept.kinds.clear()
            self._mark(room, kept)

    def drop(self, room: str, seq: int) -> None:
        """The message is not kept any more."""
        kept = self._rooms.get(room, {}).pop(seq, None)
        if kept:
            self._count -= sum(map(len, kept.kinds.values()))
            if not self._rooms[room]:
                del self._rooms[room]

    def within(self, room: str, span: Span, people: int, user_id: str) -> list[Reacted]:
        """As the interface says."""
        its, first = self._rooms.get(room, {}), span.first
        last = max(its, default=0) if span.last is None else span.last
        if last - first < len(its):  # such as a page: nobody waits for a look at all the others
            within = [seq for seq in range(first, last + 1) if seq in its]
        else:
            within = sorted(seq for seq in its if first <= seq <= last)
        wanted = [seq for seq in within if its[seq].mark > span.after]
        return [_told(its[seq], people, user_id) for seq in wanted[-MOST_TOLD:]]

    def in_order(self, room: str, place: Place, last: int, people: int) -> list[Reacted]:
        """As the interface says."""
        newest = reversed(self._rooms.get(room, {}).values())
        behind = list(takewhile(lambda kept: (kept.mark, kept.id.seq) > place, newest))
        wanted = (kept for kept in reversed(behind) if kept.id.seq <= last)
        return [_told(kept, people, "") for kept in islice(wanted, MOST_TOLD)]

    def last_mark(self, room: str) -> int:
        """As the interface says."""
        newest = next(reversed(self._rooms.get(room, {}).values()), None)
        return newest.mark if newest else 0

    def who(self, room: str) -> list[Person]:
        """As the interface says."""
        names: dict[str, str] = {}
        for kept in self._rooms.get(room, {}).values():
            for theirs in kept.kinds.values():
                for user_id, name in theirs.items():
                    names[user_id] = max(name, names.get(user_id, ""))
        return [Person(*one) for one in names.items()]

    def of(self, room: str, user_id: str) -> Iterator[tuple[MessageId, str]]:
        """A person's reactions."""
        for _, kept in sorted(self._rooms.get(room, {}).items()):
            for kind in KINDS:
                if user_id in kept.kinds.get(kind, ()):
                    yield kept.id, kind

    def forget(self, room: str, user_id: str) -> int:
        """As the interface says."""
        theirs = list(self.of(room, user_id))
        for id, kind in theirs:
            self._take_back(room, self._rooms[room][id.seq], kind, user_id)
        return len(theirs)

    def clear(self) -> None:
        """Forget everything."""
        self._rooms.clear()
        self._count = 0


def _told(kept: _Kept, people: int, user_id: str) -> Reacted:
    kinds = {kind: theirs for kind in KINDS if (theirs := kept.kinds.get(kind))}
    named = {
        kind: [Person(*who) for who in islice(theirs.items(), people)]
        for kind, theirs in kinds.items()
        if people
    }
    counts = {kind: len(theirs) for kind, theirs in kinds.items()}
    mine = [kind for kind, theirs in kinds.items() if user_id in theirs]
    return Reacted(kept.id, kept.mark, counts, named, mine if user_id else None)
