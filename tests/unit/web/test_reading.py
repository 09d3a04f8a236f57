"""Every way to read a room over HTTP asks the Policy first."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chatroom.engine import Engine
from chatroom.errors import Refusal
from chatroom.rooms.policy import Policy, Visitor
from tests.support.flask_client import remember

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
}
"""Each view, and an address of it."""

READ_NOTHING = {
    *("page", "room_page", "static", "manifest", "invite", "invitation_picture"),  # without people
    *("healthz", "api.description"),
    "api.rooms",  # each of them is judged: see below
    *("api.say", "api.act", "__flask_sock.chat"),  # the Server asks: see rooms/test_policy.py
}

MESSAGE = WAYS["api.message"]

CHANGES = {
    "api.edit": ("PATCH", MESSAGE),
    "api.remove": ("DELETE", MESSAGE),
    "api.restore": ("POST", f"{MESSAGE}/restore"),
}
"""Each view that changes a message: whoever may not read it may not do that, either."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Visitor, str]]:
    """The rooms that somebody wanted to read; nobody may read the lobby."""
    asked: list[tuple[Visitor, str]] = []

    def may_read(policy: Policy, visitor: Visitor, room: str) -> Refusal | None:
        asked.append((visitor, room))
        return NO if room == "lobby" else None

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


def test_a_room_that_may_not_be_read_is_not_listed(
    client: FlaskClient, engine: Engine, asked: list[tuple[Visitor, str]]
) -> None:
    for room in "lobby", "garden":
        remember(engine, 1, room)

    listed = client.get("/api/rooms").json
    assert listed
    assert [room["name"] for room in listed["rooms"]] == ["garden"]


def test_a_person_reads_why_in_a_page(
    client: FlaskClient, engine: Engine, asked: list[tuple[Visitor, str]]
) -> None:
    reply = client.get(WAYS["transcript"], headers={"Accept": "text/html"})

    assert (reply.status_code, reply.mimetype) == (403, "text/html")
    assert "You may not do that" in reply.text
