"""Problem details (RFC 9457): how ``/api`` reports errors, and what to do about them."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from chatroom.errors import Problem

MEDIA_TYPE = "application/problem+json"

SHOWN_CHARACTERS = 100
"""Of a refused value: enough to recognise it, however long it is."""


class Kind(NamedTuple):
    """One kind of problem: status and title are fixed, only the detail varies."""

    status: int
    title: str


KINDS = {
    "bad-request": Kind(400, "Malformed request"),
    "bad-room": Kind(400, "Invalid room name"),
    "bad-parameter": Kind(400, "Invalid parameter"),
    "bad-json": Kind(400, "The body is not a JSON object"),
    "bad-token": Kind(401, "This needs a token that proves who you are"),
    "wrong-key": Kind(401, "The room's door needs a code, a pass or a key"),
    "shut": Kind(403, "Nobody new may come into this room now"),
    "read-only": Kind(403, "This key is for reading only"),
    "foreign-origin": Kind(403, "Pages from this origin may not do that"),
    "paused": Kind(403, "Only hosts may speak in this room now"),
    "muted": Kind(403, "A host has asked this person to be quiet"),
    "removed": Kind(403, "A host has removed this person from the room"),
    "watched": Kind(403, "Somebody was removed from this connection"),
    "unchecked": Kind(403, "Only people whom the server knows may speak in this room"),
    "too-many-rooms": Kind(403, "No more rooms can be created"),
    "not-yours": Kind(403, "This is for its author or a host"),
    "not-host": Kind(403, "This is for the room's hosts"),
    "not-allowed": Kind(403, "Not even a host may do that"),
    "not-found": Kind(404, "There is nothing at this address"),
    "no-such-message": Kind(404, "The room has no message with this id"),
    "files-off": Kind(403, "Files are off in this room"),
    "no-files": Kind(404, "There are no files on this server"),
    "no-reactions": Kind(404, "There are no reactions in this room"),
    "no-such-file": Kind(404, "The room has no such file"),
    "method-not-allowed": Kind(405, "This address does not support this method"),
    "not-acceptable": Kind(406, "No response of the requested type"),
    "cmid-reused": Kind(409, "This cmid belongs to another message"),
    "name-taken": Kind(409, "Somebody is called so already"),
    "not-removed": Kind(409, "Only what was removed can be erased"),
    "too-late": Kind(409, "It is too late to change this"),
    "too-many": Kind(409, "The room has as many of these as it can"),
    "gone": Kind(410, "It was removed, or is over"),
    "message-gone": Kind(410, "The message is no longer kept"),
    "too-large": Kind(413, "The body is too large"),
    "unsupported-type": Kind(415, "Unsupported content type"),
    "foreign-host": Kind(421, "This server does not go by that name"),
    "bad-act": Kind(422, "Invalid act of a host"),
    "bad-field": Kind(422, "Invalid field"),
    "held": Kind(429, "Too many messages wait for a host's approval"),
    "slow": Kind(429, "The room asks for some time between two messages"),
    "too-many-tries": Kind(429, "Too many wrong codes from this address"),
    "too-fast": Kind(429, "Too many messages at a time"),
    "too-many-files": Kind(429, "Too many files of one person at a time"),
    "search-too-long": Kind(422, "The search takes too long"),
    "internal": Kind(500, "Internal server error"),
    "full": Kind(503, "All places are taken, or the server is stopping"),
    "busy": Kind(503, "Too many clients want this at once"),
    "unavailable": Kind(503, "The room cannot do that now"),
    "no-space": Kind(507, "There is no room for more files"),
}
"""Every problem by its ``code``."""


def refuse(code: str, field: str, value: object, wanted: str) -> Problem:
    """The problem that names a field, its value and the way out."""
    detail = f"{field} is {shown(value)}; wanted: {wanted}"
    return Problem(code, detail, field=field, value=abridged(value), wanted=wanted)


def shown(value: object) -> str:
    """The refused value as part of a sentence: strings in quotes."""
    text = abridged(value)
    return json.dumps(text, ensure_ascii=False) if isinstance(value, str) else text


def abridged(value: object) -> str:
    """The refused value as text, truncated; a lone surrogate becomes a ``?``."""
    text = value if isinstance(value, str) else json.dumps(value)
    if len(text) > SHOWN_CHARACTERS:
        text = f"{text[:SHOWN_CHARACTERS]}… ({len(text)} characters)"
    return text.encode(errors="replace").decode()


def status(problem: Problem) -> int:
    """The problem's HTTP status."""
    return KINDS[problem.code].status


def to_json(problem: Problem, document: str) -> str:
    """The body of the response.

    Args:
        problem: its code is one of ``KINDS``.
        document: the URL of the OpenAPI document, where ``type`` points to the kind.
    """
    kind = KINDS[problem.code]
    members: dict[str, Any] = {
        "type": f"{document}#/x-problems/{problem.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "code": problem.code,
        **problem.members,
    }
    return json.dumps(members, ensure_ascii=False) + "\n"
