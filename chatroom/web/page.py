"""The page for people: its routes, its assets, and what a browser may do with them."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from flask import Flask, Response, abort, jsonify, render_template, request, url_for

from chatroom.configuration import Configuration
from chatroom.errors import HandshakeRefused
from chatroom.names import DEFAULT_ROOM
from chatroom.web import handshake, invitation
from chatroom.web.assets import Asset, Assets
from chatroom.web.chat_socket import PATH
from chatroom.web.error_pages import refused
from chatroom.web.invitation import Invitation

FOR_EVER = "public, max-age=31536000, immutable"
"""For an address that contains a hash of its content: cached for a year, never revalidated."""

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    # The QR code of a room with a code; a picture that is still to be sent.
    "img-src": "'self' data: blob:",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "media-src": "'self'",
    "worker-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    # No string becomes HTML or a script URL, whatever mistake our modules make.
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}

PAINTERS = 2
"""QR codes drawn concurrently: drawing is CPU work that holds up everyone else."""

PAINTERS_PATIENCE = 1.0
"""Seconds to wait for a painter: enough for a whole class that opens the same invitation."""

UNUSED = ("camera", "display-capture", "geolocation", "microphone", "midi", "payment", "usb")
"""What a chat page has no use for; an injected script shall not have it either."""

HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED),
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
"""On every response: to a browser that is sent there, an error's text or a message in JSON is a
page as well."""

PART_HEADERS = ("Cross-Origin-Resource-Policy", "X-Content-Type-Options")
"""Those that mean something on a script or style, which no browser takes for a page. The others
would be a quarter of a phone's first load: 500 bytes per module."""

PARTS = {"text/css", "text/javascript"}


CodeOf = Callable[[str], str]
"""The code of a room, if whoever has sent the request may give it to others; else empty."""


def init_app(app: Flask, configuration: Configuration, code_of: CodeOf = lambda _: "") -> None:
    """Put the page on the app. Reads its assets, once."""
    assets = Assets(Path(app.root_path) / "static")
    _add_page(app, configuration)
    _add_assets(app, assets)
    _add_invitation(app, configuration, code_of)

    @app.after_request
    def add_headers(response: Response) -> Response:
        names = PART_HEADERS if response.mimetype in PARTS else HEADERS
        for name in names:
            response.headers.setdefault(name, HEADERS[name])
        return response


def _add_page(app: Flask, configuration: Configuration) -> None:
    @app.get("/")
    @app.get("/messages")
    def page() -> Response:
        return answer(request.args.get("room"))

    @app.get("/rooms/<name>")
    def room_page(name: str) -> Response:
        return answer(name)

    def answer(name: str | None) -> Response:
        try:
            room = handshake.room_asked_for(name)
        except HandshakeRefused as refusal:
            return refused(refusal)
        query = "" if room == DEFAULT_ROOM else f"?room={quote(room, safe='')}"
        html = render_template(
            "chat.html",
            room=room,
            base=f"{request.script_root}/",
            chat=f"{request.script_root}{PATH}{query}",
            max_name_length=configuration.max_name_length,
            max_message_bytes=configuration.max_message_bytes,
        ).encode()
        response = _negotiated(html, gzip.compress(html, mtime=0), "text/html")
        response.cache_control.no_cache = True
        response.add_etag()
        if handshake.is_trustworthy(request.environ, configuration.trusted_proxies):
            # On other origins browsers ignore it, and warn on the console.
            response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return _conditional(response)


def _add_assets(app: Flask, assets: Assets) -> None:
    @app.template_global()
    def static_url(filename: str) -> str:
        """The versioned address of a file; KeyError if there is no such file."""
        return url_for("static", filename=f"{assets.version}/{assets[filename].name}")

    @app.template_global()
    def modules(filename: str) -> list[str]:
        """The addresses of everything that a module imports."""
        return list(map(static_url, assets.modules(filename)))

    @app.get("/static/<path:filename>")
    def static(filename: str) -> Response:
        asset, current = assets.find(filename)
        return _deliver(asset, FOR_EVER if current else "no-cache")

    @app.get("/manifest.webmanifest")
    def manifest() -> Response:
        # Not under /static: its URLs and its scope are relative to its own address.
        asset, _ = assets.find("manifest.webmanifest")
        return _deliver(asset, "no-cache")


def _add_invitation(app: Flask, configuration: Configuration, code_of: CodeOf) -> None:
    proxies = configuration.trusted_proxies
    painters = threading.BoundedSemaphore(PAINTERS)

    def asked_for() -> Invitation:
        room = handshake.room_asked_for(request.args.get("room"))
        return invitation.invite(request.environ, proxies, room, code_of(room))

    @app.get("/invitation")
    def invite() -> Response:
        try:
            invited = asked_for()
        except HandshakeRefused as refusal:
            return refused(refusal)
        response = jsonify(url=invited.url, local=invited.local)
        response.cache_control.no_store = True  # it changes with the network
        return response

    @app.get("/invitation.svg")
    def invitation_picture() -> Response:
        try:
            url = asked_for().url
            if not painters.acquire(timeout=PAINTERS_PATIENCE):
                reason = "Too many invitations are being drawn. Try again."
                raise HandshakeRefused(503, reason, {"Retry-After": "5"})
        except HandshakeRefused as refusal:
            return refused(refusal)
        try:
            response = Response(invitation.draw(url), mimetype="image/svg+xml")
        finally:
            painters.release()
        response.cache_control.no_store = True
        return response


def _deliver(asset: Asset | None, cache_control: str) -> Response:
    if not asset:
        abort(404)
    response = _negotiated(asset.body, asset.gzipped, asset.media_type)
    response.headers["Cache-Control"] = cache_control
    if cache_control == FOR_EVER:  # never revalidated, so an ETag would only cost bytes
        return response
    # Two encodings are two representations, each with its own strong ETag.
    response.set_etag(f"{asset.hash}-gzip" if response.content_encoding else asset.hash)
    return _conditional(response)


def _negotiated(body: bytes, gzipped: bytes | None, media_type: str) -> Response:
    """A response with the encoding that the client accepts."""
    if media_type in PARTS:  # in UTF-8, like the page that names them: a charset only costs bytes
        response = Response(content_type=media_type)
    else:
        response = Response(mimetype=media_type)
    if gzipped is not None:
        response.vary.add("Accept-Encoding")
        if request.accept_encodings["gzip"]:
            response.content_encoding = "gzip"
            body = gzipped
    response.data = body
    return response


def _conditional(response: Response) -> Response:
    """304 if the client already has it."""
    response.make_conditional(request)
    return response
