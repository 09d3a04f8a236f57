"""``/healthz`` and ``/livez``: whether messages can be accepted, and whether the process works at
all, for monitors and load balancers."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, jsonify

from chatroom import __version__
from chatroom.engine import Engine
from chatroom.errors import ChatError

TIMEOUT = 2.0
"""Seconds that the Server thread has to answer."""

PATHS = ("/healthz", "/livez")


def init_app(app: Flask, engine: Engine) -> None:
    """Put the routes on the app."""

    @app.get("/healthz")
    def healthz() -> Response:
        return _failing(engine.check) or jsonify(
            status="ok",
            version=__version__,
            sockets=len(engine.gate),
            maxUsers=engine.gate.capacity,
            errors=engine.server.errors,
        )

    @app.get("/livez")
    def livez() -> Response:
        return _failing(engine.check_itself) or jsonify(status="ok", version=__version__)


def _failing(check: Callable[[float], None]) -> Response | None:
    """The response if the check fails."""
    try:
        check(TIMEOUT)
    except ChatError as error:
        response = jsonify(status="failing", version=__version__, reason=error.outside)
        response.status_code = 503
        return response
    return None
