"""How a body is read whose reader has time: as long as it comes, and not in a trickle."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from chatroom.serving import incoming
from chatroom.serving.incoming import BODY_PIECE, BODY_SECONDS, BodyTimeout, _Unreader
from chatroom.serving.outgoing import Outgoing

LULL = 30.0


class Sundial:
    """What ``time.monotonic`` says."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Sundial:
    clock = Sundial()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


@pytest.fixture
def pair() -> Iterator[tuple[Outgoing, socket.socket]]:
    ours, theirs = socket.socketpair()
    with Outgoing.of(ours) as sock, theirs:
        yield sock, theirs


def begun(sock: Outgoing, *, owes: bool = False) -> _Unreader:
    unreader = _Unreader(sock)
    unreader.begin(bytearray(), owes)
    return unreader


def test_usually_a_body_has_ten_seconds(
    pair: tuple[Outgoing, socket.socket], clock: Sundial
) -> None:
    sock, client = pair
    unreader = begun(sock)
    client.send(b"x" * BODY_PIECE)
    assert len(unreader.chunk(BODY_PIECE)) == BODY_PIECE
    clock.now += BODY_SECONDS + 1
    client.send(b"x")
    with pytest.raises(BodyTimeout):
        unreader.chunk()


def test_whoever_has_time_reads_as_long_as_it_comes(
    pair: tuple[Outgoing, socket.socket], clock: Sundial
) -> None:
    sock, client = pair
    unreader = begun(sock)
    sock.lull = LULL
    for _ in range(10):
        clock.now += LULL - 1
        client.send(b"x" * BODY_PIECE)
        assert len(unreader.chunk(BODY_PIECE)) == BODY_PIECE


def test_a_trickle_is_no_body(pair: tuple[Outgoing, socket.socket], clock: Sundial) -> None:
    """Otherwise eight such clients would keep everybody else from uploading."""
    sock, client = pair
    unreader = begun(sock)
    sock.lull = LULL
    for _ in range(3):
        client.send(b"x")
        assert unreader.chunk() == b"x"
        clock.now += LULL / 3
    clock.now += 1
    client.send(b"x")
    with pytest.raises(BodyTimeout):
        unreader.chunk()


def test_silence_ends_it(pair: tuple[Outgoing, socket.socket]) -> None:
    """By the kernel's timer."""
    sock, _client = pair
    unreader = begun(sock)
    sock.lull = 0.05
    with pytest.raises(BodyTimeout):
        unreader.chunk()


def test_the_next_request_has_no_more_time_than_any(
    pair: tuple[Outgoing, socket.socket], clock: Sundial
) -> None:
    sock, client = pair
    unreader = begun(sock)
    sock.lull = LULL
    client.send(b"x")
    unreader.chunk()
    unreader.begin(bytearray())
    assert sock.lull == 0
    clock.now += incoming.BODY_SECONDS + 1
    client.send(b"x")
    with pytest.raises(BodyTimeout):
        unreader.chunk()


def test_a_client_that_waits_is_asked_once_the_body_is_wanted(
    pair: tuple[Outgoing, socket.socket],
) -> None:
    sock, client = pair
    client.setblocking(False)
    unreader = begun(sock, owes=True)
    with pytest.raises(BlockingIOError):
        client.recv(100)
    client.send(b"x")
    unreader.chunk()
    assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"y")
    unreader.chunk()
    with pytest.raises(BlockingIOError):
        client.recv(100)
