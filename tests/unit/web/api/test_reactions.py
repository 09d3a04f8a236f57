"""Reacting over HTTP, and the counts beside messages, also of a whole room."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chatroom.engine import Engine
from chatroom.message import Message
from chatroom.reactions import MOST_TOLD, Reacted, Span
from tests.support.authors import ANN, MESSAGES, as_user, at, problem, remove, said

SETTINGS = {"max_rooms": 1, "allowed_origins": ("https://friend.example",)}
"""Of the ``app``: see conftest.py."""


def react(
    client: FlaskClient, engine: Engine, message: Message, kind: str = "like", who: str = ANN
) -> TestResponse:
    return client.put(f"{at(message)}/reactions/{kind}", headers=as_user(engine, who))


def counts(reply: TestResponse) -> list[dict[str, int]]:
    assert reply.status_code == 200
    found = json.loads(reply.text)["messages"]
    return [message.get("reactions", {}).get("counts", {}) for message in found]


def test_a_script_reacts_and_takes_it_back(client: FlaskClient, engine: Engine) -> None:
    one, two = said(engine, "one", "two")

    for who in (ANN, "bob-id", ANN):
        assert react(client, engine, two, who=who).status_code == 204
    assert counts(client.get(MESSAGES)) == [{}, {"like": 2}]
    alone = json.loads(client.get(at(two)).text)
    assert alone["reactions"].keys() == {"mark", "counts"}
    assert "reactions" not in json.loads(client.get(at(one)).text)

    for _ in range(2):
        reply = client.delete(f"{at(two)}/reactions/like", headers=as_user(engine))
        assert reply.status_code == 204
    assert counts(client.get(MESSAGES)) == [{}, {"like": 1}]


def test_a_page_is_another_one_once_somebody_has_reacted(
    client: FlaskClient, engine: Engine
) -> None:
    (one,) = said(engine, "one")
    tag = client.get(MESSAGES).headers["ETag"]

    react(client, engine, one)

    assert client.get(MESSAGES, headers={"If-None-Match": tag}).status_code == 200


def test_what_a_search_finds_has_its_counts_too(client: FlaskClient, engine: Engine) -> None:
    first, *_ = said(engine, "needle", *["hay"] * MOST_TOLD, "needle")
    react(client, engine, first, "wow")

    assert counts(client.get(f"{MESSAGES}?q=needle")) == [{"wow": 1}, {}]


def test_who_cannot_react_is_told_why(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, gone = said(engine, "one", "two")
    remove(client, engine, gone)

    problem(client.put(f"{at(one)}/reactions/like"), "bad-token")
    problem(react(client, engine, one, "shrug"), "bad-parameter")
    problem(react(client, engine, gone), "gone")
    problem(react(client, engine, one._replace(seq=99)), "no-such-message")
    monkeypatch.setattr(engine.history, "keeps_reactions", False)
    problem(react(client, engine, one), "no-reactions")
    assert counts(client.get(MESSAGES)) == [{}]


LINES = {"Accept": "application/x-ndjson"}


def as_lines(client: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    reply = client.get(f"{MESSAGES}{query}", headers=LINES)
    assert reply.status_code == 200
    return [json.loads(line) for line in reply.text.splitlines()]


def test_the_whole_room_has_the_counts_too(client: FlaskClient, engine: Engine) -> None:
    one, two, gone = said(engine, "one", "two", "gone")
    for message in (two, gone):
        react(client, engine, message)
        react(client, engine, message, "wow", "bob-id")
    remove(client, engine, gone)

    first, second = as_lines(client)
    assert [first, second] == json.loads(client.get(MESSAGES).text)["messages"]
    assert ("reactions" in first, second["reactions"]["counts"]) == (False, {"like": 1, "wow": 1})
    assert as_lines(client, f"?since={one.id}&removed=ids") == [
        second,
        {"id": gone.id, "removed": "author"},
    ]
    client.delete(f"{at(two)}/reactions/like", headers=as_user(engine))
    assert as_lines(client)[1]["reactions"]["counts"] == {"wow": 1}


def test_the_whole_room_is_another_one_once_somebody_has_reacted(
    client: FlaskClient, engine: Engine
) -> None:
    (one,) = said(engine, "one")
    tags = []
    for on in (None, True, False):
        if on is not None:
            method = client.put if on else client.delete
            method(f"{at(one)}/reactions/like", headers=as_user(engine))
        tags.append(client.get(MESSAGES, headers=LINES).headers["ETag"])

    assert len(set(tags)) == 3
    again = client.get(MESSAGES, headers={**LINES, "If-None-Match": tags[-1]})
    assert again.status_code == 304


@pytest.mark.parametrize("is_reacted_to", [False, True])
def test_a_page_of_lines_is_one_question_about_reactions_or_none(
    client: FlaskClient,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    is_reacted_to: bool,
) -> None:
    """And no page is read before it is sent."""
    first, *_ = said(engine, *(f"hi {number}" for number in range(3000)))
    if is_reacted_to:
        react(client, engine, first)
    asked: list[Span] = []
    reacted = engine.history.reacted

    def note(room: str, span: Span, **more: Any) -> list[Reacted]:
        asked.append(span)
        return reacted(room, span, **more)

    monkeypatch.setattr(engine.history, "reacted", note)
    with client.get(MESSAGES, headers=LINES, buffered=False) as reply:
        chunks = reply.iter_encoded()
        next(chunks)
        assert len(asked) == int(is_reacted_to)
        pages = 1 + sum(1 for _ in chunks)

    assert pages > 1
    assert len(asked) == (pages if is_reacted_to else 0)
