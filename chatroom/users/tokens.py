"""Signed tokens by which a returning client proves who it was, its user id and tab id; and the
links that make somebody an operator.

itsdangerous signs (HMAC, constant-time comparison); it comes with Flask.
"""

from __future__ import annotations

import secrets
import time
from typing import NamedTuple
from urllib.parse import quote

from itsdangerous import BadData, URLSafeSerializer

from chatroom.names import DEFAULT_ROOM


class Identity(NamedTuple):
    """One tab of one user."""

    user_id: str
    """12 characters, the same on every connection of the user."""
    tab: str
    """Distinguishes the user's tabs: a returning tab replaces only its own old connection."""


LINK_SECONDS = 600
"""For which an operator's link can be used."""


class OperatorLink(NamedTuple):
    """What an operator's link proves."""

    nonce: str
    """Its own, so that it is used once."""
    until: int
    """When it expires: Unix time in milliseconds."""


class Tokens:
    """Makes tokens and reads them. Any thread.

    Args:
        secret: the key, without which nobody can forge a token. Kept with the history.
    """

    def __init__(self, secret: bytes) -> None:
        self._serializer = URLSafeSerializer(secret, salt="chatroom.v1 token")
        self._links = URLSafeSerializer(secret, salt="chatroom.v1 operator link")

    def write(self, identity: Identity) -> str:
        """The text that a client keeps, and that proves who it was."""
        return str(self._serializer.dumps(list(identity)))

    def read(self, token: str) -> Identity | None:
        """The identity in the token; None if the token is not one of ours."""
        try:
            user_id, tab = self._serializer.loads(token)
        except (BadData, TypeError, ValueError):
            return None
        return Identity(user_id, tab)

    def write_operator_link(self, seconds: int = LINK_SECONDS) -> str:
        """A secret that makes one person an operator, within so many seconds."""
        until = int(time.time() + seconds) * 1000
        return str(self._links.dumps([secrets.token_urlsafe(6), until]))

    def read_operator_link(self, secret: str) -> OperatorLink | None:
        """What it proves; None if it is not one of ours, or has expired."""
        try:
            link = OperatorLink(*self._links.loads(secret))
        except (BadData, TypeError, ValueError):
            return None
        return link if time.time() * 1000 < link.until else None


def host_link(url: str, room: str, secret: str) -> str:
    """The address of a room's page, which makes whoever opens it a host.

    Args:
        url: the server's, without a slash at its end.
        secret: of an operator's link, or of one that a host has made.
    """
    where = "/" if room == DEFAULT_ROOM else f"/rooms/{quote(room)}"
    return f"{url}{where}#host={secret}"


def new_identity(user_id: str = "") -> Identity:
    """Somebody new, or a new tab of this user."""
    return Identity(user_id or secrets.token_urlsafe(9), secrets.token_urlsafe(6))
