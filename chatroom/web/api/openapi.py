"""The description of the HTTP API, for tools: OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1)."""

from __future__ import annotations

from chatroom.configuration import Configuration
from chatroom.files.magic import INLINE
from chatroom.web.api import problems
from chatroom.web.api.responses import JSON, LINES
from chatroom.web.api.schemas import (
    CURSOR,
    TEXT,
    Json,
    anything,
    content,
    found,
    header,
    parameter,
    parameters,
    reference,
    schemas,
    whole,
)
from chatroom.web.api.thumbnails import MOST_BYTES, MOST_PIXELS

BINARY: dict[str, object] = {"type": "string", "format": "binary"}

TAG = "rooms"
OPERATION = "operation"

AUTHOR = "author"
"""Proves whose messages somebody may change, or in which rooms somebody is a host."""

METRICS_KEY = "metricsKey"
"""Proves that somebody may read the server's numbers."""


def document(configuration: Configuration) -> Json:
    """The whole description, with the limits of this server, but for where it is: ``servers``."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Chat room",
            "version": "1",
            "description": "Rooms, their messages and who is there, for scripts and webhooks. "
            "Errors are problem details (RFC 9457).",
            "contact": {"name": "The operator of this server"},
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "security": [],  # there are no accounts
        "tags": [
            {"name": TAG, "description": "Rooms, and what is in them"},
            {"name": OPERATION, "description": "For whoever runs the server"},
        ],
        "paths": _paths(),
        "components": {
            "schemas": schemas(configuration),
            "parameters": parameters(),
            "responses": {"Problem": content("What went wrong", problems.MEDIA_TYPE, "Problem")},
            "securitySchemes": {
                AUTHOR: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token of a typed user, from its welcome; or a link of the "
                    "operator's. Where a room has a door, every operation takes it, or a pass, a "
                    "script's key, or the room's code",
                },
                METRICS_KEY: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The metricsKey of the server's settings",
                },
            },
        },
        "x-problems": {
            code: {"status": kind.status, "title": kind.title}
            for code, kind in problems.KINDS.items()
        },
    }


# -- paths -------------------------------------------------------------------------------------


def _paths() -> Json:
    of_room, of_message = [parameter("room")], [parameter("room"), parameter("id")]
    return {
        "/api/openapi.json": {
            "get": _get(
                "description",
                "This description",
                "OpenAPI 3.1, with this server's limits",
                {"200": anything("OpenAPI 3.1")},
            )
        },
        "/api/rooms": {
            "get": _get(
                "rooms",
                "All rooms",
                "All listed rooms in which anything was ever said, by name; of those that may not "
                "be read, only name and door",
                found("Rooms"),
            )
        },
        "/api/rooms/{room}/messages": {
            "parameters": of_room,
            "get": _messages(),
            "post": _post(),
        },
        "/api/rooms/{room}/messages/{id}": {
            "parameters": of_message,
            "get": _get(
                "message",
                "One message",
                "The message with this id, as long as it is kept",
                found("Message"),
                400,
                404,
                410,
            ),
            "patch": _edit(),
            "delete": _change(
                "remove",
                "Take a message back",
                "Removes a message of the author's own, at any time; again: nothing happens",
                {"204": {"description": "It is removed"}},
            ),
        },
        "/api/rooms/{room}/messages/{id}/restore": {
            "parameters": of_message,
            "post": _change(
                "restore",
                "Bring a message back",
                "For hosts: restores what a host removed",
                {"200": content("The message", JSON, "Message")},
            ),
        },
        "/api/rooms/{room}/messages/{id}/reactions/{kind}": {
            "parameters": [*of_message, parameter("kind")],
            "put": _change(
                "react",
                "React to a message",
                "Each person has one reaction of each kind; again: nothing happens",
                {"204": {"description": "It is stored, and the room was told"}},
            ),
            "delete": _change(
                "unreact",
                "Take a reaction back",
                "Again: nothing happens",
                {"204": {"description": "It is gone, and the room was told"}},
            ),
        },
        "/api/rooms/{room}/users": {
            "parameters": of_room,
            "get": _get(
                "users",
                "Who is in the room",
                "Users of the typed protocol, each person once",
                found("Users", cached=False),
                400,
            ),
        },
        "/api/rooms/{room}/files": {
            "parameters": of_room,
            "get": _get(
                "view",
                "Let a browser show files",
                "A part of an address, ?view=, with which a browser shows pictures of a room with "
                "a door, as it sends no header for them; good for a while",
                {"200": content("For a while", JSON, "View")},
                *(400, 403, 404),
            ),
        },
        "/api/rooms/{room}/files/{file}": {
            "parameters": of_room,
            "get": _file(),
            "put": _upload(),
        },
        "/api/rooms/{room}/files/{file}/thumbnail": {
            "parameters": [*of_room, parameter("file")],
            "get": _thumbnail(),
            "put": _add_thumbnail(),
        },
        "/api/rooms/{room}/events": {"parameters": of_room, "get": _events()},
        "/api/rooms/{room}/host": {
            "parameters": of_room,
            "get": _authorized(
                "look",
                "How the room is run",
                "For hosts: who is in charge, who is quiet or removed, links, and the host log",
                {"200": content("What there is", JSON, "Look")},
                400,
                403,
            ),
            "post": _act(),
        },
        "/api/me": {
            "get": _authorized(
                "me",
                "What the server has of you",
                "Everything, in all rooms, of whoever the token proves you to be",
                {"200": content("All of it", JSON, "Person")},
            ),
            "delete": _authorized(
                "forgetMe",
                "Erase what the server has of you",
                "For good: texts and names, in all rooms; empty messages stay. Of long rooms, the "
                "oldest messages follow within seconds or minutes, also after a restart",
                {"200": content("It is erased, or will be", JSON, "Erased")},
                403,
                409,
            ),
        },
        "/api/me.zip": {
            "get": _authorized(
                "meWithFiles",
                "What the server has of you, with all files",
                "The same as chatroom.json, and each picture and file, in one archive",
                {
                    "200": {
                        "description": "The archive",
                        "content": {"application/zip": {"schema": BINARY}},
                    }
                },
            ),
        },
        "/metrics": {"get": _metrics()},
    }


def _messages() -> Json:
    operation = _get(
        "messages",
        "A page of messages",
        "The room's messages, oldest first; without parameters, the newest page",
        found("Messages", links=True),
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
    names = ("since", "before", "limit", "q", "removed")
    return operation | {"parameters": [parameter(name) for name in names]}


def _post() -> Json:
    answer = content("The message, newly stored", JSON, "Message")
    answer["headers"] = {"Location": header("The message's address")}
    again = content("The message, already stored under the same cmid", JSON, "Message")
    body = {"required": True, "content": {JSON: {"schema": reference("schemas", "Post")}}}
    responses = {
        "201": answer,
        "200": again | {"headers": answer["headers"]},
        "202": content("What waits for a host's approval", JSON, "Held"),
    }
    operation = _get(
        "say",
        "Say something",
        "Stores the message, and sends it to everyone in the room; with a cmid, once",
        responses,
        *(400, 401, 403, 404, 409, 410, 413, 415, 422),
    )
    return operation | {"requestBody": body}


def _file() -> Json:
    any_bytes = {"*/*": {"schema": BINARY}}
    whole = {"description": "The file", "content": any_bytes, "headers": {"ETag": header("Its id")}}
    operation = _get(
        "file",
        "A picture or another file",
        "As long as its message is there; pictures are to be shown, all else is to be saved",
        {
            "200": whole,
            "206": whole | {"description": "The part that Range asks for"},
            "304": {"description": "It is as the client has it"},
            "416": {"description": "It has no such part"},
        },
        *(400, 403, 404, 410),
    )
    return operation | {"parameters": [parameter("file"), parameter("view")]}


def _thumbnail() -> Json:
    operation = _get(
        "thumbnail",
        "A small picture of a picture",
        "As its sender has made it; if they have not, the picture itself. Otherwise as the file",
        _file()["responses"],
        *(400, 403, 404, 410),
    )
    return operation | {"parameters": [parameter("view")]}


def _add_thumbnail() -> Json:
    operation = _authorized(
        "addThumbnail",
        "Add a small picture to a picture",
        f"The body is a picture of at most {MOST_BYTES} bytes and {MOST_PIXELS} by {MOST_PIXELS} "
        "pixels, and at most half as large as the file; before the message with it. Again: "
        "replaces it",
        {"204": {"description": "It is stored"}},
        *(400, 403, 404, 409, 410, 413, 415, 429, 507),
    )
    kinds: Json = {kind: {"schema": BINARY} for kind in INLINE}
    return operation | {"requestBody": {"required": True, "content": kinds}}


def _upload() -> Json:
    answer = content("It is stored, and waits an hour for its message", JSON, "Uploaded")
    answer["headers"] = {"Location": header("The file's address")}
    operation = _authorized(
        "upload",
        "Upload a picture or another file",
        "The request's body is the file; say a message with its id within an hour",
        {"201": answer},
        *(400, 403, 404, 413, 415, 429, 507),
    )
    body = {"application/octet-stream": {"schema": BINARY}}
    names = ("name", "width", "height")
    sizes = {"parameters": [parameter(name) for name in names]}
    return operation | sizes | {"requestBody": {"required": True, "content": body}}


def _edit() -> Json:
    operation = _change(
        "edit",
        "Edit a message",
        "Gives a message of the author's own another text, for a while",
        {"200": content("The message as it now is", JSON, "Message")},
        413,
        415,
        422,
    )
    body = {"required": True, "content": {JSON: {"schema": reference("schemas", "Edit")}}}
    return operation | {"requestBody": body}


def _act() -> Json:
    operation = _authorized(
        "act",
        "Act as a host",
        "One act of a host, such as quiet; the fields are those of the typed protocol's frame",
        {"200": content("Done; with what only the host is told, such as a link", JSON, "Told")},
        *(400, 403, 409, 410, 413, 415, 422),
    )
    body = {"required": True, "content": {JSON: {"schema": reference("schemas", "Act")}}}
    return operation | {"requestBody": body}


def _change(name: str, summary: str, description: str, responses: Json, *refusals: int) -> Json:
    statuses = (400, 403, 404, 409, 410, *refusals)
    return _authorized(name, summary, description, responses, *statuses)


def _authorized(name: str, summary: str, description: str, responses: Json, *refusals: int) -> Json:
    refused = {"description": "How to say who you are", "content": _PROBLEM}
    challenge = {"WWW-Authenticate": header("Bearer")}
    responses = responses | {"401": refused | {"headers": challenge}}
    operation = _get(name, summary, description, responses, *refusals)
    return operation | {"security": [{AUTHOR: []}]}


_PROBLEM = {problems.MEDIA_TYPE: {"schema": reference("schemas", "Problem")}}


def _events() -> Json:
    operation = _get(
        "events",
        "New messages as they are said",
        "Server-Sent Events: the messages after since, then new ones as they are said. Named "
        "events: changed (a message as it now is), removed (the id of one that was taken back), "
        "reactions (of messages, by id: counts of people by kind, and the mark of that), "
        "live (from here on, messages are new), gap (since is unknown here, or what "
        "follows it is no longer kept: start afresh), end (reconnect)",
        {"200": {"description": "A stream", "content": {"text/event-stream": {"schema": TEXT}}}},
        400,
        403,
    )
    last = {"name": "Last-Event-ID", "in": "header", "schema": TEXT}
    last["description"] = "As since, and takes precedence; any other text counts as an unknown id"
    past = {"name": "limit", "in": "query", "schema": whole(0)}
    past["description"] = "Past messages for a client without since; by default replayLimit"
    since = {"name": "since", "in": "query", "schema": CURSOR}
    since["description"] = "Only what comes after the event with this id"
    return operation | {"parameters": [since, last, past]}


def _metrics() -> Json:
    """It is not below /api, so its errors are lines of text or, for browsers, pages."""
    line = {"content": {"text/plain": {"schema": TEXT}, "text/html": {"schema": TEXT}}}
    told = {
        "403": "They may be read on the server's machine, from metricsFrom, or with metricsKey",
        "404": "The library that writes them is missing; how to install it",
        "503": "Too many read them at once",
        "default": "What went wrong",
    }
    formats = ("text/plain", "application/openmetrics-text")
    content = {kind: {"schema": TEXT} for kind in formats}
    return {
        "operationId": "metrics",
        "summary": "The server's numbers",
        "description": "For Prometheus: users, messages, latencies, and what is running short",
        "tags": [OPERATION],
        "security": [{}, {METRICS_KEY: []}],
        "responses": {
            "200": {"description": "All numbers", "content": content},
            **{status: {"description": words} | line for status, words in told.items()},
        },
    }


def _get(name: str, summary: str, description: str, responses: Json, *refusals: int) -> Json:
    problem = reference("responses", "Problem")
    told = {str(status): problem for status in (*refusals, 421, "default")}
    words = {"operationId": name, "summary": summary, "description": description, "tags": [TAG]}
    return words | {"responses": responses | told}
