"""Messages as text: nothing is lost for a program, nothing harms a person."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import example, given

from chatroom.commands.formats import COLUMNS, FORMATS, as_csv, jsonl, markdown, text, text_line
from chatroom.message import Message
from chatroom.wire.message_json import to_message
from tests.support.strategies import MESSAGES

SENT = 1_769_850_300_123  # 2026-01-31T09:05:00.123Z


def said(body: str, name: str = "Ann", sent_at: int = SENT, room: str = "lobby") -> Message:
    return Message(room, 1, "0" * 16, name, body, "9:05 AM", sent_at)


@given(MESSAGES)
def test_jsonl_is_one_line_with_everything(message: Message):
    (line,) = jsonl([message])
    assert line.count("\n") == 1
    assert line.endswith("\n")
    assert to_message(json.loads(line)) == message


@given(MESSAGES)
@example(said("a\0b", name="\0"))
def test_csv_gives_every_field_back_but_shows_a_nul(message: Message):
    (row,) = csv.DictReader(io.StringIO("".join(as_csv([message])), newline=""))
    assert tuple(row) == COLUMNS
    fields = (row["id"], row["userName"], row["body"], row["room"], row["userId"], row["cmid"])
    m = message
    told = (m.id, m.user_name, m.body, m.room, m.user_id, m.cmid)
    assert fields == tuple(field.replace("\0", "\u2400") for field in told)


def test_text_is_a_line_a_message_with_the_time_in_utc():
    assert "".join(text([said("Good morning!"), said("two\nlines")])) == (
        "2026-01-31 09:05:00 Ann: Good morning!\n2026-01-31 09:05:00 Ann: two\n    lines\n"
    )


@given(MESSAGES)
def test_text_commands_no_terminal_and_forges_no_line(message: Message):
    first, *others = text_line(message).split("\n")
    assert all(line.isprintable() or " " in line for line in (first, *others))
    assert not any(char < " " or "\x7f" <= char <= "\x9f" for char in first + "".join(others))
    assert all(line.startswith("    ") for line in others)


def test_markdown_has_a_heading_a_day():
    messages = [said("one"), said("two"), said("three", sent_at=SENT + 86_400_000)]
    assert "".join(markdown(messages)) == (
        "# lobby\n"
        "\n## 2026-01-31\n"
        "\n**Ann** 09:05:00\n\n> one\n"
        "\n**Ann** 09:05:00\n\n> two\n"
        "\n## 2026-02-01\n"
        "\n**Ann** 09:05:00\n\n> three\n"
    )


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("*not* _this_ `way` <b>&amp;", r"\*not\* \_this\_ \`way\` \<b\>\&amp;"),
        ("# no heading", r"\# no heading"),
        ("- no list", r"\- no list"),
        ("+ nor this", r"\+ nor this"),
        ("1. nor this", r"1\. nor this"),
        ("12) nor this", r"12\) nor this"),
        ("    no code", "&nbsp;&nbsp;&nbsp;&nbsp;no code"),
        ("[no](link)", r"\[no\](link)"),
        ("a - b, 3.5", "a - b, 3.5"),
        ("two\nlines", "two  \n> lines"),
        ("", ""),
    ],
)
def test_markdown_shows_text_as_it_was_typed(body: str, shown: str):
    assert "".join(markdown([said(body)])).endswith(f"\n> {shown}\n")


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_said_makes_no_message(name: str):
    pieces = "".join(FORMATS[name]([]))
    assert pieces == (",".join(COLUMNS) + "\r\n" if name == "csv" else "")
