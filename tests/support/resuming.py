"""Stories of people who lose the line, or the server its life, at any moment."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

from tests.support.deadline import wait_for
from tests.support.server_process import Running
from tests.support.typed_client import GAP, Closed, TypedClient, seq, stored, trim
from tests.support.websocket_client import RawClient

REPLAY = 5
"""Past messages that somebody new gets."""

KEPT = 20
"""Messages that a room keeps, where it does not keep all."""

_examples = itertools.count()


class Resuming(RuleBasedStateMachine):
    """Tabs of several people in one room, and everything that can befall them."""

    def __init__(self, server: Running) -> None:
        super().__init__()
        self.server = server
        # The last by name of all rooms so far: trimming begins with it.
        self.room = f"room-{next(_examples):04}"
        self.words = itertools.count()
        self.tabs: list[TypedClient] = []
        self.hanging: dict[TypedClient, list[RawClient]] = {}
        """The sockets of each tab that it has let go of, and the server knows nothing of it."""
        self.lives = 1
        self.kept: int = server.settings["keepMessages"]

    people = Bundle("people")

    @initialize(lives=st.sampled_from([1, 2]))
    def begin(self, lives: int) -> None:
        self.lives = lives

    # -- coming --------------------------------------------------------------------------------

    @rule(target=people, catch_up=st.booleans())
    def arrive(self, catch_up: bool) -> TypedClient:
        tab = TypedClient(self.server.port, f"Person {len(self.tabs)}", self.room)
        return self._enter(tab, catch_up)

    @rule(target=people, tab=people, catch_up=st.booleans())
    def open_another_tab(self, tab: TypedClient, catch_up: bool) -> TypedClient:
        another = self._enter(tab.another(), catch_up)
        assert another.user_id == tab.user_id
        return another

    def _enter(self, tab: TypedClient, catch_up: bool) -> TypedClient:
        self.tabs.append(tab)
        self.hanging[tab] = []
        tab.connect()
        if catch_up:
            tab.hear_until_live()
        return tab

    @rule(tab=people)
    def come_back(self, tab: TypedClient) -> None:
        """A connection of the same tab that still hangs is closed."""
        if tab.socket:
            return
        tab.connect()
        for ghost in self.hanging[tab]:
            with ghost:
                assert ghost.closed_with() == (4001, "replaced")
        self.hanging[tab].clear()

    # -- talking and listening -----------------------------------------------------------------

    @rule(tab=people, count=st.integers(1, 12))
    def say(self, tab: TypedClient, count: int) -> None:
        """It waits for nothing; without a connection, it stays in the outbox."""
        for _ in range(count):
            number = next(self.words)
            tab.say(f"words {number}", f"c{number}")

    @rule(tab=people)
    def hear(self, tab: TypedClient) -> None:
        if tab.socket:
            self._listen(tab, tab.hear_until_acked)
            self._listen(tab, tab.hear_until_live)

    def _listen(self, tab: TypedClient, act: Callable[[], None]) -> None:
        """What is trimmed while the tab still reads it ends its connection, and it comes back."""
        while True:
            try:
                return act()
            except Closed as closed:
                assert self.kept and closed.code == GAP, closed
                tab.close()
                tab.connect()

    # -- losing --------------------------------------------------------------------------------

    @rule(tab=people, how=st.sampled_from(["cleanly", "by reset", "half-open"]))
    def drop(self, tab: TypedClient, how: str) -> None:
        if not tab.socket:
            return
        match how:
            case "cleanly":
                tab.drop_cleanly()
            case "by reset":
                tab.drop_by_reset()
            case "half-open":
                self.hanging[tab].append(tab.let_go())

    @rule()
    @precondition(lambda self: self.lives > 1)
    def restart(self) -> None:
        """With kill -9. A server that trims does it when it starts, and once a minute."""
        self.lives -= 1
        self.server.kill()
        for tab in self.tabs:
            if tab.socket:
                tab.hear_the_end()
        self._close_hanging()
        self.server.start()
        if self.kept:
            wait_for(lambda: len(self._stored()) <= self.kept, "a trimmed room")

    @rule(left=st.integers(1, KEPT))
    def trim(self, left: int) -> None:
        """At any moment, under the server's feet; the newest message always stays."""
        if self.kept:
            trim(self.server.folder, self.room, left)

    def _stored(self) -> list[dict[str, str]]:
        return stored(self.server.folder, self.room)

    def _close_hanging(self) -> None:
        for ghosts in self.hanging.values():
            for ghost in ghosts:
                ghost.socket.close()
            ghosts.clear()

    # -- the end -------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            self._see_that_all_agree()
        finally:
            self._close_hanging()
            for tab in self.tabs:
                tab.close()

    def _see_that_all_agree(self) -> None:
        """All come back, all that was said is acked, and all hear the last word."""
        for tab in self.tabs:
            self.come_back(tab)
        for tab in self.tabs:
            self._listen(tab, tab.hear_until_acked)
        last = TypedClient(self.server.port, "Last", self.room).connect_and_catch_up()
        self.tabs.append(last)
        last.say("the end", "end")
        last.hear_until_acked()
        for tab in self.tabs:
            self._listen(tab, partial(tab.hear_until, last.acked["end"]))
            assert tab.errors == []
        self._check(self._stored())

    def _check(self, history: list[dict[str, str]]) -> None:
        for tab in self.tabs:
            tab.check(history)
        numbers = [seq(message["id"]) for message in history]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        said = [body for tab in self.tabs for body in tab.said.values()]
        bodies = [message["body"] for message in history]
        if self.kept:
            # What is trimmed before its sender comes back for the ack is sent again.
            assert len(set(bodies)) == len(bodies)
            assert numbers[-1] >= len(said)
        else:
            assert sorted(bodies) == sorted(said), "lost, or stored twice"
            assert not any(tab.afresh for tab in self.tabs)
