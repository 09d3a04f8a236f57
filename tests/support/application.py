"""The application without a server: a client of Flask's, and the engine behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask

from chatroom import create_app
from chatroom.configuration import load_configuration
from chatroom.engine import Engine


@contextmanager
def started(folder: Path, **changes: Any) -> Iterator[Flask]:
    """An application with its engine running, in a folder of its own."""
    app = create_app(replace(load_configuration({}), path=folder / "config.json", **changes))
    engine_of(app).start()
    try:
        yield app
    finally:
        engine_of(app).stop()


def engine_of(app: Flask) -> Engine:
    engine: Engine = app.extensions["chatroom"]
    return engine
