"""What a person is told and may erase over HTTP: by a token, and by nothing else."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

from chatroom.engine import Engine
from chatroom.message import Held, Remover
from chatroom.rooms.charter import NEVER, Ban, Charter, Host
from chatroom.rooms.ranks import Rank
from chatroom.users.tokens import Identity
from chatroom.web.api.me import AT_ONCE
from tests.support.deadline import DEADLINE
from tests.support.flask_client import fail
from tests.support.histories import typed

SETTINGS: dict[str, object] = {"allowed_origins": ("https://friend.example",)}
"""Of the ``app``: see conftest.py."""

ANN = "ann-id"


def as_user(engine: Engine, user_id: str = ANN) -> dict[str, str]:
    return {"Authorization": f"Bearer {engine.tokens.write(Identity(user_id, 'tab'))}"}


def enact(engine: Engine, room: str, charter: Charter) -> None:
    engine.server.ask(lambda: engine.history.enact(room, charter.to_json(), None), DEADLINE)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("bearer", ["", "nonsense", "link", "pass"])
def test_only_a_token_proves_who_somebody_is(
    client: FlaskClient, engine: Engine, method: str, bearer: str
) -> None:
    proofs = {
        "link": engine.tokens.write_operator_link(),
        "pass": engine.tokens.write_pass("lobby", ANN, 0),
    }
    headers = {"Authorization": f"Bearer {proofs.get(bearer, bearer)}"} if bearer else {}

    reply = client.open("/api/me", method=method, headers=headers)

    assert (reply.status_code, json.loads(reply.text)["code"]) == (401, "bad-token")


def test_it_is_a_file_for_them_alone(client: FlaskClient, engine: Engine) -> None:
    engine.history.append([typed("lobby", 1, ANN, "c1", "mine"), typed("lobby", 2, "bob", "c1")])

    reply = client.get("/api/me", headers=as_user(engine))

    assert reply.cache_control.no_store
    assert "attachment" in reply.headers["Content-Disposition"]
    assert reply.json
    assert [one["body"] for one in reply.json["messages"]] == ["mine"]
    assert client.head("/api/me", headers=as_user(engine)).status_code == 200


def test_even_whoever_is_barred_may_erase_what_is_theirs(
    client: FlaskClient, engine: Engine
) -> None:
    """And stays barred."""
    engine.history.append([typed("lobby", 1, ANN, "c1", "mine"), typed("lobby", 2, "bob", "c1")])
    engine.history.hold(Held("lobby", "f" * 16, "Ann", "waits", "1 PM", 7, ANN, "c2"))
    enact(engine, "lobby", Charter(barred={ANN: Ban("Ann", NEVER)}))

    reply = client.delete("/api/me", headers=as_user(engine))

    assert reply.json == {"userId": ANN, "rooms": 1}
    left = [message.body for page in engine.history.pages("lobby", 0, 9) for message in page]
    assert left == ["", "hi"]
    assert engine.history.held("lobby") == []
    charter = Charter.parse(engine.history.charter("lobby"))
    assert charter.barred == {ANN: Ban("", NEVER)}


def test_an_operator_who_has_written_nothing_is_none_any_more(
    client: FlaskClient, engine: Engine
) -> None:
    house = Charter(hosts={ANN: Host("Ann", Rank.OPERATOR)})
    engine.server.ask(lambda: setattr(engine.server.house, "charter", house), DEADLINE)
    enact(engine, "", house)

    assert client.delete("/api/me", headers=as_user(engine)).json == {"userId": ANN, "rooms": 1}

    assert engine.server.house.charter.hosts == {}
    assert engine.history.charter("") == ""
    assert engine.history.rooms() == []


def test_pages_of_other_sites_erase_nothing(client: FlaskClient, engine: Engine) -> None:
    headers = {**as_user(engine), "Origin": "https://foe.example"}

    assert client.delete("/api/me", headers=headers).status_code == 403


def test_a_disk_that_fails_is_told_and_nothing_is_half_erased(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.history.append([typed("lobby", 1, ANN, "c1", "mine")])
    with monkeypatch.context() as patch:
        patch.setattr(engine.history, "enact", fail)
        assert client.delete("/api/me", headers=as_user(engine)).status_code == 503

    reply = client.get("/api/me", headers=as_user(engine))
    assert reply.json
    assert [one["body"] for one in reply.json["messages"]] == ["mine"]
    assert client.delete("/api/me", headers=as_user(engine)).status_code == 200


def test_whoever_reads_slowly_keeps_nobody_from_erasing(
    client: FlaskClient, engine: Engine
) -> None:
    engine.history.append([typed("lobby", 1, ANN, "c1", "mine")])
    slow = [client.get("/api/me", headers=as_user(engine)) for _ in range(AT_ONCE)]
    refused = client.get("/api/me", headers=as_user(engine))
    assert (refused.status_code, json.loads(refused.text)["code"]) == (503, "busy")

    assert client.delete("/api/me", headers=as_user(engine)).status_code == 200

    for reply in slow:
        reply.close()
    assert client.get("/api/me", headers=as_user(engine)).status_code == 200


def test_a_look_does_not_ask_for_each_message_that_somebody_has_removed(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database answers each time only after a while."""
    messages = [typed("lobby", seq, ANN, f"c{seq}", "mine") for seq in range(1, 9)]
    engine.history.append(messages)
    for rev, message in enumerate(messages, 1):
        engine.history.rewrite(message.taken_back(Remover.AUTHOR, rev))
    monkeypatch.setattr(engine.history, "evidence", fail)

    reply = client.get("/api/me", headers=as_user(engine))

    assert len(json.loads(reply.text)["removed"]) == len(messages)
    for rooms in (1, 0):
        erased = client.delete("/api/me", headers=as_user(engine))
        assert erased.json == {"userId": ANN, "rooms": rooms}
