"""Responses to clients that read slowly, over real sockets."""

from __future__ import annotations

import errno
import select
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from chatroom.serving import outgoing
from chatroom.serving.outgoing import TOO_SLOW, Outgoing
from tests.support.connection_pair import FAMILIES, pair

DATA = bytes(range(256)) * 4096


@pytest.fixture(params=FAMILIES)
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[Outgoing, socket.socket]]:
    """The server's end, with little room in the kernel, and the client's."""
    ours, theirs = pair(request.param, buffers=4096)
    ours.setblocking(True)
    with Outgoing.of(ours) as sock, theirs:
        yield sock, theirs


def read(client: socket.socket, piece: int, pause: float, stop: threading.Event) -> bytes:
    """What the client gets, who reads a piece and pauses, until everything or ``stop``."""
    client.setblocking(True)
    data = b""
    while len(data) < len(DATA) and not stop.wait(pause):
        if select.select([client], [], [], 0.01)[0]:
            data += client.recv(piece)
    return data


def test_a_client_that_reads_a_byte_now_and_then_is_given_up(
    ends: tuple[Outgoing, socket.socket], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(outgoing, "RESPONSE_SECONDS", 0.5)
    sock, client = ends
    stop = threading.Event()
    reader = threading.Thread(target=read, args=(client, 1, 0.01, stop))
    reader.start()
    begin = time.monotonic()

    with pytest.raises(TimeoutError, match=TOO_SLOW) as given_up:
        sock.sendall(DATA)

    stop.set()
    reader.join()
    assert given_up.value.errno == errno.ETIMEDOUT
    assert time.monotonic() - begin < 5


def test_a_client_that_reads_at_the_least_rate_gets_everything_however_long_it_takes(
    ends: tuple[Outgoing, socket.socket], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(outgoing, "RESPONSE_SECONDS", 0.5)
    sock, client = ends
    got: list[bytes] = []

    def keep() -> None:
        got.append(read(client, 16_384, 0.02, threading.Event()))

    reader = threading.Thread(target=keep)
    reader.start()

    begin = time.monotonic()
    sock.sendall(DATA)
    assert time.monotonic() - begin > outgoing.RESPONSE_SECONDS

    reader.join()
    assert got == [DATA]


def test_a_socket_that_must_not_wait_does_not(ends: tuple[Outgoing, socket.socket]):
    """gunicorn's own words about a malformed request go out like this."""
    sock, _client = ends
    sock.setblocking(False)

    with pytest.raises(BlockingIOError):
        sock.sendall(DATA)
