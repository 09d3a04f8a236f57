"""The parameters and bodies of requests under ``/api``, validated and parsed."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from chatroom import names
from chatroom.errors import BadAct, BadName, BadRoomName, FrameRefused, Problem
from chatroom.files.file_ids import is_id
from chatroom.message import ID_PATTERN, Draft, MessageId
from chatroom.names import checked
from chatroom.web.api import problems
from chatroom.wire import acts, alt, fields, ids, message_json, replies
from chatroom.wire.acts import Asked
from chatroom.wire.fields import Flaw
from chatroom.wire.typed import MAX_CMID_LENGTH

MAX_QUERY_LENGTH = 200
"""Characters."""

_CURSOR = re.compile(f"(?:{ID_PATTERN})(?:;[0-9]{{1,12}}(?:;[0-9]{{1,15}})?)?")


def room_name(text: str) -> str:
    """The room that a path names.

    Raises:
        Problem: it is not a room's name.
    """
    try:
        return names.room_name(text)
    except BadRoomName as error:
        value = problems.abridged(text)
        raise Problem("bad-room", str(error), field="room", value=value) from None


def message_id(field: str, text: str) -> MessageId:
    """Parse a parameter that is a message's id.

    Raises:
        Problem: it is not an id.
    """
    try:
        return ids.message_id(text)
    except ValueError:
        wanted = "a message's id, such as 42-664c976f9a047975, or 0-0"
        raise problems.refuse("bad-parameter", field, text, wanted) from None


def cursor(field: str, text: str) -> str:
    """A parameter that is the id of an event: a message's, perhaps with a room's rev and mark.

    Raises:
        Problem: it is not.
    """
    if not _CURSOR.fullmatch(text):
        wanted = "the id of an event, such as 42-664c976f9a047975 or 42-664c976f9a047975;7"
        raise problems.refuse("bad-parameter", field, text, wanted)
    return text


def choice(field: str, text: str | None, wanted: str) -> bool:
    """Whether a parameter is there, which can be one word only.

    Raises:
        Problem: it is another one.
    """
    if text not in (None, wanted):
        raise problems.refuse("bad-parameter", field, text, wanted)
    return text is not None


def number(field: str, text: str, low: int, high: int) -> int:
    """Parse a parameter that is a whole number.

    Raises:
        Problem: it isn't a number from ``low`` to ``high``.
    """
    # not int() alone: it takes " 80", "8_0" and other alphabets' digits as well
    if re.fullmatch("[0-9]{1,9}", text) and low <= int(text) <= high:
        return int(text)
    wanted = f"a whole number from {low} to {high}"
    raise problems.refuse("bad-parameter", field, text, wanted)


class Post(NamedTuple):
    """The body of a POST, validated."""

    draft: Draft
    cmid: str
    file: str = ""
    """The id of the file that it carries; empty for none."""
    alt: str = ""
    """What that shows, in words; empty if that is not said."""


def post(data: bytes, *, max_name_length: int, script: str = "") -> Post:
    """Parse the body of a POST.

    Args:
        data: at most ``maxMessageBytes``.
        max_name_length: characters.
        script: the name of the key that came with it; then it speaks under no other.

    Raises:
        Problem: it is not a JSON object, or a field is invalid.
    """
    found = _object(data, '{"userName": "Ann", "body": "Good morning!"}')
    name = _text(found, "userName", "the sender's name", default=script or None)
    if script and name != script:
        raise problems.refuse("bad-field", "userName", name, f"{script}, the key's name, or none")
    try:
        # A key's name was checked when it was made, and may be longer.
        name = checked(name, max(max_name_length, len(script)))
    except BadName as error:
        value = problems.abridged(name)
        raise Problem("bad-field", error.detail, field="userName", value=value) from None
    file = _file(found) if "file" in found else ""
    body = _text(found, "body", "the message's text", default="") if file else _body(found)
    timestamp = _text(found, "timestamp", "a string, or no such field", default="")
    timestamp = timestamp or message_json.local_time()
    draft = Draft(name, body, timestamp, _reply_to(found))
    return Post(draft, _cmid(found), file, _alt(found, file))


def act(data: bytes) -> Asked:
    """Parse what a host asks for.

    Raises:
        Problem: it is not a JSON object, there is no such act, or a field is invalid.
    """
    found = _object(data, '{"act": "look"}')
    try:
        return acts.decode(found, "")
    except BadAct as error:
        given = {"value": problems.abridged(found[error.field])} if error.field in found else {}
        raise Problem("bad-act", error.detail, None, field=error.field, **given) from None


def edit(data: bytes) -> str:
    """Parse the body of a PATCH: the message's new text.

    Raises:
        Problem: it is not a JSON object, or the text is invalid.
    """
    return _body(_object(data, '{"body": "Good evening!"}'))


def _body(found: dict[str, Any]) -> str:
    return _text(found, "body", "the message's text, at least one character")


def _file(found: dict[str, Any]) -> str:
    wanted = "the id that the upload has given, or no such field"
    file = _text(found, "file", wanted)
    if not is_id(file):
        raise problems.refuse("bad-field", "file", file, wanted)
    return file


def _alt(found: dict[str, Any], file: str) -> str:
    def refusal(_: str) -> Problem:
        wanted = alt.WANTED if file else f"file, too, or no {alt.FIELD}"
        return problems.refuse("bad-field", alt.FIELD, found[alt.FIELD], wanted)

    return alt.alt_text(found, file, refusal)


def _object(data: bytes, wanted: str) -> dict[str, Any]:
    try:
        return fields.parse(data.decode("utf-8-sig"))  # some editors begin a file with a BOM
    except UnicodeDecodeError as error:
        cause = f"not UTF-8 (byte {error.start})"
    except FrameRefused as refusal:
        cause = refusal.reason
    value = problems.abridged(data.decode(errors="replace"))
    raise Problem("bad-json", f"The body is {cause}; wanted: {wanted}", field="body", value=value)


def _cmid(found: dict[str, Any]) -> str:
    wanted = f"a string of 1 to {MAX_CMID_LENGTH} characters, new for each message"
    cmid = _text(found, "cmid", wanted, default="")
    if ("cmid" in found and not cmid) or len(cmid) > MAX_CMID_LENGTH:
        raise problems.refuse("bad-field", "cmid", cmid, wanted)
    return cmid


def _reply_to(found: dict[str, Any]) -> str:
    def refusal(_: str) -> Problem:
        return problems.refuse("bad-field", replies.FIELD, found[replies.FIELD], replies.WANTED)

    return replies.reply_to(found, refusal)


def _text(found: dict[str, Any], key: str, wanted: str, *, default: str | None = None) -> str:
    """The field's text; without a default, it must be there and not empty."""

    def refusal(flaw: Flaw) -> Problem:
        if flaw is Flaw.MISSING:
            return Problem("bad-field", f"{key} is missing; wanted: {wanted}", field=key)
        way_out = "a string without lone surrogates" if flaw is Flaw.SURROGATE else wanted
        return problems.refuse("bad-field", key, found[key], way_out)

    value = fields.text(found, key, refusal, default)
    if default is None and not value:
        raise problems.refuse("bad-field", key, value, wanted)
    return value
