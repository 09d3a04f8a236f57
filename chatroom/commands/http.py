"""A client for the part of the HTTP API that the commands need."""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, suppress
from typing import Any, NamedTuple
from urllib.parse import quote

from chatroom.addresses import authorization, http_url, secret_in
from chatroom.client.events import id_in
from chatroom.client.failures import connection_failure, http_failure
from chatroom.commands.archived import Archived, TakenBack, archived
from chatroom.commands.output import note
from chatroom.errors import ServerRefused, ServerUnreachable
from chatroom.message import MessageId
from chatroom.wire.fields import parse_unbounded

TIMEOUT = 30.0
"""Seconds that the server may be silent."""

ATTEMPTS = 3
"""Attempts in a row without a new message before a response that breaks off is given up."""

PAGE = 1000
"""Messages to ask for at once: as many as the server allows."""

RETRY = 0.25
"""Seconds between two attempts to reach the server."""

REMOVED = "ids"
"""Have the lines name what was removed."""

_OLDER = re.compile('[?&]before=([^&>]+)[^>]*>; rel="prev"')

BROKEN = (OSError, http.client.HTTPException)

# No proxy from the environment: the other commands' WebSocket would not use it either.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class _Nowhere(urllib.request.HTTPRedirectHandler):
    """After a redirect, a POST would be a GET: something else than was asked for."""

    def redirect_request(self, *_: Any) -> None:
        """Go nowhere."""


_straight = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Nowhere)


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

    Args:
        timeout: seconds that the server may be silent.
        patience: seconds in which it must be reached; tried again until then. None: tried once.
        key: proves to the room who asks; then the URL cannot have a password for a proxy. By
            default, the code that the URL has, as an invitation has it.
    """

    def __init__(
        self, url: str, timeout: float = TIMEOUT, patience: float | None = None, key: str = ""
    ) -> None:
        self.url = http_url(url)
        for_proxy = authorization(url)
        key = key or ("" if for_proxy else secret_in(url, "key"))
        # as UTF-8: http.client wants Latin-1
        letters = key.encode("utf-8", "surrogateescape").decode("latin-1")
        self._authorization = f"Bearer {letters}" if key else for_proxy
        self._timeout = timeout
        self._patience = patience

    def rooms(self) -> dict[str, Extent | None]:
        """The rooms, and how much has been said in each; None for one whose door hides that."""
        with closing(self._get("/api/rooms", "application/json", self._patience)) as reply:
            try:
                found = parse_unbounded(reply.read())["rooms"]
                return {str(room["name"]): _extent(room) for room in found}
            except (*BROKEN, ValueError, KeyError, TypeError, AttributeError) as error:
                raise self._strange(error) from error

    def extent(self, room: str) -> Extent:
        """How much has been said in the room; about how much, if it is in no list."""
        if found := self.rooms().get(room):
            return found
        newest = self._page(room, "limit=1")[0]
        seq = newest[-1].message.seq if newest else 0
        return Extent(seq, seq)

    def messages(self, room: str) -> Iterator[Archived | TakenBack | Unreadable]:
        """All of the room's messages, oldest first; resumes a response that breaks off.

        So that nothing is missing unnoticed, those that were removed are named.
        """
        last: str | None = None
        failures = 0
        while True:
            try:
                for item in self._lines(room, last):
                    id = item.message.id if isinstance(item, Archived) else item.id
                    last, failures = id or last, 0
                    yield item
                return
            except BROKEN as error:
                failures += 1
                if failures == ATTEMPTS:
                    cause = f"the response broke off: {connection_failure(error)}"
                    raise ServerUnreachable(self.url, cause) from error

    def one(self, room: str, id: str) -> Archived:
        """The message with this id."""
        return archived(self.ask("GET", f"/api/rooms/{quote(room, safe='')}/messages/{quote(id)}"))

    def before(self, room: str, id: str, count: int) -> list[Archived]:
        """The last messages before the one with this id, ``count`` at most, oldest first."""
        found: list[Archived] = []
        while len(found) < count:
            query = f"before={quote(id)}&limit={min(count - len(found), PAGE)}"
            page, links = self._page(room, query)
            found = page + found
            # Not by the first message: a page whose messages are all removed is empty.
            older = _OLDER.search(links)
            if not older or older[1] == id:
                break
            id = older[1]
        return found

    def file(self, room: str, id: str) -> Any:
        """A picture or file, to be read and closed."""
        path = f"/api/rooms/{quote(room, safe='')}/files/{quote(id, safe='')}"
        return self._get(path, "*/*", self._patience)

    def _page(self, room: str, query: str) -> tuple[list[Archived], str]:
        """Messages, and the links to others."""
        path = f"/api/rooms/{quote(room, safe='')}/messages?{query}"
        with closing(self._get(path, "application/json", self._patience)) as reply:
            try:
                page = parse_unbounded(reply.read())["messages"]
                return list(filter(None, map(_good, page))), reply.headers.get("Link", "")
            except (*BROKEN, ValueError, KeyError, TypeError) as error:
                raise self._strange(error) from error

    def ask(
        self,
        method: str,
        path: str,
        fields: Mapping[str, object] | None = None,
        needs: Collection[str] = (),
    ) -> dict[str, Any]:
        """Make one request, once; returns the object of the response, or nothing.

        Args:
            fields: of the body; None for none.
            needs: what the object has to have.

        Raises:
            ServerRefused: with the code of the problem that the room answers with, if it does.
        """
        data = None if fields is None else json.dumps(fields).encode()
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        if self._authorization:
            request.add_unredirected_header("Authorization", self._authorization)
        try:
            with _straight.open(request, timeout=self._timeout) as reply:
                body = reply.read()
            found = parse_unbounded(body) if body else {}
            if missing := [name for name in needs if name not in found]:
                raise ValueError(f"no {', '.join(missing)}")
            return found
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error) from None
        except BROKEN as error:
            raise ServerUnreachable(self.url, connection_failure(error)) from error
        except ValueError as error:
            raise self._strange(error) from error

    def _refusal(self, error: urllib.error.HTTPError) -> ServerRefused:
        try:
            body = error.read(10_000)
        except BROKEN:
            body = b""
        if error.headers.get_content_type() == "application/problem+json":
            with suppress(ValueError, KeyError):
                problem = parse_unbounded(body)
                return ServerRefused(str(problem["code"]), str(problem["detail"]))
        return ServerRefused(f"http-{error.code}", self._reason(error, body))

    def _lines(self, room: str, since: str | None) -> Iterator[Archived | TakenBack | Unreadable]:
        query = f"?removed={REMOVED}" + (f"&since={quote(since)}" if since else "")
        path = f"/api/rooms/{quote(room, safe='')}/messages{query}"
        with closing(self._get(path, "application/x-ndjson")) as reply:
            if reply.headers.get_content_type() != "application/x-ndjson":
                raise self._strange(f"it answers {path} with {reply.headers.get_content_type()}")
            yield from map(_read, filter(bytes.strip, _split(reply)))

    def _get(self, path: str, accept: str, silence: float | None = None) -> Any:
        request = urllib.request.Request(self.url + path, headers={"Accept": accept})
        if self._authorization:  # not for the host that a redirect leads to
            request.add_unredirected_header("Authorization", self._authorization)
        deadline = time.monotonic() + (self._patience or 0)
        timeout = self._timeout if silence is None else min(self._timeout, max(silence, RETRY))
        while True:
            try:
                return _opener.open(request, timeout=timeout)
            except urllib.error.HTTPError as error:
                with error:
                    raise self._refusal(error) from None
            except BROKEN as error:
                if time.monotonic() + RETRY > deadline:
                    raise ServerUnreachable(self.url, connection_failure(error)) from error
            time.sleep(RETRY)

    def _reason(self, error: urllib.error.HTTPError, body: bytes) -> str:
        kind, location = (error.headers.get(name, "") for name in ("Content-Type", "Location"))
        with_password = (self._authorization or "").startswith("Basic ")
        return http_failure(error.code, body, kind, location=location, with_password=with_password)

    def _strange(self, cause: object) -> ServerRefused:
        return ServerRefused("no-chatroom", f"{self.url} does not answer like a chat room: {cause}")


def _extent(room: dict[str, Any]) -> Extent | None:
    if "door" in room and "last" not in room:
        return None
    return Extent(int(room["messages"]), MessageId.parse(room["last"]).seq)


def _good(fields: dict[str, Any]) -> Archived | None:
    try:
        return archived(fields)
    except ValueError as error:
        note(f"message {fields.get('id')} is left out: {error!s:.200}")
        return None


def _read(line: bytes) -> Archived | TakenBack | Unreadable:
    try:
        fields = parse_unbounded(line)
        if "removed" in fields:
            return TakenBack(str(MessageId.parse(str(fields.get("id")))))
        return archived(fields)._replace(mark=0)
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
