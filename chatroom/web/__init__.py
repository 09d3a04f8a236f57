"""The HTTP side: the page, the history, the health check, the API, and the way to a socket.

In reading order; ``init_app``, below, puts them together:

- ``chat_socket.py``: ``/chat``: turns a request into a socket and a user, or refuses it
- ``handshake.py``: whether it may: pure functions over the request
- ``all_messages.py``: ``/getAllMessages``, as in the Go original
- ``health.py``: ``/healthz``
- ``page.py``: the page for people, and what a browser may do with it
- ``assets.py``: the page's files, read once, hashed and compressed
- ``invitation.py``: a room's address for others, and its QR code
- ``api/``: everything under ``/api``
"""

from __future__ import annotations

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from chatroom.configuration import Configuration
from chatroom.engine import Engine
from chatroom.web import all_messages, api, chat_socket, health, page


def init_app(app: Flask, engine: Engine, configuration: Configuration) -> None:
    """Put the routes on the app. Starts nothing."""
    page.init_app(app, configuration)
    all_messages.init_app(app, engine.history)
    health.init_app(app, engine)
    chat_socket.init_app(app, engine, configuration)
    api.init_app(app, engine, configuration)

    @app.errorhandler(HTTPException)
    def explain(error: HTTPException) -> Response:
        response = Response(f"{error.code} {error.name}\n", error.code, mimetype="text/plain")
        response.headers.extend(
            (name, value) for name, value in error.get_headers() if name == "Allow"
        )
        return response
