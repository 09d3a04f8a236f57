"""How a body is read whose reader has time: as long as it comes, and not in a trickle."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from threading import Thread

import pytest
from gunicorn.http.body import ChunkedReader, LengthReader

from chatroom.serving.body_input import BODY_PIECE, BODY_SECONDS, BodyTimeout, Input, Unreader
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


def begun(sock: Outgoing, *, owes: bool = False) -> Unreader:
    unreader = Unreader(sock)
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


def test_what_comes_in_packets_is_read_at_once(pair: tuple[Outgoing, socket.socket]) -> None:
    sock, client = pair
    unreader = begun(sock)
    sock.lull = LULL
    packets = Thread(target=lambda: [client.send(b"x" * 1448) for _ in range(20)])
    packets.start()
    assert unreader.chunk(20 * 1448) == b"x" * 20 * 1448
    packets.join()


def test_small_chunks_are_read_together(pair: tuple[Outgoing, socket.socket]) -> None:
    """Their client sends them together, and each read costs the others a moment."""
    sock, client = pair
    unreader = begun(sock)
    sock.lull = LULL
    client.send(b"1\r\nx\r\n" * 100)
    assert unreader.chunk(1) == b"1\r\nx\r\n" * 100


def test_of_a_client_that_goes_what_has_come_is_read_and_then_its_end(
    pair: tuple[Outgoing, socket.socket],
) -> None:
    sock, client = pair
    unreader = begun(sock)
    sock.lull = LULL
    client.send(b"x" * 100)
    client.shutdown(socket.SHUT_WR)
    assert unreader.chunk(10_000) == b"x" * 100
    assert unreader.chunk(9_900) == b""


@pytest.mark.parametrize("size", [BODY_PIECE, BODY_PIECE - 1])
def test_a_slow_client_is_one_that_sends_less_than_so_much_meanwhile(
    pair: tuple[Outgoing, socket.socket], size: int
) -> None:
    """By the kernel's timer, which ends each wait for all of a piece."""
    sock, client = pair
    unreader = begun(sock)
    sock.lull = 0.05
    client.send(b"x" * size)
    if size < BODY_PIECE:
        with pytest.raises(BodyTimeout):
            unreader.chunk(BODY_PIECE * 2)
    else:
        assert len(unreader.chunk(BODY_PIECE * 2)) == size


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
    clock.now += BODY_SECONDS + 1
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


class LongBody:
    """A body of known length, of which some has arrived with the request's head."""

    def __init__(self, sock: Outgoing, length: int, arrived: bytes = b"", lull: float = LULL):
        self.unreader = Unreader(sock)
        self.unreader.begin(bytearray(arrived))
        sock.lull = lull
        self._input = Input(LengthReader(self.unreader, length))

    def read(self, size: int) -> bytes:
        box = bytearray(size)
        return bytes(box[: self._input.readinto(box)])


def test_a_box_is_filled_however_small_the_packets(pair: tuple[Outgoing, socket.socket]) -> None:
    sock, client = pair
    body = LongBody(sock, 100_000)
    packets = Thread(target=lambda: [client.send(b"x" * 1448) for _ in range(20)])
    packets.start()
    assert body.read(20 * 1448) == b"x" * 20 * 1448
    packets.join()


def test_what_has_arrived_comes_into_the_box_first(pair: tuple[Outgoing, socket.socket]) -> None:
    sock, client = pair
    body = LongBody(sock, 9, arrived=b"abcde")
    client.send(b"fghi")
    assert [body.read(3) for _ in range(5)] == [b"abc", b"de", b"fgh", b"i", b""]


@pytest.mark.parametrize("arrived", [b"", b"abcNEXT"], ids=["on its way", "here"])
def test_the_box_holds_nothing_of_the_next_request(
    pair: tuple[Outgoing, socket.socket], arrived: bytes
) -> None:
    sock, client = pair
    body = LongBody(sock, 3, arrived)
    client.send(b"" if arrived else b"abcNEXT")
    assert [body.read(100), body.read(100)] == [b"abc", b""]
    assert (body.unreader.take_buffered() or sock.recv(100)) == b"NEXT"


def test_what_the_application_has_read_otherwise_is_not_read_again(
    pair: tuple[Outgoing, socket.socket],
) -> None:
    sock, _client = pair
    unreader = Unreader(sock)
    unreader.begin(bytearray(b"one\ntwo"))
    body, box = Input(LengthReader(unreader, 7)), bytearray(10)
    assert body.readline() == b"one\n"
    assert box[: body.readinto(box)] == b"two"


def test_without_time_a_box_gets_what_is_there(pair: tuple[Outgoing, socket.socket]) -> None:
    sock, client = pair
    client.send(b"abc")
    assert LongBody(sock, 9, lull=0.0).read(9) == b"abc"


def test_of_a_client_that_goes_the_box_gets_what_has_come_and_then_nothing(
    pair: tuple[Outgoing, socket.socket],
) -> None:
    sock, client = pair
    body = LongBody(sock, 10_000)
    client.send(b"x" * 100)
    client.shutdown(socket.SHUT_WR)
    assert [body.read(10_000), body.read(10_000)] == [b"x" * 100, b""]


@pytest.mark.parametrize("size", [BODY_PIECE, BODY_PIECE - 1, 0])
def test_a_box_is_not_waited_for_longer_than_a_slow_client_may_take(
    pair: tuple[Outgoing, socket.socket], size: int
) -> None:
    sock, client = pair
    body = LongBody(sock, BODY_PIECE * 2, lull=0.05)
    client.send(b"x" * size)
    if size < BODY_PIECE:
        with pytest.raises(BodyTimeout):
            body.read(BODY_PIECE * 2)
    else:
        assert len(body.read(BODY_PIECE * 2)) == size


def test_a_broken_connection_is_not_kept(pair: tuple[Outgoing, socket.socket]) -> None:
    sock, _client = pair
    unreader = Unreader(sock)
    unreader.begin(bytearray())
    body = Input(LengthReader(unreader, 9))
    sock.close()
    with pytest.raises(OSError):
        body.readinto(bytearray(9))
    assert body.failed


def test_chunks_come_into_the_box_by_way_of_the_parser(
    pair: tuple[Outgoing, socket.socket],
) -> None:
    sock, client = pair
    unreader = Unreader(sock)
    unreader.begin(bytearray(b"3\r\nabc\r\n"))
    client.send(b"2\r\nde\r\n0\r\n\r\n")
    body, box = Input(ChunkedReader(None, unreader)), bytearray(100)
    assert box[: body.readinto(box)] == b"abcde"
    assert body.readinto(box) == 0
