"""Strangers who open connections and send nothing, or half of something: the room goes on."""

from __future__ import annotations

import resource
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.deadline import DEADLINE, wait_for
from tests.support.plain_client import PlainClient
from tests.support.server_process import Launch, Running

pytestmark = pytest.mark.takes(seconds=14)

PATIENCE = 10.0
"""Seconds that the server waits for the rest of a request."""
HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: "
HALF_A_BODY = (
    b"POST /api/rooms/lobby/messages HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\n"
    b'Content-Length: 99\r\n\r\n{"userName":'
)
LISTENING = b"GET /api/rooms/lobby/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
PRETENDING = LISTENING[:-2] + b"Upgrade: websocket\r\n\r\n"
"""To want a socket, and content without: a response that has no end."""

CANNOT = "short of places: can't start new thread"


@contextmanager
def strangers(server: Running, count: int, sent: bytes = b"") -> Iterator[list[socket.socket]]:
    """So many connections, each of which has sent this much of a request."""
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            address = ("127.0.0.1", server.port)
            found.append(stack.enter_context(socket.create_connection(address, DEADLINE)))
            found[-1].sendall(sent)
        yield found


def goes_on(server: Running, inside: PlainClient, newcomer: str) -> None:
    """The page loads and the room is healthy, long before any of them is cut off (see
    ``PATIENCE``); newcomers hear who is inside."""
    for path in "/", "/healthz":
        begin = time.monotonic()
        assert server.get(path)[0] == 200
        assert time.monotonic() - begin < PATIENCE / 2
    with server.join(newcomer) as client:
        inside.say(f"hello {newcomer}")
        assert client.hear_until(f"hello {newcomer}")


def test_silent_connections_beyond_all_descriptors_throw_nobody_out(prepare: Launch) -> None:
    """Twice as many as the server may have descriptors; this process has to have them, too."""
    server = prepare(history="memory:", maxUsers=10_000)
    limited = 'ulimit -n 400; exec "$@"'
    server.command = ("sh", "-c", limited, "sh", sys.executable, "-m", "gunicorn", "app:app")
    server.start()
    worker = server.worker
    with server.join("Ann") as ann, strangers(server, 220), strangers(server, 580):
        goes_on(server, ann, "Bob")
        assert server.worker == worker
        assert server.descriptors() < 200
    assert "Traceback" not in server.said() + server.log()
    assert server.log().count("short of places") == 1


def test_half_requests_take_no_threads_and_end_after_ten_seconds(serve: Launch) -> None:
    server = serve(history="memory:", maxUsers=8)
    with (
        server.join("Ann") as ann,
        strangers(server, 500, HALF_A_HEAD) as heads,
        strangers(server, 60, HALF_A_BODY) as bodies,
        strangers(server, 20) as silent,
    ):
        goes_on(server, ann, "Bob")
        assert server.threads() < 20  # of the 40 for requests, a few

        for stranger in (*heads, *bodies):
            assert stranger.recv(65536).startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert [stranger.recv(1) for stranger in silent] == [b""] * 20
        goes_on(server, ann, "Cleo")
    assert "Traceback" not in server.said() + server.log()


def test_whoever_only_pretends_to_want_a_socket_keeps_nobody_from_one(serve: Launch) -> None:
    """Of those who want one, a few have their turn at the same time."""
    server = serve(history="memory:")
    with server.join("Ann") as ann, strangers(server, 20, PRETENDING) as pretending:
        for stranger in pretending:
            assert stranger.recv(12) == b"HTTP/1.1 200"
        goes_on(server, ann, "Bob")


def test_without_another_thread_those_inside_stay_and_the_next_come_in_later(
    prepare: Launch,
) -> None:
    """The worker has only so much address space, which each thread's stack takes some of."""
    server = prepare(history="memory:", maxUsers=500)
    server.start()
    worker = server.worker
    with ExitStack() as stack:
        ann = stack.enter_context(server.join("Ann"))
        ann.say("hello")
        ann.hear_until("hello")  # so both her threads run
        with limited_threads(server):
            stack.enter_context(strangers(server, 30, LISTENING))
            wait_for(lambda: CANNOT in server.log(), "a line about it")
            ann.say("still here")
            assert ann.hear_until("still here")
        wait_for(lambda: server.get("/healthz")[0] == 200, "health")
        assert server.worker == worker


@contextmanager
def limited_threads(server: Running) -> Iterator[None]:
    """The worker may map no more memory than it has, hence start no more threads."""
    status = Path(f"/proc/{server.worker}/status").read_text()
    size = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmSize"))
    before = resource.prlimit(server.worker, resource.RLIMIT_AS, (size * 1024, -1))
    try:
        yield
    finally:
        resource.prlimit(server.worker, resource.RLIMIT_AS, before)
