"""A client's WebSocket: simple-websocket's, with its gaps closed.

As shipped, simple-websocket tries only a host's first address, waits minutes for one that does
not answer, ignores partial sends, and overlooks data that arrived together with the handshake's
response. It does notice a silent peer, but with a selector, which does not see what TLS has
already decrypted. simple-websocket is built on wsproto.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import simple_websocket
from wsproto import ConnectionType
from wsproto.connection import ConnectionState
from wsproto.events import AcceptConnection, CloseConnection, RejectConnection, RejectData, Request

from chatroom.client.failures import MAX_CHARS, USE_HTTPS, http_failure, is_tls
from chatroom.errors import HandshakeRefused
from chatroom.sockets.adapter import HandOver, ReadLoop
from chatroom.wire.typed import SUBPROTOCOL

DIAL_TIMEOUT = 10.0
"""Seconds for each step of connecting."""

RECEIVE_BYTES = 65536
MAX_MESSAGE_CHARS = 64 << 20
"""Far above what a server sends; only bounds what a broken one can make us buffer."""

ABNORMAL = 1006
"""The code of a close without a Close frame (RFC 6455, section 7.4.1)."""


class End(NamedTuple):
    """How a connection ended: the server's close code, or 1006 where it sent none."""

    code: int
    reason: str

    def __str__(self) -> str:
        if self.code == ABNORMAL:
            return self.reason
        return f"close {self.code}: {self.reason}".rstrip(": ")


class ServerConnection(simple_websocket.Client):  # type: ignore[misc]
    """An open socket. One thread calls ``listen``; any thread may call the rest.

    Args:
        url: as ``chat_url`` returns it.
        ping_interval: seconds of silence after which the server is pinged; after as many more
            the connection counts as dead. Also the timeout for sending one frame.
        authorization: the header's value for a proxy that asks for a name and password.

    Raises:
        OSError: no connection.
        HandshakeRefused: the server answered with an HTTP error.
        wsproto.utilities.RemoteProtocolError: the response is not a valid handshake.
    """

    sock: Any
    connected: bool

    def __init__(
        self,
        url: str,
        *,
        ping_interval: float,
        timeout: float = DIAL_TIMEOUT,
        authorization: str | None = None,
    ) -> None:
        parts = urlsplit(url)
        is_secure = parts.scheme == "wss"
        host = parts.hostname or ""
        self.host = parts.netloc  # as the Host header has it
        self.path = parts.path + (f"?{parts.query}" if parts.query else "")
        self._silence = ping_interval
        self._headers = [(b"Authorization", authorization.encode())] if authorization else []
        # From a frame's bytes to their sending: nothing may follow a Close (RFC 6455, 5.5.1).
        self._speaking = threading.Lock()
        sock = socket.create_connection((host, parts.port or (443 if is_secure else 80)), timeout)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if is_secure:
                context = ssl.create_default_context()
                sock = context.wrap_socket(sock, server_hostname=host)
            # Bypasses Client.__init__, which would open another socket.
            super(simple_websocket.Client, self).__init__(
                sock,
                connection_type=ConnectionType.CLIENT,
                receive_bytes=RECEIVE_BYTES,
                max_message_size=MAX_MESSAGE_CHARS,
                thread_class=ReadLoop,
                event_class=HandOver,
            )
        except BaseException:
            sock.close()
            raise

    def handshake(self) -> None:
        """Shake hands; the library's constructor calls this."""
        sock = self.sock
        request = Request(
            host=self.host,
            target=self.path,
            subprotocols=[SUBPROTOCOL],
            extra_headers=self._headers,
        )
        sock.sendall(self.ws.send(request))
        refusal, body = None, b""
        while not self.connected:
            data = sock.recv(RECEIVE_BYTES)
            if is_tls(data) and not refusal:
                raise ConnectionAbortedError(USE_HTTPS)
            self.ws.receive_data(data or None)
            for event in self.ws.events():
                if isinstance(event, AcceptConnection):
                    self.subprotocol, self.connected = event.subprotocol, True
                    break  # what came with it waits for listen
                if isinstance(event, RejectConnection):
                    refusal = event
                elif isinstance(event, RejectData) and len(body) < MAX_CHARS:
                    body += event.data
                if refusal and getattr(event, "body_finished", len(body) >= MAX_CHARS):
                    raise self._refused(refusal, body)
            if not data and not self.connected:
                raise ConnectionAbortedError("the server hung up during the handshake")
        sock.settimeout(self._silence)
        self.sock = _Wire(sock)

    def _refused(self, refusal: RejectConnection, body: bytes) -> HandshakeRefused:
        headers = {name.lower(): value.decode("latin-1") for name, value in refusal.headers}
        reason = http_failure(
            refusal.status_code,
            body,
            headers.get(b"content-type", ""),
            location=headers.get(b"location", ""),
            with_password=bool(self._headers),
        )
        return HandshakeRefused(refusal.status_code, reason)

    def listen(self, handle: Callable[[str], None]) -> End:
        """Read until the connection ends; calls ``handle`` with each text, on this thread.

        Raises:
            Whatever ``handle`` raises; the connection is then closed.
        """

        def hand_over() -> None:
            while self.input_buffer:
                handle(self.input_buffer.pop(0))
            if self.ws.state is ConnectionState.REMOTE_CLOSING:
                with self._speaking, suppress(OSError):  # only a courtesy
                    self.sock.send(self.ws.send(CloseConnection(code=self.close_reason)))

        self.event.set = hand_over
        try:
            self.connected = self._handle_events()
            self.thread.run()
        finally:
            self.connected = False
            self.sock.close()
            del self.event.set  # a cycle
        if self.ws.state in (ConnectionState.CLOSED, ConnectionState.REMOTE_CLOSING):
            return End(int(self.close_reason), self.close_message or "")
        cause = self.sock.cause or self.close_message or "the connection broke"
        return End(ABNORMAL, cause)

    def say(self, text: str) -> None:
        """Send one text frame, whole.

        Raises:
            OSError, simple_websocket.ConnectionClosed, wsproto.utilities.LocalProtocolError:
                the connection has ended, or ends now.
        """
        try:
            with self._speaking:
                self.send(text)
        except OSError as error:
            self.cut(f"sending failed: {error}")  # part of the frame may be sent
            raise

    def hang_up(self) -> None:
        """Send a Close; ``listen`` returns when the server answers it. May have to wait for a
        server that reads nothing, until somebody calls ``cut``."""
        try:
            with self._speaking:
                self.sock.send(self.ws.send(CloseConnection(code=1000)))
        except Exception:  # already closed, by whichever layer
            self.cut("hung up")

    def cut(self, cause: str) -> None:
        """Close at once; ``listen`` returns."""
        self.sock.cut(cause)

    def release(self) -> None:
        """Close the descriptor; only while ``listen`` isn't running. Idempotent."""
        self.sock.close()


class _Wire:
    """The socket, as the library sees it: sends whole frames and pings a silent peer."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._turn = threading.Lock()  # held while sending: a Pong must not land inside a message
        self._pinged = False
        self.cause = ""
        """Why the connection ended without a Close."""

    def send(self, data: bytes) -> int:
        with self._turn:
            self._socket.sendall(data)
        return len(data)

    def recv(self, size: int) -> bytes:
        while True:
            try:
                data = self._socket.recv(size)
            except TimeoutError:
                if self._pinged:
                    self.cause = self.cause or "no answer to a ping"
                    raise
                self._pinged = True
                self.send(b"\x89\x80" + os.urandom(4))  # a Ping: no payload, only the mask
            except OSError as error:
                self.cause = self.cause or str(error)
                raise
            else:
                self._pinged = False
                return data

    def cut(self, cause: str) -> None:
        self.cause = self.cause or cause
        with suppress(OSError):  # it was gone already
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.cut("")  # unblocks a sender
        with self._turn:  # otherwise its descriptor might already be reused
            self._socket.close()
