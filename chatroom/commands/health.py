"""Is this a chat room, and is it well?"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import NamedTuple

TIMEOUT = 5.0
"""Seconds for an answer."""


class Health(NamedTuple):
    """What ``/healthz`` says."""

    status: int
    """The HTTP status; 0 where there was no answer."""
    is_chatroom: bool
    is_well: bool
    text: str
    """In words: how it is, or what went wrong."""


def ask(url: str) -> Health:
    """Ask the server at the URL how it is; never raises."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/healthz", timeout=TIMEOUT) as reply:
            return _read(reply.status, reply.read(10_000))
    except urllib.error.HTTPError as error:
        with error:
            return _read(error.code, error.read(10_000))
    except (OSError, http.client.HTTPException) as error:
        return Health(0, False, False, str(getattr(error, "reason", error)))


def _read(status: int, body: bytes) -> Health:
    try:
        fields = json.loads(body)
        state = fields["status"]
    except (ValueError, TypeError, KeyError):
        return Health(status, False, False, f"status {status}, but not a chat room's answer")
    if state == "ok":
        return Health(status, True, True, f"{fields.get('sockets')} sockets")
    return Health(status, True, False, str(fields.get("reason")))
