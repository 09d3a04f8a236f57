"""A crowd comes and goes: what is told of it grows with the people, not with their square."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path

import pytest

from tests.support.deadline import wait_for
from tests.support.many_clients import at_most, many_clients
from tests.support.server_process import Running, serving
from tests.support.typed_client import TypedClient

pytestmark = pytest.mark.takes(seconds=8)

LIMIT = 20
"""presenceLimit: up to so many people are told by name."""
SMALL_LIMIT = 5
"""presenceLimit, where people come and go across it."""
BYTES_EACH = 8_192
"""What one of a crowd may get besides the messages: a welcome, some names, some counts."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("crowd")
    settings = {"maxUsers": 2000, "presenceLimit": LIMIT, "leaveGrace": 0}
    with serving(folder, history="memory:", **settings) as running:
        yield running


@pytest.mark.parametrize("people", [300, at_most(1500)])
def test_presence_grows_with_the_people(server: Running, people: int) -> None:
    """Names up to the limit, then a count each second; in the end all know how many they are."""
    room = f"crowd-{people}"
    begin = time.monotonic()
    with many_clients(server.port) as joiners:
        joiners.enter_typed(people, room)
        joiners.hear(b'"users":%d}' % people)
        seconds = time.monotonic() - begin
        heard = joiners.frames()

        told = Counter(frame["type"] for frames in heard for frame in frames)
        assert told["joined"] <= LIMIT * LIMIT
        assert told["left"] == 0
        allowed = LIMIT * LIMIT + people * (seconds + 2)
        assert told["joined"] + told["count"] <= allowed
        assert allowed < people * people / 4, "too slow a machine for the claim to mean anything"
        assert max(joiners.sizes()) < BYTES_EACH

        begin = time.monotonic()
        with staying(server, room) as stayer:
            joiners.leave(people // 2)
            while stayer.hear_notice("count")["users"] > people - people // 2 + 1:
                pass
            assert len(stayer.notices) <= time.monotonic() - begin + 2


@contextmanager
def staying(server: Running, room: str) -> Iterator[TypedClient]:
    stayer = TypedClient(server.port, "Stayer", room).connect_and_catch_up()
    try:
        yield stayer
    finally:
        stayer.close()


def test_each_absence_has_all_of_its_grace(tmp_path: Path) -> None:
    """Ann and Dan go and come back, Cy goes, Ann goes again: Cy has left, then Ann, never Dan."""
    with (
        serving(tmp_path, history="memory:", leaveGrace=2) as server,
        closing(TypedClient(server.port, "Bob").connect_and_catch_up()) as bob,
        closing(TypedClient(server.port, "Ann").connect_and_catch_up()) as ann,
        closing(TypedClient(server.port, "Dan").connect_and_catch_up()) as dan,
    ):
        cy = TypedClient(server.port, "Cy").connect_and_catch_up()
        for tab in (ann, dan):
            tab.drop_cleanly()
            tab.connect_and_catch_up()
        cy.drop_cleanly()
        wait_for(lambda: re.search(r'left: user \d+ "Cy"', server.log()), "that Cy is away")
        ann.drop_cleanly()
        assert bob.hear_notice("left")["userName"] == "Cy"
        assert bob.hear_notice("left")["userName"] == "Ann"


def test_everyone_knows_who_is_there_or_how_many(tmp_path: Path) -> None:
    """People come, go, come back, open a second tab and change their names, in rooms that grow and
    shrink across the limit; all that they are told adds up to what is true."""
    with (
        serving(tmp_path, history="memory:", presenceLimit=SMALL_LIMIT, leaveGrace=0) as server,
        ExitStack() as last,
    ):
        rooms = [
            Household(server.port, f"house-{number}", random.Random(number)) for number in range(8)
        ]
        for room in rooms:
            last.callback(room.close)
        for _ in range(60):
            for room in rooms:
                room.let_something_happen()
        for room in rooms:
            wait_for(room.is_known_to_all, f"what is true of {room.name}")


class Household:
    """A room, and what is true of it: who is there."""

    def __init__(self, port: int, name: str, chance: random.Random) -> None:
        self.port = port
        self.name = name
        self.chance = chance
        self.numbers = count()
        self.there: list[TypedClient] = []
        self.gone: list[TypedClient] = []

    def let_something_happen(self) -> None:
        kinds = [self._come, self._come, self._go, self._go, self._second_tab, self._rename]
        self.chance.choice([*kinds, self._come_back])()

    def _come(self) -> None:
        if len(self.there) < 2 * SMALL_LIMIT:
            self._enter(TypedClient(self.port, f"Person {next(self.numbers)}", self.name))

    def _second_tab(self) -> None:
        if self.there:
            self._enter(self.chance.choice(self.there).another())

    def _come_back(self) -> None:
        if self.gone:
            self._enter(self.gone.pop(self.chance.randrange(len(self.gone))))

    def _enter(self, tab: TypedClient) -> None:
        self.there.append(tab)
        tab.connect()
        for other in self.there:  # a name that it bears now, it bears in all its tabs
            if other.user_id == tab.user_id:
                other.name = tab.name

    def _go(self) -> None:
        if self.there:
            tab = self.there.pop(self.chance.randrange(len(self.there)))
            self.chance.choice([tab.drop_cleanly, tab.drop_by_reset])()
            self.gone.append(tab)

    def _rename(self) -> None:
        if self.there:
            tab = self.chance.choice(self.there)
            name = f"Renamed {next(self.numbers)}"
            tab.rename(name)
            for other in self.there:
                if other.user_id == tab.user_id:
                    other.name = name

    def is_known_to_all(self) -> bool:
        """Hear all that is said up to now, and see whether it is true."""
        true = {tab.user_id: tab.name for tab in self.there}
        if self.there:
            word = f"word {next(self.numbers)}"
            self.there[0].say(word, word)
            self.there[0].hear_until_acked()
            for tab in self.there:
                tab.hear_until(self.there[0].acked[word])
        return all(tab.people() in (true, len(true)) for tab in self.there)

    def close(self) -> None:
        for tab in self.there:
            tab.close()
