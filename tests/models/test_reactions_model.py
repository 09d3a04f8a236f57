"""People react while lines are cut and the server is killed, and a host removes what they react to
and brings it back: in the end all have the same."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, multiple, rule

from chatroom.reactions import KINDS
from tests.support.changing import some
from tests.support.deadline import wait_for
from tests.support.resuming import Resuming
from tests.support.server_process import Running, serving
from tests.support.stories import run_stories
from tests.support.typed_client import Fields, TypedClient, seq

pytestmark = pytest.mark.takes(seconds=15)


STEPS = ("remove", "react", "restore")
"""A message is removed and restored; meanwhile, somebody reacts to another one."""

AWAY = [list(steps) for count in (1, 2, 3) for steps in itertools.combinations(STEPS, count)]
"""Of these steps, what somebody may miss."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("reactions")
    with serving(folder, history="sqlite:chat.db", keepMessages=0) as running:
        yield running


def test_whatever_befalls_them_all_have_the_same_reactions(server: Running) -> None:
    run_stories(lambda: Clicking(server), examples=15, steps=30, shrinks=False)
    assert "Traceback" not in server.log() + server.said()


@pytest.mark.parametrize("clears", [False, True])
@pytest.mark.parametrize("away", AWAY, ids="-".join)
def test_whatever_somebody_misses_of_a_removal_and_its_undoing(
    server: Running, away: list[str], clears: bool
) -> None:
    story = Clicking(server)
    story.begin(lives=1)
    try:
        tab = story.tabs[1]
        story.miss_a_removal_and_its_undoing(tab=tab, how="by reset", away=away, clears=clears)
    finally:
        story.teardown()


class ClickingTab(TypedClient):
    """As the documentation says: of two states of a message it keeps the one with the higher mark,
    and asks for what it has missed once it is live. Until it has that, its own mark stays."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.mark = self.heard = 0
        self.waits = False
        self.states: dict[str, Fields] = {}
        self.wanted: dict[tuple[str, str], bool] = {}

    def another(self) -> TypedClient:
        return ClickingTab(self.port, self.name, self.room, self.token)

    def react(self, id: str, kind: str, cmid: str, *, on: bool) -> None:
        """As ``say``: it is sent until there is an answer."""
        self.wanted[id, kind] = on
        self._change(type="react", cmid=cmid, id=id, kind=kind, on=on)  # type: ignore[arg-type]

    def _take(self, frame: Fields) -> None:
        super()._take(frame)
        match frame["type"]:
            case "reactions":
                self.notices.pop()
                for state in frame["messages"]:
                    known = self.states.get(state["id"], {"mark": 0})
                    if state["mark"] > known["mark"]:
                        self.states[state["id"]] = state
                if not frame["messages"] or "mine" in frame["messages"][0]:
                    self.waits = False
                self.heard = max(self.heard, frame["mark"])
                if not self.waits:
                    self.mark = self.heard
            case "welcome":
                newest = frame.get("reactions", 0)
                if not frame.get("recovered") or self.mark > newest:
                    self.mark = 0
                    self.states = {}
                self.heard, self.waits = self.mark, self.mark != newest
            case "removed":
                for id in frame.get("ids", [frame.get("id")]):
                    self.states.pop(id, None)
            case "live" if self.waits:
                self._send(type="reactions", since=self.mark)

    def counts(self) -> dict[str, dict[str, int]]:
        """Of each message that it has, if there are any."""
        ids = {message["id"] for message in self.view}
        return {id: it["counts"] for id, it in self.states.items() if it["counts"] and id in ids}


class Clicking(Resuming):
    """As in ``resuming``, and everybody reacts; the first who comes is the host."""

    def __init__(self, server: Running) -> None:
        super().__init__(server)
        self.room = f"reactions-{self.room}"
        self.requests = map("r{}".format, itertools.count())
        self.removed: set[str] = set()
        """What was, at any time: with it, its reactions went."""

    people = Bundle("people")

    @initialize(target=people, lives=st.sampled_from([1, 2]))
    def begin(self, lives: int) -> object:
        super().begin(lives)
        tabs = [ClickingTab(self.server.port, f"Person {n}", self.room) for n in range(3)]
        for tab in tabs:
            self._enter(tab, catch_up=True)
        tabs[0].act("rules", speak="everybody", slowSeconds=10)  # who decides nothing is forgotten
        return multiple(*tabs)

    @rule(target=people, catch_up=st.booleans())
    def arrive(self, catch_up: bool) -> object:
        tab = ClickingTab(self.server.port, f"Person {len(self.tabs)}", self.room)
        return multiple(self._enter(tab, catch_up))

    @rule(
        tab=people,
        data=st.data(),
        kind=st.sampled_from(KINDS),
        on=st.booleans(),
        hears=st.booleans(),
    )
    def react(
        self, tab: TypedClient, data: st.DataObject, kind: str, on: bool, hears: bool
    ) -> None:
        """Also without a connection: it is sent when there is one."""
        assert isinstance(tab, ClickingTab)
        for id in some([message["id"] for message in tab.view], data, 6):
            tab.react(id, kind, next(self.requests), on=on)
        if hears and tab.socket:
            tab.hear_until_live()
            tab.hear_until_acked()

    def _in_charge(self) -> TypedClient:
        """The host, who has heard all that was said before they came."""
        host = self.tabs[0]
        self.come_back(host)
        self._listen(host, host.hear_until_live)
        return host

    def _ask_host(self, what: str, ids: list[str]) -> None:
        host = self._in_charge()
        for id in ids:
            host._change(type=what, cmid=next(self.requests), id=id)
        self._listen(host, host.hear_until_acked)
        if what == "remove":
            self.removed |= set(ids)

    def _of_others(self) -> list[str]:
        """What the host can restore: what they take back of their own is gone for good."""
        host = self._in_charge()
        return [message["id"] for message in host.view if message["userId"] != host.user_id]

    @rule(data=st.data(), back=st.booleans())
    def remove(self, data: st.DataObject, back: bool) -> None:
        ids = some(self._of_others(), data, 3)
        self._ask_host("remove", ids)
        if back:
            self._ask_host("restore", ids)

    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        """What was removed some time ago, or never."""
        gone = sorted(self.removed, key=seq)
        self._ask_host("restore", some(gone, data, 3))

    @rule(
        tab=people,
        how=st.sampled_from(["cleanly", "by reset", "half-open"]),
        away=st.sampled_from(AWAY),
        clears=st.booleans(),
    )
    def miss_a_removal_and_its_undoing(
        self, tab: TypedClient, how: str, away: list[str], clears: bool
    ) -> None:
        """All of it, or parts; of what one has heard the reactions to, and others were reacted to
        since, or not."""
        host = self._in_charge()
        if tab is host or not isinstance(host, ClickingTab):
            return
        self.come_back(tab)
        self.say(tab, 2)
        self.hear(tab)
        self._listen(host, partial(host.hear_until, tab.cursor or ""))
        lost, kept = (message["id"] for message in tab.view[-2:])
        for id in (lost, kept):
            host.react(id, "like", next(self.requests), on=True)
        self._listen(host, host.hear_until_acked)
        tab._send(type="ping")
        self._listen(tab, partial(tab.hear_notice, "pong"))
        for step in STEPS:
            if step in away and tab.socket:
                self.drop(tab, how)
            elif step not in away:
                self.come_back(tab)
                self._listen(tab, tab.hear_until_live)
            if step == "react":
                host.react(kept, "wow", next(self.requests), on=True)
                self._listen(host, host.hear_until_acked)
            elif not clears:
                self._ask_host(step, [lost])
            elif step == "remove":
                at = host.act("clear", upto=lost).get("at")
                self.removed |= {message["id"] for message in self._stored() if message["removed"]}
            elif at:
                assert host.act("restore", at=at)["type"] == "done"
        self.come_back(tab)

    def _check(self, history: list[dict[str, str]]) -> None:
        self.removed |= {message["id"] for message in history if message["removed"]}
        for tab in self.tabs:
            tab.check(history)
        numbers = [seq(message["id"]) for message in history]
        assert numbers == list(range(1, len(history) + 1))
        assert len(history) == sum(len(tab.said) for tab in self.tabs), "lost, or stored twice"
        for tab in self.tabs:
            if isinstance(tab, ClickingTab):
                wait_for(partial(self._has_what_is_stored, tab), "all have the same reactions")
                self._check_own(tab)

    def _has_what_is_stored(self, tab: ClickingTab) -> bool:
        """Once it has heard what was asked for: the reader answers in order. What was restored just
        now is told a quarter of a second later."""
        status, _, body = self.server.get(f"/api/rooms/{self.room}/messages?limit=1000")
        assert status == 200
        tab._send(type="ping")
        self._listen(tab, partial(tab.hear_notice, "pong"))
        ids = {message["id"] for message in tab.view}
        stored = {
            message["id"]: message["reactions"]["counts"]
            for message in json.loads(body)["messages"]
            if message.get("reactions", {}).get("counts") and message["id"] in ids
        }
        return tab.counts() == stored

    def _check_own(self, tab: ClickingTab) -> None:
        """What somebody with one tab wanted last is so."""
        if sum(other.user_id == tab.user_id for other in self.tabs) > 1 or not tab.view:
            return
        tab._send(type="reactions", **{"from": min((m["id"] for m in tab.view), key=seq)})
        tab.states = {}
        tab._send(type="ping")
        self._listen(tab, partial(tab.hear_notice, "pong"))
        mine = {(id, kind) for id, it in tab.states.items() for kind in it.get("mine", ())}
        ids = {message["id"] for message in tab.view} - self.removed
        assert {it for it in mine if it[0] in ids} == {
            it for it, on in tab.wanted.items() if on and it[0] in ids
        }
