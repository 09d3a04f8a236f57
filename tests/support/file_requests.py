"""Pictures and files over HTTP, with Flask's client: uploaded, said, read, and gone."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chatroom.engine import Engine
from chatroom.rooms.charter import Charter
from chatroom.rooms.forgetter import Forgetter
from chatroom.users.tokens import Identity
from chatroom.web.api import problems
from tests.support.deadline import DEADLINE

ANN, BOB, HOST = "ann-id", "bob-id", "host-id"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
FILES = "/api/rooms/lobby/files"
MESSAGES = "/api/rooms/lobby/messages"


def as_user(engine: Engine, user_id: str = ANN) -> dict[str, str]:
    return {"Authorization": f"Bearer {engine.tokens.write(Identity(user_id, 'tab'))}"}


def upload(
    client: FlaskClient,
    engine: Engine,
    data: bytes = PNG,
    name: str = "photo.png",
    *,
    user_id: str = ANN,
    query: str = "",
) -> TestResponse:
    address = f"{FILES}/{quote(name)}{query}"
    return client.put(address, data=data, headers=as_user(engine, user_id))


def uploaded(client: FlaskClient, engine: Engine, data: bytes = PNG, **options: Any) -> Any:
    reply = upload(client, engine, data, **options)
    assert reply.status_code == 201, reply.text
    return reply.json


def say(
    client: FlaskClient,
    engine: Engine,
    file: str,
    body: str = "look",
    *,
    user_id: str = ANN,
    cmid: str = "",
    alt: str = "",
) -> TestResponse:
    more = {key: value for key, value in (("cmid", cmid), ("alt", alt)) if value}
    fields = {"userName": "Ann", "body": body, "file": file} | more
    return client.post(MESSAGES, json=fields, headers=as_user(engine, user_id))


def add_thumbnail(
    client: FlaskClient, engine: Engine, file: str, data: bytes, *, user_id: str = ANN
) -> TestResponse:
    address = f"{FILES}/{file}/thumbnail"
    return client.put(address, data=data, headers=as_user(engine, user_id))


def said(
    client: FlaskClient,
    engine: Engine,
    data: bytes = PNG,
    *,
    thumbnail: bytes = b"",
    alt: str = "",
    **options: Any,
) -> Any:
    """The message; its file is said, too."""
    id = uploaded(client, engine, data, **options)["id"]
    if thumbnail:
        added = add_thumbnail(client, engine, id, thumbnail)
        assert added.status_code == 204, added.text
    reply = say(client, engine, id, alt=alt)
    assert reply.status_code == 201, reply.text
    return reply.json


def get(client: FlaskClient, address: str, **options: Any) -> TestResponse:
    """All of it: a file is closed once it is read."""
    return client.get(address, buffered=True, **options)


def address_of(message: Any) -> str:
    return f"{FILES}/{message['file']['id']}"


def problem(reply: TestResponse, code: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(reply.text)
    assert (found["code"], reply.status_code) == (code, problems.KINDS[code].status), found
    return found


def decree(engine: Engine, charter: Charter) -> None:
    engine.server.ask(partial(engine.history.enact, "lobby", charter.to_json(), None), DEADLINE)


def on_disk(engine: Engine) -> list[str]:
    folder: Path = engine.files._folder  # type: ignore[union-attr]
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def forget(engine: Engine) -> None:
    """What the thread does every ten seconds."""
    assert engine.files
    Forgetter(engine.history, engine.files, engine.server.uploads, engine.server.ask).step()
