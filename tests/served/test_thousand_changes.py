"""A thousand edits and removals, while every line is cut again and again and the server is killed:
all have the same in the end, and what was taken back is in no file."""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.deadline import A_MINUTE, DEADLINE, wait_for
from tests.support.network import FINE, Fate, Proxy
from tests.support.server_process import Launch, Running
from tests.support.terminal import Shell
from tests.support.typed_client import EMPTY, Fields, TypedClient
from tests.support.websocket_client import Refused

pytestmark = pytest.mark.takes(seconds=15)

CHANGES = 1000
LIVES = 4
"""Of the server: all but the last one end with kill -9."""
NAMES = ("Ann", "Bob", "Carl", "Dora")
"""Ann, who comes first, is the host, and removes what others say, too."""
ROOM = "talk"
QUEUE = 16 * 1024
"""Bytes: of a longer past or more changes, whoever comes back is told from the history."""
SEED = int(os.environ.get("CHANGES_SEED", random.randrange(1 << 32)))
LOST = (OSError, EOFError, Refused)
PAUSE = 0.05
"""Seconds until somebody who was cut off comes back, at most."""


def test_a_thousand_changes_leave_all_with_the_same(prepare: Launch) -> None:
    print(f"CHANGES_SEED={SEED}")  # shown when it fails
    server = prepare(
        history="sqlite:chat.db", leaveGrace=0, userQueueBytes=QUEUE, maxMessageBytes=4096
    ).start()
    lines = BadLines(random.Random(SEED))
    with ExitStack() as last, Proxy(server.port, lines.fates) as proxy:
        people = [Editor(proxy.port, name, number) for number, name in enumerate(NAMES)]
        for person in people:
            last.callback(person.tab.close)
        lines.good = False
        proxy.close_all()
        with editing(people) as changes:
            for life in range(1, LIVES):
                wait_for(lambda life=life: changes() >= CHANGES * life // LIVES, "more changes")
                assert server.get(f"/api/rooms/{ROOM}/messages?q=q")[0] == 200  # now it is indexed
                server.kill()
                server.start()
            wait_for(lambda: changes() >= CHANGES, "a thousand changes")
            lines.good = True
            proxy.close_all()
        losses = sum(person.losses for person in people)
        assert losses > len(NAMES) * LIVES, "the lines were too good"
        tabs = [person.tab for person in people]
        view = all_agree(server, tabs)
        words = {word for person in people for word in person.words}
        kept = {message["body"] for message in view}
        assert len(words - kept) > CHANGES // 2
        nothing_else_is_in_a_file(server, tabs[0], view, words - kept)
    assert "Traceback" not in server.log() + server.said()


class BadLines:
    """Each line breaks after so many bytes. Its random numbers are the proxy's thread's."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.good = True

    def fates(self) -> tuple[Fate, Fate]:
        if self.good:
            return FINE, FINE
        return self._fate(600, 12_000), self._fate(1000, 40_000)

    def _fate(self, least: int, most: int) -> Fate:
        size = int(self.chance.uniform(least, most))
        return Fate(cut_after=size, reset=self.chance.random() < 0.5)


class Editor:
    """Somebody who never stops changing what they have said, and comes back whatever happens."""

    def __init__(self, port: int, name: str, number: int) -> None:
        self.tab = TypedClient(port, name, ROOM).connect_and_catch_up()
        self.is_host = number == 0
        if self.is_host:  # a maker of nothing would be forgotten
            assert self.tab.act("rules", speak="everybody", slowSeconds=10)["type"] == "done"
        self.chance = random.Random(SEED + number)
        self.cmids = map("c{}".format, itertools.count())
        self.words: set[str] = set()
        """All that they have ever written."""
        self.losses = 0

    def live(self, over: threading.Event) -> None:
        """Until it is over, and then until all that they want is answered."""
        give_up_at = time.monotonic() + 3 * DEADLINE
        while True:
            try:
                if not self.tab.socket:
                    self.tab.connect()
                while not over.is_set():
                    self._work()
                return self.tab.hear_until_acked()
            except LOST:
                self.losses += 1
                self.tab.close()
                assert time.monotonic() < give_up_at, "it cannot come back"
                over.wait(self.chance.uniform(0, PAUSE))

    def _work(self) -> None:
        tab = self.tab
        for _ in range(2):
            tab.say(self._word(), next(self.cmids))
        mine = [message["id"] for message in tab.view if message["userId"] == tab.user_id][-20:]
        for id_ in self.chance.sample(mine, min(3, len(mine))):
            tab.edit(id_, self._word(), next(self.cmids))
        known = [message["id"] for message in tab.view][-40:] if self.is_host else mine
        if len(known) > 5:
            tab.remove(self.chance.choice(known), next(self.cmids))
        tab.hear_until_acked()

    def _word(self) -> str:
        """Like no other; the index leaves out what a word has in common with the one before."""
        word = f"q{self.chance.getrandbits(48):012x}q"
        self.words.add(word)
        return word


@contextmanager
def editing(people: list[Editor]) -> Iterator[Callable[[], int]]:
    """Let all work for the length of a block; it is given how many changes the room has seen."""
    over = threading.Event()
    with ThreadPoolExecutor(len(people)) as pool:
        lives = [pool.submit(person.live, over) for person in people]
        try:
            yield lambda: max(person.tab.rev for person in people)
        finally:
            over.set()
            for life in lives:
                life.result(3 * DEADLINE)


def all_agree(server: Running, tabs: list[TypedClient]) -> list[Fields]:
    """All come back, and somebody new: each has the same, which is what the room has by now."""
    for tab in tabs:
        tab.close()
        tab.port = server.port
        tab.connect_and_catch_up().hear_until_acked()
    fresh = TypedClient(server.port, "Fresh", ROOM)
    fresh.cursor = EMPTY  # all of it
    tabs = [*tabs, fresh.connect_and_catch_up()]
    fresh.say("the end", "end")
    fresh.hear_until_acked()
    for tab in tabs:
        tab.hear_until(fresh.acked["end"])
        assert (tab.errors, tab.afresh, tab.changes) == ([], 0, {})
        assert set(tab.refused.values()) <= {"gone"}
        assert plain(tab.view) == plain(fresh.view)
        assert tab.rev == fresh.rev >= CHANGES
    lines = server.get(f"/api/rooms/{ROOM}/messages", {"Accept": "application/x-ndjson"})[2]
    assert [json.loads(line) for line in lines.splitlines()] == plain(fresh.view)
    fresh.close()
    return fresh.view


def plain(view: list[Fields]) -> list[Fields]:
    """Messages as they are, whether they have come by themselves or in a ``changed``."""
    return [{key: it for key, it in message.items() if key != "type"} for message in view]


def nothing_else_is_in_a_file(
    server: Running, host: TypedClient, view: list[Fields], gone: set[str]
) -> None:
    """What its authors have taken back; and what the host has, once it is erased."""
    assert host.act("erase")["type"] == "done"
    server.stop()
    history = server.folder / "chat.db"
    exported = Shell(server.folder / "home").run("export", ROOM, "--history", str(history))
    assert [json.loads(line)["body"] for line in exported.lines] == [it["body"] for it in view]
    server.start()
    gone = {ending(word) for word in gone}
    wait_for(
        lambda: not gone & endings_in(server.folder), "no trace of what was taken back", A_MINUTE
    )
    assert {ending(it["body"]) for it in view[:-1]} <= endings_in(server.folder)


def ending(word: str) -> str:
    """What also the index has of a word."""
    return word[-9:]


def endings_in(folder: Path) -> set[str]:
    """Of all words in all files."""
    found: set[str] = set()
    for path in folder.glob("chat.db*"):
        found |= {it.decode() for it in re.findall(b"[0-9a-f]{8}q", path.read_bytes())}
    return found
