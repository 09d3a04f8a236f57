"""People react while lines are cut and the server is killed: in the end all have the same."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, multiple, rule

from chatroom.reactions import KINDS
from tests.support.changing import some
from tests.support.resuming import Resuming
from tests.support.server_process import Running, serving
from tests.support.stories import run_stories
from tests.support.typed_client import Fields, TypedClient, seq

pytestmark = pytest.mark.takes(seconds=15)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("reactions")
    with serving(folder, history="sqlite:chat.db", keepMessages=0) as running:
        yield running


def test_whatever_befalls_them_all_have_the_same_reactions(server: Running) -> None:
    run_stories(lambda: Clicking(server), examples=15, steps=30, shrinks=False)
    assert "Traceback" not in server.log() + server.said()


class ClickingTab(TypedClient):
    """As the documentation says: of two states of a message it keeps the one with the higher mark,
    and asks for what it has missed once it is live."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.mark = 0
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
                self.mark = max(self.mark, frame["mark"])
            case "welcome":
                newest = frame.get("reactions", 0)
                if not frame.get("recovered") or self.mark > newest:
                    self.mark = 0
                    self.states = {}
            case "live" if self.mark != self.welcome.get("reactions", 0):
                self._send(type="reactions", since=self.mark)

    def counts(self) -> dict[str, dict[str, int]]:
        """Of each message that it has, if there are any."""
        ids = {message["id"] for message in self.view}
        return {id: it["counts"] for id, it in self.states.items() if it["counts"] and id in ids}


class Clicking(Resuming):
    """As in ``resuming``, and everybody reacts."""

    def __init__(self, server: Running) -> None:
        super().__init__(server)
        self.room = f"reactions-{self.room}"
        self.requests = map("r{}".format, itertools.count())

    people = Bundle("people")

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

    def _check(self, history: list[dict[str, str]]) -> None:
        super()._check(history)
        status, _, body = self.server.get(f"/api/rooms/{self.room}/messages?limit=1000")
        assert status == 200
        stored = {
            message["id"]: message["reactions"]["counts"]
            for message in json.loads(body)["messages"]
            if "reactions" in message
        }
        for tab in self.tabs:
            if not isinstance(tab, ClickingTab):
                continue
            tab._send(
                type="ping"
            )  # the reader answers in order: so all that it has asked for is here
            self._listen(tab, partial(tab.hear_notice, "pong"))
            ids = {message["id"] for message in tab.view}
            assert tab.counts() == {id: it for id, it in stored.items() if id in ids}
            self._check_own(tab)

    def _check_own(self, tab: ClickingTab) -> None:
        """What somebody with one tab wanted last is so."""
        if sum(other.user_id == tab.user_id for other in self.tabs) > 1 or not tab.view:
            return
        tab._send(type="reactions", **{"from": min((m["id"] for m in tab.view), key=seq)})
        tab.states = {}
        tab._send(type="ping")
        self._listen(tab, partial(tab.hear_notice, "pong"))
        mine = {(id, kind) for id, it in tab.states.items() for kind in it["mine"]}
        ids = {message["id"] for message in tab.view}
        assert {it for it in mine if it[0] in ids} == {
            it for it, on in tab.wanted.items() if on and it[0] in ids
        }
