"""A message that its author edits or takes back, over HTTP.

Authors prove who they are by the token that ``welcome`` gave them in the typed protocol.
"""

from __future__ import annotations

import logging

from flask import Blueprint, Response, request

from chatroom.configuration import Configuration
from chatroom.engine import Engine
from chatroom.errors import Problem
from chatroom.log import printable
from chatroom.message import Message, MessageId
from chatroom.users.tokens import Tokens
from chatroom.web.api import body, paging, parameters, responses
from chatroom.web.api.pace import PostPace, demand_turn
from chatroom.web.forwarded import client_address
from chatroom.wire.message_json import to_json
from chatroom.wire.typed import Alteration, Edit, Remove, Restore

log = logging.getLogger(__name__)

WHO = "Send Authorization: Bearer TOKEN, with the token that the typed protocol's welcome gave you."


def init(
    api: Blueprint, engine: Engine, configuration: Configuration, pace: PostPace, timeout: float
) -> None:
    """Put the routes on the blueprint.

    Args:
        pace: shared with those who post.
        timeout: seconds that the Server thread has to answer.
    """
    limit, proxies = configuration.max_message_bytes, configuration.trusted_proxies

    def asked_for(room: str, id: str) -> tuple[str, MessageId, str]:
        """The message, and the user id of whoever asks."""
        room = parameters.room_name(room)
        responses.demand_origin(configuration)
        return room, parameters.message_id("id", id), _user_id(engine.tokens)

    def change(what: str, room: str, alteration: Alteration, user_id: str) -> Message:
        demand_turn(engine.pace, user_id)
        # The Server would open the room first, which may be one too many.
        paging.stored(engine.history, room, alteration.id)
        address = client_address(request.environ, proxies)
        message = engine.server.change(
            room, alteration, user_id=user_id, address=address, timeout=timeout
        )
        whose = printable(address), printable(room)
        log.info('%s: (%s) room "%s", message %s', what, *whose, message.id)
        return message

    @api.patch("/rooms/<room>/messages/<id>")
    def edit(room: str, id: str) -> Response:
        room, wanted, user_id = asked_for(room, id)
        content = body.read_json(limit)
        text = parameters.edit(content)
        pace.await_bytes(client_address(request.environ, proxies), len(content))
        return responses.fresh(to_json(change("edited", room, Edit("", wanted, text), user_id)))

    @api.delete("/rooms/<room>/messages/<id>")
    def remove(room: str, id: str) -> Response:
        room, wanted, user_id = asked_for(room, id)
        change("removed", room, Remove("", wanted), user_id)
        return responses.fresh("", 204)

    @api.post("/rooms/<room>/messages/<id>/restore")
    def restore(room: str, id: str) -> Response:
        room, wanted, user_id = asked_for(room, id)
        return responses.fresh(to_json(change("restored", room, Restore("", wanted), user_id)))


def _user_id(tokens: Tokens) -> str:
    """Whose token the request has.

    Raises:
        Problem: it has none, or an invalid one (RFC 6750, section 3).
    """
    given = request.headers.get("Authorization", "")
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem("bad-token", WHO, {"WWW-Authenticate": "Bearer"})
    identity = tokens.read(token.strip())
    if identity is None:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise Problem("bad-token", f"This token is not one of this server's. {WHO}", challenge)
    return identity.user_id
