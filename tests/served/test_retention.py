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
