"""Every way to read a room over HTTP asks the Policy first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chatroom.engine import Engine
from chatroom.errors import Refusal
from chatroom.rooms.charter import NO_CHARTER, Ban, Charter, Door, Host, Key
from chatroom.rooms.codes import hashed, key_id
from chatroom.rooms.policy import Place, Policy, Visitor
from chatroom.rooms.ranks import Rank
from chatroom.users.tokens import new_identity
from tests.support.deadline import DEADLINE
from tests.support.flask_client import remember, started

SETTINGS: dict[str, object] = {}
"""Of the ``app``: see conftest.py."""

NO = Refusal("too-many-rooms", "The test says no.")

WAYS = {
    "getAllMessages": "/getAllMessages",
    "transcript": "/rooms/lobby/transcript",
    "api.users": "/api/rooms/lobby/users",
    "api.messages": "/api/rooms/lobby/messages",
    "api.message": "/api/rooms/lobby/messages/1-0000000000000001",
    "api.events": "/api/rooms/lobby/events",
    "api.look": "/api/rooms/lobby/host",
    "api.view": "/api/rooms/lobby/files",
    "api.file": f"/api/rooms/lobby/files/{'0' * 32}",
    "api.thumbnail": f"/api/rooms/lobby/files/{'0' * 32}/thumbnail",
}
"""Each view, and an address of it."""

READ_NOTHING = {
    *("page", "room_page", "static", "manifest", "invite", "invitation_picture"),  # without people
    *("healthz", "livez", "metrics", "api.description"),
    *("api.me", "api.me_with_files", "api.forget_me"),  # by people themselves, of what is theirs
    "api.rooms",  # each of them is judged: see below
    *("api.say", "api.act", "__flask_sock.chat"),  # the Server asks: see rooms/test_policy.py
}

MESSAGE = WAYS["api.message"]

CHANGES = {
    "api.edit": ("PATCH", MESSAGE),
    "api.remove": ("DELETE", MESSAGE),
    "api.restore": ("POST", f"{MESSAGE}/restore"),
    "api.put_reaction": ("PUT", f"{MESSAGE}/reactions/like"),
    "api.delete_reaction": ("DELETE", f"{MESSAGE}/reactions/like"),
    "api.upload": ("PUT", WAYS["api.file"]),
    "api.add_thumbnail": ("PUT", WAYS["api.thumbnail"]),
}
"""Each view that changes a message: whoever may not read it may not do that, either."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Visitor, str]]:
    """The rooms that somebody wanted to read; nobody may read the lobby."""
    asked: list[tuple[Visitor, str]] = []

    def may_read(policy: Policy, visitor: Visitor, place: Place) -> Refusal | None:
        asked.append((visitor, place.name))
        return NO if place.name == "lobby" else None

    monkeypatch.setattr(Policy, "may_read", may_read)
    return asked


def test_no_way_is_forgotten(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == {
        *WAYS,
        *CHANGES,
        *READ_NOTHING,
    }


@pytest.mark.parametrize("address", WAYS.values())
def test_every_way_asks(
    client: FlaskClient, engine: Engine, asked: list[tuple[Visitor, str]], address: str
) -> None:
    remember(engine, 1, "lobby", body="secret")

    reply = client.get(address, headers={"X-Forwarded-For": "198.51.100.1"})

    assert reply.status_code == 403
    assert "The test says no." in reply.text
    assert "secret" not in reply.text
    assert asked == [(Visitor("198.51.100.1"), "lobby")]  # as its proxy says
    assert client.head(address).status_code == 403


@pytest.mark.parametrize(("method", "address"), CHANGES.values(), ids=CHANGES)
def test_every_change_asks(
    client: FlaskClient,
    engine: Engine,
    asked: list[tuple[Visitor, str]],
    method: str,
    address: str,
) -> None:
    """But not the browser that asks on behalf of a page whether it may be asked for."""
    remember(engine, 1, "lobby", body="secret")

    reply = client.open(address, method=method)

    assert reply.status_code == 403
    assert "The test says no." in reply.text
    assert [room for _visitor, room in asked] == ["lobby"]
    assert client.options(address).status_code == 200


def test_the_room_is_judged_by_the_name_that_it_has(
    client: FlaskClient, asked: list[tuple[Visitor, str]]
) -> None:
    """However it is written in the address."""
    assert client.get("/api/rooms/Ku\u0308che/messages").status_code == 200
    assert [room for _visitor, room in asked] == ["K\u00fcche"]


def test_of_a_room_that_may_not_be_read_only_the_name_is_listed(
    client: FlaskClient, engine: Engine, asked: list[tuple[Visitor, str]]
) -> None:
    for room in "lobby", "garden":
        remember(engine, 1, room)

    listed = client.get("/api/rooms").json
    assert listed
    assert [sorted(room) for room in listed["rooms"]] == [
        ["last", "messages", "name", "sentAt"],
        ["door", "name"],
    ]
    assert listed["rooms"][1] == {"name": "lobby", "door": "open"}


def test_a_person_reads_why_in_a_page(
    client: FlaskClient, engine: Engine, asked: list[tuple[Visitor, str]]
) -> None:
    reply = client.get(WAYS["transcript"], headers={"Accept": "text/html"})

    assert (reply.status_code, reply.mimetype) == (403, "text/html")
    assert "You may not do that" in reply.text


# -- a room with a door --------------------------------------------------------------------------

CODED = Charter(
    hosts={"u1": Host("Ann", Rank.HOST)},
    barred={"u3": Ban("Bob", 0)},
    door=Door.CODE,
    code="bcdfghjk",
    keys={key_id("s1"): Key("CI", True, "k1"), key_id("s2"): Key("Mirror", False, "k2")},
)
TYPED = replace(CODED, code="", code_hash=hashed("Open s\u00e9same"))
SHUT = replace(CODED, door=Door.SHUT)

POSTED = {"userName": "Ann", "body": "hello"}


def decide(engine: Engine, charter: Charter, room: str = "lobby") -> None:
    """As a host does it, though nobody is told."""
    engine.server.ask(lambda: engine.history.enact(room, charter.to_json(), None), DEADLINE)


@pytest.fixture
def coded(engine: Engine) -> Engine:
    remember(engine, 1, "lobby", body="secret")
    decide(engine, CODED)
    return engine


def by(bearer: str) -> dict[str, str]:
    """As curl sends it."""
    return {"Authorization": f"Bearer {bearer}".encode().decode("latin-1")}


def is_open(client: FlaskClient, bearer: str, address: str = WAYS["api.messages"]) -> bool:
    return client.get(address, headers=by(bearer)).status_code == 200


@pytest.mark.parametrize("address", WAYS.values())
def test_a_door_hides_everything(client: FlaskClient, coded: Engine, address: str) -> None:
    """And says how to get in."""
    for headers in {}, by("wrong"), by(coded.tokens.write(new_identity())), {"Authorization": "X"}:
        reply = client.get(address, headers=headers)
        assert reply.status_code == 401
        assert reply.headers["WWW-Authenticate"] == "Bearer"
        assert "Authorization: Bearer" in reply.text
        assert "secret" not in reply.text
        assert client.head(address, headers=headers).status_code == 401
    with client.get(address, headers=by("s1")) as reply:
        others = {WAYS["api.look"]: 403}  # a host's
        others |= {WAYS["api.file"]: 404, WAYS["api.thumbnail"]: 404}  # of no file
        assert reply.status_code == others.get(address, 200)


@pytest.mark.parametrize("query", ["?q=secret", "?since=0-0", "?limit=1&before=9-0000000000000009"])
def test_no_parameter_leads_past_it(client: FlaskClient, coded: Engine, query: str) -> None:
    assert client.get(WAYS["api.messages"] + query).status_code == 401
    lines = {"Accept": "application/x-ndjson"}
    assert client.get(WAYS["api.messages"] + query, headers=lines).status_code == 401


@pytest.mark.parametrize(
    ("charter", "code"), [(CODED, "BCDF GHJK"), (TYPED, "Open s\u00e9same"), (SHUT, "")]
)
def test_who_may_read_behind_it(
    client: FlaskClient, engine: Engine, charter: Charter, code: str
) -> None:
    decide(engine, charter)
    tokens = engine.tokens

    assert is_open(client, tokens.write(new_identity("u1")))  # a host
    assert is_open(client, tokens.write_pass("lobby", "u2", 0))
    assert is_open(client, "s1")
    assert is_open(client, "s2")
    assert is_open(client, tokens.write_operator_link())
    assert is_open(client, code) is bool(code)
    assert not is_open(client, tokens.write_pass("garden", "u2", 0))
    for removed in tokens.write_pass("lobby", "u3", 0), tokens.write(new_identity("u3")):
        assert client.get(WAYS["api.users"], headers=by(removed)).status_code == 403


def test_a_shut_door_is_no_question_of_a_code(client: FlaskClient, engine: Engine) -> None:
    decide(engine, SHUT)

    reply = client.get(WAYS["api.messages"])

    assert reply.json
    assert (reply.status_code, reply.json["code"]) == (403, "shut")
    assert "WWW-Authenticate" not in reply.headers


def test_after_five_wrong_codes_an_address_has_to_wait(client: FlaskClient, coded: Engine) -> None:
    for number in range(5):
        assert not is_open(client, f"wrong {number}")

    reply = client.get(WAYS["api.messages"], headers=by("bcdfghjk"))

    assert reply.json
    assert (reply.status_code, reply.json["code"]) == (429, "too-many-tries")
    assert 0 < int(reply.headers["Retry-After"]) <= 12
    transcript = client.get(WAYS["transcript"], headers=by("bcdfghjk"))
    assert (transcript.status_code, "Retry-After" in transcript.headers) == (429, True)
    assert is_open(client, coded.tokens.write_pass("lobby", "u2", 0))
    elsewhere = by("bcdfghjk") | {"X-Forwarded-For": "198.51.100.1"}
    assert client.get(WAYS["api.messages"], headers=elsewhere).status_code == 200


def test_a_person_without_a_script_reads_that_there_is_a_door(
    client: FlaskClient, coded: Engine
) -> None:
    reply = client.get(WAYS["transcript"], headers={"Accept": "text/html"})

    assert (reply.status_code, reply.mimetype) == (401, "text/html")
    assert "This room has a door" in reply.text


@pytest.mark.parametrize(("charter", "word"), [(CODED, "Code"), (SHUT, "niemand Neues")])
def test_a_person_reads_it_in_german(
    client: FlaskClient, engine: Engine, charter: Charter, word: str
) -> None:
    decide(engine, charter)
    german = {"Accept": "text/html", "Accept-Language": "de"}

    reply = client.get(WAYS["transcript"], headers=german)

    assert word in reply.text
    assert '<html lang="de">' in reply.text
    assert 'lang="en"' not in reply.text


def test_the_page_itself_still_loads(client: FlaskClient, coded: Engine) -> None:
    for address in "/", "/manifest.webmanifest", "/healthz", "/api/openapi.json", "/invitation":
        assert client.get(address).status_code == 200


def test_a_history_that_fails_is_no_open_door(
    client: FlaskClient, coded: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(coded, CODED)
    coded.server.ask(lambda: coded.history.enact("lobby", "rubbish", None), DEADLINE)

    for address in WAYS.values():
        reply = client.get(address)
        assert reply.status_code == 503
        assert "Retry-After" in reply.headers


# -- speaking behind it --------------------------------------------------------------------------


def post(client: FlaskClient, bearer: str = "", **fields: str) -> Any:
    headers = by(bearer) if bearer else {}
    return client.post(WAYS["api.messages"], json=POSTED | fields, headers=headers)


def test_a_stranger_says_nothing_either(client: FlaskClient, coded: Engine) -> None:
    for number in range(2):  # the second time, somebody listens
        assert post(client).status_code == 401
        assert post(client, f"wrong {number}").status_code == 401
        with client.get(WAYS["api.events"], headers=by("bcdfghjk")) as listening:
            assert listening.status_code == 200
    assert coded.history.head("lobby").seq == 1
    assert post(client, "bcdfghjk").status_code == 201


def test_a_script_with_a_key_speaks_under_its_name(client: FlaskClient, coded: Engine) -> None:
    said = client.post(WAYS["api.messages"], json={"body": "green"}, headers=by("s1"))
    again = post(client, "s1", userName="CI", cmid="c1")

    assert said.status_code == again.status_code == 201
    assert said.json
    assert [said.json[key] for key in ("userName", "userId", "by")] == ["CI", "k1", "script"]
    other = post(client, "s1", userName="Ann").json
    assert (other["code"], other["wanted"]) == ("bad-field", "CI, the key's name, or none")


def test_a_script_has_no_pace(client: FlaskClient, engine: Engine, tmp_path: Path) -> None:
    with started(tmp_path / "paced", history="memory:", messages_per_second=1) as app:
        paced = app.extensions["chatroom"]
        decide(paced, CODED)
        client = app.test_client()
        statuses = {post(client, "s1", userName="CI").status_code for _ in range(20)}
        assert statuses == {201}
        assert 429 in {post(client, "bcdfghjk").status_code for _ in range(20)}


def test_a_key_for_reading_says_nothing(client: FlaskClient, coded: Engine) -> None:
    assert post(client, "s2", userName="Mirror").json["code"] == "read-only"
    reply = client.delete(WAYS["api.message"], headers=by("s2"))
    assert (reply.status_code, reply.json and reply.json["code"]) == (403, "read-only")


def test_a_pass_proves_who_somebody_is_in_its_room(client: FlaskClient, coded: Engine) -> None:
    """So that an author who is no host can change a message behind a door."""
    mine = by(coded.tokens.write_pass("lobby", "u2", 0))

    reply = client.delete(WAYS["api.message"], headers=mine)

    assert (reply.status_code, reply.json and reply.json["code"]) == (403, "not-yours")


def test_a_hosts_key_is_a_hosts_console(client: FlaskClient, engine: Engine) -> None:
    hosts = {"k1": Host("CI", Rank.HOST), "k2": Host("Mirror", Rank.HOST)}
    decide(engine, replace(SHUT, hosts=hosts))

    done = client.post("/api/rooms/lobby/host", json={"act": "look"}, headers=by("s1"))

    assert done.status_code == 200
    for_reading = client.post("/api/rooms/lobby/host", json={"act": "look"}, headers=by("s2"))
    assert for_reading.status_code == 403


def test_nobody_but_a_host_has_a_code_hashed(
    client: FlaskClient, coded: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = {"act": "rules", "code": "Open sesame"}
    host = by(coded.tokens.write(new_identity("u1")))
    other = by(coded.tokens.write_pass("lobby", "u2", 0))
    with monkeypatch.context() as patch:
        patch.setattr("chatroom.rooms.codes.hashed", lambda _: pytest.fail("it was hashed"))
        assert client.post("/api/rooms/lobby/host", json=act, headers=other).status_code == 403

    assert client.post("/api/rooms/lobby/host", json=act, headers=host).status_code == 200

    assert is_open(client, "Open sesame")


# -- lists and invitations -----------------------------------------------------------------------


@pytest.fixture
def street(engine: Engine) -> Engine:
    for room in "attic", "garden", "lobby", "shed":
        remember(engine, 2, room)
    decide(engine, CODED)
    decide(engine, replace(NO_CHARTER, listed=False), "attic")
    decide(engine, replace(CODED, listed=False), "shed")
    return engine


def listed(client: FlaskClient, bearer: str = "") -> dict[str, bool]:
    """The rooms, and whether there is more about each than its name."""
    found = client.get("/api/rooms", headers=by(bearer) if bearer else {}).json
    assert found
    return {room["name"]: "last" in room for room in found["rooms"]}


def test_lists_have_closed_rooms_by_name_and_unlisted_ones_not_at_all(
    client: FlaskClient, street: Engine
) -> None:
    assert listed(client) == {"garden": True, "lobby": False}
    host = street.tokens.write(new_identity("u1"))
    assert listed(client, host) == {"garden": True, "lobby": True, "shed": True}
    assert client.get("/api/rooms/attic/messages").status_code == 200  # for who knows its name


def test_a_password_hides_all_rooms(tmp_path: Path) -> None:
    with started(tmp_path, history="memory:", password="Open sesame") as app:
        engine, client = app.extensions["chatroom"], app.test_client()
        remember(engine, 1, "lobby")

        assert listed(client) == {}
        assert client.get("/getAllMessages").status_code == 401
        assert listed(client, "Open sesame") == {"lobby": True}
        assert client.get("/getAllMessages", headers=by("Open sesame")).status_code == 200
        assert client.get("/").status_code == 200


def invitation(client: FlaskClient, bearer: str = "") -> str:
    """What follows the address of the room."""
    found = client.get("/invitation?room=lobby", headers=by(bearer) if bearer else {}).json
    assert found
    return str(found["url"]).removeprefix("http://localhost/")


@pytest.mark.parametrize(
    ("charter", "as_host", "as_guest"),
    [
        (CODED, "#key=bcdfghjk", "#key=bcdfghjk"),
        (TYPED, "", "#key=Open%20s%C3%A9same"),
        (SHUT, "", ""),
    ],
)
def test_an_invitation_has_the_code_for_those_who_may_give_it(
    client: FlaskClient, engine: Engine, charter: Charter, as_host: str, as_guest: str
) -> None:
    decide(engine, charter)
    tokens = engine.tokens

    assert invitation(client, tokens.write(new_identity("u1"))) == as_host
    assert invitation(client, "bcdfghjk" if charter.code else "Open s\u00e9same") == as_guest
    for other in "", "wrong", "s1", tokens.write_pass("lobby", "u2", 0):
        assert invitation(client, other) == ""
    picture = client.get("/invitation.svg?room=lobby", headers=by("wrong"))
    assert picture.status_code == 200
