"""Is this a chat room, and is it healthy?"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import NamedTuple

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


def ask(url: str) -> Health:
    """Check the health of the server at the URL; never raises."""
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
