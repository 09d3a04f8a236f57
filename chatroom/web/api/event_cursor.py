"""Where a stream of events begins: what the id says that a client comes back with."""

from __future__ import annotations

import re
from typing import NamedTuple

from chatroom.history import History
from chatroom.message import MessageId
from chatroom.rooms.subscriber import Subscribed

_CURSOR = re.compile("([^;]+)(?:;([0-9]{1,12})(?:;([0-9]{1,15}))?)?")
"""The id of a message, the rev of the room, and the mark of its reactions."""


class Start(NamedTuple):
    """Where a stream begins."""

    seq: int
    """Of the last message before the stream: the client has it, or is not to get it."""
    head: MessageId
    """The room's last message: the listener hears what comes after it."""
    recovered: bool | None
    """Whether the client gets everything it missed; None if it did not ask to resume."""
    since: str
    """The id that the client asked to resume after."""
    rev: int
    """The last change of a message that the client knows of."""
    head_rev: int
    """The room's last change: the listener hears what comes after it."""
    mark: int
    """The last change of reactions that the client knows of."""
    head_mark: int
    """The last one that was told before: the listener hears what comes after it."""


def start(
    history: History, room: str, now: Subscribed, since: str | None, past: int | None
) -> Start:
    """Decide where the stream begins.

    Args:
        now: what ``Server.subscribe`` returned: the listener hears what comes after it.
        since: the last id that the client has seen; None for a new one.
        past: how many messages a client gets if it is new or its id is unusable; None for all.

    Raises:
        HistoryUnavailable: the history cannot be read now.
    """
    head, head_mark = now
    head_rev = history.rev(room)  # before anything else is read: what follows may be newer
    seen = None if since is None else _good(history, room, since)
    if since is not None and seen is not None:
        id, rev, mark = seen
        rev, mark = min(rev, head_rev), min(mark, head_mark)
        last = max(head, id)  # it may be ahead of head
        return Start(id.seq, last, True, since, rev, head_rev, mark, head_mark)
    oldest = history.first(room) or head.seq + 1
    # Not beyond head, though all up to there be trimmed by now: the listener has what follows it.
    seq = min(head.seq, max(oldest - 1, 0 if past is None else head.seq - past))
    recovered = None if since is None else False
    return Start(seq, head, recovered, since or "", head_rev, head_rev, head_mark, head_mark)


def _good(history: History, room: str, since: str) -> tuple[MessageId, int, int] | None:
    """The parsed id, rev and mark if everything after the id is still kept, else None."""
    found = _CURSOR.fullmatch(since)
    if not found:
        return None
    try:
        id = MessageId.parse(found[1])
    except ValueError:
        return None
    # Without: from before anything changed, or anybody reacted.
    rev, mark = int(found[2] or 0), int(found[3] or 0)
    return (id, rev, mark) if history.reaches_back_to(room, id) else None
