"""What Ann has said in the lobby, and what she does with it over HTTP."""

from __future__ import annotations

import json
import time
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chatroom.engine import Engine
from chatroom.message import Message
from chatroom.users.tokens import Identity
from chatroom.web.api import problems

ANN = "ann-id"
MESSAGES = "/api/rooms/lobby/messages"


def said(engine: Engine, *bodies: str, user_id: str = ANN, age: int = 0) -> list[Message]:
    """What Ann has said in the lobby, so many milliseconds ago."""
    seq, _ = engine.history.head("lobby")
    sent_at = time.time_ns() // 1_000_000 - age
    messages = [
        Message("lobby", seq + n, f"{seq + n:016x}", "Ann", body, "10:42 AM", sent_at, user_id)
        for n, body in enumerate(bodies, 1)
    ]
    engine.history.append(messages)
    return messages


def as_user(engine: Engine, user_id: str = ANN) -> dict[str, str]:
    return {"Authorization": f"Bearer {engine.tokens.write(Identity(user_id, 'tab'))}"}


def at(message: Message) -> str:
    return f"{MESSAGES}/{message.id}"


def remove(client: FlaskClient, engine: Engine, *messages: Message) -> None:
    for message in messages:
        assert client.delete(at(message), headers=as_user(engine)).status_code == 204


def problem(reply: TestResponse, code: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(reply.text)
    assert (found["code"], reply.status_code) == (code, problems.KINDS[code].status), found
    assert reply.mimetype == "application/problem+json"
    assert reply.cache_control.no_store
    return found
