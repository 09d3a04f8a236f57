"""The HTTP side: the page, the history, the health check, the API, and the way to a socket.

In reading order; ``init_app``, below, puts them together:

- ``hosts.py``: which host names the server answers to; the first thing that is checked
- ``forwarded.py``: what proxies report about a request
- ``reading.py``: whether somebody may read a room: asked before any view that does
- ``chat_socket.py``: ``/chat``: turns a request into a socket and a user, or refuses it
- ``handshake.py``: whether it may: pure functions over the request
- ``all_messages.py``: ``/getAllMessages``, as in the Go original
- ``health.py``: ``/healthz``, ``/livez``
- ``metrics.py``: ``/metrics``, and who may read it
- ``measures.py``: its numbers, and their names; ``exposition.py``: in Prometheus' format;
  ``siblings.py``: those of other workers
- ``page.py``: the page for people, and what a browser may do with it
- ``assets.py``: the page's files, read once, hashed and compressed
- ``invitation.py``: a room's address for others, and its QR code
- ``transcript.py``: a room's whole conversation, to print or save
- ``error_pages.py``, ``language.py``: errors for people, in their language
- ``api/``: everything under ``/api``
"""

from __future__ import annotations

from functools import partial

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from chatroom.configuration import Configuration
from chatroom.engine import Engine
from chatroom.errors import HandshakeRefused, Refusal
from chatroom.web import (
    all_messages,
    api,
    chat_socket,
    error_pages,
    health,
    metrics,
    page,
    reading,
    transcript,
)
from chatroom.web.hosts import HostNames


def init_app(app: Flask, engine: Engine, configuration: Configuration) -> None:
    """Put the routes on the app. Starts nothing."""
    app.url_map.merge_slashes = False  # it redirects //rooms/a to whatever host the client names
    host_names = HostNames(configuration)

    @app.before_request
    def check_host() -> None:
        host_names.check(request.environ)

    proxies = configuration.trusted_proxies
    reading.init_app(app, engine, proxies)
    page.init_app(app, configuration, partial(reading.code_to_give, engine, proxies))
    all_messages.init_app(app, engine.history)
    transcript.init_app(app, engine.history)
    health.init_app(app, engine)
    metrics.init_app(app, engine, configuration)
    chat_socket.init_app(app, engine, configuration, host_names)
    api.init_app(app, engine, configuration)
    app.register_error_handler(HTTPException, error_pages.explain)

    def say_why(refusal: HandshakeRefused, code: str) -> Response:
        engine.server.channels.refused.put(code)
        error_pages.log_refusal(refusal, configuration.trusted_proxies)
        return error_pages.refused(refusal)

    @app.errorhandler(HandshakeRefused)
    def refuse(refusal: HandshakeRefused) -> Response:
        return say_why(refusal, f"http-{refusal.status}")

    @app.errorhandler(Refusal)
    def forbid(refusal: Refusal) -> Response:
        return say_why(error_pages.as_http(refusal), refusal.code)
