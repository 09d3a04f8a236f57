"""The servers that play a script outlive the clients that hang up early."""

from __future__ import annotations

import socket
import struct
from urllib.parse import urlsplit

import pytest

from tests.support.deadline import DEADLINE
from tests.support.scripted_server import SilentServer
from tests.support.websocket_client import handshake


@pytest.mark.parametrize("reset", [False, True])
def test_who_hangs_up_amid_the_handshake_takes_nobody_with_it(reset: bool) -> None:
    with SilentServer() as server:
        address = ("127.0.0.1", urlsplit(server.url).port)
        with socket.create_connection(address, DEADLINE) as early:
            early.sendall(handshake()[:20])
            if reset:
                early.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        with socket.create_connection(address, DEADLINE) as late:
            late.sendall(handshake())
            assert late.recv(12) == b"HTTP/1.1 101"
