"""The room's numbers, by the names that Prometheus knows them by.

What others have counted is read where it is; what only the Server thread knows, it is asked for.
Nothing that a client says is part of a name or a label: those would be without number.

Whatever looks at thousands of things, one after the other, lets other threads have a turn.
"""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

from chatroom.engine import Engine
from chatroom.errors import ChatError
from chatroom.history.shared import SharedHistory
from chatroom.rooms.server import BROADCAST_SLOTS
from chatroom.sockets.gate import Occupant
from chatroom.tally import Histogram
from chatroom.web.api.listener import Listener

TIMEOUT = 2.0
"""Seconds that the Server thread has for its answer, and the history to prove that it works. Both
together have to be shorter than Prometheus' ``scrape_timeout``, 10 by default."""

AT_ONCE = 500
"""Sockets that are looked at before other threads get a turn."""

PAUSE = 0.001
"""Seconds of such a turn: releasing the interpreter's lock does not hand it over."""


UP = "chatroom_up", f"1 if the Server thread has answered within {TIMEOUT:.0f} s, else 0."

HISTORY_UP = "chatroom_history_up"

SHARED = {
    "chatroom_shared_processes": "Processes that have served typed users, on all machines.",
    "chatroom_shared_rooms": "Rooms that people are in, by way of any of these processes.",
    "chatroom_shared_people": "People in these rooms, by way of any of these processes.",
}
"""What holds for the rooms, and not for a process alone, with a history that several share."""

FOLLOWING = {
    "chatroom_hints_total": "Hints that other processes were told, and that were heard of them; "
    "that were dropped, as too many waited or the database was away; and that no process of ours "
    "has signed.",
    "chatroom_listener_reconnects_total": "How often listening to other processes has begun anew.",
    "chatroom_looks_total": "How often a room was read, because it was behind the database.",
    "chatroom_forks_total": "How often its last message was found to be there no more.",
    "chatroom_behind_seconds": "For how long some room here has been behind the database.",
}
"""What a process does to hear what others do, with a history that several share."""

T = TypeVar("T")


class Family(NamedTuple):
    """A number, or one for each value of a label."""

    name: str
    """One that ends in ``_total`` counts up from 0."""
    help: str
    value: float | Mapping[str, float] | Histogram
    label: str = ""


def families(engine: Engine) -> Iterator[Family]:
    """All numbers, in the order in which they are written."""
    yield from _asked(engine)
    yield from _files(engine)
    yield from _places(engine)
    yield from _counted(engine)
    yield from _following(engine)
    yield from _process()


def shared(engine: Engine) -> Iterator[Family]:
    """What all processes that share the rooms have in common: the same, whichever is asked."""
    if not isinstance(engine.history, SharedHistory):
        return
    try:
        attended = engine.history.attended()
    except ChatError:
        return
    for (name, help), number in zip(SHARED.items(), attended, strict=True):
        yield Family(name, help, number)


def _asked(engine: Engine) -> Iterator[Family]:
    """What only the Server thread knows."""
    try:
        count = engine.server.census.take(TIMEOUT)
    except ChatError:
        yield Family(*UP, 0)
        return
    yield Family(*UP, 1)
    yield Family(
        "chatroom_server_answer_seconds",
        "How long the Server thread took to answer: so long, a message waits for its turn.",
        count.answer_seconds,
    )
    yield Family(
        "chatroom_server_cpu_seconds_total",
        "Processor time of the Server thread, through which every message goes.",
        count.busy_seconds,
    )
    yield Family(
        "chatroom_users",
        "Users that get what is said, by their protocol.",
        {"plain": count.plain, "typed": count.typed},
        "protocol",
    )
    yield Family("chatroom_rooms", "Rooms that anybody is in.", count.rooms)
    yield Family(
        "chatroom_people",
        "People in rooms, here, whom the typed protocol knows by their names.",
        count.people,
    )
    yield Family(
        HISTORY_UP,
        "1 if a message can be stored now, as a write has proved, else 0.",
        _history_works(engine),
    )


def _history_works(engine: Engine) -> bool:
    try:
        engine.check(TIMEOUT)
    except ChatError:
        return False
    return True


def _files(engine: Engine) -> Iterator[Family]:
    """What files take of the disk."""
    if engine.files is None:
        return
    with suppress(ChatError):  # chatroom_history_up says so
        size = engine.history.files_bytes()
        yield Family(
            "chatroom_files_bytes", "Bytes of all files, also of those that are coming.", size
        )


def _places(engine: Engine) -> Iterator[Family]:
    """What each socket holds, and what there is for all of them."""
    occupants = engine.gate.occupants()
    waiting, behind, listeners = _walk(occupants)
    yield Family(
        "chatroom_sockets",
        "Places that are taken: by sockets, joined or not, and by event streams.",
        len(occupants),
    )
    yield Family("chatroom_max_users", "Places that there are.", engine.gate.capacity)
    yield Family("chatroom_event_listeners", "Event streams over HTTP.", listeners)
    yield Family(
        "chatroom_queued_bytes",
        "Bytes that wait in users' queues, because their sockets take no more.",
        waiting,
    )
    yield Family("chatroom_users_behind", "Users with anything in their queue.", behind)
    yield Family(
        "chatroom_broadcast_waiting",
        f"Messages that wait for the Server thread: beyond {BROADCAST_SLOTS}, readers wait.",
        engine.server.broadcast.qsize(),
    )
    yield Family("chatroom_threads", "Threads of the process.", threading.active_count())


def _walk(occupants: Iterable[Occupant]) -> tuple[int, int, int]:
    """Bytes that wait, how many they wait for, and how many are no sockets."""
    waiting = behind = listeners = 0
    for one in _with_pauses(occupants, AT_ONCE):
        if theirs := one.waiting_bytes:
            waiting += theirs
            behind += 1
        listeners += isinstance(one, Listener)
    return waiting, behind, listeners


def _with_pauses(things: Iterable[T], at_once: int) -> Iterator[T]:
    left = iter(things)
    while some := list(islice(left, at_once)):
        yield from some
        if len(some) == at_once:
            time.sleep(PAUSE)


def _counted(engine: Engine) -> Iterator[Family]:
    """What has happened since the start."""
    tally = engine.tally
    yield Family(
        "chatroom_start_time_seconds", "When the room was opened, in Unix time.", engine.started_at
    )
    yield Family(
        "chatroom_joins_total",
        "Users that have come into a room, by their protocol.",
        {"plain": tally.joins_plain, "typed": tally.joins_typed},
        "protocol",
    )
    yield Family("chatroom_messages_stored_total", "Messages that were stored.", tally.stored)
    yield Family(
        "chatroom_messages_not_stored_total",
        "Messages that the history could not store; whoever said them was told.",
        tally.not_stored,
    )
    yield Family(
        "chatroom_deliveries_total",
        "Messages that were put to users: each counts once for each user.",
        tally.deliveries,
    )
    yield Family(
        "chatroom_notices_total",
        "What else was put to all users of a room, such as who comes and goes; likewise.",
        tally.notices,
    )
    yield Family(
        "chatroom_slow_users_total",
        "Users that were disconnected because too much waited for them.",
        tally.slow,
    )
    yield Family(
        "chatroom_http_posts_total",
        "Messages that came over HTTP: stored, known by their cmid, or held for approval.",
        engine.posts.read(),
        "outcome",
    )
    if engine.files:
        yield Family(
            "chatroom_uploads_total",
            "Pictures and files that were uploaded.",
            engine.server.uploads.completed,
        )
    yield Family(
        "chatroom_refusals_total",
        "What was refused, by the code of the protocol or the API; http-403: by the status of "
        "another response; close-1007: by the code of a Close, for what was no frame.",
        engine.server.channels.refused.read(),
        "code",
    )
    yield Family(
        "chatroom_errors_total",
        "What went wrong, as in /healthz: users that failed or were dropped, and the history.",
        engine.server.errors,
    )
    yield Family("chatroom_batch_messages", "Messages stored at once.", tally.batches)
    yield Family(
        "chatroom_commit_seconds",
        "How long the history took to store what was said at once.",
        tally.commits,
    )
    yield Family(
        "chatroom_fan_out_seconds",
        "How long it took to put a batch's messages of one room to all users of that room.",
        tally.fan_outs,
    )


def _following(engine: Engine) -> Iterator[Family]:
    """Which it does only where there may be others."""
    if not (done := engine.figures()):
        return
    hints: dict[str, float] = {
        "told": done.told,
        "heard": done.heard,
        "dropped": done.dropped,
        "forged": done.forged,
    }
    others = done.reconnects, done.looks, done.forks, done.lag
    (name, help), *more = FOLLOWING.items()
    yield Family(name, help, hints, "outcome")
    for (name, help), value in zip(more, others, strict=True):
        yield Family(name, help, value)


def _process() -> Iterator[Family]:
    """What the process takes, by the names that all programs have for it.

    Not by prometheus_client's ``ProcessCollector``: it lists the descriptors in one go. With 10,000
    of them, other threads wait 5 ms for that (measured).
    """
    yield Family("process_cpu_seconds_total", "Processor time of the process.", time.process_time())
    limit, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield Family("process_max_fds", "Descriptors that it may have.", limit)
    with suppress(OSError):  # only Linux has these files
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        bytes = pages * os.sysconf("SC_PAGE_SIZE")
        yield Family("process_resident_memory_bytes", "Memory that it has in use.", bytes)
        yield Family("process_open_fds", "Descriptors that it has.", _count_descriptors())


def _count_descriptors() -> int:
    folder = "/proc/self/fd"
    if count := os.stat(folder).st_size:  # since Linux 6.2
        return count
    with os.scandir(folder) as descriptors:
        return sum(1 for _ in _with_pauses(descriptors, 100))
