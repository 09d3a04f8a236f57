"""What a host does over HTTP: who may, what it answers, and that nothing comes of a refusal."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chatroom.engine import Engine
from chatroom.history.host_log import LogEntry
from chatroom.message import Draft, Message
from chatroom.rooms.charter import Charter, Host
from chatroom.rooms.ranks import Rank
from chatroom.sockets import budget
from chatroom.users import tokens
from chatroom.users.proof import Proof
from chatroom.users.speaking_pace import ACTS_PER_SECOND, SECONDS_AT_ONCE
from chatroom.users.tokens import Identity
from chatroom.web.api import problems
from chatroom.wire.acts import UseOperatorLink
from tests.support.deadline import DEADLINE
from tests.support.flask_client import engine_of, fail, started

SETTINGS = {"max_rooms": 2, "allowed_origins": ("https://friend.example",)}
"""Of the ``app``: see conftest.py."""

ANN, BOB, EVE = "ann-id", "bob-id", "eve-id"
HOST = "/api/rooms/class/host"
QUIET = {"act": "quiet", "userId": BOB, "userName": "Bob", "seconds": 600}


@pytest.fixture(autouse=True)
def charter(engine: Engine) -> None:
    """Ann has made the class, and Eve is a host there."""
    hosts = {ANN: Host("Ann", Rank.MAKER), EVE: Host("Eve", Rank.HOST)}
    text = Charter(hosts=hosts).to_json()
    engine.server.ask(lambda: engine.history.enact("class", text, None), DEADLINE)


def of_room(engine: Engine, room: str = "class") -> Charter:
    return Charter.parse(engine.history.charter(room))


def log_of(engine: Engine, room: str = "class") -> list[LogEntry]:
    return engine.history.host_log(room)


def as_user(engine: Engine, user_id: str = ANN) -> dict[str, str]:
    return {"Authorization": f"Bearer {engine.tokens.write(Identity(user_id, 'tab'))}"}


def as_operator(engine: Engine) -> dict[str, str]:
    return {"Authorization": f"Bearer {engine.tokens.write_operator_link()}"}


def act(
    client: FlaskClient, who: dict[str, str], address: str = HOST, **fields: object
) -> TestResponse:
    return client.post(address, json=fields, headers=who)


def problem(reply: TestResponse, code: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(reply.text)
    assert (found["code"], reply.status_code) == (code, problems.KINDS[code].status), found
    assert reply.mimetype == "application/problem+json"
    return found


# -- a host ------------------------------------------------------------------------------------


def test_a_host_acts(client: FlaskClient, engine: Engine):
    reply = act(client, as_user(engine), **QUIET)

    assert (reply.status_code, reply.mimetype, reply.json) == (200, "application/json", {})
    assert reply.cache_control.no_store
    assert of_room(engine).quiet[BOB].name == "Bob"
    (entry,) = log_of(engine)
    assert entry[1:] == ("quiet", ANN, "Ann", BOB, "Bob", "600 s")


def test_who_makes_a_link_is_told_it_and_nobody_else(client: FlaskClient, engine: Engine):
    reply = act(client, as_user(engine), act="makeLink")

    assert reply.json
    assert list(reply.json) == ["link"]
    secret = reply.json["link"]
    assert len(secret) >= 12
    assert secret not in engine.history.charter("class")


def test_a_host_looks_either_way(client: FlaskClient, engine: Engine):
    act(client, as_user(engine), **QUIET)
    act(client, as_user(engine), act="makeLink", uses=3)

    reply = client.get(HOST, headers=as_user(engine, EVE))

    assert reply.status_code == 200
    assert reply.cache_control.no_store
    found = reply.json
    assert found
    assert [host["role"] for host in found["hosts"]] == ["maker", "host"]
    assert [(one["userId"], one["userName"]) for one in found["quiet"]] == [(BOB, "Bob")]
    assert [link["uses"] for link in found["links"]] == [3]
    assert [entry["act"] for entry in found["log"]] == ["makeLink", "quiet"]
    assert act(client, as_user(engine, EVE), act="look").json == found
    assert act(client, as_user(engine), act="revokeLink", link=found["links"][0]["link"]).json == {}
    assert of_room(engine).links == {}


def test_it_does_not_matter_what_a_token_says_but_whose_it_is(client: FlaskClient, engine: Engine):
    act(client, as_user(engine), act="unmakeHost", userId=EVE)

    problem(act(client, as_user(engine, EVE), **QUIET), "not-host")
    problem(client.get(HOST, headers=as_user(engine, EVE)), "not-host")


# -- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("given", [None, "Basic YW5uOnMzY3JldA==", "Bearer rubbish"])
def test_who_does_not_prove_who_it_is_is_told_how(
    client: FlaskClient, method: str, given: str | None
):
    headers = {"Authorization": given} if given else {}
    reply = client.open(HOST, method=method, json=QUIET, headers=headers)

    found = problem(reply, "bad-token")
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")
    assert "Authorization: Bearer TOKEN" in found["detail"]
    assert "`chatroom host`" in found["detail"]


@pytest.mark.parametrize(
    ("who", "fields", "code"),
    [
        (BOB, QUIET, "not-host"),
        (BOB, {"act": "look"}, "not-host"),
        (EVE, {"act": "bar", "userId": ANN}, "not-allowed"),
        (EVE, {"act": "unmakeHost", "userId": ANN}, "not-allowed"),
        (ANN, {"act": "revokeLink", "link": "none"}, "gone"),
    ],
)
def test_what_is_refused_is_as_it_was(
    client: FlaskClient, engine: Engine, who: str, fields: dict[str, object], code: str
):
    before = of_room(engine)

    problem(act(client, as_user(engine, who), **fields), code)

    assert (of_room(engine), log_of(engine)) == (before, [])


def test_of_links_there_are_not_more_than_a_room_can_have(client: FlaskClient, engine: Engine):
    for _ in range(100):
        assert act(client, as_user(engine), act="makeLink").status_code == 200

    found = problem(act(client, as_user(engine), act="makeLink"), "too-many")
    assert "undo one of them first" in found["detail"]


@pytest.mark.parametrize(
    ("data", "code", "field", "value"),
    [
        (b'{"act": "shout"}', "bad-act", "act", "shout"),
        (b"{}", "bad-act", "act", None),
        (b'{"act": "quiet"}', "bad-act", "userId", None),
        (b'{"act": "quiet", "userId": 5}', "bad-act", "userId", "5"),
        (b'{"act": "quiet", "userId": "u", "seconds": "60"}', "bad-act", "seconds", "60"),
        (b'{"act": "bar", "userId": "u", "userName": "\\u202eBob"}', "bad-act", "userName", None),
        (b'{"act": "rules", "speak": ["slow"]}', "bad-act", "speak", '["slow"]'),
        (b"[]", "bad-json", "body", "[]"),
        (b"\xff", "bad-json", "body", None),
    ],
)
def test_a_bad_act_is_refused_with_its_field(
    client: FlaskClient, engine: Engine, data: bytes, code: str, field: str, value: str | None
):
    headers = as_user(engine)
    reply = client.post(HOST, data=data, content_type="application/json", headers=headers)

    found = problem(reply, code)
    assert found["field"] == field
    assert found["detail"]
    assert value is None or found["value"] == value


def test_an_act_of_another_type_or_length_is_refused(client: FlaskClient, engine: Engine):
    headers = as_user(engine)
    problem(client.post(HOST, data=b"look", headers=headers), "unsupported-type")
    problem(act(client, headers, act="quiet", userId="u", more="x" * 65536), "too-large")
    problem(client.post("/api/rooms/a b/host", json=QUIET, headers=headers), "bad-room")


def test_a_page_of_another_site_does_nothing(client: FlaskClient, engine: Engine):
    evil = as_user(engine) | {"Origin": "https://evil.example"}
    problem(act(client, evil, **QUIET), "foreign-origin")
    assert of_room(engine).quiet == {}

    friend = as_user(engine) | {"Origin": "https://friend.example"}
    reply = act(client, friend, **QUIET)
    assert (reply.status_code, reply.access_control_allow_origin) == (200, friend["Origin"])


def test_what_cannot_be_stored_is_not_done(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(engine.history, "enact", fail)
        problem(act(client, as_user(engine), **QUIET), "unavailable")
    assert engine.server.say("class", Draft("Bob", "hi", ""), timeout=DEADLINE).is_new

    assert act(client, as_user(engine), **QUIET).status_code == 200


def test_what_is_refused_makes_no_room(client: FlaskClient, engine: Engine):
    """Nor does a look; and nobody is told that there are too many rooms who may not act."""
    garden = "/api/rooms/garden/host"
    for _ in range(100):  # more than one address may create
        problem(act(client, as_user(engine), garden, **QUIET), "not-host")
        assert act(client, as_operator(engine), garden, act="look").status_code == 200
    assert client.get(garden, headers=as_operator(engine)).json == {
        "rules": {
            "speak": "everybody",
            "slowSeconds": 0,
            "needsHost": False,
            "door": "open",
            "listed": True,
        },
        "hosts": [],
        "quiet": [],
        "knocks": [],
        "barred": [],
        "links": [],
        "held": [],
        "log": [],
        "keys": [],
    }

    assert engine.server.say("garden", Draft("Bob", "hi", ""), timeout=DEADLINE).is_new
    problem(act(client, as_user(engine), "/api/rooms/kitchen/host", **QUIET), "not-host")
    problem(act(client, as_operator(engine), "/api/rooms/kitchen/host", **QUIET), "too-many-rooms")


def test_the_log_says_what_was_done_and_not_to_whom(
    client: FlaskClient, engine: Engine, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO", "chatroom")
    act(client, as_user(engine), **QUIET)
    act(client, as_user(engine, BOB), **QUIET)
    client.get(HOST, headers=as_user(engine))

    assert caplog.messages == ['host: quiet (127.0.0.1) room "class"']


# -- the operator ------------------------------------------------------------------------------


def test_with_an_operators_link_one_acts_as_the_operator(client: FlaskClient, engine: Engine):
    reply = act(client, as_operator(engine), act="unmakeHost", userId=ANN)

    assert reply.status_code == 200
    assert ANN not in of_room(engine).hosts
    (entry,) = log_of(engine)
    assert entry[1:] == ("unmakeHost", "", "operator", ANN, "Ann", "")
    reply = client.get(HOST, headers=as_operator(engine))
    assert reply.json
    assert reply.json["log"][0]["by"] == {"userId": "", "userName": "operator"}


def test_that_makes_nobody_an_operator_and_uses_nothing_up(client: FlaskClient, engine: Engine):
    operator = as_operator(engine)
    for seconds in (60, 120, 180):
        assert act(client, operator, **QUIET | {"seconds": seconds}).status_code == 200

    assert engine.history.charter("") == ""
    assert of_room(engine).links == {}


def test_a_link_that_was_opened_is_no_bearer_any_more(client: FlaskClient, engine: Engine):
    """Whoever saw it then, over somebody's shoulder, could have opened it just as well."""
    operator = as_operator(engine)
    link = engine.tokens.read_operator_link(operator["Authorization"].partition(" ")[2])
    assert link
    opened = UseOperatorLink(*link)
    engine.server.rule("lobby", opened, by=Proof(user_id=BOB), timeout=DEADLINE)

    problem(act(client, operator, **QUIET), "not-host")
    assert client.get(HOST, headers=as_operator(engine)).status_code == 200


def test_after_ten_minutes_it_proves_nothing(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    operator = as_operator(engine)
    later = time.time() + tokens.LINK_SECONDS
    monkeypatch.setattr(tokens.time, "time", lambda: later)

    found = problem(act(client, operator, **QUIET), "bad-token")
    assert "or has expired" in found["detail"]


def test_an_operator_removes_any_message_and_brings_it_back(client: FlaskClient, engine: Engine):
    """As a host, also what a plain user has said: so it can be brought back."""
    for user_id in (BOB, ""):
        message = said(engine, user_id)
        address = f"/api/rooms/class/messages/{message.id}"

        problem(
            client.patch(address, json={"body": "ho"}, headers=as_operator(engine)), "not-yours"
        )
        assert client.delete(address, headers=as_operator(engine)).status_code == 204
        problem(client.get(address), "gone")
        assert client.post(f"{address}/restore", headers=as_operator(engine)).status_code == 200
        assert (client.get(address).json or {})["body"] == "hi"


def said(engine: Engine, user_id: str) -> Message:
    seq, _ = engine.history.head("class")
    now = time.time_ns() // 1_000_000
    message = Message("class", seq + 1, f"{seq:016x}", "Bob", "hi", "10:42 AM", now, user_id)
    engine.server.ask(lambda: engine.history.append([message]), DEADLINE)
    return message


# -- pace ----------------------------------------------------------------------------------------


def test_who_acts_too_fast_is_told_when_to_come_back_but_not_the_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Each act is a transaction, for which all rooms wait; and anybody can make a room."""
    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    with started(tmp_path, history="memory:", messages_per_second=1) as app:
        engine, client = engine_of(app), app.test_client()
        text = Charter(hosts={ANN: Host("Ann", Rank.MAKER)}).to_json()
        engine.server.ask(lambda: engine.history.enact("class", text, None), DEADLINE)
        as_ann = as_user(engine)
        for _ in range(ACTS_PER_SECOND * SECONDS_AT_ONCE):
            assert act(client, as_ann, act="look").status_code == 200

        refused = act(client, as_ann, **QUIET)

        problem(refused, "too-fast")
        assert refused.headers["Retry-After"] == "1"
        assert client.get(HOST, headers=as_ann).status_code == 429
        assert of_room(engine).quiet == {}
        assert act(client, as_operator(engine), **QUIET).status_code == 200
