"""The WSGI application: the parts, wired in the order in which data meets them."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path

from flask import Flask, Response, request

from chatroom import web
from chatroom.configuration import Configuration
from chatroom.engine import NOT_STARTED, Engine
from chatroom.web import health

log = logging.getLogger(__name__)

PACKAGE = Path(__file__).resolve().parent


def create_app(configuration: Configuration) -> Flask:
    """Wire the parts. Starts no thread; reads no files but the page's own."""
    engine = Engine(configuration)
    app = Flask("app", root_path=str(_home()), static_folder=None)  # web/page.py serves it
    app.extensions["chatroom"] = engine

    @cache
    def report() -> None:
        log.error("refused: %s", NOT_STARTED)

    @app.before_request
    def refuse_unserved() -> Response | None:
        """Under a WSGI server that does not start the engine, a socket would wait indefinitely."""
        if engine.was_started or request.path in health.PATHS:
            return None
        if engine.waits_for:
            text = f"The room cannot be opened yet: {engine.waits_for.outside}\n"
            return Response(text, 503, {"Retry-After": "5"}, mimetype="text/plain")
        report()
        return Response(f"chatroom: {NOT_STARTED}\n", 503, mimetype="text/plain")

    web.init_app(app, engine, configuration)
    return app


def _home() -> Path:
    """The folder of ``templates/`` and ``static/``: the package or, in a checkout, its parent."""
    return PACKAGE if (PACKAGE / "templates").is_dir() else PACKAGE.parent
