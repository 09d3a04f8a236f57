"""Messages as text: nothing is lost for a program, nothing harms a person."""

from __future__ import annotations

import csv
import io
import json
import time
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given

from chatroom.commands.archived import Archived
from chatroom.commands.formats import (
    BYTE_ORDER_MARK,
    COLUMNS,
    FORMATS,
    as_csv,
    jsonl,
    markdown,
    shown_name,
    text,
    text_line,
)
from chatroom.log import HIDDEN
from chatroom.message import Message
from chatroom.wire.message_json import to_message
from tests.support.strategies import MESSAGES

SENT = 1_769_850_300_123  # 2026-01-31T09:05:00.123Z


def said(
    body: str, name: str = "Ann", sent_at: int = SENT, room: str = "lobby", user_id: str = "ann-id"
) -> Message:
    return Message(room, 1, "0" * 16, name, body, "9:05 AM", sent_at, user_id)


def archived(body: str, **more: Any) -> Archived:
    return Archived(said(body, **more))


@given(MESSAGES)
def test_jsonl_is_one_line_with_everything_in_which_nothing_controls_a_terminal(message: Message):
    (line,) = jsonl([Archived(message)])
    assert line.endswith("\n")
    assert not HIDDEN & set(map(unicodedata.category, line[:-1]))
    assert to_message(json.loads(line)) == message


def test_jsonl_escapes_what_is_hidden_and_nothing_else():
    (line,) = jsonl([archived("\x1b[2J \x9b \x7f \u202e \u2028 \U000e0041 \u00e9 \U0001f600")])
    body = r'"\u001b[2J \u009b \u007f \u202e \u2028 \udb40\udc41 ' + '\u00e9 \U0001f600"'
    assert f'"body":{body}' in line


def csv_row(message: Message, *, exact: bool = False) -> dict[str, str]:
    lines = "".join(as_csv([Archived(message)], exact=exact))
    (row,) = csv.DictReader(io.StringIO(lines.removeprefix(BYTE_ORDER_MARK), newline=""))
    assert tuple(row) == COLUMNS
    return row


@given(MESSAGES)
@example(said("a\0b", name="\0"))
def test_csv_gives_every_field_back_but_a_nul_or_else_no_formula(message: Message):
    row = csv_row(message, exact=True)
    fields = (row["id"], row["userName"], row["body"], row["room"], row["userId"], row["cmid"])
    m = message
    told = (m.id, m.user_name, m.body, m.room, m.user_id, m.cmid)
    assert fields == tuple(field.replace("\0", "\u2400") for field in told)
    for field in csv_row(message).values():
        assert not field.lstrip().startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20"))
        assert not field.startswith(("\t", "\r", "\n"))


FORMULAS = ['=HYPERLINK("http://example.org/?"&A1,"x")', "+1", "-1", "@x", "\t=1", "\r=1", " =1"]


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("userName", "user_name"),
        ("body", "body"),
        ("timestamp", "timestamp"),
        ("room", "room"),
        ("userId", "user_id"),
        ("cmid", "cmid"),
    ],
)
def test_a_formula_is_text_in_every_column_unless_it_is_to_be_exact(
    formula: str, column: str, field: str
):
    message = said("hi")._replace(**{field: formula})
    assert csv_row(message)[column] == f"'{formula}"
    assert csv_row(message, exact=True)[column] == formula


@pytest.mark.parametrize("body", ["hi", "3 = 3", "a-b", "'=1", "\u00e4\u00f6\u00fc;\n=1, -1"])
def test_other_text_stays_as_it_is_in_a_csv(body: str):
    assert csv_row(said(body))["body"] == body


def test_excel_takes_a_csv_for_utf_8_and_no_other_separator_splits_a_field():
    plain = "".join(as_csv([archived("a;=1+1")], exact=True))
    safe = "".join(as_csv([archived("a;=1+1")]))
    assert safe.startswith(BYTE_ORDER_MARK)
    assert BYTE_ORDER_MARK not in plain
    assert '"a;=1+1"' in safe
    assert not "".join(as_csv([], with_mark=False)).startswith(BYTE_ORDER_MARK)


def test_a_csv_commands_no_terminal():
    assert csv_row(said("\x1b[2J \x9b \u202e\n"))["body"] == r"\u001b[2J \u009b \u202e" + "\n"


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_a_name_that_nobody_checked_is_marked(name: str):
    checked, unchecked = said("hi"), said("hi", user_id="")
    (one,), (other,) = (
        [line for line in "".join(FORMATS[name]([Archived(message)])).splitlines() if "Ann" in line]
        for message in (checked, unchecked)
    )
    assert one != other
    assert "~Ann" in other
    assert "~" not in one


def test_a_checked_name_cannot_look_unchecked_nor_the_other_way_round():
    names = ["Ann", "~Ann", "\\~Ann", "\\Ann", "~~Ann"]
    shown = [shown_name(said("", name, user_id=id)) for name in names for id in ("", "id")]
    assert len(set(shown)) == len(shown)
    assert [name.startswith("~") for name in shown] == [True, False] * len(names)


def test_a_csv_says_whether_a_name_was_checked():
    assert csv_row(said("hi"))["checked"] == "yes"
    assert csv_row(said("hi", user_id=""))["checked"] == "no"


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("sent_at", [-62_135_596_800_000, 253_402_300_799_999])
def test_a_message_from_the_end_of_time_is_shown(
    sent_at: int, zone: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert text_line(said("hi", sent_at=sent_at), local=True).endswith("Ann: hi")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_text_is_a_line_a_message_with_the_time_in_utc():
    assert "".join(text([archived("Good morning!"), archived("two\nlines")])) == (
        "2026-01-31 09:05:00 Ann: Good morning!\n2026-01-31 09:05:00 Ann: two\n    lines\n"
    )


@given(MESSAGES)
def test_text_commands_no_terminal_and_forges_no_line(message: Message):
    first, *others = text_line(message).split("\n")
    assert all(line.isprintable() or " " in line for line in (first, *others))
    assert not any(char < " " or "\x7f" <= char <= "\x9f" for char in first + "".join(others))
    assert all(line.startswith("    ") for line in others)


def test_markdown_has_a_heading_a_day():
    messages = [archived("one"), archived("two"), archived("three", sent_at=SENT + 86_400_000)]
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
    assert "".join(markdown([archived(body)])).endswith(f"\n> {shown}\n")


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_said_makes_no_message(name: str):
    pieces = "".join(FORMATS[name]([]))
    header = ",".join(f'"{column}"' for column in COLUMNS)
    assert pieces == (f"{BYTE_ORDER_MARK}{header}\r\n" if name == "csv" else "")


def test_above_a_reply_a_person_reads_which_message_it_answers():
    question = said("Tea?")
    answer = said("Yes", name="*Bob*")._replace(seq=2, reply_to=question.id)

    assert "".join(text(map(Archived, [question, answer]))) == (
        "2026-01-31 09:05:00 Ann: Tea?\n"
        "  in reply to 2026-01-31 09:05:00 Ann\n"
        "2026-01-31 09:05:00 *Bob*: Yes\n"
    )
    assert "".join(text([Archived(answer)])).startswith(f"  in reply to {question.id}\n")
    assert r"**\*Bob\*** 09:05:00 *in reply to 2026-01-31 09:05:00 Ann*" in "".join(
        markdown(map(Archived, [question, answer]))
    )
    assert csv_row(answer)["replyTo"] == question.id


def test_what_people_think_is_in_every_format_but_lines_of_text():
    liked = Archived(said("Tea?"), {"like": 2, "wow": 1}, 7)

    pieces = {name: "".join(FORMATS[name]([liked])) for name in FORMATS}

    fields = json.loads(pieces["jsonl"])
    assert fields["reactions"] == {"mark": 7, "counts": {"like": 2, "wow": 1}}
    assert to_message(fields) == liked.message
    assert pieces["markdown"].endswith("\n> Tea?\n\n*like 2, wow 1*\n")
    assert pieces["csv"].endswith(',"like 2, wow 1"\r\n')
    assert "like" not in pieces["text"]
