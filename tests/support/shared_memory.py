"""A history in memory that several processes write to, all of them in this one, for models.

It does what PostgreSQL's functions do, in a few lines. The processes' threads are the test's to
run.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from queue import Empty, SimpleQueue
from types import MappingProxyType
from typing import Any

from chatroom.errors import HistoryUnavailable, Outdated
from chatroom.history.effects import NO_EFFECTS, Effects
from chatroom.history.host_log import LogEntry
from chatroom.history.shared import (
    Addresses,
    Attended,
    Decided,
    Missed,
    Opening,
    SaidThere,
    Saying,
    SharedHistory,
    Verdict,
    Version,
)
from chatroom.message import BEGINNING, Evidence, Held, Message, MessageId
from chatroom.reactions import MOST_PEOPLE, Click
from chatroom.rooms.bus import Bus, Hint
from chatroom.rooms.policy import Policy
from chatroom.shared.keeper import Keeper
from chatroom.shared.order import SharedOrder
from chatroom.tally import Tally
from tests.support.in_memory_room import DEFAULTS, FailingHistory, InMemoryServer

PAGE = 3
"""Messages that a look brings at once, so that it takes several."""


class SharedMemory(FailingHistory, SharedHistory):
    """All processes have the same one."""

    def __init__(self) -> None:
        super().__init__()
        self.decisions: defaultdict[str, int] = defaultdict(int)
        self.entries: defaultdict[str, list[LogEntry]] = defaultdict(list)
        self.marks: defaultdict[str, int] = defaultdict(int)
        self.is_losing_answers = False
        """Whatever is written next is carried out, and whoever wrote it does not hear of it."""
        self.past: list[tuple[Message, str]] = []
        """What was said, but not by approval, and what its room had decided when it was stored."""

    # -- what each process knows -----------------------------------------------------------------

    def version(self, room: str) -> Version:
        """As it is now."""
        logged = len(self.entries[room])
        return Version(
            self.head(room), self.rev(room), self.decisions[room], logged, self.marks[room]
        )

    def _decide(self, room: str, entry: LogEntry | None, house: bool = False) -> None:
        if self.known and any(
            self.known[name].decided != self.decisions[name] for name in ("", room)
        ):
            raise Outdated(self.name, "something else was decided", "look at that")
        for name in {room, *([""] if house else [])}:
            self.decisions[name] += 1
        if entry:
            self.entries[room].append(entry)
        if self.known:
            for name in ("", room):
                now = self.version(name)
                self.known[name] = self.known[name]._replace(decided=now.decided, logged=now.logged)

    def _answer(self) -> None:
        if self.is_losing_answers:
            self.is_losing_answers = False
            raise HistoryUnavailable(self.name, "the answer is lost", "it recovers by itself")

    def append(
        self,
        messages: Sequence[Message],
        charters: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().append(messages, charters)
        for room in charters:
            self.decisions[room] += 1
        self.past += [(message, self.charter(message.room)) for message in messages]

    def enact(
        self, room: str, charter: str, entry: LogEntry | None, effects: Effects = NO_EFFECTS
    ) -> None:
        self._demand_next(room, [message for message, _ in effects.changes])
        self._decide(room, entry, house=effects.house is not None)
        super().enact(room, charter, entry, effects)
        self._note_marks(room)
        self._answer()

    def rewrite(
        self, message: Message, before: Evidence | None = None, entry: LogEntry | None = None
    ) -> None:
        self._demand_next(message.room, [message])
        self._decide(message.room, entry)
        super().rewrite(message, before, entry)
        self._note_marks(message.room)
        self._answer()

    def hold(self, held: Held) -> None:
        if self.find(held.room, held.user_id, held.cmid):
            raise Outdated(self.name, "it is stored", "look at that")
        self._decide(held.room, None)
        super().hold(held)
        self._answer()

    def settle(self, held: Held, message: Message | None, entry: LogEntry | None) -> None:
        if message and message.seq != self.head(held.room).seq + 1:
            raise Outdated(self.name, "others have spoken", "look at that")
        self._decide(held.room, entry)
        super().settle(held, message, entry)
        self._answer()

    def react(self, clicks: Sequence[Click]) -> list[bool]:
        self._work("react")
        are_there = super().react(clicks)
        for room in {click.room for click in clicks}:
            self._note_marks(room)
        self._answer()
        return are_there

    def forget_reactions(self, room: str, user_id: str) -> int:
        count = super().forget_reactions(room, user_id)
        self._note_marks(room)
        return count

    def _note_marks(self, room: str) -> None:
        self.marks[room] = max(self.marks[room], self.last_mark(room))

    def _demand_next(self, room: str, changed: Sequence[Message]) -> None:
        if changed and min(message.rev for message in changed) != self.rev(room) + 1:
            raise Outdated(self.name, "others have changed messages", "look at that")

    # -- the shared part ---------------------------------------------------------------------------

    patience = 0.0

    def say(self, sayings: Sequence[Saying], house: int) -> list[SaidThere]:
        self._work("say")
        said = [self._say(saying, house) for saying in sayings]
        self._answer()
        return said

    def _say(self, saying: Saying, house: int) -> SaidThere:
        room, known, now = saying.room, saying.known, self.version(saying.room)
        if not self._reaches_back(room, known):
            return SaidThere(Verdict.FORK, [], {}, {})
        is_exact = not saying.is_exact or now.last == known.last
        if (house, known.decided) != (self.decisions[""], now.decided) or not is_exact:
            return SaidThere(Verdict.OUTDATED, [], {}, {})
        missed = self.after(room, known.last.seq)
        if len(missed) > PAGE:
            return SaidThere(Verdict.BEHIND, [], {}, {})
        recognised = {
            item: stored
            for item, draft in enumerate(saying.drafts)
            if (stored := self.find(room, draft.user_id, draft.cmid))
        }
        fresh = [item for item in range(len(saying.drafts)) if item not in recognised]
        placed = {
            item: saying.drafts[item]._replace(seq=seq, sent_at=seq)
            for seq, item in enumerate(fresh, now.last.seq + 1)
        }
        is_first = saying.charter is not None and placed
        self.append(list(placed.values()), {room: saying.charter or ""} if is_first else {})
        return SaidThere(Verdict.STORED, missed, recognised, placed)

    def after(self, room: str, seq: int) -> list[Message]:
        """All messages behind this one."""
        return [message for message in self.messages(room) if message.seq > seq]

    def _reaches_back(self, room: str, known: Version) -> bool:
        now = self.version(room)
        if known.last == BEGINNING or known.last == now.last:
            return known.rev <= now.rev
        return self.has(room, *known.last)

    def hurry(self, until: float) -> None:
        pass

    def keeps(self) -> bool:
        return False

    def missed(self, room: str, known: Version) -> Missed:
        self._work("missed")
        now = self.version(room)
        if not self._reaches_back(room, known):
            return Missed(room, known, now, is_all=True, is_fork=True)
        messages = self.after(room, known.last.seq)
        if len(messages) > PAGE:
            page = messages[:PAGE]
            until = known._replace(last=MessageId(page[-1].seq, page[-1].nonce))
            return Missed(room, known, until, is_all=False, first=1, messages=page)
        decided = None
        if now.decided != known.decided:
            entries = self.entries[room][known.logged :]
            decided = Decided(self.charter(room), self.held(room), entries)
        changes = self.changes(room, known.rev)
        parts = self.reacted_after(room, known.mark, people=MOST_PEOPLE)
        told = [state for _, states in parts for state in states]
        return Missed(room, known, now, True, False, 1, messages, changes, decided, told)

    def opening(self, room: str, limit: int, max_bytes: int) -> Opening:
        self._work("opening")
        tail = self.tail(room, limit, max_bytes)
        return Opening(room, self.version(room), tail, self.charter(room), self.held(room))

    def addresses(self, room: str, user_id: str) -> Addresses:
        return Addresses()

    def attended(self) -> Attended:
        return Attended(0, 0, 0)

    def changed(self, versions: Mapping[str, Version]) -> list[str]:
        self._work("changed")
        return [room for room, known in versions.items() if known != self.version(room)]


class BusOfOneProcess(Bus):
    """Of the Server: it tells by the same way as the Order."""

    def __init__(self, tell: Callable[[Hint], None]) -> None:
        self._tell = tell

    def tell(self, hint: Hint) -> None:
        self._tell(hint)


class SharingProcess:
    """One of several processes, without threads: the test says when each of them does something.

    Args:
        history: of all of them.
        rules: other than the defaults.
    """

    _numbers = itertools.count(1)

    def __init__(self, stack: ExitStack, history: SharedMemory, **rules: Any) -> None:
        self.others: list[SharingProcess] = []
        self.hints: list[Hint] = []
        """On their way to this one."""
        policy = Policy(1000, 15)
        self.order = SharedOrder(history, policy, Tally(), history.missed, self._tell)
        self.keeper = Keeper(history, DEFAULTS, lambda size: None)
        self.club = InMemoryServer(
            stack,
            disk=history,
            policy=policy,
            order=self.order,
            elsewhere=self.keeper,
            bus=BusOfOneProcess(self._tell),
            **rules,
        )
        heard = self.club.server.heard.put
        self.order._house, self.order._answer = self.club.server.house, heard
        self.keeper._answer = heard
        self.club.server._rooms.open_house()
        self.club.server._follower.start()  # type: ignore[union-attr]

    def _tell(self, news: Hint) -> None:
        for other in self.others:
            other.hints.append(news)

    def write(self) -> bool:
        """The writer does the next thing, if there is one."""
        return self._work(self.order._jobs)

    def keep(self) -> bool:
        """Likewise the keeper."""
        return self._work(self.keeper._jobs)

    def _work(self, jobs: SimpleQueue[Callable[[], None] | None]) -> bool:
        with suppress(Empty):
            job = jobs.get_nowait()
            assert job
            job()
            self.club.settle()
            return True
        return False

    def hear(self, index: int = 0) -> None:
        """One of the hints comes."""
        if self.hints:
            self.club.server.heard.put(self.hints.pop(index % len(self.hints)))
            self.club.settle()

    def lose(self, index: int) -> None:
        """One of the hints does not come."""
        if self.hints:
            self.hints.pop(index % len(self.hints))

    def compare(self) -> None:
        """A second is over."""
        assert self.club.server._follower
        self.club.server._follower.compare()

    def pass_time(self, seconds: float = 1.0) -> None:
        """So many seconds are over for what is due later, but not for what is due each second."""
        heap = self.club.server._timers._heap
        heap[:] = sorted((at - seconds, number, call) for at, number, call in heap)
        self.club.settle()


def level(processes: Sequence[SharingProcess]) -> None:
    """Until all know everything."""
    for _ in range(3):
        for process in processes:
            process.compare()
        _work_off(processes)
        for process in processes:
            process.pass_time()
    _work_off(processes)


def _work_off(processes: Sequence[SharingProcess]) -> None:
    while any(process.write() or process.keep() for process in processes):
        pass
