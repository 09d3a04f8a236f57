"""A client that sends too much waits, and one that says nothing at length has to go."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from chatroom.sockets import budget, pace
from chatroom.sockets.pace import (
    BYTES_PER_SECOND,
    FRAMES,
    FRAMES_PER_SECOND,
    FREE_BYTES,
    IDLE_FRAMES,
    TURN,
    Pace,
)
from tests.support.connection_pair import ConnectionPair
from tests.support.websocket_client import CONTINUATION, PING, PONG, TEXT, encode

LARGE = 65_536


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that readers sleep: none of them does, and no time goes by."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    return slept


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def ours(sockets: tuple[socket.socket, socket.socket]) -> Pace:
    return Pace(sockets[0], LARGE)


def test_long_messages_wait_after_a_burst(ours: Pace, slept: list[float]) -> None:
    for _ in range(8):
        ours.await_bytes(LARGE)
    assert slept == []
    ours.await_bytes(LARGE)
    ours.await_bytes(LARGE)
    assert slept == pytest.approx([0.25, 0.5], rel=0.1)


def test_short_messages_never_wait_however_many_there_are(ours: Pace, slept: list[float]) -> None:
    for _ in range(10 * BYTES_PER_SECOND // FREE_BYTES):
        ours.await_bytes(FREE_BYTES)

    assert slept == []


def test_several_of_the_longest_messages_fit_into_a_burst_whatever_the_limit(
    sockets: tuple[socket.socket, socket.socket], slept: list[float]
) -> None:
    longest = 16 << 20
    ours = Pace(sockets[0], longest)
    for _ in range(8):
        ours.await_bytes(longest)

    assert slept == []


@pytest.mark.parametrize(("waiting", "pauses"), [(b"more", 1), (b"", 0)])
def test_a_reader_pauses_after_its_turn_if_its_client_has_sent_more(
    sockets: tuple[socket.socket, socket.socket], slept: list[float], waiting: bytes, pauses: int
) -> None:
    """Otherwise it is about to wait anyway."""
    sock, client = sockets
    client.sendall(waiting)
    ours = Pace(sock, LARGE)

    for _ in range(TURN):
        ours.await_turn(texts=1, arrived=100, theirs=0, is_behind=False)

    assert slept == [pace.PAUSE] * pauses


def test_a_reader_pauses_in_the_middle_of_what_it_has_read(ours: Pace, slept: list[float]) -> None:
    for _ in range(TURN):
        ours.await_turn(texts=1, arrived=0, theirs=0, is_behind=True)

    assert slept == [pace.PAUSE]


@pytest.mark.parametrize(
    "nothing",
    [
        encode(CONTINUATION, final=False),
        encode(CONTINUATION, b"1", final=False),
        encode(PING, b"?"),
        encode(PONG),
    ],
    ids=["empty fragments", "tiny fragments", "pings", "pongs"],
)
def test_too_many_frames_that_say_nothing_end_the_connection(nothing: bytes) -> None:
    with ConnectionPair() as line:
        line.start_reader()
        if nothing[0] & 0x0F == CONTINUATION:
            line.peer.send(encode(TEXT, b'{"body":"', final=False))
        line.peer.send(nothing * (2 * IDLE_FRAMES))

        assert line.peer.closed_with() == (1008, "too many pings, pongs or tiny fragments")


@pytest.mark.parametrize(
    "pieces",
    [
        encode(TEXT, b'{"bo', final=False) + encode(CONTINUATION, b'dy":""}'),
        encode(CONTINUATION, b"x" * 16, final=False) * 2,
    ],
    ids=["messages", "fragments that are not tiny"],
)
def test_fragments_have_a_pace_like_long_messages(
    ours: Pace, slept: list[float], pieces: bytes
) -> None:
    """Each costs as much as many short messages, so the others wait for whoever sends them."""
    for _ in range(FRAMES // 2):
        assert ours.admits(pieces)
    assert sum(slept) == pytest.approx(0, abs=0.1)

    assert ours.admits(pieces * 50)

    assert slept[-1] == pytest.approx(100 / FRAMES_PER_SECOND, rel=0.3)


def test_a_long_message_in_fragments_of_64_bytes_arrives(slept: list[float]) -> None:
    """As in Autobahn's case 9.4, as far as a message may be long here."""
    heard: list[str | bytes] = []
    text = "é" * (LARGE // 2)
    data = text.encode()
    pieces = [data[at : at + 64] for at in range(0, LARGE, 64)]
    with ConnectionPair("tcp") as line:
        line.start_reader(heard.append)
        for number in range(3):
            line.peer.send(encode(TEXT, pieces[0], final=False))
            line.peer.send(*(encode(CONTINUATION, piece, final=False) for piece in pieces[1:-1]))
            line.peer.send(encode(CONTINUATION, pieces[-1]))
            line.peer.send(encode(PING, b"%d" % number))
            assert line.peer.frame() == (PONG, b"%d" % number)

    assert heard == [text] * 3


def test_everything_in_one_packet_is_handled_in_order() -> None:
    """More texts than one call returns, a ping, and a message in pieces behind them."""
    heard: list[str | bytes] = []
    with ConnectionPair() as line:
        line.start_reader(heard.append)
        line.peer.send(
            *(encode(TEXT, b"%d" % number) for number in range(300)),
            encode(PING),
            encode(TEXT, b"30", final=False) + encode(CONTINUATION, b"0"),
            encode(TEXT, b"301"),
            encode(PING, b"end"),
        )
        assert line.peer.frame() == (PONG, b"")
        assert line.peer.frame() == (PONG, b"end")

    assert heard == [str(number) for number in range(302)]
