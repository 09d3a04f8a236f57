"""What ``chatroom chat`` takes and says: whoever is refused reads a sentence."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from chatroom.client.events import Event, ReactionCounts, Removed
from chatroom.client.outbox import Receipt, Waiters
from chatroom.commands.chat import Talk
from chatroom.message import Message


@pytest.fixture
def talk() -> Talk:
    return Talk(Ann(), None)  # type: ignore[arg-type]


class Ann:
    """In place of a ChatClient."""

    user_id = "ann-id"

    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []

    def say(self, text: str, *, reply_to: str = "") -> SimpleNamespace:
        self.done.append(("say", text, reply_to))
        return SimpleNamespace(error=None, held=None, id=None)

    def react(self, id: str, kind: str) -> None:
        self.done.append(("react", id, kind))

    def events(self) -> list[Message]:
        names = ("Ann", "ann-id"), ("Bob", "bob-id"), ("Cid", "cid-id")
        return [
            Message("lobby", seq, f"{seq:016x}", name, "hi", "", 1_700_000_000_000, id)
            for seq, (name, id) in enumerate(names, 1)
        ]


def heard(talk: Talk, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What was said there is on the screen; its ids."""
    talk._hear_all(SimpleNamespace(call_soon_threadsafe=lambda _: None))  # type: ignore[arg-type]
    capsys.readouterr()
    return [message.id for message in Ann().events()]


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


def test_a_reply_is_to_the_last_message_of_a_name_and_so_is_a_reaction(
    talk: Talk, capsys: pytest.CaptureFixture[str]
) -> None:
    _ann, bob, cid = heard(talk, capsys)

    for line in ("/reply bob: Yes, please", "/react like Bob", "/react  wow", "hi"):
        talk._obey(line)

    assert talk._client.done == [  # type: ignore[attr-defined]
        ("say", "Yes, please", bob),
        ("react", bob, "like"),
        ("react", cid, "wow"),
        ("say", "hi", ""),
    ]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "line", ["/reply", "/reply Bob", "/reply Zoe yes", "/react", "/react shrug", "/react like Zoe"]
)
def test_what_cannot_be_a_reply_or_reaction_is_not_said(
    talk: Talk, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    heard(talk, capsys)

    talk._obey(line)

    assert talk._client.done == []  # type: ignore[attr-defined]
    out, err = capsys.readouterr()
    assert (out, err.startswith(f"chatroom: write {line.split()[0]}, ")) == ("", True)


def test_a_message_that_is_gone_is_not_answered(
    talk: Talk, capsys: pytest.CaptureFixture[str]
) -> None:
    _ann, bob, cid = heard(talk, capsys)
    talk._take(Removed("removed", {"type": "removed", "rev": 1, "id": cid, "by": "author"}))

    talk._obey("/react like")

    assert talk._client.done == [("react", bob, "like")]  # type: ignore[attr-defined]


def test_a_person_reads_what_others_think_of_what_they_said(
    talk: Talk, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = heard(talk, capsys)
    states = [{"id": id, "mark": 7, "counts": {"like": 2, "wow": 1}} for id in ids]
    event = ReactionCounts("reactions", {"type": "reactions", "mark": 7, "messages": states})

    talk._take(event)

    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(" Ann: like 2, wow 1")
