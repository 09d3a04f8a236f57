"""Errors outside the API: a line of text, or in a browser a small page with a way to the lobby."""

from __future__ import annotations

import logging

from flask import Response, render_template, request
from werkzeug.exceptions import HTTPException

from chatroom.errors import BadRoomName, HandshakeRefused, Refusal
from chatroom.web.forwarded import Networks, client_address
from chatroom.web.hosts import is_local
from chatroom.web.language import preferred_language

log = logging.getLogger(__name__)

TEXT, HTML = "text/plain", "text/html"

TITLES = {
    "en": {
        400: "This address does not work",
        401: "This room has a door",
        403: "You may not do that",
        404: "There is nothing here",
        405: "That does not work here",
        421: "This server has another name",
        429: "Not so fast",
        500: "Something went wrong",
        503: "Not right now",
    },
    "de": {
        400: "Diese Adresse funktioniert nicht",
        401: "Dieser Raum hat eine Tür",
        403: "Das darfst du nicht",
        404: "Hier ist nichts",
        405: "Das geht hier nicht",
        421: "Dieser Server heißt anders",
        429: "Nicht so schnell",
        500: "Etwas ist schiefgegangen",
        503: "Gerade geht es nicht",
    },
}

HINTS = {
    "en": {
        404: "Check the address, or go to the lobby.",
        405: "Open the address in a browser's address bar, or go to the lobby.",
        500: "The server's log has the details. Try again.",
    },
    "de": {
        404: "Prüfe die Adresse, oder geh in die Lobby.",
        405: "Öffne die Adresse in der Adresszeile, oder geh in die Lobby.",
        500: "Einzelheiten stehen im Log des Servers. Versuch es noch einmal.",
    },
}
"""For what the web framework refuses, whose own words are for programmers."""

HOW = "A script sends it, or a key, as Authorization: Bearer."
"""The way in, for those who have no page."""

IN_GERMAN = {
    str(BadRoomName()): "Ungültiger Raumname: 1 bis 64 Buchstaben, Ziffern, „_“, „-“ oder „.“.",
    f"You need this room's code to come in; ask whoever invited you. {HOW}": (
        "Dafür brauchst du den Code dieses Raums. Frag, wer dich eingeladen hat."
    ),
    f"You need this server's password to come in; ask whoever invited you. {HOW}": (
        "Dafür brauchst du das Passwort dieses Servers. Frag, wer dich eingeladen hat."
    ),
    "Nobody new can come in here now. Whoever was here before can come back.": (
        "Gerade kommt hier niemand Neues herein. Wer schon da war, kann zurückkommen."
    ),
}
"""Of our own reasons, those that a wrong address brings about; the others stay in English."""

LOBBY = {"en": "Go to the lobby", "de": "Zur Lobby"}


def refused(refusal: HandshakeRefused) -> Response:
    """The refusal as a response: its status and headers, and its reason."""
    line = f"{refusal.reason}\n"
    response = _respond(refusal.status, line, refusal.reason)
    response.headers.update(refusal.headers)
    return response


def as_http(refusal: Refusal) -> HandshakeRefused:
    """What somebody may not read, as a status (RFC 9110, section 15.5)."""
    if refusal.code != "wrong-key":
        return HandshakeRefused(403, refusal.detail)
    if seconds := refusal.more.get("retryAfter"):
        return HandshakeRefused(429, refusal.detail, {"Retry-After": str(seconds)})
    return HandshakeRefused(401, f"{refusal.detail} {HOW}", {"WWW-Authenticate": "Bearer"})


def log_refusal(refusal: HandshakeRefused, proxies: Networks) -> None:
    """One line in the log, with the client's address."""
    log.info("refused: %s: %s", client_address(request.environ, proxies), refusal)


def explain(error: HTTPException) -> Response:
    """What the web framework refuses, or a bug of ours."""
    code = error.code or 500
    response = _respond(code, f"{code} {error.name}\n", "")
    allow = [(name, value) for name, value in error.get_headers() if name == "Allow"]
    response.headers.extend(allow)
    return response


def _respond(status: int, line: str, reason: str) -> Response:
    if request.accept_mimetypes.best_match([TEXT, HTML]) == HTML:
        response = Response(_page(status, reason), status, mimetype=HTML)
    else:
        response = Response(line, status, mimetype=TEXT)
    response.cache_control.no_store = True
    response.vary.update(("Accept", "Accept-Language"))
    return response


def _page(status: int, reason: str) -> str:
    language = preferred_language()
    if language == "de" and reason in IN_GERMAN:
        reason, its_language = IN_GERMAN[reason], "de"
    else:
        its_language = "en" if reason else language
    title = TITLES[language].get(status, TITLES[language][400 if status < 500 else 500])
    return render_template(
        "error.html",
        language=language,
        status=status,
        title=title,
        reason=reason or HINTS[language].get(status, ""),
        reason_language=its_language,
        lobby=_lobby(status),
        lobby_words=LOBBY[language],
    )


def _lobby(status: int) -> str:
    """The lobby's address, by a name that the server answers to; "" if it knows none."""
    if status != 421:
        return f"{request.script_root}/"
    environ = request.environ
    return f"http://localhost:{environ['SERVER_PORT']}/" if is_local(environ) else ""
