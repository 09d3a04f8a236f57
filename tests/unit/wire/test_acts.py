"""What a host may ask for: read, or refused with the field that is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.errors import Refusal
from chatroom.message import MessageId
from chatroom.wire import acts
from chatroom.wire.acts import (
    ASKED,
    DAY,
    Act,
    Admit,
    Approve,
    Bar,
    Clear,
    Erase,
    Look,
    MakeHost,
    MakeLink,
    Quiet,
    Refuse,
    RestoreAll,
    RevokeLink,
    SetRules,
    TurnBack,
    UnmakeHost,
    What,
    decode,
)

YEAR = 366 * DAY

BOB = {"userId": "u2", "userName": "Bob"}

ID = f"5-{'a' * 16}"


@pytest.mark.parametrize(
    ("fields", "act"),
    [
        ({"act": "rules"}, SetRules(None, None, None)),
        ({"act": "rules", "speak": "hosts"}, SetRules("hosts", None, None)),
        ({"act": "rules", "speak": "slow", "slowSeconds": 5}, SetRules("slow", 5, None)),
        ({"act": "rules", "slowSeconds": 600}, SetRules(None, 600, None)),
        ({"act": "rules", "needsHost": False}, SetRules(None, None, False)),
        ({"act": "rules", "speak": None, "needsHost": None}, SetRules(None, None, None)),
        ({"act": "quiet", **BOB, "seconds": 600}, Quiet("u2", "Bob", 600)),
        ({"act": "quiet", "userId": "u2"}, Quiet("u2", "", None)),
        ({"act": "quiet", **BOB, "seconds": 0}, Quiet("u2", "Bob", 0)),
        ({"act": "bar", **BOB, "seconds": YEAR}, Bar("u2", "Bob", YEAR)),
        ({"act": "bar", **BOB, "seconds": None}, Bar("u2", "Bob", None)),
        ({"act": "approve", "id": "f00d"}, Approve("f00d")),
        ({"act": "refuse", "id": "f00d"}, Refuse("f00d")),
        ({"act": "makeHost", **BOB}, MakeHost("u2", "Bob")),
        ({"act": "unmakeHost", "userId": "u2"}, UnmakeHost("u2")),
        ({"act": "makeLink"}, MakeLink(DAY, 1)),
        ({"act": "makeLink", "seconds": 60, "uses": 30}, MakeLink(60, 30)),
        ({"act": "makeLink", "makes": "guest"}, MakeLink(DAY, 1, "guest")),
        ({"act": "revokeLink", "link": "k"}, RevokeLink("k")),
        ({"act": "look", "more": [1]}, Look()),
        ({"act": "look", "userId": "u2"}, Look("u2")),
        ({"act": "rules", "files": "hosts"}, SetRules(None, None, None, files="hosts")),
        ({"act": "rules", "unchecked": "no"}, SetRules(None, None, None, unchecked="no")),
        ({"act": "rules", "reactions": False}, SetRules(None, None, None, reactions=False)),
        ({"act": "bar", **BOB, "what": "all"}, Bar("u2", "Bob", None, What.ALL)),
        ({"act": "bar", **BOB, "seconds": 60, "what": "recent"}, Bar("u2", "Bob", 60, What.RECENT)),
        ({"act": "bar", **BOB, "seconds": 0, "what": "nothing"}, Bar("u2", "Bob", 0)),
        ({"act": "clear"}, Clear(None)),
        ({"act": "clear", "upto": None}, Clear(None)),
        ({"act": "restore", "at": "2026-01-31T09:05:00.123Z"}, RestoreAll(1769850300123)),
        ({"act": "clear", "upto": ID}, Clear(MessageId(5, "a" * 16))),
        ({"act": "erase"}, Erase(None)),
        ({"act": "erase", "id": ID}, Erase(MessageId(5, "a" * 16))),
        ({"act": "admit"}, Admit("")),
        ({"act": "admit", "userId": "u2"}, Admit("u2")),
        ({"act": "refuse", "userId": "u2"}, TurnBack("u2")),
    ],
)
def test_an_act_is_read(fields: dict[str, Any], act: Act) -> None:
    assert decode(fields, "c1") == act


def refusal(fields: dict[str, Any]) -> Refusal:
    with pytest.raises(Refusal) as refused:
        decode(fields, "c1")
    return refused.value


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({}, "act must be one of rules, quiet, bar, "),
        ({"act": "useLink", "secret": "s"}, "act must be one of "),
        ({"act": ["rules"]}, "act must be one of "),
        (
            {"act": "rules", "speak": "shout"},
            "speak must be one of everybody, slow, ",
        ),
        ({"act": "rules", "speak": ["slow"]}, "speak must be one of "),
        ({"act": "rules", "slowSeconds": 4}, "slowSeconds must be a whole number from 5 to 600."),
        ({"act": "rules", "slowSeconds": 601}, "slowSeconds must be "),
        ({"act": "rules", "slowSeconds": 5.5}, "slowSeconds must be "),
        ({"act": "rules", "slowSeconds": True}, "slowSeconds must be "),
        ({"act": "rules", "needsHost": 1}, "needsHost must be true or false."),
        ({"act": "quiet"}, "userId must be text."),
        ({"act": "quiet", "userId": 5}, "userId must be text."),
        ({"act": "quiet", "userId": None}, "userId must be text."),
        ({"act": "quiet", "userId": ""}, "userId must have 1 to 64 characters."),
        ({"act": "quiet", "userId": "u" * 65}, "userId must have 1 to 64 characters."),
        ({"act": "quiet", "userId": "\ud800"}, "userId must be text."),
        ({"act": "quiet", **BOB, "userName": 5}, "userName must be text."),
        ({"act": "quiet", **BOB, "seconds": -1}, "seconds must be a whole number from 0 to "),
        ({"act": "quiet", **BOB, "seconds": "60"}, "seconds must be "),
        ({"act": "bar", "userName": "Bob"}, "userId must be text."),
        (
            {"act": "bar", **BOB, "seconds": YEAR + 1},
            f"seconds must be a whole number from 0 to {YEAR}.",
        ),
        ({"act": "makeHost", "userName": "Bob"}, "userId must be text."),
        (
            {"act": "makeHost", **BOB, "userName": "\u202eBob"},
            "userName is invalid. The name contains U+202E",
        ),
        ({"act": "unmakeHost"}, "userId must be text."),
        ({"act": "makeLink", "seconds": 0}, f"seconds must be a whole number from 1 to {YEAR}."),
        ({"act": "makeLink", "uses": 0}, "uses must be a whole number from 1 to 1000."),
        ({"act": "makeLink", "uses": 1001}, "uses must be "),
        ({"act": "revokeLink"}, "link must be text."),
        ({"act": "rules", "files": "all"}, "files must be one of everybody, hosts, nobody."),
        ({"act": "rules", "reactions": 0}, "reactions must be true or false."),
        ({"act": "rules", "unchecked": "yes"}, "unchecked must be one of speak, held, no."),
        ({"act": "bar", **BOB, "what": "some"}, "what must be one of nothing, recent, all."),
        ({"act": "bar", **BOB, "seconds": 0, "what": "all"}, "what must be left out if seconds"),
        ({"act": "clear", "upto": "all"}, "upto must be the id of a message."),
        ({"act": "clear", "upto": 5}, "upto must be text."),
        ({"act": "restore"}, "at must be text."),
        (
            {"act": "restore", "at": "yesterday"},
            "at must be a time as the log has it, such as 2026-01-31T09:05:00.123Z.",
        ),
        ({"act": "erase", "id": "x"}, "id must be the id of a message."),
        ({"act": "admit", "userId": ""}, "userId must have 1 to 64 characters."),
        ({"act": "admit", "userId": None}, "userId must be text."),
        ({"act": "refuse", "userId": 5}, "userId must be text."),
    ],
)
def test_whatever_is_wrong_is_named(fields: dict[str, Any], detail: str) -> None:
    refused = refusal(fields)

    assert refused.code == "bad-act"
    assert refused.detail.startswith(detail)
    assert refused.more == {"cmid": "c1"}


def test_no_code_is_composed_that_is_too_long_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody can send one, and it is read before it is known whether they are a host."""
    monkeypatch.setattr(acts, "unicodedata", None)

    assert refusal({"act": "rules", "code": "\u0301\u0323" * 16_000}).code == "bad-act"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
FIELDS = ["speak", "slowSeconds", "needsHost", "userId", "userName", "seconds", "uses", "link"]


@given(st.sampled_from(ASKED), st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_fields_are_an_act_or_refused(word: str, fields: dict[str, Any]) -> None:
    try:
        decode({"act": word, **fields}, "c1")
    except Refusal as refused:
        assert refused.code == "bad-act"
