"""``/metrics``: the room's numbers for Prometheus, and who may read them.

They say nothing of anybody, but how much is going on, and what the server is about to run out of.
So they are for its operator: on this machine, at an address that the settings name, or with a key.
"""

from __future__ import annotations

import hmac
import sys
import threading
from urllib.parse import urlsplit

from flask import Flask, Response, request

from chatroom.addresses import is_in, is_loopback
from chatroom.configuration import Configuration
from chatroom.engine import Engine
from chatroom.errors import HandshakeRefused
from chatroom.web import exposition, reading
from chatroom.web.forwarded import Environ, client_address
from chatroom.web.siblings import Siblings

SCRAPES = 4
"""Concurrent responses: each holds one of the threads for plain HTTP, maybe for seconds."""

MISSING = (
    "This needs the library prometheus_client: "
    f"{sys.executable} -m pip install '{exposition.REQUIREMENT}'"
)

WAYS_OUT = (
    "List the address in metricsFrom in config.json; or set metricsKey there, and send it as "
    "Authorization: Bearer. On the server's own machine, ask localhost, and no proxy."
)

PASSED_ON = (
    *("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO"),
    *("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP"),
)
"""Headers that proxies add, trusted ones and others."""


def init_app(app: Flask, engine: Engine, configuration: Configuration) -> None:
    """Put the route on the app."""
    readers = Readers(configuration)
    scrapes = threading.BoundedSemaphore(SCRAPES)
    siblings = app.extensions["siblings"] = Siblings(engine)

    @app.get("/metrics")
    def metrics() -> Response:
        readers.check(request.environ, reading.bearer())
        if not scrapes.acquire(blocking=False):
            reason = "Too many clients read this at once. Try again."
            raise HandshakeRefused(503, reason, {"Retry-After": "5"})
        try:
            accept = request.headers.get("Accept", "")
            text, content_type = exposition.write(engine, siblings, accept)
        except ImportError:
            raise HandshakeRefused(404, MISSING) from None
        finally:
            scrapes.release()
        response = Response(text, content_type=content_type)
        response.cache_control.no_store = True
        return response


class Readers:
    """Those who may read the numbers.

    Args:
        configuration: names addresses, and has a key.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._proxies = configuration.trusted_proxies
        self._networks = configuration.metrics_from
        self._key = configuration.metrics_key

    def check(self, environ: Environ, shown: str) -> None:
        """Refuse everybody else.

        Args:
            shown: what the request has in ``Authorization``.

        Raises:
            HandshakeRefused: 403.
        """
        address = client_address(environ, self._proxies)
        if not (self._is_key(shown) or self._may_from(address, environ)):
            about_key = "; the key is another one" if self._key and shown else ""
            reason = f"{address} may not read the server's numbers{about_key}. {WAYS_OUT}"
            raise HandshakeRefused(403, reason)

    def _is_key(self, shown: str) -> bool:
        key = self._key.encode()
        return bool(key) and hmac.compare_digest(shown.encode("utf-8", "surrogatepass"), key)

    def _may_from(self, address: str, environ: Environ) -> bool:
        if address == "unix" or is_loopback(address):
            return _is_direct(environ)  # whatever the settings say: see there
        return is_in(address, self._networks)


def _is_direct(environ: Environ) -> bool:
    """Whether a client on this machine has asked by itself.

    What a proxy on this machine passes on comes from here, too. It says so in a header, trusted or
    not; and one that forgets to, or a page that rebinds its name to this machine, at least asks by
    a name that is not this machine's.
    """
    if any(map(environ.get, PASSED_ON)):
        return False
    host = environ.get("HTTP_HOST", "")
    try:
        return not host or is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
