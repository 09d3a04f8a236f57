"""``chatroom host``: a link that makes whoever opens it first an operator; also at the start."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.deadline import DEADLINE, wait_for
from tests.support.server_process import Launch, Running
from tests.support.terminal import Shell, Terminal
from tests.support.typed_client import SUBPROTOCOL, Fields, typed_frame
from tests.support.websocket_client import TEXT, RawClient


def answer(server: Running, name: str, room: str, link: str) -> Fields:
    """What somebody is told who opens the link: the first frame about hosts, or the error."""
    with RawClient(server.port, Sec_WebSocket_Protocol=SUBPROTOCOL) as client:
        client.send(typed_frame(type="hello", userName=name, room=room, link=link))
        while True:
            frame = client.frame()
            told: Fields = json.loads(frame.payload) if frame.opcode == TEXT else {}
            if told.get("type") in ("host", "error"):
                return told


def link_of(server: Running, *arguments: str) -> str:
    shell = Shell(server.folder)
    done = shell.run("host", *arguments, CHATROOM_CONFIG=str(server.folder / "config.json"))
    assert done.code == 0, done.err
    (url,) = done.lines
    assert url.startswith(f"http://127.0.0.1:{server.port}/")
    return url.partition("#host=")[2]


def test_the_first_who_opens_it_is_an_operator_and_nobody_else(serve: Launch) -> None:
    server = serve()
    link = link_of(server, "class")

    ann = answer(server, "Ann", "class", link)

    assert (ann["userName"], ann["role"]) == ("Ann", "operator")
    assert answer(server, "Bob", "class", link)["code"] == "wrong-link"
    server.kill()
    server.start()
    assert answer(server, "Cy", "class", link)["code"] == "wrong-link"


def test_the_link_begins_as_somebody_elsewhere_needs_it(serve: Launch) -> None:
    server = serve()
    shell, config = Shell(server.folder), str(server.folder / "config.json")

    def link(*arguments: str) -> str:
        done = shell.run("host", *arguments, CHATROOM_CONFIG=config)
        assert done.code == 0, done.err
        return done.out.partition("#host=")[0]

    assert link("--url", "https://chat.example.com/talk/") == "https://chat.example.com/talk/"
    assert link("--url", "chat.example.com", "garden") == "http://chat.example.com/rooms/garden"
    assert link("--url", "https://chat.example.com/rooms/garden").endswith("/rooms/garden")
    wrong = shell.run("host", "--url", "https://chat.example.com", "garden", "look")
    assert (wrong.code, "--url goes behind the act" in wrong.err) == (2, True)


def test_what_is_no_link_makes_nobody_an_operator(serve: Launch) -> None:
    server = serve()
    for link in ("x", "WyJ4IiwxXQ.AAAA", "0" * 16):
        assert answer(server, f"With {link}", "class", link)["code"] == "wrong-link"


def test_a_history_in_memory_has_no_operators(serve: Launch, tmp_path: Path) -> None:
    server = serve(history="memory:")
    shell = Shell(tmp_path)

    done = shell.run("host", CHATROOM_CONFIG=str(server.folder / "config.json"))

    assert done.code != 0
    assert "the history is in memory" in done.err


# -- from the start --------------------------------------------------------------------------------

OFFER = "To be in charge, open this within 10 minutes: "


@contextmanager
def at_a_terminal(server: Running) -> Iterator[Terminal]:
    """Somebody starts the server in front of them, and ends it."""
    config = server.folder / "config.json"
    config.write_text(json.dumps(server.settings))
    shell = Shell(server.folder)
    shell.environ["CHATROOM_CONFIG"] = str(config)
    terminal = Terminal(shell, command="serve")
    server.process = terminal.process  # type: ignore[assignment]
    try:
        terminal.wait_for("The chat room is open: ")
        wait_for(lambda: is_open(server), "an open room")
        yield terminal
        terminal.process.send_signal(signal.SIGTERM)
        terminal.process.wait(DEADLINE)
    finally:
        server.kill()
        terminal.close()


def is_open(server: Running) -> bool:
    try:
        return server.get("/healthz")[0] == 200
    except OSError:
        return False


@pytest.mark.parametrize("history", ["sqlite:chat.db", "memory:"])
def test_who_starts_a_new_server_at_a_terminal_is_offered_a_link(
    prepare: Launch, history: str
) -> None:
    """Again only if that history is new again: in memory."""
    server = prepare(history=history)
    with at_a_terminal(server) as terminal:
        terminal.wait_for(OFFER)
        terminal.wait_for("#host=")
        link = terminal.wait_for("\n").strip()
        assert answer(server, "Ann", "class", link)["role"] == "operator"

    with at_a_terminal(server) as terminal:
        terminal.process.send_signal(signal.SIGTERM)
        assert (OFFER in terminal.rest()) == (history == "memory:")


def test_a_file_gets_no_link(serve: Launch) -> None:
    """Nor does a journal: whoever reads it later must not be an operator."""
    server = serve()

    assert "The chat room is open" in server.said()
    assert "#host=" not in server.said() + server.log()
