"""Who has sent a request: proved by what it has in ``Authorization``."""

from __future__ import annotations

from typing import NamedTuple

from flask import request

from chatroom.errors import Problem
from chatroom.users.tokens import Tokens

WHO = (
    "Send Authorization: Bearer TOKEN, with the token that the typed protocol's welcome gave you, "
    "or with the link that `chatroom host` prints."
)


class Bearer(NamedTuple):
    """Whoever has sent the request."""

    user_id: str
    """Empty for the operator's own commands, which are nobody in a room."""
    operator_link: str = ""
    """Theirs: see ``Speaker``."""


def read(tokens: Tokens) -> Bearer:
    """Whose token the request has; or what it proves to have instead.

    Raises:
        Problem: it has none, or an invalid one (RFC 6750, section 3).
    """
    given = request.headers.get("Authorization", "")
    scheme, _, token = given.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Problem("bad-token", WHO, {"WWW-Authenticate": "Bearer"})
    if identity := tokens.read(token):
        return Bearer(identity.user_id)
    if link := tokens.read_operator_link(token):
        return Bearer("", link.nonce)
    challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    detail = f"This token is not one of this server's, or has expired. {WHO}"
    raise Problem("bad-token", detail, challenge)
