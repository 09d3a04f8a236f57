"""What a picture shows, in a frame of the typed protocol."""

from __future__ import annotations

import json

import pytest

from chatroom.errors import Refusal
from chatroom.wire import typed
from chatroom.wire.typed import Say

FILE = "0123456789abcdef" * 2


def said(**fields: object) -> Say:
    frame = {"type": "message", "cmid": "c1", "body": "look", **fields}
    request = typed.decode(json.dumps(frame), max_name_length=64)
    assert isinstance(request, Say)
    return request


def test_it_comes_with_a_file() -> None:
    assert said(file=FILE, alt=" A\nsquare ").alt == "A square"
    assert said(file=FILE, alt="").alt == said(file=FILE).alt == said().alt == ""
    assert said(file=FILE, alt="\N{BICYCLE}" * 1000).alt == "\N{BICYCLE}" * 1000
    answer = said(file=FILE, alt="A square", replyTo="1-0000000000000001")
    assert (answer.reply_to, answer.alt) == ("1-0000000000000001", "A square")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"file": FILE, "alt": None}, "alt must be a string."),
        ({"file": FILE, "alt": {"de": "Quadrat"}}, "alt must be a string."),
        ({"file": FILE, "alt": "\ud800"}, "alt contains a lone surrogate."),
        ({"file": FILE, "alt": "x" * 1001}, "alt has 1001 characters; wanted: what the file shows"),
        ({"alt": "A square"}, "alt says what a file shows, and there is none; wanted: file, too."),
    ],
)
def test_anything_else_is_refused(fields: dict[str, object], wrong: str) -> None:
    with pytest.raises(Refusal) as refused:
        said(**fields)

    assert refused.value.code == "bad-frame"
    assert refused.value.detail.startswith(wrong)
    assert refused.value.more["cmid"] == "c1"
