"""What is kept of a room that was deleted, so that whoever was in it is a stranger to the next room
of its name: neither the name nor anything that was said."""

from __future__ import annotations

import hmac
import secrets

KEPT_AS = "deleted "
"""What the names of these begin with, among the secrets of a history."""


def mark(secret: bytes, room: str) -> str:
    """What stands for the room's name.

    Args:
        secret: of the history.
    """
    name = room.encode("utf-8", "surrogatepass")
    return hmac.digest(secret, b"chatroom.v1 deleted room\n" + name, "sha256")[:12].hex()


def kept_as(secret: bytes, room: str) -> tuple[str, bytes]:
    """The name and the value that are kept: another one each time that the room is deleted."""
    return KEPT_AS + mark(secret, room), secrets.token_bytes(8)


def by_mark(kept: dict[str, bytes]) -> dict[str, bytes]:
    """The values that are kept, by ``mark``."""
    return {name.removeprefix(KEPT_AS): bytes(value) for name, value in kept.items()}
