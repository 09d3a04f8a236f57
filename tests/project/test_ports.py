"""The ports of the tests: each is kept for its test, and free for the test's own server."""

from __future__ import annotations

import contextlib
import gc
import socket
import struct
from collections.abc import Callable, Iterator

import pytest

from tests.support.ports import Port

IP_LOCAL_PORT_RANGE = 51  # linux/in.h: the lowest port, and in the upper 16 bits the highest


def test_nobody_listens_there_until_a_server_comes_and_after_it_has_gone():
    port = Port()
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port.number))
        with (
            socket.create_server(("127.0.0.1", port.number)) as server,
            socket.create_connection(server.getsockname()),
        ):
            server.accept()[0].close()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_server_that_listens_there_keeps_a_second_one_out(host: str):
    port = Port()
    with socket.create_server((host, port.number)), pytest.raises(OSError, match="in use"):
        socket.create_server((host, port.number))


@pytest.fixture
def choosy() -> Iterator[Callable[[Port], socket.socket]]:
    """Make sockets for which the kernel may choose this port alone."""
    with contextlib.ExitStack() as stack:

        def make(port: Port) -> socket.socket:
            made = stack.enter_context(socket.socket())
            only = struct.pack("=I", port.number << 16 | port.number)
            try:
                made.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, only)
            except OSError:
                pytest.skip("only Linux 6.3 and newer can be asked")
            return made

        yield make


@pytest.mark.parametrize("reuse", [0, 1])
def test_who_asks_for_any_port_gets_another(choosy: Callable[[Port], socket.socket], reuse: int):
    port = Port()
    other = choosy(port)
    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
    with pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", 0))


def test_who_connects_from_any_port_gets_another(choosy: Callable[[Port], socket.socket]):
    port = Port()
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(OSError, match="Cannot assign"),
    ):
        choosy(port).connect(server.getsockname())


def test_it_is_given_back():
    port = Port()
    number = port.number
    del port
    gc.collect()
    with socket.socket() as other:
        other.bind(("127.0.0.1", number))
