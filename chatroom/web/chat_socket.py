"""``/chat``: turns a request into a WebSocket and a user, or refuses it.

It stands in front of the application, since Flask's way to a view is long, and everybody comes back
at once after a restart. Only what is refused goes on to Flask, which has the words for that.

Flask-Sock shakes hands, on the thread of the request. Our worker has another one for the reader,
which keeps nothing of the request; with any other server, the same thread reads on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import simple_websocket
from flask import Flask, Request, g, request
from flask_sock import Sock

from chatroom.configuration import Configuration
from chatroom.engine import Engine
from chatroom.errors import HandshakeRefused
from chatroom.sockets.adapter import server_options
from chatroom.sockets.connection import Connection
from chatroom.sockets.gate import Gate
from chatroom.users.proof import Doorstep
from chatroom.users.typed_user import TypedUser
from chatroom.users.user import User
from chatroom.web import handshake, reading
from chatroom.web.forwarded import client_address
from chatroom.web.hosts import HostNames
from chatroom.wire.typed import SUBPROTOCOL

PATH = "/chat"

FAULT = "chatroom.fault"
"""In the environ of a request that has to be refused: why."""


class _OnItsOwn(Exception):
    """The way out of Flask-Sock, and of Flask, for a socket that goes on without its request.

    Args:
        ws: its handshake done.
    """

    def __init__(self, ws: simple_websocket.Server) -> None:
        self.ws = ws


def init_app(
    app: Flask, engine: Engine, configuration: Configuration, host_names: HostNames
) -> None:
    """Put the route on the app, and a shortcut to it in front."""
    app.config["SOCK_SERVER_OPTIONS"] = server_options(
        configuration.max_message_bytes, [SUBPROTOCOL]
    )
    flask_sock = Sock()

    @app.before_request
    def refuse() -> None:
        """Say why somebody was not let in."""
        if fault := request.environ.pop(FAULT, None):
            raise fault

    @flask_sock.route(PATH)  # type: ignore[untyped-decorator]
    def chat(ws: simple_websocket.Server) -> None:
        user: User = g.user
        _settle(g.sock)
        if not user.begin():
            return
        if hasattr(g.sock, "reader"):
            raise _OnItsOwn(ws)
        user.listen_read(ws)

    @app.teardown_request
    def close_gate(_error: BaseException | None) -> None:
        if user := g.pop("user", None):
            engine.gate.leave(user.connection)

    flask_sock.init_app(app)
    view, go_on = app.view_functions[f"{flask_sock.bp.name}.chat"], app.wsgi_app

    def wsgi_app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        sock: Any = environ.get("gunicorn.socket")
        if environ.get("PATH_INFO") != PATH or not engine.was_started:
            _settle(sock)
            return go_on(environ, start_response)
        try:
            host_names.check(environ)
            context = app.request_context(environ)
            user = _admit(environ, engine, configuration)
        except Exception as fault:
            environ[FAULT] = fault
            _settle(sock)
            return go_on(environ, start_response)
        with context:
            g.user, g.sock = user, sock
            handshake.strip(environ, SUBPROTOCOL if isinstance(user, TypedUser) else "")
            try:
                response = view()
            except _OnItsOwn as way_out:
                sock.reader = _reader(engine.gate, g.pop("user"), way_out.ws)
                raise StopIteration from None  # for gunicorn: there is no response
            except Exception as error:
                response = app.handle_exception(error)
            return response(environ, start_response)  # type: ignore[operator]

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]


def _settle(sock: object) -> None:
    """Let the next one shake hands: also if there is to be no socket, as whoever asks for one at an
    address that has a long response would keep the place until the end of it.

    Args:
        sock: gunicorn's; None with any other server.
    """
    if settle := getattr(sock, "settle", None):
        settle()


def _reader(gate: Gate, user: User, ws: simple_websocket.Server) -> Callable[[], None]:
    """What the reader thread does until the socket ends."""

    def read() -> None:
        try:
            user.listen_read(ws)
        finally:
            gate.leave(user.connection)

    return read


def _admit(environ: dict[str, Any], engine: Engine, configuration: Configuration) -> User:
    proxies = configuration.trusted_proxies
    handshake.check_upgrade(environ)
    handshake.check_origin(environ, configuration.allowed_origins, proxies)
    asked = Request(environ).args.get("room") if environ.get("QUERY_STRING") else None
    room = handshake.room_asked_for(asked)
    sock = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
    if sock is None:
        raise HandshakeRefused(501, "This WSGI server does not expose its sockets; use gunicorn.")
    connection = Connection(
        sock,
        queue_bytes=configuration.user_queue_bytes,
        ping_interval=configuration.ping_interval,
        max_message_bytes=configuration.max_message_bytes,
        early=handshake.early_bytes(environ),
    )
    subprotocol = SUBPROTOCOL if handshake.speaks(environ, SUBPROTOCOL) else ""
    user = _user(environ, engine, configuration, subprotocol, connection, room)
    engine.gate.enter(connection, user.address)
    for key in ("gunicorn.socket", "werkzeug.socket"):
        if key in environ:
            environ[key] = connection
    return user


def _user(
    environ: dict[str, Any],
    engine: Engine,
    configuration: Configuration,
    subprotocol: str,
    connection: Connection,
    room: str,
) -> User:
    address = client_address(environ, configuration.trusted_proxies)
    whence = (connection, room, address, engine.server.channels)
    bearer = reading.bearer_in(environ.get("HTTP_AUTHORIZATION", ""))
    doorstep = Doorstep(engine.doors, address, bearer)
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
