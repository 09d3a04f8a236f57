"""What ``chatroom doctor --proxy`` checks: a running room, through the proxy in front."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import ssl
import urllib.request
from urllib.parse import urlsplit

from chatroom.addresses import authorization, http_url, is_loopback
from chatroom.client.failures import connection_failure, http_failure
from chatroom.commands.checks import Finding, Verdict, ok, wrong
from chatroom.commands.health import ask

TIMEOUT = 10.0

DEPLOYMENT = "docs/deployment.md has a complete configuration"

PASS_UPGRADE = f"have the proxy forward Upgrade and Connection, over HTTP/1.1; {DEPLOYMENT}"

PASS_ORIGIN = (
    "have the proxy set X-Forwarded-Proto and X-Forwarded-Host, and add its address to "
    "trustedProxies"
)


def examine_proxy(url: str) -> list[Finding]:
    """Check the room through the proxy at the URL."""
    health, header = ask(url), authorization(url)
    url = http_url(url)
    if health.status == 401:
        remedy = "name the room's URL as http://NAME:PASSWORD@HOST"
        refused = "does not accept" if header else "asks for"
        return [wrong("proxy", f"{url} {refused} a name and password", remedy)]
    if not health.status:
        remedy = "check that the proxy is running, and that name, port and certificate are right"
        return [wrong("proxy", f"{url} cannot be reached: {health.text}", remedy)]
    if health.status in (502, 504) or (health.status == 503 and not health.is_chatroom):
        remedy = "start the room, and check that the proxy forwards to its hostName and port"
        return [wrong("proxy", f"{url} does not reach the room: status {health.status}", remedy)]
    if health.status == 421:
        host = urlsplit(url).hostname
        text = f"the room does not go by the name {host}: it refuses all requests"
        remedy = f"{PASS_ORIGIN}; if that is so, add {host} to hostNames in the room's config.json"
        return [wrong("proxy", text, remedy)]
    if not health.is_chatroom:
        remedy = "have the proxy forward /healthz, and all other paths, to the room"
        return [wrong("proxy", f"{url}/healthz: {health.text}", remedy)]
    if not health.is_well:
        return [wrong("proxy", f"the room behind {url} is failing: {health.text}", "see its log")]
    findings = [ok("proxy", f"{url} reaches the room"), check_upgrade(url, header)]
    if not is_loopback(urlsplit(url).hostname or ""):  # else it may be the room itself
        findings += check_numbers(url)
    return [*findings, *check_secrecy(url)]


def check_upgrade(url: str, header: str | None = None) -> Finding:
    """Whether a page loaded through the proxy can open its WebSocket through it."""
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    try:
        status, reason = upgrade(url, origin, header)
        if status == 101:
            return ok("proxy", "it forwards WebSockets, and the page's origin")
        if status == 403 and upgrade(url, None, header)[0] == 101:
            text = f"the room takes {origin} for a foreign origin: pages cannot connect"
            return wrong("proxy", text, PASS_ORIGIN)
    except (OSError, http.client.HTTPException) as error:
        text = f"it breaks a WebSocket handshake: {connection_failure(error)}"
        return wrong("proxy", text, PASS_UPGRADE)
    if status == 503:
        return wrong("proxy", f"the room lets nobody in: {reason}", "try again, or raise maxUsers")
    return wrong("proxy", f"no WebSocket: status {status}: {reason}", PASS_UPGRADE)


def upgrade(url: str, origin: str | None, header: str | None) -> tuple[int, str]:
    """Request a WebSocket, and close it at once; returns the HTTP status and the reason."""
    parts = urlsplit(url)
    is_secure = parts.scheme == "https"
    host = parts.hostname or ""
    sock = socket.create_connection((host, parts.port or (443 if is_secure else 80)), TIMEOUT)
    try:
        if is_secure:
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
        headers = {"Origin": origin, "Authorization": header}
        sock.sendall(_request(parts.path, parts.netloc, headers))
        reply = http.client.HTTPResponse(sock)
        with reply:
            reply.begin()
            body = b"" if reply.status == 101 else reply.read(1000)
            kind = reply.headers.get("Content-Type", "")
            return reply.status, http_failure(reply.status, body, kind)
    finally:
        sock.close()


def _request(path: str, host: str, headers: dict[str, str | None]) -> bytes:
    lines = [
        f"GET {path}/chat HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        *(f"{name}: {value}" for name, value in headers.items() if value),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def check_numbers(url: str) -> list[Finding]:
    """A note if the server's numbers can be read through the proxy, as from the room's machine."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/metrics", timeout=TIMEOUT) as reply:
            if b"chatroom_up" not in reply.read(100_000):
                return []
    except (OSError, http.client.HTTPException):  # among them, all refusals
        return []
    text = f"the server's numbers can be read at {url}/metrics"
    remedy = "unless this machine is in metricsFrom, have the proxy set X-Forwarded-For"
    return [Finding(Verdict.NOTE, "proxy", text, remedy)]


def check_secrecy(url: str) -> list[Finding]:
    """A note if the connection is not encrypted; none on this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1"):
        return []
    text = (
        "http: anyone along the way can read everything, also the tokens by which hosts are known"
    )
    text += "; https needs a certificate at the proxy"
    return [Finding(Verdict.NOTE, "proxy", text)]
