"""A client of Server-Sent Events, which reads a room's stream as a browser does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


class SentEvent(NamedTuple):
    """One event, taken apart as a browser does it."""

    name: str
    data: Any
    id: str | None


class Stream:
    """What a client reads."""

    def __init__(self, reply: TestResponse) -> None:
        assert reply.status_code == 200, reply.text
        assert reply.mimetype == "text/event-stream"
        assert reply.cache_control.no_store
        self.reply = reply
        self.comments = 0
        self.retry = 0
        self._chunks = reply.iter_encoded()
        self._events = self._parse()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.reply.close()

    def _parse(self) -> Iterator[SentEvent]:
        for chunk in self._chunks:
            text = chunk.decode()
            assert text.endswith("\n\n"), "an event that is cut in two"
            for block in text.split("\n\n")[:-1]:
                yield from self._event(block)

    def _event(self, block: str) -> Iterator[SentEvent]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        if "" in fields:
            self.comments += 1
        if "retry" in fields:
            self.retry = int(fields["retry"])
        if "data" in fields:
            data = json.loads(fields["data"])
            yield SentEvent(fields.get("event", "message"), data, fields.get("id"))

    def next(self) -> SentEvent:
        return next(self._events)

    def until(self, name: str) -> list[SentEvent]:
        """All events up to the next one of this name, which is the last one."""
        found = [self.next()]
        while found[-1].name != name:
            found.append(self.next())
        return found

    def hear_bodies(self, count: int) -> list[str]:
        """What the next ``count`` messages say, whatever their ids are."""
        return [self.next().data["body"] for _ in range(count)]

    def hear(self, count: int) -> list[str]:
        """What the next ``count`` messages say; nothing else may come between."""
        found = [self.next() for _ in range(count)]
        assert {event.name for event in found} <= {"message"}, found
        assert all(event.id == event.data["id"] for event in found)
        return [event.data["body"] for event in found]


def listen(client: FlaskClient, query: str = "", last: str | None = None) -> Stream:
    headers = {} if last is None else {"Last-Event-ID": last}
    address = f"/api/rooms/lobby/events{query}"
    return Stream(client.get(address, headers=headers, buffered=False))
