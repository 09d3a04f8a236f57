"""What the program calls a file: nobody can guess it, and it says whose it was."""

from __future__ import annotations

import hmac
import re
import secrets

_PATTERN = re.compile("[0-9a-f]{32}")

RANDOM_BYTES = 8


class FileIds:
    """Makes ids, and recognises them when the file itself is long gone: so nothing has to be kept
    of it. Any thread.

    Half of an id is random, the other half is a seal over that and the room: 128 bits that only
    this server knows.

    Args:
        secret: the history's.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"chatroom.v1 file", "sha256")

    def new(self, room: str) -> str:
        """One for a new file of this room."""
        text = secrets.token_hex(RANDOM_BYTES)
        return text + self._seal(room, text)

    def is_of(self, room: str, id: str) -> bool:
        """Whether there is or was a file of this id there."""
        text, seal = id[: 2 * RANDOM_BYTES], id[2 * RANDOM_BYTES :]
        return is_id(id) and hmac.compare_digest(self._seal(room, text), seal)

    def _seal(self, room: str, text: str) -> str:
        return hmac.digest(self._key, f"{room}\n{text}".encode(), "sha256")[:RANDOM_BYTES].hex()


def is_id(text: str) -> bool:
    """Whether it looks like one."""
    return _PATTERN.fullmatch(text) is not None


def demand_id(text: str) -> str:
    """The id, which becomes a part of a path.

    Raises:
        ValueError: it is none.
    """
    if not is_id(text):
        raise ValueError(f"{text!r} is not the id of a file")
    return text
