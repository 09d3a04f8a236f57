"""What a host does, over HTTP: the same acts as in the typed protocol."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

from flask import Blueprint, Response, request

from chatroom.configuration import Configuration
from chatroom.engine import Engine
from chatroom.log import printable
from chatroom.users.proof import Proof
from chatroom.web.api import bearer, body, parameters, responses
from chatroom.web.api.pace import PostPace, demand_turn
from chatroom.web.forwarded import client_address
from chatroom.wire.acts import WORDS, Act, Look, SetRules

log = logging.getLogger(__name__)


def init(
    api: Blueprint, engine: Engine, configuration: Configuration, pace: PostPace, timeout: float
) -> None:
    """Put the routes on the blueprint.

    Args:
        pace: shared with those who post.
        timeout: seconds that the Server thread has to answer.
    """

    def rule(room: str, asked: Act, who: Proof, address: str) -> Mapping[str, object]:
        return engine.server.rule(
            room,
            asked,
            by=who,
            address=address,
            timeout=timeout,
        )

    def read_bearer(room: str) -> Proof:
        who = bearer.read(engine, configuration.trusted_proxies, room)
        if not who.operator_link:
            demand_turn(engine.act_pace, who.user_id)
        return who

    @api.get("/rooms/<room>/host")
    def look(room: str) -> Response:
        room = parameters.room_name(room)
        return _told(rule(room, Look(), read_bearer(room), _address(configuration)))

    @api.post("/rooms/<room>/host")
    def act(room: str) -> Response:
        room = parameters.room_name(room)
        responses.demand_origin(configuration)
        who, address = read_bearer(room), _address(configuration)
        content = body.read_json(configuration.max_message_bytes)
        asked = parameters.act(content)
        pace.await_bytes(address, len(content))
        if isinstance(asked, SetRules) and asked.code:
            rule(room, Look(), who, address)  # nothing is hashed for others than hosts
        told = rule(room, engine.doors.sealed(asked), who, address)
        if not isinstance(asked, Look):
            log.info(
                'host: %s (%s) room "%s"', WORDS[type(asked)], *map(printable, (address, room))
            )
        return _told(told)


def _address(configuration: Configuration) -> str:
    return client_address(request.environ, configuration.trusted_proxies)


def _told(told: Mapping[str, object]) -> Response:
    return responses.fresh(json.dumps(told, ensure_ascii=False))
