"""Reactions as Server-Sent Events: as a state, and the same picture for whoever comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from chatroom.engine import Engine
from chatroom.message import Draft, Message, MessageId
from chatroom.reactions import MOST_TOLD, Click, Person
from chatroom.rooms import reactions
from chatroom.rooms.subscriber import Heard, HeardReactions
from chatroom.web.api.listener import BACKLOG, Listener
from tests.support.authors import ANN, as_user, at, remove, said
from tests.support.deadline import DEADLINE
from tests.support.event_streams import SentEvent, Stream, listen

SETTINGS = {"replay_limit": 5, "max_users": 2, "allowed_origins": ("https://friend.example",)}
"""Of the ``app``: see conftest.py."""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rooms are told as often as somebody clicks."""
    monkeypatch.setattr(reactions, "INTERVAL", 0.0)


class StreamView:
    """What a client shows by these events, as docs/api.md tells it to."""

    def __init__(self) -> None:
        self.bodies: dict[str, str] = {}
        self.states: dict[str, dict[str, Any]] = {}
        self.last: str | None = None

    def take(self, event: SentEvent) -> None:
        self.last = event.id or self.last
        if event.name in ("message", "changed"):
            if event.name == "message" and "reactions" in event.data:
                self._note(event.data["id"], event.data["reactions"])
            self.bodies[event.data["id"]] = event.data["body"]
        elif event.name == "removed":
            self.bodies.pop(event.data["id"], None)
            self.states.pop(event.data["id"], None)
        elif event.name == "reactions":
            for state in event.data["messages"]:
                if state["id"] in self.bodies:
                    self._note(state["id"], state)

    def _note(self, id: str, state: dict[str, Any]) -> None:
        if state["mark"] >= self.states.get(id, state)["mark"]:
            self.states[id] = state

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        return {id: state["counts"] for id, state in self.states.items() if state["counts"]}

    def until_live(self, stream: Stream) -> list[str]:
        """The names of the events."""
        events = stream.until("live")
        for event in events:
            self.take(event)
        return [event.name for event in events]

    def hear(self, stream: Stream, count: int = 1) -> list[str]:
        events = [stream.next() for _ in range(count)]
        for event in events:
            self.take(event)
        return [event.name for event in events]


def react(
    client: FlaskClient,
    engine: Engine,
    message: Message,
    kind: str = "like",
    who: str = ANN,
    *,
    on: bool = True,
) -> None:
    ask = client.put if on else client.delete
    reply = ask(f"{at(message)}/reactions/{kind}", headers=as_user(engine, who))
    assert reply.status_code == 204, reply.text


def say(engine: Engine, *bodies: str) -> list[Message]:
    """As of somebody who is in: so that listeners hear it, too."""
    return [
        engine.server.say("lobby", Draft("Ann", body, ""), timeout=DEADLINE).message
        for body in bodies
    ]


def host(engine: Engine) -> dict[str, str]:
    """Whoever runs the server."""
    return {"Authorization": f"Bearer {engine.tokens.write_operator_link()}"}


def test_a_listener_hears_what_there_is_now(client: FlaskClient, engine: Engine) -> None:
    one, two = said(engine, "one", "two")
    with listen(client) as stream:
        stream.until("live")
        react(client, engine, one)
        first = stream.next()
        react(client, engine, one, "wow", "bob-id")
        second = stream.next()
        react(client, engine, one, on=False)
        react(client, engine, one, "wow", "bob-id", on=False)
        third, fourth = stream.next(), stream.next()

    (state,) = first.data["messages"]
    assert (first.name, state["id"], state["counts"]) == ("reactions", one.id, {"like": 1})
    assert state.keys() == {"id", "mark", "counts"}
    assert first.id == f"{two.id};0;{state['mark']}"
    told = [event.data["messages"][0] for event in (first, second, third, fourth)]
    assert [it["counts"] for it in told] == [{"like": 1}, {"like": 1, "wow": 1}, {"wow": 1}, {}]
    assert [it["mark"] for it in told] == sorted({it["mark"] for it in told})


def test_many_clicks_are_one_event_with_what_there_is_then(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactions, "INTERVAL", 0.5)
    one, two = said(engine, "one", "two")
    with listen(client) as stream:
        stream.until("live")
        react(client, engine, one)
        stream.next()
        clicks = [
            Click("lobby", MessageId(it.seq, it.nonce), Person(f"u{n}", ""), "wow", on=True)
            for n in range(20)
            for it in (one, two)
        ]
        engine.server.ask(lambda: engine.history.react(clicks), DEADLINE)
        react(client, engine, two, "done")
        event = stream.next()

    states = {it["id"]: it["counts"] for it in event.data["messages"]}
    assert states == {one.id: {"like": 1, "wow": 20}, two.id: {"wow": 20, "done": 1}}


def test_a_new_listener_gets_past_messages_with_what_people_think_of_them(
    client: FlaskClient, engine: Engine
) -> None:
    one, two = said(engine, "one", "two")
    react(client, engine, one)
    with listen(client) as stream:
        first, second, live = stream.until("live")
        react(client, engine, two)
        heard = stream.next()

    assert first.data == client.get(at(one)).json
    assert first.data["reactions"]["counts"] == {"like": 1}
    assert "reactions" not in second.data
    mark = first.data["reactions"]["mark"]
    assert (first.id, live.id) == (f"{one.id};0;{mark}", f"{two.id};0;{mark}")
    assert heard.data["messages"][0]["counts"] == {"like": 1}


def test_whoever_comes_back_gets_what_has_changed_of_what_they_have(
    client: FlaskClient, engine: Engine
) -> None:
    one, two, three = said(engine, "one", "two", "three")
    react(client, engine, one)
    react(client, engine, three)
    shown = StreamView()
    with listen(client) as stream:
        shown.until_live(stream)
    react(client, engine, one, "wow")
    react(client, engine, two)
    (four,) = said(engine, "four")
    react(client, engine, four)
    react(client, engine, three, on=False)

    with listen(client, last=shown.last) as stream:
        assert shown.until_live(stream) == ["message", "reactions", "live"]
    assert shown.counts == {
        one.id: {"like": 1, "wow": 1},
        two.id: {"like": 1},
        four.id: {"like": 1},
    }
    with listen(client, last=shown.last) as stream:
        assert shown.until_live(stream) == ["live"]


def test_an_id_from_before_anybody_reacted_is_good_to_come_back_with(
    client: FlaskClient, engine: Engine
) -> None:
    one, _two = said(engine, "one", "two")
    shown = StreamView()
    with listen(client) as stream:
        shown.until_live(stream)
    react(client, engine, one)

    with listen(client, f"?since={shown.last}") as stream:
        assert shown.until_live(stream) == ["reactions", "live"]
    assert shown.counts == {one.id: {"like": 1}}
    assert client.get(f"/api/rooms/lobby/events?since={shown.last};x").status_code == 400
    with listen(client, f"?since={shown.last}") as stream:
        assert shown.until_live(stream) == ["live"]


def test_whoever_goes_in_the_middle_of_the_past_misses_nothing(
    client: FlaskClient, engine: Engine
) -> None:
    """Wherever the line breaks."""
    one, *_ = said(engine, "one", "two")
    react(client, engine, one)
    first = StreamView()
    with listen(client) as stream:
        first.until_live(stream)
    start = first.last
    react(client, engine, one, "wow")
    three, four = said(engine, "three", "four")
    react(client, engine, three)
    react(client, engine, four)
    with listen(client, last=start) as stream:
        events = stream.until("live")
    assert [event.name for event in events] == ["message", "message", "reactions", "live"]

    for heard in range(len(events)):
        shown = StreamView()
        shown.bodies, shown.states = dict(first.bodies), dict(first.states)
        shown.last = start
        for event in events[:heard]:
            shown.take(event)
        with listen(client, last=shown.last) as stream:
            shown.until_live(stream)
        assert shown.counts[one.id] == {"like": 1, "wow": 1}, heard
        assert shown.counts[three.id] == shown.counts[four.id] == {"like": 1}, heard


def test_more_than_can_be_told_at_once_come_in_parts_of_which_the_last_has_the_mark(
    client: FlaskClient, engine: Engine
) -> None:
    messages = said(engine, *(f"hi {number}" for number in range(2 * MOST_TOLD + 5)))
    shown = StreamView()
    with listen(client, "?limit=1") as stream:
        shown.until_live(stream)
    before = shown.last
    clicks = [
        Click("lobby", MessageId(it.seq, it.nonce), Person(ANN, ""), "wow", on=True)
        for it in messages
    ]
    engine.server.ask(lambda: engine.history.react(clicks), DEADLINE)
    mark = engine.history.last_mark("lobby")
    with listen(client, last=before) as stream:
        *parts, live = stream.until("live")

    assert [len(part.data["messages"]) for part in parts] == [MOST_TOLD, MOST_TOLD, 5]
    assert live.id == parts[-1].id == f"{before};0;{mark}"
    for number, part in enumerate(parts):
        with listen(client, last=part.id) as stream:
            *others, _ = stream.until("live")
        told = [
            it["id"] for event in (*parts[: number + 1], *others) for it in event.data["messages"]
        ]
        assert set(told) == {message.id for message in messages}
        assert len(told) < len(messages) + len(parts)


def test_what_goes_with_a_removed_message_is_not_told_any_more(
    client: FlaskClient, engine: Engine
) -> None:
    one, two = said(engine, "one", "two")
    shown = StreamView()
    with listen(client) as stream:
        shown.until_live(stream)
        react(client, engine, one)
        shown.hear(stream)
        assert shown.counts == {one.id: {"like": 1}}
        react(client, engine, one, "wow")
        remove(client, engine, one)
        react(client, engine, two)
        names = [shown.hear(stream)[0]]
        while shown.counts != {two.id: {"like": 1}}:
            names += shown.hear(stream)
    assert names.count("removed") == 1


def test_a_message_that_is_removed_while_its_reactions_wait_for_a_slow_reader_shows_none(
    client: FlaskClient, engine: Engine
) -> None:
    """All of it lies before it in one go."""
    one, two = said(engine, "one", "two")
    shown = StreamView()
    with listen(client) as stream:
        shown.until_live(stream)
        react(client, engine, one)
        react(client, engine, two)
        remove(client, engine, one)
        names = shown.hear(stream, 2)

    assert names == ["removed", "reactions"]
    assert shown.counts == {two.id: {"like": 1}}


@pytest.mark.parametrize("is_there", [False, True])
def test_a_message_that_is_restored_comes_back_without_reactions(
    client: FlaskClient, engine: Engine, is_there: bool
) -> None:
    """Also to whoever was away meanwhile, or had not read yet that it was removed."""
    one, two = said(engine, "one", "two")
    react(client, engine, one)
    react(client, engine, two)
    shown = StreamView()
    with listen(client) as stream:
        shown.until_live(stream)
        assert len(shown.counts) == 2
        if is_there:
            react(client, engine, one, "wow")
            assert client.delete(at(one), headers=host(engine)).status_code == 204
            assert client.post(f"{at(one)}/restore", headers=host(engine)).status_code == 200
            react(client, engine, two, "wow")
            while shown.counts.get(two.id) != {"like": 1, "wow": 1}:
                shown.hear(stream)
    if not is_there:
        assert client.delete(at(one), headers=host(engine)).status_code == 204
        assert client.post(f"{at(one)}/restore", headers=host(engine)).status_code == 200
        with listen(client, last=shown.last) as stream:
            assert shown.until_live(stream) == ["changed", "reactions", "live"]

    assert one.id in shown.bodies
    assert list(shown.counts) == [two.id]
    react(client, engine, one, "done")
    with listen(client, last=shown.last) as stream:
        shown.until_live(stream)
    assert shown.counts[one.id] == {"done": 1}


def test_what_there_was_stays_and_is_told_where_a_host_has_turned_reactions_off(
    client: FlaskClient, engine: Engine
) -> None:
    (one,) = said(engine, "one")
    react(client, engine, one)
    act = {"act": "rules", "reactions": False}
    assert client.post("/api/rooms/lobby/host", json=act, headers=host(engine)).status_code == 200
    refused = client.put(f"{at(one)}/reactions/wow", headers=as_user(engine))
    assert json.loads(refused.text)["code"] == "no-reactions"

    shown = StreamView()
    with listen(client) as stream:
        shown.until_live(stream)
    assert shown.counts == {one.id: {"like": 1}}


def test_a_door_that_a_host_shuts_ends_the_stream_before_anything_else_is_told(
    client: FlaskClient, engine: Engine
) -> None:
    said(engine, "one")
    with listen(client) as stream:
        stream.until("live")
        for act in ({"act": "rules", "door": "code", "code": "bcdf-ghjk"}, {"act": "everybodyOut"}):
            reply = client.post("/api/rooms/lobby/host", json=act, headers=host(engine))
            assert reply.status_code == 200, reply.text
        assert stream.next().name == "end"
    refused = client.get("/api/rooms/lobby/events")
    assert json.loads(refused.text)["code"] == "wrong-key"


@pytest.mark.parametrize("rounds", [2, BACKLOG, 3 * BACKLOG])
def test_who_reads_slowly_gets_the_right_counts(
    client: FlaskClient, engine: Engine, rounds: int
) -> None:
    one, *_ = said(engine, "one")
    shown = StreamView()
    with listen(client) as stream:
        shown.until_live(stream)
        react(client, engine, one, "done")
        for number in range(rounds):
            (message,) = say(engine, f"hi {number}")
            react(client, engine, message, who="bob-id")
            react(client, engine, one, who=f"user {number}")
        (end,) = say(engine, "end")
        react(client, engine, end)
        while end.id not in shown.counts or shown.counts.get(one.id, {}).get("like") != rounds:
            shown.hear(stream)

    others = {id: counts for id, counts in shown.counts.items() if id != one.id}
    assert shown.counts[one.id] == {"like": rounds, "done": 1}
    assert list(others.values()) == [{"like": 1}] * (rounds + 1)
    with listen(client, last=shown.last) as stream:
        assert shown.until_live(stream) == ["live"]


def test_what_waits_for_a_listener_says_how_much_of_it_was_dropped() -> None:
    listener = Listener(None)
    for mark in range(20):
        listener.take([HeardReactions(mark, mark + 1, "")])

    heard = listener.heard(0)

    assert [one.mark for one in heard if isinstance(one, HeardReactions)] == list(range(13, 21))
    assert (listener.missed.after, listener.missed.mark) == (0, 12)
    listener.take([Heard(MessageId(1, "0"), "")])
    listener.heard(0)
    assert listener.missed.after is None


def test_reactions_to_erased_people_are_told(client: FlaskClient, engine: Engine) -> None:
    """Also where nobody but listeners are in the room."""
    one, two = said(engine, "one", "two", user_id="bob-id")
    react(client, engine, one)
    react(client, engine, two)
    react(client, engine, two, who="cid")
    shown = StreamView()
    with listen(client) as stream:
        shown.until_live(stream)
        assert client.delete("/api/me", headers=as_user(engine)).status_code == 200
        while shown.counts != {two.id: {"like": 1}}:
            shown.hear(stream)


def test_in_a_room_without_reactions_no_id_has_a_mark(client: FlaskClient, engine: Engine) -> None:
    (one,) = said(engine, "one")
    with listen(client) as stream:
        events = stream.until("live")
    assert [event.id for event in events] == [one.id, one.id]
    assert json.dumps(events[0].data) == json.dumps(client.get(at(one)).json)
