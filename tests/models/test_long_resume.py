"""Someone was away for a hundred thousand messages; the room goes on as if nothing were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chatroom.history import make_history
from chatroom.message import Message
from tests.support.server_process import Launch, Running
from tests.support.typed_client import GAP, Closed, TypedClient, seq, trim

pytestmark = pytest.mark.takes(seconds=7)

MISSED = 100_000
STEP = 2_000
"""Messages that the returner reads between two words of the others."""
QUEUE = 65_536
"""userQueueBytes: far less than what is said while the returner reads."""
BODY = "b" * 200
WORDS = "w" * 5_000


def test_a_long_resume_disturbs_nobody_and_misses_nothing(prepare: Launch) -> None:
    """The others hear each word while the returner is far behind; the server holds little of it."""
    server = prepare(
        history="sqlite:chat.db",
        replayLimit=10,
        userQueueBytes=QUEUE,
        maxMessageBytes=8192,
        leaveGrace=0,
    )
    fill(server.folder, MISSED)
    server.start()

    with lively_room(server) as room, returning(server) as returner:
        before = server.memory()
        largest = 0
        while not returner.tab.live:
            returner.hear(STEP)
            room.talk()
            room.come_and_go()
            largest = max(largest, server.memory())

        assert room.said * len(WORDS) > 2 * QUEUE, "too little was said meanwhile"
        assert largest - before < 16 * 2**20, "the past is held in memory"

        room.talk()
        returner.hear_until(room.last)
        assert seq(room.last) == MISSED + room.said
        assert returner.heard == seq(room.last) - 1
        there = {tab.user_id: tab.name for tab in [*room.tabs, returner.tab]}
        assert returner.tab.people() == room.tabs[0].people() == there


def test_what_is_trimmed_while_it_is_read_is_no_silent_gap(prepare: Launch) -> None:
    """Close 4009 where the past ends too early; the next time it is told to start afresh."""
    server = prepare(history="sqlite:chat.db", replayLimit=10)
    fill(server.folder, 50_000)
    server.start()

    with returning(server) as returner:
        returner.hear(STEP)
        trim(server.folder, "lobby", 100)
        with pytest.raises(Closed) as closed:
            returner.hear_until(past(50_000).id)
        assert closed.value.code == GAP
        assert STEP <= returner.heard < 50_000 - 100

        returner.tab.close()
        assert returner.tab.connect()["recovered"] is False
        returner.tab.hear_until_live()
        assert [m["id"] for m in returner.tab.view] == [past(49_991 + i).id for i in range(10)]


def fill(folder: Path, count: int) -> None:
    """Write so many messages into the lobby of ``sqlite:chat.db`` in the folder."""
    history = make_history("sqlite:chat.db", folder)
    history.open()
    try:
        for start in range(1, count + 1, 10_000):
            history.append([past(number) for number in range(start, start + 10_000)])
    finally:
        history.close()


def past(number: int) -> Message:
    sent_at = 1_700_000_000_000 + number
    return Message("lobby", number, f"{number:016x}", "Past", BODY, "10:42 AM", sent_at)


class LivelyRoom:
    """Some who talk and hear at once."""

    def __init__(self, port: int, tabs: list[TypedClient]) -> None:
        self.port = port
        self.tabs = tabs
        self.said = 0
        self.last = ""

    def talk(self) -> None:
        """One says something, and all hear it."""
        self.said += 1
        talker = self.tabs[self.said % len(self.tabs)]
        talker.say(WORDS, f"word {self.said}")
        talker.hear_until_acked()
        self.last = talker.acked[f"word {self.said}"]
        for tab in self.tabs:
            tab.hear_until(self.last)

    def come_and_go(self) -> None:
        """One goes, another comes, and a third takes another name."""
        self.tabs.pop().drop_cleanly()
        self.tabs.insert(1, TypedClient(self.port, f"Lively {self.said}").connect_and_catch_up())
        renamed = self.tabs[2]
        renamed.rename(f"Renamed {self.said}")
        while renamed.hear_notice("renamed")["userName"] != renamed.name:
            pass


@contextmanager
def lively_room(server: Running) -> Iterator[LivelyRoom]:
    room = LivelyRoom(server.port, [])
    try:
        for number in range(5):
            room.tabs.append(TypedClient(server.port, f"Lively {number}"))
            room.tabs[-1].connect_and_catch_up()
        yield room
    finally:
        for tab in room.tabs:
            tab.close()


class Returner:
    """A tab that has missed all but the first message; it keeps only the last one it heard."""

    def __init__(self, server: Running) -> None:
        self.tab = TypedClient(server.port, "Returner")
        self.tab.view = [{"id": past(1).id}]
        self.tab.cursor = past(1).id
        self.heard = 0

    def hear(self, count: int) -> None:
        """So many messages, or fewer when the past is over."""
        for _ in range(count):
            if self.tab.live:
                return
            self._hear()

    def hear_until(self, id_: str) -> None:
        while self.tab.cursor != id_:
            self._hear()

    def _hear(self) -> None:
        if self.tab.hear()["type"] == "message":
            self.heard += 1
            del self.tab.view[:-1]


@contextmanager
def returning(server: Running) -> Iterator[Returner]:
    returner = Returner(server)
    try:
        assert returner.tab.connect(receive_buffer=65_536)["recovered"] is True
        yield returner
    finally:
        returner.tab.close()
