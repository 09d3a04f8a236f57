"""Frames that are not what they should be: their sender loses its socket, nobody else notices."""

from __future__ import annotations

import contextlib
import json
import struct
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.deadline import wait_for
from tests.support.plain_client import PlainClient
from tests.support.server_process import Running, from_another_address, serving
from tests.support.websocket_client import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    RawClient,
    encode,
    line_of_chat,
)

pytestmark = pytest.mark.takes(seconds=5)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("rubbish"), history="sqlite:chat.db") as running:
        yield running


@pytest.fixture
def room() -> str:
    return f"rubbish-{uuid4()}"


@pytest.fixture(autouse=True)
def bystander(server: Running, room: str) -> Iterator[PlainClient]:
    """Someone in the room who hears nothing but the one good message at the end.

    Nothing else is stored either, the server says no more than a line, and no thread stays.
    """
    # One address may not create as many rooms as there are tests.
    elsewhere = from_another_address()
    with (
        server.join("Bystander", room, additional_headers=elsewhere) as member,
        server.join("Good", room) as good,
    ):
        yield member
        good.say("a good message")
        (only,) = member.hear()
        assert (only["body"], only["id"][:2]) == ("a good message", "1-")
        with server.join("Late", room) as late:
            assert late.hear() == [only]
    assert "Traceback" not in server.log() + server.said()
    assert "ERROR" not in server.log()


def text(content: str | bytes) -> bytes:
    return encode(TEXT, content if isinstance(content, bytes) else content.encode())


def fields(**values: object) -> bytes:
    return text(json.dumps({"userName": "Evil", "body": "x", "timestamp": "t", **values}))


GOOD = line_of_chat("Evil", "half")
SURROGATE = r'{"userName": "Evil", "body": "\ud800", "timestamp": "t"}'
NESTED = "[" * 100_000

FRAMES = {
    "no JSON": (text("hello"), 1007),
    "nothing": (text(""), 1007),
    "half of JSON": (text('{"userName": "Evil", "body":'), 1007),
    "two objects": (text("{}{}"), 1007),
    "a list": (text("[]"), 1007),
    "a number": (text("1"), 1007),
    "a text": (text('"body"'), 1007),
    "null": (text("null"), 1007),
    "NaN": (text("NaN"), 1007),
    "NaN inside": (text('{"userName": "Evil", "body": "x", "extra": NaN}'), 1007),
    "-Infinity inside": (text('{"userName": "Evil", "body": "x", "extra": -Infinity}'), 1007),
    "a body that is a number": (fields(body=1), 1007),
    "a body that is a list": (fields(body=["x"]), 1007),
    "a name that is true": (fields(userName=True), 1007),
    "a name that is an object": (fields(userName={}), 1007),
    "a timestamp that is a number": (fields(timestamp=1700000000), 1007),
    "a name that is too long": (fields(userName="N" * 65), 1007),
    "a lone surrogate": (text(SURROGATE), 1007),
    "a lone surrogate in a name": (text(SURROGATE.replace("Evil", r"\udfff")), 1007),
    "a nest deeper than the stack": (text(NESTED[:60_000]), 1007),
    "a nest deeper than the stack, as a field": (
        text('{"body": ' + NESTED[:60_000]),
        1007,
    ),
    "objects nested": (text('{"a":' * 10_000), 1007),
    "100,000 nested brackets": (text(NESTED), 1009),
    "a number of 60,000 digits as body": (text('{"body": ' + "9" * 60_000 + "}"), 1007),
    "UTF-8 that is none": (text(b'{"body": "\xff\xfe"}'), 1007),
    "a surrogate in UTF-8": (text(b'{"body": "\xed\xa0\x80"}'), 1007),
    "half a character at the end": (text(b'{"body": "\xe2\x82'), 1007),
    "binary": (encode(BINARY, GOOD), 1003),
    "empty binary": (encode(BINARY), 1003),
    "too many bytes": (fields(body="x" * 66_000), 1009),
    "too many bytes in few characters": (
        text('{"userName": "Evil", "body": "' + "👋" * 20_000 + '"}'),
        1009,
    ),
    "too many bytes in fragments": (
        encode(TEXT, b" " * 40_000, final=False) + encode(CONTINUATION, b" " * 40_000),
        1009,
    ),
    "unmasked": (encode(TEXT, GOOD, masked=False), 1002),
    "reserved bit 1": (encode(TEXT, GOOD, reserved=4), 1002),
    "reserved bit 2": (encode(TEXT, GOOD, reserved=2), 1002),
    "reserved bit 3": (encode(TEXT, GOOD, reserved=1), 1002),
    "reserved opcode 3": (encode(3, GOOD), 1002),
    "reserved opcode 15": (encode(15, b""), 1002),
    "continuation of nothing": (encode(CONTINUATION, GOOD), 1002),
    "a second start before the end": (
        encode(TEXT, GOOD[:9], final=False) + encode(TEXT, GOOD),
        1002,
    ),
    "a fragmented ping": (encode(PING, b"x", final=False), 1002),
    "a ping that is too long": (encode(PING, b"x" * 126), 1002),
    "a close of one byte": (encode(CLOSE, b"\x03"), 1002),
    "a close with a forbidden code": (encode(CLOSE, struct.pack("!H", 1005)), 1002),
    "a close with no UTF-8 in it": (encode(CLOSE, struct.pack("!H", 1000) + b"\xff"), 1007),
    "a length that says 2 EiB": (b"\x81\xff" + struct.pack("!Q", 1 << 61) + b"mask", 1009),
    "a length above what is allowed": (b"\x81\xff" + struct.pack("!Q", 1 << 63) + b"mask", 1002),
}


@pytest.mark.parametrize("joined", [False, True], ids=["as first frame", "in the room"])
@pytest.mark.parametrize("case", FRAMES)
def test_a_bad_frame_closes_its_senders_socket_with_the_code_that_says_so(
    server: Running, room: str, case: str, joined: bool
) -> None:
    frame, code = FRAMES[case]
    with RawClient(server.port, room) as evil:
        if joined:
            evil.join("Evil")
        evil.send(frame)
        if case == "a length that says 2 EiB":
            with contextlib.suppress(OSError):
                evil.send(b"x" * 100_000)
        closed, reason = evil.closed_with()
        assert closed == code
        assert len(reason.encode()) <= 123
        with pytest.raises((EOFError, ConnectionError)):
            evil.frame()


def test_nothing_behind_a_bad_frame_is_heard(server: Running, room: str) -> None:
    with RawClient(server.port, room) as evil:
        evil.send(text("rubbish"), text(GOOD), text(GOOD))
        assert evil.closed_with()[0] == 1007


def test_an_oversize_message_is_told_to_a_client_that_is_still_sending(
    server: Running, room: str
) -> None:
    """Close 1009 arrives, not a bare reset, though 10 MB more are on their way."""
    with server.connect(room) as socket:
        with contextlib.suppress(ConnectionClosed):
            socket.send("x" * 10_000_000)
        assert PlainClient("Evil", socket).closed_with()[0] == 1009


def test_an_oversize_message_is_told_to_a_client_that_sends_all_before_it_reads(
    server: Running, room: str
) -> None:
    with RawClient(server.port, room) as evil:
        evil.send(text("x" * 1_000_000))
        assert evil.closed_with()[0] == 1009


@pytest.mark.parametrize(("size", "code"), [(16, 1009), (1, 1008)])
def test_a_client_that_trickles_an_endless_message_is_closed_at_the_limit(
    server: Running, room: str, size: int, code: int
) -> None:
    """Fragments add up, and tiny ones have a limit of their own; a ping between resets nothing."""
    with RawClient(server.port, room) as evil:
        evil.send(encode(TEXT, b" ", final=False))
        some = encode(CONTINUATION, b" " * size, final=False) * 500 + encode(PING)
        with contextlib.suppress(ConnectionError):
            for _ in range(140):
                evil.send(some)
        assert evil.closed_with()[0] == code


def test_what_is_odd_but_legal_is_taken(server: Running) -> None:
    """Empty pings, pongs that nobody asked for, and a ping between two fragments."""
    with RawClient(server.port, f"legal-{uuid4()}") as client:
        client.send(encode(PONG, b"unasked"), encode(PING))
        assert client.frame() == (PONG, b"")
        payload = line_of_chat("Ann", "ä")
        client.send(encode(TEXT, payload[:5], final=False), encode(PING, b"between"))
        assert client.frame() == (PONG, b"between")
        client.send(encode(CONTINUATION, b"", final=False), encode(CONTINUATION, payload[5:]))
        assert client.message()["body"] == "ä"
        client.send(encode(CLOSE, struct.pack("!H", 4999) + b"bye"))
        assert client.frame() == (CLOSE, struct.pack("!H", 4999) + b"bye")


@pytest.mark.parametrize("go", [RawClient.reset, RawClient.__exit__], ids=["reset", "close"])
def test_a_client_that_vanishes_in_the_middle_of_a_frame_leaves_the_room(
    server: Running, room: str, go: Callable[[RawClient], None]
) -> None:
    with RawClient(server.port, room) as client:
        client.join("Vanishing")
        client.send(text(GOOD)[:-5])
        wait_for(lambda: count(server, room, "joined") == 1, "the joining")
        go(client)
        wait_for(lambda: count(server, room, "left") == 1, "the leaving")


def count(server: Running, room: str, what: str) -> int:
    lines = server.log().splitlines()
    return sum(f"{what}: user" in x and "Vanishing" in x and f'"{room}"' in x for x in lines)
