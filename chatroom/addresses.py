"""Addresses: of hosts and networks, of origins, of servers, and this machine's own."""

from __future__ import annotations

import base64
import ipaddress
import re
import socket
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

EVERYWHERE = {"0.0.0.0", "::"}
"""The addresses that stand for all interfaces."""


def is_everywhere(host: str) -> bool:
    """Whether it stands for all interfaces, however it is spelt."""
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def is_host_name(value: str) -> bool:
    """Whether a socket can be bound to it: an IPv4 or IPv6 address, or a host's name."""
    if ":" in value:  # only an IPv6 address has one, so "localhost:80" is refused
        try:
            return bool(ipaddress.IPv6Address(value))
        except ValueError:
            return False
    return re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?", value) is not None


DEFAULT_PORTS = {"http": 80, "https": 443}

_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[^\s/?#@:\[\]\\]+|\[[0-9a-f:.]+\])"
    r"(:(?P<port>[0-9]{1,5}))?"
)
_NEVER_AN_ORIGIN = {"blob", "data", "file", "ftp", "javascript", "ws", "wss"}
"""Schemes of addresses to connect to, or of pages whose Origin header is ``null``."""


def to_origin(value: str) -> str:
    """The origin as a browser's Origin header spells it, so that ``==`` compares two.

    Apps in a browser's clothes and extensions have schemes of their own:
    ``capacitor://localhost``, ``chrome-extension://…``.

    Raises:
        ValueError: it isn't an origin, or has a path.
    """
    found = _ORIGIN.fullmatch(value.lower())
    if not found or found["scheme"] in _NEVER_AN_ORIGIN:
        raise ValueError(value)
    scheme, host = found["scheme"], found["host"]
    if host.startswith("["):
        host = f"[{ipaddress.IPv6Address(host[1:-1])}]"
    # For other schemes than http and https, a host is any text: app://.
    elif not re.fullmatch(r"\w[\w.-]*" if scheme in DEFAULT_PORTS else r"[\w.~-]+", host, re.A):
        raise ValueError(value)
    port = int(found["port"] or DEFAULT_PORTS.get(scheme, 0))
    if port > 65535 or (found["port"] and not port):
        raise ValueError(value)
    is_default = port == DEFAULT_PORTS.get(scheme, 0)
    return f"{scheme}://{host}" if is_default else f"{scheme}://{host}:{port}"


def to_listed_origin(value: str) -> str:
    """The origin as a browser spells it, of one as people write it: ``https://bücher.example``.

    Raises:
        ValueError: it isn't an origin, or has a path.
    """
    found = re.fullmatch(r"(https?://)([^/:\[\]]+)(.*)", value, re.IGNORECASE | re.DOTALL)
    return to_origin(found[1] + to_host(found[2]) + found[3] if found else value)


def to_host(name: str) -> str:
    """The host name as browsers send it: in lower case, other alphabets as ``xn--``.

    Close to UTS 46, which browsers follow; the ``idna`` codec is older, and makes ß an ss.

    Raises:
        ValueError: it isn't a host name.
    """
    labels = re.split("[.\u3002]", unicodedata.normalize("NFKC", name.lower()))
    ascii = ".".join(map(_to_ascii, labels))
    if not re.fullmatch(r"\w[\w.-]*", ascii, re.ASCII) or len(ascii) > 253:
        raise ValueError(name)
    return ascii


def _to_ascii(label: str) -> str:
    if not label.isascii():
        if any(unicodedata.category(letter)[0] not in "LMNS" for letter in label.replace("-", "")):
            raise ValueError(label)
        label = f"xn--{label.encode('punycode').decode()}"
    if len(label) > 63:
        raise ValueError(label)
    return label


def to_network(value: str) -> IPv4Network | IPv6Network:
    """The network of an address or a CIDR notation.

    Raises:
        ValueError: it is invalid, or has host bits set (10.0.0.1/8).
    """
    return ipaddress.ip_network(value)


@lru_cache(maxsize=256)  # it is asked several times of everybody who comes in
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether a host, given without port and brackets, is the local machine."""
    host = host.rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    ip = _parsed(host)
    if ip is None:
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_loopback or ip.is_unspecified


def neighbourhood(address: str) -> str:
    """What counts as one client's address: the address itself, or an IPv6 address's /64, since
    each client has a whole one; of link-local ones, all have the same. Anything else, such as
    ``unix``, stays as it is."""
    ip = _parsed(address)
    if ip is None:
        return address
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.version == 4 or ip.is_link_local:
        return str(ip)
    return str(ip_network((ip, 64), strict=False))


def region(address: str) -> str:
    """The addresses of which one owner may have very many: an IPv4 address's /16, an IPv6 one's
    /32. Anything else stays as it is."""
    try:
        ip = ip_address(neighbourhood(address).partition("/")[0])
    except ValueError:
        return address
    return str(ip_network((ip, 16 if ip.version == 4 else 32), strict=False))


def is_in(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Whether the address is in one of these networks."""
    ip = _parsed(address)
    if ip is None:
        return False
    # A dual-stack socket reports 127.0.0.1 as ::ffff:127.0.0.1.
    forms = {ip, getattr(ip, "ipv4_mapped", None) or ip}
    return any(form in network for form in forms for network in networks)


def lan_address() -> str | None:
    """This machine's address on its network; None where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a documentation address; UDP sends nothing here
        except OSError:
            return None
        address: str = probe.getsockname()[0]
        return address


# -- the URL of a server ---------------------------------------------------------------------------


def url_of(host: str, port: int) -> str:
    """Of a server that listens there, which may be an IPv6 address."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def url_here(host: str, port: int) -> str:
    """Of a server that listens there, for a browser on the same machine."""
    return url_of("localhost" if host in (*EVERYWHERE, "127.0.0.1") else host, port)


_ROOM_PAGE = re.compile(r"(?P<prefix>.*)/rooms/(?P<room>[^/]+)/?")


def chat_url(url: str) -> str:
    """The address of the socket: ``http://host:9999`` becomes ``ws://host:9999/chat``.

    A room page's address, such as ``http://host:9999/rooms/garden``, leads to that room. Name and
    password are left out: see ``authorization``.

    Raises:
        ValueError: it is not a server's URL.
    """
    parts = _split(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    path, query = parts.path.rstrip("/"), parts.query
    if page := _room_page(parts):
        path, query = page["prefix"], f"room={quote(unquote(page['room']))}"
    path = path if path.endswith("/chat") else f"{path}/chat"
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(scheme=scheme, netloc=host, path=path, query=query, fragment="").geturl()


def http_url(url: str) -> str:
    """The address of the server's pages, without a trailing slash, name and password.

    Raises:
        ValueError: as ``chat_url``.
    """
    parts = urlsplit(chat_url(url))
    scheme = {"ws": "http", "wss": "https"}[parts.scheme]
    path = parts.path.removesuffix("/chat")
    return parts._replace(scheme=scheme, path=path, query="").geturl()


def room_in(url: str) -> str | None:
    """The room that the URL names, as ``/rooms/NAME`` or ``?room=NAME``; unchecked.

    Raises:
        ValueError: as ``chat_url``.
    """
    query = parse_qs(urlsplit(chat_url(url)).query)
    return query["room"][-1] if "room" in query else None


def secret_in(url: str, kind: str) -> str:
    """What opens the room, as invitations have it behind ``#key=``, and links behind ``#guest=``
    or ``#host=``; empty if there is nothing of this kind.

    Raises:
        ValueError: as ``chat_url``.
    """
    found, _, secret = _split(url).fragment.partition("=")
    return unquote(secret) if found == kind else ""


def authorization(url: str) -> str | None:
    """The ``Authorization`` header for the name and password in the URL; None without them.

    Raises:
        ValueError: as ``chat_url``.
    """
    parts = _split(url)
    if parts.username is None:
        return None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(pair.encode('utf-8', 'surrogateescape')).decode()}"


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        is_good = parts.scheme in ("http", "https", "ws", "wss") and parts.port != 0
        if is_good and parts.hostname and "@" not in parts.path + parts.query + parts.fragment:
            return parts
    except ValueError:  # its text may contain the password
        pass
    # The password may be what makes the URL invalid, so hide all that could belong to it.
    begin, _, rest = url.rpartition("@")
    scheme = f"{begin.partition('://')[0]}://" if "://" in begin else ""
    shown = f"{scheme}...@{rest}" if begin else rest
    way_out = "; in a password, write / as %2F, # as %23, ? as %3F" if begin else ""
    wanted = f"wanted: one such as http://localhost:9999{way_out}"
    raise ValueError(f"{shown!r} is not a server URL; {wanted}")


def _room_page(parts: SplitResult) -> re.Match[str] | None:
    return _ROOM_PAGE.fullmatch(parts.path) if parts.scheme in ("http", "https") else None
