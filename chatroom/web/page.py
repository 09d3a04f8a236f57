"""The page for people: its addresses, its parts, and what a browser may do with them."""

from __future__ import annotations

import gzip
import threading
from pathlib import Path

from flask import Flask, Response, abort, jsonify, render_template, request, url_for

from chatroom.configuration import Configuration
from chatroom.errors import HandshakeRefused
from chatroom.web import handshake, invitation
from chatroom.web.assets import Asset, Assets
from chatroom.web.invitation import Invitation

FOR_EVER = "public, max-age=31536000, immutable"
"""For an address that has the hash of what it leads to: a year, and no question in between."""

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "media-src": "'self'",
    "worker-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    # No text becomes HTML or a script's address, whatever a module of ours does by mistake.
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}

PAINTERS = 2
"""QR codes that are drawn at once: drawing is work for the processor, which others wait for."""

PAINTERS_PATIENCE = 1.0
"""Seconds that one waits for a painter: a class that opens the same invitation gets it."""

UNUSED = ("camera", "display-capture", "geolocation", "microphone", "midi", "payment", "usb")
"""What a chat page has no use for; a script that got in shall not have it either."""

HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED),
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
"""On every answer of the program: an error's text and a message in JSON are pages as well, to
a browser that is sent there."""

PART_HEADERS = ("Cross-Origin-Resource-Policy", "X-Content-Type-Options")
"""Those of them that mean something on a script or a style, which no browser takes for a page.
The others would be a quarter of what a phone loads at first: 500 bytes with each module."""

PARTS = {"text/css", "text/javascript"}


def init_app(app: Flask, configuration: Configuration) -> None:
    """Put the page on the app. Reads its parts, once."""
    assets = Assets(Path(app.root_path) / "static")
    _add_page(app, configuration)
    _add_assets(app, assets)
    _add_invitation(app, configuration)

    @app.after_request
    def add_headers(response: Response) -> Response:
        names = PART_HEADERS if response.mimetype in PARTS else HEADERS
        response.headers.update({name: HEADERS[name] for name in names})
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
        html = render_template(
            "chat.html",
            room=room,
            base=f"{request.script_root}/",
            max_name_length=configuration.max_name_length,
            max_message_bytes=configuration.max_message_bytes,
        ).encode()
        response = _negotiated(html, gzip.compress(html, mtime=0), "text/html")
        response.cache_control.no_cache = True
        response.add_etag()
        if handshake.is_trustworthy(request.environ, configuration.trusted_proxies):
            # Elsewhere browsers leave it out of account, and complain of it on the console.
            response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return _conditional(response)


def _add_assets(app: Flask, assets: Assets) -> None:
    @app.template_global()
    def static_url(filename: str) -> str:
        """The address that changes with what is there; KeyError where nothing is."""
        return url_for("static", filename=f"{assets.version}/{assets[filename].name}")

    @app.template_global()
    def modules(filename: str) -> list[str]:
        """The addresses of all that a module imports."""
        return list(map(static_url, assets.modules(filename)))

    @app.get("/static/<path:filename>")
    def static(filename: str) -> Response:
        asset, current = assets.find(filename)
        return _deliver(asset, FOR_EVER if current else "no-cache")

    @app.get("/manifest.webmanifest")
    def manifest() -> Response:
        # Not under /static: its addresses are relative to its own, and so is its scope.
        asset, _ = assets.find("manifest.webmanifest")
        return _deliver(asset, "no-cache")


def _add_invitation(app: Flask, configuration: Configuration) -> None:
    painters = threading.BoundedSemaphore(PAINTERS)

    def asked_for() -> Invitation:
        room = handshake.room_asked_for(request.args.get("room"))
        return invitation.invite(request.environ, configuration.trusted_proxies, room)

    @app.get("/invitation")
    def invite() -> Response:
        try:
            invited = asked_for()
        except HandshakeRefused as refusal:
            return refused(refusal)
        response = jsonify(url=invited.url, local=invited.local)
        response.cache_control.no_store = True  # another network, another address
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
    if cache_control == FOR_EVER:  # nobody will ask again: an ETag would weigh, and serve nobody
        return response
    # Two encodings are two representations, and each has a strong ETag of its own.
    response.set_etag(f"{asset.hash}-gzip" if response.content_encoding else asset.hash)
    return _conditional(response)


def _negotiated(body: bytes, gzipped: bytes | None, media_type: str) -> Response:
    """An answer with the one or the other, as the client takes it."""
    response = Response(mimetype=media_type)
    if gzipped is not None:
        response.vary.add("Accept-Encoding")
        if request.accept_encodings["gzip"]:
            response.content_encoding = "gzip"
            body = gzipped
    response.data = body
    return response


def _conditional(response: Response) -> Response:
    """304 where the client has it already."""
    response.make_conditional(request)
    return response


def refused(refusal: HandshakeRefused) -> Response:
    """The refusal as an answer: its status, its headers, its reason in a line."""
    return Response(f"{refusal.reason}\n", refusal.status, refusal.headers, mimetype="text/plain")
