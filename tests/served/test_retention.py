"""Retention in a server: whoever comes back learns that something is missing."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.deadline import DEADLINE, wait_for
from tests.support.histories import remember
from tests.support.server_process import serving


def test_a_resume_past_the_edge_is_said_to_be_none(tmp_path: Path) -> None:
    remember(tmp_path, lobby=5000)
    with serving(tmp_path, history="sqlite:chat.db", keepMessages=10, replayLimit=3) as server:
        wait_for(lambda: len(server.history()) == 10, "the room is trimmed")
        with server.connect("lobby", subprotocols=["chatroom.v1"]) as socket:
            since = f"{17}-{17:016x}"
            socket.send(json.dumps({"type": "hello", "userName": "Ann", "since": since}))
            assert json.loads(socket.recv(DEADLINE))["recovered"] is False
            bodies = [json.loads(socket.recv(DEADLINE))["body"] for _ in range(3)]
            assert bodies == ["lobby 4998", "lobby 4999", "lobby 5000"]
        with server.connect("lobby", subprotocols=["chatroom.v1"]) as socket:
            since = f"{4995}-{4995:016x}"
            socket.send(json.dumps({"type": "hello", "userName": "Bob", "since": since}))
            assert json.loads(socket.recv(DEADLINE))["recovered"] is True
            assert json.loads(socket.recv(DEADLINE))["body"] == "lobby 4996"


def test_a_room_of_which_all_is_too_old_shows_nothing_and_goes_on(tmp_path: Path) -> None:
    remember(tmp_path, lobby=3)
    last, older = f"{3}-{3:016x}", f"{2}-{2:016x}"
    with serving(tmp_path, history="sqlite:chat.db", keepDays=7) as server:
        wait_for(lambda: not server.history(), "the room is trimmed")

        messages = "/api/rooms/lobby/messages"
        assert json.loads(server.get(messages)[2]) == {"messages": []}
        assert server.get(f"{messages}?since={last}")[0] == 200
        assert server.get(f"{messages}?since={older}")[0] == 410
        (room,) = json.loads(server.get("/api/rooms")[2])["rooms"]
        assert (room["messages"], room["last"]) == (0, last)

        for name, since, recovered in (("A", "", None), ("B", last, True), ("C", older, False)):
            with server.connect("lobby", subprotocols=["chatroom.v1"]) as socket:
                hello = {"type": "hello", "userName": name} | ({"since": since} if since else {})
                socket.send(json.dumps(hello))
                frames = [json.loads(socket.recv(DEADLINE)) for _ in range(2)]
                assert [frame["type"] for frame in frames] == ["welcome", "live"]
                assert frames[0].get("recovered") == recovered
        with server.join("Bob") as bob:
            bob.say("after")
            assert [message["id"].partition("-")[0] for message in bob.hear()] == ["4"]
