"""The parts of the API's description that its operations refer to."""

from __future__ import annotations

from typing import Any

from chatroom.configuration import Configuration
from chatroom.files.alt_text import MOST_CHARACTERS
from chatroom.files.magic import ANY, INLINE
from chatroom.message import ID_PATTERN
from chatroom.reactions import KINDS
from chatroom.web.api import problems
from chatroom.web.api.messages import REMOVED
from chatroom.web.api.paging import MAX_MATCHES, MAX_PAGE_LENGTH, PAGE_LENGTH
from chatroom.web.api.parameters import MAX_QUERY_LENGTH
from chatroom.web.api.responses import JSON, LINES
from chatroom.wire.acts import (
    ASKED,
    DOORS,
    FASTEST,
    FILES,
    MAKES,
    MOST_SECONDS,
    MOST_USES,
    SLOWEST,
    SPEAK,
    UNCHECKED,
    What,
)
from chatroom.wire.typed import MAX_CMID_LENGTH

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
CURSOR: Json = {
    "type": "string",
    "pattern": f"^({ID_PATTERN})(;[0-9]{{1,12}}(;[0-9]{{1,15}})?)?$",
    "examples": ["42-664c976f9a047975;7"],
}
ID: Json = {"type": "string", "pattern": f"^({ID_PATTERN})$", "examples": ["42-664c976f9a047975"]}
# Wider than the rule, which the description gives: no notation for "a letter" is a regular
# expression to both JavaScript and Python, and validators are written in either. So of ASCII, only
# what a name may have; and everything beyond.
ROOM: Json = {
    "type": "string",
    "pattern": r"^[^\x00-,/:-@\[-\^`\{-\x7f]{1,64}$",
    "examples": ["lobby"],
}
NAME: Json = {"type": "string", "minLength": 1, "maxLength": 1000}
FILE_ID: Json = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
TIME: Json = {"type": "string", "format": "date-time"}

MOST_PIXELS = 30_000
"""That a picture can be wide or high, as its sender says."""

MOMENT: Json = {
    "type": "string",
    "pattern": r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z$",
}
"""A time that the host log has, exactly."""


def parameters() -> Json:
    text = {"type": "string", "maxLength": MAX_QUERY_LENGTH}
    return {
        "room": _in("path", "room", ROOM, "1 to 64 letters of any script, digits, _, - or ."),
        "id": _in("path", "id", ID, "A message's id"),
        "kind": _in("path", "kind", {"enum": list(KINDS)}, "What somebody thinks of it"),
        "removed": _in(
            "query",
            "removed",
            {"enum": [REMOVED]},
            f"As {LINES}: of each message that was removed, a line with its id and removed",
        ),
        "since": _in("query", "since", ID, "Only messages after this one; 0-0: from the oldest"),
        "before": _in("query", "before", ID, "Only messages before this one"),
        "file": _in("path", "file", FILE_ID, "A file's id"),
        "name": _in("path", "file", NAME, "What people call the file"),
        "width": _in("query", "width", _from(1, MOST_PIXELS), "Of a picture, in pixels"),
        "height": _in("query", "height", _from(1, MOST_PIXELS), "Likewise"),
        "view": _in(
            "query", "view", TEXT, "In place of Authorization: as the operation view gave it"
        ),
        "limit": _in(
            "query",
            "limit",
            whole(1),
            f"Messages at most; by default {PAGE_LENGTH}, as {LINES} all of them; a page ends "
            f"after about 256 KiB in any case, and a search after {MAX_MATCHES}",
        ),
        "q": _in(
            "query", "q", text, "Only messages with all these words; the last may be a prefix"
        ),
    }


def schemas(configuration: Configuration) -> Json:
    name = {"type": "string", "minLength": 1, "maxLength": configuration.max_name_length}
    name["description"] = "With a script's key, it may be left out, and is the key's name"
    cmid = {"type": "string", "minLength": 1, "maxLength": MAX_CMID_LENGTH}
    body = {"type": "string", "minLength": 1}
    more_said = {"body": TEXT, "cmid": cmid, "timestamp": TEXT, "replyTo": ID, "file": FILE_ID}
    alt = {"type": "string", "maxLength": MOST_CHARACTERS}
    count = {"type": "integer", "minimum": 1}
    carried = {"id": FILE_ID, "name": TEXT, "type": {"enum": [*INLINE, ANY]}, "size": count}
    pixels = {"width": count, "height": count}
    file = reference("schemas", "File")
    more = {
        "userId": TEXT,
        "cmid": TEXT,
        "by": TEXT,
        "editedAt": TIME,
        "replyTo": ID,
        "file": file,
        "reactions": _object({"mark": {"type": "integer"}, "counts": _counts()}),
    }
    said = {"userName": TEXT, "body": TEXT, "timestamp": TEXT, "id": ID, "room": TEXT}
    summary = {"messages": {"type": "integer"}, "last": ID, "sentAt": TIME, "door": TEXT}
    user = {"userId": TEXT, "userName": TEXT}
    problem = {"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT}
    problem["code"] = {"enum": list(problems.KINDS)}
    banned = _list(_object(user, optional={"until": TIME}))
    look: Json = {"rules": {"type": "object"}}
    look["hosts"] = _list(_object(user | {"role": TEXT}))
    look["quiet"] = banned
    look["knocks"] = _list(_object(user | {"like": _object(user), "removedAt": TIME}))
    flag = {"type": "boolean"}
    look["barred"] = _list(_object(user, optional={"until": TIME, "everywhere": flag}))
    link = {"link": TEXT, "until": TIME, "uses": {"type": "integer"}}
    look["links"] = _list(_object(link, optional={"makes": {"enum": list(MAKES)}}))
    look["held"] = _list(reference("schemas", "Held"))
    done = {"at": TIME, "act": TEXT, "by": _object(user)}
    look["log"] = _list(_object(done, optional={"whom": _object(user), "what": TEXT}))
    look["keys"] = _list(_object({"name": TEXT, "userId": TEXT, "say": flag}))
    code = {"code": TEXT, "typedCode": flag}
    told = {"at": TIME, "link": TEXT, "key": TEXT, "userId": TEXT, "sharing": {"type": "integer"}}
    return {
        "Post": _object({"userName": name}, optional=more_said)
        | {
            "anyOf": [
                {"required": ["body"], "properties": {"body": body}},
                {"required": ["file"], "properties": {"alt": alt}},
            ]
        },
        "File": _object(carried, optional=pixels | {"alt": alt}),
        "Uploaded": _object(carried | {"address": TEXT}, optional=pixels),
        "View": _object({"view": TEXT, "seconds": {"type": "integer"}}),
        "Edit": _object({"body": body}),
        "Act": _act(),
        "Told": _object({}, optional=told | code | look),
        "Look": _object(look, optional=code),
        "Message": _object(said | {"sentAt": TIME}, optional=more),
        "Held": _object(
            {"id": TEXT, "userName": TEXT, "body": TEXT, "timestamp": TEXT, "heldAt": TIME},
            optional={"userId": TEXT, "cmid": TEXT, "replyTo": ID, "file": file},
        ),
        "Messages": _object({"messages": _list(reference("schemas", "Message"))}),
        "Rooms": _object({"rooms": _list(_object({"name": TEXT}, optional=summary))}),
        "Users": _object({"users": _list(_object(user))}),
        "Person": _person(),
        "Erased": _object({"userId": TEXT, "rooms": {"type": "integer"}}),
        "Problem": _object(problem, optional={"field": TEXT, "value": TEXT, "wanted": TEXT}),
    }


def _person() -> Json:
    """What the server has of somebody."""
    file = reference("schemas", "File")
    removed = {
        "userName": TEXT,
        "body": TEXT,
        "timestamp": TEXT,
        "removedAt": TIME,
        "file": file,
    }
    banned = _object({"userName": TEXT}, {"until": TIME})
    roles = {
        "host": _object({"userName": TEXT, "role": TEXT}),
        "quiet": banned,
        "barred": banned,
        "links": _list(_object({"until": TIME, "uses": {"type": "integer"}})),
        "addressesWatchedUntil": _list(TIME),
        "keys": _list(TEXT),
    }
    acts = {"what": TEXT, "by": TEXT, "whom": TEXT}
    return _object(
        {
            "userId": TEXT,
            "messages": _list(reference("schemas", "Message")),
            "removed": _list(
                _object({"room": TEXT, "id": ID, "by": TEXT, "sentAt": TIME}, removed)
            ),
            "files": _list(
                {
                    "allOf": [
                        reference("schemas", "File"),
                        _object({"room": TEXT, "uploadedAt": TIME, "claim": TEXT}),
                    ]
                }
            ),
            "held": _list({"allOf": [reference("schemas", "Held"), _object({"room": TEXT})]}),
            "rooms": _list(_object({"room": TEXT}, roles)),
            "hostLog": _list(_object({"room": TEXT, "at": TIME, "act": TEXT}, acts)),
        }
    )


def _counts() -> Json:
    """How many people have reacted, by kind."""
    count = {"type": "integer", "minimum": 1}
    return {"type": "object", "properties": dict.fromkeys(KINDS, count)}


def _act() -> Json:
    """Each act with its own fields."""
    id: Json = {"type": "string", "minLength": 1, "maxLength": 64}
    flag = _or_null({"type": "boolean"})
    person, name = {"userId": id}, {"userName": TEXT}
    span = name | {"seconds": _or_null(_from(0, MOST_SECONDS))}
    rules = {
        "speak": {"enum": [*SPEAK, None]},
        "slowSeconds": _or_null(_from(FASTEST, SLOWEST)),
        "needsHost": flag,
        "door": {"enum": [*DOORS, None]},
        "listed": flag,
        "unchecked": {"enum": [*UNCHECKED, None]},
        "files": {"enum": [*FILES, None]},
        "reactions": flag,
        "code": _or_null(TEXT),
    }
    link = {
        "seconds": _or_null(_from(1, MOST_SECONDS)),
        "uses": _or_null(_from(1, MOST_USES)),
        "makes": {"enum": [*MAKES, None]},
    }
    fields: dict[str, tuple[Json, Json]] = {
        "rules": ({}, rules),
        "quiet": (person, span),
        "bar": (person, span | {"what": {"enum": [*(one.value for one in What), None]}}),
        "approve": ({"id": id}, {}),
        "refuse": ({"id": id}, {}),
        "makeHost": (person, name),
        "unmakeHost": (person, {}),
        "makeLink": ({}, link),
        "revokeLink": ({"link": id}, {}),
        "makeKey": ({"name": TEXT}, {"say": flag}),
        "revokeKey": (person, {}),
        "look": ({}, person),
        "clear": ({}, {"upto": _or_null(ID)}),
        "erase": ({}, {"id": _or_null(ID)}),
        "admit": ({}, person),
        "restore": ({"at": MOMENT}, {}),
    }
    acts = {word: fields.get(word, ({}, {})) for word in ASKED}
    return {
        "oneOf": [
            _object({"act": {"const": word}, **required}, optional)
            for word, (required, optional) in acts.items()
        ]
        + [_object({"act": {"const": "refuse"}, **person})]
    }


def _from(least: int, most: int) -> Json:
    return {"type": "integer", "minimum": least, "maximum": most}


def _or_null(schema: Json) -> Json:
    return schema | {"type": [schema["type"], "null"]}


def _object(properties: Json, optional: Json | None = None) -> Json:
    told = properties | (optional or {})
    return {"type": "object", "required": list(properties), "properties": told}


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def whole(low: int) -> Json:
    return {"type": "integer", "minimum": low, "maximum": MAX_PAGE_LENGTH}


def _in(where: str, name: str, schema: Json, description: str) -> Json:
    told = {"name": name, "in": where, "schema": schema, "description": description}
    return told | ({"required": True} if where == "path" else {})


def parameter(name: str) -> Json:
    return reference("parameters", name)


def reference(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def content(description: str, media_type: str, schema: str) -> Json:
    media = {media_type: {"schema": reference("schemas", schema)}}
    return {"description": description, "content": media}


def anything(description: str) -> Json:
    return {"description": description, "content": {JSON: {"schema": {"type": "object"}}}}


def header(description: str) -> Json:
    return {"description": description, "schema": TEXT}


def found(schema: str, *, cached: bool = True, links: bool = False) -> Json:
    answer = content(schema, JSON, schema)
    headers = {"ETag": header("For If-None-Match")} if cached else {}
    if links:
        headers["Link"] = header("The pages before and after this one: rel prev and next")
    unchanged = (
        {"304": {"description": "Unchanged since the ETag in If-None-Match"}} if cached else {}
    )
    return {"200": answer | {"headers": headers}, **unchanged}
