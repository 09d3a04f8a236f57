"""What processes that serve the same rooms tell each other: values to payloads and back; pure.

A payload of NOTIFY holds one hint or several, signed, so that nobody else who can connect to the
database is believed::

    1 <signature> <process>
    ["news","lobby",7,"664c976f9a047975",0,2,6,"09c1be5f3f2a4d11",[112,98]]
    <two texts, one right behind the other>["typing","lobby","u1","Ann"]

A hint is a line of JSON; its numbers at the end are the lengths of the texts that follow the line.
The texts are carried as they are: whoever gets them need not encode them again.

What a first version of this does not know is in payloads of its own, which begin with a 2.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from chatroom.history.postgresql.exact import from_stored, to_stored
from chatroom.matching import assert_never
from chatroom.rooms.bus import CrowdNews, IsTyping, ReactionNews, RoomNews
from chatroom.rooms.crowd import Joined, Known, Left, Renamed
from chatroom.rooms.register import AtTheDoor, Made, Replaced

CHANNEL = "chatroom"

PAYLOAD_BYTES = 7900
"""PostgreSQL refuses 8,000: https://www.postgresql.org/docs/current/sql-notify.html"""

NEWS_PAYLOADS = 2
"""What does not fit into so many is read from the history instead, as one page, which is cheaper
than to pack, send and unpack it for everyone."""

VERSION, LATER = "1", "2"
"""Processes of a program that knows the first alone leave the second out, and go on."""

PERSON = b"chatroom hints 1"

DIGEST_BYTES = 16

_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

# As to_json writes it; in a body, the quotes would be escaped.
_ID = re.compile(r'"id":"([0-9]{1,15})-([0-9a-f]{1,64})"')


CrowdEvent = Joined | Renamed | Left | Replaced | AtTheDoor | Made


class Beat(NamedTuple):
    """A process is there."""

    process: int
    is_listening: bool
    """Whether it hears what it is told."""


Hint = RoomNews | CrowdNews | IsTyping | ReactionNews | Beat
"""May be lost, doubled, late or out of date: it only makes others look."""


def key_from(secret: bytes) -> bytes:
    """The key that hints are signed with.

    Args:
        secret: of the history, which all its processes know.
    """
    return blake2b(secret, digest_size=32, person=PERSON).digest()


def joined(older: RoomNews, newer: RoomNews) -> RoomNews:
    """News and what came later in one; without texts, unless those of the two follow each other and
    two payloads can carry them."""
    if (newer.seq, newer.nonce) == (older.seq, older.nonce):
        first, texts, before = newer[5:] if newer.texts else older[5:]
        return newer._replace(first=first, texts=texts, before=before)
    follows = (newer.first, newer.before) == (older.seq + 1, older.nonce)
    if not (older.texts and newer.texts and follows):
        return newer.bare()
    if older.size + newer.size > NEWS_PAYLOADS * PAYLOAD_BYTES:
        return newer.bare()
    texts = older.texts + newer.texts
    return newer._replace(first=older.first, texts=texts, before=older.before)


# -- to payloads -----------------------------------------------------------------------------------


def pack(hints: Iterable[Hint], process: int, key: bytes) -> list[str]:
    """The hints as payloads, in their order; small ones share one.

    News with more text than two payloads carry go without it; a hint that is too large even so is
    left out.

    Args:
        process: whose hints these are.
        key: as of ``key_from``.
    """
    payloads: list[str] = []
    begin = f"{process}\n"
    most = PAYLOAD_BYTES - len(_signed("", key)) - len(begin)
    parts: list[str] = []
    left, version = most, VERSION
    for hint in hints:
        its_version = LATER if isinstance(hint, ReactionNews) else VERSION
        for part in _parts(hint, most):
            size = _bytes(part)
            if size > left or (parts and its_version != version):
                payloads.append(_signed(begin + "".join(parts), key, version))
                parts, left = [], most
            version = its_version
            parts.append(part)
            left -= size
    if parts:
        payloads.append(_signed(begin + "".join(parts), key, version))
    return payloads


def _signed(body: str, key: bytes, version: str = VERSION) -> str:
    return f"{version} {_signature(body, key, version)} {body}"


def _signature(body: str, key: bytes, version: str) -> str:
    if version != VERSION:
        body = f"{version} {body}"
    data = body.encode("utf-8", "surrogatepass")
    return blake2b(data, digest_size=DIGEST_BYTES, key=key, person=PERSON).hexdigest()


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _parts(hint: Hint, most: int) -> list[str]:
    """The hint in one part, or in two, each of so many bytes at most."""
    for form in _forms(hint, most):
        parts = [to_stored(_encoded(part)) for part in form]
        if all(_bytes(part) <= most for part in parts):
            return parts
    return []


def _forms(hint: Hint, most: int) -> Iterator[Sequence[Hint]]:
    """The hint whole, then in ever shorter forms."""
    if not isinstance(hint, RoomNews):
        yield [hint]
        if isinstance(hint, CrowdNews):
            yield [hint._replace(events=())]
        return
    if hint.size <= most:
        yield [hint]
    if hint.size <= NEWS_PAYLOADS * most and (halves := _halves(hint, most)):
        yield halves
    yield [hint.bare()]


def _halves(news: RoomNews, most: int) -> tuple[RoomNews, RoomNews] | None:
    """The news of the first messages, as many as fit into one payload, and of the others."""
    number = -1
    left = most - _bytes(to_stored(_encoded(news.bare())))
    while left >= 0 and number + 1 < len(news.texts):
        number += 1
        left -= _bytes(to_stored(news.texts[number])) + 8  # with its length, and those of first
    if number < 1:
        return None
    id = _ID.search(news.texts[number - 1])
    seq = news.first + number - 1
    if not id or int(id[1]) != seq:
        return None
    one = news._replace(seq=seq, nonce=id[2], texts=news.texts[:number])
    return one, news._replace(first=seq + 1, texts=news.texts[number:], before=id[2])


def _encoded(hint: Hint) -> str:
    match hint:
        case RoomNews():
            *line, texts, before = hint
            lengths = [*map(len, hint.texts)]
            return "".join([_line("news", *line, before, lengths), *texts])
        case CrowdNews(room, epoch, version, events):
            return _line("crowd", room, epoch, version, [*map(_event_fields, events)])
        case IsTyping(room, who):
            return _line("typing", room, *who)
        case ReactionNews():
            return _line("reactions", *hint)
        case Beat():
            return _line("beat", *hint)
        case _:
            assert_never(hint)


def _line(*fields: Any) -> str:
    return _ENCODE(fields) + "\n"


def _event_fields(event: CrowdEvent) -> list[str]:
    match event:
        case Joined(who):
            return ["joined", *who]
        case Renamed(who):
            return ["renamed", *who]
        case Left(who, reason):
            return ["left", *who, reason]
        case Replaced(user_id, tab):
            return ["replaced", user_id, tab]
        case AtTheDoor():
            return ["door"]
        case Made(who):
            return ["made", *who]
        case _:
            assert_never(event)


# -- and back --------------------------------------------------------------------------------------


def unpack(payload: str, key: bytes) -> tuple[int, list[Hint]] | None:
    """The process and its hints; None if they are not signed with this key, or not to be
    understood, whatever the payload is."""
    if payload[:2] not in (f"{VERSION} ", f"{LATER} ") or len(payload) > PAYLOAD_BYTES:
        return None
    version, signature, body = (*payload.split(" ", 2), "", "")[:3]
    given = signature.encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(given, _signature(body, key, version).encode()):
        return None
    try:
        return _decoded(from_stored(body))
    except (ValueError, TypeError, LookupError, RecursionError):
        return None


def is_of_another_version(payload: str) -> bool:
    """Whether a newer or older program may have sent it."""
    version = payload[:9].partition(" ")[0]
    return version.isascii() and version.isdigit() and version not in (VERSION, LATER)


def _decoded(body: str) -> tuple[int, list[Hint]]:
    process, _, _ = body.partition("\n")
    at = len(process) + 1
    hints: list[Hint] = []
    while at < len(body):
        end = body.index("\n", at)
        kind, *fields = json.loads(body[at:end])
        at = end + 1
        if kind == "news":
            *line, before, lengths = fields
            texts = []
            for length in lengths:
                if length < 0:  # or it would be read again and again
                    raise ValueError(length)
                texts.append(body[at : at + length])
                at += length
            room, seq, nonce, rev, decided, first = line
            news = RoomNews(room, seq, nonce, rev, decided, first, tuple(texts), before)
            hints.append(news)
        else:
            hints.append(_small(kind, fields))
    return int(process), hints


def _small(kind: str, fields: list[Any]) -> Hint:
    match kind, fields:
        case "crowd", [room, epoch, version, events]:
            return CrowdNews(room, epoch, version, tuple(event_of(*event) for event in events))
        case "typing", [room, user_id, name]:
            return IsTyping(room, Known(user_id, name))
        case "reactions", [room, mark]:
            return ReactionNews(room, mark)
        case "beat", [process, is_listening]:
            return Beat(process, is_listening)
    raise ValueError(f"a hint that is not known: {kind}")


def event_of(kind: str, *fields: str) -> CrowdEvent:
    """What these fields say.

    Raises:
        ValueError: it is not known what they say.
    """
    match kind, fields:
        case "joined", (user_id, name):
            return Joined(Known(user_id, name))
        case "renamed", (user_id, name):
            return Renamed(Known(user_id, name))
        case "left", (user_id, name, reason):
            return Left(Known(user_id, name), reason)
        case "replaced", (user_id, tab):
            return Replaced(user_id, tab)
        case "door", ():
            return AtTheDoor()
        case "made", (user_id, name):
            return Made(Known(user_id, name))
    raise ValueError(f"an event that is not known: {kind}")
