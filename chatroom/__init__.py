"""A chat room that one Python process serves: threads, channels and one select loop."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from chatroom import web
from chatroom.configuration import Configuration
from chatroom.engine import Engine

TOP = Path(__file__).resolve().parent.parent


def create_app(configuration: Configuration) -> Flask:
    """Wire the parts in the order in which data meets them.

    Starts no thread; of files, it reads the page's own.
    """
    engine = Engine(configuration)
    app = Flask("app", root_path=str(TOP), static_folder=None)  # pages.py serves it
    app.extensions["chatroom"] = engine
    web.init_app(app, engine, configuration)
    return app
