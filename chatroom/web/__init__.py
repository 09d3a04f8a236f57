"""The HTTP side, put together: the page, the history, the health, the API, and the sockets."""

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
