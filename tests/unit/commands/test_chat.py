"""What ``chatroom chat`` says of the hosts' decisions: whoever is refused reads a sentence."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from chatroom.client.events import Event
from chatroom.client.outbox import Receipt, Waiters
from chatroom.commands.chat import Talk


@pytest.fixture
def talk() -> Talk:
    ann: Any = SimpleNamespace(user_id="ann-id")
    return Talk(ann, None)


def told(talk: Talk, capsys: pytest.CaptureFixture[str], kind: str, **fields: Any) -> str:
    """What is said of an event."""
    talk._take(Event(kind, {"type": kind, **fields}))
    out, err = capsys.readouterr()
    assert out == ""
    return err.removeprefix("chatroom: ").rstrip("\n")


def test_what_waits_for_a_host_is_told_once_and_so_is_its_end(
    talk: Talk, capsys: pytest.CaptureFixture[str]
) -> None:
    held = {"id": "h1", "userId": "ann-id", "userName": "Ann", "body": "May I?\x1b[2J"}

    assert told(talk, capsys, "held", **held) == r"waits for a host's approval: May I?\u001b[2J"
    assert told(talk, capsys, "held", **held) == "", "after a reconnect"
    refused = {"id": "h1", "outcome": "refused"}
    assert told(talk, capsys, "settled", **refused) == r"a host has not approved: May I?\u001b[2J"
    assert told(talk, capsys, "settled", **refused) == ""


def test_what_is_approved_is_on_the_screen_anyway(
    talk: Talk, capsys: pytest.CaptureFixture[str]
) -> None:
    told(talk, capsys, "held", id="h1", userId="ann-id", body="May I?")

    assert told(talk, capsys, "settled", id="h1", outcome="approved") == ""


def test_what_others_have_waiting_is_not_ones_own(
    talk: Talk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(talk, capsys, "held", id="h2", userId="bob-id", body="May I?") == ""
    assert told(talk, capsys, "settled", id="h2", outcome="refused") == ""


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("muted", {}, "a host has asked you to be quiet; you can read on"),
        ("muted", {"until": "2026-01-31T09:05:00Z"}, "be quiet until 2026-01-31T09:05:00Z;"),
        ("unmuted", {}, "you may speak again"),
        (
            "rules",
            {"speak": "slow", "slowSeconds": 30, "needsHost": False},
            "who may speak now: slow, 30 s between two",
        ),
        ("rules", {"speak": "hosts", "needsHost": False}, "who may speak now: hosts"),
        ("rules", {"sing": "loud"}, ""),
    ],
)
def test_who_may_speak_is_told(
    talk: Talk,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    fields: dict[str, object],
    said: str,
) -> None:
    found = told(talk, capsys, kind, **fields)

    assert said in found
    assert bool(said) == bool(found)


def test_nobody_waits_for_what_a_host_has_to_approve_first(talk: Talk) -> None:
    receipts = [Receipt("c", "hi", "", Waiters(None)) for _ in range(3)]  # type: ignore[arg-type]
    talk._said = receipts
    receipts[0].held = "h1"
    receipts[1].error = RuntimeError()  # type: ignore[assignment]

    assert talk._unseen() == receipts[2:]
