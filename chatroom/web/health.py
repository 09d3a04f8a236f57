"""``/healthz``: whether messages can be accepted, for monitors and load balancers."""

from __future__ import annotations

from flask import Flask, Response, jsonify

from chatroom import __version__
from chatroom.engine import Engine
from chatroom.errors import ChatError

TIMEOUT = 2.0
"""Seconds that the Server thread has to answer."""


def init_app(app: Flask, engine: Engine) -> None:
    """Put the route on the app."""

    @app.get("/healthz")
    def healthz() -> Response:
        try:
            engine.check(TIMEOUT)
        except ChatError as error:
            response = jsonify(status="failing", version=__version__, reason=str(error))
            response.status_code = 503
            return response
        return jsonify(
            status="ok",
            version=__version__,
            sockets=len(engine.gate),
            maxUsers=engine.gate.capacity,
            errors=engine.server.errors,
        )
