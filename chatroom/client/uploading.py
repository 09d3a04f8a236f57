"""A file on its way to the server, which gives it an id: by HTTP, as nothing of it is JSON."""

from __future__ import annotations

import http.client
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO
from urllib.parse import quote

from chatroom.addresses import http_url
from chatroom.client.failures import connection_failure, http_failure
from chatroom.errors import ServerRefused, ServerUnreachable
from chatroom.wire.fields import parse_unbounded

TIMEOUT = 40.0
"""Seconds that the server may take no byte, or be silent."""

PATIENCE = 120.0
"""Seconds for which an upload waits for its turn: others' may take long."""

RETRY_AFTER = 5
"""Seconds until it tries again, if the server does not say when."""

LATER = ("busy", "too-many-files")
"""Refusals that are over by themselves: all places are taken, or this person's are."""


class _Sending(http.client.HTTPConnection):
    """Goes on to read the answer if the server reads no more: it refuses a large file before that
    has come, and does not wait for the rest for ever."""

    def send(self, data: Any) -> None:
        """Send it, or as much as is wanted."""
        with suppress(BrokenPipeError, ConnectionResetError):
            super().send(data)


class _SecureSending(_Sending, http.client.HTTPSConnection):
    """Likewise, with TLS."""


class _Plainly(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Sending, req)


class _Securely(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_SecureSending, req)


# No proxy from the environment: the WebSocket does not use it either.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Plainly, _Securely)


class _Later(Exception):
    """The server wants it later.

    Args:
        refusal: what it says.
        seconds: until when.
    """

    def __init__(self, refusal: ServerRefused, seconds: int) -> None:
        super().__init__(refusal, seconds)
        self.refusal = refusal
        self.seconds = seconds


def upload(
    url: str,
    room: str,
    name: str,
    stream: BinaryIO,
    size: int,
    bearer: str,
    tell: Callable[[str, float], None] = lambda why, seconds: None,
) -> str:
    """Send the file; waits until it is stored, and before that for its turn.

    Args:
        url: as ``ChatClient`` takes it.
        name: what people call it.
        stream: read from where it is.
        size: bytes.
        bearer: a pass, a token or a key.
        tell: told why it has to wait, and for how many seconds.

    Returns:
        Its id.

    Raises:
        ServerRefused: with the code of the problem; of one of ``LATER``, if it would have to wait
            for more than ``PATIENCE``.
        ServerUnreachable: no answer.
        OSError: the file cannot be read.
    """
    address = f"{http_url(url)}/api/rooms/{quote(room, safe='')}/files/{quote(name, safe='')}"
    over, begin = time.monotonic() + PATIENCE, stream.tell()
    while True:
        try:
            return _send(url, address, stream, size, bearer)
        except _Later as later:
            wait = later.seconds + random.random()  # or all who wait would come at once
            if time.monotonic() + wait > over:
                raise later.refusal from None
            tell(later.refusal.detail, wait)
        time.sleep(wait)
        stream.seek(begin)


def _send(url: str, address: str, stream: BinaryIO, size: int, bearer: str) -> str:
    headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
    request = urllib.request.Request(address, stream, headers, method="PUT")
    request.add_unredirected_header("Authorization", f"Bearer {bearer}")
    try:
        with _opener.open(request, timeout=TIMEOUT) as reply:
            return str(parse_unbounded(reply.read())["id"])
    except urllib.error.HTTPError as error:
        with error:
            refusal = _refusal(error)
            if refusal.code in LATER:
                raise _Later(refusal, _seconds(error)) from None
            raise refusal from None
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError) as error:
        raise ServerUnreachable(http_url(url), connection_failure(error)) from error
    except (ValueError, KeyError) as error:
        cause = f"{http_url(url)} does not answer like a chat room: {error}"
        raise ServerRefused("no-chatroom", cause) from error


def _seconds(error: urllib.error.HTTPError) -> int:
    try:
        return max(1, int(error.headers["Retry-After"]))
    except (TypeError, ValueError):
        return RETRY_AFTER


def _refusal(error: urllib.error.HTTPError) -> ServerRefused:
    body = b""
    with suppress(OSError, http.client.HTTPException):
        body = error.read(10_000)
    if error.headers.get_content_type() == "application/problem+json":
        with suppress(ValueError, KeyError):
            problem = parse_unbounded(body)
            return ServerRefused(str(problem["code"]), str(problem["detail"]))
    kind = error.headers.get("Content-Type", "")
    return ServerRefused(f"http-{error.code}", http_failure(error.code, body, kind))
