"""Editing a message and taking it back over HTTP: who may, and that nobody reads it after."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chatroom.engine import Engine
from chatroom.message import Draft, Message
from chatroom.rooms.ranks import Rank
from chatroom.rooms.room import Room
from chatroom.web.api.paging import MAX_READS
from tests.support.authors import MESSAGES, as_user, at, problem, remove, said
from tests.support.deadline import DEADLINE
from tests.support.flask_client import fail, take_back

SETTINGS = {
    "max_rooms": 1,
    "max_message_bytes": 2000,
    "allowed_origins": ("https://friend.example",),
}
"""Of the ``app``: see conftest.py."""

LINES = {"Accept": "application/x-ndjson"}
MINUTE = 60_000


def edit(client: FlaskClient, engine: Engine, message: Message, body: str) -> TestResponse:
    return client.patch(at(message), json={"body": body}, headers=as_user(engine))


def bodies(reply: TestResponse) -> list[str]:
    assert reply.json, reply.text
    return [message["body"] for message in reply.json["messages"]]


def link(reply: TestResponse, relation: str) -> str | None:
    """The address with this relation in the Link header."""
    links = [one.split("; rel=") for one in reply.headers.get("Link", "").split(", ") if one]
    return {name.strip('"'): address.strip("<>") for address, name in links}.get(relation)


@pytest.fixture
def make_host(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a person a host of every room."""

    def make(user_id: str) -> None:
        ranks = {user_id: Rank.HOST}
        rank_of = lambda _room, user: ranks.get(user, Rank.EVERYONE)  # noqa: E731
        monkeypatch.setattr(Room, "rank_of", rank_of)

    return make


# -- by its author -----------------------------------------------------------------------------


def test_an_author_edits_a_message(client: FlaskClient, engine: Engine):
    """It keeps its id and its place, and says when that was."""
    _, message, _ = said(engine, "one", "tow", "three")

    reply = edit(client, engine, message, "two")

    assert (reply.status_code, reply.mimetype) == (200, "application/json")
    assert reply.cache_control.no_store
    assert reply.json
    assert (reply.json["id"], reply.json["body"]) == (message.id, "two")
    assert list(reply.json)[-2:] == ["userId", "editedAt"]
    assert client.get(at(message)).json == reply.json
    assert bodies(client.get(MESSAGES)) == ["one", "two", "three"]


def test_an_author_takes_a_message_back(client: FlaskClient, engine: Engine):
    one, message, three = said(engine, "one", "secret", "three")

    reply = client.delete(at(message), headers=as_user(engine))

    assert (reply.status_code, reply.data) == (204, b"")
    found = problem(client.get(at(message)), "gone")
    assert (found["field"], found["value"]) == ("id", message.id)
    assert bodies(client.get(MESSAGES)) == ["one", "three"]
    assert client.get(at(one)).status_code == client.get(at(three)).status_code == 200


def test_doing_it_again_is_the_same(client: FlaskClient, engine: Engine):
    """After an answer that got lost."""
    edited, removed = said(engine, "one", "two")
    first, again = (edit(client, engine, edited, "1") for _ in range(2))
    assert first.json == again.json

    remove(client, engine, removed, removed)
    assert engine.history.rev("lobby") == 2


def test_an_edit_that_is_sent_again_too_late_was_done(client: FlaskClient, engine: Engine):
    message = said(engine, "hi", age=15 * MINUTE - 2000)[0]
    assert edit(client, engine, message, "ho").status_code == 200
    engine.policy._edit_minutes = 0

    assert edit(client, engine, message, "ho").status_code == 200
    problem(edit(client, engine, message, "hu"), "too-late")


def test_after_some_minutes_it_can_only_be_taken_back(client: FlaskClient, engine: Engine):
    message = said(engine, "hi", age=15 * MINUTE + 1)[0]

    found = problem(edit(client, engine, message, "ho"), "too-late")
    assert "15 minutes" in found["detail"]
    remove(client, engine, message)


def test_what_is_gone_cannot_be_edited(client: FlaskClient, engine: Engine):
    message = said(engine, "hi")[0]
    remove(client, engine, message)

    problem(edit(client, engine, message, "ho"), "gone")


# -- who may -----------------------------------------------------------------------------------

WAYS = [("PATCH", ""), ("DELETE", ""), ("POST", "/restore")]


def ask(client: FlaskClient, method: str, address: str, headers: dict[str, str]) -> TestResponse:
    content = {"body": "ho"} if method == "PATCH" else None
    return client.open(address, method=method, json=content, headers=headers)


@pytest.mark.parametrize(("method", "rest"), WAYS)
@pytest.mark.parametrize(
    ("given", "challenge"),
    [
        (None, "Bearer"),
        ("Basic YW5uOnMzY3JldA==", "Bearer"),
        ("Bearer ", "Bearer"),
        ("Bearer rubbish", 'Bearer error="invalid_token"'),
        ("Bearer WyJhbm4taWQiLCJ0YWIiXQ.c2lnbmVk", 'Bearer error="invalid_token"'),
        ("Bearer \u00e4", 'Bearer error="invalid_token"'),
    ],
)
def test_who_does_not_prove_who_it_is_is_told_how(
    client: FlaskClient, engine: Engine, method: str, rest: str, given: str | None, challenge: str
):
    message = said(engine, "hi")[0]
    headers = {} if given is None else {"Authorization": given}

    reply = ask(client, method, at(message) + rest, headers)

    found = problem(reply, "bad-token")
    assert reply.headers["WWW-Authenticate"] == challenge
    assert "Authorization: Bearer TOKEN" in found["detail"]
    assert bodies(client.get(MESSAGES)) == ["hi"]


@pytest.mark.parametrize(("method", "rest"), WAYS)
@pytest.mark.parametrize("user_id", ["bob-id", ""])
def test_it_is_not_for_others(
    client: FlaskClient, engine: Engine, method: str, rest: str, user_id: str
):
    """Nor is what somebody said without a token anybody's."""
    message = said(engine, "hi", user_id=user_id)[0]

    problem(ask(client, method, at(message) + rest, as_user(engine)), "not-yours")
    assert bodies(client.get(MESSAGES)) == ["hi"]


def test_what_a_host_removes_a_host_can_bring_back(
    client: FlaskClient, engine: Engine, make_host: Callable[[str], None]
):
    message = said(engine, "hi")[0]
    make_host("host-id")
    host = as_user(engine, "host-id")

    assert client.delete(at(message), headers=host).status_code == 204
    problem(client.get(at(message)), "gone")
    problem(client.post(f"{at(message)}/restore", headers=as_user(engine)), "not-yours")
    reply = client.post(f"{at(message)}/restore", headers=host)

    assert reply.status_code == 200
    assert reply.json == client.get(at(message)).json
    assert bodies(client.get(MESSAGES)) == ["hi"]


@pytest.mark.parametrize(("method", "rest"), WAYS)
def test_what_never_was_is_a_404(client: FlaskClient, engine: Engine, method: str, rest: str):
    """Also in a room that could not be made."""
    said(engine, "hi")
    engine.server.say("kitchen", Draft("Ann", "hi", ""), timeout=DEADLINE)
    for room in ("lobby", "garden"):
        for id in ("1-00000000000000ff", "7-0000000000000001", "0-0"):
            address = f"/api/rooms/{room}/messages/{id}{rest}"
            problem(ask(client, method, address, as_user(engine)), "no-such-message")


@pytest.mark.parametrize(("method", "rest"), WAYS)
def test_a_page_of_another_site_changes_nothing(
    client: FlaskClient, engine: Engine, method: str, rest: str
):
    message = said(engine, "hi")[0]
    evil = {"Origin": "https://evil.example"}
    problem(ask(client, method, at(message) + rest, as_user(engine) | evil), "foreign-origin")

    assert bodies(client.get(MESSAGES)) == ["hi"]


def test_a_page_of_an_allowed_origin_may_change_messages(client: FlaskClient, engine: Engine):
    message = said(engine, "hi")[0]
    friend = {"Origin": "https://friend.example"}
    asked = {"Access-Control-Request-Headers": "authorization"}
    for method in ("PATCH", "DELETE"):
        headers = friend | asked | {"Access-Control-Request-Method": method}
        reply = client.options(at(message), headers=headers)
        assert reply.status_code == 200
        assert method in reply.access_control_allow_methods
        assert "Authorization" in reply.access_control_allow_headers

    reply = client.delete(at(message), headers=as_user(engine) | friend)
    assert (reply.status_code, reply.access_control_allow_origin) == (204, friend["Origin"])


# -- what is sent ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code", "field"),
    [
        (b'{"body": ""}', "bad-field", "body"),
        (b'{"body": 7}', "bad-field", "body"),
        (b'{"body": "\\ud800"}', "bad-field", "body"),
        (b"{}", "bad-field", "body"),
        (b"[]", "bad-json", "body"),
        (b"\xff", "bad-json", "body"),
        (b'{"body": "' + b"x" * 2000 + b'"}', "too-large", None),
    ],
)
def test_a_text_that_cannot_be_is_refused_as_when_it_is_said(
    client: FlaskClient, engine: Engine, data: bytes, code: str, field: str | None
):
    message = said(engine, "hi")[0]
    reply = client.patch(
        at(message), data=data, content_type="application/json", headers=as_user(engine)
    )

    assert problem(reply, code).get("field") == field
    assert bodies(client.get(MESSAGES)) == ["hi"]


def test_a_text_of_another_type_is_refused(client: FlaskClient, engine: Engine):
    message = said(engine, "hi")[0]
    reply = client.patch(at(message), data=b"ho", headers=as_user(engine))

    problem(reply, "unsupported-type")


def test_what_cannot_be_stored_is_not_changed(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    message = said(engine, "hi")[0]
    with monkeypatch.context() as patch:
        patch.setattr(engine.history, "rewrite", fail)
        found = problem(edit(client, engine, message, "ho"), "unavailable")
    assert re.fullmatch(r"[A-Z].* could not be .*; try again\.", found["detail"])

    assert edit(client, engine, message, "ho").status_code == 200


def test_the_log_says_that_it_was_changed_and_not_what_it_says(
    client: FlaskClient, engine: Engine, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO", "chatroom")
    message = said(engine, "hi")[0]
    edit(client, engine, message, "secret")
    remove(client, engine, message)

    assert caplog.messages == [
        f'{what}: (127.0.0.1) room "lobby", message {message.id}' for what in ("edited", "removed")
    ]


def test_a_cmid_whose_message_was_removed_is_gone(client: FlaskClient, engine: Engine):
    """Whoever sends it again gets neither its text nor an empty message, and does not say it
    anew."""
    post = {"userName": "Bot", "body": "secret", "cmid": "build-17"}
    id = (client.post(MESSAGES, json=post).json or {})["id"]
    take_back(engine, id)

    for body in ("secret", "another"):
        reply = client.post(MESSAGES, json=post | {"body": body})
        found = problem(reply, "gone")
        assert (found["field"], found["value"]) == ("cmid", "build-17")
        assert "Location" not in reply.headers
    assert bodies(client.get(MESSAGES)) == []


# -- whoever reads -----------------------------------------------------------------------------


def test_a_page_is_filled_though_messages_are_removed(client: FlaskClient, engine: Engine):
    messages = said(engine, *(f"{n}" for n in range(1, 21)))
    remove(client, engine, *messages[::2], messages[19])  # what stays: 2, 4, ... 18

    newest = client.get(f"{MESSAGES}?limit=4")
    assert bodies(newest) == ["12", "14", "16", "18"]
    before = client.get(link(newest, "prev") or "")
    assert bodies(before) == ["4", "6", "8", "10"]
    assert bodies(client.get(link(before, "prev") or "")) == ["2"]
    assert bodies(client.get(link(before, "next") or "")) == ["12", "14", "16", "18"]

    first = client.get(f"{MESSAGES}?since=0-0&limit=4")
    assert bodies(first) == ["2", "4", "6", "8"]
    second = client.get(link(first, "next") or "")
    assert bodies(second) == ["10", "12", "14", "16"]
    third = client.get(link(second, "next") or "")
    assert (bodies(third), link(third, "next")) == (["18"], None)
    assert bodies(client.get(link(third, "prev") or "")) == ["10", "12", "14", "16"]


def test_a_page_whose_messages_are_all_removed_does_not_look_like_the_end(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    """Even if there are more than one request reads."""
    messages = said(engine, *(f"{n}" for n in range(1, MAX_READS + 11)))
    take_back(engine, *(message.id for message in messages[3:-3]))
    walk = lambda address, way: list(walked(client, address, way))  # noqa: E731

    assert walk(f"{MESSAGES}?limit=1", "prev") == ["30", "29", "28", "3", "2", "1"]
    one_by_one(engine, monkeypatch)
    assert walk(f"{MESSAGES}?since=0-0&limit=1", "next") == ["1", "2", "3", "28", "29", "30"]
    empty = client.get(f"{MESSAGES}?since={messages[2].id}&limit=1")
    assert (bodies(empty), bool(link(empty, "next"))) == ([], True)


def walked(client: FlaskClient, address: str | None, relation: str) -> Any:
    """All that the pages have, as the links lead on; not endless."""
    for _ in range(100):
        if not address:
            return
        reply = client.get(address)
        yield from bodies(reply)
        address = link(reply, relation)
    raise AssertionError("the links lead in a circle")


def one_by_one(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the history's pages have one message each."""
    pages = engine.history.pages

    def one_page_each(room: str, after: int, upto: int) -> Any:
        for page in pages(room, after, upto):
            for message in page:
                yield [message]

    monkeypatch.setattr(engine.history, "pages", one_page_each)


def test_a_removed_message_is_a_good_cursor(client: FlaskClient, engine: Engine):
    _, removed, _ = said(engine, "one", "two", "three")
    remove(client, engine, removed)

    assert bodies(client.get(f"{MESSAGES}?since={removed.id}")) == ["three"]
    assert bodies(client.get(f"{MESSAGES}?before={removed.id}")) == ["one"]


def test_lines_leave_out_what_was_removed(client: FlaskClient, engine: Engine):
    messages = said(engine, "one", "two", "three", "four")
    remove(client, engine, messages[0], messages[2])

    def lines(query: str = "") -> list[dict[str, str]]:
        return [json.loads(line) for line in read(query).text.splitlines()]

    def read(query: str = "") -> TestResponse:
        return client.get(f"{MESSAGES}{query}", headers=LINES)

    assert [line["body"] for line in lines()] == ["two", "four"]
    assert [line["body"] for line in lines("?limit=1")] == ["two"]
    assert [line.get("body", line) for line in lines("?removed=ids")] == [
        {"id": messages[0].id, "removed": "author"},
        "two",
        {"id": messages[2].id, "removed": "author"},
        "four",
    ]
    problem(read("?removed=texts"), "bad-parameter")
    remove(client, engine, messages[1], messages[3])
    assert (read().status_code, read().text) == (200, "")


def test_who_has_it_already_gets_a_304_until_something_changes(client: FlaskClient, engine: Engine):
    """Of a past page as well, and of one message: whatever is cached is asked for again."""
    messages = said(engine, "one", "two", "three")
    addresses: list[tuple[str, dict[str, str]]] = [
        (MESSAGES, {}),
        (MESSAGES, LINES),
        (f"{MESSAGES}?before={messages[2].id}", {}),
        (at(messages[0]), {}),
        ("/getAllMessages", {}),
    ]

    def tags() -> list[str]:
        return [client.get(address, headers=more).headers["ETag"] for address, more in addresses]

    def statuses(known: list[str]) -> list[int]:
        return [
            client.get(address, headers=more | {"If-None-Match": tag}).status_code
            for (address, more), tag in zip(addresses, known, strict=True)
        ]

    first = tags()
    for address, more in addresses:
        assert client.get(address, headers=more).cache_control.no_cache
    assert statuses(first) == [304] * 5
    edit(client, engine, messages[0], "1")
    assert statuses(first) == [200] * 5
    second = tags()
    assert statuses(second) == [304] * 5
    remove(client, engine, messages[0])
    assert statuses(second) == [200, 200, 200, 410, 200]


def test_get_all_messages_leaves_out_what_was_removed(client: FlaskClient, engine: Engine):
    messages = said(engine, "one", "two", "three")
    remove(client, engine, messages[0], messages[2])

    reply = client.get("/getAllMessages")
    assert [message["body"] for message in (reply.json or {})["Messages"]] == ["two"]
    remove(client, engine, messages[1])
    assert client.get("/getAllMessages").json == {"Messages": []}


def test_a_search_finds_what_a_message_says_now(client: FlaskClient, engine: Engine):
    edited, removed = said(engine, "apple pie", "apple tart")

    def found(word: str) -> list[str]:
        return bodies(client.get(f"{MESSAGES}?q={word}"))

    assert found("apple") == ["apple pie", "apple tart"]
    edit(client, engine, edited, "cherry pie")
    remove(client, engine, removed)
    assert found("apple") == found("tart") == []
    assert found("cherry") == found("pie") == ["cherry pie"]
