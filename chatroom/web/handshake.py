"""May this request become a WebSocket? Pure functions over a WSGI environ.

Invalid requests get a proper HTTP status before Flask-Sock sees them: the libraries would answer
some of them with a 500, and others with a 101.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from chatroom.addresses import is_loopback, to_origin
from chatroom.errors import BadRoomName, HandshakeRefused
from chatroom.names import DEFAULT_ROOM, room_name
from chatroom.web.forwarded import Environ, Networks, own_origin

SHOWN_CHARACTERS = 100
"""Of a refused header's value, for the log and the client."""

# What the library's own handshake reads, and Flask after the socket has ended.
_NEEDED = {"HTTP_HOST", "HTTP_UPGRADE", "HTTP_CONNECTION"}
_NEEDED |= {"HTTP_SEC_WEBSOCKET_KEY", "HTTP_SEC_WEBSOCKET_VERSION"}
_NEEDED |= {"gunicorn.socket", "werkzeug.socket", "werkzeug.request", "REQUEST_METHOD"}
_NEEDED |= {"REMOTE_ADDR"}  # werkzeug's server logs it


def check_upgrade(environ: Environ) -> None:
    """Refuse anything but a WebSocket handshake of version 13 (RFC 6455, section 4.2.1).

    Raises:
        HandshakeRefused: 405, 400 or 426, with the header that the status requires.
    """
    if environ["REQUEST_METHOD"] != "GET":
        raise HandshakeRefused(
            405, "A WebSocket handshake must be a GET request.", {"Allow": "GET"}
        )
    if environ.get("SERVER_PROTOCOL") != "HTTP/1.1":
        raise HandshakeRefused(400, "A WebSocket handshake needs HTTP/1.1.")
    upgrades = {"Sec-WebSocket-Version": "13", "Upgrade": "websocket", "Connection": "Upgrade"}
    tokens = {token.strip().lower() for token in environ.get("HTTP_CONNECTION", "").split(",")}
    if environ.get("HTTP_UPGRADE", "").lower() != "websocket" or "upgrade" not in tokens:
        raise HandshakeRefused(426, "This address accepts WebSocket connections only.", upgrades)
    if environ.get("HTTP_SEC_WEBSOCKET_VERSION") != "13":
        raise HandshakeRefused(426, "Sec-WebSocket-Version must be 13.", upgrades)
    if not _is_key(environ.get("HTTP_SEC_WEBSOCKET_KEY", "")):
        raise HandshakeRefused(400, "Sec-WebSocket-Key must be 16 bytes in base64.")
    if environ.get("CONTENT_LENGTH", "0").strip("0") or "HTTP_TRANSFER_ENCODING" in environ:
        raise HandshakeRefused(400, "A WebSocket handshake has no body.")
    if not environ.get("HTTP_HOST"):
        raise HandshakeRefused(400, "The Host header is missing.")


def early_bytes(environ: Environ) -> bytes:
    """What the server has read beyond the request's head: the first frames of an eager client."""
    unreader = getattr(getattr(environ.get("wsgi.input"), "reader", None), "unreader", None)
    take = getattr(unreader, "take_buffered", None)  # gunicorn has it for exactly this purpose
    return bytes(take()) if take else b""


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def check_origin(environ: Environ, allowed: Collection[str], proxies: Networks) -> None:
    """Refuse pages from other sites; a client that sends no Origin is not a page.

    Raises:
        HandshakeRefused: 403.
    """
    origin = environ.get("HTTP_ORIGIN")
    if origin is None:
        return
    if not _is_same(origin, [own_origin(environ, proxies), *allowed]):
        shown = origin[:SHOWN_CHARACTERS] or '""'
        wanted = f"{shown} is not in allowedOrigins in config.json."
        raise HandshakeRefused(403, f"Pages from another origin may not connect: {wanted}")


def _is_same(origin: str, wanted: Collection[str]) -> bool:
    for candidate in wanted:
        try:
            if to_origin(origin) == to_origin(candidate):
                return True
        except ValueError:  # "null", or an invalid Host header
            continue
    return False


def is_trustworthy(environ: Environ, proxies: Networks) -> bool:
    """Whether browsers treat the page's origin as potentially trustworthy.

    Source: W3C, "Secure Contexts", section 3.1.
    """
    try:
        origin = urlsplit(own_origin(environ, proxies))
    except ValueError:  # an invalid Host header
        return False
    return origin.scheme == "https" or is_loopback(origin.hostname or "")


def room_asked_for(text: str | None) -> str:
    """The room that ``?room=NAME`` or a path asks for; the lobby if ``text`` is None.

    Raises:
        HandshakeRefused: 400.
    """
    try:
        return DEFAULT_ROOM if text is None else room_name(text)
    except BadRoomName as error:
        raise HandshakeRefused(400, str(error)) from None


def speaks(environ: Environ, subprotocol: str) -> bool:
    """Whether the client asks for this subprotocol."""
    asked = environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", "").split(",")
    return subprotocol in (name.strip() for name in asked)


def strip(environ: dict[str, Any], subprotocol: str = "") -> None:
    """Remove whatever the library's handshake must not see, or need not.

    Of the subprotocols that the client offers, at most this one remains. Without
    Sec-WebSocket-Extensions the library negotiates no compression, so the same frame can be sent
    to everyone. And what remains stays in memory as long as the socket.
    """
    needed = {key: value for key, value in environ.items() if key in _NEEDED}
    if subprotocol:
        needed["HTTP_SEC_WEBSOCKET_PROTOCOL"] = subprotocol
    environ.clear()  # frees its hash table, which deleting keys would not
    environ.update(needed)
