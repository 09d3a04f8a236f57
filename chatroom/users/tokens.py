"""Who somebody was before: a user's id and its tab's, signed, so that a client can bring them back.

itsdangerous signs (HMAC, constant-time comparison); it comes with Flask.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from itsdangerous import BadData, URLSafeSerializer


class Identity(NamedTuple):
    """One tab of one user."""

    user_id: str
    """12 characters, the same over every connection of the user."""
    tab: str
    """Tells two tabs of a user apart: one that comes back takes the place of its old self only."""


class Tokens:
    """Makes tokens and reads them. Any thread.

    Args:
        secret: the key; a client cannot make a token without it. Kept with the history.
    """

    def __init__(self, secret: bytes) -> None:
        self._serializer = URLSafeSerializer(secret, salt="chatroom.v1 token")

    def write(self, identity: Identity) -> str:
        """The text that a client keeps, and that proves who it was."""
        return str(self._serializer.dumps(list(identity)))

    def read(self, token: str) -> Identity | None:
        """Whom the token names; None where it is not one of ours."""
        try:
            user_id, tab = self._serializer.loads(token)
        except (BadData, TypeError, ValueError):
            return None
        return Identity(user_id, tab)


def new_identity(user_id: str = "") -> Identity:
    """Somebody new, or a new tab of this user."""
    return Identity(user_id or secrets.token_urlsafe(9), secrets.token_urlsafe(6))
