"""maxUsers is reached: the next one is told so in words, and the page still loads."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from websockets.exceptions import InvalidStatus

from tests.support.deadline import wait_for
from tests.support.server_process import Launch
from tests.support.websocket_client import RawClient, Refused, answer, handshake


def test_when_all_places_are_taken_the_next_one_gets_a_reason_before_the_upgrade(
    serve: Launch,
) -> None:
    server = serve(history="memory:", maxUsers=3)
    with ExitStack() as stack:
        ann = stack.enter_context(server.join("Ann"))
        bob = stack.enter_context(server.join("Bob"))
        stack.enter_context(server.connect("elsewhere"))  # who has not joined holds a place too

        with pytest.raises(InvalidStatus) as refusal, server.connect():
            pass
        response = refusal.value.response
        assert response.status_code == 503
        assert response.headers["Retry-After"]
        assert response.body == b"The chat is full: all 3 places are taken. Try again later.\n"
        status, headers, page = server.get("/")
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert b"<html" in page
        assert server.get("/getAllMessages")[0] == 200
        assert server.get("/healthz")[0] == 200
        ann.say("room for one more?")
        assert bob.bodies() == ["room for one more?"]
        assert "503: The chat is full" in server.log()

        bob.socket.close()
        wait_for(lambda: answer(server.port, handshake("elsewhere"))[0] == 101, "a free place")

        def dan_is_in() -> bool:
            try:
                with server.join("Dan") as dan:
                    return dan.bodies() == ["room for one more?"]
            except InvalidStatus:
                return False

        wait_for(dan_is_in, "Dan's place")


def test_refused_requests_take_no_place(serve: Launch) -> None:
    """However many handshakes fail, or sockets vanish, the places are still free."""
    server = serve(history="memory:", maxUsers=2)
    for _ in range(20):
        assert answer(server.port, handshake(Origin="https://evil.example"))[0] == 403
        assert answer(server.port, handshake(without=("Sec-WebSocket-Key",)))[0] == 400

    def vanish() -> bool:
        try:
            RawClient(server.port).reset()
        except Refused as full:
            assert b" 503 " in full.args[0]
            return False
        return True

    for _ in range(20):
        wait_for(vanish, "a free place")
    wait_for(lambda: b'"sockets":0' in server.get("/healthz")[2].replace(b" ", b""), "all left")
    with server.join("Ann") as ann, server.join("Bob") as bob:
        ann.say("hello")
        assert bob.bodies() == ["hello"]
