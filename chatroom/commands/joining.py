"""Joining a room, as the same person each time.

A server reserves a name for some seconds after its user has left. So that a script that says one
line after another is one person rather than many, the token of each name is kept in a file that
only its owner can read.
"""

from __future__ import annotations

import getpass
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from chatroom.addresses import http_url
from chatroom.client import ChatClient
from chatroom.commands.options import CODE_WANTED
from chatroom.commands.output import note
from chatroom.errors import ServerRefused

MOST_NAMES = 30
"""That are tried: several commands that begin at once are all offered the same one."""


@contextmanager
def joined(
    url: str, room: str, name: str | None, patience: float, **options: Any
) -> Iterator[ChatClient]:
    """Join the room with a client; leaving the block waits for its acks.

    Args:
        name: None for the login name or, if that is taken, for what the server suggests.

    Raises:
        ClientError: as ``ChatClient``.
    """
    wanted = name or login_name()
    tokens = TokenFile(url, wanted)
    options |= {"patience": patience, "token": tokens.read()}
    called, chat = wanted, ChatClient(url, wanted, room, **options)
    for left in reversed(range(MOST_NAMES)):
        try:
            chat.open()
            break
        except ServerRefused as refusal:
            if refusal.code == "wrong-key":
                note(CODE_WANTED)
            if name or refusal.code != "name-taken" or not (refusal.suggestion and left):
                raise
            called = refusal.suggestion
            chat = ChatClient(url, called, room, **options)
    if called != wanted:
        note(f"{wanted} is taken here: you are {called}")
    with chat:
        if chat.token:
            tokens.write(chat.token)
        yield chat
        chat.close(flush=patience)


def login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user without an entry
        return "Anonymous"


class TokenFile:
    """Where a name's token for a server is kept. Ignores disk errors: they cost only the token."""

    def __init__(self, url: str, name: str) -> None:
        state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
        key = hashlib.sha256(f"{http_url(url)}\n{name}".encode("utf-8", "replace")).hexdigest()
        self.path = Path(state, "chatroom", f"{key[:32]}.token").expanduser()

    def read(self) -> str | None:
        try:
            return self.path.read_text("ascii").strip() or None
        except (OSError, ValueError):
            return None

    def write(self, token: str) -> None:
        draft = self.path.with_suffix(f".{os.getpid()}")
        with suppress(OSError, ValueError):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "w", encoding="ascii") as file:
                file.write(token + "\n")
            os.replace(draft, self.path)  # atomic, even if other processes write it, too
