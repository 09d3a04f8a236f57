"""The WSGI application: the parts, wired in the order in which data meets them."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from chatroom import web
from chatroom.configuration import Configuration
from chatroom.engine import Engine

PACKAGE = Path(__file__).resolve().parent


def create_app(configuration: Configuration) -> Flask:
    """Wire the parts. Starts no thread; reads no files but the page's own."""
    engine = Engine(configuration)
    app = Flask("app", root_path=str(_home()), static_folder=None)  # web/page.py serves it
    app.extensions["chatroom"] = engine
    web.init_app(app, engine, configuration)
    return app


def _home() -> Path:
    """The folder of ``templates/`` and ``static/``: the package or, in a checkout, its parent."""
    return PACKAGE if (PACKAGE / "templates").is_dir() else PACKAGE.parent
