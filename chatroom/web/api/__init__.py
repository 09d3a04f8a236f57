"""The HTTP API: rooms, messages, users and events, for scripts. Its errors are problem details.

This module has the routes. The others, in reading order:

- ``parameters.py``: what a request asks for, validated
- ``body.py``: the bytes of a request's body, whole or not at all
- ``messages.py``: a room's messages, as a page with links or as lines
- ``changes.py``: a message that its author edits or takes back, or that a host removes
- ``files.py``: pictures and files, and how they come
- ``downloads.py``: how browsers get them
- ``thumbnails.py``: a small picture of each, in both directions
- ``acts.py``: what a host does
- ``reactions.py``: whoever reacts to a message
- ``me.py``: what the server has of a person, for that person
- ``archive.py``: the same with all files, as one that is written while it is sent
- ``bearer.py``: who has sent a request, if it matters
- ``pace.py``: how fast one address may post
- ``paging.py``: how messages are read from the history, with what people think of them
- ``event_stream.py``: a room as Server-Sent Events
- ``event_cursor.py``: where such a stream begins
- ``listener.py``: what hears the room for such a stream, between two threads
- ``departures.py``: notices when such a client goes
- ``responses.py``: how the API answers
- ``problems.py``: how it says what is wrong
- ``openapi.py``, ``schemas.py``: its description, for tools
"""

from __future__ import annotations

import json
import logging
import threading
from contextlib import ExitStack

from flask import Blueprint, Flask, Response, request, url_for

from chatroom.configuration import Configuration
from chatroom.engine import Engine
from chatroom.history import History
from chatroom.log import printable
from chatroom.message import Held, RoomSummary
from chatroom.rooms.policy import Place
from chatroom.users.speaking_pace import whose
from chatroom.web import reading
from chatroom.web.api import (
    acts,
    bearer,
    body,
    changes,
    files,
    me,
    openapi,
    paging,
    parameters,
    reactions,
    responses,
)
from chatroom.web.api.departures import Departures
from chatroom.web.api.event_cursor import start
from chatroom.web.api.event_stream import Feed
from chatroom.web.api.listener import Listener
from chatroom.web.api.messages import Wanted, as_lines, as_page
from chatroom.web.api.pace import PostPace, demand_turn, place_among
from chatroom.web.api.parameters import room_name
from chatroom.web.api.problems import refuse
from chatroom.web.api.responses import JSON, LINES
from chatroom.web.forwarded import client_address
from chatroom.wire.message_json import held_fields, iso_time, to_json
from chatroom.wire.typed import Bring

log = logging.getLogger(__name__)

TIMEOUT = 5.0
"""Seconds that the Server thread has to answer."""

STREAMS = 8
"""Concurrent NDJSON streams: each holds one of the threads for plain HTTP."""

SEARCHES = 4
"""Concurrent searches: each may hold one of the threads for plain HTTP for some seconds."""


def init_app(app: Flask, engine: Engine, configuration: Configuration) -> None:
    """Put the routes under ``/api`` on the app. Starts nothing."""
    api = Blueprint("api", __name__, url_prefix="/api")
    _add_rooms(api, engine, configuration)
    _add_messages(api, engine.history)
    pace = PostPace(configuration.max_message_bytes)
    _add_post(api, engine, configuration, pace)
    changes.init(api, engine, configuration, pace, TIMEOUT)
    acts.init(api, engine, configuration, pace, TIMEOUT)
    me.init(api, engine, configuration, TIMEOUT)
    files.init(api, engine, configuration, TIMEOUT)
    reactions.init(api, engine, configuration, TIMEOUT)
    _add_events(api, engine, configuration)
    responses.init_app(app, api, configuration, engine.server.channels.refused)
    app.register_blueprint(api)


def _add_rooms(api: Blueprint, engine: Engine, configuration: Configuration) -> None:
    document = openapi.document(configuration)

    @api.get("/openapi.json")
    def description() -> Response:
        # Without a slash at the end: the paths, which begin with one, are appended to it.
        servers = [{"url": request.script_root or "/"}]
        return responses.cached(json.dumps(document | {"servers": servers}, indent=1))

    @api.get("/rooms")
    def rooms() -> Response:
        found = engine.history.rooms()
        address = client_address(request.environ, configuration.trusted_proxies)
        visits = engine.doors.visits([room.name for room in found], address, reading.bearer())
        known = [
            _name(place) if engine.policy.may_read(visitor, place) else _summary(room)
            for room, (visitor, place) in zip(found, visits, strict=True)
            if engine.policy.may_name(visitor, place)
        ]
        return responses.cached(json.dumps({"rooms": known}, ensure_ascii=False))

    @api.get("/rooms/<room>/users")
    def users(room: str) -> Response:
        present = engine.server.present(room_name(room), TIMEOUT)
        found = [{"userId": user_id, "userName": name} for user_id, name in present]
        return responses.fresh(json.dumps({"users": found}, ensure_ascii=False))


def _name(place: Place) -> dict[str, object]:
    """Of a room that may not be read: neither how much was said there nor when."""
    return {"name": place.name, "door": place.charter.door.value}


def _summary(room: RoomSummary) -> dict[str, object]:
    return {
        "name": room.name,
        "messages": room.seq - room.first + 1 if room.first else 0,
        "last": str(room.last),
        "sentAt": iso_time(room.sent_at),
    }


# -- messages ----------------------------------------------------------------------------------


def _add_messages(api: Blueprint, history: History) -> None:
    streams = threading.BoundedSemaphore(STREAMS)
    searches = threading.BoundedSemaphore(SEARCHES)

    @api.get("/rooms/<room>/messages")
    def messages(room: str) -> Response:
        wanted = Wanted(room_name(room))
        if responses.negotiated(JSON, LINES) == JSON:
            if not wanted.text:
                return as_page(history, wanted)
            with place_among(searches, "Too many searches at once. Try again."):
                return as_page(history, wanted)
        if wanted.text:
            raise refuse("bad-parameter", "q", wanted.text, f"no q with {LINES}; Accept: {JSON}")
        with ExitStack() as places:
            places.enter_context(
                place_among(streams, "Too many rooms are being streamed. Try again.")
            )
            response = as_lines(history, wanted)
            response.call_on_close(places.pop_all().close)
        return response

    @api.get("/rooms/<room>/messages/<id>")
    def message(room: str, id: str) -> Response:
        room = room_name(room)
        found = paging.one(history, room, parameters.message_id("id", id))
        return responses.cached(*paging.as_json(history, [found]))


# -- speaking ----------------------------------------------------------------------------------


def _add_post(api: Blueprint, engine: Engine, configuration: Configuration, pace: PostPace) -> None:

    @api.post("/rooms/<room>/messages")
    def say(room: str) -> Response:
        room = room_name(room)
        responses.demand_origin(configuration)
        content = body.read_json(configuration.max_message_bytes)
        visitor, place = reading.visit(engine, configuration.trusted_proxies, room)
        key = place.charter.keys.get(visitor.proof.key)
        post = parameters.post(
            content,
            max_name_length=configuration.max_name_length,
            script=key.name if key else "",
        )
        address = client_address(request.environ, configuration.trusted_proxies)
        pace.await_bytes(address, len(content))
        if key is None:
            demand_turn(engine.pace, whose("", address, room))
        if post.file:
            spoken = engine.server.bring(
                room,
                Bring(post.cmid, post.draft, post.file, post.alt),
                by=bearer.read_person(engine, configuration.trusted_proxies, room),
                address=address,
                timeout=TIMEOUT,
            )
        else:
            spoken = engine.server.say(
                room,
                post.draft,
                cmid=post.cmid,
                by=visitor.proof,
                address=address,
                timeout=TIMEOUT,
            )
        if isinstance(spoken, Held):
            engine.posts.put("held")
            return responses.fresh(json.dumps(held_fields(spoken), ensure_ascii=False), 202)
        message, is_new = spoken
        if message.removed:  # it was stored before: what it said is nobody's to read
            raise paging.removed("cmid", post.cmid, message.id)
        engine.posts.put("stored" if is_new else "known")
        if is_new:
            sender = printable(message.user_name), printable(address), printable(room)
            log.info('posted: "%s" (%s) room "%s", message %s', *sender, message.id)
        response = responses.fresh(to_json(message), 201 if is_new else 200)
        response.location = url_for("api.message", room=room, id=message.id)
        return response


# -- events ------------------------------------------------------------------------------------


def _add_events(api: Blueprint, engine: Engine, configuration: Configuration) -> None:
    departures = Departures()

    @api.get("/rooms/<room>/events")
    def events(room: str) -> Response:
        room = room_name(room)
        responses.demand_origin(configuration)
        since, past = _since(), _past(configuration)
        response = responses.unbuffered(responses.fresh("", mimetype="text/event-stream"))
        if request.method == "HEAD":
            return response
        listener = Listener(request.environ.get("gunicorn.socket"))
        address = client_address(request.environ, configuration.trusted_proxies)
        with ExitStack() as leaving:
            engine.gate.enter(listener, address)
            leaving.callback(engine.gate.leave, listener)
            leaving.enter_context(departures.watch(listener))
            leaving.callback(engine.server.unsubscribe, room, listener)
            proof = reading.visit(engine, configuration.trusted_proxies, room)[0].proof
            now = engine.server.subscribe(room, listener, address, TIMEOUT, proof)
            begin = start(engine.history, room, now, since, past)
            whom = printable(address), printable(room)
            log.info('listens: %s room "%s"', *whom)
            leaving.callback(log.info, 'stopped listening: %s room "%s"', *whom)
            response.response = Feed(engine.history, room, listener, begin).events()
            response.call_on_close(leaving.pop_all().close)
        return response


def _since() -> str | None:
    """The last id that the client has seen; a browser that reconnects sends it in a header."""
    if header := request.headers.get("Last-Event-ID"):
        return header
    since = request.args.get("since")
    return None if since is None else parameters.cursor("since", since)


def _past(configuration: Configuration) -> int | None:
    limit = request.args.get("limit")
    if limit is not None:
        return parameters.number("limit", limit, 0, paging.MAX_PAGE_LENGTH)
    return configuration.replay_limit or None
