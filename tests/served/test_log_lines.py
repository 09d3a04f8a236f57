"""The log of a server at work: a line for each thing that happens, and no word of the chat."""

from __future__ import annotations

import os
import re
import signal

from tests.support.deadline import wait_for
from tests.support.server_process import Launch, Running
from tests.support.websocket_client import TEXT, RawClient, answer, encode, handshake

SECRET = "the treasure is under the oak"
NAME = "Ev\n2026-01-01 00:00:00,000 INFO joined: user 0\x1b[31m\u202eil\u200b"
SHOWN = r"Ev\u000a2026-01-01 00:00:00,000 INFO joined: user 0\u001b[31m\u202eil\u200b"


def test_each_thing_that_happens_is_a_line_with_user_room_and_cause(serve: Launch) -> None:
    server = serve(history="memory:")
    with server.join("Ann", "den") as ann:
        ann.say(SECRET)
        ann.hear()
        with RawClient(server.port, "den") as rude:
            rude.join("Rude")
            rude.send(encode(TEXT, SECRET.encode()))
            rude.closed_with()
        lost = RawClient(server.port, "den")
        lost.join("Lost")
        one_line(server, r'joined: user \d+ "Lost"')
        lost.reset()
        one_line(server, r'left: user \d+ "Lost"')
        with RawClient(server.port, "den") as gone:
            gone.join("Gone")
            gone.message()  # unread, it would make the end a reset
        one_line(server, r'left: user \d+ "Gone"')
    one_line(server, r'left: user \d+ "Ann"')
    answer(server.port, handshake(Origin="null"))
    assert server.stop() == 0

    one_line(server, r"started: chatroom \S+, history memory:, at most \d+ users$")
    one_line(server, r'joined: user 1 "Ann" \(127\.0\.0\.1\) room "den", now 1$')
    one_line(server, r'joined: user 2 "Rude" \(127\.0\.0\.1\) room "den", now 2$')
    one_line(server, r'refused: user 2 "Rude" \(127\.0\.0\.1\): close 1007: not JSON')
    one_line(server, r'left: user 2 "Rude" .* room "den", now 1: close 1007: not JSON')
    one_line(
        server, r'left: user 3 "Lost" .* room "den", now 1: lost \(Connection reset by peer\)$'
    )
    one_line(server, r'left: user 4 "Gone" .* room "den", now 1: gone without a Close$')
    one_line(server, r'left: user 1 "Ann" .* room "den", now 0: close 1000$')
    one_line(server, r"refused: 127\.0\.0\.1: 403: ")
    one_line(server, r"stopping: SIGTERM$")
    one_line(server, r"stopped: ")
    for line in server.log().splitlines():
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|WARNING|ERROR) ", line)
    assert SECRET not in server.log() + server.said()


def one_line(server: Running, pattern: str) -> str:
    """Wait for the line; there must be no second one."""

    def found() -> list[str]:
        return [line for line in server.log().splitlines() if re.search(pattern, line)]

    (line,) = wait_for(found, f"a line like {pattern}")
    return line


def test_a_name_can_neither_forge_a_line_nor_turn_one_around(serve: Launch) -> None:
    """Control and bidi characters are written as escapes; the room still gets them as they are."""
    server = serve(history="memory:", maxNameLength=200)
    with server.join(NAME) as evil:
        evil.say("hi")
        assert evil.hear()[0]["userName"] == NAME
    line = one_line(server, r"INFO left: user 1 ")
    assert f'user 1 "{SHOWN}" (127.0.0.1) room "lobby"' in line
    for character in "\x1b\u202e\u200b":
        assert character not in server.log()
    lines = server.log().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d ", line) for line in lines)
    assert len([line for line in lines if re.match(r"[-\d:, ]+ INFO joined: user", line)]) == 1


def test_the_log_may_go_to_standard_error(serve: Launch) -> None:
    server = serve(history="memory:", logfilePath="-")
    with server.join("Ann"):
        wait_for(lambda: 'joined: user 1 "Ann"' in server.said(), "the line on standard error")
    assert not (server.folder / "logs.log").exists()
    assert not (server.folder / "-").exists()


def test_a_log_file_that_is_moved_away_is_made_anew(serve: Launch) -> None:
    """As logrotate does it."""
    server = serve(history="memory:")
    os.rename(server.folder / "logs.log", server.folder / "logs.log.1")
    with server.join("Ann"):
        wait_for(lambda: 'joined: user 1 "Ann"' in server.log(), "the line in the new file")


def test_a_reload_is_told_in_the_log(serve: Launch) -> None:
    server = serve(history="memory:")
    assert server.process
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: server.log().count("started: ") == 2, "the second start")
    wait_for(lambda: server.log().count("stopped: ") == 1, "the first worker's end")
