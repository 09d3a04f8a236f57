"""A client for the part of the HTTP API that the commands need."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple
from urllib.parse import quote

from chatroom.addresses import authorization, http_url
from chatroom.client.events import id_in
from chatroom.client.failures import connection_failure, http_failure
from chatroom.commands.json_lines import parse
from chatroom.errors import ServerRefused, ServerUnreachable
from chatroom.message import Message, MessageId
from chatroom.wire.message_json import to_message

TIMEOUT = 30.0
"""Seconds that the server may be silent."""

ATTEMPTS = 3
"""Attempts in a row without a new message before a response that breaks off is given up."""

BROKEN = (OSError, http.client.HTTPException)

# No proxy from the environment: the other commands' WebSocket would not use it either.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Extent(NamedTuple):
    """How much has been said in a room."""

    messages: int
    last: int
    """The seq of the last message."""


class Unreadable(NamedTuple):
    """A line in place of a message; another version of the program may know better."""

    id: str | None
    """The message's, if at least that can be read."""
    cause: str


class Api:
    """A server's ``/api``.

    Every call raises ServerUnreachable if there is no response, and ServerRefused if it is an
    error.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self.url = http_url(url)
        self._authorization = authorization(url)
        self._timeout = timeout

    def rooms(self) -> dict[str, Extent]:
        """The rooms, and how much has been said in each."""
        with closing(self._get("/api/rooms", "application/json")) as reply:
            try:
                found = parse(reply.read())["rooms"]
                return {str(room["name"]): _extent(room) for room in found}
            except (*BROKEN, ValueError, KeyError, TypeError, AttributeError) as error:
                raise self._strange(error) from error

    def messages(self, room: str) -> Iterator[Message | Unreadable]:
        """All of the room's messages, oldest first; resumes a response that breaks off."""
        last: str | None = None
        failures = 0
        while True:
            try:
                for message in self._lines(room, last):
                    last, failures = message.id or last, 0
                    yield message
                return
            except BROKEN as error:
                failures += 1
                if failures == ATTEMPTS:
                    cause = f"the response broke off: {connection_failure(error)}"
                    raise ServerUnreachable(self.url, cause) from error

    def _lines(self, room: str, since: str | None) -> Iterator[Message | Unreadable]:
        query = f"?since={quote(since)}" if since else ""
        path = f"/api/rooms/{quote(room, safe='')}/messages{query}"
        with closing(self._get(path, "application/x-ndjson")) as reply:
            if reply.headers.get_content_type() != "application/x-ndjson":
                raise self._strange(f"it answers {path} with {reply.headers.get_content_type()}")
            yield from map(_read, filter(bytes.strip, _split(reply)))

    def _get(self, path: str, accept: str) -> Any:
        request = urllib.request.Request(self.url + path, headers={"Accept": accept})
        if self._authorization:  # not for the host that a redirect leads to
            request.add_unredirected_header("Authorization", self._authorization)
        try:
            return _opener.open(request, timeout=self._timeout)
        except urllib.error.HTTPError as error:
            with error:
                raise ServerRefused(f"http-{error.code}", self._reason(error)) from None
        except BROKEN as error:
            raise ServerUnreachable(self.url, connection_failure(error)) from error

    def _reason(self, error: urllib.error.HTTPError) -> str:
        try:
            body = error.read(10_000)
        except BROKEN:
            body = b""
        kind, location = (error.headers.get(name, "") for name in ("Content-Type", "Location"))
        with_password = bool(self._authorization)
        return http_failure(error.code, body, kind, location=location, with_password=with_password)

    def _strange(self, cause: object) -> ServerRefused:
        return ServerRefused("no-chatroom", f"{self.url} does not answer like a chat room: {cause}")


def _extent(room: dict[str, Any]) -> Extent:
    return Extent(int(room["messages"]), MessageId.parse(room["last"]).seq)


def _read(line: bytes) -> Message | Unreadable:
    try:
        return to_message(parse(line))
    except ValueError as error:
        return Unreadable(id_in(line.decode("utf-8", "replace")), f"{error!s:.200}")


def _split(reply: http.client.HTTPResponse) -> Iterator[bytes]:
    """The lines of the response.

    Not ``for line in reply``, which mistakes a stream that breaks off for a complete one.
    """
    rest = b""
    while data := reply.read1(65536):
        *whole, rest = (rest + data).split(b"\n")
        yield from whole
    if rest:
        yield rest
