"""A host acts while people speak, edit, lose the line, and the server its life: in the end all see
the same, and nobody ever did what the rules forbade."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, multiple, rule

from tests.support.changing import Changing
from tests.support.resuming import REPLAY
from tests.support.server_process import Running, serving
from tests.support.stories import run_stories
from tests.support.typed_client import RULES, Fields, TypedClient, seq

pytestmark = pytest.mark.takes(seconds=15)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("hosts")
    with serving(folder, history="sqlite:chat.db", replayLimit=REPLAY, keepMessages=0) as running:
        yield running


def test_nobody_does_what_a_host_forbids_and_all_see_the_same(server: Running) -> None:
    run_stories(lambda: Hosted(server), examples=20, steps=40, shrinks=False)
    assert "Traceback" not in server.log() + server.said()


@dataclass
class Forbidden:
    """Something that was forbidden, from after one message to another."""

    user_id: str
    """Of whom; "" of everybody but the host."""
    after: int
    until: int = 1 << 40

    def forbids(self, message: Fields, host: str, approved: set[str]) -> bool:
        if not self.after < seq(message["id"]) <= self.until or message["userId"] == host:
            return False
        if message["id"] in approved:
            return False
        return self.user_id in ("", message["userId"])


class Hosted(Changing):
    """As in ``changing``, and the first who comes is the host. From when on something holds is
    told by the host's own line, on which acts and messages come in their order."""

    def __init__(self, server: Running) -> None:
        super().__init__(server)
        self.room = f"hosts-{self.room}"
        self.bans: list[Forbidden] = []
        self.quiet: dict[str, Forbidden] = {}
        self.rule: Forbidden | None = None
        self.approved: set[str] = set()
        self.refused: set[str] = set()
        self.gone: list[tuple[str, int]] = []
        """Whose messages, or "" for everybody's, were removed up to which one."""
        self.restored: set[str] = set()

    people = Bundle("people")

    @initialize(target=people, lives=st.sampled_from([1, 2]))
    def begin(self, lives: int) -> object:
        super().begin(lives)
        for number in range(3):
            tab = TypedClient(self.server.port, f"Person {number}", self.room)
            self._enter(tab, catch_up=True)
        self._act("rules", speak="everybody", slowSeconds=10)  # who decides nothing is forgotten
        return multiple(*self.tabs)

    @rule(tab=people, ends=st.booleans(), count=st.integers(1, 3))
    def be_quiet(self, tab: TypedClient, ends: bool, count: int) -> None:
        """Whoever is, says something just then."""
        if tab.user_id not in self.quiet:
            self.make_quiet_or_not(tab)
        self.say(tab, count)
        if ends:
            self.make_quiet_or_not(tab)
            self.say(tab, 1)

    @rule(tab=people)
    def make_quiet_or_not(self, tab: TypedClient) -> None:
        if tab.user_id == self.tabs[0].user_id:
            return
        ban = self.quiet.pop(tab.user_id, None)
        self._act("quiet", userId=tab.user_id, seconds=0 if ban else 3600)
        if ban:
            ban.until = self._now()
        else:
            self.quiet[tab.user_id] = self._forbid(tab.user_id)

    @rule(speak=st.sampled_from(["everybody", "approval", "hosts"]))
    def change_who_may_speak(self, speak: str) -> None:
        self._act("rules", speak=speak)
        if self.rule:
            self.rule.until = self._now()
        self.rule = None
        if speak != "everybody":
            self.rule = self._forbid("")

    @rule(tab=people, speak=st.sampled_from(["approval", "hosts"]), count=st.integers(1, 3))
    def speak_nevertheless(self, tab: TypedClient, speak: str, count: int) -> None:
        self.change_who_may_speak(speak)
        self.say(tab, count)

    @rule(yes=st.booleans(), count=st.integers(1, 3))
    def decide(self, yes: bool, count: int) -> None:
        """Of what waits, about the oldest."""
        for held in self._act("look")["held"][:count]:
            self._act("approve" if yes else "refuse", id=held["id"])
            if yes:
                self.approved.add(self.tabs[0].notices[-1]["what"])  # of the host log
            else:
                self.refused.add(held["id"])

    @rule(data=st.data(), back=st.booleans())
    def remove_what_somebody_said(self, data: st.DataObject, back: bool) -> None:
        """And perhaps bring it back."""
        host = self._in_charge()
        theirs = [m["id"] for m in host.view if m["userId"] != host.user_id]
        for number in data.draw(st.lists(st.integers(0, 999), max_size=2)):
            if theirs:
                id_ = theirs[number % len(theirs)]
                host.remove(id_, next(self.requests))
                if back:
                    host._change(type="restore", cmid=next(self.requests), id=id_)
                    self.restored.add(id_)

    @rule(tab=people, what=st.sampled_from(["nothing", "recent", "all"]), words=st.integers(0, 3))
    def remove_somebody_for_a_moment(self, tab: TypedClient, what: str, words: int) -> None:
        """With what they wrote, and perhaps something is on its way just then."""
        if tab.user_id in ("", self.tabs[0].user_id):
            return
        host = self._in_charge()
        self.say(tab, words)
        self._act("bar", userId=tab.user_id, what=what)
        if what != "nothing":  # all of it is recent, also what waited
            self.gone.append((tab.user_id, self._now()))
            ends = [it for it in host.notices if it["type"] == "settled"]
            self.refused |= {it["id"] for it in ends if it["outcome"] == "refused"}
        for one in self.tabs:
            if one.user_id != tab.user_id:
                continue
            for ghost in self.hanging[one]:
                with ghost:
                    assert ghost.closed_with() == (4503, "removed by a host")
            self.hanging[one].clear()
            if one.socket:
                one.hear_the_end()
                one.errors = [error for error in one.errors if error["code"] != "removed"]
        self._act("bar", userId=tab.user_id, seconds=0)

    @rule(then=st.sampled_from(["", "erase", "restore"]), data=st.data(), words=st.integers(0, 3))
    def clear(self, then: str, data: st.DataObject, words: int) -> None:
        """All, or up to some message; perhaps for good, perhaps by mistake."""
        host = self._in_charge()
        ids = [message["id"] for message in host.view]
        number = data.draw(st.none() | st.integers(0, 999))
        self.say(self.tabs[-1], words)
        upto = ids[number % len(ids)] if ids and number is not None else None
        at = self._act("clear", upto=upto).get("at")
        if then == "restore" and at:
            self._act("restore", at=at)
            return
        self.gone.append(("", seq(upto) if upto else self._now()))
        if then == "erase":
            self._act("erase")

    def may_speak(self, tab: TypedClient) -> bool:
        return tab.user_id == self.tabs[0].user_id or not (self.rule or self.quiet)

    def _in_charge(self) -> TypedClient:
        """The host, who has heard all that was said before they came."""
        host = self.tabs[0]
        self.come_back(host)
        self._listen(host, host.hear_until_live)
        return host

    def _act(self, word: str, **fields: object) -> Fields:
        done = self._in_charge().act(word, **fields)
        assert done["type"] == "done", done
        return done

    def _now(self) -> int:
        return seq(self.tabs[0].cursor or "0-0")

    def _forbid(self, user_id: str) -> Forbidden:
        ban = Forbidden(user_id, self._now())
        self.bans.append(ban)
        return ban

    # -- the end -------------------------------------------------------------------------------

    def _see_that_all_agree(self) -> None:
        for tab in self.tabs:
            self.come_back(tab)
            self._listen(tab, tab.hear_until_acked)
        self.change_who_may_speak("everybody")
        for tab in self.tabs:
            assert set(tab.refused.values()) <= {"gone", "not-yours", *RULES}
        super(Changing, self)._see_that_all_agree()

    def _check(self, history: list[Fields]) -> None:
        host = self.tabs[0].user_id
        for tab in self.tabs:
            tab.check(history)
        numbers = [seq(message["id"]) for message in history]
        assert numbers == list(range(1, numbers[-1] + 1))
        for message in history:
            for ban in self.bans:
                assert not ban.forbids(message, host, self.approved), (message, ban)
            for user_id, upto in self.gone:
                is_about_it = user_id in ("", message["userId"]) and seq(message["id"]) <= upto
                if is_about_it and message["id"] not in self.restored:
                    assert message["removed"], message
        stored = {(message["userId"], message["cmid"]) for message in history}
        waiting = {held["id"] for held in self._act("look")["held"]}
        assert len(stored) == len(history), "stored twice"
        for tab in self.tabs:
            for cmid in tab.said:
                self._see_that_it_has_one_fate(tab, cmid, stored, waiting)

    def _see_that_it_has_one_fate(
        self, tab: TypedClient, cmid: str, stored: set[tuple[str, str]], waiting: set[str]
    ) -> None:
        """Each that was said is stored, refused, or still waits, and its author knows which."""
        is_stored = (tab.user_id, cmid) in stored
        waits = tab.waiting.get(cmid, "") in waiting
        is_refused = cmid in tab.refused or tab.waiting.get(cmid) in self.refused
        is_refused |= tab.settled.get(cmid) == "refused"
        assert [is_stored, waits, is_refused].count(True) == 1, (cmid, tab.refused, tab.waiting)
