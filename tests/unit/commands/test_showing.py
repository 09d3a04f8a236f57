"""What tail and chat say of messages that change: on one line, and only of those that are shown."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from chatroom.client.events import Changed, Event, ReactionCounts, Removed
from chatroom.client.inbox import REMEMBERED
from chatroom.commands.json_lines import to_line
from chatroom.commands.showing import Screen
from chatroom.commands.tail import Lines, Past
from chatroom.message import Message
from chatroom.wire.message_json import to_json

MESSAGE = Message("lobby", 1, f"{1:016x}", "Ann", "hi", "", 1_700_000_000_000, "ann-id")
START = f"{datetime.fromtimestamp(1_700_000_000):%Y-%m-%d %H:%M:%S} Ann"


def changed(message: Message, body: str) -> Changed:
    now = json.loads(to_json(message._replace(body=body, edited_at=1_700_000_060_000)))
    return Changed("changed", {"type": "changed", "rev": 1, "message": now})


def removed(message: Message, by: str = "author") -> Removed:
    return Removed("removed", {"type": "removed", "rev": 2, "id": message.id, "by": by})


def test_a_change_is_a_line_that_says_what_the_message_is_now(capsys: pytest.CaptureFixture[str]):
    screen = Screen()
    screen.show(MESSAGE)
    screen.tell(changed(MESSAGE, "one\ntwo\x1b[2J"))
    screen.tell(removed(MESSAGE))
    screen.tell(removed(MESSAGE, "host"))

    out, err = capsys.readouterr()
    assert out == f"{START}: hi\n"
    assert err.splitlines() == [
        rf"chatroom: now reads: {START}: one two\u001b[2J",
        f"chatroom: removed: {START}",
        f"chatroom: removed by a host: {START}",
    ]


def test_above_a_reply_is_said_which_message_it_answers(capsys: pytest.CaptureFixture[str]):
    """By its time and name, never by its text; if it is not on the screen, by its id."""
    screen = Screen()
    reply = MESSAGE._replace(seq=2, user_name="Bob", body="ho", reply_to=MESSAGE.id)
    screen.show(reply)
    screen.show(MESSAGE)
    screen.show(reply._replace(seq=3))
    screen.tell(removed(MESSAGE))
    screen.show(reply._replace(seq=4))
    screen.tell(removed(MESSAGE))
    screen.tell(changed(MESSAGE, "hi again"))
    screen.show(reply._replace(seq=5))

    out, err = capsys.readouterr()
    answer = f"{START.replace('Ann', 'Bob')}: ho"
    assert out.splitlines() == [
        *(f"  in reply to {MESSAGE.id}", answer),
        f"{START}: hi",
        *(f"  in reply to {START}", answer),
        *(f"  in reply to {START} (removed)", answer),
        *(f"  in reply to {START}", answer),
    ]
    assert err.splitlines()[:2] == [f"chatroom: removed: {START}"] * 2


def test_what_is_not_on_the_screen_changes_without_a_word(capsys: pytest.CaptureFixture[str]):
    screen = Screen()
    screen.tell(changed(MESSAGE, "ho"))
    screen.tell(removed(MESSAGE))

    assert capsys.readouterr() == ("", "")


def test_a_screen_remembers_only_so_many():
    screen = Screen()
    for seq in range(1, REMEMBERED + 2):
        screen.add(MESSAGE._replace(seq=seq))

    assert MESSAGE.id not in screen
    assert MESSAGE._replace(seq=2).id in screen


def test_for_programs_a_change_is_the_frame(capsys: pytest.CaptureFixture[str]):
    """Whatever it is about; and nothing in it can control a terminal."""
    lines = Lines()
    state = {"id": MESSAGE.id, "mark": 7, "counts": {"like": 1}}
    reactions = ReactionCounts("reactions", {"type": "reactions", "mark": 7, "messages": [state]})
    frames = [changed(MESSAGE, "\u202eho\x1b"), removed(MESSAGE), reactions]
    for frame in frames:
        lines.tell(frame)
    lines.tell(Event("gap", {}))

    out, err = capsys.readouterr()
    assert [json.loads(line) for line in out.splitlines()] == [frame.fields for frame in frames]
    assert all(line.isprintable() for line in out.splitlines())
    assert "there is a gap" in err
    assert out.splitlines()[0] == to_line(frames[0])


def test_a_past_message_that_changes_before_it_is_shown_is_shown_as_it_is_then():
    past = Past(None, "lobby", 3)  # type: ignore[arg-type]
    messages = [MESSAGE._replace(seq=seq, body=str(seq)) for seq in (1, 2, 3)]
    for message in messages:
        past.add(message)

    assert past.change(changed(messages[1], "two"))
    assert past.change(removed(messages[2]))
    assert not past.change(removed(messages[2]))
    assert not past.change(changed(MESSAGE._replace(seq=4), "four"))
    assert [message.body for message in past.latest] == ["1", "two"]
