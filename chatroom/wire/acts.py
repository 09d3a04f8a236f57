"""What a host may do, as typed clients and scripts ask for it: ``{"act": …}`` and its fields."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

from chatroom.errors import BadAct, BadName
from chatroom.message import MessageId
from chatroom.names import checked
from chatroom.wire.fields import text
from chatroom.wire.ids import message_id
from chatroom.wire.message_json import milliseconds

MOST_SECONDS = 366 * 24 * 60 * 60
"""That anything with an end can last: a year."""

DAY = 24 * 60 * 60

MAKES = ("host", "guest")
"""What a link makes of whoever opens it. A guest is somebody whom the door lets in."""

SPEAK = ("everybody", "slow", "approval", "hosts")
"""Who may speak: see ``Speak``."""

FILES = ("everybody", "hosts", "nobody")
"""Who may send pictures and files: see ``FilesFrom``."""

UNCHECKED = ("speak", "held", "no")
"""What those may do whose names nobody has checked: see ``Unchecked``."""

DOORS = ("open", "code", "shut")
"""Who may come in: see ``Door``."""

CODE_LENGTHS = 4, 64
"""Characters that a code has which a host makes up: at least, and at most."""

MOST_USES = 1000
"""Of one link."""

MOST_CHARACTERS = 1000
"""Of somebody's name: whatever ``maxNameLength`` allows."""

FASTEST, SLOWEST = 5, 600
"""Seconds that a room can ask for between two messages of one person: at least, and at most."""


class What(Enum):
    """What goes with somebody who is removed, of what they have written."""

    NOTHING = "nothing"
    RECENT = "recent"
    """Of the last minutes."""
    ALL = "all"


class SetRules(NamedTuple):
    """Who may speak, and who may come in; None leaves a rule as it is."""

    speak: str | None
    slow_seconds: int | None
    needs_host: bool | None
    door: str | None = None
    listed: bool | None = None
    code: str | None = None
    """That opens the door, as a host has made it up; empty: the server is to make another one."""
    code_hash: str = ""
    """Of that one, and in its place: see ``Doors.sealed``."""
    unchecked: str | None = None
    files: str | None = None
    reactions: bool | None = None


class Quiet(NamedTuple):
    """Somebody may read, but not speak."""

    user_id: str
    name: str
    seconds: int | None
    """0: they may speak again; None: until that is undone."""


class Bar(NamedTuple):
    """Somebody has to go, and may not come back."""

    user_id: str
    name: str
    seconds: int | None
    """0: they may come back; None: until that is undone."""
    what: What = What.NOTHING


class Approve(NamedTuple):
    """What somebody wants to say is said."""

    id: str
    """Of what is held: see ``Held``."""


class Refuse(NamedTuple):
    """What somebody wants to say is never said."""

    id: str


class Withdraw(NamedTuple):
    """Somebody does not want to say it any more; everyone may, before a host has decided."""

    cmid: str
    """Under which they have sent it."""


class MakeHost(NamedTuple):
    """Somebody is in charge, too."""

    user_id: str
    name: str


class UnmakeHost(NamedTuple):
    """Somebody is not in charge any more."""

    user_id: str


class MakeLink(NamedTuple):
    """A link that makes whoever opens it a host, or lets them in."""

    seconds: int
    uses: int
    makes: str = "host"
    """One of ``MAKES``."""


class RevokeLink(NamedTuple):
    """It is good for nothing any more."""

    link: str
    """What ``Look`` calls it."""


class Look(NamedTuple):
    """Who is in charge, who is quiet or barred, which links there are, and what was done."""

    user_id: str = ""
    """Also, how many others share this person's connection."""


class Admit(NamedTuple):
    """Somebody who knocks may come in."""

    user_id: str
    """Empty: whoever knocks, and nobody has to any more."""


class TurnBack(NamedTuple):
    """Somebody who knocks may not come in."""

    user_id: str


class Clear(NamedTuple):
    """All messages of the room are removed."""

    upto: MessageId | None
    """Only this one and those before it."""


class Erase(NamedTuple):
    """What was removed can never be restored."""

    id: MessageId | None
    """Only this message; None: whatever was removed in the room."""


class RestoreAll(NamedTuple):
    """Whatever one act has removed is back, as far as it is not erased."""

    at: int
    """When that was, as the host log has it: Unix time in milliseconds."""


class BeCalled(NamedTuple):
    """A host is called otherwise now: comes with another name in a ``hello`` or a ``rename``."""

    name: str


class Forget(NamedTuple):
    """Whoever asks wants all that there is of them in the room erased; comes over HTTP."""


class EverybodyOut(NamedTuple):
    """All but hosts have to go; no pass that was given before lets anybody come back."""


class MakeKey(NamedTuple):
    """A script may come in."""

    name: str
    may_say: bool


class RevokeKey(NamedTuple):
    """It may not any more."""

    user_id: str
    """The script's."""


class UseLink(NamedTuple):
    """Somebody has opened a link; comes with a ``hello``."""

    secret: str


class UseOperatorLink(NamedTuple):
    """Somebody has opened a link of the operator's."""

    nonce: str
    """The link's own: it can be used once."""
    until: int
    """When it expires: Unix time in milliseconds."""


Settling = Approve | Refuse | Withdraw
"""What ends the waiting of what is held."""

Deciding = (
    SetRules
    | Quiet
    | Bar
    | MakeHost
    | UnmakeHost
    | MakeLink
    | RevokeLink
    | Look
    | Clear
    | Erase
    | Admit
    | TurnBack
    | EverybodyOut
    | MakeKey
    | RevokeKey
    | RestoreAll
)
"""What a room decides about itself, and about what was said in it."""

Asked = Deciding | Approve | Refuse
"""What a client can ask for by name."""

Charting = Deciding | BeCalled | UseLink | UseOperatorLink
"""What may make another charter."""

Act = Charting | Settling | Forget

WORDS = {
    SetRules: "rules",
    Quiet: "quiet",
    Bar: "bar",
    Approve: "approve",
    Refuse: "refuse",
    Withdraw: "withdraw",
    MakeHost: "makeHost",
    UnmakeHost: "unmakeHost",
    MakeLink: "makeLink",
    RevokeLink: "revokeLink",
    Look: "look",
    EverybodyOut: "everybodyOut",
    MakeKey: "makeKey",
    RevokeKey: "revokeKey",
    Clear: "clear",
    Erase: "erase",
    RestoreAll: "restore",
    Admit: "admit",
    TurnBack: "refuse",
    BeCalled: "beCalled",
    Forget: "forget",
    UseLink: "useLink",
    UseOperatorLink: "useOperatorLink",
}
"""What each is called on the wire and in the host log."""


_BY_THE_WAY = (Withdraw, BeCalled, Forget, UseLink, UseOperatorLink)

ASKED = list(dict.fromkeys(word for act, word in WORDS.items() if act not in _BY_THE_WAY))


def decode(fields: Mapping[str, Any], cmid: str) -> Asked:
    """Read what a client asks for.

    Raises:
        BadAct: there is no such act, or a field is invalid.
    """
    reader = _Reader(fields, cmid)
    match fields.get("act"):
        case "rules":
            speak = reader.choice("speak", SPEAK)
            slow = reader.number("slowSeconds", FASTEST, SLOWEST)
            needs_host, listed = reader.flag("needsHost"), reader.flag("listed")
            door = reader.choice("door", DOORS)
            unchecked, files = reader.choice("unchecked", UNCHECKED), reader.choice("files", FILES)
            others = unchecked, files, reader.flag("reactions")
            return SetRules(speak, slow, needs_host, door, listed, reader.code(), "", *others)
        case "quiet":
            return Quiet(*reader.person(), reader.number("seconds", 0, MOST_SECONDS))
        case "bar":
            return _bar(reader)
        case "approve":
            return Approve(reader.text("id"))
        case "refuse":
            return (
                TurnBack(reader.text("userId")) if "userId" in fields else Refuse(reader.text("id"))
            )
        case "admit":
            return Admit(reader.text("userId") if "userId" in fields else "")
        case "makeHost":
            return MakeHost(*reader.person())
        case "unmakeHost":
            return UnmakeHost(reader.text("userId"))
        case "makeLink":
            seconds = reader.number("seconds", 1, MOST_SECONDS)
            uses = reader.number("uses", 1, MOST_USES)
            makes = reader.choice("makes", MAKES) or "host"
            return MakeLink(DAY if seconds is None else seconds, 1 if uses is None else uses, makes)
        case "revokeLink":
            return RevokeLink(reader.text("link"))
        case "look":
            return Look(reader.text("userId") if "userId" in fields else "")
        case "everybodyOut":
            return EverybodyOut()
        case "makeKey":
            may_say = reader.flag("say")
            return MakeKey(reader.name("name"), True if may_say is None else may_say)
        case "revokeKey":
            return RevokeKey(reader.text("userId"))
        case "clear":
            return Clear(reader.message("upto"))
        case "erase":
            return Erase(reader.message("id"))
        case "restore":
            return RestoreAll(reader.moment("at"))
        case _:
            raise reader.refusal(f"act must be one of {', '.join(ASKED)}.")


def _bar(reader: _Reader) -> Bar:
    user_id, name = reader.person()
    seconds = reader.number("seconds", 0, MOST_SECONDS)
    what = What(reader.choice("what", tuple(one.value for one in What)) or What.NOTHING)
    if seconds == 0 and what is not What.NOTHING:
        raise reader.refusal("what must be left out if seconds is 0: restore brings messages back.")
    return Bar(user_id, name, seconds, what)


def spelt(code: str) -> str:
    """A code without what people type by mistake: spaces around it, and more than one inside."""
    return " ".join(unicodedata.normalize("NFC", code).split())


class _Reader:
    def __init__(self, fields: Mapping[str, Any], cmid: str) -> None:
        self._fields = fields
        self._cmid = cmid

    def refusal(self, detail: str) -> BadAct:
        return BadAct(detail, self._cmid)

    def text(self, key: str) -> str:
        value = self._any_text(key)
        if not 1 <= len(value) <= 64:
            raise self.refusal(f"{key} must have 1 to 64 characters.")
        return value

    def code(self) -> str | None:
        if self._fields.get("code") is None:
            return None
        code, (least, most) = self._any_text("code"), CODE_LENGTHS
        is_fit = len(code) <= 4 * most and least <= len(spelt(code)) <= most
        if code and not is_fit:
            wanted = f'{least} to {most} characters, or be "" for one that the server makes up'
            raise self.refusal(f"code must have {wanted}.")
        return code

    def person(self) -> tuple[str, str]:
        user_id = self.text("userId")
        return user_id, self.name("userName") if self._any_text("userName", "") else ""

    def name(self, key: str) -> str:
        try:
            return checked(self._any_text(key), MOST_CHARACTERS)
        except BadName as error:
            raise self.refusal(f"{key} is invalid. {error.detail}") from None

    def _any_text(self, key: str, default: str | None = None) -> str:
        return text(self._fields, key, lambda _: self.refusal(f"{key} must be text."), default)

    def number(self, key: str, least: int, most: int) -> int | None:
        value = self._fields.get(key)
        if value is None:
            return None
        if type(value) is not int or not least <= value <= most:
            raise self.refusal(f"{key} must be a whole number from {least} to {most}.")
        return value

    def flag(self, key: str) -> bool | None:
        value = self._fields.get(key)
        if value is not None and type(value) is not bool:
            raise self.refusal(f"{key} must be true or false.")
        return value

    def message(self, key: str) -> MessageId | None:
        """The id of a message, if there is one."""
        if self._fields.get(key) is None:
            return None
        try:
            return message_id(self._any_text(key))
        except ValueError:
            raise self.refusal(f"{key} must be the id of a message.") from None

    def moment(self, key: str) -> int:
        """Unix time in milliseconds."""
        try:
            return milliseconds(self._any_text(key), key)
        except ValueError:
            wanted = "a time as the log has it, such as 2026-01-31T09:05:00.123Z"
            raise self.refusal(f"{key} must be {wanted}.") from None

    def choice(self, key: str, choices: tuple[str, ...]) -> str | None:
        value = self._fields.get(key)
        if value is not None and value not in choices:
            raise self.refusal(f"{key} must be one of {', '.join(choices)}.")
        return value
