"""The description of the HTTP API, for tools: OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1)."""

from __future__ import annotations

from typing import Any

from chatroom.configuration import Configuration
from chatroom.message import ID_PATTERN
from chatroom.web.api import problems
from chatroom.web.api.paging import MAX_MATCHES, MAX_PAGE_LENGTH, PAGE_LENGTH
from chatroom.web.api.parameters import MAX_QUERY_LENGTH
from chatroom.web.api.responses import JSON, LINES
from chatroom.wire.typed import MAX_CMID_LENGTH

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
ID: Json = {"type": "string", "pattern": f"^({ID_PATTERN})$", "examples": ["42-664c976f9a047975"]}
# Not \w: in JavaScript's regular expressions, which OpenAPI uses, that is ASCII only.
# The lookahead excludes what is invisible.
_UNSEEN = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U00013441\U00013442"
    "\U00016fe4\U000e0100-\U000e01ef"
)
ROOM: Json = {
    "type": "string",
    "pattern": rf"^(?!\p{{M}})(?:(?![{_UNSEEN}])[\p{{L}}\p{{M}}\p{{N}}_.-]){{1,64}}$",
    "examples": ["lobby"],
}
TIME: Json = {"type": "string", "format": "date-time"}


def document(configuration: Configuration) -> Json:
    """The whole description, with the limits of this server."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Chat room",
            "version": "1",
            "description": "Rooms, their messages and who is there, for scripts and webhooks. "
            "Errors are problem details (RFC 9457).",
        },
        "servers": [{"url": "/"}],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(configuration),
            "parameters": _parameters(),
            "responses": {"Problem": _content("What went wrong", problems.MEDIA_TYPE, "Problem")},
        },
        "x-problems": {
            code: {"status": kind.status, "title": kind.title}
            for code, kind in problems.KINDS.items()
        },
    }


# -- paths -------------------------------------------------------------------------------------


def _paths() -> Json:
    of_room, of_message = [_parameter("room")], [_parameter("room"), _parameter("id")]
    return {
        "/api/openapi.json": {
            "get": _get("description", "This description", {"200": _any("OpenAPI 3.1")})
        },
        "/api/rooms": {
            "get": _get(
                "rooms", "All rooms in which anything was ever said, by name", _found("Rooms")
            )
        },
        "/api/rooms/{room}/messages": {
            "parameters": of_room,
            "get": _messages(),
            "post": _post(),
        },
        "/api/rooms/{room}/messages/{id}": {
            "parameters": of_message,
            "get": _get("message", "One message", _found("Message"), 400, 404, 410),
        },
        "/api/rooms/{room}/users": {
            "parameters": of_room,
            "get": _get("users", "Who is in the room", _found("Users", cached=False), 400),
        },
        "/api/rooms/{room}/events": {"parameters": of_room, "get": _events()},
    }


def _messages() -> Json:
    operation = _get(
        "messages",
        "A page of the room's messages, oldest first; without parameters, the newest page",
        _found("Messages", links=True),
        400,
        404,
        406,
        410,
        422,
    )
    operation["responses"]["414"] = {
        "description": "The request line is longer than 4094 bytes; it is not read any further",
        "content": {"text/html": {}},
    }
    lines = {"schema": {"type": "string", "description": "One Message per line"}}
    operation["responses"]["200"]["content"][LINES] = lines
    names = ("since", "before", "limit", "q")
    return operation | {"parameters": [_parameter(name) for name in names]}


def _post() -> Json:
    answer = _content("The message, newly stored", JSON, "Message")
    answer["headers"] = {"Location": _header("The message's address")}
    again = _content("The message, already stored under the same cmid", JSON, "Message")
    body = {"required": True, "content": {JSON: {"schema": _ref("schemas", "Post")}}}
    responses = {"201": answer, "200": again | {"headers": answer["headers"]}}
    operation = _get("say", "Say something", responses, 400, 403, 409, 413, 415, 422)
    return operation | {"requestBody": body}


def _events() -> Json:
    operation = _get(
        "events",
        "Server-Sent Events: the messages after since, then new ones as they are said. Named "
        "events: live (from here on, messages are new), gap (since is unknown here, or what "
        "follows it is no longer kept: start afresh), end (reconnect)",
        {"200": {"description": "A stream", "content": {"text/event-stream": {"schema": TEXT}}}},
        400,
        403,
    )
    last = {"name": "Last-Event-ID", "in": "header", "schema": TEXT}
    last["description"] = "As since, and takes precedence; any other text counts as an unknown id"
    past = {"name": "limit", "in": "query", "schema": _whole(0)}
    past["description"] = "Past messages for a client without since; by default replayLimit"
    return operation | {"parameters": [_parameter("since"), last, past]}


def _get(name: str, summary: str, responses: Json, *refusals: int) -> Json:
    problem = _ref("responses", "Problem")
    told = {str(status): problem for status in (*refusals, "default")}
    return {"operationId": name, "summary": summary, "responses": responses | told}


# -- components ----------------------------------------------------------------------------------


def _parameters() -> Json:
    text = {"type": "string", "maxLength": MAX_QUERY_LENGTH}
    return {
        "room": _in("path", "room", ROOM, "1 to 64 letters of any script, digits, _, - or ."),
        "id": _in("path", "id", ID, "A message's id"),
        "since": _in("query", "since", ID, "Only messages after this one; 0-0: from the oldest"),
        "before": _in("query", "before", ID, "Only messages before this one"),
        "limit": _in(
            "query",
            "limit",
            _whole(1),
            f"Messages at most; by default {PAGE_LENGTH}, as {LINES} all of them; a page ends "
            f"after about 256 KiB in any case, and a search after {MAX_MATCHES}",
        ),
        "q": _in(
            "query", "q", text, "Only messages with all these words; the last may be a prefix"
        ),
    }


def _schemas(configuration: Configuration) -> Json:
    name = {"type": "string", "minLength": 1, "maxLength": configuration.max_name_length}
    cmid = {"type": "string", "minLength": 1, "maxLength": MAX_CMID_LENGTH}
    body = {"type": "string", "minLength": 1}
    said = {"userName": TEXT, "body": TEXT, "timestamp": TEXT, "id": ID, "room": TEXT}
    summary = {"name": TEXT, "messages": {"type": "integer"}, "last": ID, "sentAt": TIME}
    user = {"userId": TEXT, "userName": TEXT}
    problem = {"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT}
    problem["code"] = {"enum": list(problems.KINDS)}
    return {
        "Post": _object(
            {"userName": name, "body": body}, optional={"cmid": cmid, "timestamp": TEXT}
        ),
        "Message": _object(said | {"sentAt": TIME}, optional={"userId": TEXT, "cmid": TEXT}),
        "Messages": _object({"messages": _list(_ref("schemas", "Message"))}),
        "Rooms": _object({"rooms": _list(_object(summary))}),
        "Users": _object({"users": _list(_object(user))}),
        "Problem": _object(problem, optional={"field": TEXT, "value": TEXT, "wanted": TEXT}),
    }


def _object(properties: Json, optional: Json | None = None) -> Json:
    told = properties | (optional or {})
    return {"type": "object", "required": list(properties), "properties": told}


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def _whole(low: int) -> Json:
    return {"type": "integer", "minimum": low, "maximum": MAX_PAGE_LENGTH}


def _in(where: str, name: str, schema: Json, description: str) -> Json:
    told = {"name": name, "in": where, "schema": schema, "description": description}
    return told | ({"required": True} if where == "path" else {})


def _parameter(name: str) -> Json:
    return _ref("parameters", name)


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def _content(description: str, media_type: str, schema: str) -> Json:
    content = {media_type: {"schema": _ref("schemas", schema)}}
    return {"description": description, "content": content}


def _any(description: str) -> Json:
    return {"description": description, "content": {JSON: {"schema": {"type": "object"}}}}


def _header(description: str) -> Json:
    return {"description": description, "schema": TEXT}


def _found(schema: str, *, cached: bool = True, links: bool = False) -> Json:
    answer = _content(schema, JSON, schema)
    headers = {"ETag": _header("For If-None-Match")} if cached else {}
    if links:
        headers["Link"] = _header("The pages before and after this one: rel prev and next")
    unchanged = (
        {"304": {"description": "Unchanged since the ETag in If-None-Match"}} if cached else {}
    )
    return {"200": answer | {"headers": headers}, **unchanged}
