"""What went wrong with a server, as one line for people: never a page of HTML."""

from __future__ import annotations

import http.client
import json
import re
import ssl

MAX_CHARS = 1000
"""What is kept of an HTTP error's body."""

PASSWORD_WANTED = (
    "the server asks for a name and password; write them into the URL: http://NAME:PASSWORD@HOST"
)
PASSWORD_WRONG = "the server does not accept the name and password in the URL"

USE_HTTPS = "the server speaks https there; use https:// in its URL"
USE_HTTP = "the server does not speak https there; use http:// in its URL"

_MEANINGS = {
    404: "there is no chat room at this address; check the URL and its path",
    502: "the proxy in front does not reach the chat room",
    503: "the server cannot answer now",
    504: "the proxy in front gets no answer from the chat room",
}

# What nginx, Apache and Go answer to http on a port for https, with status 400.
_WANTS_HTTPS = re.compile("HTTPS (port|server)|SSL-enabled server", re.IGNORECASE)


def http_failure(
    status: int, body: bytes, kind: str = "", *, location: str = "", with_password: bool = False
) -> str:
    """What an HTTP error means, in one line.

    Args:
        body: the response's, or its beginning.
        kind: its ``Content-Type``; "" if it has none.
        location: where a redirect leads.
        with_password: whether the request had a name and password.
    """
    text = body.decode("utf-8", "replace").strip()
    if status == 401 and "problem+json" not in kind:  # a proxy's, whatever its page says
        return PASSWORD_WRONG if with_password else PASSWORD_WANTED
    if status == 400 and _WANTS_HTTPS.search(text):
        return USE_HTTPS
    if 300 <= status < 400 and location:
        return f"the server sends elsewhere; use the URL it names: {location}"
    return _own_words(text, kind) or _MEANINGS.get(status) or _phrase(status)


def _own_words(text: str, kind: str) -> str:
    """What the server says of it, unless that is a page for browsers."""
    if "html" in kind.lower() or text.startswith("<"):
        return ""
    if "json" in kind.lower():
        try:
            return str(json.loads(text)["detail"])[:MAX_CHARS]
        except (ValueError, TypeError, LookupError):
            return ""
    return text.splitlines()[0][:MAX_CHARS] if text else ""


def _phrase(status: int) -> str:
    return http.client.responses.get(status) or "no reason given"


def connection_failure(error: BaseException) -> str:
    """What a connection that failed means, in one line."""
    cause = getattr(error, "reason", None)
    if isinstance(cause, BaseException):  # urllib wraps the error
        return connection_failure(cause)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"):
            return USE_HTTP
        return f"no https: {error.reason or error}"
    if isinstance(error, http.client.BadStatusLine) and not isinstance(error, OSError):
        answer = str(error.args[0]).strip("'")
        return USE_HTTPS if is_tls(answer.encode("utf-8", "replace")) else "it does not speak HTTP"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def is_tls(answer: bytes) -> bool:
    """Whether an answer to plain HTTP is TLS's alert: the port is for https."""
    return answer.startswith(b"\x15\x03")
