"""Stories of people who edit and remove what they said, whatever befalls the line."""

from __future__ import annotations

import itertools
from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, multiple, rule

from tests.support.resuming import Resuming
from tests.support.server_process import Running
from tests.support.typed_client import TypedClient, seq


def some(ids: list[str], data: st.DataObject, count: int) -> list[str]:
    """Drawn in the same way however many there are: that depends on what was heard so far."""
    drawn = data.draw(st.lists(st.integers(0, 999), max_size=count))
    return [ids[number % len(ids)] for number in drawn] if ids else []


class Changing(Resuming):
    """As in ``resuming``, and everybody changes their own messages."""

    def __init__(self, server: Running) -> None:
        super().__init__(server)
        self.room = f"changes-{self.room}"
        self.requests = map("r{}".format, itertools.count())
        self.removed: set[str] = set()

    people = Bundle("people")

    @rule(target=people, catch_up=st.booleans())
    def arrive(self, catch_up: bool) -> object:
        return multiple(super().arrive(catch_up))

    @rule(tab=people, data=st.data(), long=st.booleans(), count=st.integers(1, 12))
    def edit(self, tab: TypedClient, data: st.DataObject, long: bool, count: int) -> None:
        """Also without a connection, and many a time: it is sent when there is one."""
        for id_ in self._some_of(tab, data, count):
            number = next(self.words)
            tab.edit(id_, f"edited {number} {'x' * 2500 * long}", next(self.requests))

    @rule(tab=people, data=st.data(), count=st.integers(1, 3))
    def remove(self, tab: TypedClient, data: st.DataObject, count: int) -> None:
        for id_ in self._some_of(tab, data, count):
            tab.remove(id_, next(self.requests))

    @rule(tab=people, data=st.data())
    def change_what_is_somebody_elses(self, tab: TypedClient, data: st.DataObject) -> None:
        others = [m["id"] for m in tab.view if m["userId"] != tab.user_id]
        for id_ in some(others, data, 1):
            tab.remove(id_, f"not mine {next(self.words)}")

    @rule(
        tab=people,
        other=people,
        how=st.sampled_from(["cleanly", "by reset", "half-open"]),
        edits=st.integers(1, 4),
        long=st.booleans(),
        removes=st.booleans(),
        words=st.sampled_from([0, 2, 12]),
    )
    def miss_changes(
        self,
        tab: TypedClient,
        other: TypedClient,
        how: str,
        edits: int,
        long: bool,
        removes: bool,
        words: int,
    ) -> None:
        """Of what it has heard already, by somebody who stays."""
        if tab is other or not (tab.socket and other.socket) or not self.may_speak(other):
            return
        self.say(other, 5)
        self.hear(other)
        self._listen(tab, partial(tab.hear_until, other.cursor or ""))
        theirs = [m["id"] for m in tab.view if m.get("userId") == other.user_id]
        self.drop(tab, how)
        for id_ in theirs[:edits]:
            other.edit(id_, f"missed {next(self.words)} {'x' * 2500 * long}", next(self.requests))
        if removes:
            other.remove(theirs[-1], next(self.requests))
        self.say(other, words)
        self.hear(other)
        self.come_back(tab)

    def may_speak(self, tab: TypedClient) -> bool:
        """Whether all that it says will be in the room."""
        return True

    @staticmethod
    def _some_of(tab: TypedClient, data: st.DataObject, count: int) -> list[str]:
        mine = [m["id"] for m in tab.view if m.get("userId") == tab.user_id]
        return some(mine, data, count)

    def _see_that_all_agree(self) -> None:
        super()._see_that_all_agree()
        for tab in self.tabs:
            assert not tab.changes
            for cmid, code in tab.refused.items():
                assert code == ("not-yours" if "not mine" in cmid else "gone") or self.kept

    def _check(self, history: list[dict[str, str]]) -> None:
        """The last word was heard by all, and so was every change before it."""
        for tab in self.tabs:
            tab.check(history)
        numbers = [seq(message["id"]) for message in history]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        if not self.kept:
            assert len(history) == sum(len(tab.said) for tab in self.tabs), "lost, or stored twice"
            for tab in self.tabs:
                assert len(set(tab.acked.values())) == len(tab.said)
