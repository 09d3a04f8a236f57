"""The responses of ``/api``: JSON, with or without an ETag, and problems."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence

from flask import Blueprint, Flask, Response, request, url_for
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from chatroom.configuration import Configuration
from chatroom.errors import (
    ChatError,
    HandshakeRefused,
    Problem,
    Refusal,
    SearchTooLong,
)
from chatroom.tally import Counts
from chatroom.web import handshake
from chatroom.web.api import problems
from chatroom.web.error_pages import as_http, log_refusal

log = logging.getLogger(__name__)

JSON, LINES = "application/json", "application/x-ndjson"

RETRY_AFTER = "5"
"""Seconds, for every 503 that does not set its own."""


def fresh(text: str, status: int = 200, mimetype: str = JSON) -> Response:
    """A response that must not be cached; without a text, its body is added later."""
    response = Response(f"{text}\n" if text else None, status, mimetype=mimetype)
    response.cache_control.no_store = True
    return response


def unbuffered(response: Response) -> Response:
    """The response, which proxies are to pass on as it comes: nginx would collect it first."""
    response.headers["X-Accel-Buffering"] = "no"
    return response


def cached(text: str, links: Sequence[str] = ()) -> Response:
    """A response with an ETag made from its content; 304 if the client already has it."""
    content = "\n".join([text, *links]).encode()
    response = tagged(hashlib.blake2b(content, digest_size=12).hexdigest(), JSON, weak=False)
    if links:
        response.headers["Link"] = ", ".join(links)
    if response.status_code == 200:
        response.set_data(f"{text}\n")
    return response


def tagged(tag: str, mimetype: str = LINES, *, weak: bool = True) -> Response:
    """A response with an ETag and no body yet; 304 if the client already has it."""
    response = Response(mimetype=mimetype)
    response.set_etag(tag, weak)
    response.cache_control.no_cache = True
    response.vary.add("Accept")
    if request.if_none_match.contains_weak(tag):
        response.status_code = 304
    return response


def negotiated(*types: str) -> str:
    """The media type that the client prefers, the first in case of a tie.

    Raises:
        Problem: the client accepts none of them.
    """
    if not request.accept_mimetypes:
        return types[0]
    accepted = request.accept_mimetypes.best_match(types)
    if accepted is None:
        wanted = " or ".join(types)
        raise problems.refuse("not-acceptable", "Accept", request.headers["Accept"], wanted)
    return accepted


# -- pages of other sites ----------------------------------------------------------------------


def demand_origin(configuration: Configuration) -> None:
    """Refuse what pages of other sites ask for.

    Raises:
        HandshakeRefused: 403.
    """
    handshake.check_origin(
        request.environ, configuration.allowed_origins, configuration.trusted_proxies
    )


def let_in(response: Response, configuration: Configuration) -> Response:
    """Let pages of an allowed origin read the response (https://fetch.spec.whatwg.org, CORS)."""
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin is None:
        return response
    try:
        demand_origin(configuration)
    except HandshakeRefused:
        return response
    headers = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "ETag, Link, Location, Retry-After",
    }
    if request.method == "OPTIONS":
        headers |= {
            "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
            "Access-Control-Allow-Headers": _allowed_headers(),
            "Access-Control-Max-Age": "600",
        }
    response.headers.update(headers)
    return response


def _allowed_headers() -> str:
    """The headers that a page of an allowed origin may send: whatever it asks for.

    But not those in which proxies report: a page could claim another client's address.
    """
    asked = request.headers.get("Access-Control-Request-Headers", "").split(",")
    names = {name.strip().lower() for name in asked}
    fit = {name for name in names if _TOKEN.fullmatch(name) and not name.startswith("x-forwarded-")}
    return ", ".join([*USUAL_HEADERS, *sorted(fit - {name.lower() for name in USUAL_HEADERS})])


USUAL_HEADERS = ("Authorization", "Content-Type", "If-None-Match", "Last-Event-ID")

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")


# -- problems ----------------------------------------------------------------------------------


def init_app(app: Flask, api: Blueprint, configuration: Configuration, refused: Counts) -> None:
    """Turn every error under ``/api`` into a problem; let allowed origins read all responses."""

    def answer(problem: Problem) -> Response:
        refused.put(problem.code)
        return _answer(problem)

    # With a wrong path or method, Flask knows no view and no blueprint; hence by the path.
    def is_ours() -> bool:
        return f"{request.path}/".startswith("/api/")

    @app.after_request
    def let_others_in(response: Response) -> Response:
        return let_in(response, configuration) if is_ours() else response

    @app.before_request
    def explain_missing() -> Response | None:
        if request.routing_exception and is_ours():
            return answer(_from_http(request.routing_exception))
        return None

    @api.errorhandler(ChatError)
    def explain(error: ChatError) -> Response:
        if isinstance(error, HandshakeRefused):
            log_refusal(error, configuration.trusted_proxies)
        return answer(_from_chat(error))

    @api.errorhandler(HTTPException)
    def explain_http(error: HTTPException) -> Response:
        if error.code == 413:
            limit = configuration.max_message_bytes
            detail = f"The body is too large; wanted: {limit} bytes at most"
            return answer(Problem("too-large", detail))
        return answer(_from_http(error))


def _answer(problem: Problem) -> Response:
    document = url_for("api.description")
    response = Response(problems.to_json(problem, document), mimetype=problems.MEDIA_TYPE)
    response.status_code = problems.status(problem)
    response.cache_control.no_store = True
    if response.status_code == 503:
        response.headers["Retry-After"] = RETRY_AFTER
    if response.status_code == 415 and "Accept-Encoding" not in problem.headers:
        response.headers["Accept"] = JSON
    response.headers.update(problem.headers)
    return response


def _from_chat(error: ChatError) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, HandshakeRefused):
        code = {403: "foreign-origin", 421: "foreign-host"}.get(error.status, "full")
        return Problem(code, error.reason, error.headers)
    if isinstance(error, Refusal) and error.code == "wrong-key":
        refused = as_http(error)
        code = "too-many-tries" if refused.status == 429 else error.code
        return Problem(code, refused.reason, refused.headers)
    if isinstance(error, Refusal) and error.code in problems.KINDS:
        more = error.more
        headers = {"Retry-After": str(more["retryAfter"])} if "retryAfter" in more else {}
        about = {"field": "cmid", "value": str(more["cmid"])} if "cmid" in more else {}
        return Problem(error.code, error.detail, headers, **about)
    if isinstance(error, SearchTooLong):  # no 503: asking again would take as long
        _name, cause, way_out = error.args
        return Problem("search-too-long", f"{cause}; {way_out}")
    log.warning("error: %s %s: %s", request.method, request.path, error)
    return Problem("unavailable", error.detail if isinstance(error, Refusal) else error.outside)


def _from_http(error: HTTPException) -> Problem:
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        detail = f"{request.method} is not supported at this address; wanted: {allowed}"
        return Problem("method-not-allowed", detail, {"Allow": allowed})
    if error.code in (404, 308):
        detail = "There is nothing here; the addresses are listed in " + url_for("api.description")
        return Problem("not-found", detail)
    if error.code == 500:
        return Problem("internal", "Internal server error; the server's log has the details")
    return Problem("bad-request", str(error.description or error.name))
