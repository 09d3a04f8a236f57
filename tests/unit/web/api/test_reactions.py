"""Reacting over HTTP, and the counts beside messages."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chatroom.engine import Engine
from chatroom.message import Message
from chatroom.reactions import MOST_TOLD
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
