"""The typed protocol, ``chatroom.v1``: decodes and encodes its frames. Pure functions.

Each frame is a JSON object with a ``type``. Only a message to a client has none: it is the
same bytes that plain users get.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from json.encoder import encode_basestring as _quoted
from typing import Any, NamedTuple

from chatroom.errors import Refusal
from chatroom.files.file_ids import is_id
from chatroom.message import Draft, Held, Message, MessageId
from chatroom.names import checked
from chatroom.reactions import KINDS, Reacted
from chatroom.wire import acts
from chatroom.wire.acts import Act, Withdraw
from chatroom.wire.alt import alt_text
from chatroom.wire.fields import Flaw, is_utf8, parse, text
from chatroom.wire.ids import message_id
from chatroom.wire.message_json import held_fields, local_time, to_json
from chatroom.wire.reactions import AskReactions, React, messages_fields
from chatroom.wire.replies import FIELD, reply_to
from chatroom.wire.websocket import text_frame

SUBPROTOCOL = "chatroom.v1"

LONGEST_ID = 100
"""Characters of an id that are looked at, and shown if it is none: none has as many."""

MAX_CMID_LENGTH = 64

LIVE = text_frame('{"type":"live"}')
"""Sent after the last past message: what follows is live."""


PONG = text_frame('{"type":"pong"}')
"""The answer to a ``ping``."""


NOWHERE = MessageId(-1, "")
"""Stands for an invalid cursor: it names no message, just like an outdated one."""


class Hello(NamedTuple):
    """The first frame: who I am, which room, and what I have seen."""

    user_name: str
    room: str | None
    since: MessageId | None
    token: str
    past: int | None
    """Past messages that it wants at most, unless it resumes after ``since``."""
    read: int | None
    """The seq of the last message that its user has read: the past is to reach back to it."""
    rooms: bool
    """It wants news of other rooms."""
    rev: int | None
    """The last change of a message that it has seen; what changed after it is to be sent again."""
    link: str
    """The secret of a link that makes its user a host; empty if there is none."""
    entry_pass: str
    """From an earlier welcome: it was in the room before; empty for none, like the next."""
    key: str
    """A code that opens the room's door, or a script's key."""


class Say(NamedTuple):
    """A message, with the client's own id for it."""

    cmid: str
    body: str
    timestamp: str
    reply_to: str = ""
    """The id of the message that it answers; empty for none."""
    file: str = ""
    """The id of the file that it carries; empty for none."""
    alt: str = ""
    """What that shows, in words: see ``alt_text.cleaned``; empty if that is not said."""


class Bring(NamedTuple):
    """A message with a file, which was uploaded before."""

    cmid: str
    draft: Draft
    file: str
    """Its id."""
    alt: str = ""
    """As of ``Say``."""


class Edit(NamedTuple):
    """The user wants one of its messages to read otherwise."""

    cmid: str
    """The client's own id for the request: the answer bears it."""
    id: MessageId
    body: str


class Remove(NamedTuple):
    """The user wants a message to be gone."""

    cmid: str
    id: MessageId


class Restore(NamedTuple):
    """A host wants a message back that was removed."""

    cmid: str
    id: MessageId


Alteration = Edit | Remove | Restore


class Rule(NamedTuple):
    """A host acts."""

    cmid: str
    act: Act


class Typing(NamedTuple):
    """The user is typing."""


class Ping(NamedTuple):
    """The client checks the connection: a page cannot send WebSocket's own pings."""


class Rename(NamedTuple):
    """The user wants another name."""

    user_name: str


Request = Hello | Say | Typing | Ping | Rename | Alteration | Rule | React | AskReactions


def decode(payload: str, *, max_name_length: int) -> Request:
    """Read a client's frame. Called by reader threads.

    Raises:
        FrameRefused: it is not a JSON object.
        Refusal: its type is unknown, or a field is invalid.
        BadName: the name is invalid.
    """
    fields = parse(payload)
    kind = fields.get("type")
    if kind == "message":
        return _say(fields)
    if kind == "typing":
        return Typing()
    if kind == "ping":
        return Ping()
    if kind == "hello":
        room = _text(fields, "room", "bad-frame") if "room" in fields else None
        since = _cursor(fields, "since") if fields.get("since") is not None else None
        name = checked(_text(fields, "userName", "bad-name"), max_name_length)
        token = _text(fields, "token", "bad-frame", "")
        read = _cursor(fields, "read").seq if fields.get("read") is not None else None
        past, rev = _number(fields, "past"), _number(fields, "rev")
        link = _text(fields, "link", "bad-frame", "")
        at_door = _text(fields, "pass", "bad-frame", ""), _text(fields, "key", "bad-frame", "")
        return Hello(name, room, since, token, past, read, _rooms(fields), rev, link, *at_door)
    if kind == "rename":
        return Rename(checked(_text(fields, "userName", "bad-name"), max_name_length))
    if kind == "edit":
        return Edit(_cmid(fields), _id(fields), _body(fields, _cmid(fields)))
    if kind == "remove":
        return Remove(_cmid(fields), _id(fields))
    if kind == "restore":
        return Restore(_cmid(fields), _id(fields))
    if kind == "withdraw":
        return Rule(_cmid(fields), Withdraw(_cmid(fields)))
    if kind == "host":
        return Rule(_cmid(fields), acts.decode(fields, _cmid(fields)))
    if kind == "react":
        return _react(fields)
    if kind == "reactions":
        first = _cursor(fields, "from").seq if fields.get("from") is not None else 0
        people = _flag(fields, "people", default=False)
        return AskReactions(_number(fields, "since") or 0, first, people)
    shown = json.dumps(kind)[:40]
    changes = "edit, remove, restore, react, withdraw"
    kinds = f"hello, message, {changes}, host, typing, rename, reactions or ping"
    raise Refusal("unknown-type", f"type is {shown}; use {kinds}.")


def _say(fields: Mapping[str, Any]) -> Say:
    cmid = _cmid(fields)
    file = _file(fields, cmid) if "file" in fields else ""
    alt = _alt(fields, file, cmid) if "alt" in fields else ""
    body = _text(fields, "body", "bad-frame", "", cmid=cmid) if file else _body(fields, cmid)
    timestamp = _text(fields, "timestamp", "bad-frame", "", cmid=cmid) or local_time()
    if FIELD not in fields:  # nearly always
        return Say(cmid, body, timestamp, "", file, alt)
    answered = reply_to(fields, lambda wrong: Refusal("bad-frame", f"{wrong}.", cmid))
    return Say(cmid, body, timestamp, answered, file, alt)


def _react(fields: Mapping[str, Any]) -> React:
    cmid, kind = _cmid(fields), fields.get("kind")
    if kind not in KINDS:
        wanted = f"one of {', '.join(KINDS)}"
        raise Refusal("bad-frame", f"kind is {json.dumps(kind)[:40]}; wanted: {wanted}.", cmid)
    on = _flag(fields, "on", default=True, cmid=cmid)
    return React(cmid, _id(fields), str(kind), on)


def _cmid(fields: Mapping[str, Any]) -> str:
    cmid = fields.get("cmid")
    if type(cmid) is not str or not 1 <= len(cmid) <= MAX_CMID_LENGTH or not is_utf8(cmid):
        detail = f"cmid must be a string of 1 to {MAX_CMID_LENGTH} characters, unique per message."
        raise Refusal("bad-cmid", detail)
    return cmid


def _body(fields: Mapping[str, Any], cmid: str) -> str:
    body = _text(fields, "body", "bad-frame", cmid=cmid)
    if not body:
        raise Refusal("empty-body", "The message is empty; write something.", cmid)
    return body


def _file(fields: Mapping[str, Any], cmid: str) -> str:
    file = _text(fields, "file", "bad-frame", cmid=cmid)
    if not is_id(file):
        raise Refusal("bad-frame", "file must be the id that the upload has given.", cmid)
    return file


def _alt(fields: Mapping[str, Any], file: str, cmid: str) -> str:
    return alt_text(fields, file, lambda wrong: Refusal("bad-frame", f"{wrong}.", cmid))


def _id(fields: Mapping[str, Any]) -> MessageId:
    text = _text(fields, "id", "bad-frame", cmid=_cmid(fields))
    try:
        return message_id(text[:LONGEST_ID])
    except ValueError as error:
        raise Refusal("bad-frame", f"{error}.", _cmid(fields)) from None


def _text(
    fields: Mapping[str, Any], key: str, code: str, default: str | None = None, *, cmid: str = ""
) -> str:
    value = fields.get(key)
    if type(value) is str and value.isascii():  # nearly always
        return value

    def refusal(flaw: Flaw) -> Refusal:
        wrong = "contains a lone surrogate" if flaw is Flaw.SURROGATE else "must be a string"
        return Refusal(code, f"{key} {wrong}.", cmid)

    return text(fields, key, refusal, default)


def _cursor(fields: Mapping[str, Any], key: str) -> MessageId:
    try:
        return MessageId.parse(_text(fields, key, "bad-frame"))
    except ValueError:
        return NOWHERE


def _number(fields: Mapping[str, Any], key: str) -> int | None:
    if key not in fields:
        return None
    number = fields[key]
    if type(number) is not int or number < 0:
        raise Refusal("bad-frame", f"{key} must be a whole number, 0 or more.")
    return number


def _rooms(fields: Mapping[str, Any]) -> bool:
    return _flag(fields, "rooms", default=False)


def _flag(fields: Mapping[str, Any], key: str, *, default: bool, cmid: str = "") -> bool:
    flag = fields.get(key, default)
    if type(flag) is not bool:
        raise Refusal("bad-frame", f"{key} must be true or false.", cmid)
    return flag


# -- to the client --------------------------------------------------------------------------------


def frame(kind: str, /, **fields: object) -> bytes:
    """A frame of this type; fields that are None are left out."""
    told = {"type": kind} | {key: value for key, value in fields.items() if value is not None}
    return text_frame(_encoded(told))


# json.dumps makes such an encoder for each call.
_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def person_frame(
    kind: str, user_id: str, user_name: str, reason: str | None = None, role: str = ""
) -> bytes:
    """``joined``, ``left``, ``renamed`` or ``typing``."""
    return frame(kind, userId=user_id, userName=user_name, reason=reason, role=role or None)


def ack(cmid: str, message_id: str) -> bytes:
    """The message is committed."""
    return text_frame(f'{{"type":"ack","cmid":{_quoted(cmid)},"id":"{message_id}"}}')


def done(cmid: str, **told: object) -> bytes:
    """What the client asked for with this cmid is done, and everybody was told."""
    return frame("done", cmid=cmid, **told)


def changed(message: Message) -> bytes:
    """A message as it now is; of one that was removed, that it is gone."""
    if message.removed:
        return frame("removed", rev=message.rev, id=message.id, by=message.removed)
    return text_frame(f'{{"type":"changed","rev":{message.rev},"message":{to_json(message)}}}')


def removed(messages: Sequence[Message]) -> bytes:
    """Several messages are gone that were removed in one go: one frame, a third of the bytes."""
    last = messages[-1]
    ids = [message.id for message in messages]
    return frame("removed", rev=last.rev, ids=ids, by=last.removed)


def reactions(mark: int, states: Iterable[Reacted]) -> bytes:
    """The reactions to these messages, as they now are."""
    return frame("reactions", mark=mark, messages=messages_fields(states))


def held(held: Held) -> bytes:
    """This waits for a host's approval: for hosts, and for whoever has sent it."""
    return frame("held", **held_fields(held))


def settled(held: Held, outcome: str) -> bytes:
    """It waits no longer."""
    return frame("settled", id=held.id, cmid=held.cmid or None, outcome=outcome)


def knocking(*, host_is_here: bool) -> bytes:
    """You have to wait until a host lets you in."""
    detail = "Somebody was removed from your connection, so a host has to let you in."
    detail += " Please wait." if host_is_here else " No host is here now; you can wait."
    return frame("knocking", detail=detail, hostIsHere=host_is_here)


def knocked(user_id: str, outcome: str) -> bytes:
    """To hosts: this person does not knock any more."""
    return frame("knocked", userId=user_id, outcome=outcome)


def muted(until: str | None, seconds: int | None) -> bytes:
    """You can read, but not speak; without a time, until that is undone.

    Args:
        seconds: what is left of it: the client's clock may be wrong.
    """
    return frame("muted", until=until or None, retryAfter=seconds)


UNMUTED = text_frame('{"type":"unmuted"}')
"""You can speak again."""


def error(refusal: Refusal) -> bytes:
    """An error, for programs and for people."""
    return frame("error", code=refusal.code, detail=refusal.detail, **refusal.more)


def people(known: Iterable[tuple[str, str, str]]) -> list[dict[str, str]]:
    """People, as ``welcome`` and the HTTP API list them: user id, name and role of each."""
    return [
        {"userId": user_id, "userName": name} | ({"role": role} if role else {})
        for user_id, name, role in known
    ]
