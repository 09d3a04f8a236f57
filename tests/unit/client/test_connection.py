"""The socket of a client: where it leads, and what goes wrong on the way."""

from __future__ import annotations

import base64
import re
import socket
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from chatroom.addresses import authorization, chat_url, http_url, room_in
from chatroom.client.connection import ABNORMAL, End, ServerConnection
from chatroom.errors import HandshakeRefused
from tests.support.certificates import Certificate
from tests.support.deadline import DEADLINE, wait_for
from tests.support.scripted_server import ScriptedServer, ServerEnd, SilentServer


@pytest.mark.parametrize(
    ("url", "chat", "http"),
    [
        ("http://localhost:9999", "ws://localhost:9999/chat", "http://localhost:9999"),
        ("https://chat.example.com/", "wss://chat.example.com/chat", "https://chat.example.com"),
        ("localhost:9999", "ws://localhost:9999/chat", "http://localhost:9999"),
        ("ws://[::1]:80/chat", "ws://[::1]:80/chat", "http://[::1]:80"),
        ("https://a.example/talk/", "wss://a.example/talk/chat", "https://a.example/talk"),
        ("http://a.example/?room=garden", "ws://a.example/chat?room=garden", "http://a.example"),
        ("http://a.example/rooms/garden", "ws://a.example/chat?room=garden", "http://a.example"),
        (
            "https://a.example/talk/rooms/K%C3%BCche/#42-0123",
            "wss://a.example/talk/chat?room=K%C3%BCche",
            "https://a.example/talk",
        ),
        ("http://a.example/rooms/chat", "ws://a.example/chat?room=chat", "http://a.example"),
        ("ws://a.example/rooms/chat", "ws://a.example/rooms/chat", "http://a.example/rooms"),
        ("http://ann:s%40cret@a.example:80/", "ws://a.example:80/chat", "http://a.example:80"),
    ],
)
def test_where_a_url_leads(url: str, chat: str, http: str):
    assert (chat_url(url), http_url(url)) == (chat, http)


@pytest.mark.parametrize(
    ("url", "room"),
    [
        ("http://localhost:9999", None),
        ("http://localhost:9999/rooms/garden", "garden"),
        ("https://a.example/talk/rooms/K%C3%BCche/", "K\u00fcche"),
        ("https://a.example/?room=K%C3%BCche", "K\u00fcche"),
    ],
)
def test_a_url_may_name_the_room(url: str, room: str | None):
    assert room_in(url) == room


@pytest.mark.parametrize(
    ("url", "pair"),
    [
        ("http://ann:secret@host", "ann:secret"),
        ("ann:secret@host:9999", "ann:secret"),
        ("wss://ann:s%40c%3A%2Fr%C3%A9t@host/talk", "ann:s@c:/r\u00e9t"),
        ("http://ann@host", "ann:"),
    ],
)
def test_name_and_password_of_a_url_become_a_header(url: str, pair: str):
    assert authorization(url) == f"Basic {base64.b64encode(pair.encode()).decode()}"
    assert authorization("http://host") is None


@pytest.mark.parametrize(
    "url",
    [
        "ftp://ann:secret@host",
        "http://ann:secret@host:0",
        "http://ann:secret/secret@host",
        "http://ann:secret?secret@host",
        "http://ann:secret#secret@host",
        "http://ann:[secret@host",
        "http://ann:secret\u2100@host",
        "ann:secret@",
    ],
)
@pytest.mark.parametrize("read", [chat_url, http_url, room_in, authorization])
def test_a_wrong_url_is_refused_without_showing_its_password(url: str, read: Callable[[str], Any]):
    with pytest.raises(ValueError, match="not a server URL") as caught:
        read(url)
    shown = "".join(traceback.format_exception_only(caught.type, caught.value))
    assert "secret" not in shown
    assert caught.value.__cause__ is caught.value.__context__ is None


@contextmanager
def answering(answer: bytes, asked: list[bytes] | None = None) -> Iterator[str]:
    """A server that gives one answer to whatever it is asked."""

    def serve() -> None:
        accepted, _ = listener.accept()
        with accepted:
            request = accepted.recv(65536)
            if asked is not None:
                asked.append(request)
            accepted.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/chat"
        thread.join(DEADLINE)


def dial(url: str) -> ServerConnection:
    return ServerConnection(
        chat_url(url), ping_interval=DEADLINE, timeout=DEADLINE, authorization=authorization(url)
    )


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (b"HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\nToo full\n", 503, "Too full"),
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 404, "there is no chat room at this"),
        (b"HTTP/1.1 418 No\r\nContent-Length: 0\r\n\r\n", 418, "I'm a Teapot"),
        (b"HTTP/1.1 403 No\r\nConnection: close\r\n\r\nNot you\nMore", 403, "Not you"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000, 200, "x" * 1000),
    ],
)
def test_an_http_status_comes_with_its_reason(answer: bytes, status: int, reason: str):
    with answering(answer) as url, pytest.raises(HandshakeRefused) as caught:
        dial(url)
    assert caught.value.status == status
    assert caught.value.reason.startswith(reason)


def test_name_and_password_go_with_the_handshake():
    asked: list[bytes] = []
    no = b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
    with answering(no, asked) as url, pytest.raises(HandshakeRefused):
        dial(url.replace("ws://", "ws://ann:s%40cret@"))
    assert b"authorization: basic " + base64.b64encode(b"ann:s@cret") in (
        asked[0].replace(b"Authorization: Basic", b"authorization: basic")
    )
    assert re.search(rb"(?i)^host: 127\.0\.0\.1:\d+\r$", asked[0], re.MULTILINE)


def test_http_to_a_port_for_https_says_so():
    alert = b"\x15\x03\x01\x00\x02\x02\x16"
    with answering(alert) as url, pytest.raises(OSError, match="use https://"):
        dial(url)


def test_what_is_no_http_is_an_error():
    with answering(b"SSH-2.0-OpenSSH\r\n") as url, pytest.raises(RemoteProtocolError):
        dial(url)


def test_a_server_that_hangs_up_in_the_handshake_is_an_error():
    with answering(b"") as url, pytest.raises((OSError, RemoteProtocolError)):
        dial(url)


def test_every_address_of_a_host_is_tried(monkeypatch: pytest.MonkeyPatch):
    """As with localhost, where ::1 comes first and the server listens on 127.0.0.1."""

    def stay(peer: ServerEnd) -> None:
        peer.stay()

    with ScriptedServer(stay) as server:
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found)
        dial(f"http://localhost:{server.port}").release()


def test_what_comes_together_with_the_handshakes_answer_is_heard():
    heard: list[str] = []
    with SilentServer() as server:
        line = dial(server.url)
        thread = threading.Thread(target=lambda: line.listen(heard.append))
        thread.start()
        wait_for(lambda: heard, "the welcome")
        line.cut("enough")
        thread.join(DEADLINE)


def test_a_close_is_answered_and_told():
    def script(peer: ServerEnd) -> None:
        peer.close(4001, "replaced")
        assert peer.connection.protocol.close_rcvd is not None

    with ScriptedServer(script) as server:
        assert dial(server.url).listen(print) == End(4001, "replaced")


def test_an_end_without_a_close_says_why():
    def script(peer: ServerEnd) -> None:
        peer.cut()

    with ScriptedServer(script) as server:
        end = dial(server.url).listen(print)
    assert end.code == ABNORMAL
    assert str(end) == "the connection broke"


def test_a_large_message_goes_out_whole_while_pongs_do():
    """The kernel takes it in parts, and a Pong must not land between two of them."""
    size = 4 << 20
    got: list[int] = []

    def script(peer: ServerEnd) -> None:
        for _ in range(100):
            peer.connection.ping()
        got.append(len(peer.connection.recv(DEADLINE)))
        peer.close(1000)

    with ScriptedServer(script) as server:
        line = dial(server.url)
        sender = threading.Thread(target=lambda: line.say("x" * size))
        sender.start()
        end = line.listen(print)
        sender.join(DEADLINE)
    assert (end.code, got) == (1000, [size])


def test_over_tls_nothing_waits_in_what_is_decrypted_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The server sends much and then nothing: all of it is heard."""
    count = 5000
    heard: list[str] = []

    def script(peer: ServerEnd) -> None:
        peer.send(*({"number": number} for number in range(count)))
        peer.stay()

    certificate = Certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    with ScriptedServer(script, tls=context) as server:
        line = ServerConnection(chat_url(server.url), ping_interval=DEADLINE)
        thread = threading.Thread(target=lambda: line.listen(heard.append))
        thread.start()
        wait_for(lambda: len(heard) == count, "all of it")
        line.hang_up()
        thread.join(DEADLINE)
        assert not thread.is_alive()


def test_nothing_that_is_said_follows_a_close():
    """Also not what was a frame already, and had not yet been sent."""
    heard: list[str] = []

    def script(peer: ServerEnd) -> None:
        heard.append(peer.hear()["body"])
        peer.stay()

    def say_late(frame: bytes) -> int:
        line.sock.send = send
        leaver.start()
        leaver.join(0.2)  # unless it waits, its Close is sent by now
        return send(frame)

    with ScriptedServer(script) as server:
        line = ServerConnection(chat_url(server.url), ping_interval=DEADLINE)
        leaver = threading.Thread(target=line.hang_up)
        send, line.sock.send = line.sock.send, say_late
        line.say('{"body": "late"}')
        leaver.join(DEADLINE)
        with pytest.raises(LocalProtocolError):
            line.say("too late")
        wait_for(lambda: heard, "what was said")
        line.release()
    assert heard == ["late"]


def test_a_certificate_of_nobody_known_is_refused(tmp_path: Path):
    certificate = Certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key)
    with (
        ScriptedServer(lambda peer: peer.stay(), tls=context) as server,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        dial(server.url)
