"""The application without a server: a client of Flask's, and the engine behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
from flask import Flask

from chatroom import create_app
from chatroom.configuration import load_configuration
from chatroom.engine import Engine
from chatroom.errors import HistoryUnavailable
from chatroom.message import Message, MessageId, Remover
from tests.support.deadline import DEADLINE
from tests.support.made_once import made_once


@contextmanager
def started(folder: Path, **changes: Any) -> Iterator[Flask]:
    """An application with its engine running, in a folder of its own."""
    changes = {"messages_per_second": 0} | changes  # tests say more in a second than people do
    with made_once():
        app = create_app(replace(load_configuration({}), path=folder / "config.json", **changes))
    engine_of(app).start()
    try:
        yield app
    finally:
        engine_of(app).stop()


def engine_of(app: Flask) -> Engine:
    engine: Engine = app.extensions["chatroom"]
    return engine


def remember(engine: Engine, count: int, room: str = "lobby", body: str = "hi") -> list[Message]:
    """Give the room a past."""
    seq, _ = engine.history.head(room)
    messages = [
        Message(room, seq + n, f"{n:016x}", "Ann", f"{body} {n}", "10:42 AM", n)
        for n in range(1, count + 1)
    ]
    engine.history.append(messages)
    return messages


def take_back(engine: Engine, *ids: str, room: str = "lobby") -> None:
    """Remove messages as a host does it, though nobody is told."""

    def rewrite() -> None:
        for id in ids:
            message = engine.history.one(room, MessageId.parse(id))
            assert message
            rev = engine.history.rev(room) + 1
            engine.history.rewrite(message.taken_back(Remover.HOST, rev))

    engine.server.ask(rewrite, DEADLINE)


def fail(*_arguments: object, **_options: object) -> NoReturn:
    """In place of what a history does."""
    raise HistoryUnavailable("sqlite:chat.db", "disk I/O error", "see to the disk")


def count_pages(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of the history's pages, as they are read from now on."""
    pages = engine.history.pages
    read: list[int] = []

    def count(room: str, after: int, upto: int) -> Iterator[list[Message]]:
        for messages in pages(room, after, upto):
            read.append(len(messages))
            yield messages

    monkeypatch.setattr(engine.history, "pages", count)
    return read
