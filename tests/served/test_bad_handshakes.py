"""Requests for a socket that get none: the right HTTP status, a reason, and never a 500."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.support.deadline import DEADLINE
from tests.support.server_process import Running, serving
from tests.support.websocket_client import answer, handshake

FRIEND = "https://friend.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("handshakes")
    with serving(folder, history="memory:", allowedOrigins=[FRIEND]) as running:
        yield running


@pytest.fixture(autouse=True)
def nobody_notices(server: Running) -> Iterator[None]:
    """Whatever comes, there is no traceback, no socket is left, and a bystander hears it all."""
    with server.join("Bystander", f"quiet-{uuid4()}") as bystander:
        yield
        bystander.say("the end")
        assert bystander.bodies() == ["the end"]
    assert "Traceback" not in server.log() + server.said()
    assert "ERROR" not in server.log()


WRONG = {
    "no key": (handshake(without=("Sec-WebSocket-Key",)), 400),
    "short key": (handshake(Sec_WebSocket_Key="c2hvcnQ="), 400),
    "key that is no base64": (handshake(Sec_WebSocket_Key="!" * 24), 400),
    "version 8": (handshake(Sec_WebSocket_Version="8"), 426),
    "no version": (handshake(without=("Sec-WebSocket-Version",)), 426),
    "HTTP/1.0": (handshake(line="GET /chat HTTP/1.0"), 400),
    "POST": (handshake(line="POST /chat HTTP/1.1", Content_Length="0"), 405),
    "no Upgrade": (handshake(without=("Upgrade",)), 426),
    "upgrade to something else": (handshake(Upgrade="h2c"), 426),
    "no Connection": (handshake(without=("Connection",)), 426),
    "plain GET": (b"GET /chat HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 426),
    "no Host": (handshake(without=("Host",)), 400),
    "room with a slash": (handshake(line="GET /chat?room=a/b HTTP/1.1"), 400),
    "room of nothing": (handshake(line="GET /chat?room= HTTP/1.1"), 400),
    "room too long": (handshake("x" * 65), 400),
    "room of a control character": (handshake("%00"), 400),
    "room that is no UTF-8": (handshake("%ff"), 400),
    "foreign origin": (handshake(Origin="https://evil.example"), 403),
    "null origin": (handshake(Origin="null"), 403),
    "empty origin": (handshake(Origin=""), 403),
    "own host, other port": (handshake(Origin="http://127.0.0.1:1"), 403),
    "origin that is none": (handshake(Origin="http://[::1"), 403),
    "friend with a tail": (handshake(Origin=FRIEND + ".evil.example"), 403),
    "another path": (handshake(line="GET /chats HTTP/1.1"), 404),
    "a header without a colon": (b"GET /chat HTTP/1.1\r\nHost: x\r\n\x00\xff\xfe\r\n\r\n", 400),
    "control bytes in a header": (handshake(Origin="\x00\x01\x7f"), 400),
    "bytes above ASCII in a header": (handshake(Origin="http://\xff\xfe"), 403),
    "no HTTP at all": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_request_gets_the_status_that_says_so(server: Running, case: str) -> None:
    request, wanted = WRONG[case]
    status, headers, body = answer(server.port, request)
    assert status == wanted
    assert body.strip(), "a refusal without a reason"
    assert "Traceback" not in body
    if status == 426:
        assert headers["sec-websocket-version"] == "13"
        assert headers["upgrade"] == "websocket"
    if status == 405:
        assert headers["allow"] == "GET"


RIGHT = {
    "no origin": handshake(),
    "a friend's origin": handshake(Origin=FRIEND),
    "a friend's origin in capitals": handshake(Origin="HTTPS://FRIEND.EXAMPLE:443"),
    "header names in small letters": handshake(
        without=("Upgrade", "Connection"), upgrade="WebSocket", connection="keep-alive, upgrade"
    ),
    "own origin behind a trusted proxy": handshake(
        Origin="https://chat.example",
        X_Forwarded_Proto="https",
        X_Forwarded_Host="chat.example",
    ),
    "compression offered": handshake(Sec_WebSocket_Extensions="permessage-deflate"),
    "a protocol offered": handshake(Sec_WebSocket_Protocol="chat, superchat"),
}


@pytest.mark.parametrize("case", RIGHT)
def test_a_right_request_becomes_a_socket(server: Running, case: str) -> None:
    status, headers, _body = answer(server.port, RIGHT[case])
    assert status == 101
    # the example of RFC 6455, section 1.3
    assert headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert "sec-websocket-extensions" not in headers
    assert "sec-websocket-protocol" not in headers


def test_the_pages_own_origin_may_connect(server: Running) -> None:
    origin = f"http://127.0.0.1:{server.port}"
    host = f"127.0.0.1:{server.port}"
    assert answer(server.port, handshake(Host=host, Origin=origin))[0] == 101
    assert answer(server.port, handshake(Host=host, Origin="http://127.0.0.1"))[0] == 403


def test_half_a_handshake_holds_nobody_up(server: Running) -> None:
    """Connections that never finish their request leave the room as it was."""
    halves = [
        socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) for _ in range(50)
    ]
    try:
        for half in halves:
            half.sendall(handshake()[:40])
        with server.join("Ann", "halves") as ann:
            ann.say("hello")
            assert ann.bodies() == ["hello"]
        assert server.get("/healthz")[0] == 200
    finally:
        for half in halves:
            half.close()


def test_each_refusal_is_one_line_in_the_log(server: Running) -> None:
    before = refusals(server)
    answer(server.port, handshake("log", Origin="https://evil.example"))
    (line,) = refusals(server)[len(before) :]
    assert "refused: 127.0.0.1: 403: Pages from another origin may not connect" in line


def refusals(server: Running) -> list[str]:
    return [line for line in server.log().splitlines() if "refused" in line]
