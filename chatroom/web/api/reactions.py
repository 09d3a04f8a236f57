"""Whoever reacts to a message without a socket."""

from __future__ import annotations

import logging
import os
from functools import partial

from flask import Blueprint, Response

from chatroom.configuration import Configuration
from chatroom.engine import Engine
from chatroom.errors import Problem
from chatroom.reactions import KINDS
from chatroom.rooms.questions import await_answer
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.web import reading
from chatroom.web.api import bearer, paging, parameters, responses
from chatroom.web.api.pace import demand_turn
from chatroom.web.api.problems import refuse
from chatroom.wire.reactions import React

log = logging.getLogger(__name__)


def init(api: Blueprint, engine: Engine, configuration: Configuration, timeout: float) -> None:
    """Put the routes on the blueprint.

    Args:
        timeout: seconds that the Server thread has to answer.
    """
    proxies = configuration.trusted_proxies

    def react(room: str, id: str, kind: str, *, on: bool) -> Response:
        room = parameters.room_name(room)
        responses.demand_origin(configuration)
        wanted = parameters.message_id("id", id)
        if kind not in KINDS:
            raise refuse("bad-parameter", "kind", kind, f"one of {', '.join(KINDS)}")
        who = bearer.read_person(engine, proxies, room)
        visitor, _ = reading.visit(engine, proxies, room)
        if not engine.history.keeps_reactions:
            raise Problem("no-reactions", "This server's history keeps no reactions.")
        demand_turn(engine.act_pace, who.user_id)
        paging.one(engine.history, room, wanted)  # the Server would open the room first
        speaker = HttpSpeaker(room, "", visitor.address, who.user_id, who.operator_link, who)
        request = React(os.urandom(8).hex(), wanted, kind, on)
        engine.server.ask(partial(engine.server.reactions.click, speaker, request), timeout)
        await_answer(speaker.outcome, timeout)
        return responses.fresh("", 204)

    @api.put("/rooms/<room>/messages/<id>/reactions/<kind>")
    def put_reaction(room: str, id: str, kind: str) -> Response:
        return react(room, id, kind, on=True)

    @api.delete("/rooms/<room>/messages/<id>/reactions/<kind>")
    def delete_reaction(room: str, id: str, kind: str) -> Response:
        return react(room, id, kind, on=False)
