"""Posting where not everybody may speak at any time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chatroom.message import Draft, Held
from chatroom.rooms.approval import MOST_OF_ONE
from chatroom.rooms.charter import NO_CHARTER, Charter, Host, Key, Speak
from chatroom.rooms.codes import key_id
from chatroom.rooms.ranks import Rank
from chatroom.users.tokens import new_identity
from tests.support.flask_client import engine_of, started


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    with started(tmp_path, history="memory:", messages_per_second=1) as app:
        yield app


def post(client: FlaskClient, room: str = "lobby", **fields: str) -> TestResponse:
    message = {"userName": "CI", "body": "hello", **fields}
    return client.post(f"/api/rooms/{room}/messages", json=message)


def bodies(client: FlaskClient, room: str = "lobby") -> list[str]:
    found = client.get(f"/api/rooms/{room}/messages").get_json()
    return [message["body"] for message in found["messages"]]


def test_who_posts_too_fast_is_told_when_to_come_back(client: FlaskClient) -> None:
    for number in range(5):
        assert post(client, body=f"{number}").status_code == 201

    refused = post(client, body="one too many")

    assert (refused.status_code, refused.get_json()["code"]) == (429, "too-fast")
    assert refused.headers["Retry-After"] == "1"
    assert bodies(client) == ["0", "1", "2", "3", "4"]
    assert post(client, "another").status_code == 201


def test_a_script_answers_a_message(client: FlaskClient) -> None:
    question = post(client).get_json()
    assert "replyTo" not in question

    answer = post(client, body="yes", cmid="a1", replyTo=question["id"])

    assert (answer.status_code, answer.get_json()["replyTo"]) == (201, question["id"])
    assert post(client, body="yes", cmid="a1", replyTo=question["id"]).status_code == 200
    found = client.get("/api/rooms/lobby/messages").get_json()["messages"]
    assert [message.get("replyTo") for message in found] == [None, question["id"]]
    assert client.get(answer.headers["Location"]).get_json() == answer.get_json()


def test_an_answer_to_what_is_not_there_is_said_and_one_to_no_id_is_not(
    client: FlaskClient,
) -> None:
    gone = f"7-{'f' * 16}"
    assert post(client, replyTo=gone).get_json()["replyTo"] == gone
    assert "replyTo" not in post(client, replyTo="").get_json()

    for wrong in ("7", "0-0", "7-abc", f"07-{'f' * 16}", f"{10**12}-{'f' * 16}", 7, None):
        refused = post(client, replyTo=wrong)  # type: ignore[arg-type]
        problem = refused.get_json()
        assert (refused.status_code, problem["code"], problem["field"]) == (
            422,
            "bad-field",
            "replyTo",
        )
        assert "the id of the message that it answers" in problem["detail"]
    assert len(bodies(client)) == 2


def test_hosts_and_scripts_with_a_key_take_back_as_fast_as_they_like(
    app: Flask, client: FlaskClient
) -> None:
    """Such as somebody's hundred messages; everybody else has a pace."""
    hosts, keys = {"u1": Host("Ann", Rank.HOST)}, {key_id("s1"): Key("CI", True, "k1")}
    decide(app, "class", replace(NO_CHARTER, hosts=hosts, keys=keys))
    message = post(client, "class").headers["Location"]
    tokens = engine_of(app).tokens

    def statuses(bearer: str) -> set[int]:
        headers = {"Authorization": f"Bearer {bearer}"}
        return {client.delete(message, headers=headers).status_code for _ in range(20)}

    assert statuses("s1") == {403}
    assert statuses(tokens.write(new_identity("u1"))) == {204}
    assert statuses(tokens.write_operator_link()) == {204}
    assert statuses(tokens.write(new_identity("u2"))) == {403, 429}


def decide(app: Flask, room: str, charter: Charter) -> None:
    engine_of(app).server.ask(
        lambda: engine_of(app).history.enact(room, charter.to_json(), None), 5.0
    )


def test_a_script_speaks_by_the_name_of_its_key_however_long_that_is(
    app: Flask, client: FlaskClient
) -> None:
    name = "The continuous integration of the whole department, which never sleeps"
    keys = {key_id("s1"): Key(name, True, "k1")}
    decide(app, "builds", replace(NO_CHARTER, keys=keys))
    bearer = {"Authorization": "Bearer s1"}

    said = client.post("/api/rooms/builds/messages", json={"body": "green"}, headers=bearer)

    assert (said.status_code, said.get_json()["userName"]) == (201, name)


def test_where_only_hosts_may_speak_a_script_is_told(app: Flask, client: FlaskClient) -> None:
    decide(app, "news", replace(NO_CHARTER, speak=Speak.HOSTS))

    refused = post(client, "news", cmid="c1")

    assert (refused.status_code, refused.get_json()["code"]) == (403, "paused")
    assert bodies(client, "news") == []


def test_where_all_are_slow_scripts_are_too(app: Flask, client: FlaskClient) -> None:
    decide(app, "slow", replace(NO_CHARTER, speak=Speak.SLOW, slow_seconds=60))
    assert post(client, "slow", body="first").status_code == 201

    refused = post(client, "slow", body="second")

    assert (refused.status_code, refused.get_json()["code"]) == (429, "slow")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert bodies(client, "slow") == ["first"]


def test_where_a_host_approves_a_script_is_told_that_its_message_waits(
    app: Flask, client: FlaskClient
) -> None:
    decide(app, "talk", replace(NO_CHARTER, speak=Speak.APPROVAL))

    answer = post(client, "talk", cmid="c1", body="May I?")

    assert answer.status_code == 202
    held = answer.get_json()
    assert (held["userName"], held["body"], held["cmid"]) == ("CI", "May I?", "c1")
    assert "userId" not in held
    assert answer.cache_control.no_store
    assert bodies(client, "talk") == []
    assert post(client, "talk", cmid="c1", body="May I?").get_json() == held


def test_a_script_that_has_too_much_waiting_is_told(app: Flask, client: FlaskClient) -> None:
    decide(app, "talk", replace(NO_CHARTER, speak=Speak.APPROVAL))
    for number in range(MOST_OF_ONE):
        draft = Draft("CI", f"{number}", "10:42 AM")
        assert isinstance(engine_of(app).server.say("talk", draft, timeout=5.0), Held)

    refused = post(client, "talk", body="one too many", cmid="c9")

    assert (refused.status_code, refused.get_json()["code"]) == (429, "held")
    assert refused.get_json()["value"] == "c9"
