"""Many messages of a room are removed, erased or restored by one act, newest first.

The first of them in the act's own transaction; however many follow, some at a time, so that nobody
waits long for the room. The charter has what is left to do, so that a kill ends nothing half-way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chatroom.errors import Refusal
from chatroom.history import History
from chatroom.history.effects import Effects
from chatroom.message import Evidence, Held, Message, MessageId, Remover
from chatroom.rooms.approval import ApprovalQueue
from chatroom.rooms.charter import Sweep
from chatroom.rooms.crowd import Known
from chatroom.wire.acts import Act, Bar, Clear, Erase, RestoreAll, What

RECENT_MS = 10 * 60 * 1000
"""How far back recent messages go."""

MOST_AT_ONCE = 500
"""Messages that are looked at in one transaction: some 40 ms in which the rooms wait."""

MOST_BYTES = 1 << 20
"""About how many bytes of them."""

RESTORED_AT_ONCE = 200
"""Messages that are restored in one transaction: everybody is told each of them."""

RESTORED_BYTES = 64 * 1024
"""About how many bytes of them: a part of what one user's queue holds."""


class Step(NamedTuple):
    """One transaction's part of a sweep."""

    removed: list[tuple[Message, Evidence]]
    """What is left of each message, and what it was."""
    erased: list[int]
    """The seqs of messages whose evidence is dropped."""
    rest: Sweep | None
    """What is left to do."""
    restored: Sequence[Message] = ()
    """Messages that are back."""
    wiped: Sequence[Message] = ()
    """What is left of messages that nobody can restore."""
    disowned: Sequence[int] = ()
    """The seqs of those, and of what was removed before: they are nobody's from now on."""

    @property
    def done(self) -> int:
        """How many messages it concerns."""
        return len(self.removed) + len(self.erased) + len(self.restored) + len(self.wiped)

    def effects(self, house: str | None = None, refused: Sequence[Held] = ()) -> Effects:
        """What it brings about, with what else the same transaction does."""
        return Effects(
            house, self.removed, self.erased, refused, self.restored, self.wiped, self.disowned
        )

    @property
    def changed(self) -> list[Message]:
        """The messages as they now are, or what is left of them."""
        return [*(message for message, _ in self.removed), *self.restored, *self.wiped]


def sweep_of(history: History, room: str, seq: int, act: Act, now: int) -> Sweep | None:
    """What an act removes, erases or restores; None for most acts.

    Args:
        seq: of the room's last message.
        now: Unix time in milliseconds.

    Raises:
        Refusal: ``gone``, ``not-removed``.
    """
    match act:
        case Bar(user_id, _, _, What.ALL):
            return Sweep(False, user_id, 0, seq)
        case Bar(user_id, _, _, What.RECENT):
            return Sweep(False, user_id, _first_since(history, room, seq, now - RECENT_MS) - 1, seq)
        case Clear(None):
            return Sweep(False, "", 0, seq)
        case Clear(MessageId() as upto):
            _demand(history, room, upto)
            return Sweep(False, "", 0, upto.seq)
        case Erase(None):
            return Sweep(True, "", 0, seq)
        case Erase(MessageId() as id):
            if not _demand(history, room, id).removed:
                raise Refusal(
                    "not-removed", "Only what was removed can be erased; remove it first."
                )
            return Sweep(True, "", id.seq - 1, id.seq)
        case RestoreAll(at):
            return Sweep(False, "", 0, seq, restores=at)
        case _:
            return None


def moment_of_its_own(history: History, room: str, seq: int, now: int) -> int:
    """From now on, the first one at which a host has removed nothing yet: an act is undone by it.

    Args:
        seq: of the room's last message.
        now: Unix time in milliseconds.
    """
    while history.taken_at(room, now, seq, 1, 1):
        now += 1
    return now


def refused_by(act: Act, queue: ApprovalQueue, now: int) -> list[Held]:
    """What of it waits no longer: whoever is removed with what they wrote says nothing later.

    Args:
        now: Unix time in milliseconds.
    """
    if not isinstance(act, Bar) or act.what is What.NOTHING:
        return []
    since = now - RECENT_MS if act.what is What.RECENT else 0
    return [held for held in queue.of(act.user_id) if held.held_at >= since]


def begun(sweep: Sweep, act: str, who: Known, whom: Known, now: int) -> Sweep:
    """The sweep, with what the host log says of it in the end.

    Args:
        now: Unix time in milliseconds, as the log has it.
    """
    return sweep._replace(
        began=now,
        act=act,
        by_id=who.user_id,
        by_name=who.user_name,
        whom_id=whom.user_id,
        whom_name=whom.user_name,
    )


def sparing(sweep: Sweep, others: Sequence[Sweep]) -> Sweep:
    """The sweep, so that it restores nothing that another one is still to erase."""
    if not sweep.restores:
        return sweep
    erased = [other.upto for other in others if other.erases]
    wiped = [other.user_id for other in others if other.wipes]
    return sweep._replace(after=max([sweep.after, *erased]), but=(*sweep.but, *wiped))


def in_words(count: int) -> str:
    """So many messages."""
    return f"{count:,} message" + "s" * (count != 1)


def next_step(history: History, room: str, rev: int, sweep: Sweep, now: int) -> Step:
    """What the next transaction does.

    Args:
        rev: of the room's last change.
        now: Unix time in milliseconds.
    """
    if sweep.restores:
        return _restoring(history, room, rev, sweep)
    if sweep.erases:
        found = history.kept_evidence(room, sweep.upto, MOST_AT_ONCE)
        seqs = [seq for seq in found if seq > sweep.after]
        is_last = len(seqs) < MOST_AT_ONCE
        return Step([], seqs, None if is_last else _rest(sweep, seqs[-1], len(seqs)))
    page = history.before(room, sweep.upto + 1, MOST_AT_ONCE, MOST_BYTES)
    page = [message for message in page if message.seq > sweep.after]
    if sweep.wipes:
        return _wiping(page, rev, sweep)
    there = (m for m in page if not m.removed and sweep.user_id in ("", m.user_id))
    removed = [
        (message.taken_back(Remover.HOST, rev + number), Evidence(message, sweep.began or now))
        for number, message in enumerate(there, 1)
    ]
    is_last = not page or page[0].seq <= sweep.after + 1
    return Step(removed, [], None if is_last else _rest(sweep, page[0].seq, len(removed)))


def _restoring(history: History, room: str, rev: int, sweep: Sweep) -> Step:
    def taken(upto: int, limit: int, max_bytes: int) -> list[Message]:
        found = history.taken_at(room, sweep.restores, upto, limit, max_bytes)
        return [message for message in found if message.seq > sweep.after]

    page = taken(sweep.upto, RESTORED_AT_ONCE, RESTORED_BYTES)
    back = (message for message in reversed(page) if message.user_id not in sweep.but)
    restored = [message._replace(rev=rev + number) for number, message in enumerate(back, 1)]
    is_last = not page or not taken(page[-1].seq - 1, 1, 1)
    rest = None if is_last else _rest(sweep, page[-1].seq, len(restored))
    return Step([], [], rest, restored)


def _wiping(page: Sequence[Message], rev: int, sweep: Sweep) -> Step:
    theirs = [message for message in page if message.user_id == sweep.user_id]
    there = (message for message in theirs if not message.removed)
    wiped = [
        message.taken_back(Remover.AUTHOR, rev + number)._replace(user_id="", cmid="")
        for number, message in enumerate(there, 1)
    ]
    erased = [message.seq for message in theirs if message.removed]  # if evidence is kept of it
    is_last = not page or page[0].seq <= sweep.after + 1
    rest = None if is_last else _rest(sweep, page[0].seq, len(wiped))
    return Step([], erased, rest, wiped=wiped, disowned=[message.seq for message in theirs])


def _rest(sweep: Sweep, seen: int, count: int) -> Sweep:
    return sweep._replace(upto=seen - 1, done=sweep.done + count)


def _demand(history: History, room: str, id: MessageId) -> Message:
    message = history.one(room, id)
    if message is None:
        raise Refusal("gone", "There is no such message.")
    return message


def _first_since(history: History, room: str, last: int, since: int) -> int:
    """The seq of the first message that was sent then or later; ``last + 1`` if there is none."""
    low, high = max(1, history.first(room)), last + 1
    while low < high:
        middle = (low + high) // 2
        page = next(history.pages(room, middle - 1, middle), [])
        if page and page[0].sent_at < since:
            low = middle + 1
        else:
            high = middle
    return low
