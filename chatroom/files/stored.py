"""What the history knows of one file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

from chatroom.files.alt_text import MOST_CHARACTERS, cleaned
from chatroom.files.file_ids import is_id

UNCLAIMED_MS = 60 * 60 * 1000
"""For which a file waits for its message. Whoever uploads has as long for that, too."""

GRACE_MS = 5 * 60 * 1000
"""After that hour, before it is deleted: nobody claims what is just being deleted."""


DISOWNED = 0
"""Instead of when it was uploaded: its uploader wants nothing of it to be left."""


class Claim(Enum):
    """What has a file."""

    NOBODY = "nobody"
    """Not yet: its uploader can say something with it."""
    HELD = "held"
    """Something that waits for a host's approval."""
    SAID = "said"
    """A message, which everybody can read."""
    GONE = "gone"
    """What had it was removed: nobody reads it, and soon it is deleted, unless that is undone."""


class StoredFile(NamedTuple):
    """One file, whose bytes are in ``Files``."""

    id: str
    """32 hex digits: see ``FileIds``."""
    room: str
    name: str
    """For people: see ``file_names.cleaned``. Never a path."""
    type: str
    """One of ``magic.INLINE``, or ``magic.ANY``."""
    size: int
    """Bytes; until it is whole, what is kept free for it."""
    width: int
    """In pixels, as its sender says; 0 if they do not."""
    height: int
    user_id: str
    """Who has uploaded it."""
    uploaded_at: int
    """Unix time in milliseconds; until it is whole, when that began; or ``DISOWNED``."""
    is_whole: bool = False
    claim: Claim = Claim.NOBODY

    def is_free_for(self, room: str, user_id: str, now: int) -> bool:
        """Whether this person can say something with it, in this room.

        Args:
            now: Unix time in milliseconds.
        """
        is_theirs = self.room == room and self.user_id == user_id != ""
        is_in_time = now - self.uploaded_at < UNCLAIMED_MS
        return is_theirs and self.is_whole and self.claim is Claim.NOBODY and is_in_time

    def to_json(self, alt: str = "") -> str:
        """As a message carries it: what readers need to know.

        Args:
            alt: what it shows, as the message says: see ``alt_text.cleaned``.
        """
        fields: dict[str, str | int] = {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "size": self.size,
        }
        if self.width and self.height:
            fields |= {"width": self.width, "height": self.height}
        if alt:
            fields["alt"] = alt
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def carried(text: str) -> dict[str, Any]:
    """What a message carries, by the text of ``StoredFile.to_json``.

    Raises:
        ValueError: it is another text.
    """
    found = json.loads(text)
    if type(found) is not dict or type(found.get("id")) is not str:
        raise ValueError(f"{text!r} is not a file of a message")
    return found


def text_of(found: object) -> str:
    """What a message carries, by its JSON from elsewhere: what is known of it, and nothing else.

    Raises:
        ValueError: it is not that.
    """
    fields = found if type(found) is dict else {}
    id, name, kind, size = (fields.get(key) for key in ("id", "name", "type", "size"))
    is_good = isinstance(id, str) and is_id(id) and isinstance(name, str)
    if not is_good or not isinstance(kind, str) or type(size) is not int:
        raise ValueError("file is not an object with id, name, type and size")
    known: dict[str, Any] = {"id": id, "name": name, "type": kind, "size": size}
    known |= {key: fields[key] for key in ("width", "height") if type(fields.get(key)) is int}
    if alt := alt_in(fields):
        known["alt"] = alt
    return json.dumps(known, ensure_ascii=False, separators=(",", ":"))


def alt_in(fields: Mapping[str, Any]) -> str:
    """What the picture shows, by the fields of what a message carries; empty if they say nothing,
    or nothing that could be said."""
    alt = fields.get("alt")
    return cleaned(alt)[:MOST_CHARACTERS] if isinstance(alt, str) else ""


def id_in(text: str) -> str:
    """The id in the text of ``StoredFile.to_json``; raises as ``carried``."""
    id: str = carried(text)["id"]
    return id
