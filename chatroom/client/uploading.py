"""A file on its way to the server, which gives it an id: by HTTP, as nothing of it is JSON."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from contextlib import suppress
from typing import BinaryIO
from urllib.parse import quote

from chatroom.addresses import http_url
from chatroom.client.failures import connection_failure, http_failure
from chatroom.errors import ServerRefused, ServerUnreachable
from chatroom.wire.fields import parse_unbounded

TIMEOUT = 40.0
"""Seconds that the server may take no byte, or be silent."""

# No proxy from the environment: the WebSocket does not use it either.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def upload(url: str, room: str, name: str, stream: BinaryIO, size: int, bearer: str) -> str:
    """Send the file; waits until it is stored.

    Args:
        url: as ``ChatClient`` takes it.
        name: what people call it.
        stream: read from where it is.
        size: bytes.
        bearer: a pass, a token or a key.

    Returns:
        Its id.

    Raises:
        ServerRefused: with the code of the problem.
        ServerUnreachable: no answer.
        OSError: the file cannot be read.
    """
    address = f"{http_url(url)}/api/rooms/{quote(room, safe='')}/files/{quote(name, safe='')}"
    headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
    request = urllib.request.Request(address, stream, headers, method="PUT")
    request.add_unredirected_header("Authorization", f"Bearer {bearer}")
    try:
        with _opener.open(request, timeout=TIMEOUT) as reply:
            return str(parse_unbounded(reply.read())["id"])
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(error) from None
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError) as error:
        raise ServerUnreachable(http_url(url), connection_failure(error)) from error
    except (ValueError, KeyError) as error:
        cause = f"{http_url(url)} does not answer like a chat room: {error}"
        raise ServerRefused("no-chatroom", cause) from error


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
