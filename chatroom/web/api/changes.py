"""A message that its author edits or takes back, or that a host removes, over HTTP."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, request

from chatroom.configuration import Configuration
from chatroom.engine import Engine
from chatroom.log import printable
from chatroom.message import Message, MessageId
from chatroom.users.proof import Proof
from chatroom.web import reading
from chatroom.web.api import bearer, body, paging, parameters, responses
from chatroom.web.api.pace import PostPace, demand_turn
from chatroom.web.forwarded import client_address
from chatroom.wire.message_json import to_json
from chatroom.wire.typed import Alteration, Edit, Remove, Restore

log = logging.getLogger(__name__)


def init(
    api: Blueprint, engine: Engine, configuration: Configuration, pace: PostPace, timeout: float
) -> None:
    """Put the routes on the blueprint.

    Args:
        pace: shared with those who post.
        timeout: seconds that the Server thread has to answer.
    """
    limit, proxies = configuration.max_message_bytes, configuration.trusted_proxies

    def asked_for(room: str, id: str) -> tuple[str, MessageId, Proof]:
        """The message, and whoever asks."""
        room = parameters.room_name(room)
        responses.demand_origin(configuration)
        return room, parameters.message_id("id", id), bearer.read(engine, proxies, room)

    def change(what: str, room: str, alteration: Alteration, who: Proof) -> Message:
        visitor, _ = reading.visit(engine, proxies, room)
        has_no_pace = who.key or visitor.rank.is_host
        if not who.operator_link:
            demand_turn(None if has_no_pace else engine.pace, who.user_id)
            demand_turn(engine.act_pace, who.user_id)
        # The Server would open the room first, which may be one too many.
        paging.stored(engine.history, room, alteration.id)
        address = client_address(request.environ, proxies)
        message = engine.server.change(
            room,
            alteration,
            by=who,
            address=address,
            timeout=timeout,
        )
        whose = printable(address), printable(room)
        log.info('%s: (%s) room "%s", message %s', what, *whose, message.id)
        return message

    @api.patch("/rooms/<room>/messages/<id>")
    def edit(room: str, id: str) -> Response:
        room, wanted, who = asked_for(room, id)
        content = body.read_json(limit)
        text = parameters.edit(content)
        pace.await_bytes(client_address(request.environ, proxies), len(content))
        return responses.fresh(to_json(change("edited", room, Edit("", wanted, text), who)))

    @api.delete("/rooms/<room>/messages/<id>")
    def remove(room: str, id: str) -> Response:
        room, wanted, who = asked_for(room, id)
        change("removed", room, Remove("", wanted), who)
        return responses.fresh("", 204)

    @api.post("/rooms/<room>/messages/<id>/restore")
    def restore(room: str, id: str) -> Response:
        room, wanted, who = asked_for(room, id)
        return responses.fresh(to_json(change("restored", room, Restore("", wanted), who)))
