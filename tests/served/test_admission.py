"""Clients at the door: those who do not wait for the answer, those who say nothing, and too many
from one address."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.connection_pair import FarEnd
from tests.support.deadline import DEADLINE, wait_for
from tests.support.server_process import Launch, Running, serving
from tests.support.typed_client import SUBPROTOCOL, typed_frame
from tests.support.websocket_client import (
    BINARY,
    PING,
    PONG,
    TEXT,
    answer,
    encode,
    handshake,
    line_of_chat,
)

SPOKEN = b"".join(encode(TEXT, line_of_chat("Eager", f"{number}")) for number in range(100))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("eager"), history="memory:") as running:
        yield running


def eager(server: Running, *packets: bytes) -> FarEnd:
    """A client that sends packet after packet, and reads only then."""
    client = FarEnd(socket.create_connection(("127.0.0.1", server.port)))
    for packet in packets:
        client.socket.sendall(packet)
    assert client.take_the_handshake().startswith(b"HTTP/1.1 101 ")
    return client


@pytest.mark.parametrize("cut", [0, 1, 7, 1000, len(SPOKEN) - 1, len(SPOKEN)])
def test_what_comes_with_the_handshake_is_handled(server: Running, cut: int) -> None:
    """The first bytes in its packet, the others behind it."""
    with eager(server, handshake(f"eager-{cut}") + SPOKEN[:cut], SPOKEN[cut:]) as client:
        bodies = [client.message()["body"] for _ in range(100)]

    assert bodies == [str(number) for number in range(100)]


def test_a_ping_and_fragments_may_come_with_the_handshake(server: Running) -> None:
    line = line_of_chat("Eager", "in pieces")
    pieces = encode(TEXT, line[:20], final=False) + encode(0, line[20:])
    with eager(server, handshake("fragments") + encode(PING, b"?") + pieces) as client:
        assert client.frame() == (PONG, b"?")
        assert client.message()["body"] == "in pieces"


def test_a_hello_may_come_with_the_handshake(server: Running) -> None:
    hello = typed_frame(type="hello", userName="Eager", room="typed")
    with eager(server, handshake(Sec_WebSocket_Protocol=SUBPROTOCOL) + hello) as client:
        assert json.loads(client.frame().payload)["type"] == "welcome"


WRONG = {
    "no JSON": (encode(TEXT, b"hello"), 1007),
    "no UTF-8": (encode(TEXT, b'"\xff"'), 1007),
    "binary": (encode(BINARY, b"{}"), 1003),
    "too long": (encode(TEXT, line_of_chat("Eager", "x" * 70_000)), 1009),
    "longer than there is memory": (b"\x81\xff\x7f" + b"\xff" * 70_000, 1009),
    "without a mask": (encode(TEXT, line_of_chat("Eager", "hello"), masked=False), 1002),
    "with reserved bits": (encode(TEXT, line_of_chat("Eager", "hello"), reserved=7), 1002),
    "another request": (handshake("wrong"), 1002),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_frame_that_comes_with_the_handshake_is_said(
    server: Running, case: str
) -> None:
    frame, code = WRONG[case]
    with server.join("Bystander", "wrong") as bystander:
        with eager(server, handshake("wrong") + frame) as client:
            assert client.answer_close()[0] == code
        bystander.say("the end")
        assert bystander.bodies() == ["the end"]
    assert "Traceback" not in server.said() + server.log()


@pytest.mark.parametrize("goes", ["by a reset", "and sends no more"])
def test_whoever_goes_before_the_answer_leaves_nothing(server: Running, goes: str) -> None:
    """Wherever in its way in the server notices."""
    before = server.descriptors()
    request = handshake("gone") + SPOKEN[:700]
    for cut in range(len(handshake("gone")) - 2, len(request), 5):
        client = FarEnd(socket.create_connection(("127.0.0.1", server.port)))
        with client:
            client.socket.sendall(request[:cut])
            if goes == "by a reset":
                client.reset()
            else:
                client.socket.shutdown(socket.SHUT_WR)

    wait_for(lambda: json.loads(server.get("/healthz")[2])["sockets"] == 0, "their places")
    wait_for(lambda: server.descriptors() <= before, "their descriptors")
    assert "Traceback" not in server.said() + server.log()


def test_a_handshake_with_a_body_is_refused(server: Running) -> None:
    status, _, text = answer(server.port, handshake(Content_Length="3") + b"abc")

    assert (status, text) == (400, "A WebSocket handshake has no body.\n")


def test_who_says_nothing_has_to_go(serve: Launch) -> None:
    server = serve(history="memory:", firstFrameSeconds=2)
    with server.join("Listener") as listener, server.connect() as silent:
        with pytest.raises(ConnectionClosed, match="no first frame in time"):
            silent.recv(DEADLINE)
        listener.say("I have joined")
        assert listener.bodies() == ["I have joined"]


def test_one_address_gets_its_places_and_no_more(serve: Launch) -> None:
    server = serve(history="memory:", maxUsersPerAddress=1)
    with server.join("Ann", additional_headers={"X-Forwarded-For": "192.0.2.1"}):
        request = handshake(X_Forwarded_For="192.0.2.1")
        status, headers, text = answer(server.port, request)
        assert (status, headers["retry-after"]) == (503, "30")
        assert text == "Your address has all its 1 places. Try again later.\n"
        reply = server.get("/api/rooms/lobby/events", {"X-Forwarded-For": "192.0.2.1"})
        assert (reply[0], json.loads(reply[2])["code"]) == (503, "full")
        with server.join("Bob", additional_headers={"X-Forwarded-For": "192.0.2.2"}) as bob:
            bob.say("I am elsewhere")
            assert bob.bodies() == ["I am elsewhere"]
