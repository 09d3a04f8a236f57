"""The tree of errors: as drawn, with one base, and each message naming the thing and the cause."""

from __future__ import annotations

import re

import pytest

from chatroom import errors
from chatroom.errors import (
    ChannelClosed,
    ChatError,
    CmidTaken,
    ConfigurationError,
    FrameRefused,
    HandshakeRefused,
    HistoryRefused,
    HistoryUnavailable,
    UserError,
)


def drawn() -> dict[str, str]:
    """Each error's base, as the docstring draws it."""
    bases: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"([ │├└─]*)([A-Z]\w+)", line):
            depth = len(found[1]) // 4
            del above[depth:]
            if above:
                bases[found[2]] = above[-1]
            above.append(found[2])
    return bases


def test_the_tree_in_the_docstring_is_the_tree():
    classes = [found for found in vars(errors).values() if isinstance(found, type)]
    tree = {
        found.__name__: found.__bases__[0].__name__
        for found in classes
        if issubclass(found, ChatError) and found is not ChatError
    }

    assert drawn() == tree


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            ConfigurationError("config.json", "port", "x", "a whole number"),
            "config.json: port is 'x'; wanted: a whole number",
        ),
        (
            HistoryRefused("sqlite:chat.db", "is in use by process 7", "stop it"),
            "sqlite:chat.db: is in use by process 7; stop it",
        ),
        (
            HistoryUnavailable("sqlite:chat.db", "disk full", "make room"),
            "sqlite:chat.db: disk full; make room",
        ),
        (
            CmidTaken("sqlite:chat.db", "the cmid is stored already", "find() it"),
            "sqlite:chat.db: the cmid is stored already; find() it",
        ),
        (ChannelClosed("broadcast"), "channel 'broadcast' is closed: its server has stopped"),
        (FrameRefused(1007, "not JSON"), "close 1007: not JSON"),
        (HandshakeRefused(403, "Go away."), "403: Go away."),
        (UserError(7, "slow"), "User 7 is disconnected. Cause: slow"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_says_what_it_is_about(error: ChatError, text: str):
    assert str(error) == text


def test_a_refused_handshake_has_headers_only_where_its_status_asks_for_some():
    assert HandshakeRefused(403, "Go away.").headers == {}
    assert HandshakeRefused(405, "A GET.", {"Allow": "GET"}).headers == {"Allow": "GET"}
