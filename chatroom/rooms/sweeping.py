"""Many messages of a room are removed or erased by one act, newest first.

The first of them in the act's own transaction; however many follow, some at a time, so that nobody
waits long for the room. The charter has what is left to do, so that a kill ends nothing half-way.
"""

from __future__ import annotations

from typing import NamedTuple

from chatroom.errors import Refusal
from chatroom.history import History
from chatroom.message import Evidence, Held, Message, MessageId, Remover
from chatroom.rooms.approval import ApprovalQueue
from chatroom.rooms.charter import Sweep
from chatroom.rooms.crowd import Known
from chatroom.wire.acts import Act, Bar, Clear, Erase, What

RECENT_MS = 10 * 60 * 1000
"""How far back recent messages go."""

MOST_AT_ONCE = 500
"""Messages that are looked at in one transaction: some 40 ms in which the rooms wait."""

MOST_BYTES = 1 << 20
"""About how many bytes of them."""


class Step(NamedTuple):
    """One transaction's part of a sweep."""

    removed: list[tuple[Message, Evidence]]
    """What is left of each message, and what it was."""
    erased: list[int]
    """The seqs of messages whose evidence is dropped."""
    rest: Sweep | None
    """What is left to do."""

    @property
    def done(self) -> int:
        """How many messages it concerns."""
        return len(self.removed) + len(self.erased)


def sweep_of(history: History, room: str, seq: int, act: Act, now: int) -> Sweep | None:
    """What an act removes or erases; None for most acts.

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
        case _:
            return None


def refused_by(act: Act, queue: ApprovalQueue, now: int) -> list[Held]:
    """What of it waits no longer: whoever is removed with what they wrote says nothing later.

    Args:
        now: Unix time in milliseconds.
    """
    if not isinstance(act, Bar) or act.what is What.NOTHING:
        return []
    since = now - RECENT_MS if act.what is What.RECENT else 0
    return [held for held in queue.of(act.user_id) if held.held_at >= since]


def begun(sweep: Sweep, act: str, who: Known, whom: Known) -> Sweep:
    """The sweep, with what the host log says of it in the end."""
    return sweep._replace(
        act=act,
        by_id=who.user_id,
        by_name=who.user_name,
        whom_id=whom.user_id,
        whom_name=whom.user_name,
    )


def in_words(count: int) -> str:
    """So many messages."""
    return f"{count:,} message" + "s" * (count != 1)


def next_step(history: History, room: str, rev: int, sweep: Sweep, now: int) -> Step:
    """What the next transaction does.

    Args:
        rev: of the room's last change.
        now: Unix time in milliseconds.
    """
    if sweep.erases:
        found = history.kept_evidence(room, sweep.upto, MOST_AT_ONCE)
        seqs = [seq for seq in found if seq > sweep.after]
        is_last = len(seqs) < MOST_AT_ONCE
        return Step([], seqs, None if is_last else _rest(sweep, seqs[-1], len(seqs)))
    page = history.before(room, sweep.upto + 1, MOST_AT_ONCE, MOST_BYTES)
    page = [message for message in page if message.seq > sweep.after]
    there = (m for m in page if not m.removed and sweep.user_id in ("", m.user_id))
    removed = [
        (message.taken_back(Remover.HOST, rev + number), Evidence(message, now))
        for number, message in enumerate(there, 1)
    ]
    is_last = not page or page[0].seq <= sweep.after + 1
    return Step(removed, [], None if is_last else _rest(sweep, page[0].seq, len(removed)))


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
