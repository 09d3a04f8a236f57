"""A client of the plain protocol, which says and hears what a person does."""

from __future__ import annotations

import json
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.support.deadline import DEADLINE


class PlainClient:
    """A client in a room."""

    def __init__(self, name: str, socket: ClientConnection) -> None:
        self.name = name
        self.socket = socket

    def send(self, fields: dict[str, Any]) -> None:
        self.socket.send(json.dumps(fields))

    def say(self, body: str) -> None:
        self.send({"userName": self.name, "body": body, "timestamp": "10:42 AM"})

    def hear(self, count: int = 1) -> list[dict[str, str]]:
        """The next ``count`` messages."""
        return [json.loads(self.socket.recv(DEADLINE)) for _ in range(count)]

    def bodies(self, count: int = 1) -> list[str]:
        return [message["body"] for message in self.hear(count)]

    def closed_with(self) -> tuple[int | None, str]:
        """Code and reason of the server's Close, whatever came before it; None for no Close."""
        try:
            while True:
                self.socket.recv(DEADLINE)
        except ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, "")

    def hear_until(self, body: str) -> list[dict[str, str]]:
        """All messages up to the one that says ``body``."""
        heard = self.hear()
        while heard[-1]["body"] != body:
            heard += self.hear()
        return heard
