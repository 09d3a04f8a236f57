"""The bad network itself: it does to a connection what it was told, and nothing else."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

import pytest

from tests.support.deadline import DEADLINE, wait_for
from tests.support.network import FINE, Fate, Proxy
from tests.support.ports import idle_port


@dataclass
class Pair:
    """A connection through a proxy, both ends in the test's hands."""

    proxy: Proxy
    client: socket.socket
    server: socket.socket


@contextmanager
def paired(up: Fate = FINE, down: Fate = FINE) -> Iterator[Pair]:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        proxy = stack.enter_context(Proxy(listener.getsockname()[1], lambda: (up, down)))
        client = stack.enter_context(socket.create_connection(("127.0.0.1", proxy.port)))
        server = stack.enter_context(listener.accept()[0])
        for end in (client, server):
            end.settimeout(DEADLINE)
        yield Pair(proxy, client, server)


def receive(end: socket.socket, size: int) -> bytes:
    """So many bytes, or fewer where the stream ends."""
    data = b""
    while len(data) < size and (more := end.recv(size - len(data))):
        data += more
    return data


def test_all_bytes_pass_both_ways_in_order() -> None:
    sent = os.urandom(3_000_000)
    with paired() as pair:
        for source, sink in ((pair.client, pair.server), (pair.server, pair.client)):
            sender = threading.Thread(target=source.sendall, args=(sent,))
            sender.start()
            assert receive(sink, len(sent)) == sent
            sender.join(DEADLINE)


def test_one_side_may_end_while_the_other_still_speaks() -> None:
    with paired() as pair:
        pair.client.sendall(b"the last")
        pair.client.shutdown(socket.SHUT_WR)
        assert receive(pair.server, 100) == b"the last"
        pair.server.sendall(b"an answer")
        pair.server.close()
        assert receive(pair.client, 100) == b"an answer"
        wait_for(lambda: not pair.proxy.links, "the end of the connection")


def test_a_delay_keeps_each_chunk_so_long_and_their_order() -> None:
    with paired(up=Fate(delay=0.2)) as pair:
        begin = time.monotonic()
        pair.client.sendall(b"one")
        pair.client.sendall(b"two")
        pair.server.sendall(b"at once")
        assert receive(pair.client, 7) == b"at once"
        assert receive(pair.server, 6) == b"onetwo"
        assert time.monotonic() - begin >= 0.2


@pytest.mark.parametrize("size", [1, 1000, 100_000])
def test_a_cut_lets_exactly_so_many_bytes_through(size: int) -> None:
    sent = os.urandom(150_000)
    with paired(down=Fate(cut_after=size)) as pair:
        sender = threading.Thread(target=send_what_goes, args=(pair.server, sent))
        sender.start()
        assert receive(pair.client, len(sent)) == sent[:size]
        sender.join(DEADLINE)


def send_what_goes(end: socket.socket, data: bytes) -> None:
    with suppress(ConnectionError):
        end.sendall(data)


def test_a_cut_by_reset_is_a_reset_for_both() -> None:
    with paired(up=Fate(cut_after=3, reset=True)) as pair:
        pair.client.sendall(b"abc")
        for end in (pair.client, pair.server):
            with pytest.raises(ConnectionResetError):
                receive(end, 100)


def test_a_frozen_direction_stands_still_and_the_other_goes_on() -> None:
    with paired(up=Fate(freeze_after=3)) as pair:
        pair.client.sendall(b"abcdef")
        assert receive(pair.server, 3) == b"abc"
        pair.server.sendall(b"still here")
        assert receive(pair.client, 10) == b"still here"
        assert is_silent(pair.server)

        link = pair.proxy.link(pair.client)
        assert link.up.frozen
        link.thaw(link.up)
        assert receive(pair.server, 3) == b"def"


def is_silent(end: socket.socket) -> bool:
    """Whether nothing has come: neither bytes nor an end."""
    end.setblocking(False)
    try:
        return end.recv(1) is None
    except BlockingIOError:
        return True
    finally:
        end.settimeout(DEADLINE)


def test_who_goes_away_behind_a_frozen_link_is_not_missed() -> None:
    """Half-open: the server sees neither an end nor a reset, until the link thaws."""
    with paired() as pair:
        link = pair.proxy.link(pair.client)
        link.freeze()
        pair.client.close()
        pair.server.sendall(b"are you there?")
        pair.proxy.do(lambda: None)  # one more round of its thread
        assert is_silent(pair.server)
        link.thaw()
        with pytest.raises(ConnectionError):
            while True:
                pair.server.sendall(b"x" * 1000)


def test_a_frozen_direction_pushes_back_and_holds_little() -> None:
    with paired() as pair:
        pair.proxy.link(pair.client).freeze()
        pair.client.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                pair.client.send(b"x" * 65536)


def test_each_connection_has_its_own_fate_and_may_be_told_one_by_one() -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        fates = iter([(Fate(cut_after=2), FINE), (FINE, FINE), (FINE, FINE)])
        proxy = stack.enter_context(Proxy(listener.getsockname()[1], lambda: next(fates)))
        pairs = []
        for _ in range(3):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", proxy.port)))
            pairs.append((client, stack.enter_context(listener.accept()[0])))
            client.sendall(b"abc")
        (_, first), (second, _), (third, other) = pairs
        proxy.link(second).reset()

        assert receive(first, 100) == b"ab"
        with pytest.raises(ConnectionResetError):
            receive(second, 100)
        assert receive(other, 3) == b"abc"
        proxy.link(third).close()
        assert receive(other, 100) == b""
        assert (proxy.accepted, len(proxy.links)) == (3, 0)


def test_a_server_that_is_away_is_a_reset() -> None:
    with (
        Proxy(idle_port().number) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port)) as end,
    ):
        end.settimeout(DEADLINE)
        with pytest.raises(ConnectionResetError):
            receive(end, 1)


def test_it_ends_with_all_its_connections() -> None:
    before = threading.active_count()
    with paired() as pair:
        assert threading.active_count() == before + 1
        pair.client.sendall(b"x")
        assert receive(pair.server, 1) == b"x"
        pair.proxy.stop()
        assert threading.active_count() == before
        with pytest.raises(ConnectionResetError):
            receive(pair.client, 1)
