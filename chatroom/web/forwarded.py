"""What proxies report about a request: whose it is, and under which address it was made.

Each proxy appends to the lists in ``X-Forwarded-For``, ``-Proto`` and ``-Host``: the address that
it saw, and the scheme and host that it was asked for. So the lists are read from the right, and
only as far as trusted proxies wrote them. Whatever stands further left, anybody may have sent.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from chatroom.addresses import is_in

Environ = Mapping[str, Any]
Networks = Sequence[IPv4Network | IPv6Network]

_PAGE_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
"""Traefik writes wss for an upgrade; the page's origin is https all the same."""

_WITH_PORT = re.compile(r"\[(?P<v6>[0-9A-Fa-f:.]+)\](:[0-9]*)?|(?P<v4>[0-9.]+):[0-9]*")
"""How some proxies write addresses: ``[2001:db8::7]:443``, ``[2001:db8::7]``, ``192.0.2.7:443``."""


def client_address(environ: Environ, proxies: Networks) -> str:
    """The client's address: the last one in X-Forwarded-For that is not a trusted proxy."""
    return _walk(environ, proxies)[0] or "unix"


def own_origin(environ: Environ, proxies: Networks) -> str:
    """The origin of this server's pages, as the browser sees it."""
    _client, vouched = _walk(environ, proxies)
    scheme: str = environ["wsgi.url_scheme"]
    told = _outermost(environ, "PROTO", vouched).lower()
    host = _outermost(environ, "HOST", vouched) or environ.get("HTTP_HOST", "")
    return f"{_PAGE_SCHEMES.get(told, scheme)}://{host}"


def is_forwarded(environ: Environ, proxies: Networks) -> bool:
    """Whether a trusted peer says that it passes on somebody's request."""
    return is_trusted(environ.get("REMOTE_ADDR", ""), proxies) and any(
        _values(environ, name) for name in ("FOR", "PROTO", "HOST")
    )


def is_trusted(address: str, proxies: Networks) -> bool:
    """Whether to trust this peer's X-Forwarded headers; a unix socket's peer has no address."""
    return not address or is_in(address, proxies)


def _walk(environ: Environ, proxies: Networks) -> tuple[str, int]:
    """The client's address, and how many entries of each list trusted proxies vouch for.

    Where every address is a trusted proxy's, or none is given, they vouch for the whole list.
    """
    address: str = environ.get("REMOTE_ADDR", "")
    chain = [_without_port(value) for value in _values(environ, "FOR")]
    vouched = 0
    while is_trusted(address, proxies):
        if not chain:
            return address, sys.maxsize
        address = chain.pop()
        vouched += 1
    return address, vouched


def _outermost(environ: Environ, name: str, vouched: int) -> str:
    """The first of a list's last ``vouched`` entries; "" if there is none."""
    values = _values(environ, name)
    return values[-min(vouched, len(values))] if values and vouched else ""


def _values(environ: Environ, name: str) -> list[str]:
    header = environ.get(f"HTTP_X_FORWARDED_{name}", "")
    return [value.strip() for value in header.split(",") if value.strip()]


def _without_port(address: str) -> str:
    found = _WITH_PORT.fullmatch(address)
    return (found["v6"] or found["v4"]) if found else address
