"""``/chat``: turns a request into a WebSocket and a user, or refuses it."""

from __future__ import annotations

import simple_websocket
from flask import Flask, g, request
from flask_sock import Sock

from chatroom.configuration import Configuration
from chatroom.engine import Engine
from chatroom.errors import HandshakeRefused
from chatroom.sockets.adapter import server_options
from chatroom.sockets.connection import Connection
from chatroom.users.proof import Doorstep
from chatroom.users.typed_user import TypedUser
from chatroom.users.user import User
from chatroom.web import handshake, reading
from chatroom.web.forwarded import client_address
from chatroom.wire.typed import SUBPROTOCOL


def init_app(app: Flask, engine: Engine, configuration: Configuration) -> None:
    """Put the route on the app."""
    app.config["SOCK_SERVER_OPTIONS"] = server_options(
        configuration.max_message_bytes, [SUBPROTOCOL]
    )
    sock = Sock()

    @app.before_request
    def open_gate() -> None:
        """Turn a WebSocket request into a user, or refuse it."""
        if request.path == "/chat":
            g.user = _admit(engine, configuration)

    @sock.route("/chat")  # type: ignore[untyped-decorator]
    def chat(ws: simple_websocket.Server) -> None:
        user: User = g.user
        if g.settle:
            g.settle()
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
    room = handshake.room_asked_for(request.args.get("room"))
    sock = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
    if sock is None:
        raise HandshakeRefused(501, "This WSGI server does not expose its sockets; use gunicorn.")
    g.settle = getattr(sock, "settle", None)
    connection = Connection(
        sock,
        queue_bytes=configuration.user_queue_bytes,
        ping_interval=configuration.ping_interval,
        max_message_bytes=configuration.max_message_bytes,
        early=handshake.early_bytes(environ),
    )
    subprotocol = SUBPROTOCOL if handshake.speaks(environ, SUBPROTOCOL) else ""
    user = _user(engine, configuration, subprotocol, connection, room)
    engine.gate.enter(connection, user.address)
    for key in ("gunicorn.socket", "werkzeug.socket"):
        if key in environ:
            environ[key] = connection
    handshake.strip(environ, subprotocol)
    return user


def _user(
    engine: Engine,
    configuration: Configuration,
    subprotocol: str,
    connection: Connection,
    room: str,
) -> User:
    address = client_address(request.environ, configuration.trusted_proxies)
    whence = (connection, room, address, engine.server.channels)
    doorstep = Doorstep(engine.doors, address, reading.bearer())
    if subprotocol:
        return TypedUser(
            *whence,
            tokens=engine.tokens,
            history=engine.history,
            max_message_bytes=configuration.max_message_bytes,
            max_name_length=configuration.max_name_length,
            pace=engine.pace,
            act_pace=engine.act_pace,
            doorstep=doorstep,
        )
    return User(
        *whence,
        max_message_bytes=configuration.max_message_bytes,
        max_name_length=configuration.max_name_length,
        first_frame_seconds=configuration.first_frame_seconds,
        pace=engine.pace,
        doorstep=doorstep,
    )
