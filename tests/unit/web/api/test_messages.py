"""The HTTP API: what each address answers, and how it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chatroom.engine import Engine
from chatroom.history import searching
from chatroom.message import Message
from chatroom.web.api import SEARCHES, STREAMS, problems
from chatroom.web.api.paging import MAX_MATCHES, MAX_PAGE_LENGTH, PAGE_LENGTH
from tests.support.flask_client import engine_of, fail, remember

pytestmark = pytest.mark.takes(seconds=7)

LINES = {"Accept": "application/x-ndjson"}
NOWHERE = "7-00000000000000ff"


SETTINGS = {
    "max_rooms": 3,
    "max_message_bytes": 2000,
    "allowed_origins": ("https://friend.example",),
}
"""Of the ``app``: see conftest.py."""


def post(client: FlaskClient, room: str = "lobby", **fields: object) -> TestResponse:
    fields = {"userName": "Ann", "body": "hi"} | fields
    return client.post(f"/api/rooms/{room}/messages", json=fields)


def get(client: FlaskClient, query: str = "", room: str = "lobby") -> TestResponse:
    return client.get(f"/api/rooms/{room}/messages{query}")


def bodies(reply: TestResponse) -> list[str]:
    assert reply.status_code == 200, reply.text
    assert reply.json
    return [message["body"] for message in reply.json["messages"]]


def joined(pages: list[list[str]]) -> list[str]:
    return [body for page in pages for body in page]


def links(reply: TestResponse) -> dict[str, str]:
    """The addresses in the Link header, by their relation."""
    found = [link.split("; rel=") for link in reply.headers.get("Link", "").split(", ") if link]
    return {relation.strip('"'): address.strip("<>") for address, relation in found}


def problem(reply: TestResponse, code: str) -> dict[str, Any]:
    """The problem details, after a look at what all of them have."""
    assert reply.mimetype == "application/problem+json", reply.text
    assert reply.cache_control.no_store
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    found: dict[str, Any] = json.loads(reply.text)
    assert found["code"] == code, found
    kind = problems.KINDS[code]
    assert (found["status"], found["title"]) == (kind.status, kind.title)
    assert reply.status_code == kind.status
    assert found["type"] == f"/api/openapi.json#/x-problems/{code}"
    assert found["detail"]
    return found


# -- rooms and users ---------------------------------------------------------------------------


def test_the_rooms_are_listed_by_name_with_their_last_message(client: FlaskClient, engine: Engine):
    assert client.get("/api/rooms").json == {"rooms": []}

    remember(engine, 3, "lobby")
    remember(engine, 1, "K\u00fcche")

    assert client.get("/api/rooms").json == {
        "rooms": [
            {
                "name": "K\u00fcche",
                "messages": 1,
                "last": "1-0000000000000001",
                "sentAt": "1970-01-01T00:00:00.001Z",
            },
            {
                "name": "lobby",
                "messages": 3,
                "last": "3-0000000000000003",
                "sentAt": "1970-01-01T00:00:00.003Z",
            },
        ]
    }


def test_nobody_is_in_a_room_that_nobody_is_in(shared_client: FlaskClient):
    reply = shared_client.get("/api/rooms/lobby/users")

    assert reply.json == {"users": []}
    assert reply.cache_control.no_store


# -- a page of messages ------------------------------------------------------------------------


def test_a_page_is_the_newest_messages_oldest_first(client: FlaskClient, engine: Engine):
    remember(engine, PAGE_LENGTH + 3)
    reply = get(client)

    assert bodies(reply) == [f"hi {seq}" for seq in range(4, PAGE_LENGTH + 4)]
    assert reply.json
    first = reply.json["messages"][0]
    assert list(first) == ["userName", "body", "timestamp", "id", "room", "sentAt"]


def test_an_empty_room_is_an_empty_page_without_links(shared_client: FlaskClient):
    reply = get(shared_client)

    assert bodies(reply) == bodies(get(shared_client, "?since=0-0")) == []
    assert links(reply) == {}


def test_links_lead_back_to_the_first_message_and_forward_to_the_last(
    client: FlaskClient, engine: Engine
):
    """Each message once, whatever direction; in a room whose name needs to be encoded."""
    said = [message.body for message in remember(engine, 25, "K\u00fcche")]
    reply = get(client, "?limit=10", "K\u00fcche")
    assert "next" not in links(reply)

    back = [bodies(reply)]
    while "prev" in links(reply):
        reply = client.get(links(reply)["prev"])
        back.insert(0, bodies(reply))
    assert [len(page) for page in back] == [5, 10, 10]
    assert joined(back) == said

    forward = [bodies(reply)]
    while "next" in links(reply):
        reply = client.get(links(reply)["next"])
        forward.append(bodies(reply))
    assert [len(page) for page in forward] == [5, 10, 10]
    assert joined(forward) == said


def test_since_gives_what_comes_right_after_it(client: FlaskClient, engine: Engine):
    messages = remember(engine, 9)

    assert bodies(get(client, "?since=0-0&limit=2")) == ["hi 1", "hi 2"]
    assert bodies(get(client, f"?since={messages[4].id}&limit=2")) == ["hi 6", "hi 7"]
    assert bodies(get(client, f"?since={messages[8].id}")) == []
    between = get(client, f"?since={messages[4].id}&before={messages[7].id}")
    assert bodies(between) == ["hi 6", "hi 7"]
    assert "next" not in links(between)


def test_between_two_ids_the_next_page_ends_where_the_first_one_asked(
    client: FlaskClient, engine: Engine
):
    messages = remember(engine, 9)
    reply = get(client, f"?since={messages[0].id}&before={messages[4].id}&limit=2")
    assert bodies(reply) == ["hi 2", "hi 3"]

    reply = client.get(links(reply)["next"])
    assert bodies(reply) == ["hi 4"]
    assert "next" not in links(reply)


def test_before_the_first_message_there_is_nothing_but_a_way_forward(
    client: FlaskClient, engine: Engine
):
    messages = remember(engine, 2)
    reply = get(client, f"?before={messages[0].id}")

    assert bodies(reply) == []
    assert list(links(reply)) == ["next"]
    assert bodies(client.get(links(reply)["next"])) == ["hi 1", "hi 2"]


def test_a_page_of_long_messages_ends_early_and_leads_on(client: FlaskClient, engine: Engine):
    """However many are asked for, the answer stays small."""
    said = [message.body for message in remember(engine, 30, body="x" * 30_000)]
    for relation, query in (("prev", ""), ("prev", "q=xxx&"), ("next", "since=0-0&")):
        reply = get(client, f"?{query}limit={MAX_PAGE_LENGTH}")
        read = [bodies(reply)]
        while relation in links(reply):
            assert len(reply.data) < 400_000
            reply = client.get(links(reply)[relation])
            read.append(bodies(reply))
        assert len(read) >= 3
        assert joined(read if relation == "next" else read[::-1]) == said


def test_an_id_that_never_was_is_a_404(client: FlaskClient, engine: Engine):
    """The nonce counts, too: it tells a message from one of a history before this one."""
    remember(engine, 3)
    for query in (f"?since={NOWHERE}", f"?before={NOWHERE}", "?since=2-00000000000000ff"):
        for headers in ({}, LINES):
            reply = client.get(f"/api/rooms/lobby/messages{query}", headers=headers)
            found = problem(reply, "no-such-message")
            assert query == f"?{found['field']}={found['value']}"


def test_one_message_has_an_address_of_its_own(client: FlaskClient, engine: Engine):
    message = remember(engine, 3)[1]
    reply = client.get(f"/api/rooms/lobby/messages/{message.id}")

    assert reply.json
    assert (reply.json["id"], reply.json["body"]) == (message.id, "hi 2")
    for missing in ("0-0", NOWHERE, "2-00000000000000ff"):
        problem(client.get(f"/api/rooms/lobby/messages/{missing}"), "no-such-message")


def test_who_has_the_page_already_gets_a_304_until_somebody_speaks(
    client: FlaskClient, engine: Engine
):
    remember(engine, 3)
    address = "/api/rooms/lobby/messages"
    for headers in ({}, LINES):
        etag = client.get(address, headers=headers).headers["ETag"]
        reply = client.get(address, headers={**headers, "If-None-Match": etag})
        assert (reply.status_code, reply.data, reply.headers["ETag"]) == (304, b"", etag)

        post(client)
        reply = client.get(address, headers={**headers, "If-None-Match": etag})
        assert reply.status_code == 200
        assert reply.headers["ETag"] != etag


def test_a_page_that_is_past_stays_the_same_whatever_is_said(client: FlaskClient, engine: Engine):
    messages = remember(engine, 9)
    query = f"?before={messages[5].id}&limit=2"
    etag = get(client, query).headers["ETag"]
    post(client)

    assert get(client, query).headers["ETag"] == etag


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?limit=-1", "limit"),
        ("?limit=ten", "limit"),
        ("?limit=", "limit"),
        ("?limit=\u0661", "limit"),
        ("?since=5", "since"),
        ("?since=", "since"),
        ("?since=0-1", "since"),
        ("?since=05-00000000000000ff", "since"),
        ("?since=5-00000000000000FF", "since"),
        ("?since=5-00000000000000ff%0A", "since"),
        ("?before=-1-00000000000000ff", "before"),
        ("?before=9999999999999-00000000000000ff", "before"),
        ("?before=%00", "before"),
        (f"?q={'x' * 201}", "q"),
    ],
)
def test_a_parameter_that_cannot_be_names_itself_its_value_and_the_way_out(
    shared_client: FlaskClient, query: str, field: str
):
    found = problem(get(shared_client, query), "bad-parameter")

    assert found["field"] == field
    assert found["detail"].startswith(f"{field} is ")
    assert found["detail"].endswith(f"; wanted: {found['wanted']}")


@pytest.mark.parametrize("room", ["a b", "x" * 65, "<script>", "a:b", "\ufffd", "%FF"])
@pytest.mark.parametrize("rest", ["messages", "users", "events", f"messages/{NOWHERE}"])
def test_a_room_that_is_none_is_a_problem_everywhere(
    shared_client: FlaskClient, room: str, rest: str
):
    found = problem(shared_client.get(f"/api/rooms/{room}/{rest}"), "bad-room")

    assert found["field"] == "room"
    assert "use 1 to 64 letters" in found["detail"]


# -- the room as lines -------------------------------------------------------------------------


def lines(reply: TestResponse) -> list[str]:
    assert reply.status_code == 200, reply.text
    assert reply.mimetype == "application/x-ndjson"
    assert not reply.text or reply.text.endswith("\n")
    return [json.loads(line)["body"] for line in reply.text.split("\n")[:-1]]


def test_lines_are_the_whole_room_from_since_on(client: FlaskClient, engine: Engine):
    """However long it is: more than a page, with letters that need more bytes."""
    messages = remember(engine, 5000, body="\u00e4\u20ac\U0001f44b\u2028" * 20)
    said = [message.body for message in messages]

    assert lines(client.get("/api/rooms/lobby/messages", headers=LINES)) == said
    for query, wanted in (
        ("?since=0-0", said),
        (f"?since={messages[9].id}", said[10:]),
        (f"?before={messages[9].id}", said[:9]),
        (f"?since={messages[9].id}&before={messages[19].id}", said[10:19]),
        (f"?since={messages[9].id}&limit=1000", said[10:1010]),
        ("?limit=1", said[:1]),
        (f"?since={messages[-1].id}", []),
    ):
        reply = client.get(f"/api/rooms/lobby/messages{query}", headers=LINES)
        assert lines(reply) == wanted, query


def test_proxies_are_to_pass_lines_on_as_they_come(shared_client: FlaskClient):
    reply = shared_client.get("/api/rooms/lobby/messages", headers=LINES)

    assert reply.headers["X-Accel-Buffering"] == "no"


def test_what_is_said_while_lines_are_read_is_not_in_them(client: FlaskClient, engine: Engine):
    """The answer is what its ETag says; and no more than a page of it is in memory."""
    remember(engine, 5000, body="x" * 300)
    with client.get("/api/rooms/lobby/messages", headers=LINES, buffered=False) as reply:
        chunks = reply.iter_encoded()
        size = len(next(chunks))
        assert size < 600_000
        post(client)
        text = b"".join(chunks)
    assert text.count(b"\n") < 5000
    assert b'"hi"' not in text


def test_only_so_many_rooms_are_streamed_at_once(client: FlaskClient, engine: Engine):
    remember(engine, 2)
    address = "/api/rooms/lobby/messages"
    reading = [client.get(address, headers=LINES, buffered=False) for _ in range(STREAMS)]
    refused = client.get(address, headers=LINES)
    problem(refused, "busy")
    assert refused.headers["Retry-After"] == "5"
    assert bodies(client.get(address)) == ["hi 1", "hi 2"]

    for reply in reading:
        reply.close()
    assert len(lines(client.get(address, headers=LINES))) == 2


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_stream_gives_its_place_back_however_it_ends(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch, method: str
):
    remember(engine, 1)
    address = "/api/rooms/lobby/messages"
    etag = client.get(address, headers=LINES).headers["ETag"]
    for _ in range(STREAMS + 1):
        with client.open(address, method=method, headers=LINES) as reply:
            assert reply.status_code == 200
        tagged = {**LINES, "If-None-Match": etag}
        with client.open(address, method=method, headers=tagged) as reply:
            assert reply.status_code == 304
        with client.open(f"{address}?since={NOWHERE}", method=method, headers=LINES) as reply:
            assert reply.status_code == 404
        with monkeypatch.context() as patch:
            patch.setattr(engine.history, "pages", fail)
            with client.open(address, method=method, headers=LINES) as reply:
                assert reply.status_code == 503
    assert lines(client.get(address, headers=LINES)) == ["hi 1"]


def test_a_gap_in_the_middle_breaks_the_lines_off(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    """Trimmed while it was read: it must not look like a whole one."""
    messages = remember(engine, 9)

    def pages(room: str, after: int, upto: int) -> Iterator[list[Message]]:
        yield messages[:3]
        yield messages[5:]

    monkeypatch.setattr(engine.history, "pages", pages)
    with client.get("/api/rooms/lobby/messages", headers=LINES, buffered=False) as reply:
        chunks = reply.iter_encoded()
        assert next(chunks).count(b"\n") == 3
        with pytest.raises(Exception, match="no longer kept"):
            next(chunks)


# -- searching ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def searched(shared_client: FlaskClient) -> FlaskClient:
    """With something to be found, in rooms that only searches look at."""
    for body in ("Good morning", "A caf\u00e9 au lait", "CAFE!"):
        post(shared_client, "breakfast", body=body)
    post(shared_client, "kitchen", body="cafe morning")
    remember(engine_of(shared_client.application), 3, "greetings")
    return shared_client


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("caf\u00e9", ["A caf\u00e9 au lait", "CAFE!"]),
        ("CAFE", ["A caf\u00e9 au lait", "CAFE!"]),
        ("cafe lait", ["A caf\u00e9 au lait"]),
        ("good mor", ["Good morning"]),
        ("ood", []),
        ("", ["Good morning", "A caf\u00e9 au lait", "CAFE!"]),
        ("  ", ["Good morning", "A caf\u00e9 au lait", "CAFE!"]),
        ("!?", []),
    ],
)
def test_a_search_finds_words_as_people_expect(searched: FlaskClient, text: str, found: list[str]):
    reply = searched.get("/api/rooms/breakfast/messages", query_string={"q": text})

    assert bodies(reply) == found


@pytest.mark.parametrize(
    "text",
    [
        '"',
        "'",
        '" OR "1',
        "'; DROP TABLE messages; --",
        "NOT hi",
        "hi AND",
        "hi OR zzz",
        "NEAR(hi zzz)",
        "body:hi",
        "hi*",
        "^hi",
        "-hi",
        "+",
        "*",
        "()",
        "{a b}: c",
        "%",
        "_",
        "\\",
        "\x00",
        "hi\x00",
        "\u202e",
        "\U0001f44b",
        "\ufffd",
        "a" * 200,
        " ".join("a" * 100),
        '"' * 200,
        "\u0301" * 200,
    ],
)
def test_a_hostile_search_is_only_words(searched: FlaskClient, text: str):
    reply = searched.get("/api/rooms/greetings/messages", query_string={"q": text})

    assert set(bodies(reply)) <= {"hi 1", "hi 2", "hi 3"}
    assert len(bodies(get(searched, room="greetings"))) == 3


def test_links_lead_back_through_all_that_a_search_finds(client: FlaskClient, engine: Engine):
    messages = remember(engine, 250)
    reply = get(client, "?q=hi&limit=1000")

    assert len(bodies(reply)) == MAX_MATCHES
    found = [bodies(reply)]
    while "prev" in links(reply):
        reply = client.get(links(reply)["prev"])
        found.insert(0, bodies(reply))
    assert joined(found) == [message.body for message in messages]


def test_a_search_keeps_between_two_ids(client: FlaskClient, engine: Engine):
    messages = remember(engine, 30)
    reply = get(client, f"?q=hi&since={messages[9].id}&before={messages[19].id}&limit=5")

    assert bodies(reply) == [f"hi {seq}" for seq in range(15, 20)]
    reply = client.get(links(reply)["prev"])
    assert bodies(reply) == [f"hi {seq}" for seq in range(11, 15)]
    assert links(reply) == {}


def test_only_so_many_search_at_once(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    """Who waits for another's search holds a thread that others need for a page."""

    def search(*_arguments: object) -> list[Message]:
        nonlocal deep
        deep += 1
        replies.append(get(client, "?q=hi"))
        return []

    replies: list[TestResponse] = []
    deep = 0
    monkeypatch.setattr(engine.history, "search", search)
    assert bodies(get(client, "?q=hi")) == []

    assert deep == SEARCHES
    problem(replies[0], "busy")
    assert [reply.status_code for reply in replies[1:]] == [200] * (SEARCHES - 1)


def test_a_search_that_takes_too_long_is_not_to_be_asked_again(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    """A 503 would be: the page tries those again."""
    assert post(client).status_code == 201
    monkeypatch.setattr(searching, "SEARCHING_SECONDS", 0)

    reply = get(client, "?q=hi")

    detail = "the search took longer than 0 s; search for more words, or for rarer ones"
    assert problem(reply, "search-too-long")["detail"] == detail
    assert "Retry-After" not in reply.headers


def test_a_search_is_not_streamed(shared_client: FlaskClient):
    reply = shared_client.get("/api/rooms/lobby/messages?q=hi", headers=LINES)

    assert problem(reply, "bad-parameter")["field"] == "q"


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/x-ndjson, application/json;q=0.5", "application/x-ndjson"),
        ("application/x-ndjson;q=0.5, application/json", "application/json"),
        ("text/html, */*;q=0.1", "application/json"),
    ],
)
def test_the_answer_is_of_the_type_that_the_client_likes_best(
    shared_client: FlaskClient, accept: str, mimetype: str
):
    reply = shared_client.get("/api/rooms/lobby/messages", headers={"Accept": accept})

    assert reply.mimetype == mimetype
    assert "Accept" in reply.vary


def test_a_type_that_there_is_not_is_a_406(shared_client: FlaskClient):
    reply = shared_client.get("/api/rooms/lobby/messages", headers={"Accept": "text/html"})
    found = problem(reply, "not-acceptable")

    assert (found["field"], found["value"]) == ("Accept", "text/html")


# -- speaking ----------------------------------------------------------------------------------


def test_what_is_posted_is_in_the_room_and_has_an_address(client: FlaskClient):
    reply = post(client, "K\u00fcche", userName="Ann", body="Good morning!", timestamp="9:05 AM")

    assert reply.status_code == 201
    message = reply.json
    assert message
    assert message["userName"] == "Ann"
    assert message["body"] == "Good morning!"
    assert message["timestamp"] == "9:05 AM"
    assert message["room"] == "K\u00fcche"
    assert "cmid" not in message
    assert client.get(reply.headers["Location"]).json == message
    page = get(client, room="K\u00fcche").json
    assert page
    assert page["messages"] == [message]


def test_who_posted_is_in_the_log_and_what_is_not(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level("INFO", "chatroom"):
        posted = post(client, userName="Bot", body="the text", cmid="once").json
        post(client, userName="Bot", body="the text", cmid="once")

    assert posted
    (line,) = caplog.messages
    assert line == f'posted: "Bot" (127.0.0.1) room "lobby", message {posted["id"]}'


def test_without_a_timestamp_it_gets_the_time_of_the_server(client: FlaskClient):
    for fields in ({}, {"timestamp": ""}):
        reply = post(client, **fields)
        assert reply.json
        assert reply.json["timestamp"].endswith(("AM", "PM"))


def test_the_same_cmid_again_is_the_same_message(client: FlaskClient):
    """For a webhook that does not know whether its first try went through."""
    first = post(client, body="once", cmid="c1")
    again = post(client, body="once", cmid="c1")

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json
    assert first.json == again.json
    assert first.json["cmid"] == "c1"
    assert first.headers["Location"] == again.headers["Location"]
    assert bodies(get(client)) == ["once"]


def test_a_cmid_with_another_body_is_a_409(client: FlaskClient):
    post(client, body="once", cmid="c1")
    found = problem(post(client, body="twice", cmid="c1"), "cmid-reused")

    assert (found["field"], found["value"]) == ("cmid", "c1")
    assert bodies(get(client)) == ["once"]


def test_a_cmid_belongs_to_its_room(client: FlaskClient):
    assert post(client, "lobby", body="once", cmid="c1").status_code == 201
    assert post(client, "kitchen", body="twice", cmid="c1").status_code == 201


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("userName", None),
        ("userName", ""),
        ("userName", " "),
        ("userName", 7.5),
        ("userName", "x" * 65),
        ("userName", "a\nb"),
        ("userName", "\u202eAnn"),
        ("userName", "\u200b"),
        ("userName", "\ud800"),
        ("body", None),
        ("body", ""),
        ("body", ["hi"]),
        ("body", "\udfff"),
        ("cmid", ""),
        ("cmid", "x" * 65),
        ("cmid", True),
        ("cmid", None),
        ("cmid", "\ud800"),
        ("timestamp", 10.42),
        ("timestamp", {"a": [True, None]}),
    ],
)
def test_a_field_that_cannot_be_names_itself_its_value_and_the_way_out(
    shared_client: FlaskClient, field: str, value: object
):
    found = problem(post(shared_client, **{field: value}), "bad-field")

    assert found["field"] == field
    assert found["value"] == problems.abridged(value)
    assert len(found["detail"]) > len(field) + 10
    assert bodies(get(shared_client)) == []


@pytest.mark.parametrize("field", ["userName", "body"])
def test_a_field_that_is_missing_is_named(shared_client: FlaskClient, field: str):
    fields = {"userName": "Ann", "body": "hi"}
    del fields[field]
    found = problem(shared_client.post("/api/rooms/lobby/messages", json=fields), "bad-field")

    assert found["field"] == field
    assert found["detail"].startswith(f"{field} is missing; wanted: ")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b'"hi"',
        b"null",
        b"{'userName': 'Ann'}",
        b'{"userName": "Ann", "body": NaN}',
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b"[" * 1500,
        b'{"userName": "\xff"}',
        b"\xef\xbb\xbf\xef\xbb\xbf{}",
    ],
)
def test_a_body_that_is_no_json_object_is_a_400(shared_client: FlaskClient, data: bytes):
    reply = shared_client.post(
        "/api/rooms/lobby/messages", data=data, content_type="application/json"
    )
    found = problem(reply, "bad-json")

    assert found["field"] == "body"
    assert found["detail"].endswith('wanted: {"userName": "Ann", "body": "Good morning!"}')


def test_a_long_value_is_abridged_in_what_is_said_about_it(shared_client: FlaskClient):
    found = problem(post(shared_client, userName="x" * 1500), "bad-field")

    assert found["value"] == "x" * 100 + "\u2026 (1500 characters)"


@pytest.mark.parametrize("coding", ["gzip", "br", "GZIP", "identity, gzip"])
def test_a_compressed_body_is_a_415(shared_client: FlaskClient, coding: str):
    reply = shared_client.post(
        "/api/rooms/lobby/messages",
        json={"userName": "Ann", "body": "hi"},
        headers={"Content-Encoding": coding},
    )

    found = problem(reply, "unsupported-type")
    assert (found["field"], found["value"]) == ("Content-Encoding", coding)
    assert reply.headers["Accept-Encoding"] == "identity"


def test_a_body_may_begin_with_a_byte_order_mark(client: FlaskClient):
    """As some editors write it."""
    reply = client.post(
        "/api/rooms/lobby/messages",
        data=b'\xef\xbb\xbf{"userName": "Ann", "body": "\xef\xbb\xbfhi"}',
        content_type="application/json",
        headers={"Content-Encoding": "identity"},
    )

    assert reply.status_code == 201, reply.text
    assert bodies(get(client)) == ["\ufeffhi"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_of_another_type_is_a_415(shared_client: FlaskClient, content_type: str):
    """Nor can a form on another site's page make anybody speak."""
    data = b'{"userName": "Ann", "body": "hi"}'
    reply = shared_client.post("/api/rooms/lobby/messages", data=data, content_type=content_type)
    found = problem(reply, "unsupported-type")

    assert found["detail"].endswith("wanted: application/json")
    assert found["value"] == content_type
    assert reply.headers["Accept"] == "application/json"
    assert bodies(get(shared_client)) == []


def test_a_body_that_is_too_large_is_a_413(client: FlaskClient):
    assert post(client, body="x" * 1900).status_code == 201
    found = problem(post(client, body="x" * 2000), "too-large")

    assert found["detail"].endswith("wanted: 2000 bytes at most")
    assert len(bodies(get(client))) == 1


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
def test_a_page_of_another_site_does_not_speak(
    shared_client: FlaskClient, caplog: pytest.LogCaptureFixture, origin: str
):
    caplog.set_level("INFO", "chatroom")
    reply = shared_client.post(
        "/api/rooms/lobby/messages",
        json={"userName": "Ann", "body": "hi"},
        headers={"Origin": origin},
    )
    problem(reply, "foreign-origin")
    problem(
        shared_client.get("/api/rooms/lobby/events", headers={"Origin": origin}), "foreign-origin"
    )

    assert bodies(get(shared_client)) == []
    assert len(caplog.messages) == 2
    for line in caplog.messages:
        assert line.startswith("refused: 127.0.0.1: 403: Pages from another origin")
        assert f" {origin} is not in allowedOrigins" in line


@pytest.mark.parametrize("origin", ["http://localhost", "https://friend.example"])
def test_our_own_page_and_an_allowed_one_may_speak(client: FlaskClient, origin: str):
    reply = client.post(
        "/api/rooms/lobby/messages",
        json={"userName": "Ann", "body": "hi"},
        headers={"Origin": origin},
    )

    assert reply.status_code == 201


def test_a_page_of_an_allowed_origin_may_read_the_answers(shared_client: FlaskClient):
    """As a browser asks: with a preflight first, then for itself."""
    address = "/api/rooms/lobby/messages"
    friend, foe = {"Origin": "https://friend.example"}, {"Origin": "https://evil.example"}
    asked = {"Access-Control-Request-Method": "POST"}

    reply = shared_client.options(address, headers=friend | asked)
    assert reply.status_code == 200
    assert reply.access_control_allow_origin == "https://friend.example"
    assert "POST" in reply.access_control_allow_methods
    assert "Content-Type" in reply.access_control_allow_headers
    for reply in (
        shared_client.get(address, headers=friend),
        shared_client.get("/api/rooms", headers=friend),
    ):
        assert reply.access_control_allow_origin == "https://friend.example"
        assert "Link" in reply.access_control_expose_headers
        assert "Origin" in reply.vary

    for reply in (
        shared_client.options(address, headers=foe | asked),
        shared_client.get(address, headers=foe),
    ):
        assert reply.access_control_allow_origin is None
        assert "Origin" in reply.vary


def test_a_page_of_an_allowed_origin_may_send_the_headers_that_it_asks_for(
    shared_client: FlaskClient,
):
    """But it cannot report, like a proxy, on whose behalf it asks."""
    reply = shared_client.options(
        "/api/rooms/lobby/messages",
        headers={
            "Origin": "https://friend.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "cache-control,content-type, x-forwarded-for,a b",
        },
    )

    allowed = reply.headers["Access-Control-Allow-Headers"].split(", ")
    usual = ["Authorization", "Content-Type", "If-None-Match", "Last-Event-ID"]
    assert allowed == [*usual, "cache-control"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/rooms/lobby/messages?limit=x", 400),
        ("GET", "/api/nowhere", 404),
        ("GET", "/api", 404),
        ("OPTIONS", "/api/nowhere", 404),
        ("GET", "/api/rooms/lobby/messages/7-0000000000000001", 404),
        ("DELETE", "/api/rooms", 405),
        ("POST", "/api/rooms/lobby/messages", 415),
        ("GET", "/api/rooms", 500),
    ],
)
def test_a_page_of_an_allowed_origin_may_read_what_is_wrong(
    client: FlaskClient,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    status: int,
):
    if status == 500:
        monkeypatch.setattr(engine.history, "rooms", lambda: 1 / 0)
    friend, foe = {"Origin": "https://friend.example"}, {"Origin": "https://evil.example"}
    reply = client.open(path, method=method, headers=friend)

    assert reply.status_code == status
    assert reply.access_control_allow_origin == "https://friend.example"
    assert "Origin" in reply.vary
    refused = client.open(path, method=method, headers=foe)
    assert refused.access_control_allow_origin is None


def test_a_room_too_many_is_not_made(client: FlaskClient):
    for room in ("a", "b", "c"):
        assert post(client, room).status_code == 201
    problem(post(client, "d"), "too-many-rooms")
    problem(client.get("/api/rooms/d/events"), "too-many-rooms")

    assert post(client, "a").status_code == 201
    assert post(client, "lobby").status_code == 201


# -- what goes wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/api/rooms", {"GET", "HEAD", "OPTIONS"}),
        ("DELETE", "/api/rooms/lobby/messages", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("PUT", "/api/rooms/lobby/users", {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/api/rooms/lobby/events", {"GET", "HEAD", "OPTIONS"}),
        ("BREW", "/api/openapi.json", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_a_method_that_is_not_allowed_says_which_are(
    shared_client: FlaskClient, method: str, path: str, allowed: set[str]
):
    reply = shared_client.open(path, method=method)
    problem(reply, "method-not-allowed")

    assert set(reply.headers["Allow"].split(", ")) == allowed
    assert set(shared_client.options(path).allow) == allowed


@pytest.mark.parametrize(
    "path",
    ["/api", "/api/", "/api/rooms/", "/api/rooms/lobby", "/api//rooms", "/api/rooms/a%2Fb/users"],
)
def test_what_is_not_there_is_a_404_that_says_what_is(shared_client: FlaskClient, path: str):
    assert "/api/openapi.json" in problem(shared_client.get(path), "not-found")["detail"]


def test_what_only_begins_like_it_is_none_of_ours(shared_client: FlaskClient):
    assert shared_client.get("/apiary").mimetype == "text/plain"


@pytest.mark.parametrize(
    "path",
    ["/api/rooms", "/api/rooms/lobby/messages", "/api/rooms/lobby/users", "/api/openapi.json"],
)
def test_head_has_the_headers_and_no_body(shared_client: FlaskClient, path: str):
    head, whole = shared_client.head(path), shared_client.get(path)

    assert head.data == b""
    assert head.headers == whole.headers


def test_head_of_a_problem_has_its_status(shared_client: FlaskClient):
    reply = shared_client.head("/api/rooms/a:b/users")

    assert (reply.status_code, reply.data) == (400, b"")
    assert reply.mimetype == "application/problem+json"


@pytest.mark.parametrize(
    ("broken", "path"),
    [
        ("rooms", "rooms"),
        ("before", "rooms/lobby/messages"),
        ("head", "rooms/lobby/messages?since=0-0"),
        ("has", f"rooms/lobby/messages?since={NOWHERE}"),
        ("head", "rooms/lobby/events"),
        ("search", "rooms/lobby/messages?q=hi"),
        ("pages", f"rooms/lobby/messages/{NOWHERE}"),
    ],
)
def test_a_history_that_cannot_be_read_is_a_503_with_the_reason(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch, broken: str, path: str
):
    monkeypatch.setattr(engine.history, broken, fail)
    reply = client.get(f"/api/{path}")
    found = problem(reply, "unavailable")

    assert reply.headers["Retry-After"] == "5"
    assert found["detail"] == "sqlite:chat.db: disk I/O error; see to the disk"
    assert len(engine.gate) == 0


def test_what_cannot_be_stored_is_a_503(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(engine.history, "append", fail)
        reply = post(client)
    problem(reply, "unavailable")
    assert reply.headers["Retry-After"] == "5"

    assert bodies(get(client)) == []
    assert post(client).status_code == 201


def test_a_fault_of_ours_is_a_500_that_tells_nothing(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine.history, "rooms", lambda: 1 / 0)
    found = problem(client.get("/api/rooms"), "internal")

    assert "ZeroDivision" not in json.dumps(found)


def test_a_server_that_has_stopped_says_so_in_problems(client: FlaskClient, engine: Engine):
    engine.stop()

    for path in ("rooms", "rooms/lobby/messages", "rooms/lobby/users", "rooms/lobby/events"):
        problem(client.get(f"/api/{path}"), "unavailable")
    problem(post(client), "unavailable")
