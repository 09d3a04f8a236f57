"""The worker's main loop, turn by turn: whom it serves, and whom it lets wait, or go."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger

from chatroom.serving import body_input, incoming, waiting, worker
from chatroom.serving.demands import LEAST_WAITING
from chatroom.serving.doorway import ASKING_AT_ONCE, SHAKING_AT_ONCE
from chatroom.serving.interpreter import SHORTEST, SHORTEST_BESIDE_REQUESTS
from chatroom.serving.worker import Worker
from tests.support.certificates import Certificate
from tests.support.deadline import DEADLINE

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LAST_GET = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
PIECES = (
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\n\r\n"
)
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Respond with where the request went and what was in it."""
    sent = environ["wsgi.input"].read().decode()
    where = "|".join(environ[name] for name in ("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"))
    body = f"{where}|{sent}\n".encode("latin-1")
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


class Loop:
    """A worker in this process; its loop runs while a test waits for something."""

    def __init__(self, listener: socket.socket, **options: Any) -> None:
        cfg = Config()
        options = {
            "threads": 3,
            "worker_connections": 3 + LEAST_WAITING,
            "keepalive": 75,
            **options,
        }
        for name, value in options.items():
            cfg.set(name, value)
        self.listener = listener
        self.worker = Worker(1, os.getppid(), [listener], None, 30, cfg, Logger(cfg))
        self.worker.wsgi = echo
        self.worker.tpool = self.worker.get_thread_pool()
        self.worker.poller = selectors.DefaultSelector()
        self.worker.method_queue.init()
        queue = self.worker.method_queue
        self.worker.poller.register(queue.fileno(), 1, queue.run_callbacks)
        self.worker.set_accept_enabled(True)
        self.stack = ExitStack()

    def turn(self) -> None:
        """One turn of the loop, as in ``ThreadWorker.run``."""
        self.worker.set_accept_enabled(self.worker.nr_conns < self.worker.worker_connections)
        self.worker.wait_for_and_dispatch_events(0.002)
        self.worker.murder_keepalived()

    def until(self, fact: Callable[[], object], what: str) -> None:
        """Turn until it is so: each turn waits for an event, though not for long."""
        deadline = time.monotonic() + DEADLINE
        while not fact():
            assert time.monotonic() < deadline, f"not within {DEADLINE:.0f} s: {what}"
            self.turn()

    def client(self, sent: bytes = b"") -> socket.socket:
        """A client that has connected and sent something."""
        family = self.listener.family
        client = self.stack.enter_context(socket.socket(family))
        client.connect(self.listener.getsockname())
        client.sendall(sent)
        client.setblocking(False)
        return client

    def waits(self, count: int) -> None:
        """Wait until so many wait."""
        self.until(lambda: len(self.worker._waiting) == count, f"{count} that wait")

    def answer(self, client: socket.socket, count: int = 1) -> bytes:
        """What the client receives: so many responses."""
        received = bytearray()

        def is_whole() -> bool:
            try:
                received.extend(client.recv(65536))
            except BlockingIOError:
                return False
            is_body = received.endswith(b"\n") and not received.endswith(b"\r\n")
            return is_body and received.count(b"HTTP/1.1 ") == count

        self.until(is_whole, "a response")
        return bytes(received)

    def is_closed(self, client: socket.socket) -> bool:
        try:
            return client.recv(65536) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def grow_old(self, seconds: float) -> None:
        """Let everybody who waits have waited that much longer."""
        for line in self.worker._waiting._lines:
            for conn in line:
                conn.since -= seconds

    def end(self) -> None:
        self.stack.close()
        self.until(lambda: self.worker.nr_conns == 0, "the end of all")
        self.worker.tpool.shutdown()
        self.worker.poller.close()
        self.worker.method_queue.close()
        self.worker.tmp.close()


@pytest.fixture(params=["tcp", "unix"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    with ExitStack() as stack:
        if request.param == "tcp":
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        else:
            listening = stack.enter_context(socket.socket(socket.AF_UNIX))
            listening.bind(str(tmp_path / "chat.sock"))
            listening.listen(256)
        yield listening


@pytest.fixture
def tcp(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        yield listening


@pytest.fixture
def start(tcp: socket.socket) -> Iterator[Callable[..., Loop]]:
    """Start a loop that serves TCP."""
    loops: list[Loop] = []

    def begin(**options: Any) -> Loop:
        loops.append(Loop(tcp, **options))
        return loops[-1]

    yield begin
    for loop in loops:
        loop.end()


@pytest.fixture
def loop(start: Callable[..., Loop]) -> Loop:
    return start()


def test_in_a_small_room_no_thread_waits_long_before_it_asks_for_the_interpreter(loop: Loop):
    sys.setswitchinterval(0.5)

    loop.turn()

    assert sys.getswitchinterval() == pytest.approx(SHORTEST)


def test_beside_a_request_no_thread_waits_even_so_long(loop: Loop):
    seen: list[float] = []

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        seen.append(sys.getswitchinterval())
        return echo(environ, start_response)

    loop.worker.wsgi = app

    loop.answer(loop.client(GET))
    loop.until(lambda: sys.getswitchinterval() == pytest.approx(SHORTEST), "the end of the request")

    assert seen == [pytest.approx(SHORTEST_BESIDE_REQUESTS)]


# -- requests ------------------------------------------------------------------------------------


def test_requests_are_served_on_either_kind_of_socket(listener: socket.socket):
    loop = Loop(listener)
    try:
        client = loop.client(GET)
        assert b"|/||" in loop.answer(client)
        client.send(GET)
        assert b"|/||" in loop.answer(client)
    finally:
        loop.end()


@pytest.mark.parametrize(
    "request_", [GET, POST + b"hello", PIECES, GET + POST + b"hello" + PIECES + GET]
)
def test_a_request_may_come_byte_by_byte(loop: Loop, request_: bytes):
    client = loop.client()
    for byte in request_:
        client.send(bytes([byte]))
        loop.turn()

    answers = loop.answer(client, request_.count(b"Host"))

    assert answers.count(b"|hello") == request_.count(b"POST")


def test_several_requests_may_come_at_once(loop: Loop):
    client = loop.client(GET + POST + b"hello" + PIECES + LAST_GET)

    assert loop.answer(client, 4).count(b"|hello") == 2


def test_a_url_may_be_in_plain_utf_8(loop: Loop):
    """``curl`` sends it as it was typed."""
    client = loop.client("GET /ü?q=ümläut HTTP/1.1\r\nHost: ü\r\n\r\n".encode())

    assert "|/ü|q=%C3%BCml%C3%A4ut|".encode() in loop.answer(client)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/talk", b"/talk||"),
        ("/talk/", b"/talk|/|"),
        ("/talk/rooms/a", b"/talk|/rooms/a|"),
        ("/", b"/talk|/|"),
        ("/rooms/a", b"/talk|/rooms/a|"),
        ("/talking", b"/talk|/talking|"),
    ],
)
def test_under_a_prefix_it_does_not_matter_whether_the_proxy_removes_it(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, path: str, wanted: bytes
):
    monkeypatch.setenv("SCRIPT_NAME", "/talk")
    client = loop.client(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())

    assert wanted in loop.answer(client)


def test_a_client_that_sends_no_more_is_served(loop: Loop):
    client = loop.client(GET)
    client.shutdown(socket.SHUT_WR)

    assert b" 200 OK" in loop.answer(client)
    loop.until(lambda: loop.worker.nr_conns == 0, "its end")


def test_a_client_that_leaves_the_connection_open_holds_nobody_up(loop: Loop):
    """gunicorn waits for each of them, two seconds long, on the thread that accepts."""
    stubborn = [loop.client(LAST_GET) for _ in range(20)]
    for client in stubborn:
        assert b" 200 OK" in loop.answer(client)
    loop.waits(20)

    loop.grow_old(waiting.LINGER_SECONDS)

    loop.until(lambda: loop.worker.nr_conns == 0, "their end")


def test_over_tls_too(start: Callable[..., Loop], tmp_path: Path):
    certificate = Certificate(tmp_path)
    loop = start(keyfile=str(certificate.key), certfile=str(certificate.file))
    context = ssl.create_default_context(cafile=str(certificate.file))
    context.check_hostname = False
    answers: list[bytes] = []

    def ask() -> None:
        address = loop.listener.getsockname()
        with (
            socket.create_connection(address, DEADLINE) as plain,
            context.wrap_socket(plain) as client,
        ):
            for _ in range(2):
                client.sendall(POST + b"hello")
                answer = b""
                while not answer.endswith(b"hello\n"):
                    answer += client.recv(65536)
                answers.append(answer)

    client = threading.Thread(target=ask)
    client.start()
    loop.until(lambda: not client.is_alive(), "the responses")
    assert len(answers) == 2


# -- half a request ------------------------------------------------------------------------------


@pytest.mark.parametrize("half", [b"", b"G", GET[:-2], GET[:-1]])
def test_half_a_request_takes_no_thread_and_ten_seconds_at_most(loop: Loop, half: bytes):
    clients = [loop.client(half) for _ in range(20)]
    loop.waits(20)
    assert len(loop.worker.tpool) == 0
    assert b" 200 OK" in loop.answer(loop.client(GET))
    loop.grow_old(waiting.HEAD_SECONDS - 5)
    loop.turn()
    assert loop.worker.nr_conns == 21

    loop.grow_old(5)
    loop.turn()

    assert loop.worker.nr_conns == 1
    wanted = b"HTTP/1.1 408 Request Timeout\r\n" if half else b""
    assert all(client.recv(65536).startswith(wanted) for client in clients)


def test_a_byte_now_and_then_does_not_lengthen_the_ten_seconds(loop: Loop):
    client = loop.client(GET[:5])
    loop.waits(1)
    for byte in GET[5:15]:
        loop.grow_old(1)
        client.send(bytes([byte]))
        loop.turn()

    loop.until(lambda: loop.worker.nr_conns == 0, "its end")
    assert b" 408 " in client.recv(65536)


@pytest.mark.parametrize("sent", [b"", GET[:5], POST + b"hel"], ids=["none", "head", "body"])
def test_what_has_come_while_the_loop_was_busy_has_come_in_time(loop: Loop, sent: bytes):
    """With thousands who come at once, a turn of the loop may take seconds."""
    whole = POST + b"hello" if sent.startswith(b"POST") else GET
    client = loop.client(sent)
    loop.waits(1)
    client.send(whole[len(sent) :])
    loop.grow_old(waiting.HEAD_SECONDS + 1)

    loop.worker.murder_keepalived()

    assert b" 200 OK" in loop.answer(client)


def test_a_further_request_that_has_come_while_the_loop_was_busy_is_served(loop: Loop):
    client = loop.client(GET)
    loop.answer(client)
    loop.waits(1)
    client.send(GET)
    loop.grow_old(76)

    loop.worker.murder_keepalived()

    assert b" 200 OK" in loop.answer(client)


def test_a_further_request_has_ten_seconds_from_its_first_byte_on(loop: Loop):
    client = loop.client(GET)
    loop.answer(client)
    loop.waits(1)
    loop.grow_old(74)
    client.send(GET[:5])
    loop.until(lambda: loop.worker._waiting.heads, "half a request")
    loop.grow_old(9)
    client.send(GET[5:])

    assert b" 200 OK" in loop.answer(client)


def test_a_connection_is_kept_for_its_time_between_two_requests(loop: Loop):
    client = loop.client(GET)
    loop.answer(client)
    loop.waits(1)
    loop.grow_old(74)
    loop.turn()
    assert loop.worker.nr_conns == 1

    loop.grow_old(2)
    loop.turn()

    assert loop.worker.nr_conns == 0
    assert loop.is_closed(client)


def test_a_head_without_an_end_is_refused(loop: Loop):
    client = loop.client()
    for _ in range(100):
        client.send(b"X-A: %s\r\n" % (b"a" * 1000))
        loop.turn()

    loop.until(lambda: loop.worker._waiting.ending, "a response")
    assert client.recv(65536).startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")


@pytest.mark.parametrize("wrong", [b"GET / HTTP/1.1\nHost: a\n\n", b"\x00\n", b"GET /\r\n\r\n"])
def test_what_is_no_request_is_refused_at_once(loop: Loop, wrong: bytes):
    client = loop.client(wrong)

    loop.until(lambda: loop.worker._waiting.ending, "a response")
    assert client.recv(65536).startswith(b"HTTP/1.1 400 ")


# -- those who want a socket ---------------------------------------------------------------------

UPGRADE = GET.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n")


class Handshakes:
    """An application that shakes hands for as long as the test wants."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.settled = threading.Event()
        self.over = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        if "HTTP_UPGRADE" not in environ:
            return echo(environ, start_response)
        self.begun.append(environ["QUERY_STRING"])
        self.settled.wait(DEADLINE)
        environ["gunicorn.socket"].settle()
        self.over.wait(DEADLINE)
        return echo(environ, start_response)


@pytest.fixture
def handshakes(start: Callable[..., Loop]) -> Iterator[tuple[Loop, Handshakes]]:
    """And a loop with enough threads."""
    loop, application = start(threads=20, worker_connections=20 + LEAST_WAITING), Handshakes()
    loop.worker.wsgi = application
    yield loop, application
    application.settled.set()
    application.over.set()


def numbered(number: int) -> bytes:
    return UPGRADE.replace(b"GET /", b"GET /?%d" % number, 1)


def test_only_a_few_shake_hands_at_once_and_in_order(handshakes: tuple[Loop, Handshakes]):
    loop, application = handshakes
    clients = [loop.client(numbered(number)) for number in range(10)]
    loop.until(lambda: len(loop.worker._doorway) == 6, "six in line")
    loop.until(lambda: len(application.begun) == SHAKING_AT_ONCE, "those whose turn it is")
    loop.turn()
    assert len(application.begun) == SHAKING_AT_ONCE
    assert b" 200 OK" in loop.answer(loop.client(GET)), "everybody else is served"

    application.settled.set()
    loop.until(lambda: len(application.begun) == 10, "the others")
    assert sorted(application.begun[:SHAKING_AT_ONCE]) == list("0123")
    # Each has a thread, which may be slow: but nobody comes before more than could be beside them.
    places = enumerate(map(int, application.begun))
    assert all(number - place < SHAKING_AT_ONCE for place, number in places)

    application.over.set()
    assert all(b" 200 OK" in loop.answer(client) for client in clients)


def test_nobody_begins_while_the_room_has_not_let_in_those_who_have(
    handshakes: tuple[Loop, Handshakes],
):
    loop, application = handshakes
    asking = [ASKING_AT_ONCE]
    loop.worker.heed(lambda: asking[0])
    loop.client(numbered(1))
    loop.until(lambda: len(loop.worker._doorway) == 1, "one in line")
    loop.turn()
    assert application.begun == []

    asking[0] -= 1

    loop.until(lambda: application.begun, "its turn")


def test_who_has_hung_up_in_line_takes_no_thread(handshakes: tuple[Loop, Handshakes]):
    loop, application = handshakes
    clients = [loop.client(numbered(number)) for number in range(8)]
    loop.until(lambda: len(loop.worker._doorway) == 4, "four in line")
    for client in clients[4:7]:
        client.close()
    application.settled.set()

    loop.until(lambda: len(application.begun) == 5, "the one who has not")
    assert application.begun[-1] == "7"
    loop.until(lambda: loop.worker.nr_conns == 5, "the end of those who have")


@pytest.mark.parametrize("fails", [False, True])
def test_who_is_refused_makes_way_for_others(start: Callable[..., Loop], fails: bool):
    """Also if that is our fault."""
    loop = start(threads=20, worker_connections=20 + LEAST_WAITING)
    loop.worker.wsgi = (lambda environ, start_response: 1 / 0) if fails else echo

    wanted = b" 500 Internal" if fails else b" 200 OK"

    for _ in range(3):
        clients = [loop.client(UPGRADE) for _ in range(SHAKING_AT_ONCE)]
        for client in clients:
            loop.until(lambda client=client: wanted in _peek(client), "a response")
    assert len(loop.worker._doorway) == 0


class Sockets:
    """An application whose sockets go on without their requests, until the test ends them."""

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.over = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        if "HTTP_UPGRADE" not in environ:
            return echo(environ, start_response)
        sock = environ["gunicorn.socket"]
        sock.settle()
        sock.reader = partial(self._read, sock, threading.current_thread().name)
        raise StopIteration

    def _read(self, sock: socket.socket, request: str) -> None:
        self.threads += [request, threading.current_thread().name]
        sock.sendall(b"Hello.")
        assert self.over.wait(DEADLINE)


@pytest.fixture
def sockets(start: Callable[..., Loop]) -> Iterator[tuple[Loop, Sockets]]:
    loop, application = start(), Sockets()
    loop.worker.wsgi = application
    yield loop, application
    application.over.set()


def test_a_socket_that_goes_on_has_a_new_thread_until_it_ends(sockets: tuple[Loop, Sockets]):
    """And the thread of its request serves others."""
    loop, application = sockets
    client = loop.client(UPGRADE)
    loop.until(lambda: _peek(client) == b"Hello.", "its first bytes")
    request, reader = application.threads
    assert (request[:8], reader[:7]) == ("request-", "reader-")
    client.recv(6)

    assert b" 200 OK" in loop.answer(loop.client(GET))
    assert not loop.is_closed(client)
    assert len(loop.worker.tpool) == 2
    application.over.set()

    loop.until(lambda: loop.is_closed(client), "its end")
    loop.until(lambda: len(loop.worker.tpool) == 1, "its thread's")


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError()])
def test_without_another_thread_that_of_the_request_goes_on(
    sockets: tuple[Loop, Sockets], monkeypatch: pytest.MonkeyPatch, error: Exception
):
    loop, application = sockets
    assert b" 200 OK" in loop.answer(loop.client(GET))
    loop.until(lambda: loop.worker.tpool._idle, "a thread that waits for the next request")

    def refuse(_thread: threading.Thread) -> None:
        raise error

    monkeypatch.setattr(threading.Thread, "start", refuse)
    client = loop.client(UPGRADE)
    loop.until(lambda: _peek(client) == b"Hello.", "its first bytes")
    assert len(set(application.threads)) == 1
    client.recv(6)
    application.over.set()
    loop.until(lambda: loop.is_closed(client), "its end")


def test_a_reader_that_fails_ends_its_socket_only(
    sockets: tuple[Loop, Sockets], caplog: pytest.LogCaptureFixture
):
    loop, application = sockets
    application.over.wait = lambda timeout=None: 1 / 0  # type: ignore[method-assign,assignment]
    client = loop.client(UPGRADE)

    loop.until(lambda: _peek(client) == b"Hello." and client.recv(6), "its first bytes")
    loop.until(lambda: loop.is_closed(client), "its end")

    assert "a socket was given up" in caplog.text
    assert b" 200 OK" in loop.answer(loop.client(GET))


def _peek(client: socket.socket) -> bytes:
    try:
        return client.recv(65536, socket.MSG_PEEK)
    except BlockingIOError:
        return b""


# -- a body --------------------------------------------------------------------------------------

WAITING = [POST + b"hel", POST, PIECES[:-2], PIECES[:-9], GET[:-2] + b"Content-Length: 9\r\n\r\n"]


@pytest.mark.parametrize("sent", WAITING)
def test_an_incomplete_body_takes_no_thread_and_ten_seconds_at_most(loop: Loop, sent: bytes):
    clients = [loop.client(sent) for _ in range(20)]
    loop.waits(20)
    loop.grow_old(body_input.BODY_SECONDS - 1)
    assert b" 200 OK" in loop.answer(loop.client(GET))
    assert loop.worker.nr_conns == 21
    assert len(loop.worker.tpool) == 1

    loop.grow_old(1)
    loop.turn()

    assert [client.recv(65536)[:20] for client in clients] == [b"HTTP/1.1 408 Request"] * 20


def test_a_byte_of_a_body_now_and_then_does_not_lengthen_the_ten_seconds(loop: Loop):
    client = loop.client(POST.replace(b"5", b"500"))
    loop.waits(1)
    for _ in range(11):
        loop.grow_old(1)
        client.send(b"x")
        loop.turn()

    loop.until(lambda: loop.worker.nr_conns == 0, "its end")
    assert b" 408 " in client.recv(65536)


def test_a_long_body_may_take_its_time(loop: Loop):
    """On a slow line: half a kilobyte per second is enough."""
    pieces = 12
    client = loop.client(POST.replace(b"5", b"%d" % (pieces * body_input.BODY_PIECE)))
    for _ in range(pieces):
        loop.until(lambda: loop.worker._waiting.bodies, "a body that waits")
        loop.grow_old(9)
        client.send(b"x" * body_input.BODY_PIECE)
        before = loop.worker._waiting.held
        loop.until(lambda before=before: loop.worker._waiting.held != before, "a piece")

    assert loop.answer(client).endswith(b"x\n")


def test_a_client_that_asks_before_it_sends_a_body_hears_that_it_may_once(loop: Loop):
    client = loop.client(POST[:-2] + b"Expect: 100-continue\r\n\r\n")
    loop.until(lambda: loop.worker._waiting.bodies, "a body that waits")
    assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"hello")

    assert b"|hello" in loop.answer(client)


@pytest.mark.parametrize("size", [1_000_000, 10**15, 10**30])
def test_a_body_that_is_too_long_is_the_applications_to_refuse_at_once(loop: Loop, size: int):
    loop.worker.wsgi = without_reading
    client = loop.client(POST.replace(b"5", b"%d" % size))

    answer = loop.answer(client)

    assert b"\r\nConnection: close\r\n" in answer
    loop.until(lambda: loop.worker._waiting.ending, "its end")


def without_reading(_environ: object, start_response: Callable[..., Any]) -> list[bytes]:
    start_response("413 Content Too Large", [("Content-Length", "4")])
    return [b"no.\n"]


def test_a_body_has_as_many_bytes_as_a_message_may(loop: Loop):
    loop.worker.expect_messages(1_000_000)
    sent = b"x" * 1_000_000
    client = loop.client(POST.replace(b"5", b"%d" % len(sent)))
    loop.until(lambda: loop.worker._waiting.bodies, "a body that waits")
    answers: list[bytes] = []

    def talk() -> None:
        client.setblocking(True)
        client.sendall(sent)
        answers.append(client.recv(15))

    sender = threading.Thread(target=talk)
    sender.start()
    loop.until(lambda: answers, "a response")
    sender.join()
    assert answers == [b"HTTP/1.1 200 OK"]


def test_a_body_in_crumbs_is_refused(loop: Loop):
    """The parser copies what it has for each of them: with 22,000, for a second."""
    client = loop.client(PIECES[:-5].partition(b"2\r\n")[0] + b"1\r\na\r\n" * 2000)

    loop.until(lambda: loop.worker._waiting.ending, "a response")
    assert client.recv(65536).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_client_that_stops_in_a_body_hears_the_applications_words(loop: Loop):
    client = loop.client(POST + b"hel")
    loop.waits(1)
    client.shutdown(socket.SHUT_WR)

    assert b"|hel" in loop.answer(client)


def test_incomplete_requests_take_only_so_much_memory(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(worker, "MOST_BYTES", 100_000)
    clients = [loop.client(POST.replace(b"5", b"60000") + b"x" * 30_000) for _ in range(5)]

    loop.until(lambda: sum(map(loop.is_closed, clients)) == 2, "the end of two")
    assert loop.worker._waiting.held < 100_000
    assert "short of places: too many incomplete requests" in caplog.text
    loop.grow_old(11)
    loop.turn()
    assert loop.worker._waiting.held == 0


# -- shortage ------------------------------------------------------------------------------------


def test_beyond_the_places_those_that_have_waited_longest_go(
    loop: Loop, caplog: pytest.LogCaptureFixture
):
    clients = [loop.client(b"GET") for _ in range(LEAST_WAITING + 10)]
    loop.until(lambda: all(map(loop.is_closed, clients[:10])), "the end of the first")
    assert not any(map(loop.is_closed, clients[10:]))

    assert b" 200 OK" in loop.answer(loop.client(GET))
    (line,) = [line for line in caplog.messages if "short of places" in line]
    assert line.startswith("short of places: more connections without a request than places")


def test_connections_between_requests_do_not_push_out_newcomers(
    loop: Loop, caplog: pytest.LogCaptureFixture
):
    """And that is nothing to write about: browsers keep six each."""
    newcomer = loop.client(b"GET")
    loop.waits(1)
    for count in range(LEAST_WAITING + 5):
        loop.answer(loop.client(GET))
        loop.waits(min(count + 2, LEAST_WAITING))

    newcomer.send(GET[3:])
    assert b" 200 OK" in loop.answer(newcomer)
    assert "short" not in caplog.text


class Exhausted:
    """A listener on a machine that has run out of something."""

    def __init__(self, listener: Any, code: int) -> None:
        self.listener = listener
        self.code = code
        self.tries = 0

    def accept(self) -> Any:
        self.tries += 1
        if self.code:
            raise OSError(self.code, os.strerror(self.code))
        return self.listener.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.listener, name)


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS])
def test_without_descriptors_or_memory_it_pauses_says_so_once_and_goes_on(
    tcp: socket.socket, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, code: int
):
    monkeypatch.setattr(worker, "PAUSE", 0.05)
    exhausted = Exhausted(tcp, code)
    loop = Loop(exhausted)  # type: ignore[arg-type]
    try:
        begin = time.monotonic()
        client = loop.client(GET)
        for _ in range(10):
            loop.turn()
        assert exhausted.tries < 3 + (time.monotonic() - begin) / worker.PAUSE
        loop.until(lambda: exhausted.tries > 1, "another try")
        exhausted.code = 0

        assert b" 200 OK" in loop.answer(client)
        (line,) = [line for line in caplog.messages if "short of places" in line]
        assert os.strerror(code) in line
    finally:
        loop.end()


def test_without_descriptors_those_that_wait_make_room(tcp: socket.socket):
    exhausted = Exhausted(tcp, 0)
    loop = Loop(exhausted)  # type: ignore[arg-type]
    try:
        clients = [loop.client(b"GET") for _ in range(worker.RELIEF + 4)]
        loop.waits(len(clients))
        exhausted.code = errno.EMFILE
        newcomer = loop.client(GET)
        loop.waits(4)
        exhausted.code = 0

        assert b" 200 OK" in loop.answer(newcomer)
        assert [loop.is_closed(client) for client in clients[-4:]] == [False] * 4
    finally:
        loop.end()


@pytest.mark.parametrize("sent", [b"GET", GET + b"GET"])
def test_without_memory_one_connection_is_lost_and_its_place_is_free(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, sent: bytes
):
    add = incoming.Incoming.add

    def run_out(conn: incoming.Incoming, data: bytes, *arguments: int) -> bool:
        if data == b"GET":
            raise MemoryError
        return add(conn, data, *arguments)

    monkeypatch.setattr(worker, "PAUSE", 0.0)
    monkeypatch.setattr(incoming.Incoming, "add", run_out)
    client = loop.client(sent)
    loop.until(lambda: loop.is_closed(client), "its end")

    assert loop.worker.nr_conns == 0
    assert b" 200 OK" in loop.answer(loop.client(GET))


def test_without_threads_a_request_gets_a_503_and_the_next_is_served(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as machine:
        machine.setattr(threading.Thread, "start", refuse)
        assert b" 503 Service Unavailable\r\n" in loop.answer(loop.client(GET))
    loop.turn()

    assert b" 200 OK" in loop.answer(loop.client(GET))
    assert "short of places: can't start new thread" in caplog.text


def test_a_poller_that_takes_no_more_costs_one_connection(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(worker, "PAUSE", 0.0)

    def refuse(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    client = loop.client()
    with monkeypatch.context() as machine:
        machine.setattr(loop.worker.poller, "register", refuse)
        loop.worker.accept(loop.listener)
        assert loop.is_closed(client)
        machine.undo()
    loop.worker.set_accept_enabled(True)

    assert loop.worker.nr_conns == 0
    assert b" 200 OK" in loop.answer(loop.client(GET))


# -- stopping ------------------------------------------------------------------------------------


def test_a_worker_that_stops_lets_those_that_wait_go_soon(loop: Loop):
    loop.client(b"GET")
    loop.answer(loop.client(GET))
    loop.waits(2)
    loop.worker.handle_exit(15, None)
    loop.turn()
    assert loop.worker.nr_conns == 2

    loop.grow_old(waiting.LINGER_SECONDS)
    loop.turn()

    assert loop.worker.nr_conns == 0


def test_an_application_that_exits_ends_its_request_only(loop: Loop):
    def exit_(*_arguments: object) -> list[bytes]:
        raise SystemExit(1)

    loop.worker.wsgi = exit_
    loop.client(GET)
    loop.until(lambda: loop.worker._waiting.ending, "its end")
    loop.worker.wsgi = echo

    assert b" 200 OK" in loop.answer(loop.client(GET))
