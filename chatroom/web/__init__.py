"""The HTTP side, put together: the page, the history, the health, and the way to a socket."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from itertools import chain
from typing import Any

import simple_websocket
from flask import Flask, Response, g, jsonify, request
from flask_sock import Sock
from werkzeug.exceptions import HTTPException

from chatroom.configuration import Configuration
from chatroom.engine import Engine
from chatroom.errors import ChatError, HandshakeRefused
from chatroom.history import History
from chatroom.log import printable
from chatroom.sockets.adapter import server_options
from chatroom.sockets.connection import Connection
from chatroom.users.typed_user import TypedUser
from chatroom.users.user import User
from chatroom.web import api, handshake, page as pages
from chatroom.web.handshake import DEFAULT_ROOM
from chatroom.wire.plain import to_json
from chatroom.wire.typed import SUBPROTOCOL

log = logging.getLogger(__name__)

HEALTH_TIMEOUT = 2.0
"""Seconds that the Server thread has to answer ``/healthz``."""

HISTORY_READERS = 8
"""Replies of ``/getAllMessages`` under way at once: each holds a thread while it is read."""


def init_app(app: Flask, engine: Engine, configuration: Configuration) -> None:
    """Put the routes on the app. Starts nothing."""
    app.config["SOCK_SERVER_OPTIONS"] = server_options(
        configuration.max_message_bytes, [SUBPROTOCOL]
    )
    page.init_app(app, configuration)
    _add_history(app, engine.history)
    _add_health(app, engine)
    _add_chat(app, engine, configuration)
    api.init_app(app, engine, configuration)

    @app.errorhandler(HTTPException)
    def explain(error: HTTPException) -> Response:
        response = Response(f"{error.code} {error.name}\n", error.code, mimetype="text/plain")
        response.headers.extend(
            (name, value) for name, value in error.get_headers() if name == "Allow"
        )
        return response


def _add_history(app: Flask, history: History) -> None:
    readers = threading.BoundedSemaphore(HISTORY_READERS)

    @app.get("/getAllMessages", endpoint="getAllMessages")
    def get_all_messages() -> Response:
        try:
            seq, nonce = history.head(DEFAULT_ROOM)
        except ChatError as error:
            return _unavailable(str(error))
        etag = f"{seq}-{nonce}"
        response = Response(mimetype="application/json")
        response.set_etag(etag)
        response.cache_control.no_cache = True
        if request.if_none_match.contains_weak(etag):
            response.status_code = 304
            return response
        if not readers.acquire(blocking=False):
            return _unavailable("The history is being read by too many. Try again.")
        response.call_on_close(readers.release)
        stream = _all_messages(history, seq)
        try:
            # Before the status goes out: a disk that fails now is a 503, and later a broken reply.
            response.response = chain([next(stream)], stream)
        except ChatError as error:
            response.close()
            return _unavailable(str(error))
        return response


def _all_messages(history: History, upto: int) -> Iterator[bytes]:
    """The default room as one JSON object, a page of messages at a time."""
    before = '{"Messages":['
    for page in history.pages(DEFAULT_ROOM, 0, upto):
        yield (before + ",".join(map(to_json, page))).encode()
        before = ","
    yield b"]}\n" if before == "," else (before + "]}\n").encode()


def _add_health(app: Flask, engine: Engine) -> None:
    @app.get("/healthz")
    def healthz() -> Response:
        try:
            engine.check(HEALTH_TIMEOUT)
        except ChatError as error:
            response = jsonify(status="failing", reason=str(error))
            response.status_code = 503
            return response
        return jsonify(status="ok", sockets=len(engine.gate), errors=engine.server.errors)


def _add_chat(app: Flask, engine: Engine, configuration: Configuration) -> None:
    sock = Sock()

    @app.before_request
    def open_gate() -> Response | None:
        """Turn a request for a socket into one, or refuse it."""
        if request.path != "/chat":
            return None
        try:
            g.user = _admit(engine, configuration)
        except HandshakeRefused as refusal:
            address = handshake.client_address(request.environ, configuration.trusted_proxies)
            log.info("refused: %s: %s", printable(address), refusal)
            return page.refused(refusal)
        return None

    @sock.route("/chat")  # type: ignore[untyped-decorator]
    def chat(ws: simple_websocket.Server) -> None:
        user: User = g.user
        user.listen_read(ws)

    @app.teardown_request
    def close_gate(_error: BaseException | None) -> None:
        if user := g.pop("user", None):
            engine.gate.leave(user.connection)

    sock.init_app(app)


def _admit(engine: Engine, configuration: Configuration) -> User:
    environ = request.environ
    proxies = configuration.trusted_proxies
    handshake.check_upgrade(environ)
    handshake.check_origin(environ, configuration.allowed_origins, proxies)
    room = handshake.room_name(request.args.get("room"))
    address = handshake.client_address(environ, proxies)
    sock = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
    if sock is None:
        raise HandshakeRefused(501, "This WSGI server hands out no socket; use gunicorn.")
    connection = Connection(
        sock,
        queue_bytes=configuration.user_queue_bytes,
        ping_interval=configuration.ping_interval,
        max_message_bytes=configuration.max_message_bytes,
    )
    subprotocol = SUBPROTOCOL if handshake.speaks(environ, SUBPROTOCOL) else ""
    user = _user(engine, configuration, subprotocol, connection, room, address)
    engine.gate.enter(connection)
    for key in ("gunicorn.socket", "werkzeug.socket"):
        if key in environ:
            environ[key] = connection
    handshake.strip(environ, subprotocol)
    return user


def _user(engine: Engine, configuration: Configuration, subprotocol: str, *whence: Any) -> User:
    place = (*whence, engine.server.channels)
    limits: dict[str, Any] = {
        "max_message_bytes": configuration.max_message_bytes,
        "max_name_length": configuration.max_name_length,
    }
    if subprotocol:
        return TypedUser(*place, tokens=engine.tokens, history=engine.history, **limits)
    return User(*place, **limits)


def _unavailable(reason: str) -> Response:
    return Response(f"{reason}\n", 503, {"Retry-After": "5"}, mimetype="text/plain")
