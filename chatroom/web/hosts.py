"""Which host names the server answers to: the check against DNS rebinding.

A page of another site can make its own host name resolve to 127.0.0.1, or to an address of the
local network. Its requests then reach this server, and to the browser, and to an Origin check,
they are same-origin. Only the ``Host`` header gives them away: a page cannot set it. It can set
``X-Forwarded-Host``, so that header alone excuses nothing.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from chatroom.addresses import EVERYWHERE, is_loopback, to_host
from chatroom.configuration import Configuration
from chatroom.errors import HandshakeRefused
from chatroom.web.forwarded import Environ, is_forwarded, own_origin

SHOWN_CHARACTERS = 100
"""Of a refused name, for the log and the client."""

_HOST = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::([0-9]*))?")


class HostNames:
    """The names that this server answers to, besides ``localhost`` and all addresses.

    Args:
        configuration: ``hostNames``, of course; and other names in it are the server's, too.
    """

    def __init__(self, configuration: Configuration) -> None:
        origins = (urlsplit(origin).hostname or "" for origin in configuration.allowed_origins)
        self._listed = bool(configuration.host_names)
        self._names = {configuration.host_name.lower(), *configuration.host_names, *origins}
        self._proxies = configuration.trusted_proxies

    def check(self, environ: Environ) -> None:
        """Refuse a request for another name; one without a Host header is not a browser's.

        Where only this machine can connect, other names are foreign even if no ``hostNames`` are
        listed. Whoever wants to reach the server there by another name has a proxy in front; and
        that is where the browser's connection ends, on a port of the proxy's.

        Raises:
            HandshakeRefused: 421.
        """
        host = environ.get("HTTP_HOST", "")
        if not host or not (self._listed or is_local(environ)):
            return
        if not self._is_passed_on(environ, host):
            self._demand(host)
        if self._listed:
            self._demand(own_origin(environ, self._proxies).partition("://")[2])

    def _is_passed_on(self, environ: Environ, host: str) -> bool:
        """Whether a proxy sent it: not a browser here, which would have to name our own port."""
        port = _HOST.fullmatch(host)
        names_our_port = port and (port[2] or "80") == environ.get("SERVER_PORT")
        is_unix = not environ.get("REMOTE_ADDR")
        return is_unix or (not names_our_port and is_forwarded(environ, self._proxies))

    def _demand(self, host: str) -> None:
        found = _HOST.fullmatch(host)
        if not found or not self._is_own(found[1]):
            name = (found[1] if found else host)[:SHOWN_CHARACTERS]
            way_out = "If it is yours, add it to hostNames in config.json."
            raise HandshakeRefused(421, f'This server does not go by the name "{name}". {way_out}')

    def _is_own(self, name: str) -> bool:
        if name.startswith("["):
            name = name[1:-1]
        if is_loopback(name.lower()) or _is_address(name):
            return True
        try:
            return to_host(name.rstrip(".")) in self._names
        except ValueError:
            return False


def is_local(environ: Environ) -> bool:
    """Whether only this machine can connect, over TCP: by the address that gunicorn listens on."""
    listens_on = environ.get("SERVER_NAME", "")
    if not environ.get("REMOTE_ADDR") or listens_on in EVERYWHERE:
        return False  # of a unix socket, SERVER_NAME is only what the client says
    return is_loopback(listens_on)


def _is_address(name: str) -> bool:
    try:
        return bool(ip_address(name))
    except ValueError:
        return False
