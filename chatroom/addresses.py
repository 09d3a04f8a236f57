"""Addresses: of hosts and networks, of origins, of servers, and this machine's own."""

from __future__ import annotations

import ipaddress
import re
import socket
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

EVERYWHERE = {"0.0.0.0", "::"}
"""The addresses that stand for all interfaces."""


def is_host_name(value: str) -> bool:
    """Whether a socket can be bound to it: an IPv4 or IPv6 address, or a host's name."""
    if ":" in value:  # only an IPv6 address has one, so "localhost:80" is refused
        try:
            return bool(ipaddress.IPv6Address(value))
        except ValueError:
            return False
    return re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?", value) is not None


DEFAULT_PORTS = {"http": 80, "https": 443}


def to_origin(value: str) -> str:
    """The origin as a browser's Origin header spells it, so that ``==`` compares two.

    Raises:
        ValueError: it isn't an origin, or has a path.
    """
    found = re.fullmatch(
        r"(?P<scheme>https?)://(?P<host>\w[\w.-]*|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?",
        value.lower(),
        re.ASCII,
    )
    if not found:
        raise ValueError(value)
    scheme, host = found["scheme"], found["host"]
    if host.startswith("["):
        host = f"[{ipaddress.IPv6Address(host[1:-1])}]"
    port = int(found["port"] or DEFAULT_PORTS[scheme])
    if not 1 <= port <= 65535:
        raise ValueError(value)
    return f"{scheme}://{host}" if port == DEFAULT_PORTS[scheme] else f"{scheme}://{host}:{port}"


def to_network(value: str) -> IPv4Network | IPv6Network:
    """The network of an address or a CIDR notation.

    Raises:
        ValueError: it is invalid, or has host bits set (10.0.0.1/8).
    """
    return ipaddress.ip_network(value)


def is_loopback(host: str) -> bool:
    """Whether a host, given without port and brackets, is the local machine."""
    host = host.rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ip = ip_address(host)
    except ValueError:
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_loopback or ip.is_unspecified


def neighbourhood(address: str) -> str:
    """What counts as one client's address: the address itself, or an IPv6 address's /64, since
    each client has a whole one. Anything else, such as ``unix``, stays as it is."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return str(ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)


def lan_address() -> str | None:
    """This machine's address on its network; None where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a documentation address; UDP sends nothing here
        except OSError:
            return None
        address: str = probe.getsockname()[0]
        return address


def chat_url(url: str) -> str:
    """The address of the socket: ``http://host:9999`` becomes ``ws://host:9999/chat``.

    Raises:
        ValueError: it is not a server's URL.
    """
    parts = urlsplit(url if "://" in url else f"http://{url}")
    scheme = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}.get(parts.scheme)
    if not scheme or not parts.hostname or parts.port == 0:  # port: raises ValueError itself
        raise ValueError(f"{url!r} is not a server URL; wanted: one such as http://localhost:9999")
    path = parts.path.rstrip("/")
    path = path if path.endswith("/chat") else f"{path}/chat"
    return parts._replace(scheme=scheme, path=path, fragment="").geturl()


def http_url(url: str) -> str:
    """The address of the server's pages, without a trailing slash.

    Raises:
        ValueError: as ``chat_url``.
    """
    parts = urlsplit(chat_url(url))
    scheme = {"ws": "http", "wss": "https"}[parts.scheme]
    path = parts.path.removesuffix("/chat")
    return parts._replace(scheme=scheme, path=path, query="").geturl()
