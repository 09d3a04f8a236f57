"""Who has sent a request: proved by what it has in ``Authorization``."""

from __future__ import annotations

from chatroom.engine import Engine
from chatroom.errors import Problem, Refusal
from chatroom.users.proof import Proof
from chatroom.web import reading
from chatroom.web.forwarded import Networks

WHO = (
    "Send Authorization: Bearer TOKEN, with the token or the pass that the typed protocol's "
    "welcome gave you, with a script's key, or with the link that `chatroom host` prints."
)


def read_person(engine: Engine, proxies: Networks, room: str) -> Proof:
    """Whose token, pass or key the request has; raises as ``read``, also for a link."""
    proof = read(engine, proxies, room)
    if proof.user_id:
        return proof
    raise Problem("bad-token", f"A link is nobody's. {WHO}", {"WWW-Authenticate": "Bearer"})


def read(engine: Engine, proxies: Networks, room: str) -> Proof:
    """Whose token the request has; or what it proves to have instead.

    Raises:
        Problem: it has none, or an invalid one (RFC 6750, section 3).
        Refusal: ``read-only``: it has a key for reading.
    """
    if not reading.bearer():
        raise Problem("bad-token", WHO, {"WWW-Authenticate": "Bearer"})
    visitor, _ = reading.visit(engine, proxies, room)
    proof = visitor.proof
    if proof.reads_only:
        raise Refusal("read-only", "This key is for reading only.")
    if proof.user_id or proof.operator_link:
        return proof
    challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    detail = f"This token is not one of this server's, or has expired. {WHO}"
    raise Problem("bad-token", detail, challenge)
