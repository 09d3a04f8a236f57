"""A file on its way: when the server wants it later, it comes later, and whole."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from types import SimpleNamespace

import pytest

from chatroom.client import uploading
from chatroom.client.uploading import PATIENCE, RETRY_AFTER, upload
from chatroom.errors import ServerRefused
from tests.support.http_answers import Answer, answering, body

STORED = body('{"id": "abc"}', status=201)


def refusal(code: str, status: int = 503, seconds: str = "") -> Answer:
    content = json.dumps({"code": code, "detail": f"It is {code}."}).encode()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "application/problem+json")
        handler.send_header("Content-Length", str(len(content)))
        if seconds:
            handler.send_header("Retry-After", seconds)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


class SleepersClock:
    """Whose time is over as soon as somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[SleepersClock]:
    clock = SleepersClock()
    monkeypatch.setattr(uploading, "time", clock)
    monkeypatch.setattr(uploading, "random", SimpleNamespace(random=lambda: 0.5))
    yield clock


def send(url: str, tell: Callable[[str, float], None] = lambda why, seconds: None) -> str:
    stream = io.BytesIO(b"not this, but all of that")
    stream.seek(len("not this, "))
    return upload(url, "lobby", "a.png", stream, len("but all of that"), "token", tell)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (refusal("busy", seconds="2"), 2.5),
        (refusal("busy"), RETRY_AFTER + 0.5),
        (refusal("busy", seconds="Fri, 27 Nov 2026 12:00:00 GMT"), RETRY_AFTER + 0.5),
        (refusal("too-many-files", 429, "30"), 30.5),
    ],
)
def test_it_comes_again_when_the_server_says(
    clock: SleepersClock, answer: Answer, seconds: float
) -> None:
    told: list[float] = []
    sent: list[bytes] = []

    with answering(answer, answer, STORED, sent=sent) as (url, asked):
        assert send(url, lambda why, wait: told.append(wait)) == "abc"

    assert asked == ["/api/rooms/lobby/files/a.png"] * 3
    assert sent == [b"but all of that"] * 3
    assert clock.slept == told == [seconds] * 2


def test_it_does_not_come_for_ever(clock: SleepersClock) -> None:
    with (
        answering(refusal("busy", seconds="50")) as (url, asked),
        pytest.raises(ServerRefused, match=r"busy: It is busy\."),
    ):
        send(url)

    assert len(asked) == 3
    assert sum(clock.slept) <= PATIENCE


@pytest.mark.parametrize(
    "answer",
    [refusal("no-space", 507), refusal("files-off", 403), refusal("unavailable", seconds="5")],
)
def test_what_does_not_end_by_itself_is_told_at_once(clock: SleepersClock, answer: Answer) -> None:
    with answering(answer) as (url, asked), pytest.raises(ServerRefused):
        send(url)

    assert (len(asked), clock.slept) == (1, [])


def test_a_large_file_that_is_refused_before_it_has_come_is_told_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server reads no more of it, and hangs up on whoever goes on sending."""
    monkeypatch.setattr(uploading, "PATIENCE", 0)
    refused = b'{"code": "busy", "detail": "Later."}'
    head = b"HTTP/1.1 503 Busy\r\nContent-Type: application/problem+json\r\n"
    size = 32 << 20

    def refuse(listener: socket.socket) -> None:
        client, _address = listener.accept()
        with client:  # closed with bytes unread, which is a reset
            client.recv(4096)
            client.sendall(head + b"Content-Length: %d\r\n\r\n" % len(refused) + refused)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse, args=(listener,))
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(ServerRefused, match="busy: Later"):
            upload(url, "lobby", "a", io.BytesIO(bytes(size)), size, "token")
        thread.join()
