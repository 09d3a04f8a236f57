"""Signed tokens by which a returning client proves who it was, its user id and tab id; passes, by
which it proves that it was in a room; and the links that make somebody an operator.

itsdangerous signs (HMAC, constant-time comparison); it comes with Flask. Passes are signed here:
the Server thread signs one for everybody who comes in, which takes it 4 µs, a fifth of what
itsdangerous takes.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

from itsdangerous import BadData, URLSafeSerializer
from itsdangerous.encoding import base64_encode
from itsdangerous.serializer import Serializer

from chatroom.history.deleted import mark
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


class Pass(NamedTuple):
    """What a pass proves: that somebody was let into a room."""

    user_id: str
    epoch: int
    """The room's, then: see ``Charter``."""
    knows_password: bool
    """The server's password was the same then."""


class View(NamedTuple):
    """What a view proves: that somebody could read a room, not long ago."""

    user_id: str
    """Empty for nobody that the room knows."""
    epoch: int
    """As of a pass, like the next one."""
    knows_password: bool


class Tokens:
    """Makes tokens and reads them. Any thread.

    Args:
        secret: the key, without which nobody can forge a token. Kept with the history.
        password: the whole server's; empty if it asks for none.
        deleted: see ``Decisions.deleted``: no pass of such a room is good for the next one.
    """

    def __init__(
        self,
        secret: bytes,
        password: str = "",
        deleted: Mapping[str, bytes] = MappingProxyType({}),
    ) -> None:
        self._secret = secret
        self._deleted = deleted
        self._serializer = _Uncompressed(secret, salt="chatroom.v1 token")
        self._links = URLSafeSerializer(secret, salt="chatroom.v1 operator link")
        self._pass_key = _key(secret, b"chatroom.v1 pass")
        self._view_key = _key(secret, b"chatroom.v1 view")
        self._password_mark = _sealed(self._pass_key, f"\n{password}")[:8]

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

    def write_pass(self, room: str, user_id: str, epoch: int) -> str:
        """The text that lets somebody come back into a room."""
        claim = f"{user_id}.{epoch}.{self._password_mark}"
        return f"{claim}.{self._seal(self._pass_key, room, claim)}"

    def read_pass(self, text: str, room: str) -> Pass | None:
        """What it proves; None if it is not one of ours for this room."""
        claim, _, seal = text.rpartition(".")
        # surrogatepass: a header or a frame may have anything
        given = seal.encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(given, self._seal(self._pass_key, room, claim).encode()):
            return None
        user_id, epoch, mark = claim.rsplit(".", 2)
        return Pass(user_id, int(epoch), mark == self._password_mark)

    def write_view(self, room: str, user_id: str, epoch: int, seconds: int) -> str:
        """A part of an address with which a browser shows a room's files, which sends no header for
        a picture. It lets nobody in, and opens nothing else."""
        until = int(time.time()) + seconds
        claim = f"{user_id}.{epoch}.{self._password_mark}.{until}"
        return f"{claim}.{self._seal(self._view_key, room, claim)}"

    def read_view(self, text: str, room: str) -> View | None:
        """What it proves; None if it is not one of ours for this room, or has expired."""
        claim, _, seal = text.rpartition(".")
        given = seal.encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(given, self._seal(self._view_key, room, claim).encode()):
            return None
        user_id, epoch, mark, until = claim.rsplit(".", 3)
        if time.time() >= int(until):
            return None
        return View(user_id, int(epoch), mark == self._password_mark)

    def _seal(self, key: hmac.HMAC, room: str, claim: str) -> str:
        text = f"{room}\n{claim}"  # no room's name has a line break
        if self._deleted and (since := self._deleted.get(mark(self._secret, room))):
            text += f"\n{since.hex()}"
        return _sealed(key, text)

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


class _Uncompressed(URLSafeSerializer):
    """It tries to compress whatever it signs: a token never gets shorter, and each attempt takes
    longer than all the rest."""

    def dump_payload(self, obj: object) -> bytes:
        return base64_encode(Serializer.dump_payload(self, obj))


def _key(secret: bytes, purpose: bytes) -> hmac.HMAC:
    return hmac.new(hmac.digest(secret, purpose, "sha256"), digestmod="sha256")


def _sealed(key: hmac.HMAC, text: str) -> str:
    # A copy, which takes a microsecond: hmac.digest would release the interpreter for it, and the
    # Server thread would have to wait for its turn, once for everybody who comes in.
    mac = key.copy()
    mac.update(text.encode("utf-8", "surrogatepass"))
    return base64.urlsafe_b64encode(mac.digest()[:18]).decode()


def host_link(url: str, room: str, secret: str) -> str:
    """The address of a room's page, which makes whoever opens it a host."""
    return link_to(url, room, "host", secret)


def link_to(url: str, room: str, makes: str, secret: str) -> str:
    """The address of a room's page, with the secret of a link.

    Args:
        url: the server's, without a slash at its end.
        makes: ``host`` or ``guest``.
        secret: of an operator's link, or of one that a host has made.
    """
    where = "/" if room == DEFAULT_ROOM else f"/rooms/{quote(room)}"
    return f"{url}{where}#{makes}={secret}"


def new_identity(user_id: str = "") -> Identity:
    """Somebody new, or a new tab of this user."""
    # No id with a dash at its head: as an argument of a command, it would be taken for an option.
    while (text := secrets.token_urlsafe(15)).startswith("-"):  # 12 characters and 8, in one go
        pass
    return Identity(user_id or text[:12], text[12:])
