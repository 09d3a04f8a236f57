"""Reactions where two processes share a database: made at one, they are told at both, with the same
marks, and nothing of them is lost when a process dies."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from chatroom.reactions import KINDS
from tests.support import postgresql
from tests.support.deadline import DEADLINE, wait_for
from tests.support.fellow import Fellow
from tests.support.server_process import Launch, Running, serving
from tests.support.terminal import Shell
from tests.support.typed_client import Fields

pytestmark = pytest.mark.takes(seconds=40)

Come = Callable[..., Fellow]

A_SECOND = 4
"""Frames with reactions that a room gets, at most."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Running]]:
    """Two servers for all tests that leave them alone, each in a room of its own."""
    url = postgresql.shared().make_database()
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                serving(tmp_path_factory.mktemp("server"), history=url, leaveGrace=0)
            )
            for _ in range(2)
        ]


@pytest.fixture
def own_pair(prepare: Launch) -> list[Running]:
    """Two servers of the test's own, with which it may do whatever it wants."""
    url = postgresql.shared().make_database()
    settings = {"history": url, "leaveGrace": 0, "messagesPerSecond": 0}
    return [prepare(**settings).start() for _ in range(2)]


@pytest.fixture
def servers(request: pytest.FixtureRequest) -> list[Running]:
    own = "own_pair" in request.fixturenames
    servers: list[Running] = request.getfixturevalue("own_pair" if own else "pair")
    return servers


@pytest.fixture
def come(servers: list[Running], room: str) -> Iterator[Come]:
    """Let somebody come, to the first server or to the second."""
    with ExitStack() as stack:

        def one(name: str, at: int, token: str | None = None) -> Fellow:
            fellow = Fellow(servers[at].port, name, room, token)
            stack.callback(fellow.close)
            fellow.connect_and_catch_up()
            return fellow

        yield one


def hear_state(who: Fellow, wanted: dict[str, int]) -> Fields:
    """Of the one message, as soon as these are its counts."""
    while True:
        (state,) = who.hear_notice("reactions")["messages"]
        if state["counts"] == wanted:
            return dict(state)


def counted(servers: list[Running], room: str, id: str) -> list[dict[str, int]]:
    """As scripts read it, at each of them."""
    found = []
    for server in servers:
        status, _, body = server.get(f"/api/rooms/{room}/messages/{id}")
        assert status == 200
        found.append(json.loads(body).get("reactions", {}).get("counts", {}))
    return found


def status_of(server: Running, path: str, who: Fellow, method: str) -> int:
    headers = {"Authorization": f"Bearer {who.token}"}
    asked = urllib.request.Request(
        f"http://127.0.0.1:{server.port}{path}", headers=headers, method=method
    )
    with urllib.request.urlopen(asked, timeout=DEADLINE) as answer:
        return int(answer.status)


def test_what_is_made_at_one_is_told_at_both_with_the_same_marks(
    servers: list[Running], come: Come, room: str
) -> None:
    ann, bob = come("Ann", 0), come("Bob", 1)
    id = ann.tell("Tea?")
    bob.hear_until(id)

    ann.react(id, "like")
    like = hear_state(bob, {"like": 1})
    bob.react(id, "done")
    both = hear_state(ann, {"like": 1, "done": 1})
    carl = come("Carl", 0)
    carl._send(type="reactions", people=True)
    found = hear_state(carl, {"like": 1, "done": 1})

    assert like["people"] == {"like": [{"userId": ann.user_id, "userName": "Ann"}]}
    assert both["mark"] == found["mark"] == carl.welcome["reactions"] > like["mark"]
    assert both["people"] == found["people"]
    assert counted(servers, room, id) == [{"like": 1, "done": 1}] * 2


def test_a_script_at_one_reacts_and_takes_it_back_where_nobody_is(
    servers: list[Running], come: Come, room: str
) -> None:
    ann = come("Ann", 0)
    id = ann.tell("Tea?")
    path = f"/api/rooms/{room}/messages/{id}/reactions/love"

    assert status_of(servers[1], path, ann, "PUT") == 204
    hear_state(ann, {"love": 1})
    assert status_of(servers[1], path, ann, "DELETE") == 204
    hear_state(ann, {})
    assert counted(servers, room, id) == [{}] * 2


class StreamReader:
    """Somebody who reads the events of a room over HTTP."""

    def __init__(self, server: Running, room: str, last: str = "") -> None:
        headers = {"Last-Event-ID": last} if last else {}
        address = f"http://127.0.0.1:{server.port}/api/rooms/{room}/events"
        asked = urllib.request.Request(address, headers=headers)
        self.stream = urllib.request.urlopen(asked, timeout=DEADLINE)
        self.last = last

    def until(self, name: str) -> Fields:
        """The data of the next event of this name."""
        event = ""
        for line in map(bytes.decode, self.stream):
            field, _, value = line.rstrip("\n").partition(": ")
            if field == "id":
                self.last = value
            elif field == "event":
                event = value
            elif field == "data" and event == name:
                return dict(json.loads(value))
            elif not field:
                event = ""
        raise AssertionError("the stream has ended")


def test_a_stream_at_one_hears_what_is_made_at_the_other_and_resumes_at_either(
    servers: list[Running], come: Come, room: str
) -> None:
    ann = come("Ann", 0)
    id = ann.tell("Tea?")
    there = StreamReader(servers[1], room)
    with there.stream:
        there.until("live")
        ann.react(id, "like")
        (state,) = there.until("reactions")["messages"]
    assert (state["id"], state["counts"]) == (id, {"like": 1})
    assert there.last == f"{id};0;{state['mark']}"

    ann.react(id, "wow")
    here = StreamReader(servers[0], room, there.last)
    with here.stream:
        (state,) = here.until("reactions")["messages"]
        here.until("live")
    assert state["counts"] == {"like": 1, "wow": 1}


def test_what_is_removed_at_one_has_no_reactions_at_the_other(
    servers: list[Running], come: Come, room: str
) -> None:
    ann, bob = come("Ann", 0), come("Bob", 1)
    id = ann.tell("Tea?")
    bob.hear_until(id)
    bob.react(id, "like")

    ann.change("remove", id)
    bob.hear_of_change()
    bob._send(type="react", cmid="late", id=id, kind="wow")

    assert bob.hear_notice("error")["code"] == "gone"
    bob._send(type="reactions")
    assert [it["counts"] for it in bob.hear_notice("reactions")["messages"]] == [{}]


def test_a_rule_of_one_holds_at_the_other(own_pair: list[Running], come: Come) -> None:
    ann, bob = come("Ann", 0), come("Bob", 1)
    id = ann.tell("Tea?")
    bob.hear_until(id)

    ann.wants("rules", reactions=False)
    while bob.hear_notice("rules").get("reactions") is not False:
        pass
    bob._send(type="react", cmid="r", id=id, kind="wow")

    assert bob.hear_notice("error")["code"] == "no-reactions"


def test_what_belongs_to_a_person_has_their_reactions_and_takes_them_along(
    servers: list[Running], come: Come, room: str
) -> None:
    ann, bob = come("Ann", 0), come("Bob", 1)
    id = ann.tell("Tea?")
    bob.hear_until(id)
    bob.react(id, "like")
    ann.react(id, "like")
    bearer = {"Authorization": f"Bearer {bob.token}"}

    _, _, body = servers[0].get("/api/me", bearer)
    assert json.loads(body)["reactions"] == [{"room": room, "id": id, "kind": "like"}]
    assert servers[0].get("/api/me", bearer, "DELETE")[0] == 200

    hear_state(ann, {"like": 1})
    assert counted(servers, room, id) == [{"like": 1}] * 2


def test_what_was_answered_outlives_the_process_that_has_answered(
    own_pair: list[Running], come: Come, room: str
) -> None:
    ann, bob = come("Ann", 0), come("Bob", 1)
    id = ann.tell("Tea?")
    bob.hear_until(id)

    ann.react(id, "wow")
    own_pair[0].kill()

    hear_state(bob, {"wow": 1})
    bob.react(id, "wow")
    assert counted(own_pair[1:], room, id) == [{"wow": 2}]
    again = come("Ann", 1, ann.token)
    again._send(type="reactions")
    assert hear_state(again, {"wow": 2})["mine"] == ["wow"]
    own_pair[0].start()
    assert counted(own_pair, room, id) == [{"wow": 2}] * 2


class Clicker(threading.Thread):
    """Clicks as fast as it is answered, also while processes die: then it comes to another one, and
    sends again what was not answered.

    Args:
        is_over: it ends with what it does just then.
    """

    def __init__(
        self, number: int, servers: list[Running], room: str, id: str, is_over: threading.Event
    ) -> None:
        super().__init__()
        self.fellow = Fellow(servers[number % 2].port, f"Clicker {number}", room)
        self.fellow.connect_and_catch_up()
        self.has: dict[str, bool] = {}
        self.answered = 0
        self.failure: BaseException | None = None
        self._servers = servers
        self._id = id
        self._is_over = is_over
        self._turn = number

    def run(self) -> None:
        try:
            while not self._is_over.is_set():
                self._turn += 1
                kind, on = KINDS[self._turn % 3], self._turn % 4 > 0
                self._click(kind, on)
                self.has[kind] = on
        except BaseException as failure:
            self.failure = failure
        finally:
            self.fellow.close()

    def _click(self, kind: str, on: bool) -> None:
        while True:
            cmid = f"{kind} {self._turn}"
            try:
                fields = {"type": "react", "cmid": cmid, "id": self._id, "kind": kind, "on": on}
                self.fellow._send(**fields)
                while (frame := self.fellow.hear()).get("cmid") != cmid:
                    pass
            except (OSError, EOFError):
                self.fellow.close()
                self.fellow.port = self._servers[(self._turn + self.answered) % 2].port
                self.fellow.come_in()
                continue
            if frame["type"] == "done":
                self.answered += 1
                return
            assert frame["code"] == "not-stored", frame


def test_many_who_click_at_both_are_counted_right_and_told_of_at_most_so_often(
    own_pair: list[Running], come: Come, room: str
) -> None:
    ann, bob = come("Ann", 0), come("Bob", 1)
    id = ann.tell("Tea?")
    bob.hear_until(id)
    clicked(own_pair, room, id, [ann, bob], lambda people: sum(it.answered for it in people) > 100)


def test_they_are_counted_right_while_processes_are_killed(
    own_pair: list[Running], come: Come, room: str
) -> None:
    ann = come("Ann", 0)
    id = ann.tell("Tea?")
    ann.close()
    kills = iter([0, 1, 0, 1])

    def is_enough(people: list[Clicker]) -> bool:
        victim = next(kills, None)
        if victim is None:
            return True
        own_pair[victim].kill()
        own_pair[victim].start()
        before = [it.answered for it in people]
        wait_for(
            lambda: all(
                it.failure or it.answered > n for it, n in zip(people, before, strict=True)
            ),
            "everybody goes on",
        )
        return any(it.failure for it in people)

    clicked(own_pair, room, id, [], is_enough)


def clicked(
    servers: list[Running],
    room: str,
    id: str,
    observers: list[Fellow],
    is_enough: Callable[[list[Clicker]], bool],
) -> None:
    """Some people click, until that is enough; then the counts are looked at."""
    is_over = threading.Event()
    people = [Clicker(number, servers, room, id, is_over) for number in range(6)]
    began = time.monotonic()
    for one in people:
        one.start()
    wait_for(lambda: is_enough(people) or any(it.failure for it in people), "enough clicks")
    is_over.set()
    for one in people:
        one.join(DEADLINE)
        assert not one.is_alive()
        if one.failure:
            raise one.failure
    seconds = time.monotonic() - began

    wanted = {kind: n for kind in KINDS if (n := sum(it.has.get(kind, False) for it in people))}
    assert counted(servers, room, id) == [wanted] * 2
    _, _, body = servers[0].get(f"/api/rooms/{room}/messages/{id}")
    newest = json.loads(body)["reactions"]["mark"]
    for observer in observers:
        marks, state = [0], {}
        while marks[-1] < newest:
            (state,) = observer.hear_notice("reactions")["messages"]
            marks.append(state["mark"])
        assert state["counts"] == wanted
        assert marks == sorted(set(marks))
        assert len(marks) - 1 <= A_SECOND * (seconds + 0.5) + 1


def test_a_history_that_moves_takes_them_along_and_clients_go_on_where_they_were(
    prepare: Launch, room: str
) -> None:
    url = postgresql.shared().make_database()
    server = prepare(history="sqlite:chat.db", leaveGrace=0).start()
    ann = Fellow(server.port, "Ann", room)
    ann.connect_and_catch_up()
    id = ann.tell("Tea?")
    ann.react(id, "like")
    mark = [it for it in ann.notices if it["type"] == "reactions"][-1]["mark"]
    ann.close()
    server.stop()

    moved = Shell(server.folder).run("move", "chat.db", url)
    assert moved.code == 0, moved

    there = prepare(history=url, leaveGrace=0).start()
    ann.port = there.port
    ann.connect_and_catch_up()
    assert ann.welcome["recovered"] is True
    assert ann.welcome["reactions"] == mark
    ann._send(type="reactions")
    assert hear_state(ann, {"like": 1})["mine"] == ["like"]
    ann.close()
