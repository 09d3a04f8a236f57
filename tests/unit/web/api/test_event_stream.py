"""A room as Server-Sent Events: everything once, in order, or told plainly that there is a gap."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from chatroom.engine import Engine
from chatroom.message import Draft, Message, MessageId
from chatroom.rooms.subscriber import Heard
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.users.proof import Proof
from chatroom.users.requests import Said
from chatroom.web import api as routes
from chatroom.web.api import event_cursor
from chatroom.web.api import event_stream as module
from chatroom.web.api.listener import BACKLOG, Listener
from chatroom.wire.typed import Edit, Remove
from tests.support.deadline import DEADLINE, wait_for
from tests.support.event_streams import SentEvent, Stream, listen
from tests.support.flask_client import fail

pytestmark = pytest.mark.takes(seconds=2)

GONE = "2-00000000000000ff"


SETTINGS = {"replay_limit": 5, "max_users": 2}
"""Of the ``app``: see conftest.py."""


def say(engine: Engine, *bodies: str) -> list[Message]:
    return [
        engine.server.say("lobby", Draft("Ann", body, "10:42 AM"), timeout=DEADLINE).message
        for body in bodies
    ]


def say_many(engine: Engine, count: int, first: int = 1) -> list[Message]:
    return say(engine, *(f"hi {number}" for number in range(first, first + count)))


def past(stream: Stream) -> tuple[list[str], SentEvent]:
    """What was said before, and the event that ends it."""
    *before, live = stream.until("live")
    return [event.data["body"] for event in before], live


# -- from the past into the present ------------------------------------------------------------


def test_a_new_listener_gets_the_last_messages_and_then_what_is_said(
    client: FlaskClient, engine: Engine
):
    messages = say_many(engine, 7)
    with listen(client) as stream:
        said, live = past(stream)
        assert said == ["hi 3", "hi 4", "hi 5", "hi 6", "hi 7"]
        assert live == SentEvent("live", {"last": messages[-1].id}, messages[-1].id)
        assert 1000 <= stream.retry <= 5000

        say(engine, "one", "two\nlines \u2028 \u00e4")
        assert stream.hear(2) == ["one", "two\nlines \u2028 \u00e4"]


def test_the_message_is_the_same_as_everywhere(client: FlaskClient, engine: Engine):
    message = say(engine, "hi")[0]
    with listen(client) as stream:
        replayed = stream.next().data
        again = say(engine, "hi")[0]
        live = stream.until("message")[-1].data
    for data, id in ((replayed, message.id), (live, again.id)):
        assert data == client.get(f"/api/rooms/lobby/messages/{id}").json


def test_who_comes_back_gets_what_it_missed_and_nothing_twice(client: FlaskClient, engine: Engine):
    """However much it is: the limit is for those who are new."""
    messages = say_many(engine, 3)
    say_many(engine, 30, first=4)
    for query, last in (
        (f"?since={messages[2].id}", None),
        ("", messages[2].id),
        ("?since=0-0", messages[2].id),  # as a browser does it: same address, and the header
    ):
        with listen(client, query, last) as stream:
            said, live = past(stream)
            assert said == [f"hi {number}" for number in range(4, 34)]
            assert live.data["recovered"] is True


def test_the_last_id_that_was_heard_live_is_good_to_come_back_with(
    client: FlaskClient, engine: Engine
):
    with listen(client) as stream:
        past(stream)
        say_many(engine, 3)
        stream.hear(2)
        last = stream.next().id
    say_many(engine, 2, first=4)

    with listen(client, last=last) as stream:
        assert past(stream)[0] == ["hi 4", "hi 5"]


def test_a_listener_who_has_heard_nothing_yet_can_come_back_too(
    client: FlaskClient, engine: Engine
):
    """The event that ends the past has an id, in an empty room as well."""
    with listen(client) as stream:
        assert past(stream) == ([], SentEvent("live", {"last": "0-0"}, "0-0"))
    say_many(engine, 7)
    with listen(client, last="0-0") as stream:
        said, live = past(stream)
        assert said == [f"hi {number}" for number in range(1, 8)]
        assert live.data["recovered"] is True


@pytest.mark.parametrize(("limit", "heard"), [(0, 0), (2, 2), (5, 5), (1000, 7)])
def test_a_new_listener_can_say_how_much_of_the_past_it_wants(
    client: FlaskClient, engine: Engine, limit: int, heard: int
):
    messages = say_many(engine, 7)
    with listen(client, f"?limit={limit}") as stream:
        said, live = past(stream)
        assert said == [f"hi {number}" for number in range(8 - heard, 8)]
        assert live.id == messages[-1].id


@pytest.mark.parametrize("last", [GONE, "2-0", "99-0000000000000001", "rubbish", "-1-f", "\u0661"])
def test_who_cannot_resume_is_told_so_before_anything_else(
    client: FlaskClient, engine: Engine, last: str
):
    say_many(engine, 7)
    with listen(client, last=last) as stream:
        gap = stream.next()
        assert (gap.name, gap.data["since"], gap.id) == ("gap", last, None)
        assert "Start afresh" in gap.data["detail"]
        said, live = past(stream)
        assert said == ["hi 3", "hi 4", "hi 5", "hi 6", "hi 7"]
        assert live.data["recovered"] is False


def test_the_beginning_is_good_only_while_it_is_kept(client: FlaskClient, engine: Engine):
    say_many(engine, 7)
    with listen(client, "?since=0-0") as stream:
        assert len(past(stream)[0]) == 7

    trim(engine, 4)
    with listen(client, "?since=0-0") as stream:
        assert stream.next().name == "gap"
        said, live = past(stream)
        assert said == ["hi 4", "hi 5", "hi 6", "hi 7"]
        assert live.data["recovered"] is False


def trim(engine: Engine, keep: int) -> None:
    """Forget all but the newest messages; on the Server thread, which owns the history."""
    engine.server.ask(lambda: engine.history.trim("lobby", keep, 0, 1000), DEADLINE)


def test_what_is_trimmed_while_a_stream_begins_was_heard(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    """The stream subscribes first; all behind that is its own, even if nobody keeps it."""
    say_many(engine, 5)

    def start_late(*arguments: Any) -> event_cursor.Start:
        say_many(engine, 2, first=6)
        trim(engine, 1)
        return start(*arguments)

    start = event_cursor.start
    monkeypatch.setattr(routes, "start", start_late)
    with listen(client) as stream:
        stream.until("live")

        assert stream.hear(2) == ["hi 6", "hi 7"]


def test_who_comes_back_to_a_room_that_is_trimmed_just_then_has_not_recovered(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    first, *_ = say_many(engine, 5)

    def start_and_be_trimmed(*arguments: Any) -> event_cursor.Start:
        begin = start(*arguments)
        trim(engine, 1)
        return begin

    start = event_cursor.start
    monkeypatch.setattr(routes, "start", start_and_be_trimmed)
    with listen(client, f"?since={first.id}") as stream:
        *before, live = stream.until("live")

        assert [event.name for event in before] == ["gap", "message"]
        assert live.data["recovered"] is False


@pytest.mark.parametrize("query", ["?since=x", "?since=", "?limit=-1", "?limit=x", "?limit=1001"])
def test_a_query_that_cannot_be_is_refused(client: FlaskClient, engine: Engine, query: str):
    reply = client.get(f"/api/rooms/lobby/events{query}")

    assert (reply.status_code, reply.mimetype) == (400, "application/problem+json")
    assert len(engine.gate) == 0


def test_a_listener_hears_its_own_room_only(client: FlaskClient, engine: Engine):
    with listen(client) as stream:
        past(stream)
        engine.server.say("kitchen", Draft("Ann", "elsewhere", ""), timeout=DEADLINE)
        say(engine, "here")
        assert stream.hear(1) == ["here"]


# -- slower than the room ----------------------------------------------------------------------


def test_who_reads_slowly_misses_nothing(client: FlaskClient, engine: Engine):
    """What it does not take in time it gets from the history, in its turn."""
    with listen(client) as stream:
        past(stream)
        for round in range(3):
            say_many(engine, 10 * BACKLOG, first=round * 10 * BACKLOG)
            heard = stream.hear(10 * BACKLOG)
            assert heard == [f"hi {round * 10 * BACKLOG + number}" for number in range(len(heard))]


def test_what_waits_for_a_listener_is_bounded():
    listener = Listener(None)
    said = [Heard(MessageId(number, "0"), str(number)) for number in range(1000)]
    for one in said:
        listener.take([one])

    assert listener.heard(0) == said[-BACKLOG:]
    assert listener.heard(0) == []


def test_a_gap_that_appears_while_somebody_reads_slowly_is_told(
    client: FlaskClient, engine: Engine
):
    with listen(client) as stream:
        past(stream)
        say_many(engine, 50)
        trim(engine, 20)

        *before, gap = stream.until("gap")
        assert before == []
        assert "no longer kept" in gap.data["detail"]
        assert stream.hear(20) == [f"hi {number}" for number in range(31, 51)]


def test_a_history_that_fails_ends_the_stream_in_words(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    say_many(engine, 3)
    with listen(client) as stream:
        monkeypatch.setattr(engine.history, "pages", fail)
        (end,) = stream.until("end")
        assert "disk I/O error" in end.data["reason"]
        with pytest.raises(StopIteration):
            stream.next()


def test_a_silent_room_is_heard_of_all_the_same(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    """By a comment, which fails where the client is gone."""
    monkeypatch.setattr(module, "PING_INTERVAL", 0.001)
    with listen(client) as stream:
        past(stream)
        for _ in range(3):
            assert next(stream._chunks).startswith(b":")


# -- what changes ------------------------------------------------------------------------------


def typed(engine: Engine, *bodies: str) -> list[Message]:
    """What Ann has said, who can change it."""
    seq, _ = engine.history.head("lobby")
    now = time.time_ns() // 1_000_000
    messages = [
        Message("lobby", seq + n, f"{seq + n:016x}", "Ann", body, "", now, "ann-id")
        for n, body in enumerate(bodies, 1)
    ]
    engine.server.ask(lambda: engine.history.append(messages), DEADLINE)
    return messages


def edit(engine: Engine, message: Message, *bodies: str) -> None:
    for body in bodies:
        request = Edit("", MessageId(message.seq, message.nonce), body)
        engine.server.change("lobby", request, by=Proof(user_id="ann-id"), timeout=DEADLINE)


def remove(engine: Engine, message: Message) -> None:
    request = Remove("", MessageId(message.seq, message.nonce))
    engine.server.change("lobby", request, by=Proof(user_id="ann-id"), timeout=DEADLINE)


def told(events: list[SentEvent]) -> list[tuple[str, str]]:
    """Their names, and what the messages say or, of those that are removed, which they are."""
    return [(event.name, event.data.get("body") or event.data.get("id")) for event in events]


def test_a_listener_hears_of_changes(client: FlaskClient, engine: Engine):
    one, two, three = typed(engine, "one", "two", "three")
    with listen(client) as stream:
        past(stream)
        edit(engine, one, "1")
        changed = stream.next()
        remove(engine, two)
        removed = stream.next()
        after = say(engine, "four")[0]
        heard = stream.next()

    assert changed == SentEvent("changed", get(client, one), f"{three.id};1")
    assert (changed.data["body"], "editedAt" in changed.data) == ("1", True)
    assert removed == SentEvent("removed", {"id": two.id, "by": "author"}, f"{three.id};2")
    assert (heard.name, heard.id) == ("message", f"{after.id};2")


def get(client: FlaskClient, message: Message) -> Any:
    return client.get(f"/api/rooms/lobby/messages/{message.id}").json


def test_a_new_listener_gets_the_past_as_it_is_now(client: FlaskClient, engine: Engine):
    one, two, three = typed(engine, "one", "two", "three")
    edit(engine, one, "1")
    remove(engine, two)
    remove(engine, three)
    with listen(client) as stream:
        *before, live = stream.until("live")
        assert told(before) == [("message", "1")]
        assert before[0].id == f"{one.id};3"
        assert live == SentEvent("live", {"last": three.id}, f"{three.id};3")
        say(engine, "four")
        assert told([stream.next()]) == [("message", "four")]


@pytest.mark.parametrize("header", [False, True])
def test_who_comes_back_gets_each_change_once_in_its_newest_state(
    client: FlaskClient, engine: Engine, header: bool
):
    """But not those of messages that it gets anyhow."""
    one, two, *_ = typed(engine, "one", "two", "three", "four")
    edit(engine, one, "I")
    with listen(client) as stream:
        last = stream.until("live")[-1].id
    assert last
    edit(engine, one, "i", "1")
    edit(engine, two, "2")
    remove(engine, two)
    five, six = typed(engine, "five", "six")
    edit(engine, five, "5")
    remove(engine, six)

    with listen(client, "" if header else f"?since={last}", last if header else None) as stream:
        *before, live = stream.until("live")
    assert told(before) == [("message", "5"), ("changed", "1"), ("removed", two.id)]
    assert before[-1].data["by"] == "author"
    assert live.data["recovered"] is True
    assert live.id == f"{six.id};7"
    with listen(client, last=live.id) as stream:
        assert [event.name for event in stream.until("live")] == ["live"]
    for number, missed in (0, [one, two, five]), (1, [two, five, six]):
        with listen(client, last=before[number].id) as stream:
            again = stream.until("live")[:-1]
        assert {event.data["id"] for event in again} == {message.id for message in missed}


def test_an_id_from_before_anything_changed_is_good_to_come_back_with(
    client: FlaskClient, engine: Engine
):
    one, two = typed(engine, "one", "two")
    with listen(client) as stream:
        last = stream.until("live")[-1].id
    assert last == two.id
    edit(engine, one, "1")

    with listen(client, last=last) as stream:
        assert told(stream.until("live")[:-1]) == [("changed", "1")]


@pytest.mark.parametrize("rev", ["", "x", "-1", "\u0661", "1" * 13, "1;x", "1;", "1;2;3"])
def test_a_rev_that_cannot_be_is_an_unknown_id(client: FlaskClient, engine: Engine, rev: str):
    message = typed(engine, "one")[0]
    with listen(client, last=f"{message.id};{rev}") as stream:
        assert stream.next().name == "gap"
    assert client.get(f"/api/rooms/lobby/events?since={message.id};{rev}").status_code == 400


def test_a_rev_that_is_yet_to_come_hides_nothing(client: FlaskClient, engine: Engine):
    """As after a backup is restored."""
    message = typed(engine, "one")[0]
    with listen(client, last=f"{message.id};9") as stream:
        assert stream.until("live")[-1].id == message.id
        edit(engine, message, "1")
        assert told([stream.next()]) == [("changed", "1")]


def test_what_was_removed_before_it_was_sent_is_never_sent(client: FlaskClient, engine: Engine):
    """Nor what was edited: a message goes out as it is by then."""
    with listen(client) as stream:
        past(stream)
        say(engine, "one")
        for body in "secret", "draft":
            join_and_say(engine, body)
        _first, secret, draft = (message for page in pages(engine) for message in page)
        remove(engine, secret)
        edit(engine, draft, "final")
        say(engine, "four")

        events = [stream.next() for _ in range(3)]
        say(engine, "five")
        assert (stream.next().id or "").endswith(";2")
    assert told(events) == [
        ("message", "one"),
        ("message", "final"),
        ("message", "four"),
    ]


def pages(engine: Engine) -> Iterator[list[Message]]:
    return engine.history.pages("lobby", 0, 100)


def join_and_say(engine: Engine, body: str) -> None:
    """Over a speaker that has a user id, as a typed user."""
    speaker = HttpSpeaker("lobby", "Ann", user_id="ann-id")
    engine.server.broadcast.put(Said(speaker, Draft("Ann", body, ""), len(body)))
    speaker.outcome.result(DEADLINE)


@pytest.mark.parametrize("rounds", [BACKLOG - 2, 3 * BACKLOG])
def test_who_reads_slowly_misses_no_change(client: FlaskClient, engine: Engine, rounds: int):
    """Whatever is dropped of what waits, messages or changes: it is read from the history, and
    never as it was."""
    first, second, third, secret = typed(engine, "first", "second", "third", "secret")
    with listen(client) as stream:
        past(stream)
        edit(engine, first, "1st")
        say(engine, "between")
        remove(engine, secret)
        for number in range(rounds):
            edit(engine, second, f"2nd {number}")
        remove(engine, third)
        with stream.reply:
            events = [stream.next() for _ in range(5)]

        assert sorted(told(events)) == [
            ("changed", "1st"),
            ("changed", f"2nd {rounds - 1}"),
            ("message", "between"),
            ("removed", third.id),
            ("removed", secret.id),
        ]
        assert events[-1].id
        assert events[-1].id.endswith(f";{rounds + 3}")


def test_a_change_that_was_dropped_is_noticed_behind_messages_alone(
    client: FlaskClient, engine: Engine
):
    first = typed(engine, "first")[0]
    with listen(client) as stream:
        past(stream)
        edit(engine, first, "1st")
        say_many(engine, 2 * BACKLOG)

        assert stream.hear_bodies(2 * BACKLOG) == [f"hi {n + 1}" for n in range(2 * BACKLOG)]
        assert told([stream.next()]) == [("changed", "1st")]


def test_in_a_room_without_changes_no_id_has_a_rev(client: FlaskClient, engine: Engine):
    """Every byte is what it was before there were any."""
    messages = say_many(engine, 3)
    with client.get("/api/rooms/lobby/events?limit=1", buffered=False) as reply:
        chunks = reply.iter_encoded()
        text = b"".join(next(chunks) for _ in range(3)).decode().partition("\n\n")[2]

    id = messages[-1].id
    json = client.get(f"/api/rooms/lobby/messages/{id}").text.strip()
    live = f'id: {id}\nevent: live\ndata: {{"last": "{id}"}}\n\n'
    assert text == f"id: {id}\ndata: {json}\n\n{live}"


# -- places ------------------------------------------------------------------------------------


def test_each_listener_takes_a_place_until_it_goes(client: FlaskClient, engine: Engine):
    with listen(client), listen(client):
        assert len(engine.gate) == 2
        refused = client.get("/api/rooms/lobby/events")
        assert (refused.status_code, refused.mimetype) == (503, "application/problem+json")
        assert refused.headers["Retry-After"] == "30"
        assert "all 2 places are taken" in refused.text
    assert len(engine.gate) == 0
    assert engine.server.ask(lambda: engine.server._rooms, DEADLINE) == {}


def test_proxies_are_to_pass_events_on_as_they_come(client: FlaskClient):
    """nginx would collect some kilobytes first: in a quiet room, for hours."""
    for method in ("HEAD", "GET"):
        with client.open("/api/rooms/lobby/events", method=method, buffered=False) as reply:
            assert reply.headers["X-Accel-Buffering"] == "no"


def test_head_takes_no_place(client: FlaskClient, engine: Engine):
    reply = client.head("/api/rooms/lobby/events")

    assert (reply.status_code, reply.mimetype) == (200, "text/event-stream")
    assert len(engine.gate) == 0


def test_a_place_is_given_back_when_something_fails(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine.server, "subscribe", lambda *_arguments: 1 / 0)
    assert client.get("/api/rooms/lobby/events").status_code == 500

    assert len(engine.gate) == 0


def test_a_past_that_the_server_breaks_off_does_not_end_with_live(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    """The id of that event would say that the client has all before it, and nothing else ever would
    make it ask for the rest."""
    messages = say_many(engine, 5)
    pages = engine.history.pages
    one_by_one = lambda room, after, _upto: pages(room, after, after + 1)  # noqa: E731
    monkeypatch.setattr(engine.history, "pages", one_by_one)
    with listen(client) as stream:
        heard = stream.hear(2)
        (listener,) = engine.gate._inside
        listener.end(1001, "server shutting down")
        rest = list(stream._events)
        last = [event.id for event in rest if event.id][-1:] or [messages[1].id]

    assert [event.name for event in rest if event.name != "message"] == ["end"]
    with listen(client, last=last[0]) as stream:
        heard += [event.data["body"] for event in rest if event.name == "message"]
        assert heard + past(stream)[0] == ["hi 1", "hi 2", "hi 3", "hi 4", "hi 5"]


def test_when_the_server_stops_the_stream_says_so_and_ends(client: FlaskClient, engine: Engine):
    say_many(engine, 3)
    heard: list[SentEvent] = []

    def read() -> None:
        with listen(client) as stream:
            heard.extend(stream.until("live"))
            heard.extend(stream._events)

    reader = threading.Thread(target=read)
    reader.start()
    wait_for(lambda: len(heard) == 4, "the past")
    engine.stop()
    reader.join(DEADLINE)

    assert not reader.is_alive()
    assert heard[-1] == SentEvent("end", {"reason": "server shutting down"}, None)
    assert len(heard) == 5
