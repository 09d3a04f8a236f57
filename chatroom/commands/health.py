"""Is this a chat room, and is it healthy?"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import NamedTuple

from chatroom.addresses import authorization, http_url
from chatroom.client.failures import connection_failure

TIMEOUT = 5.0
"""Seconds to wait for a response."""


class Health(NamedTuple):
    """What ``/healthz`` says."""

    status: int
    """The HTTP status; 0 if there was no response."""
    is_chatroom: bool
    is_well: bool
    text: str
    """For people: its state, or what went wrong."""
    max_users: int = 0
    """How many sockets the room admits; 0 if it doesn't say."""


def ask(url: str) -> Health:
    """Check the health of the server at the URL; raises only ValueError, if it is not a URL."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(f"{http_url(url)}/healthz")
    if header := authorization(url):
        request.add_unredirected_header("Authorization", header)
    try:
        with opener.open(request, timeout=TIMEOUT) as reply:
            return _read(reply.status, reply.read(10_000))
    except urllib.error.HTTPError as error:
        with error:
            return _read(error.code, error.read(10_000))
    except (OSError, http.client.HTTPException) as error:
        return Health(0, False, False, connection_failure(error))


def _read(status: int, body: bytes) -> Health:
    try:
        fields = json.loads(body)
        state = fields["status"]
    except (ValueError, TypeError, KeyError):
        return Health(status, False, False, f"status {status}, but not a chat room's answer")
    if state == "ok":
        admitted = fields.get("maxUsers")
        text = f"{fields.get('sockets')} sockets"
        return Health(status, True, True, text, admitted if type(admitted) is int else 0)
    return Health(status, True, False, str(fields.get("reason")))
