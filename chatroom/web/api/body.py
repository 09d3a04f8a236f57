"""The body of a request under ``/api``: whole, or not at all."""

from __future__ import annotations

from flask import request
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge

from chatroom.errors import Problem
from chatroom.web.api.problems import refuse
from chatroom.web.api.responses import JSON

INCOMPLETE = "The body ended before it was complete"


def read_json(limit: int) -> bytes:
    """The body of the current request, which is to be JSON; not parsed yet.

    Raises:
        As ``read``; Problem also if the request says that it is something else.
    """
    if request.mimetype != JSON:
        raise refuse("unsupported-type", "Content-Type", request.mimetype, JSON)
    return read(limit)


def demand_identity() -> None:
    """Refuse a body that is compressed.

    Raises:
        Problem: it is.
    """
    coding = request.headers.get("Content-Encoding", "identity")
    if coding.lower() != "identity":
        refusal = refuse("unsupported-type", "Content-Encoding", coding, "identity, or none")
        refusal.headers["Accept-Encoding"] = "identity"
        raise refusal


def read(limit: int) -> bytes:
    """The body of the current request.

    Args:
        limit: bytes at most.

    Raises:
        Problem: it is compressed, malformed, or ends early.
        RequestEntityTooLarge: it is longer.
    """
    demand_identity()
    # Werkzeug silently truncates a chunked body: one byte more shows that it is too long.
    request.max_content_length = limit + 1
    try:
        data = request.get_data()
    except ClientDisconnected:
        raise Problem("bad-request", INCOMPLETE) from None
    except HTTPException:
        raise
    except Exception as error:  # gunicorn parses chunks as they are read; any flaw is the client's
        raise Problem("bad-request", f"The body cannot be read: {error}") from None
    if len(data) > limit:
        raise RequestEntityTooLarge
    if len(data) < (request.content_length or 0):  # gunicorn takes the end for the whole
        raise Problem("bad-request", INCOMPLETE)
    return data
